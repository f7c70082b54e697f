"""The ways to look at a prediction, on the screen and in files."""

from dataclasses import dataclass, replace
from pathlib import PurePath

import numpy as np
from PIL import Image

from unet_core.prediction.overlay import (
    blend,
    class_ids,
    color_mask,
    encode_png,
    heat,
    outline,
    resize_ids,
    shares,
)
from unet_core.prediction.segmenter import entropy, resize_channels
from unet_core.store.classes import ClassInfo

MAX_SIDE = 2048  # masks of larger images are computed at this size and enlarged, to spare memory


@dataclass(frozen=True)
class View:
    """What to draw.

    ``kind``: ``overlay``, ``outline`` or ``confidence``; ``opacity`` and ``threshold`` (of binary
    models) in 0–1; ``visible``: names of the classes that an overlay or outline shows.
    """

    kind: str = "overlay"
    opacity: float = 0.5
    visible: tuple[str, ...] = ("pet",)
    threshold: float = 0.5

    def of(self, classes: tuple[ClassInfo, ...]) -> "View":
        """The view for a model with other classes: all but the background if none is visible."""
        names = [c.name for c in classes]
        if not self.visible or any(name in names for name in self.visible):
            return self
        return replace(self, visible=tuple(c.name for c in classes if not c.is_background))


def fit(image: np.ndarray, side: int) -> np.ndarray:
    """An image uint8 (H, W, 3) with ``side`` pixels on its longer side."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


@dataclass(frozen=True)
class SegmentedImage:
    """An image uint8 (H, W, 3) with a network's probabilities float32 (h, w, classes)."""

    name: str
    image: np.ndarray
    probabilities: np.ndarray
    classes: tuple[ClassInfo, ...]
    seconds: float = 0.0

    def at(self, side: int) -> "SegmentedImage":
        """The same with ``side`` pixels on the longer side, for a screen."""
        return replace(self, image=fit(self.image, side))

    def ids(self, threshold: float = 0.5) -> np.ndarray:
        """Class ids uint8 (H, W) at the image's resolution."""
        height, width = self.image.shape[:2]
        return resize_ids(class_ids(self._resized(), threshold), height, width)

    def shares(self, threshold: float = 0.5) -> dict[str, float]:
        """Part of the image (0–1) that each class covers."""
        return shares(class_ids(self.probabilities, threshold), self.classes)

    def draw(self, view: View) -> np.ndarray:
        """uint8 (H, W, 3) at the image's resolution."""
        if view.kind == "confidence":
            uncertain = entropy(self._resized())
            rest = Image.fromarray(heat(uncertain)).resize(self.image.shape[1::-1])
            mixed = self.image * (1 - view.opacity) + np.asarray(rest) * view.opacity
            return mixed.astype(np.uint8)
        ids = self.ids(view.threshold)
        if view.kind == "outline":
            return outline(self.image, ids, self.classes, view.visible)
        return blend(self.image, ids, self.classes, view.opacity, view.visible)

    def mask_name(self) -> str:
        return f"{PurePath(self.name).stem}_mask.png"

    def file_names(self, view: View) -> tuple[str, str, str]:
        """Names, after the image's, of the mask, the coloured mask and the view."""
        stem = PurePath(self.name).stem
        return self.mask_name(), f"{stem}_mask_colour.png", f"{stem}_{view.kind}.png"

    def files(self, view: View) -> list[tuple[str, bytes]]:
        """The mask of class ids, the coloured mask and the view, as PNG of the image's size."""
        ids = self.ids(view.threshold)
        images = (ids, color_mask(ids, [c.color for c in self.classes]), self.draw(view))
        return list(zip(self.file_names(view), map(encode_png, images), strict=True))

    def _resized(self) -> np.ndarray:
        height, width = self.image.shape[:2]
        shrink = min(1.0, MAX_SIDE / max(height, width))
        return resize_channels(
            self.probabilities, max(1, round(height * shrink)), max(1, round(width * shrink))
        )
