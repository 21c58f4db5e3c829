"""Fixtures of the browser tests: one emulator and one browser, and an account of its own for each test."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page

from support.browser import BROWSER_PROFILES, BrowserProfile, NoBrowser, browser_page, chromium, required_in_ci
from support.emulators import emulator_process, sign
from support.http_client import Address, build_request, send_raw


class ServedEmulator(NamedTuple):
    """An emulator on a socket, with requests to its control API."""

    address: Address

    @property
    def url(self) -> str:
        return f"http://{self.address[0]}:{self.address[1]}"

    def control(self, method: str, path: str, document: Any = None) -> Any:
        """Send a request to the control API, which must succeed, and return the document."""
        body = json.dumps(document or {}).encode()
        head = (
            f"{method} /_mock/{path} HTTP/1.1\r\nHost: {self.address[0]}:{self.address[1]}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        response = send_raw(self.address, head.encode() + body)
        assert response.status in {200, 201}, response.body
        return json.loads(response.body)


class ConsoleAccount(NamedTuple):
    """An account, with its requests to the vendor endpoints and to the control API."""

    emulator: ServedEmulator
    document: dict[str, Any]

    @property
    def userid(self) -> str:
        return str(self.document["userid"])

    def page_path(self, path: str, **values: str) -> str:
        """Return the path of a console page for this account."""
        return f"{path}?{urlencode({'userid': self.userid} | values)}"

    def post(self, endpoint: str, charset: str = "utf-8", **fields: str) -> str:
        """Send a signed request of this account to a vendor endpoint, and return the response text."""
        credentials = {"userid": self.userid, "timestamp": "20120701231212"}
        credentials["sign"] = sign(self.document["account"], self.document["password"], credentials["timestamp"])
        body = urlencode(credentials | fields, encoding=charset).encode()
        return send_raw(self.emulator.address, build_request(endpoint, body)).body.decode(charset, "replace")

    def send(self, mobile: str = "15023239810", content: str = "内容", **fields: str) -> str:
        """Send a message (manual 1.2)."""
        return self.post("/v2sms.aspx", action="send", mobile=mobile, content=content, **fields)

    def control(self, method: str, path: str, document: Any = None) -> Any:
        """Send a control API request about this account. `path` is relative to the account."""
        return self.emulator.control(method, f"accounts/{self.userid}{path}", document)


@pytest.fixture(scope="package")
def emulator() -> Iterator[ServedEmulator]:
    """The emulator that all tests share."""
    with emulator_process() as (_, address):
        yield ServedEmulator(address)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The browser. Without a browser the test is skipped, or fails if CI requires a browser."""
    try:
        with chromium() as started_browser:
            yield started_browser
    except NoBrowser as error:
        if required_in_ci():
            raise
        pytest.skip(str(error))


@pytest.fixture
def account(emulator: ServedEmulator) -> Iterator[ConsoleAccount]:
    """A new account, which is deleted after the test."""
    created = ConsoleAccount(emulator, emulator.control("POST", "accounts"))
    yield created
    emulator.control("DELETE", f"accounts/{created.userid}")


@pytest.fixture(params=BROWSER_PROFILES[:2], ids=str)
def profile(request: pytest.FixtureRequest) -> BrowserProfile:
    """Language, width and theme of the browser: Chinese on a dark phone, and English on a light desktop."""
    selected = request.param
    assert isinstance(selected, BrowserProfile)
    return selected


@pytest.fixture
def page(browser: Browser, emulator: ServedEmulator, profile: BrowserProfile) -> Iterator[Page]:
    """A browser page that has not opened any path yet."""
    with browser_page(browser, profile, emulator.url) as opened_page:
        yield opened_page
