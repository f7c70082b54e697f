"""The U of a network with its totals and layers, and the arguments that change it."""

from typing import Any

import streamlit as st

from pages.shared.texts import read_text
from pages.shared.widgets import decimals, linked, show_plain_figure
from unet_core.architectures.catalogue import CATALOGUE, Entry
from unet_core.architectures.specs import FLOAT16, FLOAT32, Specification, UNetArguments
from unet_core.figures.architecture import u_figure

FILTERS = (8, 16, 32, 48, 64, 96, 128)
DEPTH_HELP = "How often the resolution is halved on the way down"
FILTERS_HELP = "Channels of the first level; each level below has twice as many"
PADDING_HELP = (
    "same: the mask is as large as the picture. valid: nothing is made up beyond the "
    "picture's border, so the mask is smaller"
)
SKIPS_HELP = "Skip connections, the bridges of the U"
MEMORY_HELP = "All feature maps of one picture in float32; the weights come on top"
PLAIN_CHANGE: dict[str, Any] = {"delta_color": "off", "delta_arrow": "off"}  # neither good nor bad
FIELD_HELP = "Receptive field: the window of the picture that can change one pixel of the output"


def show_network() -> None:
    """The U and its totals, beside the choice of network and arguments."""
    left, right = st.columns([1, 3.6], gap="medium")
    with left:
        name = choose_network()
        entry = CATALOGUE[name]
        arguments, size = choose_arguments(name, entry)
    now = entry.specification(entry.outputs, size, arguments)
    output = now.output
    with right:
        st.markdown(
            f"**{entry.title}** · {size} × {size} × {now.layers[0].channels} in, "
            f"{output.size} × {output.size} × {output.channels} out",
        )
        ink = "#e6eeec" if st.context.theme.type == "dark" else "#17211f"
        alt = f"The U of {name}: {size} pixels a side go in, {output.size} come out"
        show_plain_figure(u_figure(now, ink), "u", alt)
    show_totals(now, entry.specification(entry.outputs, entry.size))
    show_layers(now)


def choose_network() -> str:
    return st.pills(
        "Network", CATALOGUE, default="compact", required=True, wrap=True, **linked("network")
    )


def choose_arguments(name: str, entry: Entry) -> tuple[dict, int]:
    """Arguments and size of the images, beginning with the article's own.

    Every network keeps its own choices, so that a link tells only what was changed.
    """
    arguments = choose_unet(name, entry) if entry.is_from_scratch else {}
    label, key = "Picture, pixels a side", linked(f"{name}-size")
    size = st.number_input(label, 32, 2048, entry.size, 32, **key)
    if entry.is_from_scratch:
        fitting = UNetArguments.of(arguments).nearest_size(size)
    else:
        fitting = max(1, round(size / 32)) * 32
    if fitting != size:
        st.caption(
            f":material/info: {size} pixels cannot be halved evenly that often; "
            f"shown for {fitting} × {fitting}."
        )
    return arguments, fitting


def choose_unet(name: str, entry: Entry) -> dict:
    """The arguments of a U-Net from scratch."""
    usual = UNetArguments.of(entry.arguments)
    depth = st.slider("Depth", 1, 6, usual.depth, help=DEPTH_HELP, **linked(f"{name}-depth"))
    filters = st.select_slider(
        "Base filters", FILTERS, usual.filters, help=FILTERS_HELP, **linked(f"{name}-filters")
    )
    padding = st.segmented_control(
        "Padding",
        ("same", "valid"),
        default=usual.padding,
        required=True,
        help=PADDING_HELP,
        **linked(f"{name}-padding"),
    )
    with st.container(horizontal=True):
        norm = st.toggle("Batch norm", usual.batch_norm, **linked(f"{name}-norm"))
        skips = st.toggle("Skips", usual.skips, help=SKIPS_HELP, **linked(f"{name}-skips"))
    arguments = {"depth": depth, "filters": filters, "padding": padding}
    return arguments | {"batch_norm": norm, "skips": skips}


def show_totals(now: Specification, usual: Specification) -> None:
    """The totals, and how far they are from the article's own network."""

    def total(label: str, attribute: str, text: str, meaning: str) -> None:
        value, before = getattr(now, attribute), getattr(usual, attribute)
        change = f"{value / before - 1:+.0%}" if value != before else None
        st.metric(label, text, change, help=meaning, border=True, width=160, **PLAIN_CHANGE)

    count = now.parameters
    learning = f"Exactly {count:,}, of which {now.trainable:,} can learn"
    on_disk = f"As float16; {count * FLOAT32 / 1e6:.1f} MB as float32"
    billions, memory = now.multiply_adds / 1e9, now.training_memory / 2**20
    with st.container(horizontal=True):
        total("Parameters, M", "parameters", f"{count / 1e6:.2f}", learning)
        total("Multiply-adds, G", "multiply_adds", f"{billions:,.1f}", "Billions for one picture")
        total("Training, MiB", "training_memory", f"{memory:,.0f}", MEMORY_HELP)
        total("On disk, MB", "parameters", f"{count * FLOAT16 / 1e6:.1f}", on_disk)
        total("Sees, pixels²", "receptive_field", f"{now.receptive_field}²", FIELD_HELP)


def show_layers(specification: Specification) -> None:
    with st.expander("Every layer, and how to read the figure", icon=":material/menu_book:"):
        st.markdown(read_text("architectures/how_to_read"))
        rows = [
            {
                "layer": layer.name,
                "kind": layer.kind,
                "output": f"{layer.size} × {layer.size} × {layer.channels}",
                "parameters": layer.parameters,
                "multiply-adds": layer.multiply_adds,
                "receptive field": layer.receptive_field,
            }
            for layer in specification.layers
        ]
        columns = dict.fromkeys(("parameters", "multiply-adds"), decimals("localized"))
        st.dataframe(rows, hide_index=True, column_config=columns)
