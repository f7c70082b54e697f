"""What the Segment page asks: which models, which images, how to look at the result."""

import streamlit as st

from pages.shared.image_choice import choose_sample, uploaded
from pages.shared.segmenting import MAX_IMAGES, ImageSource
from pages.shared.texts import metrics_line
from pages.shared.widgets import choose_run, linked, upload
from unet_core.data.io import EXTENSIONS
from unet_core.prediction.views import View
from unet_core.store.files import size as file_size
from unet_core.store.runs import Run


def choose_models(runs: dict[str, Run]) -> tuple[Run, Run | None]:
    """The model, and the one to compare it with, if any."""
    run = runs[choose_run("Model", runs, "model", on_choose=forget_second)]
    same = {n: r for n, r in runs.items() if n != run.name and r.classes == run.classes}
    other = None
    if same:
        other = choose_run("Compare with", same, "compare", placeholder="No second model")
    size = file_size(run.path / "model.onnx") / 1e6
    st.caption(f"{run.config.get('description', '')} {metrics_line(run)}; {size:.1f} MB.")
    return run, runs[other] if other else None


def forget_second() -> None:
    """Another first model may have other classes."""
    st.session_state["compare"] = ""


def choose_images(source: str, run: Run) -> list[ImageSource]:
    """What the visitor wants segmented."""
    if source == "samples":
        return [choose_sample(run)]
    if source == "camera":
        shot = st.camera_input("Take a picture", key="camera")
        return [uploaded(shot.name, shot.getvalue())] if shot else []
    files = upload(
        "Drop your pictures here",
        "files",
        type=list(EXTENSIONS),
        max_upload_size=20,
        help="They stay in the app's memory for this visit and are never written to disk.",
    )
    if len(files) > MAX_IMAGES:
        st.warning(f"These are the first {MAX_IMAGES} pictures; add the others afterwards.")
    return [uploaded(file.name, file.getvalue()) for file in files[:MAX_IMAGES]]


def choose_look(run: Run, other: Run | None, kind: str) -> View:
    """Opacity, classes and threshold; none of it runs the network again."""
    is_outline = kind == "Outline"
    opacity = st.slider("Opacity", 0.0, 1.0, 0.5, 0.05, disabled=is_outline, **linked("opacity"))
    visible = st.pills(
        "Classes",
        [c.name for c in run.classes],
        selection_mode="multi",
        disabled=kind == "Confidence",  # which is about all of them
        default=[c.name for c in run.classes if not c.is_background],
        **linked(f"classes-{run.name}"),
    )
    threshold = 0.5
    if run.is_binary or (other and other.is_binary):
        threshold = st.slider("Threshold", 0.0, 1.0, 0.5, 0.01, **linked("threshold"))
    drawn = kind.lower() if kind in ("Outline", "Confidence") else "overlay"
    return View(drawn, opacity, tuple(visible), threshold)
