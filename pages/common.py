"""What several pages share: cached models and images, figures, and the before/after slider."""

import base64
import io
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from PIL import Image
from streamlit.runtime.pages_manager import PagesManager

from unet_core.errors import UserError
from unet_core.prediction.segmenter import Segmenter
from unet_core.prediction.views import SegmentedImage, fit
from unet_core.store.runs import Run, all_runs, find_run

SCREEN = 1200  # pixels on the longer side that a browser is sent
MOST_IMAGES = 60  # of one upload

if PagesManager.uses_pages_directory:
    # A link to a page opened a server before anybody ran streamlit_app.py: Streamlit then takes
    # pages/ for its old kind of multipage app. Say that it is not, and begin again.
    PagesManager.uses_pages_directory = False
    st.rerun()

_COMPARE = st.components.v2.component(
    "before_after",
    html="""
<figure><img class="after" alt=""><div class="clip"><img class="before" alt=""></div>
<div class="bar"></div>
<input type="range" min="0" max="100" value="50" aria-label="How much of the original is shown">
</figure>""",
    css="""
figure { position: relative; margin: 0; overflow: hidden; border-radius: var(--st-base-radius); }
img { display: block; width: 100%; }
.clip { position: absolute; inset: 0; clip-path: inset(0 50% 0 0); }
.bar { position: absolute; top: 0; bottom: 0; left: 50%; width: 3px; background: white;
       box-shadow: 0 0 4px black; transform: translateX(-50%); pointer-events: none; }
.bar::after { content: "↔"; position: absolute; top: 50%; left: 50%; width: 2.2rem;
       line-height: 2.2rem; text-align: center; border-radius: 50%; background: white;
       color: #17211f; transform: translate(-50%, -50%); box-shadow: 0 0 4px black; }
input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0;
        cursor: ew-resize; }
input:focus-visible + *, figure:focus-within { outline: 3px solid var(--st-primary-color); }
""",
    js="""
export default function ({ data, parentElement }) {
  const find = (part) => parentElement.querySelector(part);
  find(".before").src = data.before;
  find(".after").src = data.after;
  find(".before").alt = data.before_alt;
  find(".after").alt = data.after_alt;
  const show = (value) => {
    find(".clip").style.clipPath = `inset(0 ${100 - value}% 0 0)`;
    find(".bar").style.left = `${value}%`;
  };
  const input = find("input");
  input.oninput = () => show(input.value);
  show(input.value);
}
""",
)


def compare_slider(before: np.ndarray, after: np.ndarray, before_alt: str, after_alt: str) -> None:
    """Two images uint8 (H, W, 3) over each other with a handle; arrow keys move it too."""
    _COMPARE(
        data={
            "before": data_url(before),
            "after": data_url(after),
            "before_alt": before_alt,
            "after_alt": after_alt,
        },
        key="before-after",
    )


def data_url(image: np.ndarray) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(image)).decode()


def jpeg(image: np.ndarray, quality: int = 88) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="JPEG", quality=quality)
    return file.getvalue()


def show_figure(figure: go.Figure, key: str, alt: str, **options) -> None:
    """A figure whose only button beside full screen saves it as an image called ``key``.

    A row of buttons would lie over the title on a phone.
    """
    st.plotly_chart(
        figure, key=key, alt=alt,
        config={
            "modeBarButtonsToRemove": [
                "zoom", "pan", "select", "lasso", "zoomIn", "zoomOut", "autoScale", "resetScale"
            ],
            "toImageButtonOptions": {"filename": key, "scale": 2},
        },
        **options,
    )  # fmt: skip


def ready_runs() -> dict[str, Run]:
    """Runs that can predict, by name, shipped ones first."""
    return {run.name: run for run in all_runs() if run.can_predict}


def score_line(run: Run) -> str:
    """The run's score in words, with what it was measured on."""
    evaluation = run.evaluation
    if not evaluation:
        return "Not evaluated yet"
    scores = evaluation["metrics"]
    return (
        f"Mean IoU {scores['mean_iou']:.3f}, pixel accuracy {scores['pixel_accuracy']:.1%} on "
        f"{evaluation['images']} {evaluation['split']} pictures of {evaluation['data_title']}, "
        f"{evaluation['resolution']} × {evaluation['resolution']}"
    )


def number(value: float) -> str:
    """A score with four digits; a dash where there is none."""
    return "–" if math.isnan(value) else f"{value:.4f}"


def duration(seconds: float) -> str:
    """``75`` to ``1 min 15 s``; seconds are dropped from ten minutes on."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 10:
        return f"{minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@dataclass(frozen=True)
class ImageSource:
    """An image to segment: its name, a key that tells its content, and how to get its pixels."""

    name: str
    key: str
    load: Callable[[], np.ndarray]  # uint8 (H, W, 3); UserError when it cannot be opened
    credit: str = ""
    truth: Callable[[], np.ndarray] | None = None  # uint8 (H, W), class ids, where it is known


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
    """When its model was written, so that caches tell a new one; ``UserError`` without a model."""
    try:
        return (run.path / "model.onnx").stat().st_mtime
    except OSError:
        raise UserError(f"{run.title} has no model yet; let its training end first.") from None


# About 1 MB an entry. Fewer entries than images would run the network at every click.
@st.cache_data(max_entries=2 * MOST_IMAGES, ttl="1h", show_spinner=False)
def _segment(run_name: str, changed: float, key: str, _load: Callable):
    image = _load()
    segmenter = _segmenter(run_name, changed)
    started = time.perf_counter()
    probabilities = segmenter.probabilities(image)
    seconds = time.perf_counter() - started
    return jpeg(fit(image, SCREEN), quality=95), probabilities, seconds, image.shape[:2]


@st.cache_resource(max_entries=3, show_spinner=False)
def _segmenter(name: str, changed: float) -> Segmenter:
    return Segmenter(find_run(name))
