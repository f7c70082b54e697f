"""What the figures of scores say: values, places, words on hover; not how they are styled."""

import math

import numpy as np
import pytest

from unet_core.figures import metrics as metric_figures
from unet_core.figures.style import COLORS
from unet_core.metrics.thresholds import THRESHOLDS, threshold_sweep

TRUTH = np.array([True] * 4 + [False] * 4)
PROBABILITY = np.array([0.9, 0.8, 0.6, 0.2, 0.7, 0.3, 0.1, 0.1], np.float32)
SWEEP = threshold_sweep(TRUTH, PROBABILITY).tolist()
RESULT = {"thresholds": SWEEP, "roc_area": 0.875, "average_precision": None}
BLUE, RED, GREEN, GREY = COLORS[0], COLORS[1], COLORS[2], COLORS[6]


def titles(figure) -> tuple[str, str, str]:
    layout = figure.layout
    return layout.title.text, layout.xaxis.title.text, layout.yaxis.title.text


def verticals(figure) -> list[tuple]:
    """Lines over the whole height."""
    shapes = figure.layout.shapes
    assert all((s.type, s.yref, s.y0, s.y1) == ("line", "y domain", 0, 1) for s in shapes)
    return [(s.x0, s.x1) for s in shapes]


def test_cells_of_three_classes_say_share_and_pixels():
    classes = ["pet", "rest", "edge"]
    counts = [[1500, 300, 0], [0, 4000, 0], [0, 0, 0]]
    figure = metric_figures.confusion_figure(counts, classes, "Of the truth (recall)")
    heat, cells = figure.data
    first, second = ["83.3%", "16.7%", "0.0%"], ["0.0%", "100.0%", "0.0%"]
    assert np.array(heat.text).tolist() == [first, second, ["0.0%"] * 3]
    assert (heat.zmin, heat.zmax, heat.texttemplate) == (0, 1, "%{text}")
    assert (heat.hoverinfo, heat.showscale) == ("skip", False)
    cells_shown = list(zip(cells.y, cells.x, cells.text, cells.customdata, strict=True))
    assert cells_shown[:4] == [
        ("pet", "pet", "83.3%", 1500),
        ("pet", "rest", "16.7%", 300),
        ("pet", "edge", "0.0%", 0),
        ("rest", "pet", "0.0%", 0),
    ]
    assert len(cells_shown) == 9 and cells.mode == "markers"
    assert cells.hovertemplate == (
        "truth %{y}, predicted %{x}: %{text}<br>%{customdata:,.0f} pixels<extra></extra>"
    )
    # Unseen until one is chosen, and hit wherever the pointer is.
    assert (cells.opacity, cells.selected.marker.opacity) == (0, 1)
    assert cells.unselected.marker.opacity == 0
    layout = figure.layout
    assert (layout.hoverdistance, layout.hovermode, layout.showlegend) == (-1, "closest", False)
    assert layout.xaxis.range == (-0.5, 2.5) and layout.yaxis.range == (2.5, -0.5)
    assert titles(figure) == ("What each class is taken for", "predicted class", "true class")
    pixels = metric_figures.confusion_figure(counts, classes, "Pixels").data[0]
    assert list(pixels.text[0]) == ["1,500", "300", "0"] and (pixels.zmin, pixels.zmax) == (0, None)
    precision = metric_figures.confusion_figure(counts, classes, "Of the prediction (precision)")
    assert list(precision.data[0].text[0]) == ["100.0%", "7.0%", "0.0%"]


