"""The operations that encoders, decoders and heads are written in, as arithmetic on shapes.

`models.layers.KerasLayers` has the same ones and builds Keras layers.
"""

from dataclasses import dataclass
from typing import Any

from unet_core.architectures.specs import Layer

Operations = Any  # a `Sketch`, or `KerasLayers`
Features = Any  # a feature map: a `Layer` of a sketch, or a Keras tensor (N, H, W, channels)


@dataclass(frozen=True)
class Conv:
    """How a convolution is done, and what follows it."""

    kernel: int = 3  # its side
    stride: int = 1
    padding: str = "same"  # same | valid
    bias: bool = True
    norm: float = 0.0  # momentum of the batch normalisation; 0: none
    relu: bool = True
    initializer: str = "glorot_uniform"  # of the kernel, Keras's name


class Sketch:
    """Every operation returns the `Layer` that it adds to ``layers``; ``name`` is the layer's."""

    def __init__(self, size: int):
        """``size``: side of the image in pixels."""
        self.size = size
        self.layers: list[Layer] = []
        self.part = "encoder"  # of the network, for the layers to come

    def pixels(self, channels: int = 3, scale: float = 1.0, offset: float = 0.0) -> Layer:
        """The image, float32 RGB in 0–255, times ``scale`` plus ``offset``.

        ``channels``: 3, or 1 for the mean of the colors.
        """
        return self._add("input", "pixels", (), (self.size, channels, 1))

    def convolution(self, x: Layer, name: str, filters: int, conv: Conv) -> Layer:
        """A convolution with its batch normalisation and activation."""
        return self._convolve(x, name, filters, conv, conv.kernel**2 * x.channels * filters)

    def separable(
        self, x: Layer, name: str, filters: int, conv: Conv, inner_norm: bool = False
    ) -> Layer:
        """A depthwise convolution, then a 1×1 convolution to ``filters`` channels.

        ``inner_norm``: with batch normalisation and activation between the two, here only.
        """
        weights = (conv.kernel**2 + filters) * x.channels
        return self._convolve(x, name, filters, conv, weights, inner=x.channels * inner_norm)

    def transposed(self, x: Layer, name: str, filters: int, conv: Conv) -> Layer:
        """A transposed convolution that doubles the resolution."""
        costs = _costs(conv.kernel**2 * x.channels * filters, x.size, 2 * x.size, filters, conv)
        shape, wider = (2 * x.size, filters, x.step // 2), (conv.kernel - 1) // 2 * x.step
        return self._add("up", name, (x,), shape, wider, **costs)

    def bilinear(self, x: Layer, name: str) -> Layer:
        """Bilinear upsampling to the double resolution."""
        return self._add("up", name, (x,), (2 * x.size, x.channels, x.step // 2), x.step)

    def pool(self, x: Layer, name: str) -> Layer:
        """The maximum of 2×2 pixels, which halves the resolution."""
        return self._add("pool", name, (x,), (x.size // 2, x.channels, 2 * x.step), x.step)

    def dropout(self, x: Layer, rate: float) -> Layer:
        """Leave out a part of the channels in training; ``rate`` 0: none."""
        return x

    def concatenate(
        self, skip: Layer, x: Layer, name: str, crop: int = 0, skip_last: bool = False
    ) -> Layer:
        """A skip connection: the encoder's features, ``crop`` pixels less on each side, beside x.

        ``skip_last``: the encoder's channels follow those of x.
        """
        shape = (x.size, skip.channels + x.channels, x.step)
        return self._add("concatenate", name, (skip, x), shape)

    def _convolve(
        self, x: Layer, name: str, filters: int, conv: Conv, weights: int, inner: int = 0
    ) -> Layer:
        size = x.size - conv.kernel + 1 if conv.padding == "valid" else -(-x.size // conv.stride)
        costs = _costs(weights, size, size, filters, conv, inner)
        shape, wider = (size, filters, x.step * conv.stride), (conv.kernel - 1) * x.step
        return self._add("convolution", name, (x,), shape, wider, **costs)

    def _add(
        self,
        kind: str,
        name: str,
        inputs: tuple[Layer, ...],
        shape: tuple[int, int, int],
        wider: int = 0,
        **costs: int,
    ) -> Layer:
        """``shape``: size, channels, step. ``wider``: what it adds to the receptive field."""
        field = max((x.receptive_field for x in inputs), default=1) + wider
        layer = Layer(name, kind, self.part, *shape, field, inputs, **costs)
        self.layers.append(layer)
        return layer


def _costs(
    weights: int, positions: int, size: int, filters: int, conv: Conv, inner: int = 0
) -> dict[str, int]:
    """Of kernels of so many weights, applied at ``positions`` × ``positions`` places.

    ``inner``: channels inside the layer that have a batch normalisation and activation.
    """
    norms = inner + filters * bool(conv.norm)
    return {
        "parameters": weights + filters * conv.bias + 4 * norms,
        "frozen": 2 * norms,
        "multiply_adds": weights * positions**2,
        "hidden": size**2 * (norms + inner),
    }
