"""Proxies and certificates of the environment: loopback is direct, and an invalid setting is named in one line."""

import os
import socket
import ssl
import sys
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sms10692 import AsyncClient, Client, ConnectionFailed, InvalidResponse
from sms10692.proxies import find_route
from support.client import BODY, EACH_SEND, SETTINGS
from support.http_client import TIMEOUT, closed_port
from support.raw_servers import encode_response, raw_server

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
EACH_CLIENT = pytest.mark.parametrize("client_class", [Client, AsyncClient])


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@EACH_SEND
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:7890"),
        ("all_proxy", "socks5h://127.0.0.1:7890"),
        ("ALL_PROXY", "socks://127.0.0.1:7890"),
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("http_proxy", "nonsense:::"),
        ("SSL_CERT_FILE", "/no/such/ca.pem"),
        ("SSL_CERT_DIR", "/no/such"),
        ("SSLKEYLOGFILE", "/no/such/keys"),
    ],
)
def test_loopback_is_reached_despite_invalid_environment_settings(
    send: Any, name: str, value: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(name, value)
    with raw_server(lambda connection: connection.sendall(encode_response(BODY))) as (url, _):
        assert send(url).task_id == 100001
        assert send(url.replace("127.0.0.1", "localhost")).task_id == 100001


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "sms.localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_loopback_addresses_use_no_proxy_of_the_environment(host: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ALL_PROXY", "http://proxy:3128")
    assert find_route(f"http://{host}:10692", None, trust_env=True).proxy is None
    assert find_route("http://localhost.example", None, trust_env=True).proxy is not None