def test_pictures_stand_in_the_bar_of_their_score():
    values = np.array([0.0, 0.04, 0.05, 0.6, 0.61, 1.0, math.nan])
    assert metric_figures.bin_of(values[:-1]).tolist() == [0, 0, 1, 12, 12, 19]
    assert metric_figures.bin_of([0.15, 0.3, 0.7, 0.95]).tolist() == [3, 6, 14, 19]
    counts = [2, 1] + [0] * 10 + [2] + [0] * 6 + [1]
    assert metric_figures.bin_counts(values).tolist() == counts
    assert metric_figures.bin_name(12) == "0.60 – 0.65"
    figure = metric_figures.iou_histogram(values, "mean IoU")
    (bars,) = figure.data
    assert list(bars.y) == counts
    np.testing.assert_allclose(bars.x, np.arange(0.025, 1, 0.05))
    assert bars.customdata[0] == "0.00 – 0.05" and bars.customdata[19] == "0.95 – 1.00"
    assert bars.hovertemplate == "mean IoU %{customdata}: %{y} pictures<extra></extra>"
    mean = np.mean(values[:-1])
    assert verticals(figure) == [(mean, mean)]
    (note,) = figure.layout.annotations
    assert (note.text, note.x) == (f"mean {mean:.3f}", mean)
    assert (note.xanchor, note.yanchor) == ("right", "top")
    assert figure.layout.xaxis.range == (0, 1) and figure.layout.showlegend is False
    expected = ("Pictures by their own mean IoU", "mean IoU of a picture", "pictures")
    assert titles(figure) == expected
    none = metric_figures.iou_histogram(np.full(3, np.nan), "IoU of pet")
    assert verticals(none) == [(0, 0)] and none.layout.annotations[0].text == "mean 0.000"
    assert list(none.data[0].y) == [0] * 20


def test_how_right_it_is_stands_over_how_sure_it_is():
    rows = [[0, 0, 0], [4, 3, 10], [27, 24, 30]]  # summed confidence, right, pixels
    figure = metric_figures.reliability_figure(rows)
    share, ideal, model = figure.data
    np.testing.assert_allclose(share.x, [1 / 6, 1 / 2, 5 / 6])
    np.testing.assert_allclose(share.y, [0, 0.25, 0.75])
    np.testing.assert_allclose([model.x, model.y], [[0.4, 0.9], [0.3, 0.8]])
    assert (ideal.x, ideal.y) == ((0, 1), (0, 1))
    assert [(t.name, t.type, t.mode if t.type == "scatter" else None) for t in figure.data] == [
        ("pixels this sure", "bar", None),
        ("as right as sure", "scatter", "lines"),
        ("this model", "scatter", "lines+markers"),
    ]
    assert [t.hovertemplate for t in (share, model)] == [
        "%{y:.1%} of the pixels<extra></extra>",
        "%{x:.1%} sure, %{y:.1%} right<extra></extra>",
    ]
    assert ideal.hoverinfo == "skip"
    assert figure.layout.xaxis.range == (0, 1) and figure.layout.yaxis.range == (0, 1.02)
    assert titles(figure) == (
        "How right it is when it is this sure",
        "confidence in the class (0–1)",
        "part of the pixels (0–1)",
    )


def test_the_roc_curve_shows_the_threshold_at_its_own_rates():
    figure = metric_figures.roc_figure(RESULT, 0.5)
    curve, mark, guessing = figure.data
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    # From 0.5 on: three of the four that are foreground and one of the four that are not.
    assert (mark.x, mark.y) == ((0.25,), (0.75,))
    assert (0.25, 0.75) in set(zip(curve.x, curve.y, strict=True))
    assert (guessing.x, guessing.y) == ((0, 1), (0, 1))
    assert [trace.mode for trace in figure.data] == ["lines", "markers", "lines"]
    assert curve.hovertemplate == "%{x:.1%} false alarms, %{y:.1%} found<extra></extra>"
    assert (mark.hovertemplate, guessing.hoverinfo) == ("threshold 0.50<extra></extra>", "skip")
    assert titles(figure) == (
        "ROC curve, area 0.8750",
        "false positive rate (part of the background)",
        "true positive rate (recall)",
    )
    assert figure.layout.xaxis.range == figure.layout.yaxis.range == (-0.02, 1.02)
    assert figure.layout.showlegend is False
    for threshold, at in ((0.0, (1, 1)), (1.0, (0, 0)), (0.25, (0.5, 0.75))):
        mark = metric_figures.roc_figure(RESULT, threshold).data[1]
        assert (mark.x[0], mark.y[0]) == at


