"""Train: start a run, watch it learn, keep what it learned."""

from datetime import datetime, timezone

import streamlit as st

from pages.common import duration, score_line
from pages.train_settings import new_run_form
from unet_core.data.io import open_image
from unet_core.errors import UserError
from unet_core.figures.curves import METRICS, learning_curves
from unet_core.jobs import housekeeping
from unet_core.jobs import trainings as jobs
from unet_core.jobs.protocol import failure, log_tail
from unet_core.metrics.confusion import beats_trivial
from unet_core.store.files import read_file
from unet_core.store.job import ACTIVE
from unet_core.store.runs import MONITOR, Run, damaged_runs, user_runs

REFUSED = "refused"  # in the session: why what was asked for could not be done
STATES = {
    "created": (":material/draft: Not started", "gray"),
    "queued": (":material/hourglass: Waiting for its turn", "blue"),
    "running": (":material/play_circle: Running", "green"),
    "stopping": (":material/stop_circle: Stopping", "orange"),
    "stopped": (":material/pause_circle: Stopped", "orange"),
    "failed": (":material/error: Failed", "red"),
    "done": (":material/check_circle: Done", "green"),
}
NOT_USEFUL = (":material/trending_flat: Done, not proved useful", "orange")
NOT_USEFUL_ADVICE = (
    "That is no better than calling every pixel by the most frequent class: it has not learned "
    "enough. Train it with more pictures or more epochs."
)


def show_state(run: Run, status: dict) -> None:
    """The state in words with what can be done now, and the progress over the whole run."""
    words, color = STATES[status["state"]]
    evaluation = run.evaluation if status["state"] == "done" else None
    useful = bool(evaluation) and beats_trivial(evaluation["confusion"])
    if status["state"] == "done" and not useful:  # the green tick is for what beats no model at all
        words, color = NOT_USEFUL
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":{color}-badge[{words}] {describe(run, status)}", width="stretch")
        show_actions(run, status)
    if status["state"] in ("running", "stopping"):
        left = status.get("seconds_left")
        text = f"Epoch {status.get('epoch', 1)} of {run.config['training']['epochs']}"
        label = f"about {duration(left)} left" if left is not None else "getting ready"
        st.progress(part_done(status), f"{text}, {label}")
    if status["state"] == "failed":
        st.error(failure(run), icon=":material/error:")
    if useful:
        st.success(score_line(run), icon=":material/verified:")
    elif status["state"] == "done":
        advice = NOT_USEFUL_ADVICE if evaluation else ""
        st.warning(f"{score_line(run)}. {advice}", icon=":material/trending_flat:")


def part_done(status: dict) -> float:
    """Part of the whole time that is over: preparing, learning, exporting, evaluating."""
    left = status.get("seconds_left")
    if left is None or "started" not in status:
        return 0.0
    gone = (datetime.now(timezone.utc) - datetime.fromisoformat(status["started"])).total_seconds()
    return min(max(gone / (gone + left + 1), 0.0), 1.0)


def describe(run: Run, status: dict) -> str:
    """What goes on now, beside the state's badge."""
    message = status.get("message") or ""
    if status["state"] == "queued":
        names = [waiting.name for waiting in jobs.waiting()]
        return f"Number {names.index(run.name) + 1} in line" if run.name in names else ""
    if status["state"] in ("running", "stopping"):
        return ": ".join(part for part in (status.get("phase"), message) if part)
    return message if status["state"] == "stopped" else ""


def show_numbers(run: Run, status: dict) -> None:
    """The newest numbers; scores are those of the validation images."""
    latest = (run.history or [{}])[-1]
    with st.container(horizontal=True, gap="medium"):
        for label, value, style in (
            ("Validation mean IoU", latest.get(MONITOR), ".3f"),
            ("Validation accuracy", latest.get("val_accuracy"), ".1%"),
            ("Learning rate", latest.get("learning_rate"), ".1e"),
            ("Pictures a second", status.get("images_per_second"), ".0f"),
        ):
            text = "–" if value is None else format(value, style)
            st.metric(label, text, width="content")


def show_actions(run: Run, status: dict) -> None:
    """A button for each thing that has a meaning now."""
    state = status["state"]
    if state == "queued":
        act("Cancel", ":material/close:", jobs.stop, run)
    if state == "running":
        act("Stop", ":material/stop:", jobs.stop, run)
    if state == "stopping":
        act("End now", ":material/cancel:", jobs.end, run)
    if state in ("failed", "stopped", "created"):
        label = "Start" if state == "created" else "Resume"
        act(label, ":material/resume:", jobs.start, run)
    if state not in ACTIVE and run.can_predict:
        if st.button("Evaluate", icon=":material/fact_check:"):
            st.session_state["judged"] = run.name
            st.switch_page("pages/evaluate.py")
        if st.button("Segment with it", icon=":material/pets:", type="primary"):
            st.session_state["model"] = run.name
            st.switch_page("pages/segment.py")


def act(label: str, icon: str, action, run: Run) -> None:
    """A button that does ``action`` to the run."""
    if st.button(label, icon=icon, key=f"act-{label}"):
        try:
            action(run)
        except (UserError, OSError) as error:
            st.error(str(error))
        else:
            st.rerun()


