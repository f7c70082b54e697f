"""What the Segment page shows: the image with its mask, the legend, the files to take home."""

import html
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

import streamlit as st

from pages.shared.before_after import before_and_after
from pages.shared.segmenting import ImageSource
from unet_core.prediction.files import encode_png, unique_names, zip_files
from unet_core.prediction.outputs import IMAGE_FILES, SET_FILES, SetFile
from unet_core.prediction.views import SegmentedImage, View, in_a_row

MAX_ZIPPED = 150_000_000  # pixels, since a zip is made in memory
ICONS = {  # of the files of one image; the view itself is offered as it is shown
    "mask": ":material/grid_on:",
    "colours": ":material/palette:",
    "cutout": ":material/content_cut:",
    "blur": ":material/blur_on:",
    "yolo": ":material/polyline:",
}
KINDS = {".png": "image/png", ".txt": "text/plain", ".csv": "text/csv", ".json": "application/json"}


@dataclass(frozen=True)
class Result:
    """An image, what the network made of it at a screen's size, its own height and width."""

    image: ImageSource
    segmented: SegmentedImage
    size: tuple[int, int]

    def full(self) -> SegmentedImage:
        """The same at the image's own resolution, for files."""
        return replace(self.segmented, image=self.image.load())


def show_image(image: SegmentedImage, kind: str, view: View, key: str) -> None:
    """The image as the view asks; colors are named in the legend. ``key``: another for each."""
    drawn = image.draw(view)
    covered = ", ".join(f"{n} {s:.0%}" for n, s in image.shares(view.threshold).items())
    original, result = f"{image.name}, the picture itself", f"{image.name}: {covered}"
    if kind == "Before and after":
        before_and_after(image.image, drawn, original, result, f"before-after-{key}")
    elif kind == "Side by side":
        left, right = st.columns(2)
        left.image(image.image, width="stretch", alt=original, output_format="JPEG")
        right.image(drawn, width="stretch", alt=result, output_format="JPEG")
    else:
        st.image(drawn, width="stretch", alt=result, output_format="JPEG")


def show_legend(image: SegmentedImage, size: tuple[int, int], view: View) -> None:
    """Each class with its color and its share of the image, and the time taken."""
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


def show_downloads(done: list[Result], shown: list[Result], kind: str, view: View) -> None:
    """Files are made when a button is pressed, at the image's full resolution.

    ``shown``: the current image by each model; all files but the view are of the first one's.
    """
    current = shown[0]
    with st.popover("Download", icon=":material/download:", width="stretch"):
        st.caption("At full resolution" + (", by the first model" * (len(shown) > 1)))
        *_, name = current.segmented.file_names(view)
        download("Picture as shown", lambda: as_shown(shown, kind, view), name, ":material/image:")
        for key in offered(current.segmented):
            offer_file(current, key, view)
        for set_file in SET_FILES.values():
            offer_table(done, set_file, view)
        if len(done) > 1:
            offer_zip(done, view)


def offered(image: SegmentedImage) -> list[str]:
    """The kinds of files that can be made of an image; without a background nothing is cut out."""
    can_cut = any(c.is_background for c in image.classes)
    return [key for key in ICONS if can_cut or key not in ("cutout", "blur")]


def offer_file(result: Result, key: str, view: View) -> None:
    file = IMAGE_FILES[key]
    name = file.name(result.image.name)
    download(file.title, lambda: file.content(result.full(), view), name, ICONS[key])


def offer_table(done: list[Result], file: SetFile, view: View) -> None:
    def content() -> bytes:
        annotated = [result.full().annotated(view.threshold) for result in done]
        return file.content(annotated, done[0].segmented.classes)

    download(file.title, content, file.name, ":material/table:")


def offer_zip(done: list[Result], view: View) -> None:
    if sum(result.size[0] * result.size[1] for result in done) > MAX_ZIPPED:
        st.caption("Together these pictures are too large for one zip; take some away to get it.")
        return
    label, icon = f"All {len(done)} pictures (zip)", ":material/folder_zip:"
    download(label, lambda: all_files(done, view), "segmented.zip", icon, type="primary")


def as_shown(shown: list[Result], kind: str, view: View) -> bytes:
    """All that stands beside each other on the page, as one PNG file."""
    images = [result.full() for result in shown]
    drawn = [image.draw(view.of(image.classes)) for image in images]
    if kind == "Side by side":
        drawn.insert(0, images[0].image)
    return encode_png(in_a_row(drawn))


def download(
    label: str, content: Callable[[], bytes], name: str, icon: str, **options: Any
) -> None:
    kind = KINDS.get(PurePath(name).suffix, "application/zip")
    options |= {"key": f"download-{label}", "on_click": "ignore", "width": "stretch"}
    st.download_button(label, content, name, kind, icon=icon, **options)


def summary(done: list[Result], view: View) -> list[dict]:
    return [
        {"picture": result.image.name, "width": result.size[1], "height": result.size[0]}
        | {name: round(share, 4) for name, share in result.segmented.shares(view.threshold).items()}
        for result in done
    ]


def all_files(done: list[Result], view: View) -> bytes:
    """A zip of every image's files; ``summary.csv`` says which mask belongs to which image."""
    named = [
        replace(result, segmented=replace(result.segmented, name=name))
        for result, name in zip(done, unique_names(r.image.name for r in done), strict=True)
    ]
    rows = [
        row | {"mask": result.segmented.mask_name()}
        for row, result in zip(summary(done, view), named, strict=True)
    ]
    return zip_files((file for result in named for file in result.full().files(view)), rows)
