"""How good a run is on a split of a data set: ``evaluation.json``."""

import random
import time
from collections.abc import Callable
from datetime import datetime, timezone
from importlib.metadata import version

import numpy as np
from scipy.ndimage import distance_transform_edt
from skimage.segmentation import find_boundaries

from unet_core import scores
from unet_core.data.base import ClassInfo, Dataset, can_score
from unet_core.data.prepared import resize_sample
from unet_core.errors import UserError
from unet_core.overlay import class_ids
from unet_core.runs import Run, write_json
from unet_core.segmenter import Segmenter, resize_channels
from unet_core.thresholds import THRESHOLDS, average_precision, roc_area, threshold_sweep

BINS = 20  # of the reliability diagram
BOUNDARY_TOLERANCE = 0.02  # of the picture's diagonal


def evaluate(
    run: Run,
    dataset: Dataset,
    split: str,
    names: list[str] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    segmenter: Segmenter | None = None,
) -> dict:
    """Score the run's prediction model on the split, or on ``names`` of it, one at a time.

    Pictures are squashed to the model's resolution. Masks are squashed, by the nearest pixel, to
    the run's ``score_size``, without one to the same, and the probabilities are resized to it.
    ``UserError`` when the classes differ or the split does not exist.
    """
    names = names or names_of(dataset, split)
    check_classes(run, dataset)
    segmenter = segmenter or Segmenter(run)
    size = run.config["training"].get("score_size") or segmenter.size
    is_binary = len(dataset.classes) == 2
    started = time.time()
    pictures, reliability = [], np.zeros((BINS, 3))
    sweep = np.zeros((len(THRESHOLDS), 2, 2), np.int64)
    for position, name in enumerate(names):
        sample = dataset.load(name)
        squashed, truth = resize_sample(sample, segmenter.size)
        probabilities = as_scored(segmenter.probabilities(squashed), run.classes, dataset.classes)
        if segmenter.size != size:
            truth = resize_sample(sample, size).mask
            probabilities = resize_channels(probabilities, size, size)
        pictures.append({"name": name} | _score_picture(truth, probabilities))
        reliability += _reliability(truth, probabilities)
        if is_binary:
            sweep += threshold_sweep(truth == 1, probabilities[..., 1])
        progress(position + 1, len(names))
    confusions = np.array([picture["confusion"] for picture in pictures], dtype=np.int64)
    for picture, iou in zip(pictures, scores.picture_scores(confusions)["mean_iou"], strict=True):
        picture["mean_iou"] = float(iou)
    return {
        "run": run.name,
        "data": dataset.name,
        "data_title": dataset.title,
        "split": split,
        "pictures": len(names),
        "resolution": size,
        "input": segmenter.size,
        "resizing": "pictures to the input, anti-aliased; masks to the resolution, by the nearest",
        "classes": [c.name for c in dataset.classes],
        "notes": _notes(dataset, confusions),
        "seconds": round(time.time() - started, 1),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": {name: version(name) for name in ("onnxruntime", "numpy", "pillow")},
        **summarize(pictures, [c.name for c in dataset.classes]),
        "reliability": reliability.tolist(),
        "calibration_error": calibration_error(reliability),
        **({"thresholds": sweep.tolist()} if is_binary else {}),
        "per_picture": pictures,
    }


def names_of(dataset: Dataset, split: str, limit: int | None = None) -> list[str]:
    """The split's pictures, or ``limit`` of them drawn with a fixed seed; ``UserError`` if none."""
    names = dataset.splits.get(split)
    if not names:
        raise UserError(f"{dataset.title} has no pictures in a split called {split!r}.")
    if limit and limit < len(names):
        return sorted(random.Random(0).sample(names, limit))
    return names


def check_classes(run: Run, dataset: Dataset) -> None:
    """``UserError`` unless the data has the classes that the model knows (see `can_score`)."""
    known, found = ([c.name for c in thing.classes] for thing in (run, dataset))
    if not can_score(found, run.classes):
        raise UserError(
            f"{run.title} knows the classes {', '.join(known)}, but {dataset.title} has "
            f"{', '.join(found)}; choose other data or another model."
        )


