"""What every data set looks like."""

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from unet_core.errors import UserError


@dataclass(frozen=True)
class ClassInfo:
    """One class of a segmentation; its id is its position in ``Dataset.classes``.

    ``role``: what a pixel of the class is, whatever people call it: part of an object, of the
    background, or of a border between the two that may count as either.
    """

    name: str
    color: str  # "#rrggbb"
    role: Literal["object", "background", "border"] = "object"

    @property
    def is_background(self) -> bool:
        """The background is scored like any class, but an overlay leaves it alone by default."""
        return self.role == "background"

    @property
    def is_border(self) -> bool:
        return self.role == "border"

    @property
    def is_object(self) -> bool:
        return not (self.is_background or self.is_border)


def read_classes(entries: list[dict], is_own_data: bool) -> tuple[ClassInfo, ...]:
    """The classes of a run or an upload from its JSON, where each is as `dataclasses.asdict` says.

    Before ``role`` was kept, the name told: "background", "border". Users' own data
    (``is_own_data``) always had the background first and no border, but whoever renamed the first
    class lost it: it counts as background unless another is called so.
    """
    if all("role" in entry for entry in entries):
        return tuple(ClassInfo(e["name"], e["color"], e["role"]) for e in entries)
    names = [entry["name"] for entry in entries]
    roles = dict.fromkeys(names, "object")
    if "background" in names or is_own_data:
        roles["background" if "background" in names else names[0]] = "background"
    if "border" in names and not is_own_data:
        roles["border"] = "border"
    return tuple(ClassInfo(e["name"], e["color"], roles[e["name"]]) for e in entries)


def background_and_object(classes: tuple[ClassInfo, ...]) -> tuple[ClassInfo, ...] | None:
    """What black and white masks tell of more ``classes``: the background, then all objects as one.

    None where the two cannot be told apart: without a background, or without objects.
    """
    objects = [c for c in classes if c.is_object]
    backgrounds = [c for c in classes if c.is_background]
    if len(backgrounds) != 1 or not objects:
        return None
    alone = len(objects) == 1
    return backgrounds[0], objects[0] if alone else ClassInfo("object", objects[0].color)


def can_score(names: list[str], classes: tuple[ClassInfo, ...]) -> bool:
    """Whether masks whose classes have these ``names`` can score a model of ``classes``.

    They are the same, or their `background_and_object`.
    """
    return names in ([c.name for c in k] for k in (classes, background_and_object(classes) or ()))


class Sample(NamedTuple):
    """A picture with its truth.

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
    credit: str  # source and licence, shown wherever its pictures are
    classes: tuple[ClassInfo, ...]
    splits: dict[str, list[str]]  # names of samples; "trainval" and "test" always exist, and
    # "unlabelled" may, whose samples have no truth
    note = ""  # how its masks were understood, a sentence for whoever reads a score on them
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
