"""Where a page's images come from: the samples, a run's own data, a visitor's files."""

import hashlib

import streamlit as st

from pages.shared.before_after import data_url
from pages.shared.segmenting import ImageSource
from pages.shared.widgets import linked, upload
from unet_core.data import Dataset, data_of
from unet_core.data.io import EXTENSIONS, open_image
from unet_core.data.samples import SAMPLES, SampleImage, samples_for
from unet_core.errors import UserError
from unet_core.prediction.views import thumbnail
from unet_core.store.runs import Run

MAX_NAMES = 40  # of a data set that a list offers


def choose_sample(run: Run) -> ImageSource:
    """One of the samples for the run, each with a small image on its button."""
    samples = samples_for(run)
    # Models of one kind share their samples; the first kind has the short name in links.
    key = "sample" if samples is SAMPLES else f"sample-{run.config['training']['data']}"
    st.html(gallery_style(key, samples))
    name = st.pills(
        "Sample",
        samples,
        format_func=lambda n: samples[n].title,
        default=next(iter(samples)),
        required=True,
        wrap=True,
        label_visibility="collapsed",
        **linked(key),
    )
    return ImageSource(f"{name}.png", name, samples[name].load, samples[name].credit)


@st.cache_data(show_spinner=False, hash_funcs={SampleImage: lambda sample: sample.title})
def gallery_style(key: str, samples: dict[str, SampleImage]) -> str:
    """Style that puts a small image on each of the samples' buttons."""
    rules = [
        f".st-key-{key} button {{ min-height: 3.25rem; padding-left: 4.25rem;"
        " background-size: 3.25rem 100%; background-repeat: no-repeat; }"
    ]
    for position, sample in enumerate(samples.values(), start=1):
        rules.append(
            f".st-key-{key} button:nth-of-type({position})"
            f" {{ background-image: url({data_url(thumbnail(sample.load(), 104))}); }}"
        )
    return f"<style>{' '.join(rules)}</style>"


def uploaded(name: str, data: bytes) -> ImageSource:
    """A visitor's file."""
    return ImageSource(name, hashlib.sha256(data).hexdigest(), lambda: open_image(data, name))


def choose_image(run: Run) -> ImageSource | None:
    """One image for ``run``: a sample, one of the data it was trained on, or a visitor's own.

    The choice is kept for each run, since another run's data has other images.
    """
    key = f"picture-{run.name}"
    dataset = own_data(run)
    sources = ["Samples", *(["Test pictures"] if dataset else []), "Upload"]
    knows_pets = any(info.name == "pet" for info in run.classes)
    default = "Samples" if knows_pets or not dataset else "Test pictures"
    source = st.segmented_control("Picture", sources, default=default, required=True, **linked(key))
    if source == "Samples":
        return choose_sample(run)
    if source == "Test pictures" and dataset:
        return choose_test_image(dataset, f"{key}-name")
    types = list(EXTENSIONS)
    files = upload("Drop a picture here", "file", type=types, max_upload_size=20)
    return uploaded(files[-1].name, files[-1].getvalue()) if files else None


def own_data(run: Run) -> Dataset | None:
    """The data that the run was trained on, where it is at hand."""
    try:
        return data_of(run.config)
    except UserError as error:
        st.caption(f":material/info: The data that this model learned from is not here. {error}")
        return None


def choose_test_image(dataset: Dataset, key: str) -> ImageSource:
    names = dataset.splits["test"][:MAX_NAMES]
    note = f"Not seen in training. {dataset.credit}"
    name = st.selectbox("Which", names, help=note, **linked(key))
    return ImageSource(
        name,
        f"{dataset.name}/{name}",
        load=lambda: dataset.load(name).image,
        credit=dataset.credit,
        truth=lambda: dataset.load(name).mask,
    )
