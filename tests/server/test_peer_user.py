"""The user at the other end of a connection, and requests to the control API of programs of other users."""

import errno
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sms10692_mock.admin import auth
from sms10692_mock.admin.app import create_app
from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.server import peer_user
from sms10692_mock.server.peer_user import can_find_peers, find_peer_uid
from support.emulators import emulator_process
from support.http_client import TIMEOUT, Address, build_control_request, call_control, send_raw
from support.serve_cli import SEND

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the user of a socket")

NOBODY = 65534
OWN = 0 if sys.platform == "win32" else os.getuid()
as_nobody = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="only root can start programs of another user, with setpriv",
)
PYTHON = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
"""An interpreter that every user may start."""

GET = """
import http.client, json, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
connection.request("GET", sys.argv[2], headers=json.loads(sys.argv[3]))
response = connection.getresponse()
print(response.status, response.read().decode())
"""

POST_AND_CLOSE = """
import json, socket, struct, sys
for number in range(40):
    body = json.dumps({"userid": f"9{number}", "account": f"a{number}", "password": "secret"})
    head = f"POST /_mock/accounts HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nContent-Type: application/json\\r\\n"
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
        if sys.argv[2] == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(f"{head}Content-Length: {len(body)}\\r\\n\\r\\n{body}".encode())
"""


def get_as_nobody(address: Address, path: str, **headers: str) -> str:
    """Send a GET request from a program of another user; returns status and body."""
    return run_as_nobody(GET, str(address[1]), path, json.dumps(headers))


def run_as_nobody(program: str, *arguments: str) -> str:
    """Run a Python program as another user, and return its output."""
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    command = [*user, PYTHON, "-c", program, *arguments]
    completed = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=TIMEOUT, check=False, cwd="/")
    if completed.returncode and "Permission denied" in completed.stderr:
        pytest.skip("no interpreter that another user may start")
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_the_user_of_a_connection_is_found(host: str) -> None:
    if ":" in host and not (socket.has_dualstack_ipv6() and Path("/proc/net/if_inet6").exists()):
        pytest.skip("this machine has no IPv6")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, dualstack_ipv6=family == socket.AF_INET6) as listener:
        with socket.create_connection(listener.getsockname()[:2]) as client:
            served, peer = listener.accept()
            with served:
                uid = find_peer_uid(peer[:2], served.getsockname()[:2])
                if uid is None:
                    pytest.skip("this kernel has no sock_diag")
                assert uid == os.getuid()
                assert find_peer_uid(("192.0.2.7", peer[1]), served.getsockname()[:2]) is None
                assert find_peer_uid(("127.0.0.1", listener.getsockname()[1]), ("127.0.0.1", 9)) is None
            assert client.getpeername() == listener.getsockname()


def close(client: socket.socket) -> None:
    client.close()


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.parametrize("end", [close, reset])
def test_a_closed_connection_has_no_user(end: Callable[[socket.socket], None]) -> None:
    if not can_find_peers():
        pytest.skip("this kernel has no sock_diag")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        served, peer = listener.accept()
        with served:
            client.shutdown(socket.SHUT_WR)
            assert find_peer_uid(peer, served.getsockname()) == os.getuid(), "half closed, the program may still read"
            end(client)
            assert find_peer_uid(peer, served.getsockname()) is None


CONNECTED = {
    "REMOTE_ADDR": "127.0.0.1",
    "REMOTE_PORT": "40000",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "10692",
    "SERVER_PROTOCOL": "HTTP/1.1",
}


@pytest.mark.parametrize(
    ("environ", "uid", "refusal"),
    [
        ({}, OWN, None),
        ({}, 0, None),
        ({}, NOBODY, f"a program of another user (uid {NOBODY})"),
        ({}, None, "a program of an unknown user"),
        ({"REMOTE_ADDR": "::1", "SERVER_NAME": "::1"}, None, "a program of an unknown user"),
        ({"REMOTE_ADDR": "192.0.2.1", "SERVER_NAME": "192.0.2.1"}, None, "a program of an unknown user"),
        ({"REMOTE_ADDR": "192.0.2.7", "SERVER_NAME": "192.0.2.1"}, None, None),
    ],
)
def test_an_unknown_program_of_this_machine_is_refused(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], uid: int | None, refusal: str | None
) -> None:
    monkeypatch.setattr(auth, "find_peer_uid", lambda *_: uid)
    monkeypatch.setattr(auth, "can_find_peers", lambda: True)
    refused = AccessPolicy().check_forwarded(CONNECTED | environ)
    assert (refused is None) == (refusal is None)
    assert refused is None or refused[1].startswith(f"this request came from {refusal}")
    assert AccessPolicy(token="t0ken").check_forwarded(CONNECTED | environ) is None


@pytest.mark.parametrize(
    "names",
    [
        {"SERVER_NAME": "localhost"},
        {"SERVER_NAME": "0.0.0.0"},  # noqa: S104  # an address in a request; nothing listens
        {"SERVER_NAME": "::"},
        {"REMOTE_ADDR": ""},
        {"REMOTE_PORT": ""},
    ],
    ids=str,
)
def test_a_wsgi_server_that_tells_no_addresses_of_the_connection_is_not_checked(names: dict[str, str]) -> None:
    assert AccessPolicy().check_forwarded(CONNECTED | names) is None
    client = create_app().test_client()
    assert client.get("/_mock/accounts", environ_overrides=CONNECTED | names).status_code == 200


def test_without_the_kernels_interface_no_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise OSError(errno.EPROTONOSUPPORT, "Protocol not supported")

    monkeypatch.setattr(peer_user, "_ask", refuse)
    can_find_peers.cache_clear()
    assert AccessPolicy().check_forwarded(CONNECTED) is None
    can_find_peers.cache_clear()
    monkeypatch.setattr(peer_user, "_ask", lambda *_: None)  # the kernel's answer without its module tcp_diag
    assert AccessPolicy().check_forwarded(CONNECTED) is None
    can_find_peers.cache_clear()


def test_a_shortage_of_file_descriptors_lets_no_program_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(peer_user, "_ask", refuse)
    can_find_peers.cache_clear()
    with pytest.raises(OSError, match="Too many open files"):
        AccessPolicy().check_forwarded(CONNECTED)


@as_nobody
@pytest.mark.parametrize("end", ["close", "reset"])
def test_programs_of_another_user_that_do_not_wait_for_the_response_change_nothing(end: str) -> None:
    with emulator_process("--log-level", "error") as (_, address):
        run_as_nobody(POST_AND_CLOSE, str(address[1]), end)
        assert [account["userid"] for account in call_control(address, "GET", "/accounts")["accounts"]] == ["12"]


@as_nobody
def test_programs_of_another_user_need_the_token() -> None:
    with emulator_process("--log-level", "error") as (_, address):
        refused = get_as_nobody(address, "/_mock/accounts")
        assert refused.startswith("403 "), refused
        assert f"another user (uid {NOBODY})" in refused
        assert "--token" in refused
        assert get_as_nobody(address, "/account").startswith("403 ")
        assert get_as_nobody(address, "/_mock/health/ready").startswith("200 ")
        assert "<returnstatus>Success<" in get_as_nobody(address, f"/v2sms.aspx?{SEND.decode()}")
        assert send_raw(address, build_control_request("GET", "/accounts")).status == 200
    with emulator_process("--token", "t0ken", "--log-level", "error") as (_, address):
        assert get_as_nobody(address, "/_mock/accounts").startswith("401 ")
        assert get_as_nobody(address, "/_mock/accounts", Authorization="Bearer t0ken").startswith("200 ")
