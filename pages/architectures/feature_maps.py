"""The feature maps inside a trained model, for one image."""

from dataclasses import dataclass

import streamlit as st

from pages.shared.image_choice import choose_image
from pages.shared.segmenting import ImageSource, model_time, ready_runs, segment
from pages.shared.widgets import choose_run
from unet_core.architectures.specs import Layer
from unet_core.errors import UserError
from unet_core.prediction.feature_maps import FeatureLevel, FeatureMap, FeatureMaps
from unet_core.prediction.files import encode_jpeg
from unet_core.prediction.views import View
from unet_core.store.runs import Run

TILE = 300  # pixels, the longer side of a map
HOW_TO_READ = """
Each picture: how strongly a place speaks to **all channels** of a layer together (left), and the
**four channels** that differ most over the picture (right). Yellow is strong, dark blue is weak;
every map is stretched to the full range of colours, so that only its pattern counts.
"""
AT_THE_TOP = (
    "Edges and outlines: it is sharp **where** something is, not yet **what** it is. That is why "
    "it is worth handing across."
)
AT_THE_BOTTOM = (
    "A few positions that each have seen a large part of the picture: **what** is there, and only "
    "roughly **where**. From here it goes up again."
)


@dataclass(frozen=True)
class MapTile:
    """The maps of a layer as a JPEG file, with what they are."""

    what: str
    layer: Layer
    silent: int  # channels that are the same everywhere
    file: bytes


def show_feature_maps() -> None:
    runs = ready_runs()
    if not runs:
        st.info("There is no trained model yet. Train one on the Train page.")
        return
    left, right = st.columns([1, 2.2], gap="large")
    with left:
        run = runs[choose_run("Model", runs, "model")]
        image = choose_image(run)
    if not image:
        return
    try:
        with st.spinner("Looking inside the network …"):
            segmented, _ = segment(run, image)
            levels = look_inside(run, image)
    except UserError as error:
        st.error(str(error))
        return
    with right:
        first, second = st.columns(2)
        first.image(segmented.image, caption="Goes in", alt=f"{image.name}, the picture itself")
        names = tuple(info.name for info in run.classes if not info.is_background)
        mask = segmented.draw(View(visible=names))
        second.image(mask, caption="Comes out", alt=f"{image.name} with the model's mask")
        st.markdown(HOW_TO_READ)
    for number, level in enumerate(levels):
        show_level(number, level, is_bottom=number == len(levels) - 1)


def show_level(number: int, level: list[MapTile], is_bottom: bool) -> None:
    """The maps of a level beside each other."""
    layer = level[0].layer
    title = "The bottom" if is_bottom else f"Level {number + 1}"
    with st.container(border=True, gap="small"):
        st.markdown(
            f"**{title}: {layer.size} × {layer.size}** positions, "
            f"one for every {layer.step:.0f} × {layer.step:.0f} pixels that went in. "
            + (AT_THE_BOTTOM if is_bottom else AT_THE_TOP if number == 0 else "")
        )
        for column, tile in zip(st.columns(3), level, strict=False):
            caption = f"{tile.what} · `{tile.layer.name}`, {tile.layer.channels} channels"
            caption += f", {tile.silent} of them silent" if tile.silent else ""
            alt = f"{tile.what}, {tile.layer.name}"
            column.image(tile.file, caption=caption, width="stretch", alt=alt)


def look_inside(run: Run, image: ImageSource) -> list[list[MapTile]]:
    """Each level's maps, from the top to the bottom."""
    return _look_inside(run.name, model_time(run), image.key, run, image)


@st.cache_data(max_entries=20, ttl="1h", show_spinner=False)
def _look_inside(
    name: str, changed: float, key: str, _run: Run, _image: ImageSource
) -> list[list[MapTile]]:
    image = _image.load()
    height, width = image.shape[:2]
    scale = TILE / max(height, width)
    size = (max(32, round(width * scale)), max(32, round(height * scale)))
    maps = _feature_maps(name, changed, _run)
    return [
        [
            MapTile(what, found.layer, found.silent, encode_jpeg(found.image(*size)))
            for what, found in named_maps(level)
        ]
        for level in maps.levels(image)
    ]


def named_maps(level: FeatureLevel) -> list[tuple[str, FeatureMap]]:
    """The maps of a level in the order of the signal, with what they are."""
    if not level.below:
        return [("What the bottom knows", level.encoder)]
    encoder = "Encoder, handed across" if level.is_handed_over else "Encoder, not handed across"
    maps = [(encoder, level.encoder), ("From below, enlarged", level.below)]
    both = "Decoder, from both" if level.is_handed_over else "Decoder, from below alone"
    return maps + ([(both, level.decoder)] if level.decoder else [])


@st.cache_resource(max_entries=1, show_spinner=False)
def _feature_maps(name: str, changed: float, _run: Run) -> FeatureMaps:
    return FeatureMaps(_run)
