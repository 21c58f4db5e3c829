"""States of the console while its data is loaded, and while the store is unavailable."""

from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from console.conftest import ConsoleAccount, ServedEmulator
from console.test_console_pages import console_text, wait_for_live_updates
from support.browser import BrowserProfile, browser_page, find_serious_violations
from support.emulators import emulator_process, sign
from support.http_client import build_request, send_raw
from support.stores import file_locked
from support.valkey_server import get_url, start_server, terminating, unresponsive_server
from support.valkey_store import NEED_SERVERS

pytestmark = pytest.mark.slow("Drives Chromium.")

expect.set_options(timeout=60_000)

WIDTHS = (320, 700, 1024, 1440)

Server = Popen[Any]


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Server]:
    server = start_server(tmp_path)
    with terminating(server):
        yield server


@NEED_SERVERS
def test_the_pages_say_that_the_store_is_unavailable_and_recover(
    browser: Browser, valkey: Server, profile: BrowserProfile
) -> None:
    with (
        emulator_process("--store", f"{get_url(valkey)}?timeout=1", "--log-level", "error") as (_, address),
        browser_page(browser, profile, ServedEmulator(address).url) as page,
    ):
        fields = {"action": "send", "userid": "12", "timestamp": "1", "sign": sign("test", "mima", "1")}
        form = urlencode(fields | {"mobile": "15023239810", "content": "x"})
        send_raw(address, build_request("/v2sms.aspx", form.encode()))
        page.goto("/")
        wait_for_live_updates(page)
        page.evaluate("console.error = () => {}")  # htmx logs failed requests there
        with unresponsive_server(valkey):
            expect(page.locator("#pause")).to_have_attribute("data-state", "failing")
            expect(page.locator("#unavailable")).to_have_text(console_text(profile, "layout.unavailable"))
            expect(page.locator(".messages tbody tr")).to_have_count(1)
            page.locator("#choose-account").press("Enter")
            expect(page.locator("#notice .bad")).to_be_visible()
            page.locator("dialog[open] button").press("Enter")
            assert find_serious_violations(page) == []
            opened = page.context.new_page()
            response = opened.goto("/requests")
            assert response is not None
            assert response.status == 503
            expect(opened.get_by_role("heading")).to_have_text(console_text(profile, "failure.title"))
            expect(opened.get_by_role("link", name=console_text(profile, "not_found.back"))).to_be_visible()
            for width in WIDTHS:
                opened.set_viewport_size({"width": width, "height": 800})
                assert opened.evaluate("document.documentElement.scrollWidth") == width
            assert find_serious_violations(opened) == []
        expect(page.locator("#unavailable")).to_be_hidden()
        wait_for_live_updates(page)
        expect(opened.locator(".requests tbody tr")).to_have_count(1)


def test_a_locked_file_is_named_and_the_pages_work_when_it_is_free_again(
    browser: Browser, tmp_path: Path, profile: BrowserProfile
) -> None:
    path = tmp_path / "store"
    with (
        emulator_process("--store", f"sqlite:{path}", "--log-level", "error") as (_, address),
        browser_page(browser, profile, ServedEmulator(address).url) as page,
    ):
        page.goto("/account")
        wait_for_live_updates(page)
        page.evaluate("console.error = () => {}")  # htmx logs failed requests there
        page.evaluate(
            "const button = document.getElementById('pause'); window.states = [];"
            "new MutationObserver(() => states.push(button.dataset.state)).observe(button, { attributes: true })"
        )
        page.locator("#points").fill("77")
        with file_locked(path):
            page.locator("#points").press("Enter")
            expect(page.locator("#notice .bad")).to_contain_text("is locked by another program")
            assert "failing" in page.evaluate("states")  # reading works: the next update ends this state
            assert find_serious_violations(page) == []
        wait_for_live_updates(page)
        expect(page.locator("#unavailable")).to_be_hidden()
        page.locator("#points").press("Enter")
        expect(page.locator("#notice .good")).to_contain_text("77")


def test_a_list_says_that_it_is_being_loaded(page: Page, account: ConsoleAccount, profile: BrowserProfile) -> None:
    account.send()
    page.goto(account.page_path("/"))
    wait_for_live_updates(page)
    held: list[Route] = []
    page.route("**/*text=x*", lambda route: held.append(route))
    page.route("**/accounts?*", lambda route: held.append(route))
    page.locator("#by-text").fill("x")
    expect(page.locator("#live")).to_have_attribute("aria-busy", "true")
    loading = console_text(profile, "list.loading")
    shown = "(element) => JSON.parse(getComputedStyle(element, '::after').content)"
    assert page.locator("#filter").evaluate(shown) == loading
    page.locator("#choose-account").press("Enter")
    assert page.locator("#accounts-found").evaluate(shown) == loading
    for route in held:
        route.continue_()
    expect(page.locator("#accounts-found li")).not_to_have_count(0)
    expect(page.locator("#live .none")).to_be_visible()
    expect(page.locator("#live")).not_to_have_attribute("aria-busy", "true")
