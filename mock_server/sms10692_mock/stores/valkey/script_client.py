"""Runs Lua scripts on the node that has their keys: on one server, or on a cluster.

Handles cluster slots and redirections, and loads scripts that a node does not know. The connections to the nodes are in
`connection`, and how callers wait for them in `runner`.
"""

import hashlib
import logging
from binascii import crc_hqx
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from libvalkey import pack_command

from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.stores.availability import AvailabilityLog
from sms10692_mock.stores.valkey.connection import Address, Batch, ErrorReply, Unavailable
from sms10692_mock.stores.valkey.options import parse_options
from sms10692_mock.stores.valkey.runner import CommandExecutor, PipelinedRunner

_log: Final = logging.getLogger(__name__)

MIN_SERVER_VERSION: Final = 7
"""The minimum major version of the server, Valkey or Redis, that supports the scripts."""

_SLOT_REFRESH_INTERVAL: Final = 0.25
"""Seconds between two attempts to read the slot map."""

_MAX_REDIRECTIONS: Final = 5


Argument: TypeAlias = bytes | str | int


class Script(NamedTuple):
    """A Lua script and its SHA-1 hash, by which EVALSHA finds it."""

    name: str
    text: bytes
    sha: str


def make_script(name: str, text: str) -> Script:
    """Build a script with its hash."""
    return Script(name, text.encode(), hashlib.sha1(text.encode()).hexdigest())  # noqa: S324 - prescribed by the server


class ScriptError(Exception):
    """An error that a script itself returned: its first word."""


class _NoScriptError(Exception):
    """The node does not know the script, and did not run it."""


class _MovedError(Exception):
    """A cluster redirection: MOVED (permanent) or ASK (for this command only)."""

    def __init__(self, address: Address, is_ask: bool) -> None:
        self.address, self.is_ask = address, is_ask


