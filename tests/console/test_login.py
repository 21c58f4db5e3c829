"""Login in a real browser at every name of this machine, and every console page afterwards."""

import re
from collections.abc import Iterator

import pytest
import trustme
from playwright.sync_api import Browser, Page, expect

from sms10692_mock.admin.console.i18n import text
from support.browser import BROWSER_PROFILES, HOST, browser_page
from support.console import PAGES
from support.emulators import emulator_process
from support.http_client import free_port
from support.nginx import FORWARDED, nginx

pytestmark = pytest.mark.slow("Drives Chromium.")

expect.set_options(timeout=20_000)

TOKEN = "t0ken"
PROFILE = BROWSER_PROFILES[1]


def console_text(key: str) -> str:
    return text("en", key)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of an emulator that requires a token."""
    with emulator_process("--token", TOKEN, "--allow-host", HOST, "--log-level", "error") as (_, address):
        yield address[1]


@pytest.fixture(params=["127.0.0.1", "localhost", HOST])
def page(browser: Browser, port: int, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A browser page without login, at one of the names of this machine."""
    with browser_page(browser, PROFILE, f"http://{request.param}:{port}") as opened_page:
        yield opened_page


def log_in(page: Page, token: str) -> None:
    """Type the token into the form, and send it."""
    page.get_by_label(console_text("login.token")).fill(token)
    page.get_by_role("button", name=console_text("login.submit")).click()


def use_every_page(page: Page) -> None:
    """Open every page with its live updates, top up the account, and open the API description."""
    for path in PAGES:
        response = page.goto(path)
        assert response is not None
        assert (path, response.status) == (path, 200)
        expect(page.locator("#pause[data-state=live]")).to_be_visible()
    page.goto("/account")
    top_up = page.get_by_role("region", name=console_text("account.credit"), exact=True)
    top_up.get_by_role("textbox").fill("5")
    top_up.get_by_role("button").click()
    expect(page.locator("#notice .good")).to_be_visible()
    page.locator("footer a").click()
    expect(page.get_by_role("heading", name="sms10692-mock")).to_be_visible()
    expect(page.locator(".opblock").first).to_be_visible()


def test_the_token_opens_the_requested_page_and_every_other_page(page: Page) -> None:
    page.goto("/queues?queue=replies")
    log_in(page, "wrong")
    expect(page.get_by_role("alert")).to_have_text(console_text("login.wrong"))
    log_in(page, TOKEN)
    expect(page).to_have_url(re.compile(r"/queues\?queue=replies$"))
    use_every_page(page)


def test_the_cookie_is_hidden_from_scripts_and_other_sites(page: Page) -> None:
    page.goto("/")
    log_in(page, TOKEN)
    expect(page.get_by_role("heading", name=console_text("empty.title"))).to_be_visible()
    (cookie,) = [stored for stored in page.context.cookies() if "key" in stored["name"]]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Strict", False)


@pytest.mark.parametrize("directives", ["", FORWARDED], ids=["default", "forwarded"])
def test_the_console_works_behind_nginx_with_tls(browser: Browser, directives: str) -> None:
    port = free_port()
    url = f"https://{HOST}:{port}"
    with emulator_process("--token", TOKEN, "--public-url", url, "--log-level", "error") as (_, address):
        certificate = trustme.CA().issue_cert(HOST)
        with (
            nginx(address, directives, port=port, certificate=certificate),
            browser_page(browser, PROFILE, url) as page,
        ):
            page.goto("/")
            log_in(page, TOKEN)
            expect(page.locator("#first-command")).to_contain_text(url)
            use_every_page(page)
            (cookie,) = [stored for stored in page.context.cookies() if "key" in stored["name"]]
            assert cookie["secure"]
