"""Widgets that several pages use, each with the settings that they share."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import plotly.graph_objects as go
import streamlit as st

from unet_core.store.runs import Run

# A row of buttons would lie over the title on a phone.
HIDDEN_BUTTONS = ("zoom", "pan", "select", "lasso", "zoomIn", "zoomOut", "autoScale", "resetScale")


def linked(key: str) -> dict[str, Any]:
    """For a widget whose value stands in the page's address, under ``key``."""
    return {"key": key, "bind": "query-params"}


def kept(key: str) -> dict[str, Any]:
    """For a widget whose value stays for the session, but does not stand in the address."""
    return {"key": key, "persist_state": "session"}


def upload(label: str, key: str, **options: Any) -> list[Any]:
    """The visitor's files, also those of an uploader that a visit elsewhere has emptied."""
    state, before, now = st.session_state, f"{key}-before", f"{key}-now"
    if key not in state:  # the uploader is drawn anew
        state[before] = state.get(before, []) + state.pop(now, [])
    state[now] = st.file_uploader(label, accept_multiple_files=True, key=key, **options)
    if state[before]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Still here: " + ", ".join(file.name for file in state[before]))
            if st.button("Take away", icon=":material/close:", key=f"{key}-away"):
                state[before] = []
                st.rerun()
    return state[before] + state[now]


def beside(weights: tuple[float, float] = (2.4, 1)) -> tuple[Any, Any]:
    """Columns for a result and for its controls, which stand below it on a narrow screen.

    The app's style knows them by their key.
    """
    with st.container(key="beside"):
        result, controls = st.columns(weights, gap="large")
    return result, controls


def grid(columns: int, min_width: int) -> Any:
    """A container whose children stand side by side, fewer on a narrow screen; pixels.

    Streamlit's grid is newer than the last version for Python 3.10, where they stand in one row.
    """
    if hasattr(st, "grid"):
        return st.grid(columns, min_column_width=min_width)
    return st.container(horizontal=True)


def choose_run(label: str, runs: Mapping[str, Run], key: str, **options: Any) -> Any:
    """The name of one of ``runs``, which are shown by their titles."""
    return choose_named(label, {name: run.title for name, run in runs.items()}, key, **options)


def choose_named(
    label: str,
    titles: Mapping[str, str],
    key: str,
    on_choose: Callable[[], None] = lambda: None,
    placeholder: str = "",
) -> Any:
    """One of the names in ``titles``, which are shown instead; the address holds the name.

    The first to begin with, or None where there is a ``placeholder``. What the address asks for in
    vain is said. ``on_choose`` is called before the page runs with another choice.
    """
    wanted, box = address_field(key), f"{key}-box"
    by_title = {title: name for name, title in titles.items()}  # as in links of earlier versions
    name = wanted if wanted in titles else by_title.get(wanted)
    if wanted and not name:
        st.warning(f"The link asks for “{wanted}”, which is not here.", icon=":material/link_off:")
    before = name or (None if placeholder else next(iter(titles)))
    st.session_state[box] = before

    def choose() -> None:
        if st.session_state[box] != before:  # Streamlit also calls when a box is new
            st.session_state[key] = st.session_state[box] or ""
            on_choose()

    more: dict[str, Any] = {"index": None, "placeholder": placeholder} if placeholder else {}
    shown: dict[str, Any] = {"format_func": unlike(titles).get, "key": box, "on_change": choose}
    return st.selectbox(label, list(titles), **shown, **more)


def choose_several(label: str, titles: Mapping[str, str], key: str, first: list[str]) -> list[str]:
    """Some of the names, ``first`` to begin with; the address holds them, with commas between."""
    wanted, box = address_field(key), f"{key}-box"
    names = [name for name in wanted.split(",") if name in titles] if wanted else first
    if gone := sorted(set(wanted.split(",")) - {"", *titles}):
        st.warning(f"The link asks for {', '.join(gone)}, not here.", icon=":material/link_off:")
    st.session_state[box] = names

    def choose() -> None:
        st.session_state[key] = ",".join(st.session_state[box]) or ","  # none, as was chosen

    shown: dict[str, Any] = {"format_func": unlike(titles).get, "key": box, "on_change": choose}
    return st.multiselect(label, list(titles), **shown)


def unlike(titles: Mapping[str, str]) -> dict[str, str]:
    """The titles by name, each with its name behind it where another is the same.

    >>> unlike({"a": "Mine", "b": "Mine", "c": "Hers"})
    {'a': 'Mine (a)', 'b': 'Mine (b)', 'c': 'Hers'}
    """
    times = Counter(titles.values())
    return {n: title if times[title] == 1 else f"{title} ({n})" for n, title in titles.items()}


def address_field(key: str) -> str:
    """What the address says under ``key``; ``st.session_state[key]`` changes it.

    Streamlit writes into the address what a box shows, but a title can change, and two things can
    have the same. So the address is bound to a text field that the app's style hides.
    """
    with st.container(key=f"address-{key}"):
        return st.text_input(key, label_visibility="collapsed", **linked(key))


def choose_view(label: str, options: Iterable[str], key: str) -> str:
    """One of ``options``, the first to begin with, as a row of buttons without a label."""
    names = list(options)
    look: dict[str, Any] = {"required": True, "wrap": True, "label_visibility": "collapsed"}
    return st.segmented_control(label, names, default=names[0], **look, **linked(key))


def go_to(page: str, **chosen: str) -> None:
    """Open another page with what is ``chosen`` there, by its keys in the address."""
    st.session_state.update(chosen)
    st.switch_page(f"pages/{page}/page.py", query_params=chosen)


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


def show_link() -> None:
    """The page's address, to be copied, and what does not travel with it."""
    query = urlencode({key: st.query_params.get_all(key) for key in st.query_params}, doseq=True)
    with st.popover("Copy link", icon=":material/link:", type="tertiary"):
        st.code(f"{st.context.url}?{query}".rstrip("?"), language=None, wrap_lines=True)
        st.caption(
            "Opens this page with what is chosen on it. Photos that you gave, and the form of a "
            "training, are not in it: they stay with you, until you close the app."
        )
