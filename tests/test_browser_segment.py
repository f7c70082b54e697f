"""The real server in a real browser."""

import csv
import io
import json
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from unet_core.data.samples import SAMPLES

pytestmark = pytest.mark.slow

By = pytest.importorskip("selenium.webdriver.common.by").By
Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys

RESULT = "[data-testid=stImage] img"


def wait_for(condition, seconds: float = 30):
    deadline = time.time() + seconds
    while not (found := condition()):
        assert time.time() < deadline, "the page did not get there in time"
        time.sleep(0.2)
    return found


def mean_color(browser, image) -> list[float]:
    """Mean red, green and blue of an image as the browser shows it."""
    return browser.execute_script(
        """const canvas = document.createElement("canvas"), image = arguments[0];
        canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
        const pen = canvas.getContext("2d"); pen.drawImage(image, 0, 0);
        const data = pen.getImageData(0, 0, canvas.width, canvas.height).data;
        const sum = [0, 0, 0];
        for (let i = 0; i < data.length; i += 4) for (let c = 0; c < 3; c++) sum[c] += data[i + c];
        return sum.map((value) => value / (data.length / 4));""",
        image,
    )


def taken_home(browser, label: str, name: str):
    """The file that a button of the open Download menu brings."""
    wait_for(lambda: browser.find_elements(By.XPATH, f"//button[contains(., '{label}')]"))[
        0
    ].click()
    wait_for((browser.downloads / name).exists)
    return browser.downloads / name


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
    red, green, blue = mean_color(browser, shown)
    plain = photo.mean((0, 1))
    # The overlay's orange lies on the cat: blue goes down, red stays above it.
    assert blue < plain[2] - 20 and red > blue + 60

    browser.find_element(By.XPATH, "//button[contains(., 'Download')]").click()
    mask = taken_home(browser, "Mask (class ids)", "my cat_mask.png")
    cutout = taken_home(browser, "Cut-out", "my cat_cutout.png")
    coco = taken_home(browser, "Polygons (COCO)", "coco.json")
    ids = np.asarray(Image.open(mask))
    assert ids.shape == photo.shape[:2]
    assert (ids == 0).mean() > 0.4 and ids.max() <= 2
    alpha = np.asarray(Image.open(cutout))[..., 3]
    assert alpha[ids == 0].mean() > 230 and alpha[ids == 1].mean() < 40
    (image,) = json.loads(coco.read_text())["images"]
    assert (image["file_name"], image["width"]) == ("my cat.png", 400)


def test_two_pictures_of_one_name_come_home_in_a_zip(app_url, browser, tmp_path):
    sizes = {"cat.png": (300, 200), "Cat.jpg": (100, 160)}
    for name, size in sizes.items():
        Image.new("RGB", size, "white").save(tmp_path / name)
    browser.get(app_url)
    browser.find_element(By.XPATH, "//button[contains(., 'Upload')]").click()
    paths = "\n".join(str(tmp_path / name) for name in sizes)
    browser.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(paths)
    for text in ("Download", "All 2 pictures"):
        browser.find_element(By.XPATH, f"//button[contains(., '{text}')]").click()
    path = browser.downloads / "segmented.zip"
    wait_for(path.exists)

    archive = zipfile.ZipFile(path)
    rows = list(csv.DictReader(io.StringIO(archive.read("summary.csv").decode())))
    assert len({row["mask"].lower() for row in rows}) == 2
    for row in rows:
        mask = Image.open(io.BytesIO(archive.read(row["mask"])))
        assert mask.size == sizes[row["picture"]] == (int(row["width"]), int(row["height"]))
    assert len(archive.namelist()) == 7


def test_samples_have_small_pictures(app_url, browser):
    browser.get(app_url)
    buttons = browser.find_elements(By.CSS_SELECTOR, ".st-key-sample button")

    def images():
        return {button.value_of_css_property("background-image") for button in buttons}

    wait_for(lambda: len(images()) == len(SAMPLES))
    assert all(image.startswith('url("data:image/jpeg') for image in images())


def test_before_and_after_moves_with_the_arrow_keys(app_url, browser):
    browser.get(f"{app_url}/?view=Before+and+after")
    kinds = ("stBidiComponentIsolated", "stBidiComponentRegular")
    host = browser.find_element(By.CSS_SELECTOR, ", ".join(f"[data-testid={k}]" for k in kinds))
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
