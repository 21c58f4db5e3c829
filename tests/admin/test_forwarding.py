"""What a proxy forwards, and the prefix of the public URL: which requests they change, and how."""

from collections.abc import Iterable
from typing import Any

import pytest

from sms10692_mock.admin.app import create_admin_app, create_app
from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.admin.forwarding import BehindProxy, parse_network
from sms10692_mock.admin.origins import parse_prefix, parse_public_url
from sms10692_mock.admin.services import ControlService
from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.server.thread_runner import ThreadRunner
from support.http_client import parse_address, send_raw

PROXIES = [parse_network("10.0.0.1"), parse_network("fd00::/8")]


def forward(public_prefix: str = "", peer: str = "10.0.0.1", path: str = "/account", **headers: str) -> dict[str, Any]:
    """Return the request that the application gets."""
    received: list[dict[str, Any]] = []

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        received.append(environ)
        return []

    environ = {
        "REMOTE_ADDR": peer,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "emulator:10692",
    }
    given = {f"HTTP_X_FORWARDED_{name.upper()}": value for name, value in headers.items()}
    BehindProxy(application, PROXIES, public_prefix)(environ | given, lambda *_: None)
    return received[0]


@pytest.mark.parametrize(
    ("headers", "key", "expected"),
    [
        ({"proto": "https"}, "wsgi.url_scheme", "https"),
        ({"proto": "ftp"}, "wsgi.url_scheme", "http"),
        ({"host": "sms.example"}, "HTTP_HOST", "sms.example"),
        ({"host": "sms.example", "port": "8443"}, "HTTP_HOST", "sms.example:8443"),
        ({"host": "sms.example", "port": "65535"}, "HTTP_HOST", "sms.example:65535"),
        ({"host": "sms.example", "port": "65536"}, "HTTP_HOST", "sms.example"),
        ({"host": "sms.example", "port": "4430000"}, "HTTP_HOST", "sms.example"),
        ({"host": "sms.example", "port": "0"}, "HTTP_HOST", "sms.example"),
        ({"prefix": "/team-a"}, "SCRIPT_NAME", "/team-a"),
        ({"prefix": "/outer, /team-a/"}, "SCRIPT_NAME", "/team-a"),
        ({"prefix": "//foreign.example"}, "SCRIPT_NAME", ""),
        ({"prefix": "/a/../b"}, "SCRIPT_NAME", ""),
        ({"prefix": '/a"onload="'}, "SCRIPT_NAME", ""),
        ({"for": "192.0.2.7"}, "REMOTE_ADDR", "192.0.2.7"),
        ({"for": "127.0.0.1, 192.0.2.7"}, "REMOTE_ADDR", "192.0.2.7"),
        ({"for": "192.0.2.7, 10.0.0.1, fd00::1"}, "REMOTE_ADDR", "192.0.2.7"),
        ({"for": "unknown"}, "REMOTE_ADDR", "10.0.0.1"),
        ({"for": "192.0.2.7:51234"}, "REMOTE_ADDR", "192.0.2.7"),
        ({"for": "192.0.2.7:51234, 10.0.0.1:80, [fd00::1]:443"}, "REMOTE_ADDR", "192.0.2.7"),
        ({"for": "[2001:db8::7]:51234"}, "REMOTE_ADDR", "2001:db8::7"),
        ({"for": "[2001:db8::7]"}, "REMOTE_ADDR", "2001:db8::7"),
        ({"for": "2001:db8::7"}, "REMOTE_ADDR", "2001:db8::7"),
        ({"for": "192.0.2.7:port"}, "REMOTE_ADDR", "10.0.0.1"),
    ],
    ids=str,
)
def test_headers_of_a_trusted_proxy_are_used(headers: dict[str, str], key: str, expected: str) -> None:
    assert forward(**headers)[key] == expected
    untrusted = forward(peer="10.0.0.2", **headers)
    assert (
        untrusted[key]
        == {
            "wsgi.url_scheme": "http",
            "HTTP_HOST": "emulator:10692",
            "SCRIPT_NAME": "",
            "REMOTE_ADDR": "10.0.0.2",
        }[key]
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/sms/account", "/account"),
        ("/account", "/account"),
        ("/sms", "/"),
        ("/sms/", "/"),
        ("/smsGBK.aspx", "/smsGBK.aspx"),
        ("/sms/sms/account", "/sms/account"),
    ],
)
def test_the_prefix_is_removed_once_if_it_is_there(path: str, expected: str) -> None:
    forwarded = forward("/sms", path=path)
    assert (forwarded["SCRIPT_NAME"], forwarded["PATH_INFO"]) == ("/sms", expected)


def test_a_forwarded_prefix_precedes_that_of_the_public_url() -> None:
    forwarded = forward("/sms", path="/team-a/account", prefix="/team-a")
    assert (forwarded["SCRIPT_NAME"], forwarded["PATH_INFO"]) == ("/team-a", "/account")
    assert forward("/sms", peer="10.0.0.2", prefix="/team-a")["SCRIPT_NAME"] == "/sms"


PREFIXED = AccessPolicy(token="t0ken", public=parse_public_url("https://mock.example/sms"))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/sms/v2sms.aspx", 200),
        ("/v2sms.aspx", 200),
        ("/sms/_mock/accounts", 200),
        ("/_mock/accounts", 200),
        ("/sms/_mock/health/live", 200),
        ("/sms/sms/v2sms.aspx", 404),
        ("/sms/sms/_mock/accounts", 404),
        ("/sms/sms/_mock/health/live", 404),
    ],
)
def test_the_emulator_and_its_wsgi_application_remove_the_prefix_once(path: str, status: int) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer t0ken\r\n\r\n".encode()
    client = create_app(access_policy=PREFIXED).test_client()
    assert client.get(path, headers={"Host": "127.0.0.1", "Authorization": "Bearer t0ken"}).status_code == status
    options = Options()
    vendor, notifier = build_vendor(options), ChangeNotifier()
    application = VendorApp(vendor, options, notifier=notifier)
    fallback = create_admin_app(ControlService(vendor, options, notifier), PREFIXED)
    with ThreadRunner(dispatcher_factory(application, fallback, "/sms")) as runner:
        assert send_raw(parse_address(runner.url), request).status == status


@pytest.mark.parametrize("prefix", ["/a//b", "a", "/.", "/a/..", "/短信", "/a b", "/%41", "/a?b", "/a\n", "/a;b"])
def test_a_prefix_that_a_browser_may_read_otherwise_is_none(prefix: str) -> None:
    assert parse_prefix(prefix) is None
    assert parse_public_url(f"https://sms.example{prefix if prefix.startswith('/') else '/%' + prefix}") is None


@pytest.mark.parametrize(
    "options",
    [
        {"public": parse_public_url("http://127.0.0.1:8080")},
        {"proxies": PROXIES},
        {"hosts": frozenset({"sms.example"})},
    ],
    ids=str,
)
def test_no_policy_lets_a_proxy_or_another_host_in_without_a_token(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a token is required"):
        AccessPolicy(**options)
    assert AccessPolicy(token="t0ken", **options).check_api("GET", {"Host": "127.0.0.1"}) == (
        401,
        "a token is required: Authorization: Bearer ...",
    )
