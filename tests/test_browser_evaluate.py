"""Evaluate and Curves by clicks in a real browser, on drawn pets."""

import numpy as np
import pytest
from PIL import Image

from tests.browsing import FIGURE, Page
from unet_core.data.synthetic import SyntheticPets

pytestmark = pytest.mark.slow


@pytest.fixture
def page(browser):
    browser.implicitly_wait(0)
    return Page(browser)


def test_a_model_is_scored_on_other_data_and_its_errors_are_looked_at(app_url, page):
    page.browser.get(f"{app_url}/evaluate?look=Other+data")
    page.choose("Data", "Drawn pets")
    page.press("20")
    page.press("Evaluate")
    page.until(lambda: "Drawn pets: 20 test pictures" in page.chosen("Scored on"), 180)
    page.until(lambda: page.images() == 24)  # four of each of the six worst

    page.click_at(0, 0.5, 1 / 6)  # first row, second column
    page.until(lambda: page.chosen("Which pictures") == "pet taken for background")
    page.click_at(0, 0.5, 1 / 6)
    page.until(lambda: page.chosen("Which pictures") == "All pictures")
    heights = [bar.size["height"] for bar in page.all(f"{FIGURE} .bars .point path")]
    page.click_at(1, (np.argmax(heights) + 0.5) / len(heights), 0.97)
    page.until(lambda: page.chosen("Which pictures").startswith("IoU 0."))
    bar, link = page.chosen("Which pictures"), page.browser.current_url
    page.browser.get("about:blank")
    page.browser.get(link)
    page.until(lambda: page.chosen("Which pictures") == bar)
    assert "Drawn pets" in page.chosen("Scored on")


def test_an_evaluation_stops_when_asked(app_url, page):
    page.browser.get(f"{app_url}/evaluate?look=Other+data")
    page.choose("Data", "Drawn pets")
    page.press("All")
    page.press("Evaluate")
    page.press("Stop")
    page.says("nothing was kept")


def test_own_pictures_and_masks_are_scored(app_url, page, tmp_path):
    sample = SyntheticPets().load(SyntheticPets().splits["test"][0])
    image, mask = tmp_path / "mine.png", tmp_path / "mine_mask.png"
    Image.fromarray(sample.image).save(image)
    Image.fromarray(sample.mask).save(mask)
    page.browser.get(f"{app_url}/evaluate?look=Other+data")
    page.choose("Data", "My own pictures and masks")
    page.until(lambda: page.all("input[type=file]")[0]).send_keys(str(image))
    page.says("mine.png")
    page.press("Evaluate")
    page.says("mine (no mask)")
    page.all("input[type=file]")[0].send_keys(str(mask))
    page.says("no mask", no_longer=True)  # the page has run again with the second file
    page.press("Evaluate")
    page.until(lambda: "Uploaded pairs: 1 test pictures" in page.chosen("Scored on"), 180)


def test_curves_are_saved_as_a_table_and_as_an_image(app_url, page):
    page.browser.get(f"{app_url}/curves?metric=Loss&log=true")
    page.until(lambda: page.all(f"{FIGURE} .gtitle")[0].text.startswith("Loss"))
    page.press("Curves as CSV")
    page.until(lambda: (page.browser.downloads / "curves.csv").exists())
    header = (page.browser.downloads / "curves.csv").read_text().splitlines()[0]
    assert header.startswith("run,epoch") and "val_mean_iou" in header
    page.press("Download plot as a PNG")
    page.until(lambda: (page.browser.downloads / "curves.png").exists())
