"""The real server in a real browser."""

import time

import numpy as np
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from unet_core.samples import SAMPLES

RESULT = "[data-testid=stImage] img"


def wait_for(condition, seconds: float = 30):
    deadline = time.time() + seconds
    while not (found := condition()):
        assert time.time() < deadline, "the page did not get there in time"
        time.sleep(0.2)
    return found


def colours_of(browser, picture) -> list[float]:
    """Mean red, green and blue of a picture as the browser shows it."""
    return browser.execute_script(
        """const canvas = document.createElement("canvas"), image = arguments[0];
        canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
        const pen = canvas.getContext("2d"); pen.drawImage(image, 0, 0);
        const data = pen.getImageData(0, 0, canvas.width, canvas.height).data;
        const sum = [0, 0, 0];
        for (let i = 0; i < data.length; i += 4) for (let c = 0; c < 3; c++) sum[c] += data[i + c];
        return sum.map((value) => value / (data.length / 4));""",
        picture,
    )


def test_a_link_to_a_page_works_on_a_server_that_nobody_has_visited(app_url, browser):
    browser.get(f"{app_url}/train")
    browser.find_element(By.CSS_SELECTOR, "[data-testid=stTopNavLink]")
    assert browser.find_element(By.XPATH, "//h1[contains(., 'watch it learn')]")


def test_upload_a_photo_and_take_its_mask_home(app_url, browser, tmp_path):
    photo = SAMPLES["chelsea"].load()[:, :400]
    path = tmp_path / "my cat.png"
    Image.fromarray(photo).save(path)
    browser.get(app_url)
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, RESULT))

    browser.find_element(By.XPATH, "//button[contains(., 'Upload')]").click()
    browser.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(path))
    shown = wait_for(
        lambda: browser.find_elements(By.CSS_SELECTOR, f"{RESULT}[alt^='my cat.png']")
    )[0]
    wait_for(lambda: shown.get_property("naturalWidth"))
    red, green, blue = colours_of(browser, shown)
    plain = photo.mean((0, 1))
    # The overlay's orange lies on the cat: blue goes down, red stays above it.
    assert blue < plain[2] - 20 and red > blue + 60

    browser.find_element(By.XPATH, "//button[contains(., 'Mask (class ids)')]").click()
    mask = browser.downloads / "my cat_mask.png"
    wait_for(mask.exists)
    ids = np.asarray(Image.open(mask))
    assert ids.shape == photo.shape[:2]
    assert (ids == 0).mean() > 0.4 and ids.max() <= 2


def test_before_and_after_moves_with_the_arrow_keys(app_url, browser):
    browser.get(f"{app_url}/?view=Before+and+after")
    host = browser.find_element(By.CSS_SELECTOR, "[data-testid=stBidiComponentIsolated], "
                                "[data-testid=stBidiComponentRegular]")  # fmt: skip
    inside = wait_for(
        lambda: browser.execute_script(
            "const find = (e) => e.shadowRoot?.querySelector('input[type=range]') ??"
            "[...e.children].map(find).find(Boolean); return find(arguments[0]);",
            host,
        )
    )
    before = int(inside.get_property("value"))
    inside.send_keys(Keys.ARROW_LEFT * 5)
    assert int(inside.get_property("value")) == before - 5
