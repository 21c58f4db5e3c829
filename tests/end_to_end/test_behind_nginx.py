"""Tests behind nginx: the control API and the console are refused unless the proxy was declared."""

import json
import os
import re
import shutil
import ssl
import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pytest
import trustme

from support.emulators import emulator_process
from support.http_client import Address, free_port, open_session
from support.nginx import FORWARDED, nginx
from support.serve_cli import SEND

pytestmark = pytest.mark.slow("Starts nginx for every test.")

TOKEN = "t0ken"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
NAME = "sms.example"
NOBODY = 65534
"""A user other than that of the emulator, as nginx has one in Debian's package."""
MODERN = "proxy_http_version 1.1; proxy_set_header X-Forwarded-For $remote_addr;"


class ProxiedResponse(NamedTuple):
    """A response received through nginx, or directly."""

    status: int
    headers: Mapping[str, str]
    text: str


def send_request(
    address: Address,
    path: str,
    headers: Mapping[str, str] | None = None,
    *,
    form: Mapping[str, str] | None = None,
    authority: trustme.CA | None = None,
) -> ProxiedResponse:
    """Send a GET or, with a form, a POST request; over TLS with an `authority`."""
    context = None
    if authority is not None:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        context.check_hostname = False
    with open_session(address, context) as session:
        response = session.request("GET" if form is None else "POST", path, data=form, headers=headers)
    return ProxiedResponse(response.status_code, response.headers, response.text)


@pytest.fixture(scope="module")
def undeclared() -> Iterator[Address]:
    """An emulator with default options: on loopback, without a token, without a declared proxy."""
    with emulator_process("--log-level", "error") as (_, address):
        yield address


@pytest.mark.parametrize("directives", ["", FORWARDED, MODERN], ids=["default", "forwarded", "modern"])
@pytest.mark.parametrize(
    "path", ["/_mock/accounts", "/_mock/openapi.json", "/", "/account", "/login", "/static/icon.svg"]
)
def test_through_an_undeclared_proxy_only_the_vendors_endpoints_are_served(
    undeclared: Address, directives: str, path: str
) -> None:
    with nginx(undeclared, directives) as proxy:
        response = send_request(proxy, path, {"Host": "127.0.0.1"})
        assert response.status == 403
        assert "mima" not in response.text
        assert "--public-url" in response.text
        assert "--trusted-proxy" in response.text
        assert "<returnstatus>" in send_request(proxy, f"/v2sms.aspx?{SEND.decode()}").text


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="only root can start nginx as another user, with setpriv",
)
@pytest.mark.parametrize("path", ["/_mock/accounts", "/_mock/requests", "/account", "/login"])
def test_nginx_without_a_sign_in_its_requests_is_recognised_by_its_user(undeclared: Address, path: str) -> None:
    with nginx(undeclared, 'proxy_http_version 1.1; proxy_set_header Connection "";', uid=NOBODY) as proxy:
        response = send_request(proxy, path, {"Host": "127.0.0.1"})
        assert response.status == 403
        assert "mima" not in response.text
        assert f"another user (uid {NOBODY})" in response.text
        assert "<returnstatus>" in send_request(proxy, f"/v2sms.aspx?{SEND.decode()}").text


def test_without_nginx_the_control_api_and_the_console_are_served(undeclared: Address) -> None:
    assert "mima" in send_request(undeclared, "/_mock/accounts").text
    assert send_request(undeclared, "/account").status == 200


@pytest.mark.parametrize("directives", ["", FORWARDED, MODERN], ids=["default", "forwarded", "modern"])
def test_with_the_public_url_the_token_and_the_login_are_accepted(directives: str) -> None:
    port = free_port()
    url = f"http://{NAME}:{port}"
    with emulator_process("--public-url", url, "--token", TOKEN, "--log-level", "error") as (_, address):
        with nginx(address, directives, port=port) as proxy:
            host = {"Host": f"{NAME}:{port}"}
            assert send_request(proxy, "/_mock/accounts", host).status == 401
            assert send_request(proxy, "/_mock/accounts", host | {"Authorization": f"bearer {TOKEN}"}).status == 200
            login = {"token": TOKEN, "next": "/account"}
            assert send_request(proxy, "/login", host | {"Origin": "http://other.example"}, form=login).status == 403
            login_response = send_request(proxy, "/login", host | {"Origin": url}, form=login)
            assert (login_response.status, login_response.headers["Location"]) == (303, "/account")
            cookie = login_response.headers["Set-Cookie"]
            assert "Secure" not in cookie
            page = send_request(proxy, "/account", host | {"Cookie": cookie.partition(";")[0]}).text
            assert {f"http://{netloc}" for netloc in re.findall(r"http://([\w.:]+)/v2sms.aspx", page)} == {url}


def test_a_public_url_of_another_host_requires_a_token() -> None:
    with emulator_process("--public-url", f"https://{NAME}", "--log-level", "error") as (process, address):
        assert send_request(address, "/_mock/accounts").status == 401
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        token = lines[-1].removeprefix("token of the control API: ").strip()
        assert send_request(address, "/_mock/accounts", {"Authorization": f"Bearer {token}"}).status == 200


def test_the_origin_of_an_allowed_host_is_accepted_if_nginx_drops_the_port() -> None:
    with emulator_process("--public-url", "http://127.0.0.1:1", "--allow-host", NAME, "--token", TOKEN) as (_, address):
        with nginx(address, "proxy_set_header Host $host;") as proxy:
            origin = f"http://{NAME}:{proxy[1]}"
            headers = {"Host": f"{NAME}:{proxy[1]}", "Origin": origin}
            login_response = send_request(proxy, "/login", headers, form={"token": TOKEN})
            assert login_response.status == 303


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def test_forwarded_headers_of_a_trusted_proxy_are_used(authority: trustme.CA) -> None:
    arguments = ("--trusted-proxy", "127.0.0.0/8", "--allow-host", NAME, "--token", TOKEN, "--log-level", "error")
    with emulator_process(*arguments) as (_, address):
        with nginx(address, FORWARDED, certificate=authority.issue_cert(NAME)) as proxy:
            url = f"https://{NAME}:{proxy[1]}"
            host = {"Host": f"{NAME}:{proxy[1]}"}
            login_response = send_request(
                proxy, "/login", host | {"Origin": url}, form={"token": TOKEN}, authority=authority
            )
            assert login_response.status == 303
            cookie = login_response.headers["Set-Cookie"]
            assert "Secure" in cookie
            page = send_request(
                proxy, "/account", host | {"Cookie": cookie.partition(";")[0]}, authority=authority
            ).text
            assert f"{url}/v2sms.aspx" in page
            assert "http://" not in "".join(re.findall(r"\S+/v2sms.aspx", page))
            rebound = {"Host": "rebound.example", "Authorization": f"Bearer {TOKEN}"}
            assert send_request(proxy, "/_mock/accounts", rebound, authority=authority).status == 403


def test_forwarded_headers_of_another_proxy_are_refused() -> None:
    with emulator_process("--trusted-proxy", "10.0.0.1", "--token", TOKEN, "--log-level", "error") as (_, address):
        with nginx(address, FORWARDED) as proxy:
            response = send_request(proxy, "/_mock/accounts", BEARER)
            assert response.status == 403
            assert "--trusted-proxy" in json.loads(response.text)["error"]
        assert send_request(address, "/_mock/accounts", BEARER).status == 200
