"""Segment: an image in, a mask over it out."""

import html
from dataclasses import dataclass, replace

import streamlit as st

from pages.common import (
    MOST_IMAGES,
    ImageSource,
    compare_slider,
    ready_runs,
    score_line,
    segment,
)
from pages.images import choose_sample, uploaded
from unet_core.data.io import EXTENSIONS
from unet_core.errors import UserError
from unet_core.prediction.files import unique_names, zip_files
from unet_core.prediction.views import DRAWINGS, SegmentedImage, View
from unet_core.store.files import size as file_size
from unet_core.store.runs import Run

TALLEST = 470  # pixels on the screen, so that image and controls are seen together
MOST_ZIPPED = 150_000_000  # pixels, since a zip is made in memory
VIEWS = ("Overlay", "Before and after", "Side by side", "Outline", "Confidence")
SOURCES = {
    "samples": ":material/photo_library: Samples",
    "upload": ":material/upload: Upload",
    "camera": ":material/photo_camera: Camera",
}


@dataclass(frozen=True)
class Result:
    """An image, what the network made of it at a screen's size, its own height and width."""

    image: ImageSource
    segmented: SegmentedImage
    size: tuple[int, int]

    def full(self) -> SegmentedImage:
        """The same at the image's own resolution, for files."""
        return replace(self.segmented, image=self.image.load())


def choose_model(left, right, runs: dict[str, Run]) -> tuple[Run, Run | None]:
    """The model, and the one to compare it with, if any."""
    name = left.selectbox(
        "Model", runs, format_func=lambda n: runs[n].title, key="model", bind="query-params"
    )
    others = [n for n in runs if n != name and runs[n].classes == runs[name].classes]
    other = None
    if others:
        other = right.selectbox(
            "Compare with", others, index=None, format_func=lambda n: runs[n].title,
            placeholder="No second model", key="compare", bind="query-params",
        )  # fmt: skip
    run = runs[name]
    size = file_size(run.path / "model.onnx") / 1e6
    st.caption(f"{run.config.get('description', '')} {score_line(run)}; {size:.1f} MB.")
    return run, runs.get(other)


def choose_images(source: str, run: Run) -> list[ImageSource]:
    """What the visitor wants segmented."""
    if source == "samples":
        return [choose_sample(run)]
    if source == "camera":
        shot = st.camera_input("Take a picture")
        return [uploaded(shot)] if shot else []
    files = st.file_uploader(
        "Drop your pictures here",
        type=list(EXTENSIONS),
        accept_multiple_files=True,
        max_upload_size=20,
        key="files",
        help="They stay in the app's memory for a while and are never written to disk.",
    )
    if len(files) > MOST_IMAGES:
        st.warning(f"These are the first {MOST_IMAGES} pictures; add the others afterwards.")
    return [uploaded(file) for file in files[:MOST_IMAGES]]


def choose_kind() -> str:
    return st.segmented_control(
        "View", VIEWS, default=VIEWS[0], required=True, wrap=True,
        key="view", bind="query-params", label_visibility="collapsed",
    )  # fmt: skip


def choose_view(run: Run, other: Run | None, kind: str) -> View:
    """How to look at the result; none of it runs the network again."""
    opacity = st.slider(
        "Opacity", 0.0, 1.0, 0.5, 0.05, key="opacity", bind="query-params",
        disabled=kind == "Outline",
    )  # fmt: skip
    names = [c.name for c in run.classes]
    visible = st.pills(
        "Classes", names, selection_mode="multi", key=f"classes-{run.name}",
        default=[c.name for c in run.classes if not c.is_background],
    )  # fmt: skip
    threshold = 0.5
    if run.is_binary or (other and other.is_binary):
        threshold = st.slider("Threshold", 0.0, 1.0, 0.5, 0.01, key="threshold")
    drawn = kind.lower() if kind.lower() in DRAWINGS else "overlay"
    return View(drawn, opacity, tuple(visible), threshold)


