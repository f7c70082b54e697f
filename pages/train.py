"""Train: start a run, watch it learn, keep what it learned."""

from pathlib import Path

import streamlit as st

from pages.common import duration, score_line
from unet_core import estimate, jobs, limits
from unet_core.catalogue import CATALOGUE
from unet_core.config import AUGMENTATIONS, ENCODERS, LOSSES, OPTIMIZERS, TrainingConfig
from unet_core.data import DATASETS, data_folder, open_dataset
from unet_core.errors import UserError
from unet_core.figures import METRICS, learning_curves
from unet_core.runs import ACTIVE, Run, user_runs
from unet_core.training_process import new_run

STATES = {
    "created": (":material/draft: Not started", "gray"),
    "queued": (":material/hourglass: Waiting for its turn", "blue"),
    "running": (":material/play_circle: Running", "green"),
    "stopping": (":material/stop_circle: Stopping", "orange"),
    "stopped": (":material/pause_circle: Stopped", "orange"),
    "failed": (":material/error: Failed", "red"),
    "done": (":material/check_circle: Done", "green"),
}
ENCODER_WORDS = {
    "frozen": "frozen: only the decoder learns",
    "late": "late blocks learn too, slowly",
    "tuned": "all of it learns, slowly",
}


def data_titles() -> dict[str, str]:
    """Data sets that are there, drawn pets first."""
    titles = {}
    for name in sorted(DATASETS, key=lambda n: n != "drawn"):
        try:
            titles[name] = open_dataset(name).title
        except UserError:
            continue
    return titles


def offer_pets() -> None:
    """Real pets, for a machine that does not have them."""
    target = data_folder() / "pets"
    progress = jobs.download_progress(target)
    if progress and progress["running"]:
        st.fragment(show_download, run_every=1.0)(target)
        return
    with st.popover("Get real pets", icon=":material/download:"):
        st.caption(
            "The Oxford-IIIT Pet data set, CC BY-SA 4.0: the annotations and as many of the 7,390 "
            "pictures as you want, from the official address. About 0.1 MB a picture."
        )
        pictures = st.slider("Pictures to get", 100, 7390, 500, 10)
        if st.button("Download", icon=":material/download:"):
            jobs.start_download(target, pictures)
            st.rerun()
    if progress and progress["error"]:
        st.error(progress["error"])


def show_download(target: Path) -> None:
    progress = jobs.download_progress(target)
    if not progress["running"]:
        st.rerun()
    part = progress["done"] / max(progress["total"], 1)
    st.progress(min(part, 1.0), f"Getting pets: {progress['done']:,} of {progress['total']:,}")


def choose_settings(host: limits.Limits) -> TrainingConfig:
    """Basic choices first, the rest in an expander; every default works."""
    default = TrainingConfig()
    titles = data_titles()
    data = st.selectbox("Data", titles, format_func=titles.get, key="train-data")
    if "pets" not in titles:
        offer_pets()
    total = len(open_dataset(data).splits["trainval"])
    most = min(total, host.pictures or total)
    model = st.selectbox("Model", CATALOGUE, key="train-model")
    st.caption(f"{CATALOGUE[model].title}, {CATALOGUE[model].parameters:,} parameters")
    left, right = st.columns(2)
    pictures = left.number_input(
        "Pictures", 10, most, min(default.pictures, most), 10, key=f"pictures-{data}"
    )
    size = right.selectbox("Pixels a side", (64, 96, 128, 160, 192, 256), index=2)
    epochs = st.slider("Epochs", 1, host.epochs or 60, min(default.epochs, host.epochs or 60))
    config = default.changed(data=data, model=model, pictures=pictures, size=size, epochs=epochs)
    with st.expander("More settings"):
        return choose_details(config)


