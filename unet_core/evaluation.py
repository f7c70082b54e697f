"""How good a run is on a split of a data set: ``evaluation.json``."""

import time
from collections.abc import Callable
from datetime import datetime, timezone

import numpy as np
from scipy.ndimage import distance_transform_edt
from skimage.segmentation import find_boundaries

from unet_core import scores
from unet_core.data.base import Dataset
from unet_core.data.prepared import resize_sample
from unet_core.errors import UserError
from unet_core.overlay import class_ids
from unet_core.runs import Run, write_json
from unet_core.segmenter import Segmenter

BINS = 20  # of the reliability diagram
BOUNDARY_TOLERANCE = 0.02  # of the picture's diagonal


def evaluate(
    run: Run,
    dataset: Dataset,
    split: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict:
    """Score the run's prediction model on every picture of the split, one at a time.

    Pictures and masks are squashed to the model's resolution (masks by the nearest pixel) and
    scored there. ``UserError`` when the classes differ or the split does not exist.
    """
    names = dataset.splits.get(split)
    if not names:
        raise UserError(f"{dataset.title} has no pictures in a split called {split!r}.")
    if [c.name for c in dataset.classes] != [c.name for c in run.classes]:
        raise UserError(
            f"{run.title} knows the classes {', '.join(c.name for c in run.classes)}, but "
            f"{dataset.title} has {', '.join(c.name for c in dataset.classes)}."
        )
    segmenter = Segmenter(run)
    started = time.time()
    pictures, reliability = [], np.zeros((BINS, 3))
    for position, name in enumerate(names):
        sample = resize_sample(dataset.load(name), segmenter.size)
        probabilities = segmenter.probabilities(sample.image)
        pictures.append({"name": name} | _score_picture(sample.mask, probabilities))
        reliability += _reliability(sample.mask, probabilities)
        progress(position + 1, len(names))
    return {
        "data": dataset.name,
        "data_title": dataset.title,
        "split": split,
        "pictures": len(names),
        "resolution": segmenter.size,
        "classes": [c.name for c in dataset.classes],
        "seconds": round(time.time() - started, 1),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        **summarize(pictures, run.is_binary, [c.name for c in dataset.classes]),
        "reliability": reliability.tolist(),
        "calibration_error": calibration_error(reliability),
        "per_picture": pictures,
    }


def write_evaluation(run: Run, result: dict) -> None:
    """Keep the result as the run's ``evaluation.json``."""
    write_json(run.path / "evaluation.json", result)


def summarize(pictures: list[dict], is_binary: bool, class_names: list[str]) -> dict:
    """Confusion matrix, scores and their 95 % bootstrap intervals over the pictures."""
    confusions = np.array([picture["confusion"] for picture in pictures], dtype=np.int64)
    total = confusions.sum(0)
    parts = [scores.overall_scores]
    if class_names == ["pet", "background", "border"]:
        parts.append(scores.pet_scores)
    overall, intervals = {}, {}
    for part in parts:
        for key, value in part(total).items():
            overall[key] = float(value)
            intervals[key] = scores.bootstrap_interval(confusions, lambda c, k=key, p=part: p(c)[k])
    overall["boundary_f"] = float(np.nanmean([picture["boundary_f"] for picture in pictures]))
    per_class = {k: v.tolist() for k, v in scores.class_scores(total).items()}
    return {
        "confusion": total.tolist(),
        "scores": overall,
        "intervals": intervals,
        "per_class": per_class,
    }


def _score_picture(truth: np.ndarray, probabilities: np.ndarray) -> dict:
    prediction = class_ids(probabilities)
    confusion = scores.confusion_matrix(truth, prediction, probabilities.shape[-1])
    foreground = 1 if probabilities.shape[-1] == 2 else 0
    return {
        "confusion": confusion.tolist(),
        "mean_iou": float(scores.overall_scores(confusion)["mean_iou"]),
        "boundary_f": boundary_f(truth == foreground, prediction == foreground),
    }


def boundary_f(truth: np.ndarray, prediction: np.ndarray) -> float:
    """F-score of two outlines, of boolean masks (H, W) (Csurka et al. 2013).

    An outline's point is matched when the other outline passes within 2 % of the picture's
    diagonal. 1 when both masks have no outline, 0 when just one has none.
    """
    edges = [find_boundaries(np.pad(mask, 1), mode="inner")[1:-1, 1:-1]
             for mask in (truth, prediction)]  # fmt: skip
    if not edges[0].any() or not edges[1].any():
        return float(edges[0].any() == edges[1].any())
    reach = BOUNDARY_TOLERANCE * np.hypot(*truth.shape)
    near = [distance_transform_edt(~edge) <= reach for edge in edges]
    recall, precision = near[1][edges[0]].mean(), near[0][edges[1]].mean()
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def _reliability(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(BINS, 3): summed confidence, right pixels and all pixels, by confidence 0–1."""
    confidence = probabilities.max(-1).ravel()
    right = (probabilities.argmax(-1) == truth).ravel()
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    columns = [np.bincount(bins, weights, BINS) for weights in (confidence, right, None)]
    return np.stack(columns, axis=1)


def calibration_error(reliability: np.ndarray) -> float:
    """Expected calibration error: mean distance of confidence and accuracy over the pixels."""
    confidence, right, _ = np.asarray(reliability).T
    return float(np.abs(confidence - right).sum() / np.sum(reliability, axis=0)[2])


def format_scores(result: dict) -> str:
    """The scores as a text table, saying what was scored."""
    lines = [
        f"{result['data_title']}, {result['split']} split: {result['pictures']} pictures at "
        f"{result['resolution']} × {result['resolution']}, classes {', '.join(result['classes'])}",
        "",
    ]
    for key, value in result["scores"].items():
        low, high = result["intervals"].get(key, (None, None))
        interval = f"  95 % interval {low:.4f} – {high:.4f}" if low is not None else ""
        lines.append(f"{key.replace('_', ' '):<20}{value:.4f}{interval}")
    lines += [f"{'calibration error':<20}{result['calibration_error']:.4f}", ""]
    lines.append(f"{'class':<14}" + "".join(f"{k:>14}" for k in result["per_class"]))
    for number, name in enumerate(result["classes"]):
        values = [column[number] for column in result["per_class"].values()]
        cells = "".join(f"{v:>14,.4f}" if isinstance(v, float) else f"{v:>14,}" for v in values)
        lines.append(f"{name:<14}{cells}")
    return "\n".join(lines)
