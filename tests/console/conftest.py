"""Fixtures of the browser tests: one emulator and one browser, and an account of its own for each test."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page

from support.browser import BROWSER_PROFILES, BrowserProfile, NoBrowser, browser_page, chromium, required_in_ci
from support.emulators import Address, build_request, emulator_process, send_raw, sign


class Served(NamedTuple):
    """An emulator on a socket, and how a test speaks to it."""

    address: Address

    @property
    def url(self) -> str:
        return f"http://{self.address[0]}:{self.address[1]}"

    def control(self, method: str, path: str, document: Any = None) -> Any:
        """What the control address says."""
        body = json.dumps(document or {}).encode()
        head = (
            f"{method} /_mock/{path} HTTP/1.1\r\nHost: {self.address[0]}:{self.address[1]}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        answer = send_raw(self.address, head.encode() + body)
        assert answer.status in {200, 201}, answer.body
        return json.loads(answer.body)


class Customer(NamedTuple):
    """An account, and what a program of its owner does with it."""

    served: Served
    document: dict[str, Any]

    @property
    def userid(self) -> str:
        return str(self.document["userid"])

    def at(self, path: str, **values: str) -> str:
        """A path of the console about this account."""
        return f"{path}?{urlencode({'userid': self.userid} | values)}"

    def asks(self, page: str, charset: str = "utf-8", **fields: str) -> str:
        """What the vendor says to this account."""
        credentials = {"userid": self.userid, "timestamp": "20120701231212"}
        credentials["sign"] = sign(self.document["account"], self.document["password"], credentials["timestamp"])
        body = urlencode(credentials | fields, encoding=charset).encode()
        return send_raw(self.served.address, build_request(page, body)).body.decode(charset, "replace")

    def sends(self, mobile: str = "15023239810", content: str = "内容", **fields: str) -> str:
        """A send."""
        return self.asks("/v2sms.aspx", action="send", mobile=mobile, content=content, **fields)

    def control(self, method: str, path: str, document: Any = None) -> Any:
        """What the control address says about this account."""
        return self.served.control(method, f"accounts/{self.userid}{path}", document)


@pytest.fixture(scope="package")
def served() -> Iterator[Served]:
    """The emulator."""
    with emulator_process() as (_, address):
        yield Served(address)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The browser, or a skipped test where there is none and none is demanded."""
    try:
        with chromium() as found:
            yield found
    except NoBrowser as error:
        if required_in_ci():
            raise
        pytest.skip(str(error))


@pytest.fixture
def customer(served: Served) -> Iterator[Customer]:
    """An account of the test's own."""
    made = Customer(served, served.control("POST", "accounts"))
    yield made
    served.control("DELETE", f"accounts/{made.userid}")


@pytest.fixture(params=BROWSER_PROFILES[:2], ids=str)
def look(request: pytest.FixtureRequest) -> BrowserProfile:
    """How the test looks: in Chinese on a telephone in the dark, and in English at a desk."""
    chosen = request.param
    assert isinstance(chosen, BrowserProfile)
    return chosen


@pytest.fixture
def page(browser: Browser, served: Served, look: BrowserProfile) -> Iterator[Page]:
    """A page that is about to be opened."""
    with browser_page(browser, look, served.url) as opened_page:
        yield opened_page
