"""A real browser for tests: how one is found, and what is watched of every page that it opens.

Here belongs Chromium. What a page should show is each test's own affair.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, sync_playwright

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REQUIRED_VARIABLE = "SMS10692_REQUIRE_BROWSER"
"""Where this is set, a machine without a browser fails its tests instead of skipping them."""


_EXPECTED = ("Failed to load resource", "Cross-Origin-Opener-Policy header has been ignored")

HOST = "sms.example"
"""A name that the browser takes for 127.0.0.1."""


class NoBrowser(Exception):
    """There is no Chromium on this machine."""


class BrowserProfile(NamedTuple):
    """How somebody looks at a page."""

    language: str
    width: int
    theme: str

    def __str__(self) -> str:
        return f"{self.language}-{self.width}-{self.theme}"


BROWSER_PROFILES = tuple(BrowserProfile(language, width, theme) for language, width, theme in (
    ("zh", 375, "dark"),
    ("en", 1280, "light"),
    ("en", 375, "light"),
    ("zh", 1280, "dark"),
))  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser: Playwright's own where it is installed, else the machine's. Raises NoBrowser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_executable(playwright),
            # In containers everything runs as root, where Chromium's sandbox does not start; only our pages are opened.
            chromium_sandbox=False,
            args=["--disable-gpu", "--font-render-hinting=none", f"--host-resolver-rules=MAP {HOST} 127.0.0.1"],
        )
        try:
            yield browser
        finally:
            browser.close()


def _executable(playwright: Playwright) -> str:
    if Path(playwright.chromium.executable_path).exists():
        return playwright.chromium.executable_path
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    raise NoBrowser("no Chromium was found: `playwright install chromium`, or one of " + ", ".join(NAMES))


def required_in_ci() -> bool:
    """Whether tests without a browser are a failure."""
    return bool(os.environ.get(REQUIRED_VARIABLE))


@contextmanager
def browser_page(browser: Browser, look: BrowserProfile, url: str) -> Iterator[Page]:
    """A page of a fresh browser that looks so; `goto("/path")` goes to the server. Nothing may be said on its console.

    What the browser itself reports of every refusal, and of plain HTTP by a name, is no such thing.
    """
    context = browser.new_context(
        base_url=url,
        viewport={"width": look.width, "height": 800},
        locale={"zh": "zh-CN", "en": "en-US"}[look.language],
        color_scheme="dark" if look.theme == "dark" else "light",
        permissions=["clipboard-read", "clipboard-write"],
        reduced_motion="reduce",
        ignore_https_errors=True,  # the certificates of tests are nobody's
    )
    context.set_default_timeout(20_000)  # a busy machine is slow, and that is no failure
    page = context.new_page()
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(expected in message.text for expected in _EXPECTED):
            said.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(str(error)))
    try:
        yield page
        assert said == [], said
    finally:
        context.close()