@EACH_CLIENT
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:7890", "ALL_PROXY is socks5://127.0.0.1:7890"),
        ("http_proxy", "socks5h://u:top-secret@proxy", "pip install socksio"),
        ("ALL_PROXY", "socks://127.0.0.1:7890", "invalid proxy address in ALL_PROXY: .* not 'socks'"),
        ("HTTP_PROXY", "http://u:top-secret@:3128", "invalid proxy address in HTTP_PROXY: the host name"),
        ("HTTP_PROXY", "http://top-secret:pass:word@x:port", "invalid proxy address in HTTP_PROXY"),
        ("HTTP_PROXY", "http://u:top-secret@proxy:70000", "invalid proxy address in HTTP_PROXY"),
        ("HTTP_PROXY", "http://u:top-secret@a..b:3128", "invalid proxy address in HTTP_PROXY: the host name"),
        ("ALL_PROXY", f"http://{'a' * 70}:3128", "invalid proxy address in ALL_PROXY: the host name"),
    ],
)
def test_an_invalid_proxy_of_the_environment_is_named(
    client_class: Any, name: str, value: str, message: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setitem(sys.modules, "socksio", None)  # simulates a missing package
    environment.setenv(name, value)
    with pytest.raises(ValueError, match=message) as raised:
        client_class("http://vendor", **SETTINGS)
    assert "--no-trust-env" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "top-secret" not in str(raised.value)
    client_class("http://vendor", **SETTINGS, trust_env=False)
    client_class("http://vendor", **SETTINGS, proxy="http://proxy:3128")


@EACH_CLIENT
def test_an_invalid_proxy_argument_is_named(client_class: Any, environment: pytest.MonkeyPatch) -> None:
    for proxy in ("ftp://proxy", "http://", "socks5://proxy"):
        environment.setitem(sys.modules, "socksio", None)
        with pytest.raises(ValueError, match="proxy="):
            client_class("http://vendor", **SETTINGS, proxy=proxy)


@EACH_CLIENT
@pytest.mark.parametrize(
    ("name", "value"),
    [("SSL_CERT_FILE", "/no/such/ca.pem"), ("SSL_CERT_FILE", __file__), ("SSL_CERT_DIR", "/no/such")],
)
def test_unusable_certificate_settings_are_named(
    client_class: Any, name: str, value: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(name, value)
    with pytest.raises(ValueError, match=f"the certificates cannot be loaded: .*{name}='{value}'"):
        client_class("https://vendor", **SETTINGS)
    client_class("http://vendor", **SETTINGS)
    client_class("https://vendor", **SETTINGS, trust_env=False)


def test_ssl_cert_dir_may_list_several_directories(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SSL_CERT_DIR", os.pathsep.join(["/no/such", str(tmp_path)]))
    Client("https://vendor", **SETTINGS)


def test_no_certificates_are_loaded_for_an_http_address(environment: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any) -> None:
        raise AssertionError("certificates were loaded")

    environment.setattr(ssl.SSLContext, "load_verify_locations", fail)
    environment.setattr(ssl, "create_default_context", fail)
    for client_class in (Client, AsyncClient):
        client_class("http://vendor", **SETTINGS)
        client_class("http://vendor", **SETTINGS, proxy="http://proxy:3128")


@EACH_SEND
def test_an_unreachable_proxy_is_named(send: Any, environment: pytest.MonkeyPatch) -> None:
    with closed_port() as port:
        environment.setenv("HTTP_PROXY", f"http://u:top-secret@127.0.0.1:{port}")
        with pytest.raises(ConnectionFailed) as raised:
            send("http://vendor.invalid")
    assert not raised.value.maybe_delivered
    assert f"through the proxy http://127.0.0.1:{port} of HTTP_PROXY" in str(raised.value)
    assert "top-secret" not in str(raised.value)


@EACH_SEND
def test_the_error_for_a_proxy_error_page_names_the_proxy(send: Any) -> None:
    page = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
    with raw_server(lambda connection: connection.sendall(page)) as (url, _), pytest.raises(InvalidResponse) as raised:
        send("http://vendor.invalid", proxy=url)
    assert f"through the proxy {url} of proxy=" in str(raised.value)


@EACH_SEND
@pytest.mark.parametrize("source", ["environment", "argument"])
def test_a_proxy_receives_the_absolute_url(send: Any, source: str, environment: pytest.MonkeyPatch) -> None:
    with raw_server(lambda connection: connection.sendall(encode_response(BODY))) as (url, received):
        if source == "environment":
            environment.setenv("http_proxy", url.removeprefix("http://"))
        assert send("http://vendor.invalid/v2sms.aspx", proxy=url if source == "argument" else None).task_id == 100001
    assert received[0].startswith(b"POST http://vendor.invalid/v2sms.aspx HTTP/1.1\r\n")


@EACH_SEND
def test_a_proxy_argument_is_used_for_loopback_addresses_too(send: Any) -> None:
    with raw_server(lambda connection: connection.sendall(encode_response(BODY))) as (url, received):
        send("http://127.0.0.1:1", proxy=url)
    assert received[0].startswith(b"POST http://127.0.0.1:1/v2sms.aspx ")


@EACH_SEND
def test_a_socks_proxy_is_used_if_socksio_is_installed(send: Any) -> None:
    pytest.importorskip("socksio", reason="SOCKS requires the package socksio")

    def serve(connection: socket.socket) -> None:
        connection.settimeout(TIMEOUT)
        connection.sendall(b"\x05\x00")
        request = connection.recv(1000)
        assert request[5 : 5 + request[4]] == b"vendor.invalid"
        connection.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        connection.recv(10000)
        connection.sendall(encode_response(BODY))

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        proxy = f"socks5://127.0.0.1:{listener.getsockname()[1]}"
        assert send("http://vendor.invalid", proxy=proxy).task_id == 100001
        thread.join(TIMEOUT)


@pytest.mark.parametrize(
    ("no_proxy", "is_direct"),
    [
        ("vendor.example", True),
        (".example", True),
        ("*", True),
        ("other.example", False),
        ("", False),
    ],
)
def test_host_names_in_no_proxy_use_no_proxy(no_proxy: str, is_direct: bool, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HTTP_PROXY", "http://proxy:3128")
    environment.setenv("NO_PROXY", no_proxy)
    assert (find_route("http://vendor.example", None, trust_env=True).proxy is None) is is_direct


@pytest.mark.parametrize(
    ("no_proxy", "is_direct"),
    [("192.0.2.7", True), ("192.0.2.0/24", True), ("198.51.100.0/24", False), ("localhost, 192.0.2.0/24", True)],
)
def test_addresses_and_networks_in_no_proxy_use_no_proxy(
    no_proxy: str, is_direct: bool, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("ALL_PROXY", "http://proxy:3128")
    environment.setenv("NO_PROXY", no_proxy)
    assert (find_route("http://192.0.2.7:8080", None, trust_env=True).proxy is None) is is_direct


def test_a_transport_replaces_proxy_and_certificate_settings(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("ALL_PROXY", "socks://nonsense")
    environment.setenv("SSL_CERT_FILE", str(tmp_path / "missing"))
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=BODY))
    with Client("https://vendor", **SETTINGS, transport=transport) as client:
        assert client.send(["15023239810"], "x").task_id == 100001
