"""The configurations of nginx in docs/network.md, run as they are: vendor pages, control API, login, events."""

import re
import ssl
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx2
import pytest
import trustme

from support.documents import BLOCKS
from support.emulators import UTF8, emulator_process
from support.http_client import TIMEOUT, build_control_request, free_port, send_raw
from support.nginx import CONFIGURATIONS, Configuration, nginx_servers
from support.serve_cli import SEND

pytestmark = pytest.mark.slow("Starts nginx and an emulator for every configuration.")

TOKEN = "SECRET"


class Proxied(NamedTuple):
    """An emulator behind nginx: the URL at which clients reach it, and a session that resolves its name."""

    url: str
    session: httpx2.Client


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module", params=CONFIGURATIONS, ids=[each.name for each in CONFIGURATIONS])
def proxied(request: pytest.FixtureRequest, authority: trustme.CA) -> Iterator[Proxied]:
    configuration: Configuration = request.param
    parts, port = urlsplit(configuration.url), free_port()
    url = f"{parts.scheme}://{parts.hostname}:{port}{parts.path}"
    options = [url if option == configuration.url else option for option in configuration.options]
    certificate = authority.issue_cert(str(parts.hostname)) if parts.scheme == "https" else None
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with emulator_process(*options, "--log-level", "error") as (_, address):
        with nginx_servers(configuration.text, address, port, certificate) as (host, _):
            transport = ResolvingTransport(host, str(parts.hostname), trust)
            with httpx2.Client(transport=transport, timeout=TIMEOUT) as session:
                yield Proxied(url, session)


class ResolvingTransport(httpx2.HTTPTransport):
    """A transport that connects to `host` for the name in URLs, as a DNS entry would."""

    def __init__(self, host: str, name: str, trust: ssl.SSLContext) -> None:
        super().__init__(verify=trust)
        self._host, self._name = host, name

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["Host"] = request.url.netloc.decode()
        request.extensions = {**request.extensions, "sni_hostname": self._name}
        request.url = request.url.copy_with(host=self._host)
        return super().handle_request(request)


def log_in(proxied: Proxied) -> str:
    """Log in and return the cookie."""
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(proxied.url))
    response = proxied.session.post(
        f"{proxied.url}/login",
        data={"token": TOKEN, "next": f"{urlsplit(proxied.url).path}/account"},
        headers={"Origin": origin},
    )
    assert (response.status_code, response.headers["Location"]) == (303, f"{urlsplit(proxied.url).path}/account")
    cookie: str = response.headers["Set-Cookie"]
    return cookie


def test_there_are_configurations_at_the_root_and_below_a_prefix_with_and_without_tls() -> None:
    assert [each.name for each in CONFIGURATIONS] == [
        "sms-root",
        "sms-tls",
        "sms-prefix",
        "sms-prefix-removed",
        "sms-forwarded",
    ]
    chinese = [
        block.text for block in BLOCKS if block.document == "docs/network.zh-CN.md" and block.language == "nginx"
    ]
    assert [each.text for each in CONFIGURATIONS] == chinese


def test_the_configuration_of_a_trusted_proxy_passes_no_header_of_clients_on() -> None:
    (configuration,) = (each for each in CONFIGURATIONS if each.name == "sms-forwarded")
    headers = dict(re.findall(r"proxy_set_header (\S+) (.*);", configuration.text))
    believed = {f"X-Forwarded-{name}" for name in ("For", "Proto", "Host", "Port", "Prefix")} | {"Forwarded"}
    assert believed <= headers.keys()
    assert headers["X-Forwarded-For"] == "$remote_addr"


def test_the_vendors_endpoints_are_served(proxied: Proxied) -> None:
    response = proxied.session.post(f"{proxied.url}{UTF8}", content=SEND)
    assert (response.status_code, "<returnstatus>Success</returnstatus>" in response.text) == (200, True)
    get = proxied.session.get(f"{proxied.url}{UTF8}?{SEND.decode()}")
    assert "<returnstatus>Success</returnstatus>" in get.text


def test_the_control_api_needs_the_token(proxied: Proxied) -> None:
    for path in ("accounts", "requests", "accounts/12/messages", "openapi.json"):
        refused = proxied.session.get(f"{proxied.url}/_mock/{path}")
        assert (path, refused.status_code) == (path, 401)
        assert "mima" not in refused.text
    for headers in ({"Host": "127.0.0.1:10692"}, {"Host": "localhost"}, {"X-Forwarded-For": "127.0.0.1"}):
        spoofed = proxied.session.get(f"{proxied.url}/_mock/accounts", headers=headers)
        assert (spoofed.status_code in (401, 403, 404), "mima" in spoofed.text) == (True, False)
    allowed = proxied.session.get(f"{proxied.url}/_mock/accounts", headers={"Authorization": f"Bearer {TOKEN}"})
    assert allowed.json()["accounts"][0]["password"] == "mima"
    description = proxied.session.get(f"{proxied.url}/_mock/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"})
    assert description.json()["servers"] == [{"url": proxied.url, "description": "this emulator"}]


def test_the_login_sets_a_cookie_below_the_prefix_and_every_link_has_the_prefix(proxied: Proxied) -> None:
    prefix = urlsplit(proxied.url).path
    to_login = proxied.session.get(f"{proxied.url}/account?userid=12")
    assert (to_login.status_code, to_login.headers["Location"]) == (
        303,
        f"{prefix}/login?next={prefix}/account?userid%3D12",
    )
    cookie = log_in(proxied)
    assert f"; Path={prefix}/;" in cookie
    assert ("; Secure;" in cookie) == proxied.url.startswith("https:")
    headers = {"Cookie": cookie.partition(";")[0], "Accept": "text/html,application/xhtml+xml"}
    for path in (
        "/",
        "/account",
        "/requests",
        "/queues",
        "/phone",
        "/faults",
        "/contract",
        "/explain",
        "/profile",
        "/nowhere",
    ):
        page = proxied.session.get(f"{proxied.url}{path}?lang=zh", headers=headers).text
        links = re.findall(r'(?:href|src|action|hx-get|hx-post|data-events)="(?!#)([^"]*)"', page)
        assert len(links) > 5
        assert [link for link in links if not link.startswith((f"{prefix}/", "https://github"))] == [], path
        for netloc in re.findall(r"\w+://[\w.:]+(?:/[\w-]+)?(?=/v2sms\.aspx)", page):
            assert netloc == proxied.url
    for asset in re.findall(r'(?:src|href)="([^"]+\.(?:js|css|svg)[^"]*)"', page):
        base = proxied.url.removesuffix(prefix)
        assert proxied.session.get(f"{base}{asset}", headers=headers).status_code == 200


def test_events_arrive_at_once(proxied: Proxied) -> None:
    headers = {"Cookie": log_in(proxied).partition(";")[0]}
    with proxied.session.stream("GET", f"{proxied.url}/live", headers=headers) as events:
        lines = events.iter_lines()
        assert next(lines) == "retry: 1000"
        first = next(lines)
        assert next(lines) == ""
        proxied.session.post(f"{proxied.url}{UTF8}", content=SEND)
        changed = next(lines)
        assert (first.startswith("data: "), changed.startswith("data: "), first != changed) == (True, True, True)


def test_a_public_url_of_this_machine_requires_a_token_too() -> None:
    with emulator_process("--public-url", "http://127.0.0.1:8080", "--log-level", "error") as (_, address):
        assert send_raw(address, build_control_request("GET", "/accounts")).status == 401
