"""Widgets that several pages use, each with the settings that they share."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from unet_core.store.runs import Run

# A row of buttons would lie over the title on a phone.
HIDDEN_BUTTONS = ("zoom", "pan", "select", "lasso", "zoomIn", "zoomOut", "autoScale", "resetScale")


def linked(key: str) -> dict[str, Any]:
    """For a widget whose value stands in the page's address, under ``key``."""
    return {"key": key, "bind": "query-params"}


def grid(columns: int, min_width: int) -> Any:
    """A container whose children stand side by side, fewer on a narrow screen; pixels.

    Streamlit's grid is newer than the last version for Python 3.10, where they stand in one row.
    """
    if hasattr(st, "grid"):
        return st.grid(columns, min_column_width=min_width)
    return st.container(horizontal=True)


def choose_run(label: str, runs: Mapping[str, Run], key: str, **options: Any) -> Any:
    """The name of one of ``runs``, which are shown by their titles."""
    titles = {name: run.title for name, run in runs.items()}
    return st.selectbox(label, titles, format_func=lambda n: titles[n], **linked(key), **options)


def choose_view(label: str, options: Iterable[str], key: str) -> str:
    """One of ``options``, the first to begin with, as a row of buttons without a label."""
    names = list(options)
    look: dict[str, Any] = {"required": True, "wrap": True, "label_visibility": "collapsed"}
    return st.segmented_control(label, names, default=names[0], **look, **linked(key))


def show_figure(figure: go.Figure, key: str, alt: str, **options: Any) -> None:
    """A figure whose only button beside full screen saves it as an image called ``key``."""
    image = {"filename": key, "scale": 2}
    config = {"modeBarButtonsToRemove": [*HIDDEN_BUTTONS], "toImageButtonOptions": image}
    st.plotly_chart(figure, key=key, alt=alt, config=config, **options)


def show_plain_figure(figure: go.Figure, key: str, alt: str) -> None:
    """A figure without any button."""
    st.plotly_chart(figure, key=key, alt=alt, config={"displayModeBar": False})


def decimals(template: str) -> Any:
    """A table's column of numbers, such as ``%.3f`` or ``localized``."""
    return st.column_config.NumberColumn(format=template)


def forget_unknown(key: str, options: Container[str]) -> None:
    """A choice that is no longer on offer gives way to the default."""
    if key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]
