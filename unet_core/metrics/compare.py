"""Two models on the same images."""

import json
from collections.abc import Iterable
from dataclasses import asdict

import numpy as np

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.architectures.specs import UNetArguments
from unet_core.errors import UserError
from unet_core.metrics.confusion import class_metrics, interval, overall_metrics, resampling_weights
from unet_core.store.runs import Run


def compare(first: dict, second: dict) -> dict:
    """Compare two results of `evaluation.evaluate` on the images that both have.

    Returns ``images`` (how many), ``rows`` – a score each: ``score``, ``first``, ``second``,
    ``difference`` (second less first) and its paired 95 % bootstrap interval ``low``, ``high``
    (NaN for a single image) – and ``per_image``: ``name``, ``first``, ``second`` (mean IoU) and
    ``difference``, the widest apart first. ``UserError`` when they were not scored on the same data
    and classes, or have no image in common.
    """
    if any(first[key] != second[key] for key in ("data", "split", "classes")):
        raise UserError("Only results on the same split of the same data can be compared.")
    matrices = [{p["name"]: p["confusion"] for p in r["per_image"]} for r in (first, second)]
    names = [name for name in matrices[0] if name in matrices[1]]
    if not names:
        raise UserError("The two results have no picture in common.")
    pairs = [np.array([m[name] for name in names], dtype=np.int64) for m in matrices]
    return {
        "images": len(names),
        "rows": _score_rows(*pairs, first["classes"]),
        "per_image": _image_rows(*pairs, names),
    }


def _score_rows(first: np.ndarray, second: np.ndarray, classes: list[str]) -> list[dict]:
    weights = resampling_weights(len(first))
    values, resampled = [], []
    for confusions in (first, second):
        values.append(_scores(confusions.sum(0), classes))
        # The same weights for both: what makes an image hard for both must not widen the interval.
        resampled.append(_scores(np.einsum("rp,pij->rij", weights, confusions), classes))
    rows = []
    for score in values[0]:
        low, high = interval(resampled[1][score] - resampled[0][score], len(first))
        a, b = float(values[0][score]), float(values[1][score])
        rows.append(
            {"score": score, "first": a, "second": b, "difference": b - a}
            | {"low": low, "high": high}
        )
    return rows


def _scores(confusion: np.ndarray, classes: list[str]) -> dict[str, np.ndarray]:
    iou = class_metrics(confusion)["iou"]
    overall = overall_metrics(confusion)
    return {
        "Pixel accuracy": overall["pixel_accuracy"],
        "Mean IoU": overall["mean_iou"],
        **{f"IoU of {name}": iou[..., number] for number, name in enumerate(classes)},
    }


def _image_rows(first: np.ndarray, second: np.ndarray, names: list[str]) -> list[dict]:
    a, b = (overall_metrics(confusions)["mean_iou"] for confusions in (first, second))
    order = np.argsort(-np.abs(b - a), kind="stable")
    return [
        {"name": names[i], "first": float(a[i]), "second": float(b[i]),
         "difference": float(b[i] - a[i])}
        for i in order
    ]  # fmt: skip


def skip_pairs(runs: Iterable[Run]) -> list[tuple[Run, Run]]:
    """Runs with and without skip connections whose settings differ in nothing else.

    Of several alike, the first counts.
    """
    alike: dict[str, dict[bool, Run]] = {}
    for run in runs:
        training = run.config["training"]
        entry = CATALOGUE.get(training["model"])
        if entry and entry.is_from_scratch:
            arguments = UNetArguments.of(entry.arguments | training["model_arguments"])
            rest = training | {"model_arguments": asdict(arguments) | {"skips": None}}
            group = alike.setdefault(json.dumps(rest, sort_keys=True), {})
            group.setdefault(arguments.skips, run)
    return [(group[True], group[False]) for group in alike.values() if len(group) == 2]
