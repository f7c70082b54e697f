"""A subset of a data set, decoded and resized once into a cache on disk."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from unet_core.data.base import Dataset, Sample
from unet_core.store.environment import cache_folder

Progress = Callable[[int, int], None]  # gets how many of how many are done
VERSION = 2  # raise it when the same names would give other pixels


@dataclass(frozen=True)
class Prepared:
    """Samples at the network's size: ``images`` uint8 (N, S, S, 3), ``masks`` uint8 (N, S, S) of
    class ids."""

    names: list[str]
    images: np.ndarray
    masks: np.ndarray

    def __len__(self) -> int:
        return len(self.names)


def joined(first: Prepared, *others: Prepared) -> Prepared:
    """All of them in memory, one after the other; ``first`` as it is where there are no others."""
    if not others:
        return first
    parts = (first, *others)
    images, masks = [part.images for part in parts], [part.masks for part in parts]
    names = [name for part in parts for name in part.names]
    return Prepared(names, np.concatenate(images), np.concatenate(masks))


def resize_sample(sample: Sample, width: int, height: int | None = None) -> Sample:
    """Squash to ``width`` × ``height`` (without it a square): the image anti-aliased, the mask by
    its nearest pixel."""
    size = (width, height or width)
    image = Image.fromarray(sample.image).resize(size, Image.Resampling.BILINEAR)
    mask = Image.fromarray(sample.mask).resize(size, Image.Resampling.NEAREST)
    return Sample(np.asarray(image), np.asarray(mask))


def prepare(
    dataset: Dataset, names: list[str], size: int, progress: Progress = lambda done, total: None
) -> Prepared:
    """Load ``names`` at ``size`` × ``size`` pixels with all cores, or map the copy that an earlier
    run left in the cache.

    The arrays are memory-mapped, so that a large data set does not fill the memory. ``UserError``
    when a sample cannot be read.
    """
    folder = cache_folder() / _key(dataset, names, size)
    if not folder.is_dir():
        _fill(folder, dataset, names, size, progress)
    os.utime(folder)  # the least recently used goes first when room is needed
    progress(len(names), len(names))
    arrays = (np.load(folder / f"{part}.npy", mmap_mode="r") for part in ("images", "masks"))
    return Prepared(list(names), *arrays)


def _key(dataset: Dataset, names: list[str], size: int) -> str:
    parts = [VERSION, dataset.name, str(dataset.fingerprint), names, size]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def _fill(folder: Path, dataset: Dataset, names: list[str], size: int, progress: Progress) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, suffix=".tmp"))
    try:
        images = _new_array(temporary / "images.npy", (len(names), size, size, 3))
        masks = _new_array(temporary / "masks.npy", (len(names), size, size))

        def load(name: str) -> Sample:
            return resize_sample(dataset.load(name), size)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for position, sample in enumerate(pool.map(load, names)):
                images[position], masks[position] = sample
                progress(position + 1, len(names))
        images.flush()
        masks.flush()
        os.rename(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _new_array(path: Path, shape: tuple[int, ...]) -> np.memmap:
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
