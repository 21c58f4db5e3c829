"""Login in a real browser at every name of this machine, and every console page afterwards."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from playwright.sync_api import Browser, Page, expect

from sms10692_mock.admin.console.i18n import text
from support.browser import BROWSER_PROFILES, HOST, BrowserProfile, browser_page, find_serious_violations
from support.console import PAGES
from support.emulators import emulator_process
from support.http_client import Address, build_request, free_port, send_raw
from support.nginx import CONFIGURATIONS, FORWARDED, nginx, nginx_servers
from support.serve_cli import SEND

pytestmark = pytest.mark.slow("Drives Chromium.")

expect.set_options(timeout=60_000)

TOKEN, READ_ONLY = "t0ken", "spectat0r"
PROFILE = BROWSER_PROFILES[1]
WIDTHS = [BrowserProfile("en", width, "light") for width in (375, 768, 1024, 1440)]


def console_text(key: str) -> str:
    return text("en", key)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of an emulator that requires a token."""
    options = ("--token", TOKEN, "--read-only-token", READ_ONLY, "--allow-host", HOST)
    with emulator_process("--host", "::", *options, "--log-level", "error") as (_, address):
        yield address[1]


@pytest.fixture(params=["127.0.0.1", "localhost", "[::1]", HOST])
def page(browser: Browser, port: int, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A browser page without login, at one of the names of this machine."""
    with browser_page(browser, PROFILE, f"http://{request.param}:{port}") as opened_page:
        yield opened_page


def log_in(page: Page, token: str) -> None:
    """Type the token into the form, and send it."""
    page.get_by_label(console_text("login.token")).fill(token)
    page.get_by_role("button", name=console_text("login.submit")).click()


def expect_live_message(page: Page, address: Address) -> None:
    """Send a message, which the open page with messages must show without being loaded again."""
    expect(page.get_by_text(console_text("empty.title"))).to_be_visible()
    send = SEND.replace(b"15023239810", b"13900001111")
    assert b"Success" in send_raw(address, build_request("/v2sms.aspx", send)).body
    expect(page.locator("#live")).to_contain_text("13900001111")
    expect(page.get_by_text(console_text("empty.title"))).to_have_count(0)


def use_every_page(page: Page, prefix: str = "") -> None:
    """Open every page with its live updates, top up the account, and open the API description."""
    for path in PAGES:
        response = page.goto(prefix + path)
        assert response is not None
        assert (path, response.status) == (path, 200)
        expect(page.locator("#pause[data-state=live]")).to_be_visible()
    page.goto(f"{prefix}/account")
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
    page.goto("/account")
    page.get_by_role("button", name=console_text("layout.log_out")).click()
    expect(page).to_have_url(re.compile(r"/login(\?|$)"))
    page.goto("/account")
    expect(page).to_have_url(re.compile(r"/login\?next="))


@pytest.mark.parametrize("profile", WIDTHS, ids=str)
def test_a_spectator_sees_every_page_and_no_form_that_changes_something(
    browser: Browser, port: int, profile: BrowserProfile
) -> None:
    with browser_page(browser, profile, f"http://127.0.0.1:{port}") as page:
        page.goto("/?lang=en")
        log_in(page, READ_ONLY)
        expect(page.locator("#read-only")).to_be_visible()
        for path in PAGES:
            page.goto(path)
            expect(page.locator("#pause[data-state=live]")).to_be_visible()
            expect(page.locator("[hx-post]").filter(visible=True)).to_have_count(0)
            if path != "/contract":  # quotes the example of the manual
                expect(page.locator("main")).not_to_contain_text("mima")
            assert page.evaluate("document.documentElement.scrollWidth") <= profile.width, path
        assert find_serious_violations(page) == []


def test_a_spectator_sees_which_preset_is_on_and_cannot_switch_it(browser: Browser, port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    with browser_page(browser, PROFILE, url) as owner, browser_page(browser, PROFILE, url) as spectator:
        for page, token in ((owner, TOKEN), (spectator, READ_ONLY)):
            page.goto("/faults")
            log_in(page, token)
            expect(page.locator("#preset-late")).to_have_attribute("aria-pressed", "false")
        expect(spectator.locator("#preset-late")).to_be_disabled()
        for state in ("true", "false"):
            owner.locator("#preset-late").press("Enter")
            expect(spectator.locator("#preset-late")).to_have_attribute("aria-pressed", state)
        assert find_serious_violations(spectator) == []


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


@pytest.mark.parametrize("name", ["sms-prefix", "sms-forwarded"])
def test_a_message_appears_live_below_a_prefix_of_nginx_with_tls(browser: Browser, name: str) -> None:
    (configuration,) = (each for each in CONFIGURATIONS if each.name == name)
    parts, port = urlsplit(configuration.url), free_port()
    origin = f"https://{parts.hostname}:{port}"
    options = [origin + parts.path if option == configuration.url else option for option in configuration.options]
    certificate = trustme.CA().issue_cert(str(parts.hostname))
    with emulator_process(*options, "--log-level", "error") as (_, address):
        with (
            nginx_servers(configuration.text, address, port, certificate),
            browser_page(browser, PROFILE, origin) as page,
        ):
            page.goto(f"{parts.path}/")
            log_in(page, configuration.options[-1])
            expect(page).to_have_url(f"{origin}{parts.path}/")
            expect(page.locator("#first-command")).to_contain_text(f"{origin}{parts.path}/v2sms.aspx")
            expect(page.locator("#pause[data-state=live]")).to_be_visible()
            expect_live_message(page, address)
            if name == "sms-prefix":  # the links are the same in all: see test_nginx_configurations
                use_every_page(page, parts.path)
            (cookie,) = [stored for stored in page.context.cookies() if "key" in stored["name"]]
            assert (cookie["secure"], cookie["path"]) == (True, f"{parts.path}/")


def test_the_console_works_over_the_emulators_own_tls(browser: Browser, tmp_path: Path) -> None:
    arguments = ("--tls", "self-signed", "--tls-port", "0", "--tls-folder", str(tmp_path), "--allow-host", HOST)
    with emulator_process(*arguments, "--token", TOKEN, "--log-level", "error") as (process, address):
        assert process.stdout is not None
        port = process.stdout.readline().strip().rpartition(":")[2]
        with browser_page(browser, PROFILE, f"https://{HOST}:{port}") as page:
            page.goto("/")
            log_in(page, TOKEN)
            expect(page.locator("#pause[data-state=live]")).to_be_visible()
            expect_live_message(page, address)
            (cookie,) = [stored for stored in page.context.cookies() if "key" in stored["name"]]
            assert cookie["secure"]
