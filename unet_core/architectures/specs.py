"""What a network is made of, computed from its arguments alone, without building it.

Layers carry the names that the builders in ``unet_core.models`` give them, so that tests can hold
both against each other.
"""

from dataclasses import asdict, dataclass

from unet_core.errors import UserError
from unet_core.store.config import UNetSettings

FLOAT32, FLOAT16 = 4, 2  # bytes


@dataclass(frozen=True)
class UNetArguments(UNetSettings):
    """The settings of a from-scratch U-Net, and the sizes that follow from them."""

    @classmethod
    def of(cls, arguments: dict, size: int | None = None) -> "UNetArguments":
        """Checked arguments for images of ``size`` (None: not known yet); ``UserError``."""
        unet = cls.from_dict(arguments)
        if size is not None and unet.nearest_size(size) != size:
            raise UserError(
                f"Pictures of {size} × {size} do not fit a U-Net with depth {unet.depth} and "
                f"{unet.padding} padding; the nearest that do are {unet.nearest_size(size)} pixels "
                "a side."
            )
        return unet

    def nearest_size(self, size: int) -> int:
        """The side closest to ``size`` that can be halved ``depth`` times without a remainder."""
        step = 2**self.depth
        if self.padding == "same":
            return max(step, round(size / step) * step)
        # A level's two convolutions take 4 pixels before it halves, so sides are 4 short of a
        # multiple; below 12 steps, nothing is left of the output.
        return max(12, round((size + 4) / step)) * step - 4

    def covering_size(self, size: int) -> int:
        """The smallest side of an input whose output is at least ``size`` pixels a side."""
        covering = self.nearest_size(size)
        while covering - 2 * self.lost < size:
            covering += 2**self.depth
        return covering

    @property
    def lost(self) -> int:
        """Pixels by which the output is smaller than the input on each side."""
        return 0 if self.padding == "same" else self.margin(0) + 4

    def margin(self, level: int) -> int:
        """Pixels that valid convolutions below ``level`` (0: the top) cost each side of it."""
        if self.padding == "same":
            return 0
        lost = 4  # by the bottom's two convolutions, both sides together
        for _ in range(level + 1, self.depth):
            lost = 2 * lost + 8
        return lost


@dataclass(frozen=True)
class Layer:
    """A layer and the map of features that it gives for one image."""

    name: str
    kind: str  # input | convolution | pool | up | concatenate
    part: str  # encoder | bottom | decoder | output
    level: int  # how often the resolution has been halved
    size: int  # height and width of the output, in pixels
    channels: int
    parameters: int
    frozen: int  # parameters that never learn by gradients (batch norm's running statistics)
    multiply_adds: int
    receptive_field: int  # side of the window of the input that one output pixel can see
    step: float  # distance of neighbouring output pixels, in pixels of the input
    skip_channels: int = 0  # of a concatenation: how many come from the encoder
    values: int = 0  # numbers that training keeps of it, where there are inner layers

    @property
    def activations(self) -> int:
        """Numbers in the feature maps of one image, those inside the layer included."""
        return self.values or self.size**2 * self.channels


