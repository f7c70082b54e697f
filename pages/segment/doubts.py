"""What speaks against a result: an unfamiliar picture, a mask unlike what it should show."""

import numpy as np
import streamlit as st

from pages.segment.results import Result
from pages.shared.segmenting import MAX_IMAGES
from unet_core.data import DATASETS
from unet_core.prediction.familiarity import FILE, WARNING, Familiarity, familiarity_of
from unet_core.prediction.masks import class_ids
from unet_core.prediction.plausibility import objections
from unet_core.store.files import modified
from unet_core.store.runs import Run, find_run

HELP = (
    "What the network finds in this picture, at its bottom, lies further from the pictures that it "
    "was trained on than nearly all of these lie from each other. Of {tested} test pictures of "
    "{data}, {false_alarms} got this sentence too. A picture without it can have a wrong mask as "
    "well."
)


def show_doubts(run: Run, result: Result, threshold: float) -> None:
    warn_if_implausible(run, result, threshold)
    show_unfamiliar(run, result)


def warn_if_implausible(run: Run, result: Result, threshold: float) -> None:
    """A sentence where the mask does not look like what every image of the run's data shows."""
    data = DATASETS.get(run.config["training"]["data"])
    if data and data.plausible:
        odd = objections(class_ids(result.segmented.probabilities, threshold), data.plausible)
        if odd:
            text = f"This does not look like {data.looks}: {'; '.join(odd)}."
            st.warning(text, icon=":material/help:")


def show_unfamiliar(run: Run, result: Result) -> None:
    """A sentence where the picture looks like nothing that the model knows."""
    changed = modified(run.path / FILE)
    familiarity = _familiarity(run.name, changed)
    if familiarity is None:
        return
    if _strangeness(run.name, changed, result.image.key, result.segmented.image) > 1:
        text = HELP.format(
            tested=familiarity.tested,
            data=run.config.get("data_title", "its data"),
            false_alarms=familiarity.false_alarms,
        )
        st.caption(f":material/help_center: {WARNING}", help=text)


@st.cache_data(max_entries=2 * MAX_IMAGES, ttl="1h", show_spinner=False)
def _strangeness(run_name: str, changed: float, key: str, _image: np.ndarray) -> float:
    familiarity = _familiarity(run_name, changed)
    return familiarity.strangeness(_image) if familiarity else 0.0


@st.cache_resource(max_entries=3, show_spinner=False)
def _familiarity(run_name: str, changed: float) -> Familiarity | None:
    return familiarity_of(find_run(run_name))
