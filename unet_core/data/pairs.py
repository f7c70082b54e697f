"""A user's own pictures and masks, uploaded as files or zips, scored with a model's classes."""

import hashlib
import io
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from unet_core.data.base import ClassInfo, Dataset, Sample
from unet_core.errors import UserError
from unet_core.images import EXTENSIONS, open_picture
from unet_core.runs import runs_folder

PREFIX = "pairs:"
MASK_ENDINGS = ("_mask", "-mask", "_truth", "_label")
MAX_PAIRS = 200
MAX_BYTES = 400_000_000  # of all unpacked files together
KEPT = 5  # uploads; older ones are removed


class Pairs(Dataset):
    """Pictures and masks of one upload; the classes are those of the model to be scored.

    A mask holds class numbers (0 is the first class), or 0 and 255 for background and object; for
    three classes also a trimap's 1, 2, 3 where no mask of the upload has a 0.
    """

    title = "Uploaded pairs"
    credit = "Your own pictures"

    def __init__(self, name: str, classes: tuple[ClassInfo, ...]):
        self.name = name
        self.folder = _uploads() / name.removeprefix(PREFIX)
        self.classes = classes
        masks = sorted(self.folder.glob("masks/*.png")) if _is_plain(self.folder.name) else []
        if not masks:
            raise UserError("The uploaded pairs are no longer here; upload them again.")
        self.splits = {"trainval": [], "test": [path.stem for path in masks]}
        self._lowest = min(int(_values(path).min()) for path in masks)

    def load(self, name: str) -> Sample:
        picture = self.folder / "images" / f"{name}.png"
        image = open_picture(picture.read_bytes(), name)
        return Sample(image, self._ids(_values(self.folder / "masks" / f"{name}.png"), name))

    def _ids(self, values: np.ndarray, name: str) -> np.ndarray:
        found = set(np.unique(values).tolist())
        background = next((i for i, c in enumerate(self.classes) if c.is_background), 0)
        thing = next(i for i in range(len(self.classes)) if i != background)
        if 255 in found and found <= {0, 255}:
            return np.where(values == 255, thing, background).astype(np.uint8)
        if len(self.classes) == 3 and self._lowest == 1 and found <= {1, 2, 3}:
            return values - np.uint8(1)
        if max(found) < len(self.classes):
            return values
        known = ", ".join(f"{number} {c.name}" for number, c in enumerate(self.classes))
        raise UserError(
            f"The mask of {name} has the value {max(found)}; masks hold class numbers ({known}), "
            "or 0 and 255."
        )


def keep_pairs(files: list[tuple[str, bytes]]) -> str:
    """Check and store uploaded files, matched by name; returns the name of the `Pairs`.

    ``files``: names and contents; zips are unpacked. A mask has its picture's name, in a folder
    ``masks`` or with the ending ``_mask``. ``UserError`` names what does not fit.
    """
    pictures, masks = matched(files)
    if len(masks) > MAX_PAIRS:
        raise UserError(f"These are {len(masks)} pairs; {MAX_PAIRS} at most can be scored at once.")
    content = b"".join(name.encode() + pictures[name] + masks[name] for name in sorted(masks))
    key = hashlib.sha256(content).hexdigest()[:16]
    folder = _uploads() / key
    if not folder.is_dir():
        _write(folder, pictures, masks)
    _forget_old(folder)
    return PREFIX + key


def matched(
    files: list[tuple[str, bytes]], most_bytes: int = MAX_BYTES
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Contents of the pictures and of their masks, each by the name that a pair shares.

    ``files`` as in `keep_pairs`; zips may unpack to ``most_bytes`` each. ``UserError`` names what
    has no partner.
    """
    pictures, masks = _sort_out(_unpacked(files, most_bytes))
    alone = sorted(set(pictures) ^ set(masks))
    if alone or not masks:
        raise UserError(_unmatched(alone, pictures))
    return pictures, masks


def _unpacked(files: list[tuple[str, bytes]], most_bytes: int) -> list[tuple[str, bytes]]:
    result = []
    for name, content in files:
        if not name.lower().endswith(".zip"):
            result.append((name, content))
            continue
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                infos = [info for info in archive.infolist() if _is_picture(info.filename)]
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
    """Pictures and masks by stem."""
    pictures, masks = {}, {}
    for name, content in files:
        path = PurePosixPath(name)
        ending = next((e for e in MASK_ENDINGS if path.stem.lower().endswith(e)), "")
        is_mask = bool(ending) or "mask" in path.parent.name.lower()
        stem = path.stem[: -len(ending)] if ending else path.stem
        group = masks if is_mask else pictures
        if group.get(stem, content) != content:  # the same file twice does no harm
            raise UserError(f"Two files are called {stem}; rename one of them.")
        group[stem] = content
    return pictures, masks


def _unmatched(alone: list[str], pictures: dict[str, bytes]) -> str:
    if not alone:
        return "No pairs were found. Upload each picture and its mask, as cat.jpg and cat_mask.png."
    shown = ", ".join(
        f"{name} (no {'mask' if name in pictures else 'picture'})" for name in alone[:5]
    )
    more = f" and {len(alone) - 5} more" if len(alone) > 5 else ""
    return f"Without a partner: {shown}{more}. A mask is called like its picture, as cat_mask.png."


def _write(folder: Path, pictures: dict[str, bytes], masks: dict[str, bytes]) -> None:
    temporary = folder.with_suffix(".part")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        for kind in ("images", "masks"):
            (temporary / kind).mkdir(parents=True)
        for number, stem in enumerate(sorted(masks)):
            name = f"{number:03}-{''.join(c if c.isalnum() else '-' for c in stem)[:60]}"
            image, mask = open_picture(pictures[stem], stem), _mask(masks[stem], stem)
            if image.shape[:2] != mask.shape:
                raise UserError(
                    f"{stem}: the picture has {image.shape[1]} × {image.shape[0]} pixels, the mask "
                    f"{mask.shape[1]} × {mask.shape[0]}; they must be the same."
                )
            Image.fromarray(image).save(temporary / "images" / f"{name}.png", compress_level=1)
            Image.fromarray(mask).save(temporary / "masks" / f"{name}.png")
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _mask(content: bytes, stem: str) -> np.ndarray:
    """Values uint8 (H, W) of a grey or palette file; a palette's numbers count."""
    open_picture(content, f"The mask of {stem}")  # its checks of size and damage
    with Image.open(io.BytesIO(content)) as picture:
        if picture.mode == "1":
            picture = picture.convert("L")
        values = np.asarray(picture)
    if values.ndim == 3 and np.ptp(values[..., :3], axis=2).max() == 0:
        values = values[..., 0]
    if values.ndim != 2 or values.min() < 0 or values.max() > 255:
        raise UserError(f"The mask of {stem} is coloured; save it in grey, a number a class.")
    return values.astype(np.uint8)


def _values(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def _is_picture(name: str) -> bool:
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
