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
        if not (self.folder / "annotations" / "trainval.txt").is_file():
            raise UserError(
                f"The pets are not in {self.folder}. Get them with `python -m unet_core download "
                "pets`, or set UNET_DATA_DIR to the folder that holds pets/."
            )
        self.splits = {split: self._names(split) for split in ("trainval", "test")}
        labelled = {name for names in self.splits.values() for name in names}
        unlabelled = {path.stem for path in self._unlabelled.glob("*.jpg")}
        self.splits["unlabelled"] = sorted(unlabelled - labelled)

    @property
    def _unlabelled(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}_unlabelled")

    def _names(self, split: str) -> list[str]:
        lines = (self.folder / "annotations" / f"{split}.txt").read_text().splitlines()
        names = [line.split()[0] for line in lines if line.strip()]
        return [n for n in names if self._image(n).is_file() and self._trimap(n).is_file()]

    def _image(self, name: str) -> Path:
        return self.folder / "images" / f"{name}.jpg"

    def _trimap(self, name: str) -> Path:
        return self.folder / "annotations" / "trimaps" / f"{name}.png"

    def load(self, name: str) -> Sample:
        image, trimap = read_pair(self._image(name), self._trimap(name))
        return Sample(image, trimap - 1)

    def load_image(self, name: str) -> np.ndarray:
        path = self._unlabelled / f"{name}.jpg"
        if not path.is_file():
            return super().load_image(name)
        return read_image(path)
