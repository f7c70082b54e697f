"""Pictures without anything to find, so that a network learns what is not an object."""

import zlib

import numpy as np

from unet_core.data.base import Dataset, Sample, data_folder
from unet_core.data.reading import files_fingerprint, picture_files, read_picture
from unet_core.errors import UserError

WINDOWS = 5  # of each picture; the first is the whole
SMALLEST = 0.35  # side of a window, as part of the picture's shorter side
FEWEST_PIXELS = 160  # of a window's side: smaller ones would be blurred


class Negatives(Dataset):
    """Windows of the pictures in ``folder``, a path in the data folder; all are background.

    ``UserError`` when there are none, or ``dataset``, whose classes they get, has no background.
    """

    def __init__(self, dataset: Dataset, folder: str) -> None:
        self.name, self.title, self.credit = f"negatives:{folder}", folder, ""
        self.classes = dataset.classes
        self._background = next((i for i, c in enumerate(self.classes) if c.is_background), None)
        self._pictures = picture_files(data_folder() / folder)
        if self._background is None:
            raise UserError(f"{dataset.title} has no background, which --negatives needs.")
        if not self._pictures:
            raise UserError(
                f"There are no pictures in {folder!r}, which the settings name as pictures without "
                "objects; `python -m unet_core download people` gets those of the recipe pets."
            )
        names = [f"{name} {number}" for name in self._pictures for number in range(WINDOWS)]
        self.splits = {"trainval": names, "test": []}

    @property
    def fingerprint(self) -> str:
        return files_fingerprint(self._pictures.values())

    def load(self, name: str) -> Sample:
        stem, _, number = name.rpartition(" ")
        image = read_picture(self._pictures[stem])
        if number != "0":
            image = _window(image, np.random.default_rng([zlib.crc32(stem.encode()), int(number)]))
        return Sample(image, np.full(image.shape[:2], self._background, np.uint8))


def _window(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A square of random size and place."""
    shorter = min(image.shape[:2])
    side = int(random.uniform(min(max(SMALLEST * shorter, FEWEST_PIXELS), shorter), shorter))
    y, x = (random.integers(length - side + 1) for length in image.shape[:2])
    return image[y : y + side, x : x + side]
