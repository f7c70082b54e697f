"""Opening pictures that nobody vouches for."""

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from unet_core.errors import UserError

EXTENSIONS = ("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff")
MAX_PIXELS = 25_000_000  # checked in the header, before anything is decoded
MIN_SIDE = 8
SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I")
BROKEN_HEADER = (struct.error, TypeError, AttributeError)  # what Pillow raises of some
ORIENTATION = 0x0112  # the EXIF tag: how a viewer must turn what is stored


class Header(NamedTuple):
    """What a picture file says of itself: ``shape`` (H, W) when upright, and its EXIF
    ``orientation``, 1 (stored upright) to 8, or None where it has none."""

    shape: tuple[int, int]
    orientation: int | None


def open_picture(data: bytes, name: str) -> np.ndarray:
    """Decode a picture file into uint8 RGB (H, W, 3), turned as its EXIF orientation says.

    Transparency is laid on white, 16-bit values are scaled to 8 bits, of an animation the first
    frame is taken. ``UserError`` says in a sentence why a file cannot be used.
    """
    if not data:
        raise UserError(f"{name} is empty (0 bytes); choose another file.")
    with opened(io.BytesIO(data), name) as picture:
        return np.asarray(_to_rgb(ImageOps.exif_transpose(picture)))


def read_header(file: Path | io.BytesIO, name: str) -> Header:
    """Without decoding the picture; ``UserError`` as in `open_picture`."""
    with opened(file, name) as picture:
        orientation = orientation_of(picture)
        width, height = picture.size
        lies = orientation in (5, 6, 7, 8) and picture.format != "TIFF"  # Pillow turns TIFF itself
        return Header((width, height) if lies else (height, width), orientation)


def orientation_of(picture: Image.Image) -> int | None:
    """The EXIF orientation; to be asked before decoding, after which a TIFF has none."""
    orientation = picture.getexif().get(ORIENTATION)
    return orientation if orientation in range(1, 9) else None


@contextmanager
def opened(file: Path | io.BytesIO, name: str) -> Iterator[Image.Image]:
    """A picture that nobody vouches for, its size checked, as it is stored and not yet decoded.

    ``UserError`` in place of what goes wrong here and, while it is decoded, in the ``with`` block.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file) as picture:
                _check_size(picture.size, name)
                yield picture
    except Image.DecompressionBombError:  # Pillow's own limit comes before ours
        raise UserError(_too_large(name)) from None
    except UnidentifiedImageError:
        raise UserError(
            f"{name} is not a picture that can be opened; use JPEG, PNG, WebP, BMP, GIF or TIFF."
        ) from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, *BROKEN_HEADER):
        raise UserError(f"{name} is damaged or cut short; save or download it again.") from None


def _check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if min(size) < MIN_SIDE:
        raise UserError(
            f"{name} has only {width} × {height} pixels; each side needs {MIN_SIDE} or more."
        )
    if width * height > MAX_PIXELS:
        raise UserError(_too_large(name))


def _too_large(name: str) -> str:
    return f"{name} has over {MAX_PIXELS // 10**6} million pixels; make it smaller first."


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode in SIXTEEN_BIT or picture.mode == "F":
        picture = _to_eight_bits(picture)
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    values = np.nan_to_num(np.asarray(picture, dtype=np.float64))
    top = 65535.0
    if picture.mode in ("I", "F"):  # these do not say where their white is
        highest = values.max()
        top = 65535.0 if highest > 255 else 255.0
        if picture.mode == "F" and highest <= 1:
            top = 1.0
    return Image.fromarray((values.clip(0, top) * (255 / top)).round().astype(np.uint8))