def test_precision_and_recall_at_the_threshold():
    figure = metric_figures.precision_recall_figure(RESULT, 0.65)
    curve, mark = figure.data
    assert (mark.x, mark.y) == ((0.5,), (pytest.approx(2 / 3),))
    assert (curve.x[-1], curve.y[-1]) == (1, 0.5)  # everything is called foreground
    assert (0.5, 1.0) in set(zip(curve.x, curve.y, strict=True))
    assert curve.hovertemplate == "recall %{x:.1%}, precision %{y:.1%}<extra></extra>"
    assert titles(figure) == (
        "Precision and recall, area –",
        "recall (part of the object that is found)",
        "precision (part of the found that is right)",
    )
    assert figure.layout.showlegend is False
    nothing = metric_figures.precision_recall_figure(RESULT, 1.0).data[1]
    assert nothing.x == (0,) and math.isnan(nothing.y[0])


def test_an_area_that_does_not_exist_is_a_dash():
    one_class = {"thresholds": threshold_sweep(np.zeros(8, bool), PROBABILITY).tolist()}
    title = metric_figures.roc_figure(one_class, 0.5).layout.title.text
    assert title == "ROC curve, area –"


def test_each_threshold_has_its_scores():
    figure = metric_figures.threshold_figure(RESULT["thresholds"], 0.65)
    dice, precision, recall, best = figure.data
    assert [trace.name for trace in figure.data] == ["Dice", "Precision", "Recall", "best Dice"]
    assert [trace.mode for trace in figure.data] == ["lines"] * 3 + ["markers"]
    assert [t.line.color for t in figure.data[:3]] == [BLUE, GREEN, RED]
    assert [t.line.dash for t in figure.data[:3]] == ["solid", "dash", "dot"]
    for trace, at_half in ((dice, 0.75), (precision, 0.75), (recall, 0.75)):
        np.testing.assert_array_equal(trace.x, THRESHOLDS)
        assert trace.y[50] == at_half and trace.hovertemplate == "%{y:.4f}"
    assert (precision.y[65], recall.y[65]) == (pytest.approx(2 / 3), 0.5)
    # At 0.2 all four are found, with two false ones: 8 / 10.
    assert best.y == (0.8,) and 0.1 < best.x[0] <= 0.2
    assert (best.marker.symbol, best.hoverinfo) == ("star", "skip")
    assert verticals(figure) == [(0.65, 0.65)]
    assert figure.layout.hovermode == "x unified" and figure.layout.yaxis.range == (0, 1.02)
    assert titles(figure) == (
        "What moving the threshold does",
        "threshold (0–1)",
        "score (0–1)",
    )


def test_differences_stand_in_their_intervals():
    rows = [
        {"score": "better", "difference": 0.2, "low": 0.05, "high": 0.4},
        {"score": "worse", "difference": -0.2, "low": -0.3, "high": -0.1},
        {"score": "alike", "difference": 0.1, "low": -0.1, "high": 0.3},
        {"score": "touching", "difference": 0.1, "low": 0.0, "high": 0.2},
        {"score": "from below", "difference": -0.1, "low": -0.2, "high": 0.0},
    ]
    figure = metric_figures.difference_figure(rows)
    for row, point in zip(rows, figure.data, strict=True):
        assert (point.x, point.y) == ((row["difference"],), (row["score"],))
        error = point.error_x
        assert (error.type, error.symmetric, point.mode) == ("data", False, "markers")
        assert error.array == (row["high"] - row["difference"],)
        assert error.arrayminus == (row["difference"] - row["low"],)
    assert figure.data[0].hovertemplate == (
        "better: +0.2000<br>95 % interval +0.0500 – +0.4000<extra></extra>"
    )
    seen = [(point.marker.symbol, point.marker.color) for point in figure.data]
    assert seen == [("circle", BLUE)] * 2 + [("circle-open", GREY)] * 3
    assert verticals(figure) == [(0, 0)]
    assert figure.layout.yaxis.autorange == "reversed" and figure.layout.showlegend is False
    assert figure.layout.height == 160 + 45 * 5
    assert titles(figure) == (
        "Difference of the two models",
        "← first better · second better →",
        "score",
    )
    assert "beyond chance" in figure.layout.title.subtitle.text
