"""The ways to look at a prediction, on the screen and in files."""

from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from PIL import Image

from unet_core.data.base import ClassInfo
from unet_core.overlay import (
    blend,
    class_ids,
    colour_mask,
    encode_png,
    heat,
    outline,
    resize_ids,
    shares,
)
from unet_core.segmenter import entropy, resize_channels

MAX_SIDE = 2048  # masks of larger pictures are computed at this size and enlarged, to spare memory
KINDS = ("overlay", "outline", "mask", "confidence")


@dataclass(frozen=True)
class View:
    """What to draw: ``kind``, the opacity (0–1), the names of visible classes, the threshold."""

    kind: str = "overlay"
    opacity: float = 0.5
    visible: tuple[str, ...] = ("pet",)
    threshold: float = 0.5


@dataclass(frozen=True)
class SegmentedPicture:
    """A picture uint8 (H, W, 3) with a network's probabilities float32 (h, w, classes)."""

    name: str
    image: np.ndarray
    probabilities: np.ndarray
    classes: tuple[ClassInfo, ...]
    seconds: float = 0.0

    def reduced(self, side: int) -> "SegmentedPicture":
        """The same with at most ``side`` pixels on the longer side, for a screen."""
        picture = Image.fromarray(self.image)
        picture.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
        return SegmentedPicture(
            self.name, np.asarray(picture), self.probabilities, self.classes, self.seconds
        )

    def ids(self, threshold: float = 0.5) -> np.ndarray:
        """Class ids uint8 (H, W) at the picture's resolution."""
        height, width = self.image.shape[:2]
        return resize_ids(class_ids(self._resized(), threshold), height, width)

    def shares(self, threshold: float = 0.5) -> dict[str, float]:
        """Part of the picture (0–1) that each class covers."""
        return shares(class_ids(self.probabilities, threshold), self.classes)

    def draw(self, view: View) -> np.ndarray:
        """uint8 (H, W, 3) at the picture's resolution."""
        if view.kind == "confidence":
            uncertain = entropy(self._resized())
            rest = Image.fromarray(heat(uncertain)).resize(self.image.shape[1::-1])
            mixed = self.image * (1 - view.opacity) + np.asarray(rest) * view.opacity
            return mixed.astype(np.uint8)
        ids = self.ids(view.threshold)
        if view.kind == "mask":
            return colour_mask(ids, [c.color for c in self.classes])
        if view.kind == "outline":
            return outline(self.image, ids, self.classes, view.visible)
        return blend(self.image, ids, self.classes, view.opacity, view.visible)

    def files(self, view: View) -> list[tuple[str, bytes]]:
        """The mask with class ids, the coloured mask and the view as it is, named after the picture.

        All have the picture's width and height.
        """
        stem = PurePath(self.name).stem
        shown = view.kind if view.kind != "mask" else "overlay"
        ids = self.ids(view.threshold)
        return [
            (f"{stem}_mask.png", encode_png(ids)),
            (
                f"{stem}_mask_colour.png",
                encode_png(colour_mask(ids, [c.color for c in self.classes])),
            ),
            (
                f"{stem}_{shown}.png",
                encode_png(self.draw(View(shown, view.opacity, view.visible, view.threshold))),
            ),
        ]

    def _resized(self) -> np.ndarray:
        height, width = self.image.shape[:2]
        shrink = min(1.0, MAX_SIDE / max(height, width))
        return resize_channels(
            self.probabilities, max(1, round(height * shrink)), max(1, round(width * shrink))
        )
