"""The Architectures page without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.test_feature_maps import build_run, write_config
from tests.test_specification import unet
from unet_core.architectures.articles import ARTICLES
from unet_core.architectures.catalogue import CATALOGUE


@pytest.fixture
def app() -> AppTest:
    script = Path(__file__).parent.parent / "streamlit_app.py"
    return AppTest.from_file(script, default_timeout=30)


def open_page(app: AppTest, **query) -> AppTest:
    app.run().switch_page("pages/architectures/page.py")
    for name, value in query.items():
        app.query_params[name.replace("_", "-")] = value
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize("name", CATALOGUE)
def test_each_network_is_drawn_with_its_totals(app, name):
    open_page(app, network=name)
    assert len(app.get("plotly_chart")) == 1
    parameters = next(metric for metric in app.metric if metric.label == "Parameters, M")
    assert parameters.value == f"{CATALOGUE[name].parameters / 1e6:.2f}"


def test_totals_change_with_the_arguments(app):
    open_page(app)
    app.slider(key="compact-depth").set_value(2)
    app.toggle(key="compact-skips").set_value(False).run()
    assert not app.exception
    smaller = unet(1, 256, depth=2, filters=32, skips=False).parameters
    parameters = next(metric for metric in app.metric if metric.label == "Parameters, M")
    assert parameters.value == f"{smaller / 1e6:.2f}"
    assert parameters.delta.startswith("-")


def test_a_size_that_does_not_fit_is_mended_and_said(app):
    open_page(app, network="original", original_size="500")
    assert any("500 pixels" in caption.value for caption in app.caption)


def test_feature_maps_of_a_sample(app):
    open_page(app, show="Feature maps", sample="coffee")
    assert len(app.image) == 2 + 5 * 3 + 1  # in and out, five levels, the bottom


def test_a_model_of_another_make_is_no_exception(app, channel_run):
    open_page(app, show="Feature maps")
    assert "export the run again" in app.error[0].value


def test_without_a_pair_the_page_says_how_to_train_one(app, shipped):
    open_page(app, show="Skip connections")
    assert "train --recipe lungs-no-skips" in app.info[0].value


def test_a_pair_is_shown_on_one_picture(app, shipped):
    pytest.importorskip("keras")
    for name, skips in (("with", True), ("without", False)):
        build_run(shipped / name, "compact", {"depth": 1, "filters": 2, "skips": skips}, 32)
    write_config(shipped / "unfinished", "compact", {})
    open_page(app, show="Skip connections")
    assert len(app.image) == 2
    app.segmented_control(key="picture-with").set_value("Test pictures").run()
    assert not app.exception
    assert len(app.image) == 4  # with the errors


def test_the_articles_have_their_counts(app):
    open_page(app, show="Articles")
    assert any("31,055,297" in caption.value for caption in app.caption)
    shown = " ".join(text.value for text in app.markdown)
    for article in ARTICLES:
        texts = (article.title, article.does, article.departs, article.flaw, article.here)
        assert all(text and text in shown for text in texts)
