"""The gallery of the Evaluate page: images with truth, prediction and errors."""

import io

import numpy as np
import streamlit as st
from PIL import Image

from pages.common import model_time, segmenter_of
from unet_core.data.base import Dataset
from unet_core.errors import UserError
from unet_core.figures.metrics import BIN, bin_counts, bin_name, bin_of
from unet_core.jobs.evaluations import open_data
from unet_core.metrics.evaluate import as_scored
from unet_core.prediction.masks import class_ids, resize_channels, resize_ids
from unet_core.prediction.overlay import blend, error_map
from unet_core.store.runs import Run

ORDERS = {"worst": "Worst", "best": "Best", "random": "Random"}
SHOWN = 6
SIDE = 420  # pixels on a tile's longer side
ALL = "all"
LEGEND = (
    "Errors: :orange-badge[orange] was missed, :blue-badge[blue] was added wrongly. "
    "Tiles show the whole picture; scores are of the squashed one."
)


def show_images(run: Run, result: dict, score: str, values: np.ndarray) -> None:
    """Images in the order of ``values``, a ``score`` an image, where their data is at hand."""
    st.subheader("Picture by picture", anchor=False)
    try:
        dataset = open_data(run, result["data"])
        segmenter_of(run)
    except UserError as error:
        st.info(f"The scores are stored, the pictures are not. {error}")
        return
    order = choose_order(result, values)
    if not len(order):
        st.info("There is no such picture.")
        return
    focus = focus_of(dataset, score)
    pages = -(-len(order) // SHOWN)
    if st.session_state.get("page", 1) > pages:
        st.session_state["page"] = 1
    page = st.session_state.get("page", 1)
    for number in order[(page - 1) * SHOWN : page * SHOWN]:
        name = result["per_image"][number]["name"]
        show_image(run, dataset, name, f"{score} {values[number]:.3f}", focus)
    with st.container(horizontal=True, vertical_alignment="center"):
        if pages > 1:
            st.pagination(pages, key="page", bind="query-params")
        st.caption(f"{len(order):,} pictures. {LEGEND} {dataset.credit.rstrip('.')}.")


def choose_order(result: dict, values: np.ndarray) -> np.ndarray:
    """Positions of the chosen images in the chosen order."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = st.segmented_control(
            "Order", ORDERS, format_func=ORDERS.get, default="worst", required=True, key="order",
            bind="query-params", on_change=forget_page,
        )  # fmt: skip
        options = behind_options(result, values)
        if st.session_state.get("behind", ALL) not in options:
            st.session_state["behind"] = ALL
        behind = st.selectbox(
            "Which pictures", options, format_func=options.get, key="behind", width=330,
            bind="query-params", on_change=forget_page,
        )  # fmt: skip
    keep, rank = ~np.isnan(values), values
    if behind.startswith("IoU "):
        bars = bin_of(np.nan_to_num(values, nan=-1))
        keep = keep & (bars == round(float(behind.split()[1]) / BIN))
    elif behind != ALL:
        pixels = cell_pixels(result, behind)
        keep, rank = pixels > 0, -pixels
    if order == "random":
        rank = np.random.default_rng(0).random(len(values))
    elif order == "best":
        rank = -rank
    order_of_all = np.argsort(rank, kind="stable")
    return order_of_all[keep[order_of_all]]


def behind_options(result: dict, values: np.ndarray) -> dict[str, str]:
    """What a bar or a cell may stand for, by the name in the link."""
    classes = result["classes"]
    bars = {
        f"IoU {bin_name(number)}": f"IoU {bin_name(number)}"
        for number, count in enumerate(bin_counts(values))
        if count
    }
    cells = {
        f"{truth} as {said}": f"{truth} taken for {said}" if truth != said
        else f"{truth} recognised"
        for truth in classes
        for said in classes
    }  # fmt: skip
    return {ALL: "All pictures", **cells, **bars}


def cell_pixels(result: dict, cell: str) -> np.ndarray:
    """Pixels of a confusion cell, such as ``pet as border``, in each image."""
    names = [f"{t} as {s}" for t in result["classes"] for s in result["classes"]]
    matrices = np.array([p["confusion"] for p in result["per_image"]])
    return matrices.reshape(len(matrices), -1)[:, names.index(cell)]


def focus_of(dataset: Dataset, score: str) -> int:
    """The class whose errors are coloured: that of the score or the cell, else the foreground."""
    behind = st.session_state.get("behind", ALL)
    for number, info in enumerate(dataset.classes):
        if score == f"IoU of {info.name}" or behind.startswith(f"{info.name} as "):
            return number
    return next((i for i, info in enumerate(dataset.classes) if not info.is_background), 0)


def forget_page() -> None:
    st.session_state.pop("page", None)


def show_image(run: Run, dataset: Dataset, name: str, score: str, focus: int) -> None:
    kinds = ("picture", "truth", "prediction", f"errors for {dataset.classes[focus].name}")
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{name}** · {score}")
        try:
            tiles = image_tiles(run, dataset, name, focus)
        except UserError as error:
            st.warning(str(error))
            return
        with st.grid(4, min_column_width=140):
            for kind, tile in zip(kinds, tiles, strict=True):
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
    sample = _dataset.load(name)
    probabilities = segmenter_of(_run).probabilities(sample.image)
    probabilities = as_scored(probabilities, _run.classes, _dataset.classes)
    height, width = sample.image.shape[:2]
    scale = SIDE / max(height, width)
    height, width = max(1, round(height * scale)), max(1, round(width * scale))
    image = np.asarray(
        Image.fromarray(sample.image).resize((width, height), Image.Resampling.BILINEAR)
    )
    truth = resize_ids(sample.mask, height, width)
    prediction = class_ids(resize_channels(probabilities, height, width))
    images = (
        image,
        blend(image, truth, _dataset.classes, 0.6),
        blend(image, prediction, _dataset.classes, 0.6),
        error_map(image, truth == focus, prediction == focus),
    )
    return [_jpeg(scored) for scored in images]


def _jpeg(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="JPEG", quality=88)
    return file.getvalue()
