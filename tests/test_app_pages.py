"""Curves and Evaluate over the shipped models, without a browser."""

import io
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.evaluate.gallery import image_tiles
from unet_core.data.base import Dataset, Sample
from unet_core.data.synthetic import SyntheticPets
from unet_core.data.uploads import Pairs, keep_pairs
from unet_core.jobs import evaluations
from unet_core.metrics.evaluate import evaluate, write_evaluation
from unet_core.prediction.files import encode_png
from unet_core.store.classes import ClassInfo
from unet_core.store.environment import runs_folder
from unet_core.store.runs import Run, shipped_runs, write_json


@pytest.fixture
def app() -> AppTest:
    script = Path(__file__).parent.parent / "streamlit_app.py"
    return AppTest.from_file(script, default_timeout=30).run()


def test_curves_of_the_shipped_models(app):
    app.switch_page("pages/curves/page.py").run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1
    titles = app.dataframe[0].value["run"].tolist()
    assert shipped_runs()[0].title in titles
    app.segmented_control(key="metric").set_value("loss").run()
    app.toggle(key="log").set_value(True).run()
    assert not app.exception


def test_only_metrics_that_the_chosen_runs_have_are_offered(app):
    app.query_params.update({"curve-runs": "pets,membrane", "metric": "Dice"})
    app.switch_page("pages/curves/page.py").run()
    assert app.multiselect[0].value == ["pets", "membrane"]
    assert app.segmented_control(key="metric").value == "dice"
    assert any(caption.value == "Not measured in Pets." for caption in app.caption)
    app.multiselect[0].set_value(["pets"]).run()
    assert not app.exception
    assert app.segmented_control(key="metric").value == "mean_iou"
    assert "Dice" not in app.segmented_control(key="metric").options


def test_a_shipped_models_scores_are_shown_as_stored(app, monkeypatch, tmp_path):
    monkeypatch.setenv("UNET_DATA_DIR", str(tmp_path))
    app.switch_page("pages/evaluate/page.py").run()
    assert not app.exception
    scores = shipped_runs()[0].evaluation["metrics"]
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Mean IoU"] == f"{scores['mean_iou']:.3f}"
    assert shown["Pixel accuracy"] == f"{scores['pixel_accuracy']:.3f}"
    assert "UNET_DATA_DIR" in app.info[0].value  # the images are not at hand


def test_the_worst_pictures_are_shown_where_the_data_is(app, real_pets, monkeypatch):
    monkeypatch.setenv("UNET_DATA_DIR", str(real_pets.folder.parent))
    app.switch_page("pages/evaluate/page.py").run()
    assert not app.exception
    worst = min(shipped_runs()[0].evaluation["per_image"], key=lambda p: p["mean_iou"])
    assert worst["name"] in app.markdown[0].value
    assert len(app.image) == 24


def test_without_runs_each_page_says_what_to_do(app, shipped):
    for name, says in (("curves", "Train page"), ("evaluate", "evaluated yet")):
        app.switch_page(f"pages/{name}/page.py").run()
        assert says in app.info[0].value


class Discs(Dataset):
    """Bright discs on black: two classes."""

    name, title, credit = "npz:discs.npz", "Discs", ""
    classes = (ClassInfo("background", "#56B4E9", "background"), ClassInfo("disc", "#E69F00"))
    splits = {"trainval": [], "test": ["small", "large"]}

    def load(self, name: str) -> Sample:
        y, x = np.mgrid[-16:16, -16:16]
        mask = (np.hypot(x, y) < (6 if name == "small" else 12)).astype(np.uint8)
        return Sample(np.repeat(mask[..., None] * 255, 3, axis=-1), mask)


class Guess:
    """Sure of the middle of a disc, unsure around it."""

    size = 32

    def probabilities(self, image: np.ndarray) -> np.ndarray:
        y, x = np.mgrid[-16:16, -16:16]
        p = np.clip(1 - np.hypot(x, y) / 20, 0, 1).astype(np.float32)
        return np.stack([1 - p, p], axis=-1)


@pytest.fixture
def binary_run(channel_run) -> Run:
    config = channel_run.config | {
        "classes": [{"name": c.name, "color": c.color} for c in Discs.classes]
    }
    write_json(channel_run.path / "config.json", config)
    run = Run(channel_run.path)
    write_evaluation(run, evaluate(run, Discs(), "test", segmenter=Guess()))
    return run


def test_the_threshold_of_a_binary_model_moves_its_scores(app, binary_run):
    app.switch_page("pages/evaluate/page.py").run()
    scores = binary_run.evaluation["metrics"]
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Dice of disc"] == f"{scores['foreground_dice']:.3f}"
    app.segmented_control(key="look").set_value("Confidence").run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 5
    before = {m.label: m.value for m in app.metric}
    assert before["Dice"] == f"{scores['foreground_dice']:.3f}"
    app.slider(key="cut").set_value(0.9).run()
    after = {m.label: m.value for m in app.metric}
    assert after["Precision"] >= before["Precision"] and after["Recall"] < before["Recall"]


def test_scores_of_outlines_name_their_tolerance(app, binary_run):
    app.switch_page("pages/evaluate/page.py").run()
    scores = binary_run.evaluation["metrics"]
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Boundary F1 (0.75 %)"] == f"{scores['boundary_f1']:.3f}"
    assert "Boundary F (2 %)" not in shown
    column = app.dataframe[0].value["boundary F1 (0.75 %)"]
    assert column.tolist() == binary_run.evaluation["per_class"]["boundary_f1"]


