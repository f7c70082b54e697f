"""U-Net Studio: `streamlit run streamlit_app.py`."""

import asyncio
import logging
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from pages.shared.texts import read_text
from pages.shared.widgets import show_link

LOGO = str(Path(__file__).parent / ".streamlit" / "logo.svg")
# Streamlit leaves so much room above a page that results slip below the screen's edge.
STYLE = """<style>
[data-testid=stMainBlockContainer] { padding-top: 4.5rem; }
@media (max-width: 1000px) { .st-key-beside > * > .stHorizontalBlock { flex-direction: column; }
  .st-key-beside > * > .stHorizontalBlock > .stColumn { width: 100%; flex: none; } }
@media (max-width: 640px) { .stMain h1 { font-size: 1.5rem; padding: 0; } }
.st-key-picture img { width: auto; max-width: 100%; max-height: max(20rem, 100vh - 15rem); }
[data-testid=stLayoutWrapper]:has(> [class*=st-key-address-]) { display: none; }
</style>"""
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
        page_icon=LOGO,
        layout="wide",
        menu_items={"About": read_text("shared/about")},
    )
    st.logo(LOGO, size="large")
    page = navigation()
    st.html(STYLE)
    page.run()
    show_link()


@asynccontextmanager
async def started(_: st.App) -> AsyncIterator[None]:
    """Before the server's first visitor: name the pages, open a browser where there is one.

    Until `st.navigation` has been called once in a process, Streamlit takes any folder pages/ for
    its older kind of multipage app, in which a link to /train ends in "Page not found".
    """
    logging.disable(logging.WARNING)  # Streamlit's, that there is no visitor yet
    navigation()
    logging.disable(logging.NOTSET)
    if not st.get_option("server.headless"):
        place = f"{st.get_option('browser.serverAddress')}:{st.get_option('browser.serverPort')}"
        asyncio.get_running_loop().call_later(1, webbrowser.open, f"http://{place}")
    yield


app = st.App(__file__, lifespan=started)  # `streamlit run` finds it here and serves it
if __name__ == "__main__":  # the server imports this file once, and runs it for each visitor
    main()
