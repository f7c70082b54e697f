"""U-Net Studio: `streamlit run streamlit_app.py`."""

import asyncio
import logging
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from pages.shared.texts import read_text

PAGES = (
    ("segment", ":material/pets:"),
    ("train", ":material/model_training:"),
    ("curves", ":material/show_chart:"),
    ("evaluate", ":material/fact_check:"),
    ("architectures", ":material/account_tree:"),
)


def navigation() -> st.Page:
    """The pages in the bar at the top, and of them the one that the address names."""
    pages = [
        st.Page(
            f"pages/{name}/page.py",
            title=name.capitalize(),
            icon=icon,
            url_path=name,
            default=name == "segment",
        )
        for name, icon in PAGES
    ]
    return st.navigation(pages, position="top")


def main() -> None:
    st.set_page_config(
        page_title="U-Net Studio",
        page_icon=".streamlit/logo.svg",
        layout="wide",
        menu_items={"About": read_text("shared/about")},
    )
    st.logo(".streamlit/logo.svg", size="large")
    page = navigation()
    # Streamlit leaves so much room above a page that results slip below the screen's edge.
    st.html("<style>[data-testid=stMainBlockContainer] { padding-top: 4.5rem; }</style>")
    page.run()


@asynccontextmanager
async def started(_: st.App) -> AsyncIterator[None]:
    """Before the first visitor comes: name the pages, then open a browser where there is one.

    Until `st.navigation` has been called once, Streamlit takes a folder called pages/ for a list
    of pages, and a link to /train on a fresh server would lead to "Page not found".
    """
    logging.disable(logging.WARNING)  # that nobody is looking at a page
    navigation()
    logging.disable(logging.NOTSET)
    if not st.get_option("server.headless"):
        place = f"{st.get_option('browser.serverAddress')}:{st.get_option('browser.serverPort')}"
        asyncio.get_running_loop().call_later(1, webbrowser.open, f"http://{place}")
    yield


app = st.App(__file__, lifespan=started)  # what `streamlit run` looks for, and then serves
if __name__ == "__main__":  # run for a visitor, not imported by the server
    main()
