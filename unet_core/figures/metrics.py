"""How good a model is: confusion matrix, histograms, curves by threshold, differences."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from unet_core.figures.style import BLUE, GREEN, GREY, RED, SKY, bars, finish, line, points, star
from unet_core.metrics import thresholds
from unet_core.metrics.confusion import class_metrics

CONFUSION_VIEWS = ("Of the truth (recall)", "Of the prediction (precision)", "Pixels")
AREAS = {"roc_area": thresholds.roc_area, "average_precision": thresholds.average_precision}
BIN = 0.05  # width of the histogram's bars


def confusion_figure(confusion: np.ndarray | list, classes: list[str], view: str) -> go.Figure:
    """Confusion matrix (true class, predicted class) of pixel counts as a heat map.

    ``view`` is one of `CONFUSION_VIEWS`. Plotly selects no cells of a heat map, so an invisible
    marker on each takes hover and click.
    """
    counts = np.array(confusion, dtype=np.float64)
    values, style, top = counts, ",.0f", None
    if view != CONFUSION_VIEWS[2]:
        axis = 1 if view == CONFUSION_VIEWS[0] else 0
        values, style, top = counts / counts.sum(axis, keepdims=True).clip(1), ".1%", 1
    texts = [[format(v, style) for v in row] for row in values]
    figure = go.Figure()
    look = {"colorscale": "Cividis", "showscale": False, "xgap": 2, "ygap": 2, "hoverinfo": "skip"}
    look |= {"zmin": 0, "zmax": top, "texttemplate": "%{text}", "textfont_size": 14}
    figure.add_heatmap(z=values, x=classes, y=classes, text=texts, **look)
    hover = "truth %{y}, predicted %{x}: %{text}<br>%{customdata:,.0f} pixels"
    ring = {"marker_symbol": "circle-open", "marker_size": 56, "marker_line_width": 3}
    hidden = {"opacity": 0, "selected_marker_opacity": 1, "unselected_marker_opacity": 0}
    words = {"text": sum(texts, []), "customdata": counts.ravel()}
    x, y = classes * len(classes), np.repeat(classes, len(classes))
    points(figure, x, y, "white", hover, **words, **ring, **hidden)
    finish(figure, "What each class is taken for", "predicted class", "true class")
    figure.update_layout(showlegend=False, hovermode="closest", hoverdistance=-1)
    ends = [-0.5, len(classes) - 0.5]
    return figure.update_xaxes(range=ends).update_yaxes(range=ends[::-1])


def bin_counts(values: np.ndarray) -> np.ndarray:
    """How many values in 0–1 fall into each bar of `iou_histogram`; NaN falls into none."""
    return np.bincount(bin_of(values[~np.isnan(values)]), minlength=round(1 / BIN))


def bin_of(values: np.ndarray | list[float]) -> np.ndarray:
    """The bar, from 0, of each value in 0–1; 1 belongs to the last.

    >>> bin_of([0.0, 0.05, 1.0]).tolist()
    [0, 1, 19]
    """
    return np.minimum((np.asarray(values) / BIN + 1e-9).astype(int), round(1 / BIN) - 1)


def bin_name(number: int) -> str:
    """The values of a bar in words.

    >>> bin_name(12)
    '0.60 – 0.65'
    """
    return f"{number * BIN:.2f} – {(number + 1) * BIN:.2f}"


def iou_histogram(values: np.ndarray, metric: str) -> go.Figure:
    """How many images reach which IoU, with the mean; ``values`` one an image, NaN left out."""
    counts = bin_counts(values)
    figure = go.Figure()
    names = [bin_name(number) for number in range(len(counts))]
    x, hover = (np.arange(len(counts)) + 0.5) * BIN, metric + " %{customdata}: %{y} pictures"
    bars(figure, x, counts, BLUE, hover, customdata=names)
    mean = float(np.nanmean(values)) if counts.any() else 0.0
    note = {"text": f"mean {mean:.3f}", "font_color": RED, "yshift": 4}
    style = {"color": RED, "dash": "dot", "width": 2}
    figure.add_vline(mean, line=style, annotation=note, annotation_position="top left")
    finish(figure, f"Pictures by their own {metric}", f"{metric} of a picture", "pictures")
    return figure.update_xaxes(range=[0, 1]).update_layout(bargap=0.06, showlegend=False)


def reliability_figure(reliability: np.ndarray | list) -> go.Figure:
    """How often the model is right, by how confident it is.

    ``reliability``: rows of summed confidence, right pixels and pixels, as ``evaluation.json`` has
    them, for confidences from 0 to 1.
    """
    confidence, right, pixels = np.array(reliability).T
    known = pixels > 0
    figure = go.Figure()
    x, hover = (np.arange(len(pixels)) + 0.5) / len(pixels), "%{y:.1%} of the pixels"
    bars(figure, x, pixels / pixels.sum(), SKY, hover, name="pixels this sure", opacity=0.6)
    _diagonal(figure, name="as right as sure")
    x, y = confidence[known] / pixels[known], right[known] / pixels[known]
    hover = "%{x:.1%} sure, %{y:.1%} right"
    line(figure, x, y, RED, hover, mode="lines+markers", name="this model")
    x_title, y_title = "confidence in the class (0–1)", "part of the pixels (0–1)"
    finish(figure, "How right it is when it is this sure", x_title, y_title)
    return figure.update_xaxes(range=[0, 1]).update_yaxes(range=[0, 1.02])


def roc_figure(result: dict, threshold: float) -> go.Figure:
    """ROC curve of a binary model's evaluation, with its area and the point of ``threshold``."""
    curve = thresholds.roc_curve(thresholds.stored_sweep(result))
    marks = thresholds.roc_curve(result["thresholds"])
    figure = _curve(curve, marks, threshold, "%{x:.1%} false alarms, %{y:.1%} found")
    _diagonal(figure)
    title = f"ROC curve, area {_area(result, 'roc_area')}"
    x_title = "false positive rate (part of the background)"
    return finish(figure, title, x_title, "true positive rate (recall)")


