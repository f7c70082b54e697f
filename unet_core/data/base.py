"""What every data set looks like."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from unet_core.errors import UserError
from unet_core.prediction.plausibility import Limits
from unet_core.store.classes import ClassInfo


class Sample(NamedTuple):
    """An image with its truth, at its original resolution.

    ``image``: uint8 (H, W, 3), RGB. ``mask``: uint8 (H, W), class ids.
    """

    image: np.ndarray
    mask: np.ndarray


class Dataset(ABC):
    """Named samples in named splits.

    A data set with two classes is *binary*: its models have one output channel with a sigmoid, the
    probability of the second class, so that a background comes first; every other data set has one
    softmax channel a class.
    """

    name: str  # what the command line calls it, such as "pets" or "npz:cells.npz"
    title: str  # what people call it
    credit: str  # source and licence, shown wherever its images are
    classes: tuple[ClassInfo, ...]
    splits: dict[str, list[str]]  # names of samples; "trainval" and "test" always exist, and
    # "unlabelled" may, whose samples have no truth
    fingerprint = ""  # changes whenever a sample of the same name would have other pixels
    note = ""  # how its masks were understood, a sentence for whoever reads a metric on them
    split_rule = ""  # how the splits were made, where data of that name were split otherwise before
    gap = 0  # samples in a row look alike: so many stay unused between those for training and those
    # for validation or the test; 0: samples have nothing to do with each other
    looks = ""  # what every mask shows, such as "two lungs", where `plausible` can be said
    plausible: Limits | None = None  # what a mask keeps to that shows it

    def split_by(self, rule: str) -> None:
        """Go back to the splits that a run with this ``split_rule`` has learned from.

        ``UserError`` for a rule that this version does not know.
        """
        if rule != self.split_rule:
            raise UserError(
                f"The run learned from {self.title} split {rule!r}, which this version of the "
                "program does not know; use the version that trained it."
            )

    def load_image(self, name: str) -> np.ndarray:
        """An image alone, which may be one of the split ``unlabelled``: uint8 (H, W, 3)."""
        return self.load(name).image

    @abstractmethod
    def load(self, name: str) -> Sample:
        """Read one sample at its original resolution; ``UserError`` when it cannot be read."""


def split_names(names: Iterable[str], seed: int) -> dict[str, list[str]]:
    """Choose one fifth of the names for the split "test"; the others are "trainval".

    The choice goes by a hash of seed and name: the same on every machine and Python version.

    >>> split_names("abcde", seed=0)
    {'trainval': ['a', 'b', 'c', 'd'], 'test': ['e']}
    """
    names = sorted(names)
    shuffled = sorted(names, key=lambda n: hashlib.sha256(f"{seed} {n}".encode()).digest())
    test = set(shuffled[: max(1, round(len(names) / 5))])
    return {
        "trainval": [name for name in names if name not in test],
        "test": [name for name in names if name in test],
    }
