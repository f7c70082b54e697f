import math

import numpy as np
import pytest

from unet_core.figures import curves as figures
from unet_core.figures import metrics as metric_figures
from unet_core.figures import style
from unet_core.metrics.thresholds import ProbabilityCounts, threshold_sweep
from unet_core.prediction.overlay import error_map
from unet_core.store.runs import MONITOR, Run, best_epoch, create_run


def test_smoothing_is_a_bias_corrected_moving_average():
    assert figures.smoothed([1.0, 3.0], 0) == [1, 3]
    # weights 1 and 0.5 on the second and the first value
    assert figures.smoothed([1.0, 3.0], 0.5) == pytest.approx([1, (3 + 0.5 * 1) / 1.5])
    assert figures.smoothed([2.0] * 5, 0.9) == pytest.approx([2.0] * 5)
    gap = figures.smoothed([1.0, math.nan, 3.0], 0.5)
    assert gap == pytest.approx([1, math.nan, (3 + 0.5 * 1) / 1.5], nan_ok=True)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("Of the truth (recall)", [[0.75, 0.25], [0.0, 1.0]]),
        ("Of the prediction (precision)", [[1.0, 0.2], [0.0, 0.8]]),
        ("Pixels", [[3, 1], [0, 4]]),
    ],
)
def test_confusion_rows_are_the_truth(view, expected):
    figure = metric_figures.confusion_figure([[3, 1], [0, 4]], ["pet", "rest"], view)
    heat = figure.data[0]
    np.testing.assert_allclose(heat.z, expected)
    assert list(heat.y) == list(heat.x) == ["pet", "rest"]
    assert figure.layout.yaxis.title.text == "true class"
    assert figure.layout.yaxis.range == (1.5, -0.5)


def test_a_confusion_cell_can_be_clicked():
    classes = ["pet", "rest"]
    figure = metric_figures.confusion_figure([[3, 1], [0, 4]], classes, "Pixels")
    markers = figure.data[1]
    cells = list(zip(markers.y, markers.x, markers.text, strict=True))
    found = [("pet", "pet", "3"), ("pet", "rest", "1")]
    assert cells == [*found, ("rest", "pet", "0"), ("rest", "rest", "4")]


def runs_that_learned(count: int, column: str = "val_dice") -> list[Run]:
    runs = []
    for number in range(count):
        training = {"model": "m", "epochs": 2}
        config = {"title": f"Run {number}", "training": training, "classes": []}
        run = create_run(config, f"run-{number}")
        extra = f",{column}" if number == 0 else ""
        (run.path / "history.csv").write_text(
            f"epoch,loss,mean_iou,seconds,val_loss,val_mean_iou{extra}\n"
            f"0,1,0.1,5,1,0.2{extra and ',0.3'}\n1,0.5,0.3,9,0.6,0.1{extra and ',0.4'}\n"
        )
        runs.append(run)
    return runs


def test_runs_beyond_the_colours_get_markers():
    figure = figures.compared_curves(runs_that_learned(8), "loss", False, 0, False)
    first, last = (next(t for t in figure.data if t.name == f"Run {i}") for i in (0, 7))
    assert first.line.color == last.line.color
    assert (first.mode, last.mode) == ("lines", "lines+markers")
    star = figure.data[2]
    assert (star.marker.symbol, star.x, star.y) == ("star", (1,), (1,))


def test_the_best_epoch_is_the_first_with_the_highest_score():
    rows = [{MONITOR: score} for score in (0.3, math.nan, 0.5, 0.5, 0.4)]
    assert best_epoch(rows) == 2
    assert best_epoch([{"val_loss": 0.1}, {"val_loss": 0.2}]) is best_epoch([]) is None


def test_a_history_without_the_score_has_curves_and_no_star():
    (run,) = runs_that_learned(1)
    (run.path / "history.csv").write_text("epoch,loss,seconds,val_loss\n0,1,5,2\n1,0.5,9,1\n")
    figure = figures.compared_curves([run], "loss", False, 0, False)
    assert [trace.marker.symbol for trace in figure.data] == ["circle", "circle"]
    assert len(figures.learning_curves(run, "mean_iou").data) == 2


