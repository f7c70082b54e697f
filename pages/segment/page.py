"""Segment: an image in, a mask over it out."""

from typing import Any

import streamlit as st

from pages.segment.choices import choose_images, choose_look, choose_models
from pages.segment.doubts import show_doubts
from pages.segment.results import Result, show_downloads, show_image, show_legend, summary
from pages.shared.segmenting import ImageSource, ready_runs, segment
from pages.shared.widgets import beside, choose_view, decimals, kept
from unet_core.errors import UserError
from unet_core.store.runs import Run

VIEWS = ("Overlay", "Before and after", "Side by side", "Outline", "Confidence")
SOURCES = {
    "samples": ":material/photo_library: Samples",
    "upload": ":material/upload: Upload",
    "camera": ":material/photo_camera: Camera",
}


def main() -> None:
    st.title("See what a U-Net sees", anchor=False)
    runs = ready_runs()
    if not runs:
        st.info("There is no model yet. Train one with `python -m unet_core train`.")
        return
    left, right = beside()
    with right:
        source = st.segmented_control(
            "Picture",
            SOURCES,
            format_func=lambda name: SOURCES[name],
            default="samples",
            required=True,
            **kept("source"),
        )
        place = st.container()
        run, other = choose_models(runs)
    with place:
        images = choose_images(source, run)
    with left:
        done = segment_all(run, images)
    if done:
        show_results(run, other, done, left, right)
    else:
        left.info("Add a photo: JPEG, PNG, WebP, BMP, GIF or TIFF, up to 20 MB each.")


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


def show_results(run: Run, other: Run | None, done: list[Result], left: Any, right: Any) -> None:
    """The result on the left, what can be done with it on the right."""
    with left:
        kind = choose_view("View", VIEWS, "view")
        current = choose_current(done)
    with right:
        view = choose_look(run, other, kind)
    shown = [(run, current)]
    if other:
        shown += [(other, result) for result in segment_all(other, [current.image])]
    places = left.container(key="picture").columns(len(shown))
    for column, (model, result) in zip(places, shown, strict=True):
        with column:
            if other:
                st.subheader(model.title, anchor=False)
            show_image(result.segmented, kind, view.of(model.classes), model.name)
            show_doubts(model, result, view.threshold)
    if current.image.credit:
        left.caption(current.image.credit)
    with right:
        for model, result in shown:
            if other:
                st.caption(model.title)
            show_legend(result.segmented, result.size, view)
        show_downloads(done, [result for _, result in shown], kind, view)
    if len(done) > 1:
        percent = {c.name: decimals("percent") for c in run.classes}
        st.dataframe(summary(done, view), hide_index=True, column_config=percent)


def choose_current(done: list[Result]) -> Result:
    if len(done) == 1:
        return done[0]
    number = st.pagination(len(done), key=f"photo-of-{len(done)}", persist_state="session") or 1
    return done[number - 1]


main()
