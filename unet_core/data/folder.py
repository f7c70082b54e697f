"""A user's own data in a folder: ``images/`` and ``masks/``."""

from pathlib import Path

import numpy as np

from unet_core.data.base import Dataset, Sample, split_names
from unet_core.data.io import (
    SizesDiffer,
    files_fingerprint,
    image_files,
    read_header,
    read_mask,
    read_pair,
)
from unet_core.data.labels import Labels, value_counts
from unet_core.errors import UserError, some

SEED = 0


class Folder(Dataset):
    """Images and masks with the same names (any suffix), of the same size in each pair.

    Masks hold class ids, or 0 and 255; all are read once on opening, to find out which. One image
    in five, chosen with ``SEED``, is for the test. ``UserError`` for a folder that is otherwise.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = f"folder:{path}"
        self.title = self.path.resolve().name
        self.credit = f"Own data: {self.title}"
        self._images = image_files(self.path / "images")
        self._masks = image_files(self.path / "masks")
        self._check_names()
        self._labels = Labels.of(self._count_values(), f"{self.title}/masks")
        self.classes = self._labels.classes
        self.splits = split_names(self._images, SEED)
        self.fingerprint = files_fingerprint([*self._images.values(), *self._masks.values()])

    def load(self, name: str) -> Sample:
        image, mask = read_pair(self._images[name], self._masks[name])
        return Sample(image, self._labels.ids(mask))

    def _check_names(self) -> None:
        """``UserError`` when there are no pairs, or files without their other half."""
        if len(self._images) < 2:
            raise UserError(
                f"{self.title} needs at least two pictures in images/, masks in masks/."
            )
        for what, there, others in (
            ("pictures without a mask", self._images, self._masks),
            ("masks without a picture", self._masks, self._images),
        ):
            if alone := sorted(set(there) - set(others)):
                raise UserError(f"{self.path} has {what} of the same name: {some(alone)}.")

    def _count_values(self) -> np.ndarray:
        """How often each value occurs in the masks, (256,); ``UserError`` where sizes differ."""
        counts, odd = np.zeros(256, np.int64), list[str]()
        for name, path in self._masks.items():
            image = self._images[name]
            try:
                counts += value_counts(read_mask(path, read_header(image, image.name)))
            except SizesDiffer:
                odd.append(name)
        if odd:
            raise UserError(f"Picture and mask differ in size: {some(odd)}.")
        return counts
