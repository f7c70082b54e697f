"""One run on the Train page: its state, how far it is, what it has learned."""

from collections.abc import Callable
from datetime import datetime, timezone

import streamlit as st

from pages.shared.texts import duration, metrics_line
from pages.shared.widgets import go_to, kept, show_plain_figure
from unet_core.data.io import open_image
from unet_core.errors import UserError
from unet_core.figures.curves import METRICS, learning_curves
from unet_core.jobs import trainings
from unet_core.jobs.protocol import failure, log_tail
from unet_core.metrics.confusion import beats_trivial
from unet_core.store.files import read_file
from unet_core.store.job import ACTIVE
from unet_core.store.runs import MONITOR, Run

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


def show_run(run: Run) -> None:
    status = run.status
    show_state(run, status)
    if status["state"] != "done":  # then the metrics on the test images are what counts
        show_numbers(run, status)
    show_learning(run)
    start = run.config.get("starting_weights")
    if start:
        st.caption(f":material/flag: The encoder started from {start['origin']}.")
    with st.expander("Log and settings", expanded=status["state"] == "failed"):
        st.code(log_tail(run) or "No output yet.", language=None, height=220)
        st.json(run.config["training"], expanded=False)


def show_state(run: Run, status: dict) -> None:
    """The state in words with what can be done now, and the progress over the whole run."""
    words, color = STATES[status["state"]]
    evaluation = run.evaluation if status["state"] == "done" else None
    useful = beats_trivial(evaluation["confusion"]) if evaluation else False
    if status["state"] == "done" and not useful:  # the green tick is for what beats no model at all
        words, color = NOT_USEFUL
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":{color}-badge[{words}] {describe(run, status)}", width="stretch")
        show_actions(run, status["state"])
    if status["state"] in ("running", "stopping"):
        left = status.get("seconds_left")
        text = f"Epoch {status.get('epoch', 1)} of {run.config['training']['epochs']}"
        label = f"about {duration(left)} left" if left is not None else "getting ready"
        st.progress(part_done(status), f"{text}, {label}")
    if status["state"] == "failed":
        st.error(failure(run), icon=":material/error:")
    if useful:
        st.success(metrics_line(run), icon=":material/verified:")
    elif status["state"] == "done":
        advice = NOT_USEFUL_ADVICE if evaluation else ""
        st.warning(f"{metrics_line(run)}. {advice}", icon=":material/trending_flat:")


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
        names = [waiting.name for waiting in trainings.waiting()]
        return f"Number {names.index(run.name) + 1} in line" if run.name in names else ""
    if status["state"] in ("running", "stopping"):
        return ": ".join(part for part in (status.get("phase"), message) if part)
    return message if status["state"] == "stopped" else ""


def show_actions(run: Run, state: str) -> None:
    """A button for each thing that has a meaning now."""
    if state == "queued":
        act("Cancel", ":material/close:", trainings.stop, run)
    if state == "running":
        act("Stop", ":material/stop:", trainings.stop, run)
    if state == "stopping":
        act("End now", ":material/cancel:", trainings.end, run)
    if state in ("failed", "stopped", "created"):
        label = "Start" if state == "created" else "Resume"
        act(label, ":material/resume:", trainings.start, run)
    if state not in ACTIVE and run.can_predict:
        if st.button("Evaluate", icon=":material/fact_check:"):
            go_to("evaluate", judged=run.name)
        if st.button("Segment with it", icon=":material/pets:", type="primary"):
            go_to("segment", model=run.name)


def act(label: str, icon: str, action: Callable[[Run], object], run: Run) -> None:
    """A button that does ``action`` to the run."""
    if st.button(label, icon=icon, key=f"act-{label}"):
        try:
            action(run)
        except (UserError, OSError) as error:
            st.error(str(error))
        else:
            st.rerun()


def show_numbers(run: Run, status: dict) -> None:
    """The newest numbers; metrics are those of the validation images."""
    latest = (run.history or [{}])[-1]
    with st.container(horizontal=True, gap="medium"):
        for label, value, style in (
            ("Validation mean IoU", latest.get(MONITOR), ".3f"),
            ("Validation accuracy", latest.get("val_accuracy"), ".3f"),
            ("Learning rate", latest.get("learning_rate"), ".1e"),
            ("Pictures a second", status.get("images_per_second"), ".0f"),
        ):
            text = "–" if value is None else format(value, style)
            st.metric(label, text, width="content")


def show_learning(run: Run) -> None:
    """Curves and sample predictions."""
    for column, metric in zip(st.columns(2), ("loss", "mean_iou"), strict=True):
        with column:
            figure = learning_curves(run, metric)
            show_plain_figure(figure, f"curve-{metric}", f"{METRICS[metric]} by epoch")
    strips = sorted((run.path / "samples").glob("epoch-*.png"))
    if not strips:
        return
    number = choose_strip(run, len(strips)) if len(strips) > 1 else 1
    path = strips[number - 1]
    alt = f"Validation pictures, truth and prediction after epoch {number}"
    try:
        st.image(open_image(read_file(path) or b"", path.name), width="stretch", alt=alt)
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
    return st.slider("Predictions after epoch", 1, count, **kept(key))
