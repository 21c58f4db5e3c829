"""How a script gets to the node that has its keys: one server, or a cluster of them.

Here belong connections, slots, time-outs, and what becomes of the errors of the client library. What the scripts do
is in `scripts`.

The library's own client of clusters is not used: it sends a command again after an error, also where the command may
have been carried out, and it forgets nodes that were away.
"""

import hashlib
import time
from collections.abc import Sequence
from threading import Lock
from typing import Any, Final, NamedTuple, TypeAlias

import valkey
from valkey.connection import ConnectionPool, parse_url
from valkey.crc import key_slot
from valkey.exceptions import NoScriptError, ResponseError, ValkeyError

from sms10692_mock.stores.protocol import StoreUnavailable

Address: TypeAlias = tuple[str, int]

OLDEST: Final = 7
"""The first version of the server, Valkey or Redis, that understands the scripts."""

_CONNECT_SECONDS: Final = 0.5
_ANSWER_SECONDS: Final = 2.0

_NEXT_TRY: Final = 0.25
"""Seconds for which nobody waits for a node that did not answer: its next users are told at once that it is away."""

_REDIRECTIONS: Final = 5

_SCHEMES: Final = ("valkey://", "valkeys://", "redis://", "rediss://")
_ERRORS: Final = (ValkeyError, OSError)


class Script(NamedTuple):
    """A script and the name by which the server knows it."""

    name: str
    text: bytes
    sha: str


def script(name: str, text: str) -> Script:
    """A script under the name that the server gives it."""
    return Script(name, text.encode(), hashlib.sha1(text.encode()).hexdigest())  # noqa: S324 - the server names it so


class Refused(Exception):
    """A script's own error: its first word."""


class _Moved(Exception):
    def __init__(self, address: Address, for_once: bool) -> None:
        self.address, self.for_once = address, for_once


