"""A browser for tests: Chromium, driven through chromedriver.

The WebDriver protocol (W3C) is HTTP and JSON; the few commands that are needed are spoken here.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the protocol's key of a reference to an element
STARTING_SECONDS = 60
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
KEYS = {
    "Tab": "\ue004",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "Left": "\ue012",
    "Up": "\ue013",
    "Right": "\ue014",
    "Down": "\ue015",
    "Home": "\ue011",
    "End": "\ue010",
}


def find_browser() -> tuple[str, str] | None:
    """Programs of Chromium and chromedriver, None where either is not installed."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    driver = shutil.which("chromedriver")
    return None if chromium is None or driver is None else (chromium, driver)


class Browser:
    """One window of a headless browser."""

    def __init__(self, port: int, chromium: str, profile: Path) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=120)
        options = {
            "binary": chromium,
            "args": [*ARGUMENTS, f"--user-data-dir={profile}"],
        }
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        found = self._send("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{found['sessionId']}"

    def _send(self, method: str, path: str, content: Any = None) -> Any:
        body = None if content is None else json.dumps(content)
        self._connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = json.loads(self._connection.getresponse().read())["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(f"{method} {path}: {answer['error']}: {answer['message']}")
        return answer

    def _post(self, what: str, content: Any) -> Any:
        return self._send("POST", f"{self._session}/{what}", content)

    def open(self, path: Path, part: str = "") -> None:
        """Open a file, at a part of it."""
        self._post("url", {"url": "about:blank"})
        self._post("url", {"url": path.absolute().as_uri() + (f"#{part}" if part else "")})

    def close(self) -> None:
        """End the browser."""
        self._send("DELETE", self._session)
        self._connection.close()

    def resize(self, width: int, height: int) -> None:
        """Make the page itself, not the window, of this size, as a phone's or a desktop's."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._devtools("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, **media: str) -> None:
        """Preferences of the user, such as `prefers-reduced-motion`, underscores for hyphens."""
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in media.items()]
        self._devtools("Emulation.setEmulatedMedia", {"features": features})

    def _devtools(self, command: str, parameters: dict[str, Any]) -> Any:
        return self._post("goog/cdp/execute", {"cmd": command, "params": parameters})

    def run(self, script: str, *arguments: Any) -> Any:
        """Value of a script's `return`; promises are waited for."""
        return self._post("execute/sync", {"script": script, "args": list(arguments)})

    def find(self, selector: str) -> str:
        """Reference to the first element that a CSS selector matches."""
        return str(self._post("element", {"using": "css selector", "value": selector})[ELEMENT])

    def enter(self, selector: str | None) -> None:
        """Turn to the page within a frame, or back to the page itself."""
        frame = None if selector is None else {ELEMENT: self.find(selector)}
        self._post("frame", {"id": frame})

    def text(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector))

    def click(self, selector: str) -> None:
        self._post(f"element/{self.find(selector)}/click", {})

    def hover(self, selector: str, x: float, y: float) -> None:
        """Put the pointer over an element, at shares of its width and height."""
        self._point(selector, x, y, [])

    def click_at(self, selector: str, x: float, y: float) -> None:
        self._point(
            selector, x, y, [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        )

    def drag(self, selector: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        moved = self._move(selector, *end)
        self._point(
            selector,
            *start,
            [{"type": "pointerDown", "button": 0}, moved, {"type": "pointerUp", "button": 0}],
        )

    def _point(self, selector: str, x: float, y: float, actions: list[dict[str, Any]]) -> None:
        self.run("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", selector)
        pointer = {
            "type": "pointer",
            "id": "mouse",
            "parameters": {"pointerType": "mouse"},
            "actions": [self._move(selector, x, y), *actions],
        }
        self._post("actions", {"actions": [pointer]})

    def _move(self, selector: str, x: float, y: float) -> dict[str, Any]:
        width, height = self.run(
            "const b = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return [b.width, b.height]",
            selector,
        )
        # From the element's middle: in a frame, places on the page would be taken for those on the screen.
        at = {"x": round((x - 0.5) * width), "y": round((y - 0.5) * height)}
        return {"type": "pointerMove", "duration": 50, "origin": {ELEMENT: self.find(selector)}, **at}

    def wheel(self, selector: str, delta: int) -> None:
        """Turn the wheel over the middle of an element."""
        origin = {ELEMENT: self.find(selector)}
        action = {
            "type": "scroll",
            "x": 0,
            "y": 0,
            "deltaX": 0,
            "deltaY": delta,
            "duration": 20,
            "origin": origin,
        }
        self._post("actions", {"actions": [{"type": "wheel", "id": "wheel", "actions": [action]}]})

    def press(self, *keys: str) -> None:
        """Press keys one after the other, where the focus is."""
        actions = []
        for key in keys:
            value = KEYS.get(key, key)
            actions += [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        self._post("actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def complaints(self) -> list[str]:
        """What the console has been told since the last time, warnings and errors."""
        entries = self._post("se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]

    def screenshot(self) -> bytes:
        return base64.b64decode(self._send("GET", f"{self._session}/screenshot"))

    def wait_until(self, condition: Callable[[], Any], seconds: float = 20) -> None:
        """Wait for something to come true; AssertionError when it does not."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "the page has not come to this"
            time.sleep(0.02)


@contextmanager
def browser_running(programs: tuple[str, str], profile: Path) -> Iterator[Browser]:
    """A browser with an empty profile in a folder; ends with the context."""
    chromium, driver = programs
    process = subprocess.Popen(
        [driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    try:
        port = _port(process)
        browser = Browser(port, chromium, profile)
        try:
            yield browser
        finally:
            browser.close()
    finally:
        process.terminate()
        process.wait(STARTING_SECONDS)
        process.stdout.close()


def _port(process: subprocess.Popen[str]) -> int:
    """Port on which chromedriver says that it has started."""
    assert process.stdout is not None
    for line in process.stdout:
        if "started successfully on port" in line:
            return int(line.rstrip(".\n").rsplit(" ", 1)[1])
    raise RuntimeError("chromedriver has not started")
