"""The images behind a bar of the histogram or a cell of the confusion matrix, and their order."""

import numpy as np

from unet_core.figures.metrics import BIN, bin_counts, bin_name, bin_of
from unet_core.metrics.confusion import image_metrics

ALL = "all"


def image_ious(result: dict) -> dict[str, np.ndarray]:
    """Each image's mean IoU and IoU of each class, float (images,), by the metric's name.

    ``result``: an evaluation. NaN where an image neither has the class nor is said to have it.
    """
    found = image_metrics(_confusions(result))
    by_class = {f"IoU of {name}": found["iou"][:, i] for i, name in enumerate(result["classes"])}
    return {"mean IoU": found["mean_iou"], **by_class}


def parts(result: dict, values: np.ndarray) -> dict[str, str]:
    """What can be selected, with its words: all, a cell (``pet as border``), a bar (``IoU …``).

    ``values``: a metric of each image, as in the histogram.
    """
    cells = {
        cell: f"{truth} taken for {guess}" if truth != guess else f"{truth} recognised"
        for cell, (truth, guess) in _cells(result).items()
    }
    filled = [number for number, count in enumerate(bin_counts(values)) if count]
    bars = {f"IoU {bin_name(number)}": f"IoU {bin_name(number)}" for number in filled}
    return {ALL: "All pictures", **cells, **bars}


def ordered(result: dict, values: np.ndarray, part: str, order: str) -> np.ndarray:
    """Positions of the images of a ``part``, int (n,), in an ``order``: worst, best or random.

    The worst have the lowest values; behind a cell, the most of its pixels.
    """
    keep, rank = ~np.isnan(values), values
    if part.startswith("IoU "):
        bars = bin_of(np.nan_to_num(values, nan=-1))
        keep = keep & (bars == round(float(part.split()[1]) / BIN))
    elif part != ALL:
        confusions = _confusions(result)
        pixels = confusions.reshape(len(confusions), -1)[:, list(_cells(result)).index(part)]
        keep, rank = pixels > 0, -pixels
    if order == "random":
        rank = np.random.default_rng(0).random(len(values))
    elif order == "best":
        rank = -rank
    positions = np.argsort(rank, kind="stable")
    return positions[keep[positions]]


def _confusions(result: dict) -> np.ndarray:
    return np.array([image["confusion"] for image in result["per_image"]], dtype=np.int64)


def _cells(result: dict) -> dict[str, tuple[str, str]]:
    """Truth and prediction of each cell of the confusion matrix, row by row."""
    classes = result["classes"]
    return {f"{truth} as {guess}": (truth, guess) for truth in classes for guess in classes}
