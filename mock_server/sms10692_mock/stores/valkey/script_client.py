"""How a script gets to the node that has its keys: one server, or a cluster of them.

Here belong slots, scripts that a node does not know, and options. How one server is talked to is in `node`, what the
scripts do in `scripts`.

The library's own client of clusters is not used: it sends a command again after an error, also where the command may
have been carried out, and it forgets nodes that were away.
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
from sms10692_mock.stores.valkey.pipelined_connection import Endpoint

_log: Final = logging.getLogger(__name__)

OLDEST: Final = 7
"""The first version of the server, Valkey or Redis, that understands the scripts."""

_NEXT_LOOK: Final = 0.25
"""Seconds between two tries to learn which node has what."""

_REDIRECTIONS: Final = 5


class Script(NamedTuple):
    """A script and the name by which the server knows it."""

    name: str
    text: bytes
    sha: str


def script(name: str, text: str) -> Script:
    """A script under the name that the server gives it."""
    return Script(name, text.encode(), hashlib.sha1(text.encode()).hexdigest())  # noqa: S324 - the server names it so


class ScriptCall(NamedTuple):
    """A script to be run, with keys that are all in one slot."""

    work: Script
    keys: Sequence[bytes]
    arguments: Sequence[Argument]

    @property
    def command(self) -> Command:
        """The same as the server is asked it."""
        return ("EVALSHA", self.work.sha, len(self.keys), *self.keys, *self.arguments)


class ScriptError(Exception):
    """A script's own error: its first word."""


class _MovedError(Exception):
    def __init__(self, address: Address, for_once: bool) -> None:
        self.address, self.for_once = address, for_once


