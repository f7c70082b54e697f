"""Uploaded files: zips unpacked, images and masks matched by their names."""

import io
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import PurePosixPath

from unet_core.data.io import EXTENSIONS
from unet_core.errors import UserError, some

MASK_ENDINGS = ("_mask", "-mask", "_truth", "_label")
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError)
Files = list[tuple[str, bytes]]  # names and contents


def matched(files: Files, max_bytes: float) -> dict[str, tuple[bytes, bytes]]:
    """Contents of each image and its mask, sorted by the name that the two share.

    A mask has its image's name, in a folder ``masks`` or with the ending ``_mask``. Zips are
    unpacked, to ``max_bytes`` each. ``UserError`` names what has no partner.
    """
    images: dict[str, bytes] = {}
    masks: dict[str, bytes] = {}
    for name, content in _unpacked(files, max_bytes):
        path = PurePosixPath(name)
        ending = next((e for e in MASK_ENDINGS if path.stem.lower().endswith(e)), "")
        stem = path.stem[: len(path.stem) - len(ending)]
        group = masks if ending or "mask" in path.parent.name.lower() else images
        if group.setdefault(stem, content) != content:  # the same file twice does no harm
            raise UserError(f"Two files are called {stem}; rename one of them.")
    if alone := sorted(set(images) ^ set(masks)):
        shown = [f"{n} (no {'mask' if n in images else 'picture'})" for n in alone]
        raise UserError(
            f"Without a partner: {some(shown)}. A mask is called like its picture, as cat_mask.png."
        )
    if not masks:
        raise UserError(
            "No pairs were found. Upload each picture and its mask, as cat.jpg and cat_mask.png."
        )
    return {name: (images[name], masks[name]) for name in sorted(masks)}


def check_unpacked(infos: Iterable[zipfile.ZipInfo], name: str, max_bytes: float) -> None:
    """``UserError`` when an archive's files are together larger than ``max_bytes``."""
    if sum(info.file_size for info in infos) > max_bytes:
        raise UserError(f"{name} unpacks to over {max_bytes / 1e6:.0f} MB; split it.")


def _unpacked(files: Files, max_bytes: float) -> Files:
    result = []
    for name, content in files:
        if not name.lower().endswith(".zip"):
            result.append((name, content))
            continue
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                infos = [info for info in archive.infolist() if _is_image(info.filename)]
                check_unpacked(infos, name, max_bytes)
                result += [(info.filename, archive.read(info)) for info in infos]
        except BROKEN_ZIP as error:
            raise UserError(f"{name} is not a zip that can be opened ({error}).") from error
    return result


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return not hidden and path.suffix.lower().lstrip(".") in EXTENSIONS
