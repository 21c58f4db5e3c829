"""Chromium for tests: finds an installed browser, and opens pages that must not write errors to their console."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, sync_playwright

PROGRAM_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
REQUIRED_VARIABLE = "SMS10692_REQUIRE_BROWSER"
"""If this environment variable is set, a machine without a browser fails its tests instead of skipping them."""


_IGNORED_MESSAGES = ("Failed to load resource", "Cross-Origin-Opener-Policy header has been ignored")

HOST = "sms.example"
PROXY_HOST = "mock.example.com"
"""Host names that the browser resolves to 127.0.0.1."""

_RESOLVER_RULES = ", ".join(f"MAP {name} 127.0.0.1" for name in (HOST, PROXY_HOST))


class NoBrowser(Exception):
    """No Chromium is installed."""


class BrowserProfile(NamedTuple):
    """Language, window width and theme of a browser."""

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
    """Start Playwright's own Chromium if it is installed, else the system's. Raises NoBrowser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_find_executable(playwright),
            # Chromium's sandbox does not start as root, which is usual in containers. Only our own pages are opened.
            chromium_sandbox=False,
            args=["--disable-gpu", "--font-render-hinting=none", f"--host-resolver-rules={_RESOLVER_RULES}"],
        )
        try:
            yield browser
        finally:
            browser.close()


def _find_executable(playwright: Playwright) -> str:
    if Path(playwright.chromium.executable_path).exists():
        return playwright.chromium.executable_path
    for name in PROGRAM_NAMES:
        found = shutil.which(name)
        if found:
            return found
    raise NoBrowser(
        "Chromium was not found. Run `playwright install chromium`, or install one of " + ", ".join(PROGRAM_NAMES)
    )


def required_in_ci() -> bool:
    """Return whether a missing browser must fail the tests."""
    return bool(os.environ.get(REQUIRED_VARIABLE))


@contextmanager
def browser_page(browser: Browser, profile: BrowserProfile, url: str) -> Iterator[Page]:
    """Open a page in a new browser context with this profile; `page.goto("/path")` is relative to `url`.

    Fails the test if the page writes errors or warnings to the console. Two messages of the browser itself are ignored:
    failed requests, and plain HTTP by host name.
    """
    context = browser.new_context(
        base_url=url,
        viewport={"width": profile.width, "height": 800},
        locale={"zh": "zh-CN", "en": "en-US"}[profile.language],
        color_scheme="dark" if profile.theme == "dark" else "light",
        permissions=["clipboard-read", "clipboard-write"],
        reduced_motion="reduce",
        ignore_https_errors=True,  # Tests use self-signed certificates.
    )
    context.set_default_timeout(60_000)  # A busy machine must not fail tests.
    page = context.new_page()
    messages: list[str] = []

    def record(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(expected in message.text for expected in _IGNORED_MESSAGES):
            messages.append(message.text)

    page.on("console", record)
    page.on("pageerror", lambda error: messages.append(str(error)))
    try:
        yield page
        assert messages == [], messages
    finally:
        context.close()


def find_serious_violations(page: Page) -> list[str]:
    """Return the violations that axe rates serious or critical."""
    page.evaluate(AXE_FILE_PATH.read_text("utf-8"))
    result = page.evaluate(
        "axe.run(document, { resultTypes: ['violations'], rules: { 'color-contrast': { enabled: true } } })"
    )
    return [
        f"{violation['id']} {[node['html'][:120] for node in violation['nodes'][:3]]}"
        for violation in result["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]
