"""What every data set looks like."""

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from unet_core.errors import UserError


@dataclass(frozen=True)
class ClassInfo:
    """One class of a segmentation; its id is its position in ``Dataset.classes``."""

    name: str
    color: str  # "#rrggbb"

    @property
    def is_background(self) -> bool:
        """The background is scored like any class, but an overlay leaves it alone by default."""
        return self.name == "background"


class Sample(NamedTuple):
    """A picture with its truth.

    ``image``: uint8 (H, W, 3), RGB. ``mask``: uint8 (H, W), class ids.
    """

    image: np.ndarray
    mask: np.ndarray


class Dataset(ABC):
    """Named samples in named splits.

    A data set with two classes (background first) is *binary*: its models have one output channel
    with a sigmoid; every other data set has one softmax channel a class.
    """

    name: str  # what the command line calls it, such as "pets" or "npz:cells.npz"
    title: str  # what people call it
    credit: str  # source and licence, shown wherever its pictures are
    classes: tuple[ClassInfo, ...]
    splits: dict[str, list[str]]  # names of samples; "trainval" and "test" always exist, and
    # "unlabelled" may, whose samples have no truth
    split_rule: str = ""  # how they were made, where data of that name were split otherwise before
    gap: int = 0  # samples in a row look alike: so many stay unused between those for learning and
    # those for validation or the test; 0: samples have nothing to do with each other

    @property
    def fingerprint(self) -> str:
        """Changes whenever a sample of the same name would have other pixels."""
        return ""

    def split_by(self, rule: str) -> None:
        """Go back to the splits that a run with this ``split_rule`` has learned from.

        ``UserError`` for a rule that this version does not know.
        """
        if rule != self.split_rule:
            raise UserError(
                f"The run learned from {self.title} split {rule!r}, which this version of the "
                "program does not know; use the version that trained it."
            )

    def load_picture(self, name: str) -> np.ndarray:
        """A picture alone, which may be one of the split ``unlabelled``: uint8 (H, W, 3)."""
        return self.load(name).image

    @abstractmethod
    def load(self, name: str) -> Sample:
        """Read one sample at its original resolution; ``UserError`` when it cannot be read."""


def data_folder() -> Path:
    """Where data sets lie: ``UNET_DATA_DIR``, or ``data/`` in the working directory."""
    return Path(os.environ.get("UNET_DATA_DIR", "data"))
