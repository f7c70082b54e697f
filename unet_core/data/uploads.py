"""A user's own data sets, uploaded in the app and kept among the runs.

Whatever form one comes in, it is checked once and kept in one form: images, masks of class ids,
and a list. So opening it later costs nothing.
"""

import hashlib
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path, PurePath

from PIL import Image

from unet_core.data.base import Dataset, Sample
from unet_core.data.folder import Folder
from unet_core.data.io import read_pair
from unet_core.data.labels import VERSION
from unet_core.data.npz import Npz
from unet_core.data.pairs import matched
from unet_core.data.prepared import resize_sample
from unet_core.errors import UserError
from unet_core.store.classes import read_classes
from unet_core.store.environment import runs_folder
from unet_core.store.files import modified, write_json
from unet_core.store.job import ACTIVE
from unet_core.store.runs import NAME, user_runs
from unet_core.store.schemas import UPLOAD, read_as

PREFIX = "upload:"
LIST = "set.json"
SIDE = 512  # larger images are kept with this on their longer side, twice what networks see
MOST_IMAGES = 1000
LEAST_IMAGES = 5  # one is for the test, four to learn from
UNPACKED = 4  # a zip or npz may unpack to so many times what may be uploaded
KEPT = 10  # data sets; the oldest go first


class Upload(Dataset):
    """A data set that `keep_upload` has kept; one image in five is for the test.

    ``UserError`` when it is no longer there.
    """

    credit = "Own data, uploaded"

    def __init__(self, key: str):
        self.folder = _store() / key
        facts = read_as(self.folder / LIST, UPLOAD) if NAME.fullmatch(key) else None
        if not facts:
            raise UserError("The uploaded data is no longer here; upload it again.")
        self.name = PREFIX + key
        self.title = facts["title"]
        self.classes = read_classes(facts["classes"], is_own_data=True)
        self.splits = facts["splits"]

    def load(self, name: str) -> Sample:
        return read_pair(*(self.folder / kind / f"{name}.png" for kind in ("images", "masks")))


def uploads() -> list[Upload]:
    """All that are kept and can be read, the latest first."""
    found = []
    for folder in sorted(_store().glob("[!.]*"), key=modified, reverse=True):
        with suppress(UserError):
            found.append(Upload(folder.name))
    return found


def keep_upload(
    files: list[tuple[str, bytes]],
    most_bytes: float,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Upload:
    """Check and keep uploaded files, of ``most_bytes`` together; the same files are kept once.

    ``files``: names and contents; one npz (see `Npz`), or images and masks, also in zips, matched
    by name (see `pairs.keep_pairs`). ``progress`` is told how many of how many are kept.
    ``UserError`` says what does not fit.
    """
    if sum(len(content) for _, content in files) > most_bytes:
        raise UserError(f"These are over {most_bytes / 1e6:.0f} MB; choose fewer pictures.")
    title = PurePath(files[0][0]).stem[:80] if len(files) == 1 else "My pictures"
    digest = hashlib.sha256(VERSION)
    for name, content in sorted(files):
        digest.update(name.encode() + content)
    plain = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "data"
    key = f"{plain}-{digest.hexdigest()[:8]}"
    if not (_store() / key).is_dir():
        _store().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_store(), prefix=".") as work:
            source = _open(files, Path(work) / plain, UNPACKED * most_bytes)
            _write(source, Path(work) / "kept", title, progress)
            os.rename(Path(work) / "kept", _store() / key)
    _forget_old(key)
    return Upload(key)


def name_classes(upload: Upload, names: list[str]) -> None:
    """Call the classes by ``names``, in the order of their ids, whose roles stay as they are.

    ``UserError`` for another number of names, or one twice.
    """
    names = [name.strip()[:40] for name in names]
    if len(names) != len(upload.classes) or len(set(names)) < len(names) or not all(names):
        raise UserError(f"Give {len(upload.classes)} different names, with commas between them.")
    renamed = (replace(c, name=name) for name, c in zip(names, upload.classes, strict=True))
    classes = [asdict(c) for c in renamed]
    facts = read_as(upload.folder / LIST, UPLOAD)
    if not facts:
        raise UserError("The uploaded data is no longer here; upload it again.")
    write_json(upload.folder / LIST, facts | {"classes": classes})


def remove(upload: Upload) -> None:
    """Delete the data set; ``UserError`` while a training needs it."""
    if upload.name in _in_use():
        raise UserError(f"A training still needs {upload.title}; stop it first.")
    shutil.rmtree(upload.folder)


def _open(files: list[tuple[str, bytes]], folder: Path, most_bytes: float) -> Dataset:
    """The files, written to ``folder``, as the data set that knows their form."""
    folder.mkdir()
    arrays = [content for name, content in files if name.lower().endswith(".npz")]
    if arrays and len(files) > 1:
        raise UserError("Upload an npz file alone; it holds all pictures and masks.")
    if arrays:
        path = folder / f"{folder.name}.npz"
        path.write_bytes(arrays[0])
        if _unpacked_size(path) > most_bytes:
            raise UserError(f"{path.name} unpacks to over {most_bytes / 1e6:.0f} MB; split it.")
        return Npz(path)
    for kind, contents in zip(("images", "masks"), matched(files, most_bytes), strict=True):
        (folder / kind).mkdir()
        for name, content in contents.items():
            (folder / kind / f"{name}.png").write_bytes(content)  # whatever it is: it is recognised
    return Folder(folder)


def _unpacked_size(path: Path) -> int:
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(info.file_size for info in archive.infolist())
    except zipfile.BadZipFile:
        return 0  # `Npz` says what is wrong


def _write(source: Dataset, folder: Path, title: str, progress: Callable[[int, int], None]) -> None:
    total = sum(map(len, source.splits.values()))
    if not LEAST_IMAGES <= total <= MOST_IMAGES:
        raise UserError(
            f"{title} has {total} pictures; it takes {LEAST_IMAGES} to {MOST_IMAGES:,}."
        )
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    splits: dict[str, list[str]] = {}
    for split, names in source.splits.items():
        splits[split] = []
        for name in names:
            done = sum(map(len, splits.values()))
            image, mask = _shrunk(source.load(name))
            plain = "".join(c if c.isalnum() else "-" for c in name)[:60]
            splits[split].append(f"{done:04}-{plain}")
            for kind, values in (("images", image), ("masks", mask)):
                path = folder / kind / f"{splits[split][-1]}.png"
                Image.fromarray(values).save(path, compress_level=1)
            progress(done + 1, total)
    classes = [asdict(c) for c in source.classes]
    write_json(folder / LIST, {"title": title, "classes": classes, "splits": splits})


def _shrunk(sample: Sample) -> Sample:
    height, width = sample.mask.shape
    scale = SIDE / max(height, width)
    if scale >= 1:
        return sample
    return resize_sample(sample, max(1, round(width * scale)), max(1, round(height * scale)))


def _forget_old(newest: str) -> None:
    with suppress(OSError):  # somebody has just removed it
        os.utime(_store() / newest)
    in_use = _in_use()
    for upload in uploads()[KEPT:]:
        if upload.name not in in_use:
            shutil.rmtree(upload.folder, ignore_errors=True)


def _in_use() -> set[str]:
    return {r.config["training"]["data"] for r in user_runs() if r.status["state"] in ACTIVE}


def _store() -> Path:
    return runs_folder() / ".data"
