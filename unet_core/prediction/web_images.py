"""Images for a web page: JPEG files and small square previews."""

import io

import numpy as np
from PIL import Image

from unet_core.prediction.views import fit


def encode_jpeg(image: np.ndarray, quality: int = 88) -> bytes:
    """A JPEG file of uint8 (H, W, 3); ``quality`` in 1–95."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="JPEG", quality=quality)
    return file.getvalue()


def decode_jpeg(file: bytes) -> np.ndarray:
    """The pixels of a file that `encode_jpeg` made, uint8 (H, W, 3)."""
    return np.asarray(Image.open(io.BytesIO(file)))


def thumbnail(image: np.ndarray, side: int) -> np.ndarray:
    """The middle square of uint8 (H, W, 3), ``side`` pixels wide and high.

    >>> thumbnail(np.zeros((30, 90, 3), np.uint8), 8).shape
    (8, 8, 3)
    """
    height, width = image.shape[:2]
    square = min(height, width)
    top, left = (height - square) // 2, (width - square) // 2
    return fit(image[top : top + square, left : left + square], side)
