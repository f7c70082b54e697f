"""What the numbers in masks mean: class ids, black and white, or trimaps.

The numbers come from `io.py`. They are judged by all masks of a set together, never mask by mask.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from unet_core.errors import UserError
from unet_core.prediction.overlay import rgb
from unet_core.store.classes import ClassInfo, background_and_object

# Okabe and Ito's palette, which people with any color vision can tell apart; background first.
BACKGROUND = "#56B4E9"
PALETTE = ("#E69F00", "#CC79A7", "#009E73", "#F0E442", "#0072B2", "#D55E00")
MAX_CLASSES = 20
VERSION = b"2"  # raise it when the same uploaded files would be kept as other pixels or numbers
NUMBERS = np.arange(256, dtype=np.uint8)  # tables of `Labels`: as it is, and white from 128 on
WHITE = (NUMBERS > 127).astype(np.uint8)


@dataclass(frozen=True)
class Labels:
    """What the numbers in a user's masks mean, decided once for a whole set of masks.

    ``classes``: those that the masks tell apart. ``table``: uint8 (256,), the class id of each
    number. ``note``: the decision in a sentence.
    """

    classes: tuple[ClassInfo, ...]
    table: np.ndarray
    note: str = ""

    def ids(self, mask: np.ndarray) -> np.ndarray:
        """Class ids, uint8, for a mask's numbers."""
        return self.table[mask]

    @classmethod
    def of(cls, counts: np.ndarray, source: str) -> "Labels":
        """For data without known classes. ``counts``: `value_counts` of all masks together.

        Numbers up to 19 are class ids, 0 the background; otherwise the masks must be
        `_are_black_and_white`. ``UserError``, which names ``source``, for anything else.
        """
        values = np.flatnonzero(counts)
        if values[-1] < MAX_CLASSES:
            return cls(numbered_classes(max(2, int(values[-1]) + 1)), NUMBERS)
        if _are_black_and_white(counts):
            return cls(numbered_classes(2), WHITE)
        raise UserError(
            f"The masks in {source} have the values {_listed(values)}; they must be class ids from "
            f"0 to {MAX_CLASSES - 1}, or 0 and 255."
        )

    @classmethod
    def for_classes(cls, counts: dict[str, np.ndarray], classes: tuple[ClassInfo, ...]) -> "Labels":
        """For a model of ``classes`` that the masks are to score. ``counts``: `value_counts` of
        each mask, by its name.

        Class ids, unless `_are_black_and_white` or nothing is marked in any: then black is
        background. For classes with a border also trimaps: 1 object, 2 background, 3 border, where
        no mask has a 0 and not everything is 1. ``UserError`` for anything else.
        """
        total = np.sum(list(counts.values()), axis=0)
        values = np.flatnonzero(total).tolist()
        nothing_marked = values == [0] and any(c.is_background for c in classes)
        if _are_black_and_white(total) or nothing_marked:
            return _black_and_white(classes)
        roles = sorted(c.role for c in classes)
        if roles == ["background", "border", "object"] and values[0] > 0 and 1 < values[-1] < 4:
            return _trimaps(classes)
        known = ", ".join(f"{number} {c.name}" for number, c in enumerate(classes))
        if values[-1] < len(classes):
            return cls(classes, NUMBERS, f"The masks hold class numbers: {known}.")
        culprit = max(counts, key=lambda name: np.flatnonzero(counts[name])[-1])
        raise UserError(
            f"The masks have the values {_listed(values)} ({values[-1]} in {culprit}); all must "
            f"hold class numbers ({known}), or all be black and white."
        )


def _trimaps(classes: tuple[ClassInfo, ...]) -> Labels:
    """As in the Oxford-IIIT Pet data set; ``classes`` are one of each role."""
    roles = [c.role for c in classes]
    ids = [roles.index(role) for role in ("object", "background", "border")]
    table = NUMBERS.copy()
    table[1:4] = ids
    meant = ", ".join(f"{value} {classes[i].name}" for value, i in enumerate(ids, start=1))
    return Labels(classes, table, f"The masks are trimaps: {meant}.")


def _black_and_white(classes: tuple[ClassInfo, ...]) -> Labels:
    """White is the object, or the second of two classes of which none is background."""
    if len(classes) == 2:
        table = 1 - WHITE if classes[1].is_background else WHITE
        black, white = (classes[table[value]].name for value in (0, 255))
        note = f"The masks are black and white: black is {black}, white {white}."
        return Labels(classes, table, note)
    both = background_and_object(classes)
    if both is None:
        raise UserError(
            "The masks are black and white, which does not tell this model's classes apart; "
            "masks with class numbers do."
        )
    white = " or ".join(c.name for c in classes if c.is_object)
    note = f"The masks are black and white, and scored so: black is {both[0].name}, white {white}"
    if borders := " or ".join(c.name for c in classes if c.is_border):
        note += f"; where the model says {borders}, the likelier of these counts"
    return Labels(both, WHITE, f"{note}.")


def _are_black_and_white(counts: np.ndarray) -> bool:
    """Whether masks of these ``counts`` (256,) together hold 0 and one high number, or are
    smoothed or compressed.

    Those have few pixels between black and white, also beside the white ones, and some that are
    nearly white; numbers of objects, or classes with 255 for "void", have not.
    """
    values = np.flatnonzero(counts)
    white, between = counts[240:].sum(), counts[16:240].sum()
    smooth = 10 * between <= counts.sum() and between < 10 * white and counts[240:255].any()
    return values[-1] > 127 and bool(smooth or set(values[:-1]) <= {0})


def _listed(values: Iterable[int]) -> str:
    values = list(values)
    return ", ".join(map(str, values[:6])) + (", …" if len(values) > 6 else "")


def value_counts(mask: np.ndarray) -> np.ndarray:
    """How often each number from 0 to 255 occurs in a mask, uint8 (H, W): int64 (256,)."""
    return np.bincount(mask.ravel(), minlength=256)


def numbered_classes(count: int) -> tuple[ClassInfo, ...]:
    """Classes for data that comes without names: background and object, or class 0, 1, …

    Beyond the palette the same colors come again, darker each time round.

    >>> [c.name for c in numbered_classes(3)]
    ['background', 'class 1', 'class 2']
    """
    others = ["object"] if count == 2 else [f"class {index}" for index in range(1, count)]
    colors = [shade(PALETTE[i % len(PALETTE)], i // len(PALETTE)) for i in range(count - 1)]
    named = [ClassInfo(name, color) for name, color in zip(others, colors, strict=True)]
    return ClassInfo("background", BACKGROUND, "background"), *named


def shade(color: str, times: int) -> str:
    """The color, a third darker that many times.

    >>> shade("#FF9030", 1)
    '#AA6020'
    """
    return "#" + "".join(f"{round(value * (2 / 3) ** times):02X}" for value in rgb(color))
