"""Opening images and masks that nobody vouches for: checked, upright, as uint8 arrays.

What the numbers in a mask mean is decided in `labels.py`. All errors are ``UserError``: a sentence
that names the file and says why it cannot be used.
"""

import hashlib
import io
import struct
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from unet_core.data.base import Sample
from unet_core.errors import UserError

EXTENSIONS = ("jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff")
MAX_PIXELS = 25_000_000  # checked in the header, before anything is decoded
MIN_SIDE = 8
SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I")
BROKEN_HEADER = (struct.error, TypeError, AttributeError)  # what Pillow raises of some
ORIENTATION = 0x0112  # the EXIF tag: how a viewer must turn what is stored


class Header(NamedTuple):
    """What an image file says of itself: ``shape`` (H, W) when upright, and its EXIF
    ``orientation``, 1 (stored upright) to 8, or None where it has none."""

    shape: tuple[int, int]
    orientation: int | None


class SizesDiffer(UserError):
    """A mask that does not fit its image, however the two are turned."""


def open_image(data: bytes, name: str) -> np.ndarray:
    """Decode an image file into uint8 RGB (H, W, 3), turned as its EXIF orientation says.

    Transparency is laid on white, 16-bit values are scaled to 8 bits, of an animation the first
    frame is taken. ``name`` is what an error calls the file.
    """
    if not data:
        raise UserError(f"{name} is empty (0 bytes); choose another file.")
    with _opened(io.BytesIO(data), name) as image:
        return np.asarray(_to_rgb(ImageOps.exif_transpose(image)))


def open_pair(data: bytes, mask: bytes, name: str, mask_name: str) -> Sample:
    """Decode an image, as `open_image`, with its mask's numbers, uint8 (H, W), both upright.

    A mask with an EXIF orientation of its own is turned by it. A mask without one was made from
    the stored pixels and turns with its image, unless only unturned it has the image's shape: then
    it was made from the upright image. (Upside down, mirrored or square, shapes cannot tell, and
    the stored pixels count.) Refused are masks that are colored, partly transparent, beyond 8 bits
    or of another size (`SizesDiffer`).
    """
    image = open_image(data, name)
    return Sample(image, _open_mask(mask, mask_name, read_header(io.BytesIO(data), name)))


def read_image(path: str | Path) -> np.ndarray:
    """A file as in `open_image`."""
    return open_image(_content(Path(path)), Path(path).name)


def read_pair(image: Path, mask: Path) -> Sample:
    """Two files as in `open_pair`."""
    return open_pair(_content(image), _content(mask), image.name, _mask_name(mask))


def read_mask(path: Path, image: Header | None = None) -> np.ndarray:
    """A mask's numbers, uint8 (H, W), upright; laid on its ``image``, as in `open_pair`, if any."""
    return _open_mask(_content(path), _mask_name(path), image)


def read_header(file: Path | io.BytesIO, name: str) -> Header:
    """Shape and orientation of an image, which is not decoded."""
    with _opened(file, name) as image:
        orientation = _orientation(image)
        width, height = image.size
        lies = orientation in (5, 6, 7, 8) and image.format != "TIFF"  # Pillow turns TIFF itself
        return Header((width, height) if lies else (height, width), orientation)


def as_uint8(values: np.ndarray, source: str) -> np.ndarray:
    """The numbers, rounded; ``UserError``, which names ``source``, unless all are 0 to 255.

    >>> as_uint8(np.array([0.9, 254.5, 255]), "x")
    array([  1, 254, 255], dtype=uint8)
    """
    if not (values.min() >= 0 and values.max() <= 255):  # nor NaN
        raise UserError(f"{source} must hold numbers from 0 to 255.")
    return (values if values.dtype.kind in "iub" else np.rint(values)).astype(np.uint8)


def image_files(folder: Path) -> dict[str, Path]:
    """The folder's images by name without suffix, sorted; empty where there is no folder.

    ``UserError`` when two differ in the suffix only.
    """
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    files = [p for p in files if p.suffix[1:].lower() in EXTENSIONS and not p.name.startswith(".")]
    found = {path.stem: path for path in files}
    if len(found) < len(files):
        twice = next(path for path in files if found[path.stem] != path)
        raise UserError(f"{folder} has two pictures called {twice.stem!r}; remove one of them.")
    return found


