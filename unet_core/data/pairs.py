"""A user's own images and masks, uploaded as files or zips, scored with a model's classes."""

import hashlib
import io
import shutil
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from unet_core.data.base import Dataset, Sample
from unet_core.data.io import EXTENSIONS, open_pair, read_mask, read_pair
from unet_core.data.labels import VERSION, Labels
from unet_core.errors import UserError
from unet_core.store.classes import ClassInfo
from unet_core.store.environment import runs_folder

PREFIX = "pairs:"
MASK_ENDINGS = ("_mask", "-mask", "_truth", "_label")
MAX_PAIRS = 200
MAX_BYTES = 400_000_000  # of all unpacked files together
KEPT = 5  # uploads; older ones are removed


class Pairs(Dataset):
    """Images and masks of one upload, for a model of ``classes`` to be scored.

    `Labels.for_classes` tells, from all masks together, what their numbers mean, and with it which
    classes are scored.
    """

    title = "Uploaded pairs"
    credit = "Your own pictures"

    def __init__(self, name: str, classes: tuple[ClassInfo, ...]):
        self.name = name
        self.folder = _uploads() / name.removeprefix(PREFIX)
        counts = _value_counts(self.folder) if _is_plain(self.folder.name) else {}
        if not counts:
            raise UserError("The uploaded pairs are no longer here; upload them again.")
        self.splits = {"trainval": [], "test": list(counts)}
        self._labels = Labels.for_classes(counts, classes)
        self.classes, self.note = self._labels.classes, self._labels.note

    def load(self, name: str) -> Sample:
        files = (self.folder / kind / f"{name}.png" for kind in ("images", "masks"))
        image, mask = read_pair(*files)
        return Sample(image, self._labels.ids(mask))


def _value_counts(folder: Path) -> dict[str, np.ndarray]:
    """How often each value occurs in each of the folder's masks, (256,), by name."""
    masks = sorted(folder.glob("masks/*.png"))
    return dict(zip((path.stem for path in masks), map(_counts, masks), strict=True))


@lru_cache(KEPT * MAX_PAIRS)  # a page asks at every click; what is kept never changes
def _counts(path: Path) -> np.ndarray:
    return np.bincount(read_mask(path).ravel(), minlength=256)


def keep_pairs(files: list[tuple[str, bytes]]) -> str:
    """Check and store uploaded files, matched by name; returns the name of the `Pairs`.

    ``files``: names and contents; zips are unpacked. A mask has its image's name, in a folder
    ``masks`` or with the ending ``_mask``. ``UserError`` names what does not fit.
    """
    images, masks = matched(files)
    if len(masks) > MAX_PAIRS:
        raise UserError(f"These are {len(masks)} pairs; {MAX_PAIRS} at most can be scored at once.")
    content = b"".join(name.encode() + images[name] + masks[name] for name in sorted(masks))
    key = hashlib.sha256(VERSION + content).hexdigest()[:16]
    folder = _uploads() / key
    if not folder.is_dir():
        _write(folder, images, masks)
    _forget_old(folder)
    return PREFIX + key


def matched(
    files: list[tuple[str, bytes]], most_bytes: int = MAX_BYTES
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Contents of the images and of their masks, each by the name that a pair shares.

    ``files`` as in `keep_pairs`; zips may unpack to ``most_bytes`` each. ``UserError`` names what
    has no partner.
    """
    images, masks = _sort_out(_unpacked(files, most_bytes))
    alone = sorted(set(images) ^ set(masks))
    if alone or not masks:
        raise UserError(_unmatched(alone, images))
    return images, masks


def _unpacked(files: list[tuple[str, bytes]], most_bytes: int) -> list[tuple[str, bytes]]:
    result = []
    for name, content in files:
        if not name.lower().endswith(".zip"):
            result.append((name, content))
            continue
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                infos = [info for info in archive.infolist() if _is_image(info.filename)]
                if sum(info.file_size for info in infos) > most_bytes:
                    raise UserError(f"{name} unpacks to over {most_bytes / 1e6:.0f} MB; split it.")
                result += [(info.filename, archive.read(info)) for info in infos]
        except (
            zipfile.BadZipFile,
            zlib.error,
            RuntimeError,
            NotImplementedError,
            EOFError,
        ) as error:
            raise UserError(f"{name} is not a zip that can be opened ({error}).") from error
    return result


def _sort_out(files: list[tuple[str, bytes]]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Images and masks by stem."""
    images, masks = {}, {}
    for name, content in files:
        path = PurePosixPath(name)
        ending = next((e for e in MASK_ENDINGS if path.stem.lower().endswith(e)), "")
        is_mask = bool(ending) or "mask" in path.parent.name.lower()
        stem = path.stem[: -len(ending)] if ending else path.stem
        group = masks if is_mask else images
        if group.get(stem, content) != content:  # the same file twice does no harm
            raise UserError(f"Two files are called {stem}; rename one of them.")
        group[stem] = content
    return images, masks


def _unmatched(alone: list[str], images: dict[str, bytes]) -> str:
    if not alone:
        return "No pairs were found. Upload each picture and its mask, as cat.jpg and cat_mask.png."
    shown = ", ".join(
        f"{name} (no {'mask' if name in images else 'picture'})" for name in alone[:5]
    )
    more = f" and {len(alone) - 5} more" if len(alone) > 5 else ""
    return f"Without a partner: {shown}{more}. A mask is called like its picture, as cat_mask.png."


def _write(folder: Path, images: dict[str, bytes], masks: dict[str, bytes]) -> None:
    temporary = folder.with_suffix(".part")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        for kind in ("images", "masks"):
            (temporary / kind).mkdir(parents=True)
        for number, stem in enumerate(sorted(masks)):
            name = f"{number:03}-{''.join(c if c.isalnum() else '-' for c in stem)[:60]}"
            image, mask = open_pair(images[stem], masks[stem], stem, f"The mask of {stem}")
            Image.fromarray(image).save(temporary / "images" / f"{name}.png", compress_level=1)
            Image.fromarray(mask).save(temporary / "masks" / f"{name}.png")
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return not hidden and path.suffix.lower().lstrip(".") in EXTENSIONS


def _is_plain(name: str) -> bool:
    return name.isalnum() and name.isascii()


def _uploads() -> Path:
    return runs_folder() / ".uploads"


def _forget_old(newest: Path) -> None:
    newest.touch()
    folders = sorted(_uploads().iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for folder in folders[KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)
