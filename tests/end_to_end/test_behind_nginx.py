"""Tests behind nginx: the control API and the console are refused unless the proxy was declared."""

import http.client
import json
import re
import ssl
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
import trustme

from support.emulators import TIMEOUT, Address, emulator_process
from support.nginx import FORWARDED, free_port, nginx
from support.serve_cli import SEND

pytestmark = pytest.mark.slow("Starts nginx for every test.")

TOKEN = "t0ken"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
NAME = "sms.example"
MODERN = "proxy_http_version 1.1; proxy_set_header X-Forwarded-For $remote_addr;"


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    text: str


def ask(
    address: Address,
    path: str,
    headers: Mapping[str, str] | None = None,
    *,
    form: Mapping[str, str] | None = None,
    trusted: trustme.CA | None = None,
) -> Answer:
    """Send a request through nginx and return the response; over TLS if `authority` is given."""
    connection: http.client.HTTPConnection
    if trusted is None:
        connection = http.client.HTTPConnection(*address, timeout=TIMEOUT)
    else:
        context = ssl.create_default_context()
        trusted.configure_trust(context)
        context.check_hostname = False
        connection = http.client.HTTPSConnection(*address, timeout=TIMEOUT, context=context)
    named = dict(headers or {})
    if form is not None:
        named["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request("GET" if form is None else "POST", path, urlencode(form) if form else None, named)
        response = connection.getresponse()
        return Answer(response.status, dict(response.headers), response.read().decode())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def undeclared() -> Iterator[Address]:
    """An emulator with default options: on loopback, without a token, without a declared proxy."""
    with emulator_process("--log-level", "error") as (_, address):
        yield address


@pytest.mark.parametrize("directives", ["", FORWARDED, MODERN], ids=["default", "forwarded", "modern"])
@pytest.mark.parametrize(
    "path", ["/_mock/accounts", "/_mock/openapi.json", "/", "/account", "/login", "/static/icon.svg"]
)
def test_a_client_of_nginx_reaches_only_the_vendors_endpoints(undeclared: Address, directives: str, path: str) -> None:
    with nginx(undeclared, directives) as front:
        refused = ask(front, path, {"Host": "127.0.0.1"})
        assert refused.status == 403
        assert "mima" not in refused.text
        assert "--public-url" in refused.text
        assert "--trusted-proxy" in refused.text
        assert "<returnstatus>" in ask(front, f"/v2sms.aspx?{SEND.decode()}").text


def test_the_same_endpoints_answer_without_nginx(undeclared: Address) -> None:
    assert "mima" in ask(undeclared, "/_mock/accounts").text
    assert ask(undeclared, "/account").status == 200


@pytest.mark.parametrize("directives", ["", FORWARDED, MODERN], ids=["default", "forwarded", "modern"])
def test_with_the_public_url_the_token_and_the_login_are_accepted(directives: str) -> None:
    port = free_port()
    url = f"http://{NAME}:{port}"
    with emulator_process("--public-url", url, "--token", TOKEN, "--log-level", "error") as (_, address):
        with nginx(address, directives, port=port) as front:
            host = {"Host": f"{NAME}:{port}"}
            assert ask(front, "/_mock/accounts", host).status == 401
            assert ask(front, "/_mock/accounts", host | {"Authorization": f"bearer {TOKEN}"}).status == 200
            login = {"token": TOKEN, "next": "/account"}
            assert ask(front, "/login", host | {"Origin": "http://other.example"}, form=login).status == 403
            entered = ask(front, "/login", host | {"Origin": url}, form=login)
            assert (entered.status, entered.headers["Location"]) == (303, "/account")
            cookie = entered.headers["Set-Cookie"]
            assert "Secure" not in cookie
            page = ask(front, "/account", host | {"Cookie": cookie.partition(";")[0]}).text
            assert {f"http://{found}" for found in re.findall(r"http://([\w.:]+)/v2sms.aspx", page)} == {url}


def test_a_public_url_of_another_host_requires_a_token() -> None:
    with emulator_process("--public-url", f"https://{NAME}", "--log-level", "error") as (process, address):
        assert ask(address, "/_mock/accounts").status == 401
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(3)]
        token = said[-1].removeprefix("token of the control API: ").strip()
        assert ask(address, "/_mock/accounts", {"Authorization": f"Bearer {token}"}).status == 200


def test_the_origin_of_an_allowed_host_is_accepted_if_nginx_drops_the_port() -> None:
    with emulator_process("--public-url", "http://127.0.0.1:1", "--allow-host", NAME, "--token", TOKEN) as (_, address):
        with nginx(address, "proxy_set_header Host $host;") as front:
            origin = f"http://{NAME}:{front[1]}"
            headers = {"Host": f"{NAME}:{front[1]}", "Origin": origin}
            entered = ask(front, "/login", headers, form={"token": TOKEN})
            assert entered.status == 303


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def test_forwarded_headers_of_a_trusted_proxy_are_used(authority: trustme.CA) -> None:
    arguments = ("--trusted-proxy", "127.0.0.0/8", "--allow-host", NAME, "--token", TOKEN, "--log-level", "error")
    with emulator_process(*arguments) as (_, address):
        with nginx(address, FORWARDED, certificate=authority.issue_cert(NAME)) as front:
            url = f"https://{NAME}:{front[1]}"
            host = {"Host": f"{NAME}:{front[1]}"}
            entered = ask(front, "/login", host | {"Origin": url}, form={"token": TOKEN}, trusted=authority)
            assert entered.status == 303
            cookie = entered.headers["Set-Cookie"]
            assert "Secure" in cookie
            page = ask(front, "/account", host | {"Cookie": cookie.partition(";")[0]}, trusted=authority).text
            assert f"{url}/v2sms.aspx" in page
            assert "http://" not in "".join(re.findall(r"\S+/v2sms.aspx", page))
            rebound = {"Host": "rebound.example", "Authorization": f"Bearer {TOKEN}"}
            assert ask(front, "/_mock/accounts", rebound, trusted=authority).status == 403


def test_forwarded_headers_of_another_proxy_are_refused() -> None:
    with emulator_process("--trusted-proxy", "10.0.0.1", "--token", TOKEN, "--log-level", "error") as (_, address):
        with nginx(address, FORWARDED) as front:
            refused = ask(front, "/_mock/accounts", BEARER)
            assert refused.status == 403
            assert "--trusted-proxy" in json.loads(refused.text)["error"]
        assert ask(address, "/_mock/accounts", BEARER).status == 200
