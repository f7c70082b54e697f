"""A visitor of the app in a real browser."""

import pytest

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


class Page:
    """What a visitor sees and does."""

    def __init__(self, browser):
        self.browser = browser

    def until(self, condition, seconds: float = 90):
        return Wait(self.browser, seconds, 0.2, NOT_YET).until(lambda _: condition())

    def all(self, css: str) -> list:
        return self.browser.find_elements(By.CSS_SELECTOR, css)

    def press(self, label: str, inside: str = "@data-testid='stMain'") -> None:
        path = f"//button[contains(., '{label}') or @aria-label='{label}']"

        def pressed():
            button = self.browser.find_element(By.XPATH, f"//*[{inside}]{path}")
            self.centre(button)  # else the page's header may lie over it
            button.click()
            return True

        self.until(pressed)

    def go(self, page: str) -> None:
        """To another page by the bar at the top, as a visitor does."""
        link = f"//*[@data-testid='stTopNavLink'][contains(., '{page}')]"
        self.until(lambda: self.browser.find_element(By.XPATH, link)).click()

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
