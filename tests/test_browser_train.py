"""A real training by clicks in a real browser."""

import os
import time
import urllib.parse

import pytest

pytestmark = pytest.mark.slow

ActionChains = pytest.importorskip("selenium.webdriver").ActionChains
exceptions = pytest.importorskip("selenium.common.exceptions")
By = pytest.importorskip("selenium.webdriver.common.by").By
Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
NOT_YET = (exceptions.StaleElementReferenceException, exceptions.ElementNotInteractableException)


def wait_for(condition, seconds: float = 300):
    deadline = time.time() + seconds
    while True:
        try:
            if found := condition():
                return found
        except NOT_YET:
            pass  # the page is still growing, or the live view was drawn anew in between
        assert time.time() < deadline, "the page did not get there in time"
        time.sleep(0.2)


def button(browser, label: str):
    path = f"//button[normalize-space(.) and contains(., '{label}')]"
    return next((b for b in browser.find_elements(By.XPATH, path) if b.is_displayed()), None)


def press(browser, label: str) -> None:
    def clicked():
        found = button(browser, label)
        if found:
            found.click()
        return found

    wait_for(clicked)


def choose_most_epochs(browser) -> bool:
    """So many that a training does not end before it is stopped."""
    sliders = browser.find_elements(By.CSS_SELECTOR, "input[type=range][aria-label=Epochs]")
    if sliders:
        browser.execute_script("arguments[0].focus()", sliders[0])
        ActionChains(browser).send_keys(Keys.END).perform()
    return bool(sliders) and sliders[0].get_attribute("value") == "60"


def text(browser) -> str:
    return browser.find_element(By.CSS_SELECTOR, "[data-testid=stMain]").text


def chosen_model(browser) -> str:
    boxes = browser.find_elements(By.CSS_SELECTOR, "input[aria-label=Model]")
    return boxes[0].get_attribute("value") if boxes else ""


def test_a_training_is_started_watched_stopped_and_used(app_url, browser):
    browser.implicitly_wait(0)
    browser.get(f"{app_url}/train")
    wait_for(lambda: choose_most_epochs(browser))
    press(browser, "Start")
    wait_for(lambda: "Running" in text(browser), 20)
    wait_for(lambda: "Training" in text(browser) and "left" in text(browser))
    browser.refresh()
    wait_for(lambda: "Running" in text(browser), 20)  # it goes on without the page
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "[data-testid=stImage] img"))

    press(browser, "Stop")
    wait_for(lambda: "Stopped" in text(browser))
    assert button(browser, "Resume") and not button(browser, "End now")
    press(browser, "Resume")
    wait_for(lambda: "Running" in text(browser), 20)
    press(browser, "Stop")
    wait_for(lambda: "Stopped" in text(browser))
    press(browser, "Segment with it")
    wait_for(lambda: "Drawn pets, mobilenetv2-fast" in chosen_model(browser))
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "[data-testid=stImage] img[alt]"))


def test_the_web_process_stays_free_of_tensorflow(app_url, browser):
    browser.get(f"{app_url}/train")
    wait_for(lambda: button(browser, "Start"))
    port = urllib.parse.urlparse(app_url).port
    maps = [server_maps(pid) for pid in os.listdir("/proc") if pid.isdigit()]
    (libraries,) = [m for command, m in maps if f"--server.port={port}" in command]
    assert "onnxruntime" in libraries and "tensorflow" not in libraries


def server_maps(pid: str) -> tuple[str, str]:
    try:
        with open(f"/proc/{pid}/cmdline") as command, open(f"/proc/{pid}/maps") as maps:
            return command.read(), maps.read()
    except OSError:
        return "", ""
