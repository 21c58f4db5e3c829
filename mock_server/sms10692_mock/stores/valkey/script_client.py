"""Runs Lua scripts on the node that has their keys: on one server, or on a cluster.

Handles cluster slots and redirections, and loads scripts that a node does not know. The connections to one node are in
`connection_pool`.

The cluster client of the `valkey` library is not used: after an error it sends a command again that may have been
executed, and it forgets nodes that were unreachable.
"""

import hashlib
import logging
from collections.abc import Sequence
from threading import Lock
from typing import Any, Final, NamedTuple

from valkey.crc import key_slot
from valkey.exceptions import NoScriptError, ResponseError

from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.stores.valkey.connection_pool import Address, Argument, Command, NodePool, Unavailable
from sms10692_mock.stores.valkey.options import parse_options
from sms10692_mock.stores.valkey.pipelined_connection import ConnectionSettings

_log: Final = logging.getLogger(__name__)

MIN_SERVER_VERSION: Final = 7
"""The minimum major version of the server, Valkey or Redis, that supports the scripts."""

_SLOT_REFRESH_INTERVAL: Final = 0.25
"""Seconds between two attempts to read the slot map."""

_MAX_REDIRECTIONS: Final = 5


class Script(NamedTuple):
    """A Lua script and its SHA-1 hash, by which EVALSHA finds it."""

    name: str
    text: bytes
    sha: str


def make_script(name: str, text: str) -> Script:
    """Build a script with its hash."""
    return Script(name, text.encode(), hashlib.sha1(text.encode()).hexdigest())  # noqa: S324 - prescribed by the server


class ScriptCall(NamedTuple):
    """A call of a script. **All keys must be in one slot.**"""

    script: Script
    keys: Sequence[bytes]
    arguments: Sequence[Argument]

    @property
    def command(self) -> Command:
        """The EVALSHA command."""
        return ("EVALSHA", self.script.sha, len(self.keys), *self.keys, *self.arguments)


class ScriptError(Exception):
    """An error that a script itself returned: its first word."""


class _MovedError(Exception):
    """A cluster redirection: MOVED (permanent) or ASK (for this command only)."""

    def __init__(self, address: Address, is_ask: bool) -> None:
        self.address, self.is_ask = address, is_ask


