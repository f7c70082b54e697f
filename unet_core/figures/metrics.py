"""Plotly figures of how good a model is. See `figures` for the colours and the learning curves."""

import numpy as np
import plotly.graph_objects as go

from unet_core.figures.style import COLORS, label
from unet_core.metrics.confusion import class_metrics
from unet_core.metrics.thresholds import (
    THRESHOLDS,
    average_precision,
    best_threshold,
    precision_recall_curve,
    roc_area,
    roc_curve,
    stored_sweep,
)

CONFUSION_VIEWS = ("Of the truth (recall)", "Of the prediction (precision)", "Pixels")
BIN = 0.05  # width of the histogram's bars
BLUE, VERMILION, GREEN, SKY, GREY = (COLORS[i] for i in (0, 1, 2, 5, 6))
HEIGHT = 380


def confusion_figure(confusion, classes: list[str], view: str) -> go.Figure:
    """Confusion matrix as a heat map; ``view`` is one of `CONFUSION_VIEWS`.

    Plotly selects no cells of a heat map, so an unseen marker on each takes hover and click.
    """
    counts = np.array(confusion, dtype=np.float64)
    values, style, top = counts, ",.0f", None
    if view != CONFUSION_VIEWS[2]:
        axis = 1 if view == CONFUSION_VIEWS[0] else 0
        values, style, top = counts / counts.sum(axis, keepdims=True).clip(1), ".1%", 1
    texts = [[format(v, style) for v in row] for row in values]
    figure = go.Figure(
        go.Heatmap(
            z=values, x=classes, y=classes, colorscale="Cividis", showscale=False,
            zmin=0, zmax=top, xgap=2, ygap=2, textfont={"size": 14}, hoverinfo="skip",
            text=texts, texttemplate="%{text}",
        )
    )  # fmt: skip
    figure.add_scatter(
        x=classes * len(classes), y=np.repeat(classes, len(classes)), mode="markers",
        marker={"size": 56, "symbol": "circle-open", "color": "white", "line": {"width": 3}},
        selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 0}}, opacity=0,
        text=sum(texts, []), customdata=counts.ravel(),
        hovertemplate="truth %{y}, predicted %{x}: %{text}<br>"
        "%{customdata:,.0f} pixels<extra></extra>",
    )  # fmt: skip
    label(figure, "What each class is taken for", "predicted class", "true class", HEIGHT)
    size = [-0.5, len(classes) - 0.5]
    figure.update_layout(showlegend=False, hovermode="closest", hoverdistance=-1)
    return figure.update_xaxes(range=size).update_yaxes(range=size[::-1])


def bin_counts(values: np.ndarray) -> np.ndarray:
    """How many values in 0–1 fall into each bar of `iou_histogram`; NaN falls into none."""
    return np.bincount(bin_of(values[~np.isnan(values)]), minlength=round(1 / BIN))


def bin_of(values: np.ndarray) -> np.ndarray:
    """The bar, from 0, of each value in 0–1; 1 belongs to the last."""
    return np.minimum((np.asarray(values) / BIN + 1e-9).astype(int), round(1 / BIN) - 1)


def bin_name(number: int) -> str:
    """``0.60 – 0.65`` for bar 12."""
    return f"{number * BIN:.2f} – {(number + 1) * BIN:.2f}"


def iou_histogram(values: np.ndarray, score: str) -> go.Figure:
    """How many images reach which IoU, with the mean; ``values`` one an image, NaN left out."""
    counts = bin_counts(values)
    figure = go.Figure(
        go.Bar(
            x=(np.arange(len(counts)) + 0.5) * BIN, y=counts, marker_color=BLUE,
            customdata=[bin_name(number) for number in range(len(counts))],
            hovertemplate=score + " %{customdata}: %{y} pictures<extra></extra>",
        )
    )  # fmt: skip
    mean = float(np.nanmean(values)) if counts.any() else 0.0
    figure.add_vline(
        mean, line={"color": VERMILION, "dash": "dot", "width": 2},
        annotation={"text": f"mean {mean:.3f}", "font_color": VERMILION, "yshift": 4},
        annotation_position="top left",
    )  # fmt: skip
    label(figure, f"Pictures by their own {score}", f"{score} of a picture", "images", HEIGHT)
    return figure.update_xaxes(range=[0, 1]).update_layout(bargap=0.06, showlegend=False)


def reliability_figure(reliability) -> go.Figure:
    """How often the model is right, by how sure it says it is; rows as in ``evaluation.json``."""
    confidence, right, pixels = np.array(reliability).T
    known = pixels > 0
    x, y = confidence[known] / pixels[known], right[known] / pixels[known]
    figure = go.Figure()
    centres = (np.arange(len(pixels)) + 0.5) / len(pixels)
    figure.add_bar(
        x=centres, y=pixels / pixels.sum(), name="pixels this sure", marker_color=SKY,
        opacity=0.6, hovertemplate="%{y:.1%} of the pixels<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=[0, 1], y=[0, 1], name="as right as sure", mode="lines", hoverinfo="skip",
        line={"dash": "dot", "color": GREY},
    )  # fmt: skip
    figure.add_scatter(
        x=x, y=y, name="this model", mode="lines+markers", line={"color": VERMILION, "width": 2},
        hovertemplate="%{x:.1%} sure, %{y:.1%} right<extra></extra>",
    )  # fmt: skip
    label(
        figure, "How right it is when it is this sure", "confidence in the class (0–1)",
        "part of the pixels (0–1)", HEIGHT,
    )  # fmt: skip
    return figure.update_xaxes(range=[0, 1]).update_yaxes(range=[0, 1.02])


