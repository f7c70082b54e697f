"""What the data sets share: reading pictures and masks, class ids, splits, colours."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from unet_core.data.base import ClassInfo
from unet_core.errors import UserError
from unet_core.images import EXTENSIONS, open_picture

# Okabe and Ito's palette, which people with any colour vision can tell apart; background first.
BACKGROUND = "#56B4E9"
PALETTE = ("#E69F00", "#CC79A7", "#009E73", "#F0E442", "#0072B2", "#D55E00")
MOST_CLASSES = 20


def read_picture(path: Path, shape: tuple[int, int] | None = None) -> np.ndarray:
    """Read a picture of any kind as uint8 (H, W, 3), RGB.

    A camera's rotation note (EXIF) is left alone, since masks are drawn on the stored pixels,
    unless only the turned picture has the mask's ``shape``. ``UserError`` when it cannot be read,
    or has another size than its mask.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"The picture {path} cannot be read; put it back.") from error
    image = open_picture(data, path.name, upright=False)
    if shape and image.shape[:2] != shape:
        image = open_picture(data, path.name)
    if shape and image.shape[:2] != shape:
        raise UserError(f"{path.name}: picture and mask differ in size; replace one of them.")
    return image


def read_mask(path: Path) -> np.ndarray:
    """Read a mask's numbers as uint8 (H, W); a palette's indices count, not its colours.

    ``UserError`` for a missing, broken, coloured or more than 8-bit mask.
    """
    try:
        with Image.open(path) as picture:
            values = np.asarray(picture.convert("L") if picture.mode in ("1", "LA") else picture)
    except FileNotFoundError as error:
        raise UserError(f"The mask {_shown(path)} is missing.") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"The mask {_shown(path)} cannot be read; replace it.") from error
    if values.ndim == 3 and np.ptp(values[..., :3], axis=2).max() == 0:
        values = values[..., 0]
    if values.ndim != 2 or values.max() > 255 or values.min() < 0:
        raise UserError(f"The mask {_shown(path)} is not a grey picture with values from 0 to 255.")
    return values.astype(np.uint8)


def _shown(path: Path) -> str:
    """The file with its folder: enough to find it, and no path of a host for its visitors."""
    return f"{path.parent.name}/{path.name}"


def split_names(names: Iterable[str], seed: int) -> dict[str, list[str]]:
    """Draw one fifth of the names for the split "test"; the others are "trainval".

    The draw goes by a hash of seed and name: the same on every machine and Python version.
    """
    names = sorted(names)
    shuffled = sorted(names, key=lambda n: hashlib.sha256(f"{seed} {n}".encode()).digest())
    test = set(shuffled[: max(1, round(len(names) / 5))])
    return {
        "trainval": [name for name in names if name not in test],
        "test": [name for name in names if name in test],
    }


def picture_files(folder: Path) -> dict[str, Path]:
    """The folder's pictures by name without suffix, sorted; empty where there is no folder.

    ``UserError`` when two differ in the suffix only.
    """
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    files = [p for p in files if p.suffix[1:].lower() in EXTENSIONS and not p.name.startswith(".")]
    found = {path.stem: path for path in files}
    if len(found) < len(files):
        twice = next(path for path in files if found[path.stem] != path)
        raise UserError(f"{folder} has two pictures called {twice.stem!r}; remove one of them.")
    return found


def files_fingerprint(paths: Iterable[Path]) -> str:
    """Changes whenever one of the files does (its place, size or time)."""
    facts = [(str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return hashlib.sha256(repr(sorted(facts)).encode()).hexdigest()


@dataclass(frozen=True)
class Labels:
    """What the numbers in a user's masks mean: class ids, or black and white."""

    classes: tuple[ClassInfo, ...]
    is_black_and_white: bool

    def ids(self, mask: np.ndarray) -> np.ndarray:
        """Class ids, uint8, for a mask's numbers."""
        return (mask > 127).astype(np.uint8) if self.is_black_and_white else mask

    @classmethod
    def of(cls, counts: np.ndarray, source: str) -> "Labels":
        """Find out from how often each value from 0 to 255 occurs, ``counts``: int (256,).

        Values up to 19 are class ids. Masks of 0 and a high value are black and white, also when
        smoothed or compressed, as long as nine in ten pixels are nearly black or white.
        ``UserError``, which names ``source``, for anything else.
        """
        values = np.flatnonzero(counts)
        if values[-1] < MOST_CLASSES:
            return cls(numbered_classes(max(2, int(values[-1]) + 1)), False)
        clear = counts[:16].sum() + counts[240:].sum() >= 0.9 * counts.sum()
        smooth = len(values) > MOST_CLASSES and clear
        if values[-1] > 127 and (smooth or set(values[:-1]) <= {0}):
            return cls(numbered_classes(2), True)
        shown = ", ".join(map(str, values[:6])) + (", …" if len(values) > 6 else "")
        raise UserError(
            f"The masks in {source} have the values {shown}; they must be class ids from 0 to "
            f"{MOST_CLASSES - 1}, or 0 and 255."
        )


def numbered_classes(count: int) -> tuple[ClassInfo, ...]:
    """Classes for data that comes without names: background and object, or class 0, 1, …

    Beyond the palette the same colours come again, darker each time round.
    """
    others = ["object"] if count == 2 else [f"class {index}" for index in range(1, count)]
    colors = [shade(PALETTE[i % len(PALETTE)], i // len(PALETTE)) for i in range(count - 1)]
    named = [ClassInfo(name, color) for name, color in zip(others, colors, strict=True)]
    return ClassInfo("background", BACKGROUND), *named


def shade(color: str, times: int) -> str:
    """The colour, a third darker that many times."""
    channels = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(value * (2 / 3) ** times):02X}" for value in channels)