class ScriptClient:
    """Client for one server or for all nodes of a cluster. Thread-safe.

    Raises StoreUnavailable if no usable server answers, ValueError for an invalid `url`.
    """

    def __init__(self, url: str) -> None:
        self._options = parse_options(url)
        self._seed: Address = (self._options.pop("host", "127.0.0.1"), self._options.pop("port", 6379))
        self._lock = Lock()
        self._nodes: dict[Address, NodePool] = {}
        self._slots: list[Address] = []
        self._slots_stale = False
        self._slots_next_try = 0.0
        self.logs = False
        """Whether unavailable nodes are logged. False at start-up, where the error is raised instead."""
        self.is_cluster = False
        self.is_cluster = self._probe()

    def run(self, script: Script, keys: Sequence[bytes], *arguments: Argument) -> Any:
        """Run a script at most once and return its reply. **All keys must be in one slot.**

        Raises ScriptError for an error of the script itself, StoreUnavailable for any other error. After
        StoreUnavailable the script may have run.
        """
        command = ScriptCall(script, keys, arguments).command
        redirect: Address | None = None
        for _ in range(_MAX_REDIRECTIONS):
            address = redirect or self._address(keys[0])
            try:
                return self._execute(address, *([("ASKING",), command] if redirect else [command]))
            except NoScriptError:
                self._execute(address, ("SCRIPT", "LOAD", script.text))
            except _MovedError as error:
                redirect = error.address if error.is_ask else None
                if not error.is_ask:  # newer than the slot map of the other nodes
                    self._slots[key_slot(keys[0])] = error.address
                    self._slots_stale = True
        raise StoreUnavailable(
            f"{self._node(self._seed)}: too many redirections: the nodes disagree about the owner of {keys[0]!a}"
        )

    def run_on_all_nodes(
        self, script: Script, calls: Sequence[tuple[Sequence[bytes], Sequence[Argument]]]
    ) -> list[Any]:
        """Run a script for many sets of keys, pipelined by node, and return the replies in order.

        **The script must be idempotent**: a call that fails with an error reply is repeated individually.
        """
        by_address: dict[Address, list[int]] = {}
        for index, (keys, _) in enumerate(calls):
            by_address.setdefault(self._address(keys[0]), []).append(index)
        replies: list[Any] = [None] * len(calls)
        for address, indexes in by_address.items():
            node = self._node(address)
            node_replies = node.execute(*(ScriptCall(script, *calls[index]).command for index in indexes))
            for index, reply in zip(indexes, node_replies, strict=True):
                keys, arguments = calls[index]
                is_error = isinstance(reply, ResponseError)
                replies[index] = self.run(script, keys, *arguments) if is_error else self.raise_for_error(reply, node)
        return replies

    def check_writable(self) -> None:
        """Raise StoreUnavailable unless every node would run a script that writes."""
        if self.is_cluster:
            self._refresh_slots()
        for address in dict.fromkeys(self._slots or [self._seed]):
            self._execute(address, _WRITE_PROBE)

    @property
    def direct_endpoint(self) -> ConnectionSettings | None:
        """The endpoint for a pipelined connection; None for a cluster, and for connections with TLS."""
        options = self._options
        if self.is_cluster or "connection_class" in options:
            return None
        user, password = options.get("username"), options.get("password")
        hello: list[Command] = []
        if user or password:
            hello.append(("AUTH", *([user] if user else []), password or ""))
        hello.append(("CLIENT", "SETNAME", options["client_name"]))
        if options.get("db"):
            hello.append(("SELECT", options["db"]))
        return ConnectionSettings(self._seed, hello, options["socket_connect_timeout"], options["socket_timeout"])

    def close(self) -> None:
        """Close all idle connections."""
        for node in list(self._nodes.values()):
            node.close_idle()

    def _execute(self, address: Address, *commands: Command) -> Any:
        """Execute commands on one connection and return the last reply."""
        node = self._node(address)
        return self.raise_for_error(node.execute(*commands)[-1], node)

    def raise_for_error(self, reply: Any, node: NodePool | None = None) -> Any:
        """Return a reply that is not an error.

        Raises NoScriptError, ScriptError and StoreUnavailable. Default: seed node.
        """
        node = node or self._node(self._seed)
        if isinstance(reply, Unavailable):
            self._slots_stale = True
            raise self._unavailable(node, str(reply)) from None
        if not isinstance(reply, ResponseError):
            if node.availability.is_unavailable:
                node.availability.succeeded()
            return reply
        if isinstance(reply, NoScriptError):
            raise reply
        code, _, rest = str(reply).partition(" ")
        if self.is_cluster and code in ("MOVED", "ASK"):
            host, _, port = rest.rpartition(" ")[2].rpartition(":")
            raise _MovedError((host or node.host, int(port)), code == "ASK")
        if code in _SCRIPT_ERRORS:
            raise ScriptError(code)
        self._slots_stale = self._slots_stale or code == "CLUSTERDOWN"
        raise self._unavailable(node, f"{node}: {reply}")

    def _unavailable(self, node: NodePool, message: str) -> StoreUnavailable:
        message = node.without_password(message)
        if self.logs:
            node.availability.failed(message)
        return StoreUnavailable(message)

    def _node(self, address: Address) -> NodePool:
        node = self._nodes.get(address)
        if node is None:
            with self._lock:
                node = self._nodes.setdefault(address, NodePool(address, self._options))
        return node

    def _address(self, key: bytes) -> Address:
        if not self.is_cluster:
            return self._seed
        if self._slots_stale and self._slots_next_try < monotonic():
            self._refresh_slots()
        return self._slots[key_slot(key)]

    def _refresh_slots(self) -> None:
        self._slots_next_try = monotonic() + _SLOT_REFRESH_INTERVAL
        failure: StoreUnavailable | None = None
        for address in dict.fromkeys([self._seed, *self._slots]):
            try:
                ranges = self._execute(address, ("CLUSTER", "SLOTS"))
            except StoreUnavailable as error:
                failure = error
                continue
            self._slots = _parse_slots(ranges, address)
            self._slots_stale = False
            return
        raise failure or StoreUnavailable("the cluster has no reachable node")

    def _probe(self) -> bool:
        node = self._node(self._seed)
        info = _parse_info(self._execute(self._seed, ("INFO",)))
        version = info.get("valkey_version") or info["redis_version"]
        if int(version.partition(".")[0]) < MIN_SERVER_VERSION:
            raise StoreUnavailable(
                f"{node}: the server has version {version}; version {MIN_SERVER_VERSION} or newer is required"
            )
        is_cluster = info.get("cluster_enabled") == "1"
        if is_cluster:
            if self._options.get("db"):
                raise StoreUnavailable(f"{node}: a cluster supports database 0 only")
            self._refresh_slots()
        for address in dict.fromkeys(self._slots or [self._seed]):
            self._warn_of_eviction(address)
        return is_cluster

    def _warn_of_eviction(self, address: Address) -> None:
        """Log a warning if the server evicts keys when memory is short: accounts and reports would be lost."""
        info = _parse_info(self._execute(address, ("INFO", "memory")))
        policy = info.get("maxmemory_policy", "noeviction")
        if policy.startswith("allkeys-"):
            _log.warning(
                "%s has maxmemory-policy %s, so accounts and reports are lost when its memory is full: "
                "set maxmemory-policy noeviction",
                self._node(address),
                policy,
            )


_WRITE_PROBE: Final[Command] = ("EVAL", "#!lua\nreturn 1", 0)
"""A script without the flag `no-writes`: a replica and a server without memory or disk space reject it."""

_SCRIPT_ERRORS: Final = frozenset({"NOACCOUNT"})
"""First words of the errors that the scripts themselves return."""


def _parse_info(text: bytes) -> dict[str, str]:
    """Parse the reply to INFO."""
    lines = [line.partition(b":") for line in text.split(b"\r\n")]
    return {name.decode(): value.decode() for name, _, value in lines}


def _parse_slots(ranges: Sequence[Any], queried: Address) -> list[Address]:
    """The primary of each slot, from the reply to CLUSTER SLOTS: rows of first slot, last slot, primary, replicas."""
    slots = [queried] * _SLOT_COUNT
    for first, last, (host, port, *_), *_ in ranges:
        slots[first : last + 1] = [((host or b"").decode() or queried[0], port)] * (last + 1 - first)
    return slots


_SLOT_COUNT: Final = 16384