def precision_recall_figure(result: dict, threshold: float) -> go.Figure:
    """Precision-recall curve of a binary model's evaluation, with its area and that point."""
    recall, precision = thresholds.precision_recall_curve(result["thresholds"])
    marks = np.append(0, recall), np.append(np.nan, precision)
    curve = thresholds.precision_recall_curve(thresholds.stored_sweep(result))
    figure = _curve(curve, marks, threshold, "recall %{x:.1%}, precision %{y:.1%}")
    title = f"Precision and recall, area {_area(result, 'average_precision')}"
    x_title = "recall (part of the object that is found)"
    y_title = "precision (part of the found that is right)"
    return finish(figure, title, x_title, y_title)


def threshold_figure(sweep: np.ndarray, threshold: float) -> go.Figure:
    """Dice, precision and recall of the foreground by threshold, a star at the best Dice.

    ``sweep``: the confusion matrix (2, 2) at each of `THRESHOLDS`.
    """
    by_class = class_metrics(np.asarray(sweep))
    figure = go.Figure()
    styles = {"dice": (BLUE, "solid"), "precision": (GREEN, "dash"), "recall": (RED, "dot")}
    for name, (color, dash) in styles.items():
        options = {"name": name.capitalize(), "hovertemplate": "%{y:.4f}"}
        line(figure, thresholds.THRESHOLDS, by_class[name][:, 1], color, line_dash=dash, **options)
    star(figure, *thresholds.best_threshold(sweep), BLUE, name="best Dice")
    figure.add_vline(threshold, line={"color": GREY, "width": 2})
    title, x_title = "What moving the threshold does", "threshold (0–1)"
    finish(figure, title, x_title, "score (0–1)").update_layout(hovermode="x unified")
    return figure.update_yaxes(range=[0, 1.02])


def difference_figure(rows: list[dict]) -> go.Figure:
    """Differences of two models with their intervals; ``rows`` as `metrics.compare` gives them."""
    figure = go.Figure()
    for row in rows:
        middle, low, high = row["difference"], row["low"], row["high"]
        interval = "no interval" if np.isnan(low) else f"95 % interval {low:+.4f} – {high:+.4f}"
        color, symbol = (BLUE, "circle") if low > 0 or high < 0 else (GREY, "circle-open")
        error = {"type": "data", "symmetric": False, "thickness": 2}
        error |= {"array": [high - middle], "arrayminus": [middle - low]}
        options = {"marker_symbol": symbol, "marker_size": 12, "error_x": error}
        hover = f"{row['score']}: {middle:+.4f}<br>{interval}"
        points(figure, [middle], [row["score"]], color, hover, **options)
    figure.add_vline(0, line={"color": GREY, "dash": "dot"})
    title, x_title = "Difference of the two models", "← first better · second better →"
    height, note = 160 + 45 * len(rows), "with its 95 % interval; filled: beyond chance"
    finish(figure, title, x_title, "score", height, note)
    return figure.update_yaxes(autorange="reversed").update_layout(showlegend=False)


def _curve(curve: tuple, marks: tuple, threshold: float, hover: str) -> go.Figure:
    """A curve ``(x, y)`` with a dot at the threshold's place in ``marks``.

    These are the same curve by `THRESHOLDS`, from the highest down, after one point for "nothing".
    """
    figure = go.Figure()
    x, y = curve
    line(figure, x, y, BLUE, hover, line_width=3)
    at = len(thresholds.THRESHOLDS) - int(np.argmin(np.abs(thresholds.THRESHOLDS - threshold)))
    x, y = marks
    hover = f"threshold {threshold:.2f}"
    points(figure, [x[at]], [y[at]], RED, hover, marker_size=13)
    figure.update_xaxes(range=[-0.02, 1.02]).update_yaxes(range=[-0.02, 1.02])
    return figure.update_layout(showlegend=False)


def _diagonal(figure: go.Figure, **options: Any) -> None:
    line(figure, [0, 1], [0, 1], GREY, "", line_dash="dot", line_width=None, **options)


def _area(result: dict, key: str) -> str:
    """An area in words: to four digits, or by 101 thresholds where an older result has no more."""
    if key in result:
        return "–" if result[key] is None else f"{result[key]:.4f}"
    area = AREAS[key](result["thresholds"])
    return "–" if np.isnan(area) else f"about {area:.2f} (by 101 thresholds)"
