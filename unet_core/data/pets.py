"""The Oxford-IIIT Pet data set (Parkhi et al. 2012) in its official layout.

``pets/images/NAME.jpg``, ``pets/annotations/trimaps/NAME.png`` and
``pets/annotations/{trainval,test}.txt`` under the data folder. Images without trimaps, for
self-training, may lie beside them: ``pets_unlabelled/NAME.jpg``.
"""

from pathlib import Path

import numpy as np

from unet_core.data.base import Dataset, Sample
from unet_core.data.io import read_image, read_pair
from unet_core.errors import UserError
from unet_core.store.classes import ClassInfo
from unet_core.store.environment import data_folder

PET_CLASSES = (
    ClassInfo("pet", "#E69F00"),
    ClassInfo("background", "#56B4E9", "background"),
    ClassInfo("border", "#CC79A7", "border"),
)


class Pets(Dataset):
    """Cats and dogs with trimaps: class ids 0 pet, 1 background, 2 border.

    The official splits, less the images that are not there (the data set may be had in part),
    and ``unlabelled``.
    """

    name = "pets"
    title = "Oxford-IIIT pets"
    credit = "Oxford-IIIT Pet data set, Parkhi et al. 2012, CC BY-SA 4.0"
    classes = PET_CLASSES

    def __init__(self, folder: Path | None = None):
        self.folder = folder or data_folder() / "pets"
        annotations = self.folder / "annotations"
        if not (annotations / "trainval.txt").is_file():
            raise UserError(
                f"The pets are not in {self.folder}. Get them with `python -m unet_core download "
                "pets`, or set UNET_DATA_DIR to the folder that holds pets/."
            )
        self._unlabelled = self.folder.with_name(f"{self.folder.name}_unlabelled")
        self.splits = {}
        for split in ("trainval", "test"):
            lines = (annotations / f"{split}.txt").read_text().splitlines()
            names = [line.split()[0] for line in lines if line.strip()]
            self.splits[split] = [n for n in names if all(p.is_file() for p in self._files(n))]
        labelled = sum(self.splits.values(), [])
        unlabelled = {path.stem for path in self._unlabelled.glob("*.jpg")}
        self.splits["unlabelled"] = sorted(unlabelled.difference(labelled))

    def _files(self, name: str) -> tuple[Path, Path]:
        trimaps = self.folder / "annotations" / "trimaps"
        return self.folder / "images" / f"{name}.jpg", trimaps / f"{name}.png"

    def load(self, name: str) -> Sample:
        image, trimap = read_pair(*self._files(name))
        return Sample(image, trimap - 1)

    def load_image(self, name: str) -> np.ndarray:
        path = self._unlabelled / f"{name}.jpg"
        return read_image(path) if path.is_file() else super().load_image(name)