def show_learning(run: Run) -> None:
    """Curves and sample predictions."""
    for column, metric in zip(st.columns(2), ("loss", "mean_iou"), strict=True):
        column.plotly_chart(
            learning_curves(run, metric), key=f"curve-{metric}",
            config={"displayModeBar": False}, alt=f"{METRICS[metric]} by epoch",
        )  # fmt: skip
    strips = sorted((run.path / "samples").glob("epoch-*.png"))
    if not strips:
        return
    number = choose_strip(run, len(strips)) if len(strips) > 1 else 1
    try:
        st.image(
            open_image(read_file(strips[number - 1]) or b"", strips[number - 1].name),
            width="stretch", alt=f"Validation pictures, truth and prediction after epoch {number}",
        )  # fmt: skip
    except UserError as error:
        st.caption(f":material/broken_image: {error}")
        return
    credit = run.config.get("data_credit", "")
    st.caption(
        f"Rows: validation pictures, their truth, the prediction after epoch {number}. {credit}"
    )


def choose_strip(run: Run, count: int) -> int:
    """The epoch whose predictions are shown: the newest, until somebody looks at an older one."""
    key, shown = f"strip-{run.name}", f"strips-{run.name}"
    if st.session_state.get(key, 0) >= st.session_state.get(shown, 0):
        st.session_state[key] = count
    st.session_state[shown] = count
    return st.slider("Predictions after epoch", 1, count, key=key)


def show_run(run: Run) -> None:
    status = run.status
    show_state(run, status)
    if status["state"] != "done":  # then the score on the test images is what counts
        show_numbers(run, status)
    show_learning(run)
    start = run.config.get("starting_weights")
    if start:
        st.caption(f":material/flag: The encoder started from {start['origin']}.")
    with st.expander("Log and settings", expanded=status["state"] == "failed"):
        st.code(log_tail(run) or "No output yet.", language=None, height=220)
        st.json(run.config["training"], expanded=False)


def manage(run: Run) -> None:
    """Name, pin, download and delete."""
    title, pinned = f"title-{run.name}", f"pinned-{run.name}"
    # What another visitor changed is shown, not overwritten.
    st.session_state[title], st.session_state[pinned] = run.title, run.is_pinned
    with st.popover("Manage", icon=":material/settings:"):
        st.text_input(
            "Name", key=title,
            on_change=lambda: change(lambda: housekeeping.rename(run, st.session_state[title])),
        )  # fmt: skip
        st.toggle(
            "Keep when old runs are removed", key=pinned,
            on_change=lambda: change(lambda: housekeeping.pin(run, st.session_state[pinned])),
        )  # fmt: skip
        st.download_button(
            "Download (zip)", lambda: housekeeping.archive(run), f"{run.name}.zip",
            mime="application/zip", icon=":material/folder_zip:", on_click="ignore",
        )  # fmt: skip
        if message := st.session_state.pop(REFUSED, ""):
            st.error(message)
        offer_delete(run)


def change(action) -> None:
    """Do what a widget asks for; what cannot be done is said when the page is drawn again."""
    try:
        action()
    except (UserError, OSError) as error:
        st.session_state[REFUSED] = str(error)


def offer_delete(run: Run) -> None:
    if st.button("Delete", icon=":material/delete:", key=f"delete-{run.name}"):
        try:
            housekeeping.delete(run)
        except (UserError, OSError) as error:
            st.error(str(error))
        else:
            st.session_state.pop("run", None)
            st.rerun()


def show_damaged() -> None:
    """Runs of which nothing can be shown, so that they can be deleted."""
    for run in damaged_runs():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(
                f"The run {run.name} is damaged: its config.json cannot be read.",
                icon=":material/broken_image:",
            )
            offer_delete(run)


def show_list(runs: dict[str, Run]) -> None:
    """All runs in a table; a click on a row shows that run."""

    def show_chosen() -> None:
        rows = st.session_state["run-list"]["selection"]["rows"]
        if rows:
            st.session_state["run"] = list(runs)[rows[0]]

    with st.expander(f"All runs ({len(runs)})"):
        st.dataframe(
            [row(run) for run in runs.values()], hide_index=True, key="run-list",
            on_select=show_chosen, selection_mode="single-row",
            column_config={
                "test mean IoU": st.column_config.NumberColumn(format="%.3f"),
                "started": st.column_config.DatetimeColumn(format="distance"),
            },
        )  # fmt: skip


def row(run: Run) -> dict:
    scores = (run.evaluation or {}).get("metrics", {})
    return {
        "run": run.title,
        "state": STATES[run.status["state"]][0].partition(" ")[2],
        "test mean IoU": scores.get("mean_iou"),
        "started": run.config.get("created"),
        "kept": run.is_pinned,
    }


def states() -> dict[str, str]:
    return {run.name: run.status["state"] for run in user_runs()}


def watch(name: str, drawn_states: dict[str, str]) -> None:
    """The live part; the whole page is drawn again when a run changes its state."""
    try:
        jobs.advance()
    except OSError as error:
        st.error(f"The folder of runs cannot be written: {error.strerror}.")
    runs = {run.name: run for run in user_runs()}
    if states() != drawn_states:
        st.rerun()
    if name in runs:
        show_run(runs[name])


def main() -> None:
    st.title("Train a U-Net and watch it learn", anchor=False)
    left, right = st.columns([1, 2.2], gap="large")
    with left, st.container(border=True):
        new_run_form()
    runs = {run.name: run for run in user_runs()}
    with right:
        if not runs:
            st.info("No run yet. Press Start: the defaults are a short run to a useful model.")
            show_damaged()
            return
        labels = {name: run.title for name, run in runs.items()}
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.selectbox(
                "Run", labels, format_func=labels.get, key="run", bind="query-params"
            )
            manage(runs[name])
        drawn_states = states()
        active = any(state in ACTIVE for state in drawn_states.values())
        st.fragment(watch, run_every=1.0 if active else None)(name, drawn_states)
        show_list(runs)
        show_damaged()


main()
