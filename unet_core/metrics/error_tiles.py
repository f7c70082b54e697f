"""One image of a data set as small tiles: what it is, its truth, the prediction, the errors."""

import numpy as np
from PIL import Image

from unet_core.data.base import Dataset
from unet_core.metrics.evaluate import as_scored
from unet_core.prediction.masks import class_ids, resize_channels, resize_ids
from unet_core.prediction.overlay import blend, error_map
from unet_core.prediction.segmenter import Segmenter
from unet_core.store.classes import ClassInfo

OPACITY = 0.6  # of the classes' colors


def error_tiles(
    segmenter: Segmenter,
    known: tuple[ClassInfo, ...],
    dataset: Dataset,
    name: str,
    focus: int,
    side: int,
) -> list[np.ndarray]:
    """Four images uint8 (h, w, 3) with ``side`` pixels on the longer side.

    The image, its truth, the prediction, and the errors for the class ``focus`` of ``dataset``.
    The network's ``known`` classes are shown as they are scored, see `as_scored`.
    """
    sample = dataset.load(name)
    probabilities = as_scored(segmenter.probabilities(sample.image), known, dataset.classes)
    scale = side / max(sample.image.shape[:2])
    height, width = (max(1, round(length * scale)) for length in sample.image.shape[:2])
    resized = Image.fromarray(sample.image).resize((width, height), Image.Resampling.BILINEAR)
    image = np.asarray(resized)
    truth = resize_ids(sample.mask, height, width)
    prediction = class_ids(resize_channels(probabilities, height, width))
    return [
        image,
        blend(image, truth, dataset.classes, OPACITY),
        blend(image, prediction, dataset.classes, OPACITY),
        error_map(image, truth == focus, prediction == focus),
    ]
