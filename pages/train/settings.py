"""The form of the Train page: what to train, how long it will take, and Start."""

from typing import Any

import streamlit as st

from pages.shared.texts import duration
from pages.shared.widgets import forget_unknown, kept
from pages.train.data import choose_data
from unet_core.architectures.catalogue import CATALOGUE, check_network
from unet_core.data import open_dataset
from unet_core.errors import UserError
from unet_core.jobs import estimate, housekeeping, memory, trainings
from unet_core.jobs.new_runs import has_encoder, new_run, split_names
from unet_core.store import environment
from unet_core.store.config import AUGMENTATIONS, LOSSES, OPTIMIZERS, TrainingConfig
from unet_core.store.environment import Limits
from unet_core.store.runs import shipped_runs

SIZES = (64, 96, 128, 160, 192, 256)
MAX_EPOCHS = 60
ENCODER_WORDS = {
    (True, 0): "frozen: only the decoder learns",
    (False, 7): "its late blocks learn too, slowly",
    (False, 0): "all of it learns, slowly",
}
START_WORDS = {
    "auto": "ImageNet when online, else the shipped model's",
    "imagenet": "ImageNet, downloaded once",
    "none": "none: learn from scratch",
}
START_HELP = (
    "Without internet the encoder of the shipped model is used, which has seen pets: such a run "
    "does not show learning from scratch. The run says what it started from."
)
AUGMENTATION_HELP = (
    "standard: random flip, scale, crop and colour, anew for each picture and epoch; "
    "cutmix: windows of other pictures too; elastic: bent and turned, for pictures "
    "that have no upside; xray: exposure, contrast, borders and letters of other machines, in grey"
)
PATIENCE_HELP = "epochs without progress before it stops; 0: never"


def new_run_form() -> bool:
    """Choose, see the estimate, start; what cannot be done is said in a sentence.

    Whether there is a start to press.
    """
    try:
        host = environment.from_environment()
        if not host.training:
            st.info("Training is switched off on this host. Run the app on your own machine.")
            return False
        config = host.apply(choose_settings(host))
        check_network(config)
        show_estimate(config, host)
        if st.button("Start", type="primary", icon=":material/play_arrow:", width="stretch"):
            housekeeping.prune(host.runs, host.megabytes and host.megabytes * 1e6)
            run = new_run(config)
            trainings.start(run)
            st.session_state["run"] = run.name
            st.rerun()
    except (UserError, OSError) as error:
        st.error(str(error))
        return False
    return True


def choose_settings(host: Limits) -> TrainingConfig:
    """Basic choices first, the rest in an expander; every default works."""
    default = TrainingConfig()
    data = choose_data(host)
    total = len(data.splits["trainval"])
    limit = min(total, host.images or total)
    model = st.selectbox("Model", CATALOGUE, **kept("train-model"))
    st.caption(f"{CATALOGUE[model].title}, {CATALOGUE[model].parameters:,} parameters")
    left, right = st.columns(2)
    usual = min(default.max_images or limit, limit)
    key = f"pictures-{data.name}-{limit}"
    images = left.number_input("Pictures", min(10, limit), limit, usual, 10, **kept(key))
    usual = SIZES.index(default.image_size)
    size = right.selectbox("Pixels a side", SIZES, index=usual, **kept("train-size"))
    max_epochs = min(host.epochs or MAX_EPOCHS, MAX_EPOCHS)
    epochs = 1
    if max_epochs > 1:
        usual = min(default.epochs, max_epochs)
        epochs = st.slider("Epochs", 1, max_epochs, usual, **kept("train-epochs"))
    config = default.changed(
        data=data.name, model=model, max_images=images, image_size=size, epochs=epochs
    )
    with st.expander("More settings"):
        return choose_details(choose_encoder(config))


def choose_encoder(config: TrainingConfig) -> TrainingConfig:
    """Where a pretrained encoder starts and how much of it learns."""
    if not config.model.startswith("mobilenetv2"):
        return config
    words = START_WORDS | {
        run.name: f"those of “{run.title}”" for run in shipped_runs() if has_encoder(run)
    }
    label = "Encoder's starting weights"
    forget_unknown("train-start", words)
    key = kept("train-start")
    start = st.selectbox(label, words, format_func=lambda s: words[s], help=START_HELP, **key)
    if start == "none":  # a frozen encoder of random weights would learn nothing
        return config.changed(
            encoder_weights=start, freeze_encoder=False, encoder_lr_multiplier=1.0
        )
    freeze, first = st.selectbox(
        "Encoder", ENCODER_WORDS, format_func=lambda e: ENCODER_WORDS[e], **kept("train-encoder")
    )
    return config.changed(encoder_weights=start, freeze_encoder=freeze, fine_tune_from=first)


def choose_details(config: TrainingConfig) -> TrainingConfig:
    """Loss, optimizer and the like."""
    left, right = st.columns(2)

    def choose(
        place: Any, label: str, options: tuple[str, ...], usual: str, help: str | None = None
    ) -> str:
        more = kept(f"train-{label.lower()}")
        return place.selectbox(label, options, index=options.index(usual), help=help, **more)

    loss = choose(left, "Loss", LOSSES, config.loss)
    optimizer = choose(right, "Optimizer", OPTIMIZERS, config.optimizer)
    rate, key = config.learning_rate, kept("train-rate")
    rate = left.number_input("Learning rate", 1e-6, 1.0, rate, 1e-4, format="%.5f", **key)
    batch = right.number_input("Batch size", 1, 64, config.batch_size, **kept("train-batch"))
    usual = config.augmentation
    augmentation = choose(left, "Augmentation", AUGMENTATIONS, usual, AUGMENTATION_HELP)
    key = kept("train-patience")
    patience = right.number_input("Early stopping", 0, 50, 0, help=PATIENCE_HELP, **key)
    seed = left.number_input("Seed", 0, 10**6, 0, **kept("train-seed"))
    config = config.changed(loss=loss, optimizer=optimizer, learning_rate=rate, batch_size=batch)
    return config.changed(augmentation=augmentation, early_stopping=patience, seed=seed)


def show_estimate(config: TrainingConfig, host: Limits) -> None:
    """Time and memory before the start, and what to choose when they do not suffice."""
    needed, free = estimate.memory(config), memory.free_memory()
    dataset = open_dataset(config.data)
    training, validation = map(len, split_names(dataset, config))
    images = estimate.ImageCounts(training, validation, len(dataset.splits["test"]))
    seconds = estimate.seconds(config, images, prediction_seconds())
    st.caption(
        f":material/schedule: About {duration(seconds)} here, {needed / 1e9:.1f} GB of memory"
    )
    if short := estimate.too_short(config, training):
        st.warning(short, icon=":material/trending_flat:")
    if host.minutes and seconds > 60 * host.minutes:
        st.caption(
            f":material/timer: This host stops a training after {host.minutes} min; "
            "what it has learned by then is kept."
        )
    if free is not None and needed > free:
        fitting = [n for n in SIZES if estimate.memory(config.changed(image_size=n)) <= free]
        advice = f"{max(fitting)} pixels a side would fit" if fitting else "A smaller batch may fit"
        st.warning(
            f"Only {free / 1e9:.1f} GB of memory are free here, so the training would probably "
            f"be ended by the system. {advice}.",
            icon=":material/memory:",
        )


@st.cache_data(ttl=3600, show_spinner=False)
def prediction_seconds() -> float:
    return estimate.prediction_seconds()
