"""Evaluate: can it be trusted, and where does it fail?"""

from dataclasses import replace

import numpy as np
import streamlit as st

from pages.common import Picture, score_line, segment
from unet_core.data import open_dataset
from unet_core.errors import UserError
from unet_core.figures import (
    CONFUSION_VIEWS,
    class_table,
    confusion_figure,
    picture_histogram,
    reliability_figure,
)
from unet_core.overlay import blend, error_map
from unet_core.runs import Run, all_runs

HEADLINES = {
    "pixel_accuracy": ("Pixel accuracy", "Part of the pixels with the right class"),
    "mean_iou": ("Mean IoU", "Intersection over union, mean of the classes"),
    "mean_dice": ("Mean Dice", "Dice coefficient, mean of the classes"),
    "pet_iou": ("Pet IoU", "Pet against the rest; pixels whose truth is border are left out"),
    "boundary_f": ("Boundary F", "F-score of the outline, within 2 % of the diagonal"),
}
ORDERS = ("Worst", "Best", "Random")
SHOWN = 6


def show_headlines(evaluation: dict) -> None:
    scores = evaluation["scores"]
    present = [key for key in HEADLINES if key in scores]
    for column, key in zip(st.columns(len(present)), present, strict=True):
        label, help_ = HEADLINES[key]
        column.metric(label, f"{scores[key]:.3f}", help=help_)
        if key in evaluation["intervals"]:
            low, high = evaluation["intervals"][key]
            column.caption(f"95 %: {low:.3f} – {high:.3f}")


def show_classes(evaluation: dict) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        view = st.segmented_control(
            "Share", CONFUSION_VIEWS, default=CONFUSION_VIEWS[0], required=True, wrap=True,
            key="share", bind="query-params", label_visibility="collapsed",
        )  # fmt: skip
        figure = confusion_figure(evaluation["confusion"], evaluation["classes"], view)
        st.plotly_chart(figure, key="confusion", alt="Confusion matrix")
    with right:
        style = st.column_config.NumberColumn(format="%.3f")
        columns = {key: style for key in ("iou", "dice", "precision", "recall")}
        columns["support"] = st.column_config.NumberColumn("pixels", format="localized")
        st.dataframe(class_table(evaluation), hide_index=True, column_config=columns)
        st.caption(
            f"Expected calibration error {evaluation['calibration_error']:.3f}: the mean distance "
            "between how sure the model is and how often it is right."
        )
    left, right = st.columns(2, gap="large")
    left.plotly_chart(picture_histogram(evaluation), key="histogram", alt="Pictures by mean IoU")
    right.plotly_chart(
        reliability_figure(evaluation), key="reliability", alt="Accuracy by confidence"
    )


def show_pictures(run: Run, evaluation: dict) -> None:
    """Pictures with truth, prediction and errors, where their data is at hand."""
    st.subheader("Picture by picture", anchor=False)
    try:
        dataset = open_dataset(evaluation["data"])
    except UserError as error:
        st.info(f"The scores are stored, the pictures are not. {error}")
        return
    order = st.segmented_control(
        "Order", ORDERS, default="Worst", required=True, key="order", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    pictures = sorted(evaluation["per_picture"], key=lambda p: p["mean_iou"])
    if order == "Best":
        pictures.reverse()
    elif order == "Random":
        np.random.default_rng(0).shuffle(pictures)
    for row in pictures[:SHOWN]:
        show_picture(run, dataset, row)
    st.caption(
        "Picture, truth, prediction, errors: orange was missed, blue was added wrongly. "
        + dataset.credit
    )


def show_picture(run: Run, dataset, row: dict) -> None:
    name = row["name"]
    picture = Picture(name, f"{dataset.name}/{name}", lambda: dataset.load(name).image)
    segmented, _ = segment(run, picture)
    sample = dataset.load(name)
    foreground = 1 if run.is_binary else 0
    prediction = replace(segmented, image=sample.image).ids()
    tiles = (
        ("picture", sample.image),
        ("truth", blend(sample.image, sample.mask, run.classes, 0.6)),
        ("prediction", blend(sample.image, prediction, run.classes, 0.6)),
        ("errors", error_map(sample.image, sample.mask == foreground, prediction == foreground)),
    )
    st.markdown(f"**{name}** mean IoU {row['mean_iou']:.3f}")
    for column, (kind, tile) in zip(st.columns(4), tiles, strict=True):
        column.image(tile, width="stretch", alt=f"{name}, {kind}", output_format="JPEG")


def main() -> None:
    st.title("Can it be trusted?", anchor=False)
    runs = {run.name: run for run in all_runs() if run.evaluation}
    if not runs:
        st.info("No model has been evaluated yet; a training does it at its end.")
        return
    name = st.selectbox(
        "Model", runs, format_func=lambda n: runs[n].title, key="judged", bind="query-params"
    )
    run = runs[name]
    evaluation = run.evaluation
    st.caption(f"{run.config['description']} {score_line(run)}.")
    show_headlines(evaluation)
    show_classes(evaluation)
    show_pictures(run, evaluation)


main()
