"""Plotly figures. Colours are those of Okabe and Ito, which colour-blind people tell apart."""

import math

import plotly.graph_objects as go

from unet_core.figures.style import COLORS, label
from unet_core.store.job import ACTIVE
from unet_core.store.runs import Run, best_epoch

MARKERS = (None, "circle", "square", "diamond", "cross", "triangle-up")  # when colours run out
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
    epochs = run.config["training"]["epochs"]
    if metric == "loss" and run.steps:
        per_epoch = run.status.get("steps", 0) / epochs or 1
        figure.add_scatter(
            x=[row["step"] / per_epoch for row in run.steps],
            y=[row["loss"] for row in run.steps],
            name="within the epoch",
            line={"color": COLORS[5], "width": 1},
        )
    x = [row["epoch"] for row in run.history]
    for prefix, name, dash, color in (
        ("", "training", "dash", COLORS[0]),
        ("val_", "validation", "solid", COLORS[1]),
    ):
        y = [row.get(prefix + metric, math.nan) for row in run.history]
        line = {"color": color, "dash": dash, "width": 2}
        figure.add_scatter(x=x, y=y, name=name, mode="lines+markers", line=line)
    label(figure, f"{METRICS[metric]} by epoch", "epoch", METRICS[metric], height=280)
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(range=[0, epochs + 0.2])
    return figure.update_yaxes(**_metric_range(metric))


def compared_curves(
    runs: list[Run], metric: str, by_time: bool, smoothing: float, logarithmic: bool
) -> go.Figure:
    """``metric`` of several runs, one colour each: training dashed, validation solid.

    ``smoothing`` in 0–1 is the weight of an exponential moving average; what was measured stays
    visible, faint. A star marks each run's best epoch, the one whose weights were kept.
    """
    figure = go.Figure()
    for number, run in enumerate(runs):
        round_, color = divmod(number, len(COLORS))
        if metric == "loss" and run.status["state"] in ACTIVE:
            _add_steps(figure, run, by_time, COLORS[color])
        if run.history:
            marker = MARKERS[round_ % len(MARKERS)]
            _add_run(figure, run, metric, by_time, smoothing, COLORS[color], marker)
    x_title = "time of training (seconds)" if by_time else "epoch"
    label(
        figure, f"{metric_title(metric)} as training goes on", x_title, _axis_name(metric), 480,
        "validation solid, training dashed, star at the best epoch",
    )  # fmt: skip
    figure.update_layout(hovermode="x unified", dragmode="zoom")
    if logarithmic:
        return figure.update_yaxes(type="log")
    return figure.update_yaxes(**_metric_range(metric))


def metrics_of(runs: list[Run]) -> list[str]:
    """What was measured on training and validation images, the known `METRICS` first.

    Before a first epoch's end, what every run measures.
    """
    measured = {"loss", "mean_iou", "accuracy"} | {
        name.removeprefix("val_")
        for run in runs
        for row in run.history[:1]
        for name in row
        if name.startswith("val_")
    }
    return [m for m in METRICS if m in measured] + sorted(measured - set(METRICS))


def metric_title(metric: str) -> str:
    return METRICS.get(metric) or metric.replace("_", " ").capitalize()


def _add_run(
    figure: go.Figure, run: Run, metric: str, by_time: bool, smoothing: float, color: str,
    marker: str | None,
) -> None:  # fmt: skip
    history = run.history
    x = [row["seconds" if by_time else "epoch"] for row in history]
    for prefix, name, dash in (("val_", "validation", "solid"), ("", "training", "dash")):
        y = [row.get(prefix + metric, math.nan) for row in history]
        line = {"color": color, "dash": dash, "width": 2.5}
        if smoothing:
            figure.add_scatter(
                x=x, y=y, mode="lines", line=line | {"width": 1}, opacity=0.3, hoverinfo="skip",
                legendgroup=run.name, showlegend=False,
            )  # fmt: skip
        figure.add_scatter(
            x=x, y=smoothed(y, smoothing), line=line,
            mode="lines+markers" if marker or len(x) == 1 else "lines",
            marker={"symbol": marker or "circle", "size": 8, "color": color},
            name=run.title, legendgroup=run.name, showlegend=prefix == "val_",
            hovertemplate=f"%{{y:.4f}} {run.title}, {name}<extra></extra>",
        )  # fmt: skip
    if (best := best_epoch(history)) is not None:
        figure.add_scatter(
            x=[x[best]], y=[history[best].get("val_" + metric)], mode="markers",
            marker={"symbol": "star", "size": 15, "color": color, "line": {"width": 1}},
            legendgroup=run.name, showlegend=False, hoverinfo="skip",
        )  # fmt: skip


def _add_steps(figure: go.Figure, run: Run, by_time: bool, color: str) -> None:
    """The loss within the epochs of a run in work, thin."""
    steps = run.steps
    per_epoch = run.status.get("steps", 0) / run.config["training"]["epochs"] or 1
    x = [row["seconds"] if by_time else row["step"] / per_epoch for row in steps]
    figure.add_scatter(
        x=x, y=[row["loss"] for row in steps], mode="lines", line={"color": color, "width": 1},
        opacity=0.5, legendgroup=run.name, name=f"{run.title}, within the epoch",
        hovertemplate=f"%{{y:.4f}} {run.title}, within the epoch<extra></extra>",
    )  # fmt: skip


def _axis_name(metric: str) -> str:
    return metric_title(metric) + ("" if metric == "loss" else " (0–1)")


def smoothed(values: list[float], weight: float) -> list[float]:
    """Exponential moving average, corrected for its start; a NaN stays one, and is left out."""
    result, sum_, norm = [], 0.0, 0.0
    for value in values:
        if math.isnan(value):
            result.append(value)
            continue
        sum_, norm = sum_ * weight + value, norm * weight + 1
        result.append(sum_ / norm)
    return result


def _metric_range(metric: str) -> dict:
    return {"rangemode": "tozero"} if metric == "loss" else {"range": [0, 1]}
