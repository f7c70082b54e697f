"""A second look at what is small: found in the whole image, then predicted again from nearer.

A network sees an image at one resolution, at which a small object has few pixels and its outline
fewer. So the part of the image where objects were found is predicted once more, alone, and what is
seen there replaces what was seen from afar. After Xia et al. 2016, "Zoom better to see clearer:
human and object parsing with hierarchical auto-zoom net".
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import find_objects, label

from unet_core.prediction.masks import resize_channels

FOUND = 0.35  # least probability of an object, to look there again
SPECK = 0.05  # of the largest piece's area: smaller pieces are not looked at
MARGIN = 0.3  # around what was found, as part of its height and width, on each side
LEAST = 0.25  # side of what is looked at, as part of the image's: nearer there is only blur
MOST = 0.45  # of the image's area; of more a second look shows nothing new
FADE = 0.06  # of the region's side, over which both looks are blended
FINEST = 2  # times the resolution of the first look, for what is returned


class Region(NamedTuple):
    """A rectangle of an image, in parts (0–1) of its height and width."""

    top: float
    left: float
    bottom: float
    right: float

    def slices(self, height: int, width: int) -> tuple[slice, slice]:
        """Its pixels in an image of this size."""
        rows = slice(int(self.top * height), round(self.bottom * height))
        return rows, slice(int(self.left * width), round(self.right * width))


def small_region(objects: np.ndarray) -> Region | None:
    """Where the objects are, if a second look there would show more.

    ``objects``: float32 (H, W), the probability that a pixel is of an object. None where nothing
    was found, or in most of the image.
    """
    pieces, _ = label(objects > FOUND)
    sizes = np.bincount(pieces.ravel())[1:]
    boxes = [
        b for b, n in zip(find_objects(pieces), sizes, strict=True) if n >= SPECK * sizes.max()
    ]
    if not boxes:
        return None
    sides = [
        _widened(min(b[axis].start for b in boxes), max(b[axis].stop for b in boxes), length)
        for axis, length in enumerate(objects.shape)
    ]
    (top, bottom), (left, right) = sides
    region = Region(top, left, bottom, right)
    return region if (bottom - top) * (right - left) < MOST else None


def _widened(start: int, stop: int, length: int) -> tuple[float, float]:
    """A range with its margins, at least `LEAST` long, moved into 0–1."""
    extent = min(1.0, max(LEAST, (1 + 2 * MARGIN) * (stop - start) / length))
    first = min(max((start + stop) / 2 / length - extent / 2, 0.0), 1 - extent)
    return first, first + extent


def with_detail(coarse: np.ndarray, detail: np.ndarray, region: Region) -> np.ndarray:
    """Probabilities of an image with those of a region in their place, both (h, w, classes).

    The result is as fine as the detail, at most `FINEST` times as fine as ``coarse``.
    """
    height, width = coarse.shape[:2]
    finer = detail.shape[0] / (region.bottom - region.top) / height
    finer = min(max(finer, 1.0), FINEST)
    merged = resize_channels(coarse, round(finer * height), round(finer * width))
    place = region.slices(*merged.shape[:2])
    there = merged[place]
    weight = np.minimum(*np.ix_(*(_fading(length) for length in there.shape[:2])))[..., None]
    there += (resize_channels(detail, *there.shape[:2]) - there) * weight
    return merged


def _fading(length: int) -> np.ndarray:
    """1 in the middle of ``length`` pixels, falling to almost 0 at both ends: float32."""
    ramp = np.arange(1, length + 1, dtype=np.float32)
    return np.minimum(np.minimum(ramp, ramp[::-1]) / max(1, FADE * length), 1)
