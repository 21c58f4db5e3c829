"""The user at the other end of a connection, and requests to the control API of programs of other users."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sms10692_mock.server.peer_user import find_peer_uid
from support.emulators import emulator_process
from support.http_client import TIMEOUT, Address, build_control_request, send_raw
from support.serve_cli import SEND

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the user of a socket")

NOBODY = 65534
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


def get_as_nobody(address: Address, path: str, **headers: str) -> str:
    """Send a GET request from a program of another user; returns status and body."""
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    command = [*user, PYTHON, "-c", GET, str(address[1]), path, json.dumps(headers)]
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
