"""A browser for tests: headless Chromium, driven by Selenium."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # which containers run by root do not allow
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
POINTER_MS = 50  # that the pointer takes for a move


def find_browser() -> tuple[str, str] | None:
    """Programs of Chromium and chromedriver, None where either is not installed."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    driver = shutil.which("chromedriver")
    return None if chromium is None or driver is None else (chromium, driver)


class Browser:
    """One window; elements are named by CSS selectors."""

    def __init__(self, driver: Chrome) -> None:
        self._driver = driver

    def open(self, path: Path, part: str = "") -> None:
        """Open a file, at a part of it."""
        self._driver.get("about:blank")
        self._driver.get(path.absolute().as_uri() + (f"#{part}" if part else ""))

    def resize(self, width: int, height: int) -> None:
        """Make the page itself, not the window, of this size, as a phone's or a desktop's."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, **media: str) -> None:
        """Preferences of the user, such as `prefers-reduced-motion`, underscores for hyphens."""
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in media.items()]
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def run(self, script: str, *arguments: Any) -> Any:
        """Value of a script's `return`; promises are waited for."""
        return self._driver.execute_script(script, *arguments)

    def enter(self, selector: str | None) -> None:
        """Turn to the page within a frame, or back to the page itself."""
        if selector is None:
            self._driver.switch_to.default_content()
        else:
            self._driver.switch_to.frame(self._find(selector))

    def text(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector))

    def click(self, selector: str) -> None:
        self._find(selector).click()

    def hover(self, selector: str, x: float, y: float) -> None:
        """Put the pointer over an element, at shares of its width and height."""
        self._pointer_at(selector, x, y).perform()

    def click_at(self, selector: str, x: float, y: float) -> None:
        self._pointer_at(selector, x, y).click().perform()

    def drag(self, selector: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        pressed = self._pointer_at(selector, *start).click_and_hold()
        pressed.move_to_element_with_offset(*self._place(selector, *end)).release().perform()

    def wheel(self, selector: str, delta: int) -> None:
        """Turn the wheel over the middle of an element."""
        origin = ScrollOrigin.from_element(self._find(selector))
        ActionChains(self._driver).scroll_from_origin(origin, 0, delta).perform()

    def press(self, *keys: str) -> None:
        """Press keys one after the other, where the focus is: characters, or names such as `Tab`."""
        pressed = [getattr(Keys, key.upper(), key) for key in keys]
        ActionChains(self._driver).send_keys(*pressed).perform()

    def complaints(self) -> list[str]:
        """What the console has been told since the last time, warnings and errors."""
        entries = self._driver.get_log("browser")
        return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]

    def wait_until(self, condition: Callable[[], Any], seconds: float = 20) -> None:
        """Wait for something to come true; AssertionError when it does not."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "the page has not come to this"
            time.sleep(0.02)

    def _find(self, selector: str) -> WebElement:
        return self._driver.find_element(By.CSS_SELECTOR, selector)

    def _pointer_at(self, selector: str, x: float, y: float) -> ActionChains:
        self.run("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", selector)
        chain = ActionChains(self._driver, duration=POINTER_MS)
        return chain.move_to_element_with_offset(*self._place(selector, x, y))

    def _place(self, selector: str, x: float, y: float) -> tuple[WebElement, int, int]:
        # Counted from the element's middle.
        element = self._find(selector)
        size = self.run("const b = arguments[0].getBoundingClientRect(); return [b.width, b.height]", element)
        return element, round((x - 0.5) * size[0]), round((y - 0.5) * size[1])


@contextmanager
def browser_running(programs: tuple[str, str], profile: Path) -> Iterator[Browser]:
    """A browser with an empty profile in a folder; ends with the context."""
    chromium, driver = programs
    options = ChromeOptions()
    options.binary_location = chromium
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = Chrome(options, ChromeService(driver))
    try:
        yield Browser(chrome)
    finally:
        chrome.quit()
