"""What visitors upload, kept among the runs: pairs to score a model on, data sets to train on.

Files or zips are matched, checked and kept once, in one form: a folder with ``images/`` and
``masks/`` in PNG. Two data sets read it: `Pairs` with the classes of the model that is scored,
`Upload` with classes of its own, which a list beside the folders holds.
"""

import hashlib
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePath

import numpy as np
from PIL import Image

from unet_core.data.base import Dataset, Sample
from unet_core.data.folder import Folder
from unet_core.data.io import open_pair, read_mask, read_pair
from unet_core.data.labels import VERSION, Labels, value_counts
from unet_core.data.matching import Files, check_unpacked, matched
from unet_core.data.npz import Npz
from unet_core.data.prepared import Progress, resize_sample
from unet_core.errors import UserError
from unet_core.store.classes import ClassInfo, read_classes
from unet_core.store.environment import runs_folder
from unet_core.store.files import modified, write_json
from unet_core.store.job import ACTIVE
from unet_core.store.runs import NAME, user_runs
from unet_core.store.schemas import UPLOAD, read_as

FOLDERS = {"pairs": ".uploads", "upload": ".data"}  # by the word before a name's colon
KEPT = {"pairs": 5, "upload": 10}  # the oldest go first
PAIRS = "pairs:"
KINDS = ("images", "masks")
MAX_PAIRS = 200
MAX_PAIRS_BYTES = 400e6  # of all unpacked files together
LIST = "set.json"
MIN_IMAGES, MAX_IMAGES = 5, 1000  # of a data set: one is for the test, four to learn from
MAX_SIDE = 512  # of its images, twice what networks see; larger ones are kept smaller
UNPACKED = 4  # a zip or npz may unpack to so many times what may be uploaded


class Pairs(Dataset):
    """Uploaded images and masks for a model of ``classes`` to be scored on.

    `Labels.for_classes` finds out, from all masks together, what their numbers mean, and with it
    which classes are scored. ``UserError`` when the upload is no longer there.
    """

    title = "Uploaded pairs"
    credit = "Your own pictures"

    def __init__(self, name: str, classes: tuple[ClassInfo, ...]):
        self.name, self.folder = name, _folder(name)
        is_name = NAME.fullmatch(name.removeprefix(PAIRS))
        masks = sorted(self.folder.glob("masks/*.png")) if is_name else []
        if not masks:
            raise UserError("The uploaded pairs are no longer here; upload them again.")
        counts = {path.stem: _counts(path) for path in masks}
        self.splits = {"trainval": [], "test": list(counts)}
        self._labels = Labels.for_classes(counts, classes)
        self.classes, self.note = self._labels.classes, self._labels.note

    def load(self, name: str) -> Sample:
        image, mask = _read(self.folder, name)
        return Sample(image, self._labels.ids(mask))


class Upload(Dataset):
    """A data set that `keep_upload` has kept; one image in five is for the test.

    ``UserError`` when it is no longer there.
    """

    credit = "Own data, uploaded"

    def __init__(self, key: str):
        self.name = f"upload:{key}"
        self.folder = _folder(self.name)
        facts = read_as(self.folder / LIST, UPLOAD) if NAME.fullmatch(key) else None
        if not facts:
            raise UserError("The uploaded data is no longer here; upload it again.")
        self.title, self.splits = facts["title"], facts["splits"]
        self.classes = read_classes(facts["classes"], is_own_data=True)

    def load(self, name: str) -> Sample:
        return _read(self.folder, name)


def uploads() -> list[Upload]:
    """All that are kept and can be read, the latest first."""
    found = []
    for folder in sorted(_folder("upload:").glob("[!.]*"), key=modified, reverse=True):
        with suppress(UserError):
            found.append(Upload(folder.name))
    return found


def keep_pairs(files: Files) -> str:
    """Check and keep uploaded files, see `matched`; returns the name of the `Pairs`.

    ``UserError`` names what does not fit.
    """
    name = PAIRS + _digest(files)[:16]

    def write(work: Path) -> None:
        pairs = matched(files, MAX_PAIRS_BYTES)
        if len(pairs) > MAX_PAIRS:
            raise UserError(
                f"These are {len(pairs)} pairs; {MAX_PAIRS} at most can be scored at once."
            )
        opened = ((n, open_pair(*both, n, f"The mask of {n}")) for n, both in pairs.items())
        _write(work / "kept", opened)

    _keep(name, write)
    return name


