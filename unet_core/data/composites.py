"""Scenes put together from images with masks: objects that are small, several, cut off or hidden.

A data set of portraits teaches a network that objects are large and alone (Ghiasi et al. 2021,
"Simple copy-paste is a strong data augmentation method for instance segmentation"). Edges are
blended (Dwibedi et al. 2017, "Cut, paste and learn"), or a network learns the seams; for the same
reason things are pasted that are no objects: outlines of objects, filled with something else.
"""

import hashlib
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from PIL import Image
from scipy.ndimage import distance_transform_edt, gaussian_filter, uniform_filter1d

from unet_core.data.base import Dataset, Sample
from unet_core.data.prepared import Prepared, resize_sample
from unet_core.errors import UserError

SIZES = 0.1, 0.9  # longer side of a pasted object, as part of the frame
SOFTNESS = 1.5, 4.0  # width in pixels over which an outline fades
GRIDS = ((1, 2), (2, 1), (2, 2), (2, 3), (3, 2), (3, 3))  # rows and columns of a mosaic
CUT = 0.04  # part of the frame's side that an object covers there if the frame cuts it off
POSTS = 0.02, 0.1  # width of a post, as part of the frame
BEYOND = 0.3  # part of an object that may lie outside of the frame
AREAS = 0.05, 0.7  # of an image, by an object that is worth to be cut out


class Cutout(NamedTuple):
    """``image``: uint8 (H, W, 3); ``alpha``: uint8 (H, W), 255 where it is opaque; ``mask``: uint8
    (H, W), class ids; ``covers``: uint8 (H, W), 255 where these count; ``sides``: where its frame
    cuts it off, of top, left, bottom, right."""

    image: np.ndarray
    alpha: np.ndarray
    mask: np.ndarray
    covers: np.ndarray
    sides: tuple[bool, ...]


