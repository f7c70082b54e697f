"""The ways to look at a prediction, on the screen and in files."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePath

import numpy as np
from PIL import Image

from unet_core.prediction import cutout
from unet_core.prediction.annotations import Annotated, annotate
from unet_core.prediction.files import encode_png
from unet_core.prediction.masks import class_ids, entropy, resize_channels, resize_ids, shares
from unet_core.prediction.overlay import blend, color_mask, heat, outline
from unet_core.store.classes import ClassInfo

MAX_SIDE = 2048  # masks of larger images are computed at this size and enlarged, to spare memory


@dataclass(frozen=True)
class View:
    """What to draw.

    ``kind``: one of `DRAWINGS`; ``opacity`` and ``threshold`` (of binary models) in 0–1;
    ``visible``: names of the classes that an overlay or outline shows.
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
        return resize_ids(class_ids(self.resized(), threshold), *self.image.shape[:2])

    def shares(self, threshold: float = 0.5) -> dict[str, float]:
        """Part of the image (0–1) that each class covers, by its name."""
        return shares(class_ids(self.probabilities, threshold), self.classes)

    def draw(self, view: View) -> np.ndarray:
        """uint8 (H, W, 3) at the image's resolution."""
        return DRAWINGS[view.kind](self, view)

    def cutout(self, threshold: float = 0.5) -> np.ndarray:
        """The objects with soft edges, uint8 (H, W, 4), transparent around them.

        ``UserError``, as in the next two, where no class is a background.
        """
        return cutout.cut_out(self.image, self._alpha(threshold))

    def blurred(self, threshold: float = 0.5) -> np.ndarray:
        """The objects before their own background, out of focus: uint8 (H, W, 3)."""
        alpha = self._alpha(threshold)
        behind = cutout.blurred_background(self.image, alpha)
        return cutout.put_before(self.image, alpha, behind)

    def before(self, background: np.ndarray, threshold: float = 0.5) -> np.ndarray:
        """The objects before another photo, uint8 (h, w, 3), or a color, uint8 (3,)."""
        behind = cutout.cover(background, self.image.shape)
        return cutout.put_before(self.image, self._alpha(threshold), behind)

    def _alpha(self, threshold: float) -> np.ndarray:
        return cutout.soft_alpha(self.image, self.probabilities, self.classes, threshold)

    def annotated(self, threshold: float = 0.5) -> Annotated:
        """Polygons of the objects and the table's rows, in the image's pixels."""
        shape = self.image.shape
        return annotate(self.name, shape, self.resized(), self.classes, threshold)

    def mask_name(self) -> str:
        """The file name of the mask."""
        return f"{PurePath(self.name).stem}_mask.png"

    def file_names(self, view: View) -> tuple[str, str, str]:
        """Names, after the image's, of the mask, the colored mask and the view."""
        stem = PurePath(self.name).stem
        return self.mask_name(), f"{stem}_mask_colour.png", f"{stem}_{view.kind}.png"

    def files(self, view: View) -> list[tuple[str, bytes]]:
        """The mask of class ids, the colored mask and the view, as PNG of the image's size."""
        ids = self.ids(view.threshold)
        images = (ids, color_mask(ids, [c.color for c in self.classes]), self.draw(view))
        return list(zip(self.file_names(view), map(encode_png, images), strict=True))

    def resized(self) -> np.ndarray:
        """Probabilities at the image's resolution, or with `MAX_SIDE` pixels where it is larger."""
        scale = min(1.0, MAX_SIDE / max(self.image.shape[:2]))
        return resize_channels(self.probabilities, *_scaled(self.image, scale))


def fit(image: np.ndarray, side: int) -> np.ndarray:
    """An image uint8 (H, W, 3) with ``side`` pixels on its longer side."""
    height, width = _scaled(image, side / max(image.shape[:2]))
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))


def thumbnail(image: np.ndarray, side: int) -> np.ndarray:
    """The middle square of uint8 (H, W, 3), ``side`` pixels wide and high.

    >>> thumbnail(np.zeros((30, 90, 3), np.uint8), 8).shape
    (8, 8, 3)
    """
    height, width = image.shape[:2]
    square = min(height, width)
    top, left = (height - square) // 2, (width - square) // 2
    return fit(image[top : top + square, left : left + square], side)


def in_a_row(images: list[np.ndarray]) -> np.ndarray:
    """Images uint8 (H, W, 3) of one height beside each other, with a white line between."""
    gap = np.full((len(images[0]), max(2, len(images[0]) // 100), 3), 255, np.uint8)
    return np.hstack([part for image in images for part in (gap, image)][1:])


def _scaled(image: np.ndarray, scale: float) -> tuple[int, int]:
    height, width = image.shape[:2]
    return max(1, round(height * scale)), max(1, round(width * scale))


def _overlay(image: SegmentedImage, view: View) -> np.ndarray:
    ids = image.ids(view.threshold)
    return blend(image.image, ids, image.classes, view.opacity, view.visible)


def _outline(image: SegmentedImage, view: View) -> np.ndarray:
    return outline(image.image, image.ids(view.threshold), image.classes, view.visible)


def _confidence(image: SegmentedImage, view: View) -> np.ndarray:
    colors = Image.fromarray(heat(entropy(image.resized()))).resize(image.image.shape[1::-1])
    mixed = image.image * (1 - view.opacity) + np.asarray(colors) * view.opacity
    return mixed.astype(np.uint8)


# A new view on Segment: a function here, and its name in capitals among the page's.
DRAWINGS: dict[str, Callable[[SegmentedImage, View], np.ndarray]] = {
    "overlay": _overlay,
    "outline": _outline,
    "confidence": _confidence,
}
