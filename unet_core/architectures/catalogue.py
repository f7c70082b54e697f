"""The networks by name: which encoder, decoder and head, with which arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from unet_core.architectures import decoders, encoders, heads
from unet_core.architectures.sketch import Features, Operations, Sketch
from unet_core.architectures.specs import Specification, UNetArguments
from unet_core.errors import UserError
from unet_core.store.config import TrainingConfig


@dataclass(frozen=True)
class Entry:
    """A network: what it is made of, and what it was made for."""

    title: str
    encoder: Callable[[Operations, UNetArguments], list]
    decoder: Callable[[Operations, list, UNetArguments], list]
    head: Callable[[Operations, Features, int], Features]
    arguments: dict  # of `UNetArguments`
    size: int = 256  # side of the images that its article gives it
    outputs: int = 3

    def specification(
        self, outputs: int, size: int, arguments: dict | None = None
    ) -> Specification:
        """Its layers for images of ``size``, ``arguments`` taking the place of its own.

        ``outputs``: channels of the logits. ``UserError`` as `UNetArguments.of`.
        """
        net, sketch = self.unet(arguments or {}, size), Sketch(size)
        features = self.encoder(sketch, net)
        sketch.part = "decoder"
        decoded = self.decoder(sketch, features, net)
        sketch.part = "head"
        self.head(sketch, decoded[-1], outputs)
        return Specification(tuple(sketch.layers), tuple(features), tuple(decoded))

    def unet(self, arguments: dict, size: int | None = None) -> UNetArguments:
        """Its arguments, ``arguments`` taking the place of its own; see `UNetArguments.of`."""
        return UNetArguments.of(self.arguments | arguments, size)

    @property
    def is_from_scratch(self) -> bool:
        """Whether it is a plain U-Net, whose arguments can be changed."""
        return self.encoder is encoders.plain

    @property
    def parameters(self) -> int:
        """Parameters with the number of outputs of its article."""
        return self.specification(self.outputs, self.size).parameters

    def tile(self, arguments: dict, size: int) -> int | None:
        """Side of the tiles that a network of unpadded convolutions takes for images of ``size``.

        None for a padded network, which takes the whole image; ``UserError`` where ``size`` does
        not fit it.
        """
        net = self.unet(arguments)
        if net.padding == "valid":
            return net.nearest_size(size)
        self.unet(arguments, size)
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
        return self.unet(arguments).covering_size(size)


def _plain(title: str, size: int, outputs: int, **arguments: Any) -> Entry:
    parts = (encoders.plain, decoders.plain, heads.pointwise)
    return Entry(title, *parts, arguments, size, outputs)


CATALOGUE = {
    "mobilenetv2-fast": Entry(
        "MobileNetV2 encoder, light separable decoder",
        encoders.mobilenetv2,
        decoders.separable,
        heads.pointwise,
        {"depth": 5},
    ),
    "mobilenetv2": Entry(
        "MobileNetV2 encoder, the article's transposed convolutions",
        encoders.mobilenetv2,
        decoders.transposed,
        heads.transposed,
        {"depth": 5},
    ),
    "compact": _plain("U-Net from scratch with half of the paper's filters", 256, 1, filters=32),
    "batchnorm": _plain("U-Net from scratch with batch normalisation", 512, 1, batch_norm=True),
    "original": _plain(
        "The U-Net of the 2015 paper: unpadded, crop and concatenate", 572, 2, padding="valid"
    ),
}


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
    lost = entry.unet(arguments).lost
    if config.image_size <= lost:  # images are mirrored by so much, which must lie within them
        raise UserError(f"{config.model} needs pictures of more than {lost} pixels a side.")
    if entry.window(arguments, config.image_size, config.crop_size) - 2 * lost > config.image_size:
        raise UserError(
            f"Crops of {config.crop_size} pixels do not fit into images of {config.image_size}; "
            "choose smaller crops or larger images."
        )
