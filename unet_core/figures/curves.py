"""Learning curves: loss and metrics of one training, or of several, as they go on."""

import math
from typing import Any

import plotly.graph_objects as go

from unet_core.figures.style import BLUE, COLORS, RED, SKY, finish, line, star
from unet_core.store.job import ACTIVE
from unet_core.store.runs import Run, best_epoch

MARKERS = (None, "circle", "square", "diamond", "cross", "triangle-up")  # when colors run out
METRICS = {
    "loss": "Loss",
    "mean_iou": "Mean IoU",
    "accuracy": "Pixel accuracy",
    "dice": "Dice",
    "precision": "Precision",
    "recall": "Recall",
    "auc": "ROC area (estimate)",
}


def learning_curves(run: Run, metric: str) -> go.Figure:
    """One run's ``metric`` of `METRICS` by epoch: training dashed, validation solid.

    The loss also shows every few steps within the epoch, thin.
    """
    figure = go.Figure()
    if metric == "loss" and run.steps:
        x, y = _loss_by_step(run, by_time=False)
        line(figure, x, y, SKY, line_width=1, mode=None, name="within the epoch")
    x = [row["epoch"] for row in run.history]
    curves = ("", "training", "dash", BLUE), ("val_", "validation", "solid", RED)
    for prefix, name, dash, color in curves:
        y = _column(run.history, prefix + metric)
        line(figure, x, y, color, line_dash=dash, mode="lines+markers", name=name)
    finish(figure, f"{METRICS[metric]} by epoch", "epoch", METRICS[metric], height=280)
    figure.update_xaxes(range=[0, run.config["training"]["epochs"] + 0.2])
    return figure.update_yaxes(_metric_range(metric)).update_layout(hovermode="x unified")


def compared_curves(
    runs: list[Run], metric: str, by_time: bool, smoothing: float, logarithmic: bool
) -> go.Figure:
    """``metric`` of several runs, one color each: training dashed, validation solid.

    ``by_time``: over seconds of training, not epochs. ``smoothing`` in 0–1 is the weight of an
    exponential moving average; what was measured stays visible, faint. A star marks each run's
    best epoch, the one whose weights were kept.
    """
    figure = go.Figure()
    for number, run in enumerate(runs):
        round_, place = divmod(number, len(COLORS))
        color = COLORS[place]
        if metric == "loss" and run.status["state"] in ACTIVE:
            x, y = _loss_by_step(run, by_time)
            name = f"{run.title}, within the epoch"
            thin = {"line_width": 1, "opacity": 0.5, "legendgroup": run.name}
            line(figure, x, y, color, f"%{{y:.4f}} {name}", name=name, **thin)
        if run.history:
            look = color, MARKERS[round_ % len(MARKERS)]
            _add_run(figure, run, metric, by_time, smoothing, look)
    name = metric_title(metric)
    y_title = name if metric == "loss" else f"{name} (0–1)"
    x_title = "time of training (seconds)" if by_time else "epoch"
    note = "validation solid, training dashed, star at the best epoch"
    finish(figure, f"{name} as training goes on", x_title, y_title, 480, note)
    figure.update_layout(hovermode="x unified", dragmode="zoom")
    return figure.update_yaxes({"type": "log"} if logarithmic else _metric_range(metric))


def metrics_of(runs: list[Run]) -> list[str]:
    """What was measured on training and validation images, the known `METRICS` first.

    Before a first epoch's end, what every run measures.
    """
    columns = {name for run in runs for row in run.history[:1] for name in row}
    measured = {name.removeprefix("val_") for name in columns if name.startswith("val_")}
    measured |= {"loss", "mean_iou", "accuracy"}
    return [m for m in METRICS if m in measured] + sorted(measured - set(METRICS))


def metric_title(metric: str) -> str:
    """What people call a column of a history.

    >>> metric_title("mean_iou"), metric_title("pet_f1")
    ('Mean IoU', 'Pet f1')
    """
    return METRICS.get(metric) or metric.replace("_", " ").capitalize()


def smoothed(values: list[float], weight: float) -> list[float]:
    """Exponential moving average, corrected for its start; a NaN stays one, and is left out.

    >>> smoothed([2.0, 2.0, 5.0], 0.5)[:2]
    [2.0, 2.0]
    """
    result, sum_, norm = [], 0.0, 0.0
    for value in values:
        if math.isnan(value):
            result.append(value)
            continue
        sum_, norm = sum_ * weight + value, norm * weight + 1
        result.append(sum_ / norm)
    return result


def _add_run(
    figure: go.Figure, run: Run, metric: str, by_time: bool, smoothing: float, look: tuple
) -> None:
    """``look``: the color and the symbol of the markers, None for lines without them."""
    history, (color, symbol) = run.history, look
    x = _column(history, "seconds" if by_time else "epoch")
    group = {"legendgroup": run.name, "showlegend": False}
    mode = "lines+markers" if symbol or len(x) == 1 else "lines"
    marker = {"symbol": symbol or "circle", "size": 8, "color": color}
    for prefix, name, dash in (("val_", "validation", "solid"), ("", "training", "dash")):
        y = _column(history, prefix + metric)
        if smoothing:
            line(figure, x, y, color, "", line_dash=dash, line_width=1, opacity=0.3, **group)
        shown = {"mode": mode, "marker": marker, "line_dash": dash, "line_width": 2.5}
        shown |= group | {"showlegend": prefix == "val_", "name": run.title}
        line(figure, x, smoothed(y, smoothing), color, f"%{{y:.4f}} {run.title}, {name}", **shown)
    if (best := best_epoch(history)) is not None:
        star(figure, x[best], history[best].get("val_" + metric), color, **group)


def _loss_by_step(run: Run, by_time: bool) -> tuple[list[float], list[float]]:
    """Seconds, or epochs in fractions, and the loss; steps where an epoch's are not known."""
    steps_an_epoch = run.status.get("steps", 0) / run.config["training"]["epochs"] or 1
    rows = run.steps
    x = [row["seconds"] if by_time else row["step"] / steps_an_epoch for row in rows]
    return x, [row["loss"] for row in rows]


def _column(history: list[dict], name: str) -> list[float]:
    return [row.get(name, math.nan) for row in history]


def _metric_range(metric: str) -> dict[str, Any]:
    return {"rangemode": "tozero"} if metric == "loss" else {"range": [0, 1]}
