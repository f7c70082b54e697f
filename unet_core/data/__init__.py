"""Data sets: named images with masks of class ids."""

from collections.abc import Callable

from unet_core.data.base import Dataset
from unet_core.data.folder import Folder
from unet_core.data.lungs import Lungs
from unet_core.data.membrane import Membrane
from unet_core.data.npz import Npz
from unet_core.data.pets import Pets
from unet_core.data.synthetic import SyntheticPets
from unet_core.data.uploads import Upload
from unet_core.errors import UserError

DATASETS: dict[str, type[Dataset]] = {
    "pets": Pets,
    "synthetic": SyntheticPets,
    "lungs": Lungs,
    "membrane": Membrane,
}
# Opened as npz:FILE, folder:DIR and upload:KEY.
OWN_DATA: dict[str, Callable[[str], Dataset]] = {"npz": Npz, "folder": Folder, "upload": Upload}


def open_dataset(name: str) -> Dataset:
    """The data set of that name, as ``pets`` or ``npz:FILE``; ``UserError`` when it is not there.

    >>> len(open_dataset("synthetic").splits["test"])
    100
    """
    kind, _, path = name.partition(":")
    if kind in OWN_DATA and path:
        try:
            return OWN_DATA[kind](path)
        except OSError as error:  # such as a name that no file can have
            raise UserError(f"{path} cannot be opened: {error.strerror}.") from error
    if name not in DATASETS:
        known = ", ".join([*DATASETS, "npz:FILE", "folder:DIR"])
        raise UserError(f"There is no data set {name!r}; there are: {known}.")
    return DATASETS[name]()


def data_of(config: dict) -> Dataset:
    """The data set that a run with this ``config.json`` learned from, split as it was then.

    ``UserError`` when it is not there, or this version does not know how it was split.
    """
    dataset = open_dataset(config["training"]["data"])
    dataset.split_by(config.get("split_rule", ""))
    return dataset
