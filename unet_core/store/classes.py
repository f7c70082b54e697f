"""The classes of a segmentation."""

from dataclasses import dataclass
from typing import Literal

from unet_core.store.legacy import with_roles


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
    """The classes of a run or an upload from its JSON: ``name``, ``color`` and ``role`` of each.

    ``is_own_data``: of a user's own data, for entries of before there was a ``role``.
    """
    classes = with_roles(entries, is_own_data)
    return tuple(ClassInfo(c["name"], c["color"], c["role"]) for c in classes)


def background_and_object(classes: tuple[ClassInfo, ...]) -> tuple[ClassInfo, ...] | None:
    """The two ``classes`` that black and white masks know: the background, then all objects as one.

    None where it is not clear which is which: without a background, or without objects.
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
