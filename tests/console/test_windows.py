"""Several windows of one browser, which opens six connections to a host at most, receive live updates."""

from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, expect

from console.conftest import ConsoleAccount, ServedEmulator
from console.test_console_pages import WITH_ONE_PROFILE, wait_for_live_updates
from support.browser import BROWSER_PROFILES, browser_page

pytestmark = pytest.mark.slow("Drives Chromium.")

expect.set_options(timeout=60_000)

WINDOWS = 7


def test_seven_visible_windows_receive_live_updates(
    browser: Browser, emulator: ServedEmulator, account: ConsoleAccount
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(browser_page(browser, BROWSER_PROFILES[1], emulator.url))
        pages = [first, *(first.context.new_page() for _ in range(WINDOWS - 1))]
        for page in pages:
            page.goto(account.page_path("/"))
            wait_for_live_updates(page)
            assert page.evaluate("document.visibilityState") == "visible"
        account.send(content="first")
        for page in pages:
            expect(page.locator(".messages tbody tr")).to_have_count(1)
        pages[0].close()
        pages[1].reload()
        wait_for_live_updates(pages[1])
        account.send(content="second")
        for page in pages[1:]:
            expect(page.locator(".messages tbody tr")).to_have_count(2)


@WITH_ONE_PROFILE
def test_a_browser_without_shared_workers_receives_live_updates(page: Page, account: ConsoleAccount) -> None:
    page.add_init_script("delete window.SharedWorker")
    page.goto(account.page_path("/"))
    wait_for_live_updates(page)
    account.send()
    expect(page.locator(".messages tbody tr")).to_have_count(1)
