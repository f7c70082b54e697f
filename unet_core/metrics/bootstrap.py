"""Confidence intervals: what a metric would be on other images of the same kind.

Efron and Tibshirani, "An Introduction to the Bootstrap" (1993): images are drawn again, with
replacement, and the middle 95 % of the results is the interval (percentile bootstrap).
"""

from collections.abc import Callable

import numpy as np

from unet_core.metrics.confusion import divide


def resampling_weights(count: int, resamples: int = 2000, seed: int = 0) -> np.ndarray:
    """How often each of ``count`` images is drawn, with replacement: int64 (resamples, count)."""
    random = np.random.default_rng(seed)
    return random.multinomial(count, np.full(count, 1 / count), size=resamples)


def resampled(confusions: np.ndarray) -> np.ndarray:
    """Sums of redrawn confusions (images, classes, classes): int64 (resamples, classes, classes).

    The same images are drawn for every model, so that differences between models are paired.
    """
    weights = resampling_weights(len(confusions))
    return np.einsum("rp,pij->rij", weights, confusions.astype(np.int64))


def bootstrap_intervals(
    confusions: np.ndarray, metrics: Callable[[np.ndarray], dict[str, np.ndarray]]
) -> dict[str, tuple[float, float]]:
    """95 % interval of each of ``metrics(summed confusion)``; NaN of one image alone, or where no
    resample has the metric. ``confusions``: int (images, classes, classes)."""
    values = metrics(resampled(confusions))
    return {key: interval(value, len(confusions)) for key, value in values.items()}


def bootstrap_mean_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of one value an image, NaN left out."""
    weights, known = resampling_weights(len(values)), ~np.isnan(values)
    means = divide(weights[:, known] @ values[known], weights[:, known].sum(-1))
    return interval(means, int(known.sum()))


def interval(values: np.ndarray, images: int) -> tuple[float, float]:
    """Limits of the middle 95 % of resampled ``values``; NaN for one image, which says nothing
    about others."""
    if images < 2 or np.isnan(values).all():
        return np.nan, np.nan
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return float(low), float(high)
