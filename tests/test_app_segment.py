"""The Segment page, without a browser."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.segment import doubts
from pages.shared import segmenting
from unet_core.data.samples import SAMPLES
from unet_core.prediction.familiarity import WARNING
from unet_core.store.runs import write_json

LUNG_CLASSES = [{"name": n, "color": "#E69F00"} for n in ("background", "lung", "other")]


@pytest.fixture
def page() -> AppTest:
    return AppTest.from_file(Path(__file__).parent.parent / "streamlit_app.py", default_timeout=30)


def png(color, size=(40, 30)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, format="PNG")
    return file.getvalue()


def upload(page: AppTest, *files) -> None:
    page.run()
    page.segmented_control(key="source").set_value("upload").run()
    page.file_uploader(key="files").set_value([(n, d, "image/png") for n, d in files]).run()


def test_it_opens_with_a_sample_that_is_already_segmented(page, channel_run):
    page.run()
    assert not page.exception
    assert len(page.image) == 1
    assert page.selectbox(key="model-box").value == "channels"
    labels = [button.label for button in page.get("download_button")]
    assert labels == [
        "Picture as shown",
        "Mask (class ids)",
        "Mask (colours)",
        "Cut-out (transparent)",
        "Blurred background",
        "Polygons (YOLO)",
        "Polygons (COCO)",
        "Table (CSV)",
    ]


def test_without_a_model_it_says_what_to_do(page, shipped):
    page.run()
    assert "Train one" in page.info[0].value


@pytest.fixture
def calls(monkeypatch) -> list:
    """Grows by one at each run of the network."""
    made = []
    original = segmenting.Segmenter.probabilities

    def counted(self, image):
        made.append(image.shape)
        return original(self, image)

    monkeypatch.setattr(segmenting.Segmenter, "probabilities", counted)
    segmenting._segment.clear()
    return made


def test_moving_a_slider_does_not_run_the_network_again(page, channel_run, calls):
    page.run()
    page.slider(key="opacity").set_value(0.9).run()
    page.segmented_control(key="view").set_value("Outline").run()
    page.segmented_control(key="view").set_value("Side by side").run()
    assert not page.exception
    assert len(calls) == 1


def test_nor_does_it_with_as_many_pictures_as_are_taken(page, channel_run, calls):
    count = segmenting.MAX_IMAGES
    files = [(f"{side}.png", png("red", (20 + side, 20))) for side in range(count + 2)]
    upload(page, *files)
    assert f"first {count}" in page.warning[0].value
    assert len(calls) == 1 + count  # and the sample that the page opened with
    page.slider(key="opacity").set_value(0.9).run()
    assert len(calls) == 1 + count


@pytest.mark.parametrize("view", ["Overlay", "Before and after", "Side by side"])
@pytest.mark.parametrize("size", [(8, 5000), (5000, 8)])
def test_very_narrow_pictures_are_shown(page, channel_run, view, size):
    if view == "Before and after" and not hasattr(st, "grid"):
        pytest.skip("each test has a new Streamlit, and an older one forgets its components")
    page.query_params["view"] = view
    upload(page, ("narrow.png", png("red", size)))
    assert not page.exception and not page.error


def test_a_bad_file_gets_a_sentence_and_the_others_go_on(page, channel_run):
    upload(page, ("cat.png", png("red")), ("empty.png", b""), ("text.png", b"hello there"))
    assert not page.exception
    assert [e.value.split()[0] for e in page.error] == ["empty.png", "text.png"]
    assert len(page.image) == 1


def test_several_pictures_give_a_table_and_a_zip(page, channel_run):
    upload(page, ("a.png", png("red")), ("b.png", png("blue")))
    table = page.dataframe[0].value
    assert table["picture"].tolist() == ["a.png", "b.png"]
    assert table["pet"].tolist() == [1, 0] and table["border"].tolist() == [0, 1]
    assert any("zip" in button.label for button in page.get("download_button"))


def test_a_link_brings_back_what_was_looked_at(page, channel_run):
    page.query_params["sample"] = SAMPLES["coffee"].title
    page.query_params["opacity"] = "0.8"
    page.run()
    assert page.pills(key="sample").value == "coffee"
    assert page.slider(key="opacity").value == pytest.approx(0.8)


def test_two_models_stand_side_by_side(page, channel_run):
    other = channel_run.path.parent / "other"
    shutil.copytree(channel_run.path, other)
    page.run()
    page.selectbox(key="compare-box").set_value("other").run()
    assert not page.exception
    assert len(page.image) == 2


def test_a_model_of_other_things_has_its_own_samples(page, channel_run, tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_DATA_DIR", str(tmp_path))
    lungs = channel_run.path.parent / "lungs"
    shutil.copytree(channel_run.path, lungs)
    config = channel_run.config | {"title": "Lungs", "classes": LUNG_CLASSES}
    config["training"] = config["training"] | {"data": "lungs"}
    write_json(lungs / "config.json", config)
    page.run()
    page.selectbox(key="model-box").set_value("lungs").run()
    assert not page.exception
    assert page.pills(key="sample-lungs").options == ["A drawn film"]
    assert page.selectbox(key="model-box").value == "lungs"
    assert not any(box.key == "compare-box" for box in page.selectbox)  # no other knows its classes


@pytest.fixture
def green_lungs(channel_run):
    """What is green is a lung, for a run that learned from X-rays."""
    config = channel_run.config | {"classes": LUNG_CLASSES}
    config["training"] = config["training"] | {"data": "lungs"}
    write_json(channel_run.path / "config.json", config)
    return channel_run


def lungs_png(halves: int) -> bytes:
    """Two upright bars in the channel of class 1, or the left one alone, on class 0."""
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[..., 0] = 255
    for column in (12, 38)[:halves]:
        pixels[12:52, column : column + 14] = (0, 255, 0)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def test_a_mask_that_is_no_pair_of_lungs_is_said_to_be_none(page, green_lungs):
    upload(page, ("half.png", lungs_png(1)))
    assert not page.exception
    assert [warning.value for warning in page.warning] == [
        "This does not look like two lungs: pieces: 1, where 2 are usual."
    ]
    upload(page, ("both.png", lungs_png(2)))
    assert not page.exception and not page.warning


def test_of_other_models_nothing_is_expected(page, channel_run):
    upload(page, ("half.png", lungs_png(1)))
    assert not page.exception and not page.warning


def test_the_share_shown_is_the_masks(page, channel_run):
    upload(page, ("red.png", png((255, 0, 0))))
    legend = "".join(element.proto.body for element in page.get("html"))
    assert "100.0%" in legend
    assert np.isclose(page.slider(key="opacity").value, 0.5)


class RedIsStrange:
    tested, false_alarms = 50, 3

    def strangeness(self, image: np.ndarray) -> float:
        return 1.01 if image[..., 0].mean() > 100 else 0.99


def warnings_of(page: AppTest) -> list:
    return [caption for caption in page.caption if WARNING in caption.value]


def test_a_picture_unlike_the_known_ones_gets_a_sentence(page, channel_run, monkeypatch):
    doubts._strangeness.clear()
    doubts._familiarity.clear()
    monkeypatch.setattr(doubts, "familiarity_of", lambda run: RedIsStrange())
    upload(page, ("blue.png", png("blue")), ("red.png", png("red")))
    assert not page.exception and not warnings_of(page)
    page.session_state["photo-of-2"] = 2
    page.run()
    (warning,) = warnings_of(page)
    assert "Of 50 test pictures" in warning.help and "3 got this" in warning.help


def test_a_model_that_cannot_tell_says_nothing(page, channel_run):
    doubts._strangeness.clear()
    doubts._familiarity.clear()
    upload(page, ("red.png", png("red")))
    assert not page.exception and len(page.image) == 1 and not warnings_of(page)