def test_areas_are_exact_or_say_that_they_are_not():
    truth, probability = np.arange(2000) >= 1000, np.zeros(2000, np.float32)
    probability[500:1000] = 1e-6
    probability[1000:] = 2e-6
    counts = ProbabilityCounts()
    counts.add(truth, probability)
    older = {"thresholds": threshold_sweep(truth, probability).tolist()}
    figure = metric_figures.roc_figure(older | counts.summary(), 0.5)
    assert figure.layout.title.text == "ROC curve, area 1.0000"
    assert list(figure.data[0].x) == [0, 0, 0.5, 1] and list(figure.data[0].y) == [0, 1, 1, 1]
    title = metric_figures.roc_figure(older, 0.5).layout.title.text
    assert title == "ROC curve, area about 0.50 (by 101 thresholds)"
    title = metric_figures.precision_recall_figure(older, 0.5).layout.title.text
    assert "about 0.50" in title
    nothing = older | {"roc_area": None, "curve": [[0.0, 5, 0]]}
    assert metric_figures.roc_figure(nothing, 0.5).layout.title.text == "ROC curve, area –"


def test_a_difference_without_an_interval_is_not_beyond_chance():
    row = {"score": "Mean IoU", "difference": 0.2, "low": math.nan, "high": math.nan}
    point = metric_figures.difference_figure([row]).data[0]
    assert point.marker.symbol == "circle-open" and "nan" not in point.hovertemplate


def run_with(name: str, state: str, steps: str = "") -> Run:
    """A run of four epochs, two of them done, of twenty steps in all."""
    config = {"title": name.title(), "training": {"model": "m", "epochs": 4}, "classes": []}
    run = create_run(config, name)
    run.write_status(state=state, steps=20)
    (run.path / "history.csv").write_text(
        "epoch,loss,dice,seconds,val_loss,val_dice,val_mean_iou\n"
        "0,1,0.1,5,2,0.2,0.3\n1,0.5,0.3,9,1,0.4,0.2\n"
    )
    (run.path / "steps.csv").write_text(f"step,seconds,loss\n{steps}")
    return run


def shown(trace) -> tuple:
    return trace.name, trace.mode, trace.x, trace.y, trace.line.dash


def test_a_runs_own_curves():
    run = run_with("one", "queued", "5,2.5,1.5\n15,7.5,0.7\n")
    figure = figures.learning_curves(run, "loss")
    assert [shown(trace) for trace in figure.data] == [
        ("within the epoch", None, (1, 3), (1.5, 0.7), None),
        ("training", "lines+markers", (1, 2), (1, 0.5), "dash"),
        ("validation", "lines+markers", (1, 2), (2, 1), "solid"),
    ]
    assert [trace.line.color for trace in figure.data] == [style.COLORS[i] for i in (5, 0, 1)]
    layout = figure.layout
    assert (layout.title.text, layout.xaxis.title.text) == ("Loss by epoch", "epoch")
    assert layout.yaxis.title.text == "Loss" and layout.yaxis.rangemode == "tozero"
    assert layout.xaxis.range == (0, 4.2) and layout.hovermode == "x unified"
    assert (layout.height, layout.legend.y, layout.dragmode) == (280, -75 / 280, False)
    assert layout.uirevision == "stays"  # a choice in the legend survives new numbers
    dice = figures.learning_curves(run, "dice")
    assert [trace.y for trace in dice.data] == [(0.1, 0.3), (0.2, 0.4)]
    assert dice.layout.title.text == "Dice by epoch" and dice.layout.yaxis.range == (0, 1)
    missing = figures.learning_curves(run, "auc").data[1].y
    assert len(missing) == 2 and all(math.isnan(value) for value in missing)
    (run.path / "status.json").unlink()  # the number of steps is not known
    assert figures.learning_curves(run, "loss").data[0].x == (5, 15)


