"""The most important metrics of a result, in large digits."""

import streamlit as st

from pages.shared.widgets import grid
from unet_core.metrics.boundary import TOLERANCE, percent

HEADLINES = {
    "pixel_accuracy": ("Pixel accuracy", "Part of the pixels with the right class"),
    "mean_iou": ("Mean IoU", "Intersection over union, mean of the classes that the masks have"),
    "mean_dice": ("Mean Dice", "Dice coefficient, mean of the classes that the masks have"),
    "foreground_iou": ("IoU of {foreground}", "Intersection over union of that class alone"),
    "foreground_dice": ("Dice of {foreground}", "Dice coefficient of that class alone"),
    "pet_iou": (
        "Pet IoU, border ignored",
        "Pet against the rest; pixels whose truth is border are left out",
    ),
    "pet_or_border_iou": (
        "Pet IoU, border is pet",
        "Pet and border together against the background",
    ),
    "boundary_f1": (
        "Boundary F1 ({tolerance})",
        "F1 of the outlines, met where the other passes nearer than {tolerance} of the diagonal; "
        "mean of each picture's classes, then of the pictures. The frame is no outline.",
    ),
    "boundary_f": (  # in results of earlier versions
        "Boundary F (2 %)",
        "As earlier versions scored: one class, met within 2 % of the diagonal, the frame an "
        "outline. Not to be compared with boundary F1; evaluate again to get that.",
    ),
}


def show_headlines(result: dict) -> None:
    metrics = result["metrics"]
    tolerance = percent(result.get("boundary_tolerance", TOLERANCE))
    words = {"foreground": result["classes"][-1], "tolerance": tolerance}
    with grid(6, 150):
        for key in (key for key in HEADLINES if key in metrics):
            label, meaning = (text.format(**words) for text in HEADLINES[key])
            interval = result["intervals"].get(key)
            with st.container(gap=None):
                st.metric(label, f"{metrics[key]:.3f}", help=meaning)
                if interval:
                    st.caption(f"95 %: {interval[0]:.3f} – {interval[1]:.3f}")
