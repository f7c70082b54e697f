"""The networks by name, for those who only want to list or choose them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from unet_core.architectures.specs import (
    Specification,
    UNetArguments,
    mobilenetv2,
    mobilenetv2_fast,
    unet,
)
from unet_core.errors import UserError
from unet_core.store.config import TrainingConfig


@dataclass(frozen=True)
class Entry:
    """A network: what it is, and what it was made for."""

    title: str
    specify: Callable[..., Specification]  # (outputs, size, **arguments)
    arguments: dict = field(default_factory=dict)  # of the U-Net that is built from scratch
    size: int = 256  # side of the images that its article gives it
    outputs: int = 3

    def specification(self, outputs: int, size: int, arguments: dict | None = None):
        """Its layers for images of ``size``, ``arguments`` taking the place of its own."""
        return self.specify(outputs, size, **(self.arguments | (arguments or {})))

    @property
    def is_from_scratch(self) -> bool:
        """Whether it is a plain U-Net, whose arguments can be changed."""
        return self.specify is unet

    def tile(self, arguments: dict, size: int) -> int | None:
        """Side of the tiles that a network of unpadded convolutions takes for images of ``size``.

        None for a padded network, which takes the whole image; ``UserError`` where ``size`` does
        not fit it.
        """
        if not self.is_from_scratch:
            if size % 32:
                raise UserError(f"This network takes multiples of 32 pixels a side, not {size}.")
            return None
        net = self.unet(arguments)
        if net.padding == "valid":
            return net.nearest_size(size)
        UNetArguments.of(self.arguments | arguments, size)
        return None

    def window(self, arguments: dict, size: int, crop: int | None) -> int:
        """Side of what a training looks at: windows of ``crop``, or whole images of ``size``."""
        side = crop or size
        return self.tile(arguments, side) or side

    def prediction_side(self, arguments: dict, size: int, crop: int | None) -> int:
        """Side of what the exported network takes: a whole image, or a tile of ``crop``."""
        return self.tile(arguments, crop or size) or size

    def covering_size(self, arguments: dict, size: int) -> int:
        """Side of the input from which the network gives a whole image of ``size``."""
        return self.unet(arguments).covering_size(size) if self.is_from_scratch else size

    def unet(self, arguments: dict) -> UNetArguments:
        """The arguments of a U-Net from scratch, ``arguments`` taking the place of its own."""
        return UNetArguments.of(self.arguments | arguments)

    @property
    def parameters(self) -> int:
        """Parameters with the number of outputs of its article."""
        return self.specification(self.outputs, self.size).parameters


CATALOGUE = {
    "mobilenetv2-fast": Entry("MobileNetV2 encoder, light separable decoder", mobilenetv2_fast),
    "mobilenetv2": Entry(
        "MobileNetV2 encoder, the article's transposed convolutions", mobilenetv2
    ),
    "compact": Entry(
        "U-Net from scratch with half of the paper's filters", unet, {"filters": 32}, outputs=1
    ),
    "batchnorm": Entry(
        "U-Net from scratch with batch normalisation", unet, {"batch_norm": True}, 512, 1
    ),
    "original": Entry(
        "The U-Net of the 2015 paper: unpadded, crop and concatenate", unet,
        {"padding": "valid"}, 572, 2,
    ),
}  # fmt: skip


def check_network(config: TrainingConfig) -> None:
    """``UserError`` when there is no such network, or it cannot take the config's sizes, arguments
    or encoder settings."""
    if config.model not in CATALOGUE:
        raise UserError(f"There is no network {config.model!r}; there are: {', '.join(CATALOGUE)}.")
    entry, arguments = CATALOGUE[config.model], config.model_arguments
    if not entry.is_from_scratch and arguments:
        raise UserError(f"{config.model} has no arguments; leave out {', '.join(arguments)}.")
    has_own = not config.freeze_encoder or config.encoder_weights not in ("auto", "none")
    if entry.is_from_scratch and has_own:
        raise UserError(
            f"{config.model} has no pretrained encoder; leave out the encoder's settings."
        )
    for size in (config.image_size, config.crop_size or config.image_size):
        entry.tile(arguments, size)
    lost = entry.unet(arguments).lost if entry.is_from_scratch else 0
    if config.image_size <= lost:  # images are mirrored by so much, which must lie within them
        raise UserError(f"{config.model} needs pictures of more than {lost} pixels a side.")
    if entry.window(arguments, config.image_size, config.crop_size) - 2 * lost > config.image_size:
        raise UserError(
            f"Crops of {config.crop_size} pixels do not fit into images of {config.image_size}; "
            "choose smaller crops or larger images."
        )
