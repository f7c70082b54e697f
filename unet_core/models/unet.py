"""The U-Net of Ronneberger, Fischer and Brox (2015), built from scratch in any size.

Down: two 3x3 convolutions, keep the features, halve the resolution, double the channels. Up: double
the resolution, put the kept features beside, two 3x3 convolutions.
"""

import keras
from keras import layers, ops

from unet_core.architectures.specs import UNetArguments


def build_unet(outputs: int, size: int | None = None, **arguments) -> keras.Model:
    """A U-Net with random weights: float32 RGB pixels (N, H, W, 3) in 0–255 in, logits out.

    ``outputs``: channels of the logits (N, H', W', outputs). ``arguments``: see `UNetArguments`,
    whose defaults are the paper's except for the padding. Height and width must be multiples of
    2**depth; with ``padding="valid"`` the output is smaller than the input (572 to 388 at depth 4)
    and few sizes fit (`UNetArguments.nearest_size`). ``UserError`` when ``size`` does not.
    """
    net = UNetArguments.of(arguments, size)
    pixels = layers.Input((size, size, 3), name="pixels")
    x = layers.Rescaling(1 / 255)(pixels)
    if net.channels == 1:
        x = ops.mean(x, axis=-1, keepdims=True)

    maps = []
    for level in range(net.depth):
        x = _block(x, f"encoder{level + 1}", net.filters * 2**level, net)
        maps.append(x)
        x = layers.MaxPooling2D(name=f"pool{level + 1}")(x)

    x = _block(x, "bottom", net.filters * 2**net.depth, net)
    if net.dropout:
        x = layers.SpatialDropout2D(net.dropout)(x)

    for level in reversed(range(net.depth)):
        filters = net.filters * 2**level
        x = layers.Conv2DTranspose(filters, 2, strides=2, name=f"up{level + 1}")(x)
        if net.skips:
            kept = layers.Cropping2D(net.margin(level))(maps[level])
            x = layers.Concatenate(name=f"skip{level + 1}")([kept, x])
        x = _block(x, f"decoder{level + 1}", filters, net)

    return keras.Model(pixels, layers.Conv2D(outputs, 1, name="logits")(x), name="unet")


def _block(x, name: str, filters: int, net: UNetArguments):
    """Two 3x3 convolutions, each with its ReLU; He's initial weights, as in the paper."""
    for number in (1, 2):
        x = layers.Conv2D(
            filters, 3, padding=net.padding, kernel_initializer="he_normal",
            name=f"{name}_conv{number}",
        )(x)  # fmt: skip
        if net.batch_norm:
            x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
    return x
