"""Where a page's images come from: the samples, a run's own data, a visitor's files."""

import hashlib

import streamlit as st

from pages.common import ImageSource, data_url
from unet_core.data import data_of
from unet_core.data.io import EXTENSIONS, open_image
from unet_core.data.samples import SAMPLES, SampleImage, samples_for
from unet_core.errors import UserError
from unet_core.prediction.views import fit
from unet_core.store.runs import Run

SHOWN = 40  # names of a data set that a list offers


def choose_sample(run: Run) -> ImageSource:
    """One of the samples for the run, each with a small image on its button."""
    samples = samples_for(run)
    # Models of one kind share their samples; the first kind has the short name in links.
    key = "sample" if samples is SAMPLES else f"sample-{run.config['training']['data']}"
    st.html(gallery_style(key, samples))
    name = st.pills(
        "Sample", samples, format_func=lambda n: samples[n].title, default=next(iter(samples)),
        required=True, wrap=True, key=key, bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    return ImageSource(f"{name}.png", name, samples[name].load, samples[name].credit)


@st.cache_data(show_spinner=False, hash_funcs={SampleImage: lambda sample: sample.title})
def gallery_style(key: str, samples: dict[str, SampleImage]) -> str:
    """Style that puts a small image on each of the samples' buttons."""
    rules = [
        f".st-key-{key} button {{ min-height: 3.25rem; padding-left: 4.25rem;"
        " background-size: 3.25rem 100%; background-repeat: no-repeat; }"
    ]
    for position, sample in enumerate(samples.values(), start=1):
        image = sample.load()
        side = min(image.shape[:2])
        top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
        thumbnail = fit(image[top : top + side, left : left + side], 104)
        rules.append(
            f".st-key-{key} button:nth-of-type({position})"
            f" {{ background-image: url({data_url(thumbnail)}); }}"
        )
    return f"<style>{' '.join(rules)}</style>"


def uploaded(file) -> ImageSource:
    data = file.getvalue()
    key = hashlib.sha256(data).hexdigest()
    return ImageSource(file.name, key, lambda: open_image(data, file.name))


def choose_image(run: Run) -> ImageSource | None:
    """One image for ``run``: a sample, one of the data it was trained on, or a visitor's own.

    The choice is kept for each run, since another run's data has other images.
    """
    key = f"picture-{run.name}"
    sources = ["Samples", "Test pictures", "Upload"]
    try:
        dataset = data_of(run.config)
    except UserError as error:
        dataset = None
        sources.remove("Test pictures")
        st.caption(f":material/info: The data that this model learned from is not here. {error}")
    knows_pets = any(info.name == "pet" for info in run.classes)
    source = st.segmented_control(
        "Picture", sources, default="Samples" if knows_pets or not dataset else "Test pictures",
        required=True, key=key, bind="query-params",
    )  # fmt: skip
    if source == "Samples":
        return choose_sample(run)
    if source == "Upload":
        file = st.file_uploader(
            "Drop a picture here", type=list(EXTENSIONS), max_upload_size=20, key="file"
        )
        return uploaded(file) if file else None
    name = st.selectbox(
        "Which", dataset.splits["test"][:SHOWN], key=f"{key}-name", bind="query-params",
        help=f"Not seen in training. {dataset.credit}",
    )  # fmt: skip
    return ImageSource(
        name, f"{dataset.name}/{name}", lambda: dataset.load(name).image, dataset.credit,
        lambda: dataset.load(name).mask,
    )  # fmt: skip
