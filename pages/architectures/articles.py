"""The four articles beside each other."""

import streamlit as st

from unet_core.architectures.articles import ARTICLES
from unet_core.architectures.catalogue import CATALOGUE


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
