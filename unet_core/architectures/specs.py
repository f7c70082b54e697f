"""What a network is made of: its arguments, its layers and its totals, without building it."""

from dataclasses import dataclass, field

from unet_core.errors import UserError
from unet_core.store.config import UNetSettings

FLOAT32, FLOAT16 = 4, 2  # bytes


@dataclass(frozen=True)
class UNetArguments(UNetSettings):
    """The settings of a U-Net, and the image sizes that follow from them."""

    @classmethod
    def of(cls, arguments: dict, size: int | None = None) -> "UNetArguments":
        """Checked arguments for images of ``size`` pixels a side (None: not known yet).

        ``UserError`` for an argument or a size that cannot work.
        """
        net = cls.from_dict(arguments)
        if size is not None and net.nearest_size(size) != size:
            less = "" if net.padding == "same" else ", less 4"
            raise UserError(
                f"Pictures of {size} × {size} do not fit a network that takes multiples of "
                f"{2**net.depth} pixels{less}; the nearest that do are {net.nearest_size(size)} "
                "pixels a side."
            )
        return net

    def nearest_size(self, size: int) -> int:
        """The side closest to ``size`` that can be halved ``depth`` times without a remainder.

        >>> UNetArguments(padding="valid").nearest_size(570)
        572
        """
        step = 2**self.depth
        if self.padding == "same":
            return max(step, round(size / step) * step)
        # A level's two convolutions take 4 pixels before it halves, so sides are 4 short of a
        # multiple; below 12 steps, nothing is left of the output.
        return max(12, round((size + 4) / step)) * step - 4

    def covering_size(self, size: int) -> int:
        """The smallest side of an input whose output is at least ``size`` pixels a side.

        >>> UNetArguments(padding="valid").covering_size(388)
        572
        """
        covering = self.nearest_size(size)
        while covering - 2 * self.lost < size:
            covering += 2**self.depth
        return covering

    @property
    def lost(self) -> int:
        """Pixels by which the output is smaller than the input on each side."""
        return self.margin(0) + 4 if self.padding == "valid" else 0

    def margin(self, level: int) -> int:
        """Pixels to crop from each side of a skip connection at ``level`` (0: the top).

        That is what valid convolutions cost below the level: 4 at the bottom, and on each level on
        the way up twice as many and 8 more.

        >>> [UNetArguments(padding="valid").margin(level) for level in range(4)]
        [88, 40, 16, 4]
        """
        return 12 * 2 ** (self.depth - level - 1) - 8 if self.padding == "valid" else 0


@dataclass(frozen=True)
class Layer:
    """A layer with its batch normalisation and activation, and the feature map that it gives."""

    name: str
    kind: str  # input | convolution | pool | up | concatenate
    part: str  # encoder | decoder | head
    size: int  # height and width of the output, in pixels
    channels: int
    step: int  # distance of neighbouring output pixels, in pixels of the input image
    receptive_field: int  # side of the window of the image that one output pixel depends on
    inputs: tuple["Layer", ...] = field(repr=False, compare=False)  # of a concatenation: skip, x
    parameters: int = 0
    frozen: int = 0  # parameters that never learn by gradients (batch norm's running statistics)
    multiply_adds: int = 0
    hidden: int = 0  # numbers that training keeps besides the output, as before a batch norm

    @property
    def level(self) -> int:
        """How often the resolution has been halved."""
        return self.step.bit_length() - 1

    @property
    def skip(self) -> "Layer":
        """Of a concatenation: what the skip connection brings."""
        return self.inputs[0]

    @property
    def activations(self) -> int:
        """Numbers in the feature maps of one image, those inside the layer included."""
        return self.size**2 * self.channels + self.hidden


@dataclass(frozen=True)
class Specification:
    """A network: its layers in order, which of them are features, and its totals.

    ``features``: what the encoder hands to the decoder, halved 0, 1, 2, … times; the last is the
    bottom. ``decoded``: what the decoder makes of them, from the lowest level up.
    """

    layers: tuple[Layer, ...]
    features: tuple[Layer, ...]
    decoded: tuple[Layer, ...]

    @property
    def skips(self) -> list[Layer]:
        """What skip connections bring to the decoder, from the lowest level up.

        These are features of the encoder, or what the decoder's own convolutions make of them.
        """
        return [layer.skip for layer in self.layers if layer.kind == "concatenate"]

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
        """The logits."""
        return self.layers[-1]

    @property
    def receptive_field(self) -> int:
        return self.output.receptive_field

    def layer(self, name: str) -> Layer:
        return next(layer for layer in self.layers if layer.name == name)
