"""Architectures: how is a U-Net built?"""

import streamlit as st

from pages.architectures_features import show_features
from pages.architectures_skips import show_skips
from unet_core.architectures.articles import ARTICLES
from unet_core.architectures.catalogue import CATALOGUE, Entry
from unet_core.architectures.specs import FLOAT16, FLOAT32, Specification, UNetArguments
from unet_core.figures.architecture import u_figure

FILTERS = (8, 16, 32, 48, 64, 96, 128)
HOW_TO_READ = """
- **Down (blue)**: two 3 × 3 convolutions look for patterns, then the resolution is halved and the
  channels doubled. Each step sees a wider window of the picture (its *receptive field*) less
  sharply: *what* is there becomes clear, *where* is lost.
- **Up (orange)**: a transposed convolution doubles the resolution again.
- **Across (light blue)**: skip connections put the encoder's sharp features beside the coarse ones
  from below, so that the next convolutions know *what* and *where*.
- **Output (green)**: a 1 × 1 convolution gives each pixel a score for each class; softmax, or a
  sigmoid for a single class, makes probabilities of them.
"""


def choose_network() -> str:
    return st.pills(
        "Network", CATALOGUE, default="compact", required=True, wrap=True,
        key="network", bind="query-params",
    )  # fmt: skip


def choose_arguments(name: str, entry: Entry) -> tuple[dict, int]:
    """Arguments and size of the images, beginning with the article's own.

    Every network keeps its own choices, so that a link tells only what was changed.
    """
    arguments = choose_unet(name, entry) if entry.is_from_scratch else {}
    size = st.number_input(
        "Picture, pixels a side", 32, 2048, entry.size, 32,
        key=f"{name}-size", bind="query-params",
    )  # fmt: skip
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
    usual = UNetArguments.of(entry.arguments)
    depth = st.slider(
        "Depth", 1, 6, usual.depth, key=f"{name}-depth", bind="query-params",
        help="How often the resolution is halved on the way down",
    )  # fmt: skip
    filters = st.select_slider(
        "Base filters", FILTERS, usual.filters,
        key=f"{name}-filters", bind="query-params",
        help="Channels of the first level; each level below has twice as many",
    )  # fmt: skip
    padding = st.segmented_control(
        "Padding", ("same", "valid"), default=usual.padding, required=True,
        key=f"{name}-padding", bind="query-params",
        help="same: the mask is as large as the picture. valid: nothing is made up beyond the "
        "picture's border, so the mask is smaller",
    )  # fmt: skip
    with st.container(horizontal=True):
        norm = st.toggle("Batch norm", usual.batch_norm, key=f"{name}-norm", bind="query-params")
        skips = st.toggle("Skips", usual.skips, key=f"{name}-skips", bind="query-params",
                          help="Skip connections, the bridges of the U")  # fmt: skip
    return {
        "depth": depth, "filters": filters, "padding": padding, "batch_norm": norm, "skips": skips,
    }  # fmt: skip


def show_totals(now: Specification, usual: Specification) -> None:
    """The totals, and how far they are from the article's own network."""

    def change(value: float, before: float) -> str | None:
        return f"{value / before - 1:+.0%}" if value != before else None

    totals = (
        ("Parameters, M", now.parameters, usual.parameters, f"{now.parameters / 1e6:.2f}",
         f"Exactly {now.parameters:,}, of which {now.trainable:,} can learn"),
        ("Multiply-adds, G", now.multiply_adds, usual.multiply_adds,
         f"{now.multiply_adds / 1e9:,.1f}", "Billions for one picture"),
        ("Training, MiB", now.training_memory, usual.training_memory,
         f"{now.training_memory / 2**20:,.0f}",
         "All feature maps of one picture in float32; the weights come on top"),
        ("On disk, MB", now.parameters, usual.parameters,
         f"{now.parameters * FLOAT16 / 1e6:.1f}",
         f"As float16; {now.parameters * FLOAT32 / 1e6:.1f} MB as float32"),
        ("Sees, pixels²", now.receptive_field, usual.receptive_field,
         f"{now.receptive_field}²",
         "Receptive field: the window of the picture that can change one pixel of the output"),
    )  # fmt: skip
    with st.container(horizontal=True):
        for label, value, before, text, help_ in totals:
            st.metric(label, text, change(value, before), delta_color="off", delta_arrow="off",
                      help=help_, border=True, width=160)  # fmt: skip


def show_layers(specification: Specification) -> None:
    with st.expander("Every layer, and how to read the figure", icon=":material/menu_book:"):
        st.markdown(HOW_TO_READ)
        rows = [
            {
                "layer": x.name, "kind": x.kind, "output": f"{x.size} × {x.size} × {x.channels}",
                "parameters": x.parameters, "multiply-adds": x.multiply_adds,
                "receptive field": x.receptive_field,
            }
            for x in specification.layers
        ]  # fmt: skip
        numbers = st.column_config.NumberColumn(format="localized")
        columns = {"parameters": numbers, "multiply-adds": numbers}
        st.dataframe(rows, hide_index=True, column_config=columns)


def show_articles() -> None:
    for column, article in zip(st.columns(len(ARTICLES)), ARTICLES, strict=True):
        entry = CATALOGUE[article.network]
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{article.title}**")
            st.caption(f"`{article.network}`, {entry.parameters:,} parameters")
            st.markdown(article.does)
            st.markdown(f":material/call_split: **Not as in the paper.** {article.departs}")
            st.markdown(f":material/warning: **Its flaw.** {article.flaw}")
            st.markdown(f":material/build: **Here.** {article.here}")
    st.caption(
        "The paper: O. Ronneberger, P. Fischer, T. Brox, *U-Net: Convolutional Networks for "
        "Biomedical Image Segmentation*, 2015."
    )


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
        st.plotly_chart(
            u_figure(now, ink), key="u", config={"displayModeBar": False},
            alt=f"The U of {name}: {size} pixels a side go in, {output.size} come out",
        )  # fmt: skip
    show_totals(now, entry.specification(entry.outputs, entry.size))
    show_layers(now)


def main() -> None:
    st.title("How is a U-Net built?", anchor=False)
    st.markdown(
        "Down to see **what** is in the picture, up to say **where**, and bridges across that keep "
        "the outlines sharp."
    )
    views = {"Network": show_network, "Feature maps": show_features, "Skip connections": show_skips,
             "Articles": show_articles}  # fmt: skip
    view = st.segmented_control(
        "View", views, default="Network", required=True, wrap=True,
        key="show", bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    views[view]()


main()
