"""Scores on the Evaluate page: confusion matrix, histogram, classes, and the images behind them."""

import numpy as np
import streamlit as st

from pages.evaluate.gallery import select_part, show_gallery
from pages.shared.widgets import choose_view, decimals, show_figure
from unet_core.figures.metrics import CONFUSION_VIEWS, confusion_figure, iou_histogram
from unet_core.figures.selection import ALL, image_ious
from unet_core.metrics.boundary import percent
from unet_core.metrics.confusion import class_metrics
from unet_core.store.runs import Run


def show_scores(run: Run, result: dict) -> None:
    left, right = st.columns(2, gap="large")
    clicks = {"selection_mode": "points"}
    with left:
        view = choose_view("Share", CONFUSION_VIEWS, "share")
        matrix = confusion_figure(result["confusion"], result["classes"], view)
        show_figure(matrix, "matrix", "Confusion matrix", on_select=pick_cell, **clicks)
    ious = image_ious(result)
    with right:
        metric = choose_view("Score of a picture", ious, "score")
        alt = f"Histogram of the pictures' {metric}"
        histogram = iou_histogram(ious[metric], metric)
        show_figure(histogram, "histogram", alt, on_select=pick_bar, **clicks)
    st.caption(
        ":material/touch_app: Click a cell of the matrix or a bar to see the pictures behind it, "
        "and once more to see all."
    )
    show_class_table(result)
    show_gallery(run, result, metric, ious[metric])


def pick_cell() -> None:
    points = st.session_state["matrix"].selection.points
    select_part(f"{points[0]['y']} as {points[0]['x']}" if points else ALL)


def pick_bar() -> None:
    points = st.session_state["histogram"].selection.points
    select_part(f"IoU {points[0]['customdata']}" if points else ALL)


def show_class_table(result: dict) -> None:
    by_class = {k: v.tolist() for k, v in class_metrics(np.array(result["confusion"])).items()}
    outlines = result["per_class"].get("boundary_f1")
    if outlines:
        by_class[f"boundary F1 ({percent(result['boundary_tolerance'])})"] = outlines
    rows = [
        {"class": name} | {key: values[i] for key, values in by_class.items()}
        for i, name in enumerate(result["classes"])
    ]
    columns = dict.fromkeys(by_class, decimals("%.3f"))
    columns["iou"] = st.column_config.NumberColumn("IoU", format="%.3f")
    columns["dice"] = st.column_config.NumberColumn("Dice", format="%.3f")
    columns["support"] = st.column_config.NumberColumn("true pixels", format="localized")
    st.dataframe(rows, hide_index=True, alt="Scores by class", column_config=columns)
