"""What a data set looks like, at a glance."""

import numpy as np

from unet_core.data.base import Dataset
from unet_core.data.prepared import resize_sample
from unet_core.prediction.overlay import blend


def preview(dataset: Dataset, count: int = 4, side: int = 160) -> np.ndarray:
    """Images spread over the training split, in a row, with the colors of their masks over them:
    uint8 (side, n side, 3); ``n`` is ``count``, or all where there are fewer."""
    names = dataset.splits["trainval"]
    count = min(count, len(names))
    tiles = []
    for position in range(count):
        sample = resize_sample(dataset.load(names[position * len(names) // count]), side)
        tiles.append(blend(*sample, dataset.classes, 0.6))
    return np.concatenate(tiles, axis=1)
