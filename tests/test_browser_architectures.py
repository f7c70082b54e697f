"""The Architectures page in a real browser: hovering, links, feature maps."""

import pytest

from tests.test_browser_segment import RESULT, wait_for

pytestmark = pytest.mark.slow

By = pytest.importorskip("selenium.webdriver.common.by").By
ActionChains = pytest.importorskip("selenium.webdriver").ActionChains


def test_bars_tell_their_layer_and_the_link_keeps_the_choice(app_url, browser):
    browser.get(f"{app_url}/architectures?network=original&original-filters=16")
    bars = wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, ".js-plotly-plot .point path"))

    def told():
        ActionChains(browser).move_to_element(bars[1]).move_by_offset(0, 2).perform()
        return browser.find_elements(By.CSS_SELECTOR, ".js-plotly-plot .hovertext")

    text = wait_for(told)[0].text
    assert "encoder1_conv1" in text and "570 × 570 pixels × 16 channels" in text

    before = browser.find_element(By.CSS_SELECTOR, "[data-testid=stMetricValue]").text
    browser.find_element(By.XPATH, "//label[contains(., 'Skips')]").click()
    wait_for(lambda: "original-skips=false" in browser.current_url)
    total = "[data-testid=stMetricValue]"
    wait_for(lambda: browser.find_element(By.CSS_SELECTOR, total).text != before)
    after = browser.find_element(By.CSS_SELECTOR, total).text
    browser.refresh()
    wait_for(lambda: browser.find_element(By.CSS_SELECTOR, total).text == after)


def test_feature_maps_by_a_click(app_url, browser):
    browser.get(f"{app_url}/architectures")
    browser.find_element(By.XPATH, "//button[contains(., 'Feature maps')]").click()
    wait_for(lambda: len(browser.find_elements(By.CSS_SELECTOR, RESULT)) == 18)
    assert "show=Feature" in browser.current_url
