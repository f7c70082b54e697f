"""Real pets, for a machine that does not have all of them."""

from pathlib import Path

import streamlit as st

from unet_core.data.download import IMAGES, has_all
from unet_core.jobs import downloads
from unet_core.store.environment import data_folder


def pets_folder() -> Path:
    return data_folder() / "pets"


def can_get_pets() -> bool:
    """Whether there are none, or a download has brought a part of them."""
    progress = downloads.download_progress(pets_folder())
    if progress is None:
        return not (pets_folder() / "annotations").is_dir()  # somebody's own copy is left alone
    return not progress["running"] and not has_all(pets_folder())


def offer_pets(limit: int | None) -> None:
    """Offer the download of up to ``limit`` images."""
    st.caption(
        "The Oxford-IIIT Pet data set, CC BY-SA 4.0, from its official address: the annotations "
        f"(19 MB) and as many of the {IMAGES:,} pictures as you want, about 0.1 MB each."
    )
    limit = min(limit or IMAGES, IMAGES)
    images = st.number_input("Pictures to get", min(10, limit), limit, min(500, limit), 10)
    if st.button("Get real pets", icon=":material/download:"):
        downloads.start_download(pets_folder(), images)
        st.rerun()


def show_download() -> None:
    """How far the download is, or why it ended."""
    progress = downloads.download_progress(pets_folder())
    if progress and progress["running"]:
        st.fragment(watch, run_every=1.0)()
    elif progress and progress["error"]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.error(progress["error"])
            folder = pets_folder()
            st.button("OK", key="download-read", on_click=downloads.dismiss_failure, args=(folder,))


def watch() -> None:
    progress = downloads.download_progress(pets_folder())
    if not progress or not progress["running"]:
        st.rerun()
    done, total = progress["done"], progress["total"]
    text = f"{done:,} of {total:,} pictures"
    if progress["what"] != "images":  # counted in bytes
        text = f"{progress['what'] or 'connecting'}, {done / 1e6:.0f} of {total / 1e6:.0f} MB"
    st.progress(min(done / max(total, 1), 1.0), f"Getting pets: {text}")
    if st.button("Stop the download", icon=":material/stop:"):
        downloads.stop_download(pets_folder())
        st.rerun()
