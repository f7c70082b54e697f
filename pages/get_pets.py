"""Real pets, for a machine that does not have them."""

from pathlib import Path

import streamlit as st

from unet_core import jobs
from unet_core.data import data_folder


def offer_pets() -> None:
    """Offer the download, or show how far it is."""
    target = data_folder() / "pets"
    progress = jobs.download_progress(target)
    if progress and progress["running"]:
        st.fragment(show_download, run_every=1.0)(target)
        return
    with st.popover("Get real pets", icon=":material/download:", width="stretch"):
        st.caption(
            "The Oxford-IIIT Pet data set, CC BY-SA 4.0: the annotations and as many of the 7,390 "
            "pictures as you want, from the official address. About 0.1 MB a picture."
        )
        pictures = st.slider("Pictures to get", 100, 7390, 500, 10)
        if st.button("Download", icon=":material/download:"):
            jobs.start_download(target, pictures)
            st.rerun()
    if progress and progress["error"]:
        st.error(progress["error"])


def show_download(target: Path) -> None:
    progress = jobs.download_progress(target)
    if not progress or not progress["running"]:
        st.rerun()
    part = progress["done"] / max(progress["total"], 1)
    st.progress(min(part, 1.0), f"Getting pets: {progress['done']:,} of {progress['total']:,}")
