"""The data of a training: choose it, look at it, bring one's own."""

import html

import numpy as np
import streamlit as st

from pages.shared.texts import read_text
from pages.shared.widgets import forget_unknown, kept
from pages.train.download import can_get_pets, offer_pets, show_download
from unet_core.data import DATASETS, Dataset, open_dataset
from unet_core.data.io import EXTENSIONS
from unet_core.data.preview import preview
from unet_core.data.uploads import Upload, keep_upload, name_classes, remove, uploads
from unet_core.errors import UserError, explained
from unet_core.store.environment import Limits

UPLOADS = "own-uploads"  # in the session: how many; a new one empties and closes the uploader


def choose_data(host: Limits) -> Dataset:
    """A data set that is there, synthetic pets first, with a few of its images."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        place = st.container()
        number = st.session_state.setdefault(UPLOADS, 0)
        with st.popover("Add", icon=":material/add:", key=f"add-{number}"):
            bring_own(host.upload_megabytes, number)
            if can_get_pets():
                st.divider()
                offer_pets(host.images)
    sets = available()
    forget_unknown("train-data", sets)
    with place:
        name = st.selectbox("Data", sets, format_func=lambda n: sets[n].title, **kept("train-data"))
    show_data(sets[name])
    show_download()
    return sets[name]


def available() -> dict[str, Dataset]:
    """Data sets by name: synthetic pets, the others that are on this machine, uploads."""
    found: dict[str, Dataset] = {}
    for name in sorted(DATASETS, key="synthetic".__ne__):
        try:
            found[name] = open_dataset(name)
        except UserError:
            continue
    return found | {upload.name: upload for upload in uploads()}


def show_data(data: Dataset) -> None:
    """A few images with their masks, the classes, and what can be done with an upload."""
    colors = "".join(c.color for c in data.classes)
    alt = f"Pictures of {data.title} with their masks"
    st.image(images(data.name, data.fingerprint, colors), width="stretch", alt=alt)
    legend = "".join(
        f'<span style="white-space:nowrap;margin-right:.8rem"><span style="color:{c.color}">■'
        f"</span> {html.escape(c.name)}</span>"
        for c in data.classes
    )
    st.html(f'<div style="font-size:.875rem">{legend}</div>')
    train, test = (len(data.splits[split]) for split in ("trainval", "test"))
    st.caption(f"{train:,} pictures to learn from, {test:,} for the test. {data.credit}")
    if isinstance(data, Upload):
        manage(data)


@st.cache_data(max_entries=20, show_spinner="Opening the data …")
def images(name: str, fingerprint: str, colors: str) -> np.ndarray:
    return preview(open_dataset(name))


def bring_own(megabytes: int, number: int) -> None:
    """Upload images with masks; what does not fit is said in a sentence."""
    files = st.file_uploader(
        "Your pictures with masks, a zip of them, or an npz file",
        type=[*EXTENSIONS, "zip", "npz"],
        accept_multiple_files=True,
        max_upload_size=megabytes,
        key=f"own-{number}",
    )
    st.caption(read_text("train/own_data"))
    if not st.button("Add this data", icon=":material/add:", disabled=not files):
        return
    bar = st.progress(0.0, "Checking …")

    def show_progress(done: int, total: int) -> None:
        bar.progress(done / total, f"{done:,} of {total:,} pictures")

    try:
        contents = [(file.name, file.getvalue()) for file in files]
        upload = keep_upload(contents, megabytes * 1e6, show_progress)
    except (UserError, OSError) as error:
        bar.empty()
        st.error(str(explained(error) or error))
        return
    st.session_state["train-data"] = upload.name
    st.session_state[UPLOADS] = number + 1
    st.rerun()


def manage(data: Upload) -> None:
    """Name the classes, or remove the data."""
    with st.popover("Classes and removal", icon=":material/settings:"):
        known = [c.name for c in data.classes]
        label = "Names of the classes, in the order of their numbers"
        text = st.text_input(label, ", ".join(known), key=f"names-{data.name}")
        names = [name.strip() for name in text.split(",")]
        try:
            if names != known:
                name_classes(data, names)
                st.rerun()
            if st.button("Remove this data", icon=":material/delete:"):
                remove(data)
                st.rerun()
        except (UserError, OSError) as error:
            st.error(str(error))
