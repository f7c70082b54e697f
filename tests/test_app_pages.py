"""Curves and Evaluate over the shipped models, without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from unet_core.runs import shipped_runs


@pytest.fixture
def app() -> AppTest:
    script = Path(__file__).parent.parent / "streamlit_app.py"
    return AppTest.from_file(script, default_timeout=30).run()


def test_curves_of_the_shipped_models(app):
    app.switch_page("pages/curves.py").run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1
    titles = app.dataframe[0].value["run"].tolist()
    assert shipped_runs()[0].title in titles
    app.segmented_control(key="metric").set_value("loss").run()
    app.toggle(key="log").set_value(True).run()
    assert not app.exception


def test_a_shipped_models_scores_are_shown_as_stored(app, monkeypatch, tmp_path):
    monkeypatch.setenv("UNET_DATA_DIR", str(tmp_path))
    app.switch_page("pages/evaluate.py").run()
    assert not app.exception
    scores = shipped_runs()[0].evaluation["scores"]
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Mean IoU"] == f"{scores['mean_iou']:.3f}"
    assert shown["Pixel accuracy"] == f"{scores['pixel_accuracy']:.3f}"
    assert "UNET_DATA_DIR" in app.info[0].value  # the pictures are not at hand


def test_the_worst_pictures_are_shown_where_the_data_is(app, real_pets, monkeypatch):
    monkeypatch.setenv("UNET_DATA_DIR", str(real_pets.folder.parent))
    app.switch_page("pages/evaluate.py").run()
    assert not app.exception
    worst = min(shipped_runs()[0].evaluation["per_picture"], key=lambda p: p["mean_iou"])
    assert worst["name"] in app.markdown[0].value
    assert len(app.image) == 24


def test_without_runs_each_page_says_what_to_do(app, shipped):
    for name, says in (("curves", "Train page"), ("evaluate", "evaluated yet")):
        app.switch_page(f"pages/{name}.py").run()
        assert says in app.info[0].value