def keep_upload(
    files: Files, max_bytes: float, progress: Progress = lambda done, total: None
) -> Upload:
    """Check and keep uploaded files, of ``max_bytes`` together; the same files are kept once.

    ``files``: one npz (see `Npz`), or images and masks as in `matched`. ``UserError`` says what
    does not fit.
    """
    if sum(len(content) for _, content in files) > max_bytes:
        raise UserError(f"These are over {max_bytes / 1e6:.0f} MB; choose fewer pictures.")
    title = PurePath(files[0][0]).stem[:80] if len(files) == 1 else "My pictures"
    plain = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "data"
    key = f"{plain}-{_digest(files)[:8]}"

    def write(work: Path) -> None:
        source = _open(files, work / plain, UNPACKED * max_bytes)
        total = sum(map(len, source.splits.values()))
        if not MIN_IMAGES <= total <= MAX_IMAGES:
            raise UserError(
                f"{title} has {total} pictures; it takes {MIN_IMAGES} to {MAX_IMAGES:,}."
            )
        names = iter(_write(work / "kept", _samples(source, progress)))
        splits = {split: list(islice(names, len(n))) for split, n in source.splits.items()}
        classes = [asdict(c) for c in source.classes]
        write_json(work / "kept" / LIST, {"title": title, "classes": classes, "splits": splits})

    _keep(f"upload:{key}", write)
    return Upload(key)


def name_classes(upload: Upload, names: list[str]) -> None:
    """Call the classes by ``names``, in the order of their ids, whose roles stay as they are.

    ``UserError`` for another number of names, or one twice, or when the data is no longer there.
    """
    known = Upload(upload.folder.name).classes
    names = [name.strip()[:40] for name in names]
    if len(names) != len(known) or len(set(names)) < len(names) or not all(names):
        raise UserError(f"Give {len(known)} different names, with commas between them.")
    renamed = (replace(c, name=name) for name, c in zip(names, known, strict=True))
    facts = {"title": upload.title, "splits": upload.splits}
    write_json(upload.folder / LIST, facts | {"classes": [asdict(c) for c in renamed]})


def remove(upload: Upload) -> None:
    """Delete the data set; ``UserError`` while a training needs it."""
    if upload.name in _in_use():
        raise UserError(f"A training still needs {upload.title}; stop it first.")
    shutil.rmtree(upload.folder)


def _folder(name: str) -> Path:
    kind, _, key = name.partition(":")
    return runs_folder() / FOLDERS[kind] / key


def _read(folder: Path, name: str) -> Sample:
    return read_pair(*(folder / kind / f"{name}.png" for kind in KINDS))


@lru_cache(KEPT["pairs"] * MAX_PAIRS)  # a page asks at every click; what is kept never changes
def _counts(mask: Path) -> np.ndarray:
    return value_counts(read_mask(mask))


def _digest(files: Files) -> str:
    digest = hashlib.sha256(VERSION)
    for name, content in sorted(set(files)):
        digest.update(name.encode() + content)
    return digest.hexdigest()


def _keep(name: str, write: Callable[[Path], None]) -> None:
    """Keep what ``write`` makes as ``kept/`` in an empty folder, unless it is there already.

    The oldest of the kind go, those beyond `KEPT` that no training needs.
    """
    folder, kind = _folder(name), name.partition(":")[0]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as work:
            write(Path(work))
            os.rename(Path(work) / "kept", folder)
    with suppress(OSError):  # somebody has just removed it
        os.utime(folder)
    in_use = _in_use()
    for old in sorted(folder.parent.iterdir(), key=modified, reverse=True)[KEPT[kind] :]:
        if f"{kind}:{old.name}" not in in_use:
            shutil.rmtree(old, ignore_errors=True)


def _in_use() -> set[str]:
    return {r.config["training"]["data"] for r in user_runs() if r.status["state"] in ACTIVE}


def _open(files: Files, folder: Path, max_bytes: float) -> Dataset:
    """The files, written to ``folder``, as the data set that knows their form."""
    folder.mkdir()
    arrays = [content for name, content in files if name.lower().endswith(".npz")]
    if arrays and len(files) > 1:
        raise UserError("Upload an npz file alone; it holds all pictures and masks.")
    if arrays:
        path = folder / f"{folder.name}.npz"
        path.write_bytes(arrays[0])
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:  # `Npz` refuses it
            check_unpacked(archive.infolist(), path.name, max_bytes)
        return Npz(path)
    pairs = matched(files, max_bytes)
    for number, kind in enumerate(KINDS):
        (folder / kind).mkdir()
        for name, contents in pairs.items():  # whatever they are: they are recognized
            (folder / kind / f"{name}.png").write_bytes(contents[number])
    return Folder(folder)


def _samples(source: Dataset, progress: Progress) -> Iterator[tuple[str, Sample]]:
    """All samples of all splits with their names, larger ones with `MAX_SIDE` pixels."""
    names = [name for split in source.splits.values() for name in split]
    for done, name in enumerate(names, start=1):
        sample = source.load(name)
        height, width = sample.mask.shape
        scale = min(1.0, MAX_SIDE / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        yield name, resize_sample(sample, *size)
        progress(done, len(names))


def _write(folder: Path, samples: Iterable[tuple[str, Sample]]) -> list[str]:
    """Images and masks as PNG; returns the names that they got, by number."""
    for kind in KINDS:
        (folder / kind).mkdir(parents=True)
    names: list[str] = []
    for name, sample in samples:
        plain = "".join(c if c.isalnum() else "-" for c in name)[:60]
        names.append(f"{len(names):04}-{plain}")
        for kind, values in zip(KINDS, sample, strict=True):
            Image.fromarray(values).save(folder / kind / f"{names[-1]}.png", compress_level=1)
    return names
