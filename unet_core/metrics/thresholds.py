"""What moving the threshold of a binary model does: counts at each threshold, and their metrics.

A *sweep* is int64 (n, 2, 2): for each of n rising thresholds the confusion matrix [truth,
prediction] of background and foreground, when a pixel counts as foreground from that probability
on. The one that people move has the 101 ``THRESHOLDS``. Areas need one with all probabilities that
occur (`ProbabilityCounts`): a network that is sure of itself has most of them below 0.01 or above
0.99, where 101 thresholds do not look.
"""

import numpy as np

from unet_core.metrics.confusion import class_metrics
from unet_core.store import schemas

THRESHOLDS = np.linspace(0, 1, schemas.THRESHOLDS).astype(np.float32)
MAX_VALUES = 2**20  # different probabilities that are told apart
CURVE_POINTS = 200  # of a curve that is kept for figures


def threshold_sweep(truth: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Count pixels at every threshold: int64 (101, 2, 2).

    ``truth``: boolean, True for foreground; ``probability``: float in 0–1; the same shape.
    """
    reached = np.searchsorted(THRESHOLDS, probability.ravel(), side="right")  # how many
    of_kind = (reached[truth.ravel() == kind] for kind in (0, 1))
    counts = [np.bincount(numbers, minlength=len(THRESHOLDS) + 1) for numbers in of_kind]
    return _as_sweep(_reached(np.stack(counts, axis=1)))[1:]


class ProbabilityCounts:
    """How many pixels of background and foreground have each probability, image after image.

    Exact up to ``max_values`` different probabilities. Where there are more, neighbors are counted
    as one until half as many are left, so that memory stays bounded: an area loses up to
    1 / ``max_values``.
    """

    def __init__(self, max_values: int = MAX_VALUES):
        self._max_values = max_values
        self._values = np.zeros(0, np.float32)
        self._counts = np.zeros((0, 2), np.int64)
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._sweep = np.zeros((len(THRESHOLDS), 2, 2), np.int64)

    def add(self, truth: np.ndarray, probability: np.ndarray) -> None:
        """Count an image: ``truth`` boolean, True for foreground; ``probability`` in 0–1."""
        self._sweep += threshold_sweep(truth, probability)
        for kind in (0, 1):
            values, number = np.unique(probability[truth == kind], return_counts=True)
            self._waiting.append((values, number[:, None] * np.eye(2, dtype=np.int64)[kind]))
        if sum(len(values) for values, _ in self._waiting) > self._max_values:
            self._merge()

    def sweep(self) -> np.ndarray:
        """The sweep of all thresholds at which a count changes."""
        self._merge()
        return _as_sweep(_reached(self._counts))

    def summary(self) -> dict:
        """``thresholds``, the sweep of 101; ``roc_area`` and ``average_precision``, None where the
        truth lacks a class for it; ``curve``, rows of threshold, false and true positives, by
        rising threshold."""
        sweep = self.sweep()
        areas = {"roc_area": roc_area(sweep), "average_precision": average_precision(sweep)}
        known = {key: None if np.isnan(area) else area for key, area in areas.items()}
        values, counts = _grouped(self._values, self._counts, CURVE_POINTS)
        curve = np.column_stack([values.astype(object), _reached(counts)]).tolist()
        return {"thresholds": self._sweep.tolist(), "curve": curve} | known

    def _merge(self) -> None:
        parts = [(self._values, self._counts), *self._waiting]
        self._waiting = []
        values, counts = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        self._values, self._counts = _counted(values, counts)
        if len(self._values) > self._max_values:
            self._values, self._counts = _grouped(self._values, self._counts, self._max_values // 2)


def _counted(values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different ``values``, rising, with the sums of their rows of ``counts`` (n, 2)."""
    order = np.argsort(values)
    different, starts = np.unique(values[order], return_index=True)
    return different, np.add.reduceat(counts[order], starts, axis=0)


def _grouped(values: np.ndarray, counts: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Neighboring values as one, the lowest, about ``groups`` of them with equal shares of both
    classes together."""
    share = (counts / counts.sum(0).clip(1)).sum(1)
    group = (share.cumsum() / 2 * groups).astype(np.int64)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    return values[starts], np.add.reduceat(counts, starts, axis=0)


def _reached(counts: np.ndarray) -> np.ndarray:
    """Pixels of either class that reach each threshold: int64 (n, 2)."""
    return counts[::-1].cumsum(0)[::-1]


def _as_sweep(reached: np.ndarray) -> np.ndarray:
    """From pixels of either class that reach each threshold, of which all reach the first."""
    return np.stack([reached[0] - reached, reached], axis=-1)


def stored_sweep(result: dict) -> np.ndarray:
    """The sweep to draw curves from: that of ``curve``, or of 101 thresholds in older results."""
    if "curve" not in result:
        return np.asarray(result["thresholds"])
    return _as_sweep(np.asarray(result["curve"])[:, 1:].astype(np.int64))


def roc_curve(sweep: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rates, float (n + 1,) each, from (0, 0) to (1, 1).

    NaN where the truth has no background or no foreground.
    """
    tn, fp, fn, tp = np.asarray(sweep).reshape(-1, 4).T
    with np.errstate(invalid="ignore"):
        rates = fp / (fp + tn), tp / (tp + fn)
    false_positive, true_positive = (np.append(0.0, rate[::-1]) for rate in rates)
    return false_positive, true_positive


def precision_recall_curve(sweep: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision, float (n,) each, by falling threshold.

    Precision is NaN where nothing is predicted as foreground.
    """
    foreground = class_metrics(np.asarray(sweep))
    return foreground["recall"][::-1, 1], foreground["precision"][::-1, 1]


def roc_area(sweep: np.ndarray) -> float:
    """Area under the ROC curve by trapezoids: 0.5 for guessing, 1 for perfect; NaN for a truth
    of one class alone."""
    false_positive, true_positive = roc_curve(sweep)
    return float(np.trapezoid(true_positive, false_positive))


def average_precision(sweep: np.ndarray) -> float:
    """Precision summed over the steps of recall, as scikit-learn's ``average_precision_score``.

    NaN for a truth without foreground.
    """
    recall, precision = precision_recall_curve(sweep)
    steps = np.diff(np.append(0.0, recall))
    return float(np.sum(steps * np.where(steps > 0, precision, 0)))


def best_threshold(sweep: np.ndarray) -> tuple[float, float]:
    """The threshold with the highest foreground Dice, and that Dice."""
    dice = class_metrics(np.asarray(sweep))["dice"][:, 1]
    best = int(np.nanargmax(dice))
    return float(THRESHOLDS[best]), float(dice[best])


def confusion_at(sweep: np.ndarray, threshold: float) -> np.ndarray:
    """The confusion (2, 2) of a sweep (thresholds, 2, 2) at the nearest of `THRESHOLDS`.

    >>> confusion_at(np.arange(404).reshape(101, 2, 2), 0.123).tolist()
    [[48, 49], [50, 51]]
    """
    return np.asarray(sweep)[int(np.argmin(np.abs(THRESHOLDS - threshold)))]
