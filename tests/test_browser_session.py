"""What a visitor chose stays, and goes by the run and not by its title: in a real browser."""

from pathlib import Path

import pytest
from PIL import Image

from tests.browsing import By, Keys, Page
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


def test_a_renamed_run_stays_the_one_that_is_shown(url, page, runs_dir):
    page.browser.get(f"{url}/train?run=beta")
    page.until(lambda: page.chosen("Run") == "Beta", 30)
    page.press("Manage")
    page.field("Name").send_keys(" two", Keys.ENTER)
    page.until(lambda: page.chosen("Run") == "Beta two", 30)
    keep = page.until(lambda: page.browser.find_elements(By.XPATH, "//label[contains(., 'Keep')]"))
    keep[0].click()
    page.until((runs_dir / "beta" / "pinned").exists, 30)
    assert page.chosen("Run") == "Beta two"
    assert "run=beta" in page.browser.current_url and "two" not in page.browser.current_url


def test_deleting_asks_first_and_can_be_undone(url, page, runs_dir):
    make_run(runs_dir / "delta", created="2026-01-01T08:00:00+00:00")
    page.browser.get(f"{url}/train?run=delta")
    page.until(lambda: page.chosen("Run") == "Delta", 30)
    page.press("Manage")
    page.press("Delete", "@data-testid='stPopoverBody'")
    page.until(lambda: page.browser.find_element(By.XPATH, "//button[contains(., 'Yes')]"), 30)
    assert (runs_dir / "delta").exists()
    page.press("Yes, delete Delta", "@data-testid='stPopoverBody'")
    page.says("Delta was deleted")
    assert not (runs_dir / "delta").exists() and page.chosen("Run") != "Delta"
    assert not page.all("input[aria-label=Name]")  # the next run's popover is closed
    page.press("Undo")
    page.until(lambda: page.chosen("Run") == "Delta", 30)
    assert (runs_dir / "delta" / "model.onnx").exists()


def test_scores_stand_under_the_name_of_what_they_were_scored_on(url, page):
    page.browser.get(f"{url}/evaluate?judged=lungs")
    page.until(lambda: page.chosen("Model") == "Lungs", 30)
    page.choose("Model", "Pets")
    page.until(lambda: page.chosen("Scored on").startswith("Oxford-IIIT pets"), 30)
    page.choose("Model", "Lungs")
    page.until(lambda: page.chosen("Scored on").startswith("Chest X-ray lungs"), 30)
    page.says("Dice of lung")
    assert "judged=lungs" in page.browser.current_url


def test_a_link_to_what_is_not_here_says_so(url, page):
    page.browser.get(f"{url}/evaluate?judged=lungs&scored=pairs-gone")
    page.says("pairs-gone")
    page.browser.get(f"{url}/?model=gone")
    page.says("gone")
    page.choose("Model", "Lungs")
    page.says("gone", no_longer=True)


def test_segment_with_it_leads_to_an_address_that_can_be_shared(url, page):
    page.browser.get(f"{url}/train?run=alpha")
    page.press("Segment with it")
    page.until(lambda: page.chosen("Model") == "Alpha", 30)
    page.until(lambda: "model=alpha" in page.browser.current_url, 30)
    page.browser.get("about:blank")
    page.browser.get(f"{url}/?model=alpha")
    page.until(lambda: page.chosen("Model") == "Alpha", 30)


def test_what_was_chosen_stays_while_another_page_is_visited(url, page, tmp_path):
    Image.new("RGB", (60, 40), "red").save(tmp_path / "red.png")
    page.browser.get(f"{url}/?model=lungs&threshold=0.7")
    page.press("Upload")
    page.until(lambda: page.all("input[type=file]")[0]).send_keys(str(tmp_path / "red.png"))
    page.until(lambda: page.all("img[alt^='red.png']"))
    page.go("Train")
    epoch = "input[type=range][aria-label='Predictions after epoch']"
    page.until(lambda: page.all(epoch)[0].get_attribute("value") == "5")
    page.choose("Pixels a side", "64")
    page.go("Segment")
    page.until(lambda: page.all("img[alt^='red.png']"))
    page.says("Still here: red.png")
    assert page.all("input[aria-label=Threshold]")[0].get_attribute("value") == "0.7"
    assert "threshold=0.7" in page.browser.current_url
    page.go("Train")
    page.until(lambda: page.all(epoch)[0].get_attribute("value") == "5")
    assert page.chosen("Pixels a side") == "64"
    page.go("Segment")
    page.press("Take away")
    page.says("Add a photo")


def test_the_link_that_is_copied_leads_back(url, page):
    page.browser.get(url)
    page.choose("Model", "Lungs")
    page.press("Copy link")
    link = page.until(lambda: page.all("[data-testid=stCode] code")[0].text)
    assert link == f"{url}?model=lungs"
    page.browser.get("about:blank")
    page.browser.get(link)
    page.until(lambda: page.chosen("Model") == "Lungs")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (768, 1024), (1920, 1080)])
def test_the_result_comes_first_and_fills_the_screen(url, page, width, height):
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.browser.get(url)
    image = page.until(lambda: page.all("[data-testid=stImage] img")[0])
    page.until(lambda: image.size["height"] > 100)
    assert image.location["y"] + image.size["height"] <= height
    assert image.size["width"] > 0.5 * width
    page.until(lambda: page.all(".st-key-source button"))
    for button in page.all(".st-key-source button"):  # none is cut off
        assert button.location["x"] + button.size["width"] <= width
    page.browser.get(f"{url}/train?run=alpha")
    box, form = page.field("Run"), page.field("Data")
    assert box.location["y"] <= form.location["y"] + 5
