"""Two models on the same pictures."""

import json
from collections.abc import Iterable
from dataclasses import asdict

import numpy as np

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.architectures.specs import UNetArguments
from unet_core.errors import UserError
from unet_core.metrics.confusion import class_scores, interval, overall_scores, resampling_weights
from unet_core.store.runs import Run


def compare(first: dict, second: dict) -> dict:
    """Compare two results of `evaluation.evaluate` on the pictures that both have.

    Returns ``pictures`` (how many), ``rows`` – a score each: ``score``, ``first``, ``second``,
    ``difference`` (second less first) and its paired 95 % bootstrap interval ``low``, ``high``
    (NaN for a single picture) – and ``per_picture``: ``name``, ``first``, ``second`` (mean IoU) and
    ``difference``, the widest apart first. ``UserError`` when they were not scored on the same data
    and classes, or have no picture in common.
    """
    if any(first[key] != second[key] for key in ("data", "split", "classes")):
        raise UserError("Only results on the same split of the same data can be compared.")
    matrices = [{p["name"]: p["confusion"] for p in r["per_picture"]} for r in (first, second)]
    names = [name for name in matrices[0] if name in matrices[1]]
    if not names:
        raise UserError("The two results have no picture in common.")
    pairs = [np.array([m[name] for name in names], dtype=np.int64) for m in matrices]
    return {
        "pictures": len(names),
        "rows": _score_rows(*pairs, first["classes"]),
        "per_picture": _picture_rows(*pairs, names),
    }


def _score_rows(first: np.ndarray, second: np.ndarray, classes: list[str]) -> list[dict]:
    weights = resampling_weights(len(first))
    values, resampled = [], []
    for confusions in (first, second):
        values.append(_scores(confusions.sum(0), classes))
        # The same weights for both: what makes a picture hard for both must not widen the interval.
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
    iou = class_scores(confusion)["iou"]
    overall = overall_scores(confusion)
    return {
        "Pixel accuracy": overall["pixel_accuracy"],
        "Mean IoU": overall["mean_iou"],
        **{f"IoU of {name}": iou[..., number] for number, name in enumerate(classes)},
    }


def _picture_rows(first: np.ndarray, second: np.ndarray, names: list[str]) -> list[dict]:
    a, b = (overall_scores(confusions)["mean_iou"] for confusions in (first, second))
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
