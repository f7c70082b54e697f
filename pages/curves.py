"""Curves: is it learning?"""

import csv
import io

import streamlit as st

from unet_core.figures import METRICS, compared_curves
from unet_core.runs import ACTIVE, Run, all_runs


def choose(runs: dict[str, Run]) -> tuple[list[Run], dict]:
    """The runs and how to draw them."""
    chosen = st.multiselect(
        "Runs", runs, default=list(runs)[:3], format_func=lambda n: runs[n].title,
        key="curve-runs", bind="query-params",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.segmented_control(
            "Metric", METRICS, format_func=METRICS.get, default="mean_iou", required=True,
            key="metric", bind="query-params",
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


def draw(runs: list[Run], options: dict) -> None:
    st.plotly_chart(
        compared_curves(runs, **options), key="curves",
        alt=f"{METRICS[options['metric']]} of {len(runs)} runs",
    )  # fmt: skip


def run_table(runs: list[Run]) -> list[dict]:
    rows = []
    for run in runs:
        history = run.history
        evaluation = run.evaluation or {"scores": {}}
        rows.append(
            {
                "run": run.title,
                "state": run.status["state"],
                "epochs": len(history),
                "minutes": round(history[-1]["seconds"] / 60, 1) if history else None,
                "parameters": run.config.get("parameters"),
                "best validation mean IoU": max((r["val_mean_iou"] for r in history), default=None),
                "test mean IoU": evaluation["scores"].get("mean_iou"),
            }
        )
    return rows


def differences(runs: list[Run]) -> list[dict]:
    """The settings in which the runs differ, a row each."""
    settings = {run.title: run.config["training"] for run in runs}
    names = sorted({name for values in settings.values() for name in values})
    rows = [
        {"setting": name} | {title: str(values.get(name)) for title, values in settings.items()}
        for name in names
    ]
    return [row for row in rows if len(set(list(row.values())[1:])) > 1]


def as_csv(runs: list[Run]) -> str:
    """All histories below each other."""
    file = io.StringIO()
    rows = [{"run": run.name} | row for run in runs for row in run.history]
    writer = csv.DictWriter(file, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def main() -> None:
    st.title("Is it learning?", anchor=False)
    runs = {run.name: run for run in all_runs() if run.history}
    if not runs:
        st.info("No run has learned for an epoch yet; start one on the Train page.")
        return
    chosen, options = choose(runs)
    if not chosen:
        st.info("Choose a run.")
        return
    active = any(run.status["state"] in ACTIVE for run in chosen)
    st.fragment(draw, run_every=2.0 if active else None)(chosen, options)
    st.dataframe(run_table(chosen), hide_index=True)
    different = differences(chosen)
    if different:
        st.subheader("What differs in their settings", anchor=False)
        st.dataframe(different, hide_index=True)
    st.download_button(
        "Curves as CSV", lambda: as_csv(chosen), "curves.csv", "text/csv",
        icon=":material/table:", on_click="ignore",
    )  # fmt: skip


main()
