"""Cell membranes in electron microscopy: the ISBI 2012 challenge, the U-Net paper's own task."""

import re

import numpy as np

from unet_core.data.base import Dataset, Sample, split_names
from unet_core.data.io import files_fingerprint, image_files, read_pair
from unet_core.errors import UserError
from unet_core.store.classes import ClassInfo
from unet_core.store.environment import data_folder

SEED = 2012  # of the first rule
GAP = 2  # unused slices: three apart, membranes match hardly better than anywhere in the stack


class Membrane(Dataset):
    """Slices of a fly's nerve cord; a mask is 0 on membranes and 255 inside cells.

    Reads ``images/`` and ``masks/`` under ``data_folder()/membrane``; names count the slices of
    the stack, 50 nm apart. The challenge's own test slices have no labels, so the last fifth of the
    labelled ones is for the test, and the ``GAP`` slices before it are unused. In runs without a
    ``split_rule`` the test was one slice in five, chosen with ``SEED``, next to slices that they
    learned from. ``UserError`` when nothing is there.
    """

    name = "membrane"
    title = "Cell membranes (ISBI 2012)"
    credit = (
        "ISBI 2012 EM segmentation challenge (Cardona et al., 2010; Arganda-Carreras et al., 2015)"
    )
    # Neither is background: an image without anything would not be all membrane.
    classes = (ClassInfo("membrane", "#D55E00"), ClassInfo("cell", "#56B4E9"))
    split_rule = "by distance"
    gap = GAP

    def __init__(self) -> None:
        folder = data_folder() / "membrane"
        self._images = image_files(folder / "images")
        self._masks = image_files(folder / "masks")
        names = set(self._images) & set(self._masks)
        if not names:
            raise UserError(
                f"The membrane slices are not in {folder}. Put the ISBI 2012 training slices "
                "there as images/ and masks/, or set UNET_DATA_DIR to where membrane/ is."
            )
        stack = sorted(names, key=_place)
        test = max(1, round(len(stack) / 5))
        self.splits = {"trainval": stack[: -test - GAP], "test": stack[-test:]}
        self._names = names
        self.fingerprint = files_fingerprint([*self._images.values(), *self._masks.values()])

    def split_by(self, rule: str) -> None:
        if not rule:
            self.splits, self.split_rule, self.gap = split_names(self._names, SEED), "", 0
        super().split_by(rule)

    def load(self, name: str) -> Sample:
        image, mask = read_pair(self._images[name], self._masks[name])
        return Sample(image, (mask >= 128).astype(np.uint8))


def _place(name: str) -> list[str | int]:
    """Sorts by the numbers in the names: 2 comes before 10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]
