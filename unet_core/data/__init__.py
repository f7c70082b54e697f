"""Data sets: named pictures with masks of class ids."""

from unet_core.data.base import ClassInfo, Dataset, Sample, data_folder
from unet_core.data.drawn import DrawnPets
from unet_core.data.pets import Pets
from unet_core.errors import UserError

__all__ = ["ClassInfo", "Dataset", "Sample", "data_folder", "open_dataset"]

DATASETS = {"pets": Pets, "drawn": DrawnPets}


def open_dataset(name: str) -> Dataset:
    """The data set that the command line calls ``name``; ``UserError`` when it is not there."""
    if name not in DATASETS:
        raise UserError(f"There is no data set {name!r}; there are: {', '.join(DATASETS)}.")
    return DATASETS[name]()
