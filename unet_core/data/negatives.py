"""Images without anything to find, so that a network learns what is not an object."""

import os
import zlib
from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from unet_core.data.base import Dataset, Sample
from unet_core.data.io import files_fingerprint, image_files, read_image
from unet_core.data.photos import TRAINING, installed
from unet_core.data.synthetic import draw_pet
from unet_core.errors import UserError
from unet_core.store.environment import data_folder

BUILT_IN = "built-in"  # the setting's value for what is always there, in place of a folder
WINDOWS = 5  # of each image of a folder or package; the first is the whole
MIN_SIDE = 0.35  # side of a window, as part of the image's shorter side
MIN_PIXELS = 160  # of a window's side: smaller ones would be blurred
EMPTY_WINDOWS = 4  # of each labelled image at most, as far as there is room
MAX_EMPTY_WINDOWS = 2000  # of a data set: what is learned from is held in memory
MIN_EMPTY_PIXELS = 128  # root of a window's area; few images have larger ones
ASPECTS = (2 / 3, 1, 3 / 2)  # height to width
SCENES = range(2000, 2050)  # numbers of synthetic images; those below are `SyntheticPets`
Window = tuple[slice, slice]


def open_negatives(dataset: Dataset, source: str, names: list[str]) -> list[Dataset]:
    """What the setting ``negatives`` names, with the classes of ``dataset``.

    ``source`` is a path in the data folder, or ``built-in``: windows without an object of
    ``dataset``'s images ``names``, photos that come with packages, and synthetic scenes (both
    without animals). ``UserError`` when the folder has no images or the classes no background.
    """
    background = next((i for i, c in enumerate(dataset.classes) if c.is_background), None)
    if background is None:
        raise UserError(f"{dataset.title} has no background, which --negatives needs.")
    if source == BUILT_IN:
        photos = Negatives("photos", installed(TRAINING), dataset, background)
        scenes = SyntheticScenes(dataset, background)
        return [EmptyWindows(dataset, names, background), photos, scenes]
    images = image_files(data_folder() / source)
    if not images:
        raise UserError(
            f"There are no pictures in {source!r}, which the settings name as pictures without "
            f"objects; put some there, or take `--negatives {BUILT_IN}`."
        )
    return [Negatives(source, images, dataset, background)]


class Negatives(Dataset):
    """Windows of images that are all ``background``, a class id of ``dataset``."""

    credit = ""

    def __init__(self, title: str, images: dict[str, Path], dataset: Dataset, background: int):
        self.name, self.title, self._images = f"negatives:{title}", title, images
        self.classes, self._background = dataset.classes, background
        names = [f"{name} {number}" for name in images for number in range(WINDOWS)]
        self.splits = {"trainval": names, "test": []}
        self.fingerprint = files_fingerprint(images.values())

    def load(self, name: str) -> Sample:
        stem, number = _parts(name)
        if stem not in self._images:
            raise UserError(f"{stem}, which the run learned from, is no longer there; put it back.")
        image = read_image(self._images[stem])
        if number:
            image = _window(image, _random(stem, number))
        return Sample(image, np.full(image.shape[:2], self._background, np.uint8))