def choose_details(config: TrainingConfig) -> TrainingConfig:
    encoder = st.selectbox("Encoder", ENCODERS, format_func=ENCODER_WORDS.get)
    st.caption(
        "The encoder starts from ImageNet weights when the machine is online, otherwise from the "
        "shipped model's encoder, which has seen pets: then it does not learn from scratch."
    )
    left, right = st.columns(2)
    loss = left.selectbox("Loss", LOSSES, index=LOSSES.index(config.loss))
    optimizer = right.selectbox("Optimizer", OPTIMIZERS, index=OPTIMIZERS.index(config.optimizer))
    rate = left.number_input("Learning rate", 1e-6, 1.0, config.learning_rate, 1e-4, format="%.5f")
    batch = right.number_input("Batch size", 1, 64, config.batch_size)
    augmentation = left.selectbox(
        "Augmentation", AUGMENTATIONS, index=AUGMENTATIONS.index(config.augmentation),
        help="full: random flip, scale, crop and colour, anew for each picture and epoch; "
        "strong: windows of other pictures too",
    )  # fmt: skip
    patience = right.number_input(
        "Early stopping", 0, 50, 0, help="epochs without progress before it stops; 0: never"
    )
    seed = left.number_input("Seed", 0, 10**6, 0)
    return config.changed(
        encoder=encoder, loss=loss, optimizer=optimizer, learning_rate=rate, batch_size=batch,
        augmentation=augmentation, early_stopping=patience, seed=seed,
    )  # fmt: skip


def show_estimate(config: TrainingConfig) -> None:
    needed, free = estimate.memory(config), estimate.free_memory()
    seconds = estimate.seconds(config, prediction_seconds())
    st.caption(
        f":material/schedule: About {duration(seconds)} on this machine, "
        f"{needed / 1e9:.1f} GB of memory"
    )
    if free is not None and needed > free:
        st.warning(
            f"Only {free / 1e9:.1f} GB of memory are free here. Choose smaller pictures or a "
            "smaller batch.",
            icon=":material/memory:",
        )


@st.cache_data(ttl=600, show_spinner=False)
def prediction_seconds() -> float:
    return estimate.prediction_seconds()


def new_run_form() -> None:
    try:
        host = limits.from_environment()
        if not host.training:
            st.info("Training is switched off on this host. Run the app on your own machine.")
            return
        config = host.apply(choose_settings(host))
        show_estimate(config)
        if st.button("Start", type="primary", icon=":material/play_arrow:", width="stretch"):
            run = new_run(config)
            jobs.prune(host.runs)
            jobs.start(run)
            st.session_state["run"] = run.name
            st.rerun()
    except UserError as error:
        st.error(str(error))


def show_state(run: Run, status: dict) -> None:
    """The state in words, the progress over the whole run, the numbers of the moment."""
    words, color = STATES[status["state"]]
    text = status.get("phase", "")
    if status.get("message") and status["state"] != "failed":
        text += f": {status['message']}"
    st.markdown(f":{color}-badge[{words}] {text if status['state'] in ACTIVE else ''}")
    if status["state"] in ACTIVE:
        done = status.get("step", 0) / max(status.get("steps", 0), 1)
        left = status.get("seconds_left")
        label = f"about {duration(left)} left" if left is not None else "getting ready"
        epoch = f"epoch {status.get('epoch', 1)} of {run.config['training']['epochs']}, "
        st.progress(min(done, 1.0), epoch + label)
    if status["state"] == "failed":
        st.error(jobs.failure(run), icon=":material/error:")
    history = run.history
    latest = history[-1] if history else {}
    columns = st.columns(4)
    for column, label, value in (
        (columns[0], "Mean IoU", _number(latest.get("val_mean_iou"), ".3f")),
        (columns[1], "Accuracy", _number(latest.get("val_accuracy"), ".1%")),
        (columns[2], "Rate", _number(latest.get("learning_rate"), ".1e")),
        (columns[3], "Pictures / s", _number(status.get("pictures_per_second"), ".0f")),
    ):
        column.metric(label, value)


def _number(value: float | None, style: str) -> str:
    return "–" if value is None else format(value, style)


