"""Curves: is it learning?"""

import streamlit as st

from pages.curves.tables import as_csv, differences, run_row
from pages.shared.widgets import (
    beside,
    choose_several,
    decimals,
    forget_unknown,
    linked,
    show_figure,
)
from unet_core.figures.curves import compared_curves, metric_title, metrics_of
from unet_core.store.job import ACTIVE
from unet_core.store.runs import Run, all_runs

COLUMNS = {
    "parameters": decimals("localized"),
    "minutes": decimals("%.1f"),
    "validation mean IoU": decimals("%.3f"),
    "test mean IoU": decimals("%.3f"),
}


def main() -> None:
    st.title("Is it learning?", anchor=False)
    runs = {run.name: run for run in all_runs() if run.steps or run.history}
    if not runs:
        st.info("No run has begun to learn yet; start one on the Train page.")
        return
    result, controls = beside((3, 1))
    with controls:
        chosen = choose(runs)
        options = choose_look(chosen)
    with result:
        if not chosen:
            st.info("Choose a run.")
            return
        active = any_active(chosen)
        st.fragment(show, run_every=2.0 if active else None)(chosen, options, active)
    different = differences(chosen)
    if different:
        st.subheader("What differs in their settings", anchor=False)
        st.dataframe(different, hide_index=True, alt="Settings that differ")
    st.download_button(
        "Curves as CSV",
        lambda: as_csv(chosen),
        file_name="curves.csv",
        mime="text/csv",
        icon=":material/table:",
        on_click="ignore",
        help="The camera at the figure's upper right saves it as an image.",
    )


def choose(runs: dict[str, Run]) -> list[Run]:
    titles = {name: run.title for name, run in runs.items()}
    chosen = choose_several("Runs", titles, "curve-runs", first=list(titles)[:3])
    return [runs[name] for name in chosen]


def choose_look(runs: list[Run]) -> dict:
    """How to draw the runs; of metrics, what one of them has measured."""
    metrics = metrics_of(runs)
    forget_unknown("metric", metrics)
    metric = st.segmented_control(
        "Metric",
        metrics,
        format_func=metric_title,
        default="mean_iou",
        required=True,
        wrap=True,
        **linked("metric"),
    )
    axes, key = ("Epochs", "Time"), linked("axis")
    axis = st.segmented_control("Along", axes, default="Epochs", required=True, **key)
    smoothing = st.slider("Smoothing", 0.0, 0.95, 0.0, 0.05, **linked("smoothing"))
    logarithmic = st.toggle("Log scale", **linked("log"))
    options = {"metric": metric, "by_time": axis == "Time"}
    options |= {"smoothing": smoothing, "logarithmic": logarithmic}
    return options


def show(runs: list[Run], options: dict, was_active: bool) -> None:
    """Curves and table, drawn again and again while a run is at work."""
    alt = f"{metric_title(options['metric'])} of {len(runs)} runs"
    show_figure(compared_curves(runs, **options), "curves", alt)
    without = [run.title for run in runs if options["metric"] not in metrics_of([run])]
    if without:
        st.caption(f"Not measured in {', '.join(without)}.")
    rows = [run_row(run) for run in runs]
    st.dataframe(rows, hide_index=True, alt="The runs", column_config=COLUMNS)
    if was_active and not any_active(runs):
        st.rerun()  # the page settles


def any_active(runs: list[Run]) -> bool:
    return any(run.status["state"] in ACTIVE for run in runs)


main()
