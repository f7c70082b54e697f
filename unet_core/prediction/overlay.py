"""What is drawn over an image: colors of classes, outlines, errors, heat."""

from collections.abc import Iterable

import numpy as np
from scipy.ndimage import binary_dilation

from unet_core.prediction.masks import edge
from unet_core.store.classes import ClassInfo


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green and blue, 0–255 each.

    >>> rgb("#E69F00")
    (230, 159, 0)
    """
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def color_mask(ids: np.ndarray, colors: Iterable[str]) -> np.ndarray:
    """Class ids (…) to their colors, uint8 (…, 3)."""
    return np.array([rgb(color) for color in colors], np.uint8)[ids]


def blend(
    image: np.ndarray,
    ids: np.ndarray,
    classes: tuple[ClassInfo, ...],
    opacity: float,
    visible: Iterable[str] | None = None,
) -> np.ndarray:
    """Lay the colors of the ``visible`` classes over uint8 (H, W, 3), ``opacity`` in 0–1.

    A pixel becomes ``image · (1 − opacity) + color · opacity``, rounded. Without ``visible``,
    every class but the background is shown.
    """
    shown = np.isin(ids, _visible_ids(classes, visible))
    colors = color_mask(ids[shown], [c.color for c in classes]).astype(np.float32)
    result = image.copy()
    result[shown] = np.rint(image[shown] * (1 - opacity) + colors * opacity)
    return result


def outline(
    image: np.ndarray,
    ids: np.ndarray,
    classes: tuple[ClassInfo, ...],
    visible: Iterable[str] | None = None,
) -> np.ndarray:
    """Draw the outlines of the ``visible`` classes over uint8 (H, W, 3), in their colors.

    The line grows with the image's longer side: 1 pixel on 600, 3 on 1200. Without ``visible`` as
    in `blend`.
    """
    result = image.copy()
    for number in _visible_ids(classes, visible):
        line = edge(ids == number)
        for _ in range(1, round(max(ids.shape) / 600)):
            line = binary_dilation(line)
        result[line] = rgb(classes[number].color)
    return result


def _visible_ids(classes: tuple[ClassInfo, ...], visible: Iterable[str] | None) -> list[int]:
    if visible is None:
        return [number for number, c in enumerate(classes) if not c.is_background]
    names = set(visible)
    return [number for number, c in enumerate(classes) if c.name in names]


def error_map(image: np.ndarray, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """A grey image, uint8 (H, W, 3), with the foreground's misses in orange and its false alarms
    in blue.

    ``truth`` and ``prediction``: boolean (H, W).
    """
    result = image.mean(-1, keepdims=True).repeat(3, -1) * 0.6
    result[truth & ~prediction] = rgb("#E69F00")
    result[prediction & ~truth] = rgb("#0072B2")
    return result.astype(np.uint8)


def heat(values: np.ndarray) -> np.ndarray:
    """Values (H, W) in 0–1 as dark blue to yellow, uint8 (H, W, 3).

    The colors are five stops of cividis, which color-blind people read like everybody else
    (Nuñez, Anderton and Renslow 2018).
    """
    stops = np.array([(0, 34, 78), (53, 69, 108), (124, 123, 120), (187, 175, 113), (254, 232, 56)])
    position = np.linspace(0, 1, len(stops))
    colors = np.stack([np.interp(values, position, stops[:, c]) for c in range(3)], axis=-1)
    return np.rint(colors).astype(np.uint8)