class Nodes:
    """All nodes that share the keys. May be used by many threads at once.

    Raises StoreUnavailable where none is there, or what is there cannot be used, ValueError where `url` is none.
    """

    def __init__(self, url: str) -> None:
        self._options = _options(url)
        self._seed: Address = (self._options.pop("host", "127.0.0.1"), self._options.pop("port", 6379))
        self._lock = Lock()
        self._clients: dict[Address, Any] = {}
        self._away: dict[Address, tuple[float, str]] = {}
        self._slots: list[Address] = []
        self._slots_are_old = False
        self._slots_next_try = 0.0
        self.is_cluster = self._examine()

    def run(self, work: Script, keys: Sequence[bytes], *arguments: bytes | str | int) -> Any:
        """Run a script whose keys are all in one slot, once or not at all, and return its answer.

        Raises Refused with the script's own error, StoreUnavailable with any other.
        """
        command = ("EVALSHA", work.sha, len(keys), *keys, *arguments)
        once: Address | None = None
        for _ in range(_REDIRECTIONS):
            address = once or self._address(keys[0])
            try:
                return self._execute(address, command, asking=once is not None)
            except NoScriptError:
                self._execute(address, ("SCRIPT LOAD", work.text))
            except _Moved as error:
                once = error.address if error.for_once else None
                if not error.for_once:
                    self._slots_are_old = True
                    self._slots_next_try = 0.0
        raise StoreUnavailable(f"{_said(self._seed)}: its nodes do not agree which of them has {keys[0]!a}")

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            for client in self._clients.values():
                client.close()
                client.connection_pool.disconnect()
            self._clients.clear()

    def _execute(self, address: Address, command: Sequence[bytes | str | int], asking: bool = False) -> Any:
        """One command, once. Where the connection breaks, it may have been carried out, so it is not sent again."""
        until, why = self._away.get(address, (0.0, ""))
        if until > time.monotonic():
            raise StoreUnavailable(why)
        try:
            client = self._client(address)
            if asking:
                with client.pipeline(transaction=False) as both:
                    both.execute_command("ASKING")
                    both.execute_command(*command)
                    answer = both.execute()[1]
            else:
                answer = client.execute_command(*command)
        except NoScriptError:
            raise
        except ResponseError as error:
            raise self._meant(address, str(error)) from None
        except _ERRORS as error:
            why = f"{_said(address)}: {error}"
            self._away[address] = (time.monotonic() + _NEXT_TRY, why)
            self._slots_are_old = True
            raise StoreUnavailable(why) from None
        if until:
            self._away.pop(address, None)
        return answer

    def _meant(self, address: Address, text: str) -> Exception:
        code, _, rest = text.partition(" ")
        if code in ("MOVED", "ASK"):
            host, _, port = rest.rpartition(" ")[2].rpartition(":")
            return _Moved((host or address[0], int(port)), code == "ASK")
        if code in _REFUSALS:
            return Refused(code)
        if code == "CLUSTERDOWN":
            self._slots_are_old = True
        return StoreUnavailable(f"{_said(address)}: {text}")

    def _client(self, address: Address) -> Any:  # its methods have no types
        client = self._clients.get(address)
        if client is None:
            with self._lock:
                client = self._clients.get(address)
                if client is None:
                    pool = ConnectionPool(host=address[0], port=address[1], **self._options)
                    client = self._clients[address] = valkey.Valkey(connection_pool=pool)
        return client

    def _address(self, key: bytes) -> Address:
        if not self.is_cluster:
            return self._seed
        if self._slots_are_old and self._slots_next_try < time.monotonic():
            self._learn_slots()
        return self._slots[key_slot(key)]

    def _learn_slots(self) -> None:
        self._slots_next_try = time.monotonic() + _NEXT_TRY
        why: StoreUnavailable | None = None
        for address in dict.fromkeys([self._seed, *self._slots]):
            try:
                ranges = self._execute(address, ("CLUSTER SLOTS",))
            except StoreUnavailable as error:
                why = error
                continue
            self._slots = _slots(ranges, address)
            self._slots_are_old = False
            return
        raise why or StoreUnavailable("there is no node")

    def _examine(self) -> bool:
        information = self._execute(self._seed, ("INFO",))
        version = str(information.get("valkey_version") or information.get("redis_version"))
        if int(version.partition(".")[0]) < OLDEST:
            raise StoreUnavailable(f"{_said(self._seed)}: it is version {version}, and {OLDEST} or newer is needed")
        is_cluster = bool(information.get("cluster_enabled"))
        if is_cluster:
            if self._options.get("db"):
                raise StoreUnavailable(f"{_said(self._seed)}: a cluster has no database but 0")
            self._learn_slots()
        return is_cluster


_REFUSALS: Final = frozenset({"NOACCOUNT"})
"""First words of the errors that the scripts themselves raise."""


def _options(url: str) -> dict[str, Any]:
    """What the library needs to connect. Raises ValueError."""
    if not url.startswith(_SCHEMES):
        raise ValueError(f"a store on a server is written {_SCHEMES[0]}HOST:PORT/DATABASE")
    known = {"client_name", "db", "password", "username"}
    scheme, _, rest = url.partition("://")
    options: dict[str, Any] = dict(parse_url(f"{scheme.replace('redis', 'valkey')}://{rest}"))
    for name in options:
        if name not in known | {"host", "port", "connection_class"} and not name.startswith("ssl_"):
            raise ValueError(f"a store on a server has no option {name}")
    return {
        "socket_connect_timeout": _CONNECT_SECONDS,
        "socket_timeout": _ANSWER_SECONDS,
        "client_name": "sms10692-mock",
        **options,
    }


def _slots(ranges: dict[tuple[int, int], dict[str, Any]], asked: Address) -> list[Address]:
    slots = [asked] * 16384
    for (first, last), nodes in ranges.items():
        host, port = nodes["primary"][:2]
        slots[first : last + 1] = [(host or asked[0], port)] * (last + 1 - first)
    return slots


def _said(address: Address) -> str:
    return f"{address[0]}:{address[1]}"
