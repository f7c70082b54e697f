"""Metrics in words: the table of the command line, and what people call each."""

from unet_core.metrics.boundary import percent


def format_metrics(result: dict) -> str:
    """The result of `evaluate.evaluate` as a text table, saying what was scored."""
    lines = [
        f"{result['data_title']}, {result['split']} split: {result['images']} pictures at "
        f"{result['resolution']} × {result['resolution']}, classes {', '.join(result['classes'])}",
        *result.get("notes", []),
        "",
    ]
    for key, value in result["metrics"].items():
        low, high = result["intervals"].get(key, (None, None))
        interval = f"  95 % interval {low:.4f} – {high:.4f}" if low is not None else ""
        lines.append(f"{metric_name(key, result):<24}{value:.4f}{interval}")
    lines.append(f"{'calibration error':<24}{result['calibration_error']:.4f}")
    for key, title in (("roc_area", "ROC area"), ("average_precision", "average precision")):
        if key in result:
            lines.append(f"{title:<24}{_cell(result[key])}")
    lines.append("")
    columns = {metric_name(key, result): v for key, v in result["per_class"].items()}
    lines.append(f"{'class':<14}" + "".join(f"{t:>{_width(t)}}" for t in columns))
    for number, name in enumerate(result["classes"]):
        cells = (f"{_cell(values[number]):>{_width(t)}}" for t, values in columns.items())
        lines.append(f"{name:<14}" + "".join(cells))
    return "\n".join(lines)


def metric_name(key: str, result: dict) -> str:
    """What people call a metric of `evaluate`'s result; of outlines, with the tolerance.

    >>> metric_name("mean_iou", {})
    'mean IoU'
    """
    if key == "boundary_f1":
        return f"boundary F1 ({percent(result['boundary_tolerance'])})"
    return key.replace("_", " ").replace("iou", "IoU")


def _width(title: str) -> int:
    return max(14, len(title) + 2)


def _cell(value: float | int | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.4f}" if isinstance(value, float) else f"{value:,}"