def files_fingerprint(paths: Iterable[Path]) -> str:
    """Changes whenever one of the files does (its place, size or time), or goes."""
    facts = []
    for path in paths:
        with suppress(OSError):
            stat = path.stat()
            facts.append((str(path.resolve()), stat.st_size, stat.st_mtime_ns))
    return hashlib.sha256(repr(sorted(facts)).encode()).hexdigest()


@contextmanager
def _opened(file: Path | io.BytesIO, name: str) -> Iterator[Image.Image]:
    """The image as it is stored, its size checked, not yet decoded.

    What goes wrong here, and in the ``with`` block while it is decoded, becomes a ``UserError``.
    """
    too_large = f"{name} has over {MAX_PIXELS // 10**6} million pixels; make it smaller first."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file) as image:
                if min(image.size) < MIN_SIDE:
                    sides = " × ".join(map(str, image.size))
                    raise UserError(
                        f"{name} has only {sides} pixels; each side needs {MIN_SIDE} or more."
                    )
                if image.width * image.height > MAX_PIXELS:
                    raise UserError(too_large)
                yield image
    except Image.DecompressionBombError:  # Pillow's own limit comes before ours
        raise UserError(too_large) from None
    except UnidentifiedImageError:
        raise UserError(
            f"{name} is not a picture that can be opened; use JPEG, PNG, WebP, BMP, GIF or TIFF."
        ) from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, *BROKEN_HEADER):
        raise UserError(f"{name} is damaged or cut short; save or download it again.") from None


def _orientation(image: Image.Image) -> int | None:
    """The EXIF orientation; to be asked before decoding, after which a TIFF has none."""
    orientation = image.getexif().get(ORIENTATION)
    return orientation if orientation in range(1, 9) else None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in SIXTEEN_BIT or image.mode == "F":
        image = _to_eight_bits(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _to_eight_bits(image: Image.Image) -> Image.Image:
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    white = 65535.0
    if image.mode in ("I", "F") and values.max() <= 255:  # these do not say where their white is
        white = 1.0 if image.mode == "F" and values.max() <= 1 else 255.0
    return Image.fromarray((values.clip(0, white) * (255 / white)).round().astype(np.uint8))


def _open_mask(data: bytes, name: str, image: Header | None) -> np.ndarray:
    with _opened(io.BytesIO(data), name) as mask:
        orientation = _orientation(mask)
        mask.load()  # before an orientation is set, by which Pillow would turn a TIFF itself
        if orientation is None and image:
            mask.getexif()[ORIENTATION] = image.orientation or 1
        turned = ImageOps.exif_transpose(mask)
        if image is None:
            return _numbers(turned, name)
        for choice in (turned, mask):
            if choice.size == image.shape[::-1]:
                return _numbers(choice, name)
    (width, height), (image_height, image_width) = mask.size, image.shape
    raise SizesDiffer(
        f"{name} has {width} × {height} pixels, its picture {image_width} × {image_height}; they "
        "must be the same."
    )


def _numbers(mask: Image.Image, name: str) -> np.ndarray:
    """A palette's indices count, not its colors, except where these are black and white."""
    if mask.mode in ("RGBA", "LA", "PA") and mask.getchannel("A").getextrema() != (255, 255):
        raise UserError(f"{name} is partly transparent; save it without transparency.")
    if mask.mode in ("1", "LA") or _is_black_and_white_palette(mask):
        mask = mask.convert("L")
    values = np.asarray(mask)
    if values.ndim == 3 and np.ptp(values[..., :3], axis=2).max() == 0:
        values = values[..., 0]
    if values.ndim != 2:
        raise UserError(
            f"{name} is coloured, not a grey picture; save it in grey, a number a class."
        )
    return as_uint8(values, name)


def _is_black_and_white_palette(mask: Image.Image) -> bool:
    palette = (mask.getpalette() if mask.mode == "P" else None) or []
    colors = {tuple(color) for color in np.reshape(palette, (-1, 3)).tolist()}
    return colors == {(0, 0, 0), (255, 255, 255)}


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{_shown(path)} cannot be read; put it back.") from error


def _mask_name(path: Path) -> str:
    return f"The mask {_shown(path)}"


def _shown(path: Path) -> str:
    """The file with its folder: enough to find it, and no path of a host for its visitors."""
    return f"{path.parent.name}/{path.name}"
