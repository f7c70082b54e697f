"""What a visitor chose stays, and goes by the run and not by its title: in a real browser."""

from pathlib import Path

import pytest
from PIL import Image

from tests.browsing import Page
from tests.conftest import served_app, write_channel_network
from unet_core.data.pets import PET_CLASSES
from unet_core.store.config import TrainingConfig
from unet_core.store.runs import write_json

pytestmark = pytest.mark.slow

HISTORY = "epoch,loss,val_loss,mean_iou,val_mean_iou,seconds\n0,1,1.1,0.5,0.4,9\n"


@pytest.fixture
def page(browser):
    browser.implicitly_wait(0)
    return Page(browser)


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory) -> Path:
    """Three runs that have learned, the newest called Gamma."""
    folder = tmp_path_factory.mktemp("served") / "runs"
    for day, name in enumerate(("alpha", "beta", "gamma"), start=1):
        make_run(folder / name, created=f"2026-01-0{day}T09:00:00+00:00")
    return folder


@pytest.fixture(scope="module")
def url(runs_dir):
    """The address of an app that shows them."""
    with served_app(runs_dir) as address:
        yield address


def make_run(path: Path, created: str) -> None:
    (path / "samples").mkdir(parents=True)
    config = {"title": path.name.title(), "training": TrainingConfig(image_size=32).to_dict()}
    config |= {"classes": [{"name": c.name, "color": c.color} for c in PET_CLASSES]}
    write_json(path / "config.json", config | {"created": created})
    write_json(path / "status.json", {"state": "stopped"})
    (path / "history.csv").write_text(HISTORY)
    write_channel_network(path / "model.onnx", 32)
    for epoch in range(1, 6):
        Image.new("RGB", (60, 20)).save(path / "samples" / f"epoch-{epoch:03d}.png")


def test_two_models_are_compared_before_and_after(app_url, page):
    page.browser.get(f"{app_url}/?view=Before+and+after&compare=Pets%2C+hand-made+labels+only")
    page.until(lambda: page.chosen("Compare with") == "Pets, hand-made labels only")
    handles = page.until(lambda: len(page.all("[data-testid^=stBidiComponent]")) >= 2, 30)
    assert handles and not page.all("[data-testid=stException]")