class EmptyWindows(Dataset):
    """Windows of a data set's own images in which its masks have ``background`` alone.

    ``names``: of the images. Windows of one image do not overlap; those beyond
    ``MAX_EMPTY_WINDOWS`` are left out.
    """

    credit = ""

    def __init__(self, dataset: Dataset, names: list[str], background: int) -> None:
        self.name, self.title = f"windows:{dataset.name}", f"{dataset.title}, windows"
        self.classes, self.fingerprint = dataset.classes, dataset.fingerprint
        self._dataset, self._names, self._background = dataset, names, background

    @cached_property
    def splits(self) -> dict[str, list[str]]:  # type: ignore[override]
        """Found out when asked for, since every mask is read."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            masks = pool.map(lambda name: self._dataset.load(name).mask, self._names)
            found = zip(self._names, map(self._windows, self._names, masks), strict=True)
            names = [f"{name} {number}" for name, w in found for number in range(len(w))]
        return {"trainval": names[:MAX_EMPTY_WINDOWS], "test": []}

    def _windows(self, name: str, mask: np.ndarray) -> list[Window]:
        return empty_windows(mask != self._background, EMPTY_WINDOWS, _random(name, 0))

    def load(self, name: str) -> Sample:
        stem, number = _parts(name)
        image, mask = self._dataset.load(stem)
        window = self._windows(stem, mask)[number]
        return Sample(image[window], mask[window])


class SyntheticScenes(Dataset):
    """Synthetic rooms and landscapes without an animal; all ``background``."""

    name = "drawn scenes"
    title = "Drawn scenes"
    credit = "Drawn by this program; no photographs"

    def __init__(self, dataset: Dataset, background: int, numbers: range = SCENES) -> None:
        self.classes, self._background = dataset.classes, background
        self.splits = {"trainval": [str(number) for number in numbers], "test": []}
        self.fingerprint = str(background)

    def load(self, name: str) -> Sample:
        image = draw_pet(int(name), "none").image
        return Sample(image, np.full(image.shape[:2], self._background, np.uint8))


def empty_windows(occupied: np.ndarray, count: int, random: np.random.Generator) -> list[Window]:
    """Up to ``count`` rectangles of random shape, size and place without a pixel of ``occupied``,
    boolean (H, W).

    None has a pixel of another; each has at least about ``MIN_EMPTY_PIXELS`` squared.
    """
    occupied, windows = occupied.copy(), list[Window]()
    while len(windows) < count and (room := _room(before := _occupied_before(occupied))):
        aspect = random.choice(list(room))
        height, width = _sides(aspect, int(random.integers(MIN_EMPTY_PIXELS, room[aspect] + 1)))
        corners = np.argwhere(_is_empty(before, height, width))
        y, x = corners[random.integers(len(corners))]
        windows.append((slice(y, y + height), slice(x, x + width)))
        occupied[windows[-1]] = True
    return windows


def _room(before: np.ndarray) -> dict[float, int]:
    """Root of the area of the largest empty rectangle, for each aspect that has one."""
    sizes = range(MIN_EMPTY_PIXELS, max(before.shape))

    def is_too_large(aspect: float, size: int) -> bool:
        return not _is_empty(before, *_sides(aspect, size)).any()

    fitting = {a: bisect_left(sizes, True, key=partial(is_too_large, a)) for a in ASPECTS}
    return {aspect: sizes[count - 1] for aspect, count in fitting.items() if count}


def _sides(aspect: float, size: int) -> tuple[int, int]:
    """Height and width of a rectangle with about ``size`` squared pixels."""
    return round(size * aspect**0.5), round(size / aspect**0.5)


def _occupied_before(occupied: np.ndarray) -> np.ndarray:
    """(H + 1, W + 1): how many pixels are occupied above and left of each place."""
    return np.pad(occupied.cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32), ((1, 0), (1, 0)))


def _is_empty(before: np.ndarray, height: int, width: int) -> np.ndarray:
    """For each place of the upper left corner, whether no pixel of a rectangle is occupied."""
    if height >= before.shape[0] or width >= before.shape[1]:
        return np.zeros((0, 0), bool)
    lower, upper = before[height:], before[:-height]
    return lower[:, width:] - lower[:, :-width] - upper[:, width:] + upper[:, :-width] == 0


def _parts(name: str) -> tuple[str, int]:
    stem, _, number = name.rpartition(" ")
    return stem, int(number)


def _random(stem: str, number: int) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32(stem.encode()), number])


def _window(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A square of random size and place."""
    shorter = min(image.shape[:2])
    side = int(random.uniform(min(max(MIN_SIDE * shorter, MIN_PIXELS), shorter), shorter))
    y, x = (random.integers(length - side + 1) for length in image.shape[:2])
    return image[y : y + side, x : x + side]
