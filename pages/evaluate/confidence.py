"""Confidence on the Evaluate page: calibration, and the threshold of binary models."""

from typing import Any

import numpy as np
import streamlit as st

from pages.shared.texts import number
from pages.shared.widgets import grid, linked, show_figure
from unet_core.figures.metrics import (
    CONFUSION_VIEWS,
    confusion_figure,
    precision_recall_figure,
    reliability_figure,
    roc_figure,
    threshold_figure,
)
from unet_core.metrics.confusion import class_metrics
from unet_core.metrics.thresholds import best_threshold, confusion_at

ERROR_HELP = "Mean distance between confidence and accuracy, over all pixels in 20 bins"


def show_confidence(result: dict) -> None:
    if "thresholds" in result:
        show_threshold(result)
    bins = result["reliability"]
    left, right = st.columns(2, gap="large")
    with left:
        show_figure(reliability_figure(bins), "reliability", "Accuracy by confidence")
    confidence, correct = (sum(row[column] for row in bins) for column in (0, 1))
    with right:
        error = f"{result['calibration_error']:.3f}"
        st.metric("Expected calibration error", error, help=ERROR_HELP)
        word = "more sure than right" if confidence > correct else "less sure than right"
        st.markdown(
            f"On the whole it is **{word}**. Where the curve lies under the dotted line the model "
            "believes too much of itself, above it too little. The confidence map on the Segment "
            "page can be read as well as this curve follows the line."
        )


def show_threshold(result: dict) -> None:
    """ROC, precision-recall, and what another threshold would do."""
    sweep = np.array(result["thresholds"])
    best, dice = best_threshold(sweep)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = f"Threshold: {result['classes'][1]} from this probability on"
        threshold = st.slider(label, 0.0, 1.0, 0.5, 0.01, width=420, **linked("cut"))
        st.button(
            f"Best Dice: {best:.2f}", icon=":material/star:", on_click=set_threshold, args=(best,)
        )
    confusion = confusion_at(sweep, threshold)
    now = {key: float(values[1]) for key, values in class_metrics(confusion).items()}
    with grid(4, 120):
        st.metric("Dice", number(now["dice"]), **distance(now["dice"] - dice))
        st.metric("IoU", number(now["iou"]))
        st.metric("Precision", number(now["precision"]))
        st.metric("Recall", number(now["recall"]))
    left, right = st.columns(2, gap="large")
    matrix = confusion_figure(confusion, result["classes"], CONFUSION_VIEWS[0])
    recall = precision_recall_figure(result, threshold)
    with left:
        show_figure(threshold_figure(sweep, threshold), "sweep", "Scores by threshold")
        show_figure(roc_figure(result, threshold), "roc", "ROC curve")
    with right:
        show_figure(matrix, "cut-matrix", "Confusion matrix at this threshold")
        show_figure(recall, "pr", "Precision-recall curve")


def distance(difference: float) -> dict[str, Any]:
    """The note under a metric: how far it is from the best, in red only where that shows."""
    if abs(difference) < 0.0005:
        return {"delta": "the best", "delta_color": "off", "delta_arrow": "off"}
    return {"delta": f"{difference:+.3f} to the best"}


def set_threshold(value: float) -> None:
    st.session_state["cut"] = round(value, 2)
