"""The gallery of the Evaluate page: images with truth, prediction and errors."""

import numpy as np
import streamlit as st

from pages.shared.segmenting import model_time, segmenter_of
from pages.shared.widgets import grid, linked
from unet_core.data.base import Dataset
from unet_core.errors import UserError
from unet_core.figures.selection import ALL, ordered, parts
from unet_core.jobs.evaluations import open_data
from unet_core.metrics.error_tiles import error_tiles
from unet_core.prediction.files import encode_jpeg
from unet_core.store.runs import Run

ORDERS = {"worst": "Worst", "best": "Best", "random": "Random"}
PART = "behind"  # in the session and the address: the cell or bar whose images are shown
ON_A_PAGE = 6
SIDE = 420  # pixels on a tile's longer side
LEGEND = (
    "Errors: :orange-badge[orange] was missed, :blue-badge[blue] was added wrongly. "
    "Tiles show the whole picture; scores are of the squashed one."
)


def show_gallery(run: Run, result: dict, metric: str, values: np.ndarray) -> None:
    """Images in the order of ``values``, a ``metric`` an image, where their data is at hand."""
    st.subheader("Picture by picture", anchor=False)
    try:
        dataset = open_data(run, result["data"])
        segmenter_of(run)
    except UserError as error:
        st.info(f"The scores are stored, the pictures are not. {error}")
        return
    part, order = choose_part(parts(result, values))
    positions = ordered(result, values, part, order)
    if not len(positions):
        st.info("There is no such picture.")
        return
    focus = focus_of(dataset, metric, part)
    pages = -(-len(positions) // ON_A_PAGE)
    if st.session_state.get("page", 1) > pages:
        st.session_state["page"] = 1
    page = st.session_state.get("page", 1)
    for position in positions[(page - 1) * ON_A_PAGE : page * ON_A_PAGE]:
        name = result["per_image"][position]["name"]
        show_image(run, dataset, name, f"{metric} {values[position]:.3f}", focus)
    with st.container(horizontal=True, vertical_alignment="center"):
        if pages > 1:
            st.pagination(pages, **linked("page"))
        st.caption(f"{len(positions):,} pictures. {LEGEND} {dataset.credit.rstrip('.')}.")


def choose_part(options: dict[str, str]) -> tuple[str, str]:
    """Which of the images, and in which order."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = st.segmented_control(
            "Order",
            ORDERS,
            format_func=lambda name: ORDERS[name],
            default="worst",
            required=True,
            on_change=forget_page,
            **linked("order"),
        )
        if st.session_state.get(PART, ALL) not in options:
            st.session_state[PART] = ALL
        part = st.selectbox(
            "Which pictures",
            options,
            format_func=lambda name: options[name],
            width=330,
            on_change=forget_page,
            **linked(PART),
        )
    return part, order


def select_part(part: str) -> None:
    """Show the images of a cell or a bar from the first on."""
    st.session_state[PART] = part
    forget_page()


def forget_page() -> None:
    st.session_state.pop("page", None)


def focus_of(dataset: Dataset, metric: str, part: str) -> int:
    """The class whose errors are colored: that of the metric or the cell, else the foreground."""
    for number, info in enumerate(dataset.classes):
        if metric == f"IoU of {info.name}" or part.startswith(f"{info.name} as "):
            return number
    return foreground(dataset)


def foreground(dataset: Dataset) -> int:
    """The first class that is not background."""
    return next((i for i, info in enumerate(dataset.classes) if not info.is_background), 0)


def show_image(run: Run, dataset: Dataset, name: str, score: str, focus: int) -> None:
    kinds = ("picture", "truth", "prediction", f"errors for {dataset.classes[focus].name}")
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{name}** · {score}")
        try:
            tiles = image_tiles(run, dataset, name, focus)
        except UserError as error:
            st.warning(str(error))
            return
        show_tiles(name, list(zip(kinds, tiles, strict=True)))


def show_tiles(name: str, tiles: list[tuple[str, bytes]]) -> None:
    """JPEG files beside each other, each with what it is."""
    with grid(4, 140):
        for kind, tile in tiles:
            st.image(tile, caption=kind, width="stretch", alt=f"{name}, {kind}")


def image_tiles(run: Run, dataset: Dataset, name: str, focus: int) -> list[bytes]:
    """JPEG files: the image, its truth, the prediction, the errors for the class ``focus``."""
    if not any(name in names for names in dataset.splits.values()):
        raise UserError(f"{name} is no longer among {dataset.title}.")
    return _tiles(run.name, model_time(run), dataset.name, name, focus, run, dataset)


@st.cache_data(max_entries=60, show_spinner=False)
def _tiles(
    run_name: str, changed: float, data: str, name: str, focus: int, _run: Run, _dataset: Dataset
) -> list[bytes]:
    tiles = error_tiles(segmenter_of(_run), _run.classes, _dataset, name, focus, SIDE)
    return [encode_jpeg(tile) for tile in tiles]