@pytest.mark.parametrize(("by_time", "x", "within"), [(False, (1, 2), 3), (True, (5, 9), 7.5)])
def test_a_run_in_work_is_compared_with_one_that_is_done(by_time, x, within):
    runs = [run_with("done", "done", "1,1,9\n"), run_with("waits", "queued", "15,7.5,0.7\n")]
    figure = figures.compared_curves(runs, "loss", by_time, 0, False)
    named = [shown(trace) for trace in figure.data]
    best = (None, "markers", x[:1], (2,), None)
    assert named == [
        ("Done", "lines", x, (2, 1), "solid"),
        ("Done", "lines", x, (1, 0.5), "dash"),
        best,
        ("Waits, within the epoch", "lines", (within,), (0.7,), None),
        ("Waits", "lines", x, (2, 1), "solid"),
        ("Waits", "lines", x, (1, 0.5), "dash"),
        best,
    ]
    assert [t.legendgroup for t in figure.data] == ["done"] * 3 + ["waits"] * 4
    shown_once = [True, False, False]
    assert [t.showlegend for t in figure.data] == [*shown_once, None, *shown_once]
    done, waits = (["validation", "training"], ["within the epoch", "validation", "training"])
    assert [t.hovertemplate for t in figure.data] == [
        *(f"%{{y:.4f}} Done, {name}<extra></extra>" for name in done),
        None,
        *(f"%{{y:.4f}} Waits, {name}<extra></extra>" for name in waits),
        None,
    ]
    colors = [trace.line.color or trace.marker.color for trace in figure.data]
    assert colors == [style.COLORS[0]] * 3 + [style.COLORS[1]] * 4
    assert {t.hoverinfo for t in (figure.data[2], figure.data[6])} == {"skip"}
    layout = figure.layout
    assert layout.title.text == "Loss as training goes on"
    assert layout.title.subtitle.text == "validation solid, training dashed, star at the best epoch"
    assert layout.xaxis.title.text == ("time of training (seconds)" if by_time else "epoch")
    assert (layout.yaxis.title.text, layout.yaxis.rangemode) == ("Loss", "tozero")
    assert (layout.height, layout.hovermode, layout.dragmode) == (480, "x unified", "zoom")
    others = figures.compared_curves(runs, "dice", by_time, 0, False)
    assert [trace.name for trace in others.data].count("Waits, within the epoch") == 0
    assert others.layout.yaxis.range == (0, 1)


def test_smoothing_leaves_what_was_measured_faint():
    run = run_with("one", "done")
    figure = figures.compared_curves([run], "loss", False, 0.5, True)
    assert [(t.y, t.opacity, t.hoverinfo, t.mode, t.line.dash) for t in figure.data[:4]] == [
        ((2, 1), 0.3, "skip", "lines", "solid"),
        ((2, pytest.approx(2 / 1.5)), None, None, "lines", "solid"),
        ((1, 0.5), 0.3, "skip", "lines", "dash"),
        ((1, pytest.approx(1 / 1.5)), None, None, "lines", "dash"),
    ]
    assert [t.x for t in figure.data] == [(1, 2)] * 4 + [(1,)]
    assert [t.showlegend for t in figure.data] == [False, True, False, False, False]
    assert {t.legendgroup for t in figure.data} == {"one"}
    assert figure.layout.yaxis.type == "log" and figure.layout.yaxis.range is None


def test_a_first_epoch_is_a_point_and_none_is_nothing():
    runs = [run_with("first", "done"), run_with("none", "done")]
    (runs[0].path / "history.csv").write_text("epoch,loss,seconds,val_loss\n0,1,5,2\n")
    (runs[1].path / "history.csv").unlink()
    figure = figures.compared_curves(runs, "loss", False, 0, False)
    assert [trace.mode for trace in figure.data] == ["lines+markers"] * 2
    nothing = figures.compared_curves([], "pet_iou", False, 0, False).layout
    assert nothing.title.text == "Pet iou as training goes on"
    assert nothing.yaxis.title.text == "Pet iou (0–1)"
    assert figures.metrics_of(runs[1:]) == ["loss", "mean_iou", "accuracy"]


def test_unknown_metrics_come_last():
    (run,) = runs_that_learned(1, "val_a_new_one")
    assert figures.metrics_of([run]) == ["loss", "mean_iou", "accuracy", "a_new_one"]


def test_whatever_was_measured_can_be_drawn():
    runs = runs_that_learned(2)
    assert figures.metrics_of(runs) == ["loss", "mean_iou", "accuracy", "dice"]
    figure = figures.compared_curves(runs, "dice", True, 0, False)
    assert figure.data[0].y == (0.3, 0.4) and figure.data[0].x == (5, 9)
    assert figure.layout.yaxis.title.text == "Dice (0–1)"


def test_errors_are_coloured_by_kind():
    truth = np.array([[True, True, False, False]])
    prediction = np.array([[True, False, True, False]])
    result = error_map(np.full((1, 4, 3), 100, np.uint8), truth, prediction)
    assert result[0].tolist() == [[60] * 3, [230, 159, 0], [0, 114, 178], [60] * 3]
