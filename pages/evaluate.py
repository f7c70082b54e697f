"""Evaluate: can it be trusted, and where does it fail?"""

import numpy as np
import streamlit as st

from pages.common import show_figure
from pages.evaluate_comparison import show_comparison
from pages.evaluate_confidence import show_confidence
from pages.evaluate_images import ALL, forget_page, show_images
from pages.evaluate_start import NEW_RESULT, show_start
from unet_core.figures.metrics import CONFUSION_VIEWS, confusion_figure, iou_histogram
from unet_core.jobs.evaluations import OWN, is_private, results
from unet_core.metrics.boundary import TOLERANCE, percent
from unet_core.metrics.confusion import class_metrics, image_metrics
from unet_core.store.runs import Run, all_runs

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
SCORES, CONFIDENCE, COMPARE, OTHER_DATA = VIEWS = "Scores", "Confidence", "Compare", "Other data"


def choose() -> tuple[Run, dict | None] | None:
    """The model and one of its results."""
    found = {run.name: run for run in all_runs() if run.can_predict or run.evaluation}
    if not found:
        return None
    left, right = st.columns(2)
    forget_unknown("judged", found)
    name = left.selectbox(
        "Model", found, format_func=lambda n: found[n].title, key="judged", bind="query-params"
    )
    run = found[name]
    shown = visible_results(run)
    if not shown:
        right.selectbox("Scored on", [], placeholder="Nothing yet", disabled=True)
        return run, None
    if (new := st.session_state.pop(NEW_RESULT, None)) in shown:
        st.session_state["scored"], st.session_state["look"] = new, SCORES
    forget_unknown("scored", shown)
    key = right.selectbox(
        "Scored on", shown, format_func=lambda k: result_name(shown[k], k == OWN),
        key="scored", bind="query-params",
    )  # fmt: skip
    return run, shown[key]


def visible_results(run: Run) -> dict[str, dict]:
    """All but other visitors' uploads, which only a link leads to."""
    mine = st.session_state.setdefault("uploaded", set())
    linked = st.query_params.get("scored")
    if linked in (found := results(run)) and is_private(found[linked]):
        mine.add(linked)
    return {name: r for name, r in found.items() if name in mine or not is_private(r)}


def forget_unknown(key: str, options) -> None:
    """A choice that is no longer on offer gives way to the default."""
    if key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]


def result_name(result: dict, own: bool) -> str:
    kind = "" if own else ", evaluated here"
    return f"{result['data_title']}: {result['images']:,} {result['split']} pictures{kind}"


def show_headlines(result: dict) -> None:
    scores = result["metrics"]
    tolerance = percent(result.get("boundary_tolerance", TOLERANCE))
    words = {"foreground": result["classes"][-1], "tolerance": tolerance}
    with st.grid(6, min_column_width=150):
        for key in (key for key in HEADLINES if key in scores):
            label, help_ = HEADLINES[key]
            interval = result["intervals"].get(key)
            with st.container(gap=None):
                value = f"{scores[key]:.3f}"
                st.metric(label.format(**words), value, help=help_.format(**words))
                if interval:
                    st.caption(f"95 %: {interval[0]:.3f} – {interval[1]:.3f}")


def show_scores(run: Run, result: dict) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        view = st.segmented_control(
            "Share", CONFUSION_VIEWS, default=CONFUSION_VIEWS[0], required=True, wrap=True,
            key="share", bind="query-params", label_visibility="collapsed",
        )  # fmt: skip
        show_figure(
            confusion_figure(result["confusion"], result["classes"], view), key="matrix",
            on_select=pick_cell, selection_mode="points", alt="Confusion matrix",
        )  # fmt: skip
    ious = image_ious(result)
    with right:
        names = list(ious)
        score = st.segmented_control(
            "Score of a picture", names, default=names[0], required=True, wrap=True,
            key="score", bind="query-params", label_visibility="collapsed",
        )  # fmt: skip
        show_figure(
            iou_histogram(ious[score], score), key="histogram", on_select=pick_bar,
            selection_mode="points", alt=f"Histogram of the pictures' {score}",
        )  # fmt: skip
    st.caption(
        ":material/touch_app: Click a cell of the matrix or a bar to see the pictures behind it, "
        "and once more to see all."
    )
    show_class_table(result)
    show_images(run, result, score, ious[score])


def image_ious(result: dict) -> dict[str, np.ndarray]:
    """Each image's mean IoU and IoU a class, by their names."""
    confusions = np.array([p["confusion"] for p in result["per_image"]], dtype=np.int64)
    found = image_metrics(confusions)
    columns = {f"IoU of {name}": found["iou"][:, i] for i, name in enumerate(result["classes"])}
    return {"mean IoU": found["mean_iou"], **columns}


def pick_cell() -> None:
    points = st.session_state["matrix"].selection.points
    look_behind(f"{points[0]['y']} as {points[0]['x']}" if points else ALL)


def pick_bar() -> None:
    points = st.session_state["histogram"].selection.points
    look_behind(f"IoU {points[0]['customdata']}" if points else ALL)


def look_behind(part: str) -> None:
    st.session_state["behind"] = part
    forget_page()


def show_class_table(result: dict) -> None:
    per_class = {k: v.tolist() for k, v in class_metrics(np.array(result["confusion"])).items()}
    outlines = result["per_class"].get("boundary_f1")
    if outlines:
        per_class[f"boundary F1 ({percent(result['boundary_tolerance'])})"] = outlines
    rows = [
        {"class": name} | {key: values[i] for key, values in per_class.items()}
        for i, name in enumerate(result["classes"])
    ]
    style = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        rows, hide_index=True, alt="Scores by class",
        column_config={
            **dict.fromkeys(rows[0], style),
            "class": st.column_config.TextColumn(),
            "iou": st.column_config.NumberColumn("IoU", format="%.3f"),
            "dice": st.column_config.NumberColumn("Dice", format="%.3f"),
            "support": st.column_config.NumberColumn("true pixels", format="localized"),
        },
    )  # fmt: skip


def main() -> None:
    st.title("Can it be trusted?", anchor=False)
    chosen = choose()
    if not chosen:
        st.info("No model has been evaluated yet; a training on the Train page does it at its end.")
        return
    run, result = chosen
    if not result:
        st.info(f"{run.title} has not been evaluated yet.")
        show_start(run)
        return
    st.caption(
        f"{run.config.get('description', '')} Scored on {result['images']:,} pictures of "
        f"{result['data_title']} ({result['split']} split), squashed to {result['resolution']} × "
        f"{result['resolution']} pixels, on {result['date'][:10]}."
    )
    for note in result.get("notes", []):
        st.caption(note)
    show_headlines(result)
    view = st.segmented_control(
        "View", VIEWS, default=SCORES, required=True, wrap=True,
        key="look", bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    if view == SCORES:
        show_scores(run, result)
    elif view == CONFIDENCE:
        show_confidence(result)
    elif view == COMPARE:
        show_comparison(run, result)
    else:
        show_start(run)


main()
