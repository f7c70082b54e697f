"""The operations of `architectures.sketch` as Keras layers, and the encoders that Keras has."""

from collections.abc import Callable

import keras
from keras import layers, ops

from unet_core.architectures import encoders
from unet_core.architectures.sketch import Conv, Features, Sketch
from unet_core.architectures.specs import UNetArguments


class KerasLayers:
    """The operations on Keras tensors (N, H, W, channels), beginning with ``input``."""

    def __init__(self, size: int | None):
        """``size``: side of the images; None: any."""
        self.input = layers.Input((size, size, 3), name="pixels")

    def pixels(self, channels: int = 3, scale: float = 1.0, offset: float = 0.0) -> Features:
        x = layers.Rescaling(scale, offset)(self.input)
        return x if channels == 3 else ops.mean(x, axis=-1, keepdims=True)

    def convolution(self, x: Features, name: str, filters: int, conv: Conv) -> Features:
        how = {"use_bias": conv.bias, "kernel_initializer": conv.initializer, "name": name}
        x = layers.Conv2D(filters, conv.kernel, conv.stride, conv.padding, **how)(x)
        return _finish(x, conv)

    def separable(self, x: Features, name: str, filters: int, conv: Conv) -> Features:
        how = {"padding": "same", "use_bias": conv.bias, "name": name}
        x = layers.SeparableConv2D(filters, conv.kernel, conv.stride, **how)(x)
        return _finish(x, conv)

    def transposed(self, x: Features, name: str, filters: int, conv: Conv) -> Features:
        how = {"padding": "same", "use_bias": conv.bias, "name": name}
        return _finish(layers.Conv2DTranspose(filters, conv.kernel, 2, **how)(x), conv)

    def bilinear(self, x: Features, name: str) -> Features:
        return layers.UpSampling2D(interpolation="bilinear", name=name)(x)

    def pool(self, x: Features, name: str) -> Features:
        return layers.MaxPooling2D(name=name)(x)

    def dropout(self, x: Features, rate: float) -> Features:
        return layers.SpatialDropout2D(rate)(x) if rate else x

    def concatenate(
        self, skip: Features, x: Features, name: str, crop: int = 0, skip_last: bool = False
    ) -> Features:
        skip = layers.Cropping2D(crop)(skip) if crop else skip
        return layers.Concatenate(name=name)([x, skip] if skip_last else [skip, x])


def _finish(x: Features, conv: Conv) -> Features:
    if conv.norm:
        x = layers.BatchNormalization(momentum=conv.norm)(x)
    return layers.ReLU()(x) if conv.relu else x


def mobilenetv2_encoder() -> keras.Model:
    """Keras's MobileNetV2 with random weights, from pixels in −1 to 1 to its four skips and bottom.

    Named "encoder". Takes float32 (N, H, W, 3) whose sides are multiples of 32.
    """
    base = keras.applications.MobileNetV2((None, None, 3), include_top=False, weights=None)
    described = encoders.mobilenetv2(Sketch(32), UNetArguments())[1:]
    outputs = [base.get_layer(feature.name).output for feature in described]
    return keras.Model(base.input, outputs, name="encoder")


def _mobilenetv2(ops: KerasLayers, net: UNetArguments) -> list[Features]:
    pixels = ops.pixels(scale=1 / 127.5, offset=-1)
    return [pixels, *mobilenetv2_encoder()(pixels)]


# In place of the description, for those that start from weights which Keras has.
PRETRAINED: dict[Callable, Callable] = {encoders.mobilenetv2: _mobilenetv2}
