"""The Valkey store: shared by many processes, on a Valkey or Redis server or cluster.

Each operation is one Lua script (`scripts`), executed by `script_client`.
Lists are read in `listing`.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from math import inf, nextafter
from typing import Any, Final, Literal, TypeVar

from sms10692_mock.domain.accounts import Account, initial_balance
from sms10692_mock.domain.bounds import MAX_POINTS, BalanceOutOfBounds
from sms10692_mock.domain.clock import Clock, system_time
from sms10692_mock.domain.delivery import DeliveryRules
from sms10692_mock.domain.records import (
    AccountBalance,
    InboundReply,
    Limits,
    QueueName,
    RulesTransition,
    StatusReport,
    Task,
)
from sms10692_mock.domain.store import FIRST_TASK_ID, BalanceTooSmall, NoSuchAccount, RulesConflict, StoreUnavailable
from sms10692_mock.stores.due_batches import Item
from sms10692_mock.stores.readiness import Readiness
from sms10692_mock.stores.request_log import BufferedRequestLog
from sms10692_mock.stores.retention import GrowthMonitor, History, Usage, plan
from sms10692_mock.stores.serialization import dump_account, load_account
from sms10692_mock.stores.valkey import scripts
from sms10692_mock.stores.valkey.keys import CACHE_SIZE, GLOBAL_KEYS, SCHEMA_KEY, account_keys
from sms10692_mock.stores.valkey.listing import ListReader
from sms10692_mock.stores.valkey.losses import Losses
from sms10692_mock.stores.valkey.request_log import FlushThread, ValkeyRequestLogWriter
from sms10692_mock.stores.valkey.runner import PipelinedRunner
from sms10692_mock.stores.valkey.script_client import Script, ScriptClient, ScriptError
from sms10692_mock.stores.valkey.sequences import BlockSequence
from sms10692_mock.stores.valkey.serialization import (
    SerializedBatch,
    decode_text,
    dump_replies,
    dump_reports,
    dump_task,
    encode_text,
    load_batch,
    random_version,
)
from sms10692_mock.stores.valkey.settings_cache import SettingsCache

Entry = TypeVar("Entry")

SCHEMA_VERSION: Final = 2
"""Version of the stored data. Increase it with every change that earlier releases cannot read."""

_EVICTED: Final = "evicted"
"""Counter of evicted accounts, stored with the sequences."""

_CHUNK: Final = 500
"""Accounts per pipelined round trip, at most."""


class ValkeyStore:
    """A `Store` on the server or cluster at `url`, such as `valkey://localhost:6379/0`; see `ScriptClient`.

    Thread-safe. `real_time` is the time of last use of temporary accounts. Durability is configured in the server.

    Raises StoreUnavailable if the server cannot be used, ValueError for an invalid `url`. **`close` writes the pending
    request log: always call it.**
    """

    def __init__(self, url: str, limits: Limits | None = None, real_time: Clock = system_time) -> None:
        self._client = ScriptClient(url)
        self._call = self._client.run
        version = self._write_schema_version()
        if version != SCHEMA_VERSION:
            self._client.close()
            advice = "flush every node" if self._client.is_cluster else "use another database number, or FLUSHDB"
            raise StoreUnavailable(
                f"the data on the server has version {version}, and this program supports {SCHEMA_VERSION}: {advice}"
            )
        self.name = "valkey cluster" if self._client.is_cluster else "valkey"
        self.blocking = True
        self._limits = limits or Limits()
        self._history_limits = (self._limits.fetched, self._limits.fetched_bytes)
        self._real_time = real_time
        self._growth = GrowthMonitor(self._limits, self.enforce_limits)
        self._account_cache: dict[str, tuple[bytes, Account]] = {}
        self._losses = Losses(
            self._call,
            partial(self.create_account, keep=True),
            lambda userid: self._unregister([userid]),
            self._write_schema_version,
        )
        self.check_ready = Readiness(self._probe).check
        self._settings = SettingsCache(self._call)
        self.settings = self._settings.get
        self.change_settings = self._settings.change
        self._task_sequence = BlockSequence(lambda size: FIRST_TASK_ID - 1 + self._reserve_numbers("tasks", size))
        lists = ListReader(self._run)
        self.queue_stats = lists.queue_stats
        self.messages = lists.messages
        self.reports = lists.reports
        self.replies = lists.replies
        self._request_sequence = BlockSequence(lambda size: self._reserve_numbers("requests", size))
        self.next_task_id = self._task_sequence.next
        self.last_task_id = self._task_sequence.last
        self.skip_task_ids = self._task_sequence.skip
        self.next_request = self._request_sequence.next
        self._flush_thread = FlushThread()
        writer = ValkeyRequestLogWriter(self._client, self._limits)
        self._request_log = BufferedRequestLog(self._limits, writer, self._flush_thread.wake)
        self._flush_thread.start(self._request_log.flush)
        self.log_request = self._request_log.record
        self.requests = self._request_log.query
        self.request = self._request_log.get
        self.is_logged = self._request_log.is_logged
        self.delete_request = self._request_log.delete
        self.clear_request_log = self._request_log.clear
        self._client.logs = True

    def _write_schema_version(self) -> int:
        """Write the schema version unless one is stored. Returns the stored one."""
        return int(self._call(scripts.SCHEMA_VERSION, SCHEMA_KEY, SCHEMA_VERSION))

    def _probe(self) -> None:
        self._client.check_writable()
        self._losses.check()

    def create_runner(self, _: Executor) -> PipelinedRunner:
        return self._client.create_runner()

    def close(self) -> None:
        self._flush_thread.stop()
        self._client.close()

    def _reserve_numbers(self, sequence: str, size: int) -> int:
        last: int = self._call(scripts.RESERVE_NUMBERS, GLOBAL_KEYS, sequence, size)
        return last

    def _run(self, script: Script, userid: str, *arguments: bytes | str | int) -> Any:
        try:
            return self._call(script, account_keys(userid), *arguments)
        except ScriptError:
            raise NoSuchAccount(userid) from None

    def _run_on_account(self, script: Script, userid: str, *arguments: bytes | str | int) -> Any:
        """Run a script that needs only the first key of an account."""
        try:
            return self._call(script, account_keys(userid)[:1], *arguments)
        except ScriptError:
            raise NoSuchAccount(userid) from None

    def create_account(self, account: Account, *, keep: bool = False) -> bool:
        if keep and not account.temporary:
            self._losses.configure(account)
        userid = account.userid
        arguments = self._creation_arguments(account)
        # Register the userid before and after the creation, so that neither a crash in between nor a concurrent
        # deletion hides the account. `expire` unregisters a userid whose account was never created.
        self._register(userid, temporary=True)
        created = bool(self._run(scripts.CREATE_ACCOUNT, userid, *arguments, "keep" if keep else ""))
        if created:
            self._register(userid, temporary=account.temporary)
        else:
            self._register_existing([userid])
        if created and account.temporary:
            self._growth.add_account()
        return created

    def reset(self, userid: str, change: Callable[[Account], Account]) -> Account:
        while True:
            cached = self._run_on_account(scripts.ACCOUNT, userid, "")
            if cached is None:
                raise NoSuchAccount(userid)
            version, text = cached
            account = change(load_account(decode_text(text)))
            if self._run(scripts.CREATE_ACCOUNT, userid, *self._creation_arguments(account), "reset", version):
                return account

    def _creation_arguments(self, account: Account) -> tuple[bytes | str | int, ...]:
        points = initial_balance(account)
        return random_version(), random_version(), *_account_arguments(account), points, repr(self._real_time())

    def _register(self, userid: str, *, temporary: bool) -> None:
        self._call(scripts.REGISTER, GLOBAL_KEYS, encode_text(userid), int(temporary))

    def _cache_account(self, userid: str, version: bytes, account: Account) -> None:
        if len(self._account_cache) >= CACHE_SIZE:
            self._account_cache.clear()
        self._account_cache[userid] = (version, account)

    def account(self, userid: str) -> Account | None:
        cached = self._account_cache.get(userid)
        reply = self._run_on_account(scripts.ACCOUNT, userid, cached[0] if cached else "", repr(self._real_time()))
        if reply is None:
            self._account_cache.pop(userid, None)
            if self._losses.is_restored(userid):
                reply, cached = self._run_on_account(scripts.ACCOUNT, userid, ""), None
        return None if reply is None else self._load_cached(userid, cached, reply)

    def userids(self) -> list[str]:
        return [decode_text(userid) for userid in self._call(scripts.USERIDS, GLOBAL_KEYS, 0)]

    def accounts(self, last: int | None = None) -> list[Account]:
        accounts: list[Account] = []
        userids = [decode_text(userid) for userid in self._call(scripts.USERIDS, GLOBAL_KEYS, -last if last else 0)]
        for chunk in _chunks(userids):
            cached = [self._account_cache.get(userid) for userid in chunk]
            calls = [
                (account_keys(userid)[:1], (entry[0] if entry else "",))
                for userid, entry in zip(chunk, cached, strict=True)
            ]
            results = self._client.run_on_all_nodes(scripts.ACCOUNT, calls)
            for userid, entry, reply in zip(chunk, cached, results, strict=True):
                if reply is not None:
                    accounts.append(self._load_cached(userid, entry, reply))
        return accounts

    def _with_rules(self, userid: str, rules: DeliveryRules) -> tuple[bytes, Account]:
        """The account and its version if it has these rules. Raises RulesConflict otherwise."""
        cached = self._account_cache.get(userid)
        if cached is not None and cached[1].delivery_rules == rules:
            return cached
        reply = self._run_on_account(scripts.ACCOUNT, userid, "")
        if reply is None:
            raise NoSuchAccount(userid)
        account = self._load_cached(userid, None, reply)
        if account.delivery_rules != rules:
            raise RulesConflict(account.delivery_rules)
        return reply[0], account

    def _load_cached(self, userid: str, cached: tuple[bytes, Account] | None, reply: Sequence[bytes]) -> Account:
        """The account of a reply of `scripts/account.lua`, which contains the document only if the version is new."""
        if cached and reply[0] == cached[0]:
            return cached[1]
        account = load_account(decode_text(reply[1]))
        self._cache_account(userid, reply[0], account)
        return account

    def update_account(self, userid: str, change: Callable[[Account], Account]) -> Account:
        cached = self._run_on_account(scripts.ACCOUNT, userid, "")
        if cached is None:
            raise NoSuchAccount(userid)
        while cached is not None:
            before, text = cached
            account = change(load_account(decode_text(text)))
            version = random_version()
            cached = self._run_on_account(
                scripts.UPDATE_ACCOUNT, userid, before, version, *_account_arguments(account), repr(self._real_time())
            )
        if account.temporary:
            self._register(userid, temporary=True)
        self._cache_account(userid, version, account)
        return account

    def delete_account(self, userid: str) -> None:
        self._register(userid, temporary=True)  # otherwise another process would consider it lost
        self._run(scripts.DELETE_ACCOUNT, userid)
        self._unregister([userid])

    def _unregister(self, userids: Sequence[str]) -> None:
        self._call(scripts.UNREGISTER, GLOBAL_KEYS, *map(encode_text, userids))
        self._register_existing(userids)  # accounts that were created again meanwhile

    def _register_existing(self, userids: Sequence[str]) -> None:
        """Register those of these userids whose account exists."""
        replies = self._client.run_on_all_nodes(
            scripts.ACCOUNT, [(account_keys(userid)[:1], ("",)) for userid in userids]
        )
        for userid, reply in zip(userids, replies, strict=True):
            if reply is not None:
                self._register(userid, temporary=load_account(decode_text(reply[1])).temporary)

    def expire(self, unused_since: float) -> int:
        count = 0
        for chunk in _chunks([decode_text(name) for name in self._call(scripts.USERIDS, GLOBAL_KEYS)]):
            deleted_keys = self._client.run_on_all_nodes(
                scripts.DELETE_ACCOUNT, [(account_keys(userid), (repr(unused_since),)) for userid in chunk]
            )
            deleted = [userid for userid, keys in zip(chunk, deleted_keys, strict=True) if keys is not None]
            if deleted:
                self._unregister(deleted)
            count += sum(1 for keys in deleted_keys if keys)
        return count

    def enforce_limits(self) -> int:
        actions = plan(self._usages(), self._limits)
        count = 0
        for chunk in _chunks(actions.evict):
            # The next float after the last use: an account that was used since stays.
            calls = [(account_keys(usage.userid), (repr(nextafter(usage.used, inf)), "1")) for usage in chunk]
            deleted_keys = self._client.run_on_all_nodes(scripts.DELETE_ACCOUNT, calls)
            deleted = [usage.userid for usage, keys in zip(chunk, deleted_keys, strict=True) if keys is not None]
            if deleted:
                self._unregister(deleted)
                self._reserve_numbers(_EVICTED, len(deleted))
            count += len(deleted)
        for userid in actions.shrink:
            with suppress(NoSuchAccount):  # deleted meanwhile
                self._run(scripts.TRIM, userid, *actions.limits)
        return count

    def _usages(self) -> Iterator[Usage]:
        for chunk in _chunks(self.userids()):
            results = self._client.run_on_all_nodes(scripts.USAGE, [(account_keys(userid)[:1], ()) for userid in chunk])
            for userid, reply in zip(chunk, results, strict=True):
                if reply is not None:
                    temporary, used, waits, *history = reply
                    yield Usage(userid, temporary == b"1" and not waits, float(used), History(*history))

    def evicted(self) -> int:
        return self._reserve_numbers(_EVICTED, 0)

    def add_points(self, userid: str, points: int) -> None:
        self._change_points(userid, points, "by")

    def set_balance(self, userid: str, points: int, total_added: int | None = None) -> None:
        self._change_points(userid, points, "to", total_added)

    def _change_points(
        self, userid: str, points: int, mode: Literal["by", "to"], total_added: int | None = None
    ) -> None:
        total = "" if total_added is None else total_added
        out_of_bounds = self._run_on_account(scripts.ADD_POINTS, userid, points, mode, MAX_POINTS, total)
        if out_of_bounds is not None:
            raise BalanceOutOfBounds(*map(int, out_of_bounds))

    def balance(self, userid: str) -> AccountBalance:
        points, total_added, messages = self._run_on_account(scripts.BALANCE, userid)
        return AccountBalance(int(points), int(total_added), int(messages))

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[StatusReport],
        replies: Sequence[InboundReply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | BalanceTooSmall:
        count, size = len(task.numbers), task.size
        send = (int(task.cost), count, size, repr(now), dump_task(task, reports))
        keep = (self._limits.messages, self._limits.message_bytes, MAX_POINTS)
        items = (*_arguments(dump_reports(reports)), *_arguments(dump_replies(replies)))
        if used is None:
            reply = self._run(scripts.RECORD_SEND, userid, *send, *keep, "", "", "", *items)
            if isinstance(reply, bytes):
                return BalanceTooSmall(int(reply))
            self._growth.add(count, size)
            return int(reply)
        while True:
            before, account = self._with_rules(userid, used.before)
            updated, version = replace(account, delivery_rules=used.after), random_version()
            document = encode_text(dump_account(updated))
            reply = self._run(scripts.RECORD_SEND, userid, *send, *keep, before, version, document, *items)
            if isinstance(reply, list):  # the account was changed meanwhile; the reply contains it
                self._load_cached(userid, None, reply)
                continue
            if isinstance(reply, bytes):
                return BalanceTooSmall(int(reply))
            self._cache_account(userid, version, updated)
            self._growth.add(count, size)
            return int(reply)

    def enqueue(
        self, userid: str, reports: Sequence[StatusReport], replies: Sequence[InboundReply], now: float
    ) -> None:
        self._run(
            scripts.ENQUEUE,
            userid,
            repr(now),
            *_arguments(dump_reports(reports)),
            *_arguments(dump_replies(replies)),
        )
        self._growth.add(len(reports) + len(replies), 0)

    def delete_message(self, userid: str, number: int) -> bool:
        return bool(self._run(scripts.DELETE_MESSAGE, userid, number))

    def clear_messages(self, userid: str) -> None:
        self._run(scripts.CLEAR_MESSAGES, userid)

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[StatusReport]:
        return self._fetch(StatusReport, userid, "reports", limit, now, request)

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[InboundReply]:
        return self._fetch(InboundReply, userid, "replies", sys.maxsize, now, request)

    def _fetch(
        self, item_type: type[Item], userid: str, queue: QueueName, limit: int, now: float, request: int
    ) -> list[Item]:
        lines = self._run(scripts.FETCH, userid, queue, limit, repr(now), request, *self._history_limits)
        return load_batch(item_type, lines)

    def requeue(self, userid: str, queue: QueueName, count: int | None, since: float | None) -> int:
        number: int = self._run(
            scripts.REQUEUE, userid, queue, "" if count is None else count, "" if since is None else repr(since)
        )
        return number

    def next_due(self, userid: str, now: float) -> float | None:
        return min(map(float, self._run(scripts.NEXT_DUE, userid, repr(now))), default=None)


def _chunks(items: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    return (items[first : first + _CHUNK] for first in range(0, len(items), _CHUNK))


def _arguments(batches: Sequence[SerializedBatch]) -> list[bytes | str | int]:
    arguments: list[bytes | str | int] = [len(batches)]
    for due, count, lines in batches:
        arguments += (repr(due), count, lines)
    return arguments


def _account_arguments(account: Account) -> tuple[bytes, int, int]:
    """Script arguments of an account: its document, and the fields that the scripts read."""
    return encode_text(dump_account(account)), int(account.postpaid), int(account.temporary)
