"""Evaluate and Curves by clicks in a real browser, on drawn pets."""

import numpy as np
import pytest
from PIL import Image

from unet_core.data.synthetic import SyntheticPets

pytestmark = pytest.mark.slow

webdriver = pytest.importorskip("selenium.webdriver")
exceptions = pytest.importorskip("selenium.common.exceptions")
By = pytest.importorskip("selenium.webdriver.common.by").By
Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
Wait = pytest.importorskip("selenium.webdriver.support.wait").WebDriverWait
NOT_YET = (
    exceptions.StaleElementReferenceException,
    exceptions.NoSuchElementException,
    exceptions.ElementNotInteractableException,
    exceptions.ElementClickInterceptedException,
    IndexError,
)
FIGURE = ".js-plotly-plot"


@pytest.fixture
def page(browser):
    browser.implicitly_wait(0)
    return Page(browser)


class Page:
    """What a visitor sees and does."""

    def __init__(self, browser):
        self.browser = browser

    def until(self, condition, seconds: float = 90):
        return Wait(self.browser, seconds, 0.2, NOT_YET).until(lambda _: condition())

    def all(self, css: str) -> list:
        return self.browser.find_elements(By.CSS_SELECTOR, css)

    def press(self, label: str) -> None:
        path = f"//button[contains(., '{label}') or @aria-label='{label}']"

        def pressed():
            button = self.browser.find_element(By.XPATH, f"//*[@data-testid='stMain']{path}")
            self.centre(button)  # else the page's header may lie over it
            button.click()
            return True

        self.until(pressed)

    def says(self, words: str, no_longer: bool = False) -> None:
        self.until(lambda: (words in self.all("[data-testid=stMain]")[0].text) != no_longer)

    def field(self, label: str):
        return self.until(lambda: self.all(f"input[aria-label='{label}']")[0])

    def chosen(self, label: str) -> str:
        return self.field(label).get_attribute("value")

    def choose(self, label: str, option: str) -> None:
        self.field(label).click()
        self.field(label).send_keys(option, Keys.ENTER)
        self.until(lambda: self.chosen(label) == option)

    def click_at(self, figure: int, x: float, y: float) -> None:
        """Click a figure's plot, ``x`` and ``y`` in 0–1 from its upper left."""
        area = self.until(lambda: self.all(f"{FIGURE} .nsewdrag")[figure])
        self.centre(area)
        width, height = area.size["width"], area.size["height"]
        move = webdriver.ActionChains(self.browser).move_to_element_with_offset(
            area, round((x - 0.5) * width), round((y - 0.5) * height)
        )
        move.pause(0.3).click().perform()  # Plotly wants to see the pointer before it clicks

    def centre(self, element) -> None:
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)

    def images(self) -> int:
        return len(self.all("[data-testid=stImage] img"))


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
