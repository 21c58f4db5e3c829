"""Addresses of the emulator: several hosts, both families of `::`, any host name, and the emulator as an HTTP proxy."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sms10692
from support.emulators import emulator_process, killed_after
from support.http_client import TIMEOUT, Address, build_control_request, parse_address, send_raw
from support.serve_cli import QUERY, SEND, get_overage, get_start_error

HAS_IPV6 = socket.has_dualstack_ipv6() and Path("/proc/net/if_inet6").exists()
needs_ipv6 = pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with emulator_process() as (_, address):
        yield address


def test_several_hosts_have_the_same_port() -> None:
    arguments = ("--host", "127.0.0.1", "--host", "127.0.0.2", "--host", "127.0.0.1")
    with emulator_process(*arguments) as (process, first):
        assert process.stdout is not None
        second = parse_address(process.stdout.readline())
        assert (first[0], second[0], first[1]) == ("127.0.0.1", "127.0.0.2", second[1])
        assert process.stdout.readline().startswith("account test")
        for each in (first, second):
            assert "<overage>1000<" in get_overage(each)
        with pytest.raises(ConnectionRefusedError):
            get_overage(("127.0.0.3", first[1]))


def test_hosts_in_the_environment_are_lines() -> None:
    environment = os.environ | {"SMS10692_MOCK_HOST": "127.0.0.3\n127.0.0.2\n"}
    with emulator_process(environment=environment) as (_, (host, port)):
        assert host == "127.0.0.3"
        assert "<overage>1000<" in get_overage(("127.0.0.2", port))


@needs_ipv6
def test_all_addresses_of_ipv6_include_those_of_ipv4() -> None:
    with emulator_process("--host", "::", "--token", "t") as (process, (_, port)):
        for host in ("127.0.0.1", "::1"):
            assert "<overage>1000<" in get_overage((host, port))
            assert send_raw((host, port), build_control_request("GET", "/accounts")).status == 401
        send_raw(("127.0.0.1", port), b"nonsense\r\n\r\n")
        assert process.stderr is not None
        with killed_after(process, TIMEOUT):
            line = next(line for line in process.stderr if "sent no HTTP/1 request" in line)
        assert " 127.0.0.1:" in line
        assert "ffff" not in line


@needs_ipv6
def test_loopback_of_both_families_needs_no_token() -> None:
    with emulator_process("--host", "127.0.0.1", "--host", "::1") as (_, (_, port)):
        for host, name in (("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")):
            request = build_control_request("GET", "/accounts").replace(b"Host: 127.0.0.1", b"Host: %b" % name.encode())
            assert send_raw((host, port), request).status == 200


def test_one_host_beyond_loopback_requires_a_token_at_all() -> None:
    any_address = "0.0.0.0"  # noqa: S104 - the control API has a token
    with emulator_process("--host", any_address, "--log-level", "error") as (_, (_, port)):
        assert send_raw(("127.0.0.1", port), build_control_request("GET", "/accounts")).status == 401


def test_a_port_that_is_used_at_the_second_host_ends_with_one_line(address: Address) -> None:
    with socket.create_server(("127.0.0.2", 0)) as used:
        port = str(used.getsockname()[1])
        error = get_start_error("serve", "--host", "127.0.0.1", "--host", "127.0.0.2", "--port", port)
    assert f"cannot listen on 127.0.0.2 port {port}: the port is in use; --port 0 takes a free port" in error


def test_a_tls_port_that_is_used_ends_with_one_line(address: Address, tmp_path: Path) -> None:
    arguments = ("--port", "0", "--tls", "self-signed", "--tls-folder", str(tmp_path), "--tls-port", str(address[1]))
    error = get_start_error("serve", *arguments)
    assert f"cannot listen on 127.0.0.1 port {address[1]}: the port is in use; --tls-port 0 takes a free port" in error


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can give its rights up")
def test_a_port_below_1024_without_the_right_ends_with_one_line() -> None:
    limit = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    if not shutil.which("setpriv") or int(limit.read_text("ascii")) <= 81:
        pytest.skip("every user may listen on port 81 here, or setpriv is missing")
    command = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"]
    completed = subprocess.run(
        [*command, sys.executable, "-m", "sms10692_mock", "serve", "--port", "81"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert completed.returncode == 2
    problem = "not permitted; docs/network.md says how to allow a port below 1024"
    assert completed.stderr == f"sms10692-mock: cannot listen on 127.0.0.1 port 81: {problem}\n"


@pytest.mark.parametrize(
    "host", ["sms10692.com", "vendor.example:80", "192.0.2.1", "短信.example".encode().decode("latin-1")]
)
def test_the_vendors_endpoints_are_served_for_every_host(address: Address, host: str) -> None:
    request = f"GET /v2sms.aspx?action=overage&{QUERY} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1")
    assert b"<payinfo>" in send_raw(address, request).body
    control = f"GET /_mock/accounts HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1")
    assert send_raw(address, control).status == 403


def test_the_emulator_is_an_http_proxy_for_every_host(address: Address) -> None:
    target = b"http://vendor.example/v2sms.aspx"
    request = (
        b"POST %b HTTP/1.1\r\nHost: vendor.example\r\nProxy-Connection: Keep-Alive\r\nContent-Length: %d\r\n\r\n%b"
    )
    response = send_raw(address, request % (target, len(SEND), SEND))
    assert b"<returnstatus>Success</returnstatus>" in response.body
    control = send_raw(address, b"GET http://vendor.example/_mock/accounts HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert (control.status, b"mima" in control.body) == (403, False)
    tunnel = send_raw(address, b"CONNECT vendor.example:443 HTTP/1.1\r\nHost: vendor.example:443\r\n\r\n")
    assert tunnel.status == 400
    assert tunnel.body == b"CONNECT asks for a tunnel, as clients do for https:// through a proxy: use http://\n"


def test_the_client_uses_the_emulator_as_a_proxy(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = f"http://{address[0]}:{address[1]}"
    with sms10692.Client("http://vendor.example", userid="12", account="test", password="mima", proxy=proxy) as client:
        assert client.overage().send_total == 1000
    monkeypatch.setenv("http_proxy", proxy)
    with sms10692.Client("http://vendor.example", userid="12", account="test", password="mima") as client:
        assert client.overage().send_total == 1000


PROGRAMS = {
    "curl": ["curl", "-s", "{url}"],
    "python": [sys.executable, "-c", "from urllib.request import *; print(urlopen('{url}').read().decode())"],
    "php": [
        "php",
        "-r",
        "$c = curl_init('{url}'); curl_setopt($c, CURLOPT_RETURNTRANSFER, true); echo curl_exec($c);",
    ],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_read_http_proxy(name: str, address: Address) -> None:
    command = [
        part.replace("{url}", f"http://vendor.example/v2sms.aspx?action=overage&{QUERY}") for part in PROGRAMS[name]
    ]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{name} is not installed")
    if name == "php" and "curl" not in _php_modules():
        pytest.skip("php has no curl extension")
    environment = os.environ | {"http_proxy": f"http://{address[0]}:{address[1]}"}
    completed = subprocess.run(
        command, capture_output=True, encoding="utf-8", env=environment, timeout=TIMEOUT, check=True
    )
    assert "<payinfo>预付费</payinfo>" in completed.stdout


def _php_modules() -> list[str]:
    return subprocess.run(
        [*PROGRAMS["php"][:1], "-m"], capture_output=True, encoding="utf-8", check=True
    ).stdout.split()