class Composites(Dataset):
    """``count`` scenes from images with objects and images without any, both of the same size.

    Each is made anew from its number when it is loaded, the same one every time. ``UserError`` when
    the classes have no background, or no image an object that can be cut out.
    """

    name = "composites"
    title = "Composites"

    def __init__(
        self, dataset: Dataset, images: Prepared, empty: Prepared, count: int, seed: int
    ) -> None:
        self.classes, self.credit = dataset.classes, dataset.credit
        self._objects = [i for i, c in enumerate(self.classes) if c.is_object]
        self._background = next((i for i, c in enumerate(self.classes) if c.is_background), None)
        self._images, self._empty, self._seed = images, empty, seed
        self._usable = [i for i, mask in enumerate(images.masks) if self._is_usable(mask)]
        if self._background is None or not self._usable:
            raise UserError(f"{dataset.title} has no objects that could be put into other scenes.")
        self.splits = {"trainval": [str(number) for number in range(count)], "test": []}
        self.fingerprint = f"{_digest(images)} {_digest(empty)} {seed}"

    def load(self, name: str) -> Sample:
        random = np.random.default_rng([self._seed, int(name)])
        kinds: tuple[Callable[[Generator], Sample], ...] = (self._pasted, self._mosaic, self._far)
        image, mask = kinds[random.choice(3, p=(0.6, 0.2, 0.2))](random)
        return Sample(camera(random, image.astype(np.float32)), mask)

    def _pasted(self, random: Generator) -> Sample:
        """One to three objects, and things that are none, in any order."""
        scene = self._whole(random) if random.random() < 0.3 else self._scene(random)
        image, mask = scene.image.astype(np.float32), scene.mask.copy()
        things = [self._object] * random.integers(1, 4) + [self._patch] * random.integers(0, 3)
        things += [self._posts] * (random.random() < 0.2)
        for make in random.permutation(np.array(things, object)):
            paste(random, image, mask, make(random))
        return Sample(image, mask)

    def _mosaic(self, random: Generator) -> Sample:
        """Whole images side by side, some without objects."""
        rows, columns = GRIDS[random.integers(len(GRIDS))]
        image, mask = np.zeros_like(self._images.images[0]), np.zeros_like(self._images.masks[0])
        for ys in np.array_split(np.arange(len(mask)), rows):
            for xs in np.array_split(np.arange(len(mask)), columns):
                cell = self._whole(random) if random.random() < 0.6 else self._scene(random)
                place = np.ix_(ys, xs)
                image[place], mask[place] = resize_sample(cell, len(xs), len(ys))
        return Sample(image, mask)

    def _far(self, random: Generator) -> Sample:
        """A whole image from farther away; around it, its mirror images."""
        whole = self._whole(random)
        small = int(len(whole.mask) * random.uniform(0.35, 0.8))
        image, mask = resize_sample(whole, small)
        free = len(whole.mask) - small
        around = [(int(before), int(free - before)) for before in random.integers(0, free + 1, 2)]
        image = np.pad(image, [*around, (0, 0)], "symmetric")
        return Sample(image, np.pad(mask, around, "symmetric"))

    def _whole(self, random: Generator) -> Sample:
        return _flipped(random, self._images, range(len(self._images)))

    def _scene(self, random: Generator) -> Sample:
        return _flipped(random, self._empty, range(len(self._empty)))

    def _is_usable(self, mask: np.ndarray) -> bool:
        found = self._is_object(mask)
        top, left, bottom, right = _cut_sides(found)
        is_whole = not (top and bottom) and not (left and right)
        return is_whole and AREAS[0] < found.mean() < AREAS[1]

    def _is_object(self, mask: np.ndarray) -> np.ndarray:
        return np.isin(mask, self._objects)

    def _object(self, random: Generator) -> Cutout:
        image, mask = _flipped(random, self._images, self._usable)
        found = self._is_object(mask)
        signed = distance_transform_edt(mask != self._background)
        signed -= distance_transform_edt(~found)  # the outline is in the middle of the border
        alpha = np.clip(0.5 + signed / random.uniform(*SOFTNESS), 0, 1) * 255
        covers = np.where(mask != self._background, 255, 0)
        ys, xs = (np.flatnonzero(covers.any(axis)) for axis in (1, 0))
        box = np.s_[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
        opaque, where = (part[box].astype(np.uint8) for part in (alpha, covers))
        cutout = Cutout(image[box], opaque, mask[box], where, _cut_sides(found))
        return _resized(random, cutout, len(found))

    def _patch(self, random: Generator) -> Cutout:
        """The outline of an object, filled with what is none."""
        shape, scene = self._object(random), self._scene(random)
        mask = np.full_like(shape.mask, self._background)
        covers = np.where(shape.alpha > 127, 255, 0).astype(np.uint8)
        inside = Image.fromarray(scene.image).resize(shape.mask.shape[::-1])
        return Cutout(np.asarray(inside), shape.alpha, mask, covers, shape.sides)

    def _posts(self, random: Generator) -> Cutout:
        """Upright or level bars over the whole frame, of something that is no object."""
        image, mask = self._scene(random)
        side, count = len(mask), random.integers(1, 6)
        along = (np.arange(side) + random.uniform(0, side)) % (side / count) - side / count / 2
        bars = np.clip(random.uniform(*POSTS) * side / 2 - np.abs(along), 0, 1) * 255
        alpha = np.tile(bars.astype(np.uint8), (side, 1))
        alpha = alpha.T if random.random() < 0.3 else alpha
        return Cutout(image, alpha, mask, np.where(alpha > 127, 255, 0), (True,) * 4)


def paste(random: Generator, image: np.ndarray, mask: np.ndarray, cutout: Cutout) -> None:
    """Blend a cutout into ``image``, float32 (H, W, 3), and its classes into ``mask``, in place.

    It takes on part of the place's light, and throws a soft shadow. A side at which its own frame
    cut it off lies at the frame; at the others it may be cut off here.
    """
    place, part = _overlap(random, mask.shape, cutout)
    there, alpha = image[place], cutout.alpha[part][..., None] / np.float32(255)
    if alpha.max() == 0:
        return
    light = cutout.image[part].astype(np.float32)
    darker = there.mean((0, 1)) - (light * alpha).sum((0, 1)) / alpha.sum()
    light += random.uniform(0, 0.6) * darker.mean() + random.uniform(0, 0.3) * darker
    shadow = gaussian_filter(cutout.alpha[part] / 255, max(1, len(alpha) / 12))[..., None]
    there *= 1 - random.uniform(0, 0.4) * shadow
    there += (light - there) * alpha
    np.copyto(mask[place], cutout.mask[part], where=cutout.covers[part] > 127)


def _overlap(
    random: Generator, frame: tuple[int, ...], cutout: Cutout
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a cutout comes to lie in the frame, and which part of it is inside."""
    place, part = [], []
    for axis, (length, own) in enumerate(zip(frame, cutout.mask.shape, strict=True)):
        first, last = cutout.sides[axis], cutout.sides[axis + 2]
        free = random.integers(-int(BEYOND * own), length - own + int(BEYOND * own) + 1)
        start = 0 if first else length - own if last else int(free)
        place.append(slice(max(start, 0), min(start + own, length)))
        part.append(slice(max(-start, 0), min(own, length - start)))
    return (place[0], place[1]), (part[0], part[1])


def _resized(random: Generator, cutout: Cutout, frame: int) -> Cutout:
    """At a random size, aspect and tilt, and sometimes a little out of focus."""
    height, width = cutout.mask.shape
    side = np.exp(random.uniform(*np.log(SIZES))) * frame
    scale, aspect = side / max(height, width), np.exp(random.uniform(-0.15, 0.15))
    size = max(4, int(width * scale * aspect)), max(4, int(height * scale / aspect))
    angle = 0.0 if any(cutout.sides) else random.normal(0, 10)
    blur = random.uniform(0, 1.2) * (random.random() < 0.5)

    def changed(part: np.ndarray, resample: Image.Resampling) -> np.ndarray:
        image = Image.fromarray(part).resize(size, resample)
        return np.asarray(image.rotate(angle, resample, expand=True))

    smooth = [changed(part, Image.Resampling.BILINEAR) for part in (cutout.image, cutout.alpha)]
    image, alpha = (gaussian_filter(p, (blur, blur, 0)[: p.ndim]) for p in smooth)
    mask, covers = (changed(p, Image.Resampling.NEAREST) for p in (cutout.mask, cutout.covers))
    return Cutout(image, alpha, mask, covers, cutout.sides)


def camera(random: Generator, image: np.ndarray) -> np.ndarray:
    """What a camera, a hand and a file do: float32 (H, W, 3) in 0–255 becomes uint8.

    Each alone in a part of the images: other exposure, out of focus, motion, noise, JPEG.
    """
    chance = random.random(5)
    if chance[0] < 0.4:
        image = 255 * (image.clip(0, 255) / 255) ** np.exp(random.uniform(-0.5, 0.5))
    if chance[1] < 0.25:
        sigma = random.uniform(0.4, 1.8)
        image = gaussian_filter(image, (sigma, sigma, 0))
    if chance[2] < 0.12:
        length, axis = random.integers(3, 10), random.integers(2)
        image = uniform_filter1d(image, int(length), axis)
    if chance[3] < 0.3:
        image = image + random.normal(0, random.uniform(2, 14), image.shape)
    pixels = image.clip(0, 255).astype(np.uint8)
    if chance[4] < 0.4:
        file = BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=int(random.integers(20, 90)))
        pixels = np.asarray(Image.open(file))
    return pixels


def _flipped(random: Generator, images: Prepared, numbers: Sequence[int]) -> Sample:
    """One of the images, or its mirror image."""
    number, step = numbers[int(random.integers(len(numbers)))], random.choice((-1, 1))
    image, mask = images.images[number], images.masks[number]
    return Sample(np.array(image[:, ::step]), np.array(mask[:, ::step]))


def _cut_sides(found: np.ndarray) -> tuple[bool, ...]:
    """Whether the frame cuts off what was found, at top, left, bottom, right."""
    return tuple(
        bool(edge.mean() > CUT) for edge in (found[0], found[:, 0], found[-1], found[:, -1])
    )


def _digest(images: Prepared) -> str:
    digest = hashlib.sha256(images.masks.tobytes())
    digest.update(images.images.tobytes())
    return digest.hexdigest()[:16]
