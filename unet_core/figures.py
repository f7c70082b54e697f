"""Plotly figures. Colours are those of Okabe and Ito, which colour-blind people tell apart."""

import numpy as np
import plotly.graph_objects as go

from unet_core import scores
from unet_core.runs import Run

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A8A8A")
METRICS = {"loss": "Loss", "mean_iou": "Mean IoU", "accuracy": "Pixel accuracy"}
CONFUSION_VIEWS = ("Of the truth (recall)", "Of the prediction (precision)", "Pixels")


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
        y = [row[prefix + metric] for row in run.history]
        line = {"color": color, "dash": dash, "width": 2}
        figure.add_scatter(x=x, y=y, name=name, mode="lines+markers", line=line)
    _label(figure, f"{METRICS[metric]} by epoch", "epoch", METRICS[metric], height=280)
    figure.update_xaxes(range=[0, epochs + 0.2])
    return figure.update_yaxes(**_metric_range(metric))


def compared_curves(
    runs: list[Run], metric: str, by_time: bool, smoothing: float, logarithmic: bool
) -> go.Figure:
    """``metric`` of several runs, one colour each: training dashed, validation solid.

    ``smoothing`` in 0–1 is the weight of an exponential moving average. A star marks each run's
    best epoch, the one whose weights were kept (highest validation mean IoU).
    """
    figure = go.Figure()
    for number, run in enumerate(runs):
        history = run.history
        if not history:
            continue
        color = COLORS[number % len(COLORS)]
        x = [row["seconds" if by_time else "epoch"] for row in history]
        for prefix, name, dash in (("", "training", "dash"), ("val_", "validation", "solid")):
            figure.add_scatter(
                x=x, y=smoothed([row[prefix + metric] for row in history], smoothing),
                name=f"{run.title}, {name}", line={"color": color, "dash": dash, "width": 2},
            )  # fmt: skip
        best = max(range(len(history)), key=lambda i: history[i]["val_mean_iou"])
        marker = {"symbol": "star", "size": 13, "color": color}
        figure.add_scatter(
            x=[x[best]], y=[history[best]["val_" + metric]], mode="markers", marker=marker,
            name=f"{run.title}, best epoch", showlegend=False,
        )  # fmt: skip
    x_title = "seconds of training" if by_time else "epoch"
    title = f"{METRICS[metric]}: training dashed, validation solid, star at the best epoch"
    _label(figure, title, x_title, METRICS[metric], height=460)
    if logarithmic:
        return figure.update_yaxes(type="log")
    return figure.update_yaxes(**_metric_range(metric))


def smoothed(values: list[float], weight: float) -> list[float]:
    """Exponential moving average, corrected for its start."""
    result, sum_, norm = [], 0.0, 0.0
    for value in values:
        sum_, norm = sum_ * weight + value, norm * weight + 1
        result.append(sum_ / norm)
    return result


def confusion_figure(confusion: list[list[int]], classes: list[str], view: str) -> go.Figure:
    """Confusion matrix as a heat map; ``view`` is one of `CONFUSION_VIEWS`."""
    counts = np.array(confusion, dtype=np.float64)
    if view == CONFUSION_VIEWS[0]:
        values = counts / counts.sum(1, keepdims=True).clip(1)
    elif view == CONFUSION_VIEWS[1]:
        values = counts / counts.sum(0, keepdims=True).clip(1)
    else:
        values = counts
    style = ",.0f" if view == CONFUSION_VIEWS[2] else ".1%"
    figure = go.Figure(
        go.Heatmap(
            z=values, x=classes, y=classes, colorscale="Cividis", showscale=False,
            text=[[format(v, style) for v in row] for row in values], texttemplate="%{text}",
            hovertemplate="truth %{y}, predicted %{x}: %{text}<extra></extra>",
        )
    )  # fmt: skip
    _label(figure, f"What each class is taken for: {view.lower()}", "prediction", "truth", 360)
    return figure.update_yaxes(autorange="reversed")


def picture_histogram(evaluation: dict) -> go.Figure:
    """How many pictures reach which mean IoU."""
    values = [picture["mean_iou"] for picture in evaluation["per_picture"]]
    figure = go.Figure(go.Histogram(x=values, xbins={"size": 0.05}, marker_color=COLORS[0]))
    _label(figure, "Pictures by their own mean IoU", "mean IoU of a picture", "pictures", 360)
    return figure.update_xaxes(range=[0, 1]).update_layout(bargap=0.05)


def reliability_figure(evaluation: dict) -> go.Figure:
    """How often the model is right, by how sure it says it is."""
    confidence, right, pixels = np.array(evaluation["reliability"]).T
    known = pixels > 0
    x, y = confidence[known] / pixels[known], right[known] / pixels[known]
    figure = go.Figure()
    dotted = {"dash": "dot", "color": COLORS[-1]}
    figure.add_scatter(x=[0, 1], y=[0, 1], name="as sure as right", line=dotted)
    line = {"color": COLORS[1], "width": 2}
    figure.add_scatter(x=x, y=y, name="this model", mode="lines+markers", line=line)
    title = "Can its confidence be believed?"
    _label(figure, title, "confidence", "part of the pixels that is right", 360)
    return figure.update_xaxes(range=[0, 1]).update_yaxes(range=[0, 1])


def class_table(evaluation: dict) -> list[dict]:
    """Rows of IoU, Dice, precision, recall and support, one a class."""
    per_class = scores.class_scores(np.array(evaluation["confusion"]))
    return [
        {"class": name} | {key: float(values[i]) for key, values in per_class.items()}
        for i, name in enumerate(evaluation["classes"])
    ]


def _metric_range(metric: str) -> dict:
    return {"rangemode": "tozero"} if metric == "loss" else {"range": [0, 1]}


def _label(figure: go.Figure, title: str, x: str, y: str, height: int) -> None:
    figure.update_layout(
        title={"text": title, "font": {"size": 15}},
        height=height,
        margin={"l": 10, "r": 10, "t": 45, "b": 10},
        legend={"orientation": "h", "y": -75 / height, "yanchor": "top"},
        hovermode="x unified" if x in ("epoch", "seconds of training") else "closest",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        uirevision="stays",
    )
    figure.update_xaxes(title=x)
    figure.update_yaxes(title=y)