def roc_figure(result: dict, threshold: float) -> go.Figure:
    """ROC curve of a binary model's result, with its area and the point of ``threshold``."""
    figure = _curve(*roc_curve(stored_sweep(result)), "%{x:.1%} false alarms, %{y:.1%} found")
    _mark(figure, *roc_curve(result["thresholds"]), threshold)
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"dash": "dot", "color": GREY}, hoverinfo="skip"
    )
    label(
        figure, f"ROC curve, area {_area(result, 'roc_area', roc_area)}",
        "false positive rate (part of the background)",
        "true positive rate (recall)", HEIGHT,
    )  # fmt: skip
    return figure.update_layout(showlegend=False)


def precision_recall_figure(result: dict, threshold: float) -> go.Figure:
    """Precision-recall curve of a binary model's result, with its area and that point."""
    recall, precision = precision_recall_curve(stored_sweep(result))
    figure = _curve(recall, precision, "recall %{x:.1%}, precision %{y:.1%}")
    recall, precision = precision_recall_curve(result["thresholds"])
    _mark(figure, np.append(0, recall), np.append(np.nan, precision), threshold)
    area = _area(result, "average_precision", average_precision)
    label(
        figure, f"Precision and recall, area {area}",
        "recall (part of the object that is found)",
        "precision (part of the found that is right)", HEIGHT,
    )  # fmt: skip
    return figure.update_layout(showlegend=False)


def _area(result: dict, key: str, of_sweep) -> str:
    """An area in words: to four digits, or by 101 thresholds where an older result has no more."""
    if key in result:
        return "–" if result[key] is None else f"{result[key]:.4f}"
    area = of_sweep(result["thresholds"])
    return "–" if np.isnan(area) else f"about {area:.2f} (by 101 thresholds)"


def threshold_figure(sweep, threshold: float) -> go.Figure:
    """Dice, precision and recall of the foreground by threshold, a star at the best Dice."""
    by_class = class_metrics(np.asarray(sweep))
    figure = go.Figure()
    for name, color, dash in (
        ("dice", BLUE, "solid"), ("precision", GREEN, "dash"), ("recall", VERMILION, "dot"),
    ):  # fmt: skip
        figure.add_scatter(
            x=THRESHOLDS, y=by_class[name][:, 1], name=name.capitalize(), mode="lines",
            line={"color": color, "dash": dash, "width": 2}, hovertemplate="%{y:.4f}",
        )  # fmt: skip
    best, dice = best_threshold(sweep)
    figure.add_scatter(
        x=[best], y=[dice], name="best Dice", mode="markers", hoverinfo="skip",
        marker={"symbol": "star", "size": 14, "color": BLUE},
    )  # fmt: skip
    figure.add_vline(threshold, line={"color": GREY, "width": 2})
    label(figure, "What moving the threshold does", "threshold (0–1)", "score (0–1)", HEIGHT)
    return figure.update_layout(hovermode="x unified").update_yaxes(range=[0, 1.02])


def difference_figure(rows: list[dict]) -> go.Figure:
    """Differences of two models with their intervals; ``rows`` as `comparison.compare` gives."""
    figure = go.Figure()
    for row in rows:
        apart = row["low"] > 0 or row["high"] < 0
        interval = f"95 % interval {row['low']:+.4f} – {row['high']:+.4f}"
        if np.isnan(row["low"]):
            interval = "no interval"
        figure.add_scatter(
            x=[row["difference"]], y=[row["score"]], mode="markers",
            marker={"size": 12, "color": BLUE if apart else GREY,
                    "symbol": "circle" if apart else "circle-open"},
            error_x={"type": "data", "symmetric": False, "thickness": 2,
                     "array": [row["high"] - row["difference"]],
                     "arrayminus": [row["difference"] - row["low"]]},
            hovertemplate=f"{row['score']}: {row['difference']:+.4f}<br>{interval}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(0, line={"color": GREY, "dash": "dot"})
    label(
        figure, "Difference of the two models", "← first better · second better →", "score",
        160 + 45 * len(rows), "with its 95 % interval; filled: beyond chance",
    )  # fmt: skip
    return figure.update_yaxes(autorange="reversed").update_layout(showlegend=False)


def _curve(x: np.ndarray, y: np.ndarray, hover: str) -> go.Figure:
    figure = go.Figure()
    figure.add_scatter(
        x=x, y=y, mode="lines", line={"color": BLUE, "width": 3},
        hovertemplate=hover + "<extra></extra>",
    )  # fmt: skip
    return figure.update_xaxes(range=[-0.02, 1.02]).update_yaxes(range=[-0.02, 1.02])


def _mark(figure: go.Figure, x: np.ndarray, y: np.ndarray, threshold: float) -> None:
    """A dot at the threshold's point of a curve that begins with one point for "nothing"."""
    at = len(THRESHOLDS) - int(np.argmin(np.abs(THRESHOLDS - threshold)))
    figure.add_scatter(
        x=[x[at]], y=[y[at]], mode="markers", marker={"size": 13, "color": VERMILION},
        hovertemplate=f"threshold {threshold:.2f}<extra></extra>",
    )  # fmt: skip
