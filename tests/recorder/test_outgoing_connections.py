"""The emulator connects to nothing: only `record` and `ready` do, and the client of a Valkey store.

One test reads the code, the other watches a running emulator.
"""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import sms10692_mock
from support.emulators import killed_after
from support.http_client import TIMEOUT, build_control_request, build_request, parse_address, send_raw
from support.serve_cli import SEND

PACKAGE: Final = Path(sms10692_mock.__file__).parent
ALLOWED: Final = {
    "recorder/proxy.py": "record",
    "readiness_client.py": "ready",
    "stores/valkey/connection.py": "the client of the store",
    "admin/console/own_server.py": "the console sends to its own server",
    "server/peer_user.py": "netlink: the kernel tells whose process a local connection belongs to",
    "testing/transport.py": "a test's requests to the control API",
}
"""The modules that may connect, and for what."""

CONNECTING: Final = {
    *("create_connection", "open_connection", "open_unix_connection", "create_datagram_endpoint", "connect_ex"),
    *("HTTPConnection", "HTTPSConnection", "urlopen", "sendto", "Valkey", "ValkeyCluster"),
}
IMPORTS: Final = {"urllib.request", "http.client", "httpx", "httpx2", "requests", "smtplib", "ftplib"}


def find_connecting(source: str) -> list[str]:
    """Return the calls and imports in a module that can open a connection."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found += [alias.name for alias in names if alias.name in IMPORTS]
            case ast.ImportFrom(module=str(module)) if module in IMPORTS:
                found.append(module)
            case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)) if name in CONNECTING:
                found.append(name)
    return found


def test_only_these_modules_can_connect() -> None:
    found = {
        file.relative_to(PACKAGE).as_posix(): calls
        for file in sorted(PACKAGE.rglob("*.py"))
        if (calls := find_connecting(file.read_text("utf-8")))
    }
    assert found.keys() == ALLOWED.keys(), found


def test_the_search_finds_each_way_to_connect() -> None:
    assert find_connecting("import socket\nsocket.create_connection(('vendor.example', 80))") == ["create_connection"]
    assert find_connecting("import asyncio\nasyncio.open_connection('vendor.example', 80)") == ["open_connection"]
    assert find_connecting("from urllib.request import urlopen\nurlopen('http://vendor.example')") == [
        "urllib.request",
        "urlopen",
    ]


WATCH: Final = """
import os, sys
from sms10692_mock.cli import main

def watch(event, arguments):
    is_netlink = event == "socket.sendto" and arguments[0].family == 16  # a question to the kernel
    is_own = event == "socket.getaddrinfo" and arguments[0] == "127.0.0.1"
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        if not (is_netlink or is_own):
            os.write(2, f"OUTGOING {event} {arguments}\\n".encode())

sys.addaudithook(watch)
sys.argv = ["sms10692-mock", "serve", "--port", "0", *sys.argv[1:]]
main()
"""
PATHS: Final = ("/", "/account", "/requests", "/explain", "/contract", "/_mock/state", "/_mock/health/ready")


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_a_running_emulator_opens_no_connection(store: str, tmp_path: Path) -> None:
    """An audit hook sees every connection that the process opens, and every name that it looks up."""
    address = "memory" if store == "memory" else f"sqlite:{tmp_path / 'store'}"
    with subprocess.Popen(
        [sys.executable, "-c", WATCH, "--store", address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            assert process.stdout is not None
            with killed_after(process, TIMEOUT):
                server = parse_address(process.stdout.readline())
            assert b"<returnstatus>Success" in send_raw(server, build_request("/v2sms.aspx", SEND)).body
            for path in PATHS:
                assert send_raw(server, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()).status == 200, path
            document = {"request": "https://vendor.example/v2sms.aspx?action=send&userid=12"}
            assert send_raw(server, build_control_request("POST", "/explain", document)).status == 200
            process.terminate()
            with killed_after(process, TIMEOUT):
                errors = process.communicate()[1]
        finally:
            process.kill()
    assert "OUTGOING" not in errors
    assert process.returncode == 0


def test_the_hook_sees_a_connection(tmp_path: Path) -> None:
    """Otherwise the test above could not fail."""
    program = WATCH.replace("main()", "").replace("import main", "import command") + (
        "import socket\nsocket.socket().connect_ex(('127.0.0.1', 1))\nsocket.getaddrinfo('localhost', 80)\n"
    )
    completed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=TIMEOUT, cwd=tmp_path
    )
    assert "OUTGOING socket.connect" in completed.stderr
    assert "OUTGOING socket.getaddrinfo" in completed.stderr
