"""The classes of a segmentation."""

from dataclasses import dataclass
from typing import Literal


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