def test_results_of_earlier_versions_are_shown_for_what_they_are(app, binary_run):
    result = binary_run.evaluation
    for key in ("boundary_tolerance", "roc_area", "average_precision", "curve"):
        del result[key]
    del result["metrics"]["boundary_f1"], result["per_class"]["boundary_f1"]
    result["metrics"]["boundary_f"] = 0.876
    write_evaluation(binary_run, result)
    app.switch_page("pages/evaluate/page.py").run()
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Boundary F (2 %)"] == "0.876" and "Boundary F1 (0.75 %)" not in shown
    app.segmented_control(key="look").set_value("Confidence").run()
    assert not app.exception
    titles = [chart.proto.spec for chart in app.get("plotly_chart")]
    assert any("(by 101 thresholds)" in title for title in titles)


def test_two_models_are_compared_picture_by_picture(app, channel_run, shipped):
    second = shipped / "second"
    second.mkdir()
    for name in ("config.json", "model.onnx"):
        (second / name).write_bytes((channel_run.path / name).read_bytes())
    names = SyntheticPets().splits["test"][:2]
    for run in (channel_run, Run(second)):
        write_evaluation(run, evaluate(run, SyntheticPets(), "test", names))
    app.switch_page("pages/evaluate/page.py").run()
    app.segmented_control(key="look").set_value("Compare").run()
    assert not app.exception
    assert (app.dataframe[0].value["difference"] == 0).all()
    assert len(app.image) == 8  # image, truth and two predictions of each


def test_models_scored_on_different_pictures_are_not_compared(app, channel_run, shipped):
    second = shipped / "second"
    second.mkdir()
    for name in ("config.json", "model.onnx"):
        (second / name).write_bytes((channel_run.path / name).read_bytes())
    names = SyntheticPets().splits["test"]
    for run, name in ((channel_run, names[0]), (Run(second), names[1])):
        write_evaluation(run, evaluate(run, SyntheticPets(), "test", [name]))
    app.switch_page("pages/evaluate/page.py").run()
    app.segmented_control(key="look").set_value("Compare").run()
    assert not app.exception
    assert "no picture in common" in app.info[0].value


def test_only_data_of_the_models_classes_is_offered(app, binary_run):
    app.switch_page("pages/evaluate/page.py").run()
    app.segmented_control(key="look").set_value("Other data").run()
    assert not app.exception
    offered = app.selectbox(key="on").options
    assert "Oxford-IIIT pets" not in offered and "My own pictures and masks" in offered


def own_files(masks: dict[str, np.ndarray]) -> list[tuple[str, bytes, str]]:
    """Green images with a red left half, and the masks."""
    image = np.zeros((32, 32, 3), np.uint8)
    image[:, :16, 0], image[:, 16:, 1] = 255, 255
    files = []
    for name, mask in masks.items():
        files += [(f"{name}.png", encode_png(image)), (f"{name}_mask.png", encode_png(mask))]
    return [(name, content, "image/png") for name, content in files]


def evaluate_own(app: AppTest, masks: dict[str, np.ndarray]) -> None:
    app.file_uploader(key="pairs").set_value(own_files(masks)).run()
    app.button(key="evaluate").click().run()


@pytest.fixture
def other_data(app, channel_run) -> AppTest:
    """The page where own images are scored, with a model that other processes find."""
    runs_folder().mkdir(exist_ok=True)
    channel_run.path.rename(runs_folder() / "channels")
    app.switch_page("pages/evaluate/page.py").run()
    return app.selectbox(key="on").set_value("pairs").run()


def test_own_black_and_white_masks_are_scored_and_the_border_is_explained(other_data):
    left = np.zeros((32, 32), np.uint8)
    left[:, :16] = 255
    evaluate_own(other_data, {"cat": left, "nobody": left * 0})
    deadline = time.time() + 60
    while evaluations.at_work() and time.time() < deadline:
        time.sleep(0.2)
    app = other_data.run()
    assert not app.exception and not app.error
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["IoU of pet"] == "0.500"  # found in both images, and it is in one
    assert any("model says border, the likelier of these counts" in c.value for c in app.caption)
    assert len(app.image) == 8  # image, truth, prediction and errors of each
    assert app.image[3].proto.imgs[0].caption == "errors for pet"
    for view in ("Confidence", "Compare"):
        app.segmented_control(key="look").set_value(view).run()
        assert not app.exception


def test_tiles_show_what_was_scored(channel_run):
    """Beside a black and white mask a border is shown as the likelier of pet and background."""
    image, mask = np.zeros((32, 32, 3), np.uint8), np.zeros((32, 32), np.uint8)
    image[..., 2], image[:16, :, 0], image[16:, :, 1], mask[:16] = 200, 100, 100, 255
    files = [("a.png", encode_png(image)), ("a_mask.png", encode_png(mask))]
    data = Pairs(keep_pairs(files), channel_run.classes)
    tiles = image_tiles(channel_run, data, data.splits["test"][0], focus=1)
    errors = np.asarray(Image.open(io.BytesIO(tiles[3]))).astype(int)
    assert np.ptp(errors, axis=-1).max() < 20  # grey: neither orange nor blue
    truth, prediction = (
        np.asarray(Image.open(io.BytesIO(tile))).astype(int) for tile in tiles[1:3]
    )
    assert np.abs(truth - prediction).max() < 20


def test_masks_that_do_not_go_together_are_refused_on_the_page(other_data):
    mask = np.zeros((32, 32), np.uint8)
    mask[0, 0] = 1
    evaluate_own(other_data, {"a": mask, "b": mask * 255})
    assert not other_data.exception
    assert "0, 1, 255 (255 in 0001-b)" in other_data.error[0].value