def as_scored(
    probabilities: np.ndarray, known: tuple[ClassInfo, ...], scored: tuple[ClassInfo, ...]
) -> np.ndarray:
    """Probabilities (H, W, known) as those of the classes that are ``scored``: (H, W, scored).

    These are the ``known`` ones, or their `background_and_object`: then the objects' probabilities
    are added, and a border's is left out, so that the likelier of the two counts there. (Photos
    change most in the middle of the pets' borders. Against outlines there, on 206 pictures, pets
    reach an IoU of 0.888 so, of 0.835 were all border pet, of 0.800 were none.)
    """
    if len(known) == len(scored):
        return probabilities
    parts = ([c.is_background for c in known], [c.is_object for c in known])
    both = np.stack([probabilities[..., part].sum(-1) for part in parts], axis=-1)
    total = both.sum(-1, keepdims=True)
    return np.divide(both, total, out=np.full_like(both, 0.5), where=total > 0)


def _notes(dataset: Dataset, confusions: np.ndarray) -> list[str]:
    """What a reader of the scores must know of these masks, in sentences."""
    there = scores.classes_in_truth(confusions)
    absent = [c.name for c, has in zip(dataset.classes, there, strict=True) if not has]
    notes = [dataset.note] if dataset.note else []
    if absent:
        notes.append(f"No mask has {' or '.join(absent)}: means are of the other classes.")
    return notes


def write_evaluation(run: Run, result: dict) -> None:
    """Keep the result as the run's ``evaluation.json``."""
    write_json(run.path / "evaluation.json", result)


def summarize(pictures: list[dict], class_names: list[str]) -> dict:
    """Confusion matrix, scores and their 95 % bootstrap intervals over the pictures."""
    confusions = np.array([picture["confusion"] for picture in pictures], dtype=np.int64)
    total = confusions.sum(0)

    def score(confusion: np.ndarray) -> dict[str, np.ndarray]:
        found = scores.overall_scores(confusion)
        if class_names == ["pet", "background", "border"]:
            found |= scores.pet_scores(confusion)
        if len(class_names) == 2:
            found |= scores.foreground_scores(confusion)
        return found

    overall = {key: float(value) for key, value in score(total).items()}
    overall["boundary_f"] = float(np.mean([picture["boundary_f"] for picture in pictures]))
    return {
        "confusion": total.tolist(),
        "scores": overall,
        "intervals": scores.bootstrap_intervals(confusions, score),
        "per_class": {k: v.tolist() for k, v in scores.class_scores(total).items()},
    }


def _score_picture(truth: np.ndarray, probabilities: np.ndarray) -> dict:
    prediction = class_ids(probabilities)
    confusion = scores.confusion_matrix(truth, prediction, probabilities.shape[-1])
    foreground = 1 if probabilities.shape[-1] == 2 else 0
    return {
        "confusion": confusion.tolist(),
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
        *result.get("notes", []),
        "",
    ]
    for key, value in result["scores"].items():
        low, high = result["intervals"].get(key, (None, None))
        interval = f"  95 % interval {low:.4f} – {high:.4f}" if low is not None else ""
        lines.append(f"{key.replace('_', ' '):<20}{value:.4f}{interval}")
    lines.append(f"{'calibration error':<20}{result['calibration_error']:.4f}")
    if "thresholds" in result:
        lines.append(f"{'ROC area':<20}{roc_area(result['thresholds']):.4f}")
        lines.append(f"{'average precision':<20}{average_precision(result['thresholds']):.4f}")
    lines.append("")
    lines.append(f"{'class':<14}" + "".join(f"{k:>14}" for k in result["per_class"]))
    for number, name in enumerate(result["classes"]):
        values = [column[number] for column in result["per_class"].values()]
        cells = "".join(f"{v:>14,.4f}" if isinstance(v, float) else f"{v:>14,}" for v in values)
        lines.append(f"{name:<14}{cells}")
    return "\n".join(lines)