def show_image(image: SegmentedImage, kind: str, view: View) -> None:
    """The image as the view asks; colours are named in the legend."""
    drawn = image.draw(view)
    height, width = drawn.shape[:2]
    widest = max(1, min(width, TALLEST * width // height))
    covered = ", ".join(f"{n} {s:.0%}" for n, s in image.shares(view.threshold).items())
    original, result = f"{image.name}, the picture itself", f"{image.name}: {covered}"
    if kind == "Before and after":
        with st.container(width=widest):
            compare_slider(image.image, drawn, original, result)
    elif kind == "Side by side":
        left, right = st.columns(2)
        left.image(image.image, width="stretch", alt=original, output_format="JPEG")
        right.image(drawn, width="stretch", alt=result, output_format="JPEG")
    else:
        st.image(drawn, width=widest, alt=result, output_format="JPEG")


def show_legend(image: SegmentedImage, size: tuple[int, int], view: View) -> None:
    """Each class with its colour and its share of the image, and the time taken."""
    shares = image.shares(view.threshold)
    rows = "".join(
        f'<div style="display:flex;gap:.6rem;align-items:center;margin:.25rem 0">'
        f'<span style="width:1rem;height:1rem;border-radius:.25rem;background:{c.color}"></span>'
        f'<span style="flex:1">{html.escape(c.name)}</span>'
        f"<strong>{shares[c.name]:.1%}</strong></div>"
        for c in image.classes
    )
    st.html(rows)
    if view.kind == "confidence":
        st.caption("Yellow is where the model is undecided between the classes.")
    height, width = size
    st.caption(f"{width:,} × {height:,} pixels, segmented in {image.seconds * 1000:.0f} ms")


def show_downloads(done: list[Result], current: Result, view: View) -> None:
    """Files are made when a button is pressed, at the image's full resolution."""
    kinds = ("Mask (class ids)", "Mask (colours)", "Picture as shown")
    icons = (":material/grid_on:", ":material/palette:", ":material/image:")
    names = current.segmented.file_names(view)
    st.caption("Download at full resolution")
    for position, (label, icon, name) in enumerate(zip(kinds, icons, names, strict=True)):
        st.download_button(
            label, lambda p=position: current.full().files(view)[p][1], name, "image/png",
            icon=icon, on_click="ignore", width="stretch", key=f"download-{position}",
        )  # fmt: skip
    if len(done) > 1 and sum(r.size[0] * r.size[1] for r in done) > MOST_ZIPPED:
        st.caption("Together these pictures are too large for one zip; take some away to get it.")
    elif len(done) > 1:
        st.download_button(
            f"All {len(done)} pictures (zip)", lambda: all_files(done, view),
            "segmented.zip", "application/zip", icon=":material/folder_zip:",
            type="primary", on_click="ignore", width="stretch",
        )  # fmt: skip


def summary(done: list[Result], view: View) -> list[dict]:
    return [
        {"picture": result.image.name, "width": result.size[1], "height": result.size[0]}
        | {name: round(share, 4) for name, share in result.segmented.shares(view.threshold).items()}
        for result in done
    ]


def all_files(done: list[Result], view: View) -> bytes:
    """A zip of every image's files; ``summary.csv`` tells which mask belongs to which image."""
    named = [
        replace(result, segmented=replace(result.segmented, name=name))
        for result, name in zip(done, unique_names(r.image.name for r in done), strict=True)
    ]
    rows = [
        row | {"mask": result.segmented.mask_name()}
        for row, result in zip(summary(done, view), named, strict=True)
    ]
    return zip_files((file for result in named for file in result.full().files(view)), rows)


def segment_all(run: Run, images: list[ImageSource]) -> list[Result]:
    """Run the network on each image, with a bar when there are several.

    An image that cannot be used gets a sentence, the others go on.
    """
    done = []
    bar = st.progress(0.0) if len(images) > 3 else None
    for position, image in enumerate(images):
        try:
            done.append(Result(image, *segment(run, image)))
        except UserError as error:
            st.error(str(error), icon=":material/broken_image:")
        if bar:
            bar.progress((position + 1) / len(images), f"{position + 1} of {len(images)}")
    if bar:
        bar.empty()
    return done


def choose_current(done: list[Result]) -> Result:
    if len(done) == 1:
        return done[0]
    number = st.pagination(len(done), key="page") or 1
    return done[number - 1]


def main() -> None:
    st.title("See what a U-Net sees", anchor=False)
    runs = ready_runs()
    if not runs:
        st.info("There is no model yet. Train one with `python -m unet_core train`.")
        return
    left, middle, right = st.columns([1.2, 1.2, 1])
    source = right.segmented_control(
        "Picture", SOURCES, format_func=SOURCES.get, default="samples", required=True, key="source"
    )
    run, other = choose_model(left, middle, runs)
    done = segment_all(run, choose_images(source, run))
    if done:
        show_results(run, other, done)
    else:
        st.info("Add a photo: JPEG, PNG, WebP, BMP, GIF or TIFF, up to 20 MB each.")


def show_results(run: Run, other: Run | None, done: list[Result]) -> None:
    left, right = st.columns([2.4, 1], gap="large")
    with left:
        kind = choose_kind()
        current = choose_current(done)
    with right:
        view = choose_view(run, other, kind)
    shown = [(run, current)]
    if other:
        shown += [(other, result) for result in segment_all(other, [current.image])]
    for column, (model, result) in zip(left.columns(len(shown)), shown, strict=True):
        with column:
            if other:
                st.subheader(model.title, anchor=False)
            show_image(result.segmented, kind, view.of(model.classes))
    if current.image.credit:
        left.caption(current.image.credit)
    with right:
        for model, result in shown:
            if other:
                st.caption(model.title)
            show_legend(result.segmented, result.size, view)
        show_downloads(done, current, view)
    if len(done) > 1:
        st.dataframe(summary(done, view), hide_index=True)


main()