class ScriptClient:
    """All nodes that share the keys. May be used by many threads at once.

    Raises StoreUnavailable where none is there, or what is there cannot be used, ValueError where `url` is none.
    """

    def __init__(self, url: str) -> None:
        self._options = parse_options(url)
        self._seed: Address = (self._options.pop("host", "127.0.0.1"), self._options.pop("port", 6379))
        self._lock = Lock()
        self._nodes: dict[Address, NodePool] = {}
        self._slots: list[Address] = []
        self._slots_are_old = False
        self._slots_next_try = 0.0
        self.logs = False
        """Whether it is logged that a node is away: not at the start, which fails then."""
        self.is_cluster = False
        self.is_cluster = self._probe()

    def run(self, work: Script, keys: Sequence[bytes], *arguments: Argument) -> Any:
        """Run a script whose keys are all in one slot, once or not at all, and return its answer.

        Raises Refused with the script's own error, StoreUnavailable with any other.
        """
        command = ScriptCall(work, keys, arguments).command
        asked: Address | None = None
        for _ in range(_REDIRECTIONS):
            address = asked or self._address(keys[0])
            try:
                return self._execute(address, *([("ASKING",), command] if asked else [command]))
            except NoScriptError:
                self._execute(address, ("SCRIPT", "LOAD", work.text))
            except _MovedError as error:
                asked = error.address if error.for_once else None
                if not error.for_once:  # what the other nodes do not know yet
                    self._slots[key_slot(keys[0])] = error.address
                    self._slots_are_old = True
        raise StoreUnavailable(f"{self._node(self._seed)}: its nodes do not agree which of them has {keys[0]!a}")

    def run_on_all_nodes(
        self, work: Script, questions: Sequence[tuple[Sequence[bytes], Sequence[Argument]]]
    ) -> list[Any]:
        """Run a script that may be repeated, for other keys each time, and return all its answers.

        The questions to a node go together. One that it cannot answer so is asked again alone.
        """
        at: dict[Address, list[int]] = {}
        for place, (keys, _) in enumerate(questions):
            at.setdefault(self._address(keys[0]), []).append(place)
        answers: list[Any] = [None] * len(questions)
        for address, places in at.items():
            node = self._node(address)
            some = node.execute(*(ScriptCall(work, *questions[place]).command for place in places))
            for place, answer in zip(places, some, strict=True):
                keys, arguments = questions[place]
                is_none = isinstance(answer, ResponseError)
                answers[place] = self.run(work, keys, *arguments) if is_none else self.raise_for_error(answer, node)
        return answers

    def check_writable(self) -> None:
        """Raise StoreUnavailable unless every node would run a script that writes."""
        if self.is_cluster:
            self._refresh_slots()
        for address in dict.fromkeys(self._slots or [self._seed]):
            self._execute(address, _WRITE_PROBE)

    @property
    def direct_endpoint(self) -> Endpoint | None:
        """The only server, for a connection of one's own; None where there are more, or what is said is encrypted."""
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
        return Endpoint(self._seed, hello, options["socket_connect_timeout"], options["socket_timeout"])

    def close(self) -> None:
        """Hang up."""
        for node in list(self._nodes.values()):
            node.close_idle()

    def _execute(self, address: Address, *commands: Command) -> Any:
        """Commands on one connection, and the answer to the last of them."""
        node = self._node(address)
        return self.raise_for_error(node.execute(*commands)[-1], node)

    def raise_for_error(self, answer: Any, node: NodePool | None = None) -> Any:
        """An answer of a node, or of the only one, if it is one. Raises NoScriptError, Refused and StoreUnavailable."""
        node = node or self._node(self._seed)
        if isinstance(answer, Unavailable):
            self._slots_are_old = True
            raise self._unavailable(node, str(answer)) from None
        if not isinstance(answer, ResponseError):
            if node.availability.is_away:
                node.availability.succeeded()
            return answer
        if isinstance(answer, NoScriptError):
            raise answer
        code, _, rest = str(answer).partition(" ")
        if self.is_cluster and code in ("MOVED", "ASK"):
            host, _, port = rest.rpartition(" ")[2].rpartition(":")
            raise _MovedError((host or node.host, int(port)), code == "ASK")
        if code in _REFUSALS:
            raise ScriptError(code)
        self._slots_are_old = self._slots_are_old or code == "CLUSTERDOWN"
        raise self._unavailable(node, f"{node}: {answer}")

    def _unavailable(self, node: NodePool, why: str) -> StoreUnavailable:
        why = node.without_password(why)
        if self.logs:
            node.availability.failed(why)
        return StoreUnavailable(why)

    def _node(self, address: Address) -> NodePool:
        node = self._nodes.get(address)
        if node is None:
            with self._lock:
                node = self._nodes.setdefault(address, NodePool(address, self._options))
        return node

    def _address(self, key: bytes) -> Address:
        if not self.is_cluster:
            return self._seed
        if self._slots_are_old and self._slots_next_try < monotonic():
            self._refresh_slots()
        return self._slots[key_slot(key)]

    def _refresh_slots(self) -> None:
        self._slots_next_try = monotonic() + _NEXT_LOOK
        why: StoreUnavailable | None = None
        for address in dict.fromkeys([self._seed, *self._slots]):
            try:
                ranges = self._execute(address, ("CLUSTER", "SLOTS"))
            except StoreUnavailable as error:
                why = error
                continue
            self._slots = _slots(ranges, address)
            self._slots_are_old = False
            return
        raise why or StoreUnavailable("there is no node")

    def _probe(self) -> bool:
        node = self._node(self._seed)
        information = _information(self._execute(self._seed, ("INFO",)))
        version = information.get("valkey_version") or information["redis_version"]
        if int(version.partition(".")[0]) < OLDEST:
            raise StoreUnavailable(f"{node}: it is version {version}, and {OLDEST} or newer is needed")
        is_cluster = information.get("cluster_enabled") == "1"
        if is_cluster:
            if self._options.get("db"):
                raise StoreUnavailable(f"{node}: a cluster has no database but 0")
            self._refresh_slots()
        for address in dict.fromkeys(self._slots or [self._seed]):
            self._warn_of_eviction(address)
        return is_cluster

    def _warn_of_eviction(self, address: Address) -> None:
        """Without memory, a server with such a policy drops keys: accounts and what waits for them."""
        information = _information(self._execute(address, ("INFO", "memory")))
        policy = information.get("maxmemory_policy", "noeviction")
        if policy.startswith("allkeys-"):
            _log.warning(
                "%s has maxmemory-policy %s, so accounts and reports vanish when its memory is full: set noeviction",
                self._node(address),
                policy,
            )


_WRITE_PROBE: Final[Command] = ("EVAL", "#!lua\nreturn 1", 0)
"""A script that does not say that it only reads: a server that has no memory or disk left, or is a replica, refuses."""

_REFUSALS: Final = frozenset({"NOACCOUNT"})
"""First words of the errors that the scripts themselves raise."""


def _information(text: bytes) -> dict[str, str]:
    """What INFO says, by name."""
    lines = [line.partition(b":") for line in text.split(b"\r\n")]
    return {name.decode(): value.decode() for name, _, value in lines}


def _slots(ranges: Sequence[Any], asked: Address) -> list[Address]:
    """For each slot where its keys are, as CLUSTER SLOTS says it: first, last, the node that writes, others."""
    slots = [asked] * _SLOTS
    for first, last, (host, port, *_), *_ in ranges:
        slots[first : last + 1] = [((host or b"").decode() or asked[0], port)] * (last + 1 - first)
    return slots


_SLOTS: Final = 16384
