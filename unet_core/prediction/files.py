"""Image files: PNG and JPEG, their names, and a zip of them."""

import csv
import io
import zipfile
from collections.abc import Iterable
from pathlib import PurePath

import numpy as np
from PIL import Image


def encode_png(image: np.ndarray) -> bytes:
    """A PNG file of uint8 (H, W), (H, W, 3) or, with alpha, (H, W, 4)."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG", compress_level=3)
    return file.getvalue()


def encode_jpeg(image: np.ndarray, quality: int = 88) -> bytes:
    """A JPEG file of uint8 (H, W, 3); ``quality`` in 1–95."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="JPEG", quality=quality)
    return file.getvalue()


def unique_names(names: Iterable[str]) -> list[str]:
    """File names whose stems differ.

    Capitals do not count, since Windows and macOS do not tell them apart.

    >>> unique_names(["cat.jpg", "Cat.png"])
    ['cat.jpg', 'Cat-2.png']
    """
    unique: list[str] = []
    taken: set[str] = set()
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
    """A zip of ``(name, content)`` pairs and a ``summary.csv`` of ``rows``, one or more."""
    table = io.StringIO()
    writer = csv.DictWriter(table, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files:
            archive.writestr(name, content)
        archive.writestr("summary.csv", table.getvalue())
    return buffer.getvalue()
