"""The overlap-tile strategy of the U-Net paper (Ronneberger et al. 2015, figure 2).

A network of unpadded convolutions gives a smaller map than it takes. An image is therefore
predicted tile by tile: the outputs lie side by side, the inputs overlap, and what an input would
need beyond the image is the image, mirrored.
"""

from collections.abc import Callable

import numpy as np


def predict_by_tiles(
    image: np.ndarray, predict: Callable[[np.ndarray], np.ndarray], tile: int, output: int
) -> np.ndarray:
    """Probabilities float32 (H, W, C) of ``image``, uint8 (H, W, 3) with any H and W.

    ``predict`` takes pixels (``tile``, ``tile``, 3) and gives probabilities (``output``,
    ``output``, C) of their middle.
    """
    margin = (tile - output) // 2
    height, width = image.shape[:2]
    padding = [(margin, margin + -side % output) for side in (height, width)]
    mirrored = np.pad(image, [*padding, (0, 0)], mode="reflect")

    def row(top: int) -> np.ndarray:
        tiles = [mirrored[top : top + tile, left : left + tile] for left in range(0, width, output)]
        return np.concatenate([predict(pixels) for pixels in tiles], axis=1)

    return np.concatenate([row(top) for top in range(0, height, output)])[:height, :width]