class ScriptClient:
    """Client for one server or for all nodes of a cluster. Thread-safe; usable in the tasks of a runner.

    Raises StoreUnavailable if no usable server answers, ValueError for an invalid `url`.
    """

    def __init__(self, url: str) -> None:
        options = parse_options(url)
        self._seed = options.address
        self._password = options.password
        self._database = options.database
        self._slots: list[Address] = []
        self._slots_stale = False
        self._slots_next_try = 0.0
        self._availability: dict[Address, AvailabilityLog] = {}
        self.logs = False
        """Whether unavailable nodes are logged. False at start-up, where the error is raised instead."""
        try:
            self._executor = CommandExecutor(options.build_connection_options())
        except (OSError, ValueError) as error:
            raise StoreUnavailable(f"{_format(self._seed)}: {error}") from None
        self.is_cluster = False
        try:
            self.is_cluster = self._probe()
        except BaseException:
            self.close()
            raise

    def run(self, script: Script, keys: Sequence[bytes], *arguments: Argument) -> Any:
        """Run a script at most once and return its reply. **All keys must be in one slot.**

        Raises ScriptError for an error of the script itself, StoreUnavailable for any other error. After
        StoreUnavailable the script may have run. Inside a task of a runner other tasks run on this thread meanwhile.
        **The caller must not hold a lock.**
        """
        command = _pack_call(script, keys, arguments)
        redirect: Address | None = None
        for _ in range(_MAX_REDIRECTIONS):
            address = redirect or self._address(keys[0])
            try:
                if redirect is None:
                    return self._execute(address, command)
                return self._execute(address, _ASKING + command, 2)
            except _NoScriptError:
                self._execute(address, pack_command(("SCRIPT", "LOAD", script.text)))
            except _MovedError as error:
                redirect = error.address if error.is_ask else None
                if not error.is_ask:  # newer than the slot map of the other nodes
                    self._slots[_key_slot(keys[0])] = error.address
                    self._slots_stale = True
        raise StoreUnavailable(
            f"{_format(self._seed)}: too many redirections: the nodes disagree about the owner of {keys[0]!a}"
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
            packed = b"".join(_pack_call(script, *calls[index]) for index in indexes)
            node_replies = self._executor.execute(address, Batch(packed, len(indexes)))
            for index, reply in zip(indexes, node_replies, strict=True):
                keys, arguments = calls[index]
                is_error = isinstance(reply, ErrorReply)
                replies[index] = self.run(script, keys, *arguments) if is_error else self._check(reply, address)
        return replies

    def check_writable(self) -> None:
        """Raise StoreUnavailable unless every node would run a script that writes."""
        if self.is_cluster:
            self._refresh_slots()
        for address in dict.fromkeys(self._slots or [self._seed]):
            self._execute(address, _WRITE_PROBE)

    def create_runner(self) -> PipelinedRunner:
        """Create a runner on the event loop that is running."""
        return self._executor.create_runner()

    def close(self) -> None:
        """Close all connections."""
        self._executor.close()

    def _execute(self, address: Address, packed: bytes, count: int = 1) -> Any:
        """Execute commands on one node and return the last reply."""
        return self._check(self._executor.execute(address, Batch(packed, count))[-1], address)

    def _check(self, reply: Any, address: Address) -> Any:
        """Return a reply that is not an error. Raises an error of this module, or StoreUnavailable."""
        if isinstance(reply, Unavailable):
            self._slots_stale = True
            raise self._build_unavailable(address, str(reply))
        if not isinstance(reply, ErrorReply):
            availability = self._availability.get(address)
            if availability is not None and availability.is_unavailable:
                availability.succeeded()
            return reply
        if reply.code == "NOSCRIPT":
            raise _NoScriptError
        if self.is_cluster and reply.code in ("MOVED", "ASK"):
            host, _, port = str(reply).rpartition(" ")[2].rpartition(":")
            raise _MovedError((host or address[0], int(port)), reply.code == "ASK")
        if reply.code in _SCRIPT_ERRORS:
            raise ScriptError(reply.code)
        self._slots_stale = self._slots_stale or reply.code == "CLUSTERDOWN"
        raise self._build_unavailable(address, f"{_format(address)}: {reply}")

    def _build_unavailable(self, address: Address, message: str) -> StoreUnavailable:
        """Log an outage. The server may quote the AUTH command, so the password is masked."""
        message = message.replace(self._password, "***") if self._password else message
        if self.logs:
            self._availability.setdefault(address, AvailabilityLog()).failed(message)
        return StoreUnavailable(message)

    def _address(self, key: bytes) -> Address:
        if not self.is_cluster:
            return self._seed
        if self._slots_stale and self._slots_next_try < monotonic():
            self._refresh_slots()
        return self._slots[_key_slot(key)]

    def _refresh_slots(self) -> None:
        self._slots_next_try = monotonic() + _SLOT_REFRESH_INTERVAL
        failure: StoreUnavailable | None = None
        for address in dict.fromkeys([self._seed, *self._slots]):
            try:
                ranges = self._execute(address, _CLUSTER_SLOTS)
            except StoreUnavailable as error:
                failure = error
                continue
            self._slots = _parse_slots(ranges, address)
            self._slots_stale = False
            return
        raise failure or StoreUnavailable("the cluster has no reachable node")

    def _probe(self) -> bool:
        server = _format(self._seed)
        info = _parse_info(self._execute(self._seed, _INFO))
        version = info.get("valkey_version") or info["redis_version"]
        if int(version.partition(".")[0]) < MIN_SERVER_VERSION:
            raise StoreUnavailable(
                f"{server}: the server has version {version}; version {MIN_SERVER_VERSION} or newer is required"
            )
        is_cluster = info.get("cluster_enabled") == "1"
        if is_cluster:
            if self._database:
                raise StoreUnavailable(f"{server}: a cluster supports database 0 only")
            self._refresh_slots()
        for address in dict.fromkeys(self._slots or [self._seed]):
            self._warn_of_eviction(address)
        return is_cluster

    def _warn_of_eviction(self, address: Address) -> None:
        """Log a warning if the server evicts keys when memory is short: accounts and reports would be lost."""
        info = _parse_info(self._execute(address, _INFO_MEMORY))
        policy = info.get("maxmemory_policy", "noeviction")
        if policy.startswith("allkeys-"):
            _log.warning(
                "%s has maxmemory-policy %s, so accounts and reports are lost when its memory is full: "
                "set maxmemory-policy noeviction",
                _format(address),
                policy,
            )


_ASKING: Final = pack_command(("ASKING",))
_CLUSTER_SLOTS: Final = pack_command(("CLUSTER", "SLOTS"))
_INFO: Final = pack_command(("INFO",))
_INFO_MEMORY: Final = pack_command(("INFO", "memory"))

_WRITE_PROBE: Final = pack_command(("EVAL", "#!lua\nreturn 1", 0))
"""A script without the flag `no-writes`: a replica and a server without memory or disk space reject it."""

_SCRIPT_ERRORS: Final = frozenset({"NOACCOUNT"})
"""First words of the errors that the scripts themselves return."""


def _format(address: Address) -> str:
    return f"{address[0]}:{address[1]}"


def _pack_call(script: Script, keys: Sequence[bytes], arguments: Sequence[Argument]) -> bytes:
    return pack_command(("EVALSHA", script.sha, len(keys), *keys, *arguments))


def _key_slot(key: bytes) -> int:
    """The cluster slot of a key with a hash tag in braces."""
    return crc_hqx(key[key.index(b"{") + 1 : key.index(b"}")], 0) % _SLOT_COUNT


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
