"""What is drawn over an image, and the files made of it."""

import csv
import io
import zipfile
from collections.abc import Iterable
from pathlib import PurePath

import numpy as np
from PIL import Image
from skimage.segmentation import find_boundaries

from unet_core.store.classes import ClassInfo


def class_ids(probabilities: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Probabilities (H, W, C) to class ids uint8 (H, W).

    Two classes: class 1 where its probability reaches ``threshold``. More: the likeliest class.
    """
    if probabilities.shape[-1] == 2:
        return (probabilities[..., 1] >= threshold).astype(np.uint8)
    return probabilities.argmax(-1).astype(np.uint8)


def resize_ids(ids: np.ndarray, height: int, width: int) -> np.ndarray:
    """Class ids at another resolution, by the nearest pixel."""
    if ids.shape == (height, width):
        return ids
    return np.asarray(Image.fromarray(ids).resize((width, height), Image.Resampling.NEAREST))


def rgb(color: str) -> tuple[int, int, int]:
    """``"#E69F00"`` to ``(230, 159, 0)``."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def color_mask(ids: np.ndarray, colors: Iterable[str]) -> np.ndarray:
    """Class ids (…) to their colours, uint8 (…, 3)."""
    return np.array([rgb(color) for color in colors], np.uint8)[ids]


def blend(
    image: np.ndarray,
    ids: np.ndarray,
    classes: tuple[ClassInfo, ...],
    opacity: float,
    visible: Iterable[str] | None = None,
) -> np.ndarray:
    """Lay the colours of the ``visible`` classes over uint8 (H, W, 3), ``opacity`` in 0–1.

    A pixel becomes ``image · (1 − opacity) + colour · opacity``, rounded. Without ``visible``,
    every class but the background is shown.
    """
    shown = _shown(ids, classes, visible)
    colours = color_mask(ids[shown], [c.color for c in classes]).astype(np.float32)
    result = image.copy()
    result[shown] = np.rint(image[shown] * (1 - opacity) + colours * opacity)
    return result


def outline(
    image: np.ndarray,
    ids: np.ndarray,
    classes: tuple[ClassInfo, ...],
    visible: Iterable[str] | None = None,
) -> np.ndarray:
    """Draw the outlines of the ``visible`` classes over uint8 (H, W, 3), in their colours.

    The line grows with the image's longer side: 1 pixel on 600, 3 on 1200.
    """
    visible = _visible(classes, visible)
    result = image.copy()
    width = max(1, round(max(ids.shape) / 600))
    for number, info in enumerate(classes):
        if info.name in visible:
            edge = find_boundaries(ids == number, mode="inner")
            for _ in range(width - 1):
                edge |= find_boundaries(edge, mode="outer")
            result[edge] = rgb(info.color)
    return result


def error_map(image: np.ndarray, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """A grey image with the foreground's misses in orange and its false alarms in blue.

    ``truth`` and ``prediction``: boolean (H, W).
    """
    result = image.mean(-1, keepdims=True).repeat(3, -1) * 0.6
    result[truth & ~prediction] = rgb("#E69F00")
    result[prediction & ~truth] = rgb("#0072B2")
    return result.astype(np.uint8)


def heat(values: np.ndarray, image: np.ndarray | None = None, opacity: float = 1.0) -> np.ndarray:
    """Values (H, W) in 0–1 as dark blue to yellow, uint8 (H, W, 3), laid over ``image`` if given.

    The colours are five stops of cividis, which colour-blind people read like everybody else.
    """
    stops = np.array([(0, 34, 78), (53, 69, 108), (124, 123, 120), (187, 175, 113), (254, 232, 56)])
    position = np.linspace(0, 1, len(stops))
    colours = np.stack([np.interp(values, position, stops[:, c]) for c in range(3)], axis=-1)
    if image is not None:
        colours = image * (1 - opacity) + colours * opacity
    return np.rint(colours).astype(np.uint8)


def shares(ids: np.ndarray, classes: tuple[ClassInfo, ...]) -> dict[str, float]:
    """Part of the image (0–1) that each class covers."""
    counts = np.bincount(ids.ravel(), minlength=len(classes))
    return {c.name: float(n) / ids.size for c, n in zip(classes, counts, strict=True)}


def encode_png(image: np.ndarray) -> bytes:
    """A PNG file of uint8 (H, W) or (H, W, 3)."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG", compress_level=3)
    return file.getvalue()


def unique_names(names: Iterable[str]) -> list[str]:
    """File names whose stems differ: ``cat.jpg, Cat.png`` become ``cat.jpg, Cat-2.png``.

    Capitals do not count, since Windows and macOS do not tell them apart.
    """
    unique, taken = [], set()
    for name in names:
        path = PurePath(name)
        stem, number = path.stem, 1
        while stem.lower() in taken:
            number += 1
            stem = f"{path.stem}-{number}"
        taken.add(stem.lower())
        unique.append(stem + path.suffix)
    return unique


def zip_files(files: Iterable[tuple[str, bytes]], rows: list[dict]) -> bytes:
    """A zip of ``(name, content)`` pairs and a ``summary.csv`` of ``rows``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files:
            archive.writestr(name, content)
        table = io.StringIO()
        writer = csv.DictWriter(table, rows[0])
        writer.writeheader()
        writer.writerows(rows)
        archive.writestr("summary.csv", table.getvalue())
    return buffer.getvalue()


def _visible(classes: tuple[ClassInfo, ...], visible: Iterable[str] | None) -> set[str]:
    if visible is None:
        return {c.name for c in classes if not c.is_background}
    return set(visible)


def _shown(ids: np.ndarray, classes: tuple[ClassInfo, ...], visible) -> np.ndarray:
    visible = _visible(classes, visible)
    return np.isin(ids, [number for number, c in enumerate(classes) if c.name in visible])
