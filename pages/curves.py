"""Curves: is it learning?"""

import csv
import io

import streamlit as st

from pages.common import show_figure
from unet_core.figures.curves import compared_curves, metric_title, metrics_of
from unet_core.store.job import ACTIVE
from unet_core.store.runs import MONITOR, Run, all_runs, best_epoch


def choose(runs: dict[str, Run]) -> tuple[list[Run], dict]:
    """The runs and how to draw them."""
    chosen = st.multiselect(
        "Runs", runs, default=list(runs)[:3], format_func=lambda n: runs[n].title,
        key="curve-runs", bind="query-params",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.segmented_control(
            "Metric", metrics_of(list(runs.values())), format_func=metric_title,
            default="mean_iou", required=True, wrap=True, key="metric", bind="query-params",
        )  # fmt: skip
        axis = st.segmented_control(
            "Along", ("Epochs", "Time"), default="Epochs", required=True,
            key="axis", bind="query-params",
        )  # fmt: skip
        smoothing = st.slider(
            "Smoothing", 0.0, 0.95, 0.0, 0.05, key="smoothing", bind="query-params", width=180
        )
        logarithmic = st.toggle("Log scale", key="log", bind="query-params")
    options = {
        "metric": metric, "by_time": axis == "Time", "smoothing": smoothing,
        "logarithmic": logarithmic,
    }  # fmt: skip
    return [runs[name] for name in chosen], options


def show(runs: list[Run], options: dict, was_active: bool) -> None:
    """Curves and table, drawn again and again while a run is at work."""
    show_figure(
        compared_curves(runs, **options), key="curves",
        alt=f"{metric_title(options['metric'])} of {len(runs)} runs",
    )  # fmt: skip
    score = st.column_config.NumberColumn(format="%.4f")
    st.dataframe(
        [table_row(run) for run in runs], hide_index=True, alt="The runs",
        column_config={
            "parameters": st.column_config.NumberColumn(format="localized"),
            "minutes": st.column_config.NumberColumn(format="%.1f"),
            "validation mean IoU": score,
            "test mean IoU": score,
        },
    )  # fmt: skip
    if was_active and not any_active(runs):
        st.rerun()  # the page settles


def any_active(runs: list[Run]) -> bool:
    return any(run.status["state"] in ACTIVE for run in runs)


def table_row(run: Run) -> dict:
    history = run.history
    position = best_epoch(history)
    best = {} if position is None else history[position]
    scores = (run.evaluation or {"metrics": {}})["metrics"]
    return {
        "run": run.title,
        "state": run.status["state"],
        "epochs": len(history),
        "minutes": history[-1]["seconds"] / 60 if history else None,
        "parameters": run.config.get("parameters"),
        "best epoch": best.get("epoch"),
        "validation mean IoU": best.get(MONITOR),
        "test mean IoU": scores.get("mean_iou"),
    }


def differences(runs: list[Run]) -> list[dict]:
    """The settings in which the runs differ, a row each; "–" where a run does not have one."""
    settings = {run.title: run.config["training"] for run in runs}
    names = sorted({name for values in settings.values() for name in values})
    rows = [
        {"setting": name.replace("_", " ")}
        | {title: str(values.get(name, "–")) for title, values in settings.items()}
        for name in names
    ]
    return [row for row in rows if len(set(list(row.values())[1:])) > 1]


def as_csv(runs: list[Run]) -> str:
    """All histories below each other."""
    file = io.StringIO()
    rows = [{"run": run.name} | row for run in runs for row in run.history]
    names = dict.fromkeys(name for row in rows for name in row)  # of all runs, in order
    writer = csv.DictWriter(file, names)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def main() -> None:
    st.title("Is it learning?", anchor=False)
    runs = {run.name: run for run in all_runs() if run.steps or run.history}
    if not runs:
        st.info("No run has begun to learn yet; start one on the Train page.")
        return
    chosen, options = choose(runs)
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
        "Curves as CSV", lambda: as_csv(chosen), "curves.csv", "text/csv",
        icon=":material/table:", on_click="ignore",
        help="The camera at the figure's upper right saves it as an image.",
    )  # fmt: skip


main()
