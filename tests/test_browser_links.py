"""Links to pages in a real browser, each on a server that nobody has visited yet."""

import pytest

pytestmark = pytest.mark.slow

By = pytest.importorskip("selenium.webdriver.common.by").By

PAGES = {
    "": "See what a U-Net sees",
    "train": "Train a U-Net and watch it learn",
    "curves": "Is it learning?",
    "evaluate": "Can it be trusted?",
    "architectures": "How is a U-Net built?",
}


def all_texts(browser, css: str) -> list[str]:
    return [element.text for element in browser.find_elements(By.CSS_SELECTOR, css)]


@pytest.mark.parametrize("link", ["train", "evaluate?look=Confidence"])
def test_a_link_to_a_page_works_on_a_fresh_server(fresh_app_url, browser, link):
    browser.get(f"{fresh_app_url}/{link}")
    assert browser.find_element(By.CSS_SELECTOR, "h1").text == PAGES[link.partition("?")[0]]
    bar = all_texts(browser, "[data-testid=stTopNavLink]")
    assert len(bar) == len(PAGES) and bar[1].endswith("Train")
    browser.find_element(By.CSS_SELECTOR, "[data-testid=stMain] button")  # it has run
    assert browser.current_url == f"{fresh_app_url}/{link}"
    browser.implicitly_wait(1)
    assert not all_texts(browser, "[role=dialog]")  # Page not found


def test_each_page_has_its_address(app_url, browser):
    for path, title in PAGES.items():
        browser.get(f"{app_url}/{path}")
        browser.find_element(By.XPATH, f"//h1[contains(., '{title}')]")
        assert browser.current_url == f"{app_url}/{path}"
        browser.implicitly_wait(0)
        assert not all_texts(browser, "[role=dialog]")
        browser.implicitly_wait(20)
