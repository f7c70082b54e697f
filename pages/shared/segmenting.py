"""The models that can predict and what they make of an image, kept between clicks."""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image

from unet_core.errors import UserError
from unet_core.prediction.files import encode_jpeg
from unet_core.prediction.segmenter import Segmenter
from unet_core.prediction.views import SegmentedImage, fit
from unet_core.store.runs import Run, all_runs, find_run

SCREEN = 1200  # pixels on the longer side that a browser is sent
MAX_IMAGES = 60  # of one upload


@dataclass(frozen=True)
class ImageSource:
    """An image to segment: its name, a key that tells its content, and how to get its pixels."""

    name: str
    key: str
    load: Callable[[], np.ndarray]  # uint8 (H, W, 3); UserError when it cannot be opened
    credit: str = ""
    truth: Callable[[], np.ndarray] | None = None  # uint8 (H, W), class ids, where it is known


def ready_runs() -> dict[str, Run]:
    """Runs that can predict, by name, shipped ones first."""
    return {run.name: run for run in all_runs() if run.can_predict}


def segment(run: Run, source: ImageSource) -> tuple[SegmentedImage, tuple[int, int]]:
    """The image at a screen's size with its probabilities, and its own height and width.

    Cached by image and model; the full image is not kept, since many large ones would not fit.
    """
    found = _segment(run.name, model_time(run), source.key, source.load)
    screen, probabilities, seconds, size = found
    image = np.asarray(Image.open(io.BytesIO(screen)))
    return SegmentedImage(source.name, image, probabilities, run.classes, seconds), size


def segmenter_of(run: Run) -> Segmenter:
    """The run's network, loaded once for everybody."""
    return _segmenter(run.name, model_time(run))


def model_time(run: Run) -> float:
    """When its model was written, for caches to notice a new one; ``UserError`` without a model."""
    try:
        return (run.path / "model.onnx").stat().st_mtime
    except OSError:
        raise UserError(f"{run.title} has no model yet; let its training end first.") from None


# About 1 MB an entry. Fewer entries than images would run the network at every click.
@st.cache_data(max_entries=2 * MAX_IMAGES, ttl="1h", show_spinner=False)
def _segment(
    run_name: str, changed: float, key: str, _load: Callable[[], np.ndarray]
) -> tuple[bytes, np.ndarray, float, tuple[int, int]]:
    image = _load()
    segmenter = _segmenter(run_name, changed)
    started = time.perf_counter()
    probabilities = segmenter.probabilities(image)
    seconds = time.perf_counter() - started
    height, width = image.shape[:2]
    return encode_jpeg(fit(image, SCREEN), quality=95), probabilities, seconds, (height, width)


@st.cache_resource(max_entries=3, show_spinner=False)
def _segmenter(name: str, changed: float) -> Segmenter:
    return Segmenter(find_run(name))
