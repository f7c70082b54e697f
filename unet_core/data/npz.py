"""A user's own data in one file of two NumPy arrays."""

import zipfile
import zlib
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.lib import format

from unet_core.data.base import Dataset, Sample, split_names
from unet_core.data.io import as_uint8, files_fingerprint
from unet_core.data.labels import Labels, value_counts
from unet_core.errors import UserError

SEED = 0
IMAGES, MASKS = "arr_0", "arr_1"
BROKEN = (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile)


class Npz(Dataset):
    """Images ``arr_0`` (N, H, W), (N, H, W, 1) or (N, H, W, 3); masks ``arr_1`` (N, H, W[, 1]).

    Images hold 0 to 255, fractions from 0 to 1, or 16-bit numbers. Masks hold class ids, or 0
    and 255. One image in five, chosen with ``SEED``, is for the test. ``UserError`` for a file
    that is otherwise.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = f"npz:{path}"
        self.title = self.path.name
        self.credit = f"Own data: {self.path.name}"
        self._reading = Lock()  # several threads load at once, one reads the file
        images, masks = self._shape(IMAGES), self._shape(MASKS)
        self._check(images, masks)
        counts = sum(map(value_counts, self._masks), np.zeros(256, np.int64))
        self._labels = Labels.of(counts, self.path.name)
        self.classes = self._labels.classes
        self.splits = split_names((f"{index:05d}" for index in range(images[0])), SEED)
        self.fingerprint = files_fingerprint([self.path])

    def load(self, name: str) -> Sample:
        index = int(name)
        with self._reading:
            images, scale = self._images, self._scale
        image = np.rint(images[index].astype(np.float32) * scale).astype(np.uint8)
        image = np.broadcast_to(image.reshape(*image.shape[:2], -1), (*image.shape[:2], 3))
        return Sample(image.copy(), self._labels.ids(self._masks[index]))

    @cached_property
    def _images(self) -> np.ndarray:
        """Read only when an image is asked for: the file may fill the memory of a small host."""
        return self._read(IMAGES)

    @cached_property
    def _scale(self) -> float:
        """What turns the images' numbers into 0 to 255."""
        lowest, highest = float(self._images.min()), float(self._images.max())
        if not (lowest >= 0 and np.isfinite(highest)):
            raise UserError(f"The pictures in {self.path.name} must hold numbers from 0 to 255.")
        if highest > 255:
            return 255 / highest
        is_fraction = self._images.dtype.kind in "fb" and highest <= 1
        return 255.0 if is_fraction else 1.0

    @cached_property
    def _masks(self) -> np.ndarray:
        """The masks as they are, uint8 (N, H, W)."""
        masks = as_uint8(self._read(MASKS), f"The masks in {self.path.name}")
        return masks.reshape(masks.shape[:3])

    def _shape(self, array: str) -> tuple[int, ...]:
        """An array's shape, from the file's head alone."""
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{array}.npy") as file:
                is_first = format.read_magic(file) == (1, 0)
                read = format.read_array_header_1_0 if is_first else format.read_array_header_2_0
                shape, _, dtype = read(file)
        except FileNotFoundError as error:
            raise UserError(f"There is no file {self.path}.") from error
        except KeyError as error:
            raise UserError(
                f"{self.path.name} has no array {array}; save it with "
                "np.savez(file, pictures, masks)."
            ) from error
        except BROKEN as error:
            raise UserError(f"{self.path.name} is not a readable .npz file.") from error
        if dtype.kind not in "biuf":
            raise UserError(f"{array} in {self.path.name} must hold plain numbers, not {dtype}.")
        return shape

    def _check(self, images: tuple[int, ...], masks: tuple[int, ...]) -> None:
        """``UserError`` for shapes that are no images with masks."""
        good_images = len(images) == 3 or (len(images) == 4 and images[3] in (1, 3))
        good_masks = len(masks) == 3 or (len(masks) == 4 and masks[3] == 1)
        shapes = f"{self.path.name} has pictures of shape {images} and masks of shape {masks}"
        if not (good_images and good_masks and min(images + masks) > 0):
            raise UserError(f"{shapes}; they must be (N, H, W, 3) or (N, H, W), and (N, H, W).")
        if images[:3] != masks[:3]:
            raise UserError(f"{shapes}; their number, height and width must agree.")
        if images[0] < 2:
            raise UserError(f"{self.path.name} has one picture only; it takes at least two.")

    def _read(self, array: str) -> np.ndarray:
        try:
            with np.load(self.path, allow_pickle=False) as arrays:
                return arrays[array]
        except BROKEN as error:
            raise UserError(f"{array} in {self.path.name} is damaged; save it again.") from error
        except MemoryError as error:
            raise UserError(f"{array} in {self.path.name} is too large for the memory.") from error