@dataclass(frozen=True)
class Specification:
    """A network: its layers in order, and its totals."""

    layers: tuple[Layer, ...]

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def trainable(self) -> int:
        """Parameters that learn when all of the network does."""
        return self.parameters - sum(layer.frozen for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Multiplications with addition that one image takes."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def training_memory(self) -> int:
        """Bytes of all feature maps of one image, which training keeps for the gradients."""
        return FLOAT32 * sum(layer.activations for layer in self.layers)

    @property
    def output(self) -> Layer:
        return self.layers[-1]

    @property
    def receptive_field(self) -> int:
        return self.output.receptive_field

    def layer(self, name: str) -> Layer:
        return next(layer for layer in self.layers if layer.name == name)

    def table(self) -> list[dict]:
        """A row for each layer."""
        return [asdict(layer) for layer in self.layers]


class _Drawing:
    """Lays layers one after the other; every method returns the layer it has added."""

    def __init__(self, size: int, channels: int):
        self.layers: list[Layer] = []
        self.part, self.level = "encoder", 0
        self._add("pixels", "input", None, size, channels)

    def _add(self, name: str, kind: str, before: Layer | None, size: int, channels: int,
             sees: float = 0, step: float | None = None, **numbers) -> Layer:  # fmt: skip
        """``sees``: how much wider than its input's window is that of this layer's output."""
        field = int(before.receptive_field + sees) if before else 1
        step = step if step is not None else (before.step if before else 1)
        numbers = {"parameters": 0, "frozen": 0, "multiply_adds": 0, "receptive_field": field,
                   "step": step} | numbers  # fmt: skip
        layer = Layer(name, kind, self.part, self.level, size, channels, **numbers)
        self.layers.append(layer)
        return layer

    def convolution(self, x: Layer, name: str, filters: int, kernel: int = 3, stride: int = 1, *,
                    valid: bool = False, bias: bool = True, norm: bool = False):  # fmt: skip
        """A convolution with its batch normalisation and activation."""
        size = x.size - kernel + 1 if valid else -(-x.size // stride)
        weights = kernel**2 * x.channels * filters
        return self._add(
            name, "convolution", x, size, filters, (kernel - 1) * x.step, x.step * stride,
            parameters=weights + filters * bias + 4 * filters * norm, frozen=2 * filters * norm,
            multiply_adds=weights * size**2, values=size**2 * filters * (2 if norm else 1),
        )  # fmt: skip

    def separable(self, x: Layer, name: str, filters: int) -> Layer:
        """A depthwise 3x3 and a 1x1 convolution without biases, then batch normalisation."""
        weights = 9 * x.channels + x.channels * filters
        return self._add(
            name, "convolution", x, x.size, filters, 2 * x.step,
            parameters=weights + 4 * filters, frozen=2 * filters,
            multiply_adds=weights * x.size**2, values=2 * x.size**2 * filters,
        )  # fmt: skip

    def pool(self, x: Layer, name: str) -> Layer:
        self.level += 1
        return self._add(name, "pool", x, x.size // 2, x.channels, x.step, 2 * x.step)

    def transposed(self, x: Layer, name: str, filters: int, kernel: int = 2, bias: bool = True,
                   norm: bool = False) -> Layer:  # fmt: skip
        """A transposed convolution of stride 2."""
        self.level -= 1
        weights = kernel**2 * x.channels * filters
        return self._add(
            name, "up", x, 2 * x.size, filters, ((kernel + 1) // 2 - 1) * x.step, x.step / 2,
            parameters=weights + filters * bias + 4 * filters * norm, frozen=2 * filters * norm,
            multiply_adds=weights * x.size**2, values=4 * x.size**2 * filters * (2 if norm else 1),
        )  # fmt: skip

    def bilinear(self, x: Layer, name: str) -> Layer:
        self.level -= 1
        return self._add(name, "up", x, 2 * x.size, x.channels, x.step, x.step / 2)

    def concatenate(self, skip: Layer, x: Layer, name: str) -> Layer:
        wider = max(0, skip.receptive_field - x.receptive_field)
        return self._add(name, "concatenate", x, x.size, skip.channels + x.channels, wider,
                         skip_channels=skip.channels)  # fmt: skip

    def inverted_residual(self, x: Layer, name: str, filters: int, stride: int = 1) -> Layer:
        """A block of MobileNetV2, its output's batch normalisation included."""
        expanded = self.convolution(x, f"{name}_expand_relu", 6 * x.channels, 1, 1, bias=False,
                                    norm=True)  # fmt: skip
        self.level += stride - 1
        return self.narrow(expanded, name, filters, stride)

    def narrow(
        self, x: Layer, name: str, filters: int, stride: int = 1, norm: bool = True
    ) -> Layer:
        """The second half of an inverted residual: depthwise 3x3, then 1x1 to ``filters``."""
        size = -(-x.size // stride)
        depthwise, pointwise = 9 * x.channels, x.channels * filters
        return self._add(
            f"{name}_project", "convolution", x, size, filters, 2 * x.step, x.step * stride,
            parameters=depthwise + 4 * x.channels + pointwise + 4 * filters * norm,
            frozen=2 * x.channels + 2 * filters * norm,
            multiply_adds=(depthwise + pointwise) * size**2,
            values=size**2 * (2 * x.channels + filters * (1 + norm)),
        )  # fmt: skip


def unet(outputs: int, size: int, **arguments) -> Specification:
    """The from-scratch U-Net for images of ``size``; ``UserError`` as `UNetArguments.of`."""
    net = UNetArguments.of(arguments, size)
    drawing = _Drawing(size, net.channels)

    def block(x: Layer, name: str, filters: int) -> Layer:
        for number in (1, 2):
            x = drawing.convolution(
                x, f"{name}_conv{number}", filters, valid=net.padding == "valid",
                norm=net.batch_norm,
            )  # fmt: skip
        return x

    x, maps = drawing.layers[0], []
    for level in range(net.depth):
        x = block(x, f"encoder{level + 1}", net.filters * 2**level)
        maps.append(x)
        x = drawing.pool(x, f"pool{level + 1}")
    drawing.part = "bottom"
    x = block(x, "bottom", net.filters * 2**net.depth)
    drawing.part = "decoder"
    for level in reversed(range(net.depth)):
        x = drawing.transposed(x, f"up{level + 1}", net.filters * 2**level)
        if net.skips:
            x = drawing.concatenate(maps[level], x, f"skip{level + 1}")
        x = block(x, f"decoder{level + 1}", net.filters * 2**level)
    drawing.part = "output"
    drawing.convolution(x, "logits", outputs, 1)
    return Specification(tuple(drawing.layers))


def mobilenetv2(outputs: int, size: int) -> Specification:
    """The article's decoder of transposed convolutions over a MobileNetV2."""
    drawing, maps, x = _mobilenet_encoder(size)
    for level, filters in zip((4, 3, 2, 1), (512, 256, 128, 64), strict=True):
        x = drawing.transposed(x, f"up{level}", filters, kernel=4, bias=False, norm=True)
        x = drawing.concatenate(maps[level - 1], x, f"skip{level}")
    drawing.part = "output"
    drawing.transposed(x, "logits", outputs, kernel=3)
    return Specification(tuple(drawing.layers))


def mobilenetv2_fast(outputs: int, size: int) -> Specification:
    """The light decoder over a MobileNetV2."""
    drawing, maps, x = _mobilenet_encoder(size)

    def plain(x: Layer, name: str, filters: int, kernel: int) -> Layer:
        return drawing.convolution(x, name, filters, kernel, bias=False, norm=True)

    for level, filters in zip((4, 3, 2, 1), (160, 112, 80, 56), strict=True):
        x = drawing.bilinear(plain(x, f"project{level}", filters, 1), f"up{level}")
        skip = plain(maps[level - 1], f"skip{level}_project", filters // 2, 1)
        x = drawing.concatenate(skip, x, f"skip{level}")
        for number in (1, 2):
            x = drawing.separable(x, f"decoder{level}_conv{number}", filters)
    x = drawing.bilinear(plain(x, "project0", 16, 1), "up0")
    x = drawing.concatenate(plain(drawing.layers[0], "skip0_conv", 8, 3), x, "skip0")
    x = plain(x, "decoder0_conv", 16, 3)
    drawing.part = "output"
    drawing.convolution(x, "logits", outputs, 1)
    return Specification(tuple(drawing.layers))


def _mobilenet_encoder(size: int) -> tuple[_Drawing, list[Layer], Layer]:
    """MobileNetV2 (Sandler et al. 2018, table 2) up to its block 16, and its four skips."""
    if size % 32 or size < 32:
        raise UserError(f"MobileNetV2 halves five times: {size} is not a multiple of 32 pixels.")
    drawing, maps, number = _Drawing(size, 3), [], 0
    drawing.level = 1
    x = drawing.convolution(drawing.layers[0], "Conv1", 32, stride=2, bias=False, norm=True)
    x = drawing.narrow(x, "block_0", 16)
    rows = ((24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2))
    for filters, repeats, stride in rows:
        for repeat in range(repeats):
            number += 1
            x = drawing.inverted_residual(x, f"block_{number}", filters, 1 if repeat else stride)
            if stride == 2 and not repeat:
                maps.append(drawing.layers[-2])
    expanded = drawing.convolution(x, "block_16_expand_relu", 960, 1, bias=False, norm=True)
    drawing.part = "bottom"
    x = drawing.narrow(expanded, "block_16", 320, norm=False)
    drawing.part = "decoder"
    return drawing, maps, x