def show_actions(run: Run, status: dict) -> None:
    """What can be done with the run now; each button only when it has a meaning."""
    ended = status["state"] not in ACTIVE
    with st.container(horizontal=True):
        if (
            not ended
            and not (run.path / "stop").exists()
            and st.button("Stop", icon=":material/stop:", key="stop")
        ):
            jobs.stop(run)
            st.rerun()
        if status["state"] in ("created", "failed", "stopped") and st.button(
            "Resume", icon=":material/resume:", key="resume"
        ):
            jobs.start(run)
            st.rerun()
        if (
            ended
            and run.can_predict
            and st.button("Segment with it", icon=":material/pets:", key="use", type="primary")
        ):
            st.session_state["model"] = run.name
            st.switch_page("pages/segment.py")


def show_learning(run: Run) -> None:
    """Curves and sample predictions."""
    for column, metric in zip(st.columns(2), ("loss", "mean_iou"), strict=True):
        column.plotly_chart(
            learning_curves(run, metric), key=f"curve-{metric}",
            config={"displayModeBar": False}, alt=f"{METRICS[metric]} by epoch",
        )  # fmt: skip
    strips = sorted((run.path / "samples").glob("epoch-*.png"))
    if strips:
        number = len(strips)
        if number > 1:
            number = st.slider("Epoch of the predictions", 1, number, number, key=f"strip-{number}")
        st.image(
            str(strips[number - 1]), width="stretch",
            alt=f"Validation pictures, truth and prediction after epoch {number}",
        )  # fmt: skip
        st.caption(
            "Rows: validation pictures, their truth, the prediction after this epoch. "
            + run.config.get("data_credit", "")
        )


def show_run(run: Run) -> None:
    status = run.status
    show_state(run, status)
    show_actions(run, status)
    if status["state"] == "done":
        st.success(score_line(run), icon=":material/verified:")
    show_learning(run)
    with st.expander("Log and settings"):
        st.code(jobs.log_tail(run) or "No output yet.", language=None, height=220)
        st.json(run.config["training"], expanded=False)


def manage(run: Run) -> None:
    """Name, pin, download and delete."""
    with st.popover("Manage", icon=":material/settings:"):
        title = st.text_input("Name", run.title, key=f"title-{run.name}")
        if title != run.title:
            jobs.rename(run, title)
            st.rerun()
        pinned = st.toggle("Keep when old runs are removed", run.is_pinned, key=f"pin-{run.name}")
        jobs.pin(run, pinned)
        st.download_button(
            "Download (zip)", lambda: jobs.archive(run), f"{run.name}.zip", "application/zip",
            icon=":material/folder_zip:", on_click="ignore",
        )  # fmt: skip
        if st.button("Delete", icon=":material/delete:", key=f"delete-{run.name}"):
            try:
                jobs.delete(run)
            except UserError as error:
                st.error(str(error))
            else:
                st.session_state.pop("run", None)
                st.rerun()


def watch(name: str, was_active: bool) -> None:
    """The live part; when no run is in work any more the page settles."""
    jobs.advance()
    runs = {run.name: run for run in user_runs()}
    if name in runs:
        show_run(runs[name])
    if was_active and not any(run.status["state"] in ACTIVE for run in runs.values()):
        st.rerun()


def main() -> None:
    st.title("Train a U-Net and watch it learn", anchor=False)
    left, right = st.columns([1, 2.2], gap="large")
    with left, st.container(border=True):
        new_run_form()
    runs = {run.name: run for run in user_runs()}
    with right:
        if not runs:
            st.info("No run yet. Press Start: the defaults take about two minutes.")
            return
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.selectbox(
                "Run", runs, format_func=lambda n: f"{runs[n].title} ({n[-15:]})", key="run"
            )
            manage(runs[name])
        active = any(run.status["state"] in ACTIVE for run in runs.values())
        st.fragment(watch, run_every=1.0 if active else None)(name, active)


main()
