"""Encoders: from the image to a list of features, halved 0, 1, 2, … times; the last is the bottom.

A new one is a function here, named by an entry of the catalogue. One that Keras has with weights is
described for its shapes and costs, and built by `models.layers.PRETRAINED`.
"""

from dataclasses import replace

from unet_core.architectures.sketch import Conv, Features, Operations, Sketch
from unet_core.architectures.specs import Layer, UNetArguments

# Filters of MobileNetV2's blocks 1 to 16, and the blocks that halve the resolution.
BLOCKS = (24,) * 2 + (32,) * 3 + (64,) * 4 + (96,) * 3 + (160,) * 3 + (320,)
HALVING = (1, 3, 6, 13)


def plain(ops: Operations, net: UNetArguments) -> list[Features]:
    """The encoder of Ronneberger et al. (2015): convolve twice, keep the features, halve."""
    x = ops.pixels(net.channels, scale=1 / 255)
    features = []
    for level in range(net.depth):
        x = double_convolution(ops, x, f"encoder{level + 1}", net, level)
        features.append(x)
        x = ops.pool(x, f"pool{level + 1}")
    x = double_convolution(ops, x, "bottom", net, net.depth)
    return [*features, ops.dropout(x, net.dropout)]


def double_convolution(
    ops: Operations, x: Features, name: str, net: UNetArguments, level: int
) -> Features:
    """Two 3×3 convolutions, each with its ReLU; He's initial weights, as in the paper."""
    momentum = 0.99 if net.batch_norm else 0.0
    conv = Conv(padding=net.padding, norm=momentum, initializer="he_normal")
    for number in (1, 2):
        x = ops.convolution(x, f"{name}_conv{number}", net.filters * 2**level, conv)
    return x


def mobilenetv2(ops: Sketch, net: UNetArguments) -> list[Layer]:
    """MobileNetV2 (Sandler et al. 2018, table 2) up to its block 16, with Keras's layer names."""
    conv = Conv(bias=False, norm=0.999)
    halving, expanding = replace(conv, stride=2), replace(conv, kernel=1)
    features = [ops.pixels()]
    x = ops.convolution(features[0], "Conv1", 32, halving)
    x = ops.separable(x, "block_0_project", 16, conv, inner_norm=True)
    for number, filters in enumerate(BLOCKS, 1):
        x = ops.convolution(x, f"block_{number}_expand_relu", 6 * x.channels, expanding)
        how = halving if number in HALVING else conv
        if number in HALVING:
            features.append(x)
        if number == len(BLOCKS):  # the bottom is taken before its batch normalisation
            how = replace(conv, norm=0)
        x = ops.separable(x, f"block_{number}_project", filters, how, inner_norm=True)
    return [*features, x]
