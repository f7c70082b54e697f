"""Architectures: how is a U-Net built?"""

import streamlit as st

from pages.architectures.articles import show_articles
from pages.architectures.feature_maps import show_feature_maps
from pages.architectures.network import show_network
from pages.architectures.skip_connections import show_skip_connections
from pages.shared.widgets import choose_view

VIEWS = {
    "Network": show_network,
    "Feature maps": show_feature_maps,
    "Skip connections": show_skip_connections,
    "Articles": show_articles,
}


def main() -> None:
    st.title("How is a U-Net built?", anchor=False)
    st.markdown(
        "Down to see **what** is in the picture, up to say **where**, and bridges across that keep "
        "the outlines sharp."
    )
    VIEWS[choose_view("View", VIEWS, "show")]()


main()
