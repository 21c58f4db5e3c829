"""The store that many processes share, on a Valkey or Redis server or a cluster of them.

Here belongs how the protocol's promises are kept by scripts: what is sent to which keys, and what comes back. How a
script gets there is in `nodes`, what it does there in `scripts`, how lists are read in `looking`.
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
    Limits,
    QueueName,
    Reply,
    Report,
    RulesTransition,
    Task,
)
from sms10692_mock.domain.store import FIRST_TASK_ID, NoSuchAccount, RulesConflict, StoreUnavailable
from sms10692_mock.stores.due_batches import Item
from sms10692_mock.stores.readiness import Readiness
from sms10692_mock.stores.retention import Growth, History, Usage, plan
from sms10692_mock.stores.serialization import dump_account, load_account
from sms10692_mock.stores.valkey import scripts
from sms10692_mock.stores.valkey.keys import CACHE_SIZE, GLOBAL_KEYS, SCHEMA_KEY, account_keys
from sms10692_mock.stores.valkey.listing import ListReader
from sms10692_mock.stores.valkey.losses import Losses
from sms10692_mock.stores.valkey.pipelined_runner import PipelinedRunner, call_script
from sms10692_mock.stores.valkey.request_log import ValkeyRequestLog
from sms10692_mock.stores.valkey.script_client import Script, ScriptClient, ScriptError
from sms10692_mock.stores.valkey.sequences import BlockSequence
from sms10692_mock.stores.valkey.serialization import (
    SerializedBatch,
    decoded,
    dump_replies,
    dump_reports,
    dump_task,
    encoded,
    load_batch,
    random_version,
)
from sms10692_mock.stores.valkey.settings_cache import SettingsCache

Thing = TypeVar("Thing")

SCHEMA_VERSION: Final = 1
"""How all is kept, as a number: another where a program of today could not read it any more."""

_EVICTED: Final = "evicted"
"""Counts, beside the numbers that were given, the accounts that were closed because there were too many."""

_LOOKED_UP: Final = 500
"""Accounts that are asked for in one breath."""


class ValkeyStore:
    """A `Store` on the server or cluster at `url`, such as `valkey://localhost:6379/0`; see `ScriptClient`.

    `real_time` says when a throw-away account was used.
    """

    def __init__(self, url: str, limits: Limits | None = None, real_time: Clock = system_time) -> None:
        self._nodes = ScriptClient(url)
        self._ask = partial(call_script, self._nodes)
        form = self._mark()
        if form != SCHEMA_VERSION:
            self._nodes.close()
            raise StoreUnavailable(f"what is kept there has form {form}, and this program knows form {SCHEMA_VERSION}")
        self.name = "valkey cluster" if self._nodes.is_cluster else "valkey"
        self.blocking = True
        self._limits = limits or Limits()
        self._kept = (self._limits.handed_out, self._limits.handed_out_bytes)
        self._real_time = real_time
        self._growth = Growth(self._limits, self.enforce_limits)
        self._terms: dict[str, tuple[bytes, Account]] = {}
        self._losses = Losses(
            self._ask, partial(self.create_account, keep=True), lambda userid: self._unregister([userid]), self._mark
        )
        self.check_ready = Readiness(self._probe).check
        self._settings = SettingsCache(self._ask)
        self.settings = self._settings.get
        self.change_settings = self._settings.change
        self._task_ids = BlockSequence(lambda size: FIRST_TASK_ID - 1 + self._lease("tasks", size))
        lists = ListReader(self._run)
        self.queue_stats = lists.queue_stats
        self.messages = lists.messages
        self.reports = lists.reports
        self.replies = lists.replies
        self._requests = BlockSequence(lambda size: self._lease("requests", size))
        self.next_task_id = self._task_ids.next
        self.next_request = self._requests.next
        self._journal = ValkeyRequestLog(self._nodes, self._limits)
        self.log_request = self._journal.record
        self.requests = self._journal.query
        self.request = self._journal.get
        self.is_logged = self._journal.is_logged
        self.clear_request_log = self._journal.clear
        self._nodes.logs = True

    def _mark(self) -> int:
        """Write the form in which all is kept, unless there is one; the one that is there."""
        return int(self._ask(scripts.FORM, SCHEMA_KEY, SCHEMA_VERSION))

    def _probe(self) -> None:
        self._nodes.check_writable()
        self._losses.check()

    def loop_executor(self, threads: Executor) -> PipelinedRunner | None:
        far = self._nodes.direct_endpoint
        return far and PipelinedRunner(self._nodes, far, threads)

    def batch_transaction(self) -> None:
        """Many servers know no transaction together."""

    def close(self) -> None:
        self._journal.close()
        self._nodes.close()

    def _lease(self, kind: str, size: int) -> int:
        last: int = self._ask(scripts.LEASE, GLOBAL_KEYS, kind, size)
        return last

    def _run(self, work: Script, userid: str, *arguments: bytes | str | int) -> Any:
        try:
            return self._ask(work, account_keys(userid), *arguments)
        except ScriptError:
            raise NoSuchAccount(userid) from None

    def _run_on_account(self, work: Script, userid: str, *arguments: bytes | str | int) -> Any:
        """The same for a script that needs but the first of the keys."""
        try:
            return self._ask(work, account_keys(userid)[:1], *arguments)
        except ScriptError:
            raise NoSuchAccount(userid) from None

    def create_account(self, account: Account, *, keep: bool = False) -> bool:
        if keep and not account.throwaway:
            self._losses.configure(account)
        userid = account.userid
        arguments = self._opening(account)
        # Listed before it is there and after, so that neither an end in between nor a close at once hides it. Where it
        # is listed and never came to be, `expire` takes it off again.
        self._register(userid, may_go=True)
        opened = bool(self._run(scripts.OPEN, userid, *arguments, "keep" if keep else ""))
        if opened:
            self._register(userid, may_go=account.throwaway)
        else:
            self._list_kept([userid])
        if opened and account.throwaway:
            self._growth.add_account()
        return opened

    def reset(self, userid: str, change: Callable[[Account], Account]) -> Account:
        while True:
            known = self._run_on_account(scripts.ACCOUNT, userid, "")
            if known is None:
                raise NoSuchAccount(userid)
            version, text = known
            account = change(load_account(decoded(text)))
            if self._run(scripts.OPEN, userid, *self._opening(account), "reset", version):
                return account

    def _opening(self, account: Account) -> tuple[bytes | str | int, ...]:
        points = initial_balance(account)
        return random_version(), random_version(), *_terms(account), points, repr(self._real_time())

    def _register(self, userid: str, *, may_go: bool) -> None:
        self._ask(scripts.REGISTER, GLOBAL_KEYS, encoded(userid), int(may_go))

    def _know(self, userid: str, version: bytes, account: Account) -> None:
        if len(self._terms) >= CACHE_SIZE:
            self._terms.clear()
        self._terms[userid] = (version, account)

    def account(self, userid: str) -> Account | None:
        known = self._terms.get(userid)
        answer = self._run_on_account(scripts.ACCOUNT, userid, known[0] if known else "", repr(self._real_time()))
        if answer is None:
            self._terms.pop(userid, None)
            if self._losses.is_restored(userid):
                answer, known = self._run_on_account(scripts.ACCOUNT, userid, ""), None
        return None if answer is None else self._account(userid, known, answer)

    def userids(self) -> list[str]:
        return [decoded(userid) for userid in self._ask(scripts.USERIDS, GLOBAL_KEYS, 0)]

    def accounts(self, last: int | None = None) -> list[Account]:
        accounts: list[Account] = []
        userids = [decoded(userid) for userid in self._ask(scripts.USERIDS, GLOBAL_KEYS, -last if last else 0)]
        for some in _some(userids):
            known = [self._terms.get(userid) for userid in some]
            questions = [
                (account_keys(userid)[:1], (terms[0] if terms else "",))
                for userid, terms in zip(some, known, strict=True)
            ]
            answers = self._nodes.run_on_all_nodes(scripts.ACCOUNT, questions)
            for userid, terms, answer in zip(some, known, answers, strict=True):
                if answer is not None:
                    accounts.append(self._account(userid, terms, answer))
        return accounts

    def _with_rules(self, userid: str, rules: DeliveryRules) -> tuple[bytes, Account]:
        """The terms with these rules, and their version. Raises OtherRules where the account has others."""
        known = self._terms.get(userid)
        if known is not None and known[1].outcomes == rules:
            return known
        answer = self._run_on_account(scripts.ACCOUNT, userid, "")
        if answer is None:
            raise NoSuchAccount(userid)
        account = self._account(userid, None, answer)
        if account.outcomes != rules:
            raise RulesConflict(account.outcomes)
        return answer[0], account

    def _account(self, userid: str, known: tuple[bytes, Account] | None, answer: Sequence[bytes]) -> Account:
        """What `scripts/account.lua` said, being told the version that is known."""
        if known and answer[0] == known[0]:
            return known[1]
        account = load_account(decoded(answer[1]))
        self._know(userid, answer[0], account)
        return account

    def update_account(self, userid: str, change: Callable[[Account], Account]) -> Account:
        known = self._run_on_account(scripts.ACCOUNT, userid, "")
        if known is None:
            raise NoSuchAccount(userid)
        while known is not None:
            before, text = known
            account = change(load_account(decoded(text)))
            version = random_version()
            known = self._run_on_account(
                scripts.CHANGE, userid, before, version, *_terms(account), repr(self._real_time())
            )
        if account.throwaway:
            self._register(userid, may_go=True)
        self._know(userid, version, account)
        return account

    def delete_account(self, userid: str) -> None:
        self._register(userid, may_go=True)  # or another process would take it for lost
        self._run(scripts.CLOSE, userid)
        self._unregister([userid])

    def _unregister(self, userids: Sequence[str]) -> None:
        self._ask(scripts.UNREGISTER, GLOBAL_KEYS, *map(encoded, userids))
        self._list_kept(userids)  # those that were opened again in between

    def _list_kept(self, userids: Sequence[str]) -> None:
        """List those of these accounts that are there."""
        kept = self._nodes.run_on_all_nodes(scripts.ACCOUNT, [(account_keys(userid)[:1], ("",)) for userid in userids])
        for userid, answer in zip(userids, kept, strict=True):
            if answer is not None:
                self._register(userid, may_go=load_account(decoded(answer[1])).throwaway)

    def expire(self, unused_since: float) -> int:
        closed = 0
        for some in _some([decoded(name) for name in self._ask(scripts.USERIDS, GLOBAL_KEYS)]):
            left = self._nodes.run_on_all_nodes(
                scripts.CLOSE, [(account_keys(userid), (repr(unused_since),)) for userid in some]
            )
            gone = [userid for userid, keys in zip(some, left, strict=True) if keys is not None]
            if gone:
                self._unregister(gone)
            closed += sum(1 for keys in left if keys)
        return closed

    def enforce_limits(self) -> int:
        todo = plan(self._usages(), self._limits)
        closed = 0
        for some in _some(todo.close):
            # A moment later than that when it was used last: one that was used since stays.
            questions = [(account_keys(one.userid), (repr(nextafter(one.used, inf)), "1")) for one in some]
            left = self._nodes.run_on_all_nodes(scripts.CLOSE, questions)
            gone = [one.userid for one, keys in zip(some, left, strict=True) if keys is not None]
            if gone:
                self._unregister(gone)
                self._lease(_EVICTED, len(gone))
            closed += len(gone)
        for userid in todo.shrink:
            with suppress(NoSuchAccount):  # closed since
                self._run(scripts.SHRINK, userid, *todo.kept)
        return closed

    def _usages(self) -> Iterator[Usage]:
        for some in _some(self.userids()):
            answers = self._nodes.run_on_all_nodes(scripts.USAGE, [(account_keys(userid)[:1], ()) for userid in some])
            for userid, answer in zip(some, answers, strict=True):
                if answer is not None:
                    throwaway, used, waits, *history = answer
                    yield Usage(userid, throwaway == b"1" and not waits, float(used), History(*history))

    def evicted(self) -> int:
        return self._lease(_EVICTED, 0)

    def add_points(self, userid: str, points: int) -> None:
        self._charge(userid, points, "by")

    def set_balance(self, userid: str, points: int) -> None:
        self._charge(userid, points, "to")

    def _charge(self, userid: str, points: int, how: Literal["by", "to"]) -> None:
        beyond = self._run_on_account(scripts.CHARGE_UP, userid, points, how, MAX_POINTS)
        if beyond is not None:
            raise BalanceOutOfBounds(*map(int, beyond))

    def balance(self, userid: str) -> AccountBalance:
        points, charged_up, messages = self._run_on_account(scripts.STANDING, userid)
        return AccountBalance(int(points), int(charged_up), int(messages))

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[Report],
        replies: Sequence[Reply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | None:
        count, size = len(task.numbers), task.size
        of_send = (int(task.cost), count, size, repr(now), dump_task(task, reports))
        keep = (self._limits.messages, self._limits.message_bytes, MAX_POINTS)
        items = (*_arguments(dump_reports(reports)), *_arguments(dump_replies(replies)))
        if used is None:
            balance: int | None = self._run(scripts.ACCEPT, userid, *of_send, *keep, "", "", "", *items)
            self._growth.add(count, size)
            return balance
        while True:
            before, account = self._with_rules(userid, used.before)
            terms, version = replace(account, outcomes=used.after), random_version()
            document = encoded(dump_account(terms))
            answer = self._run(scripts.ACCEPT, userid, *of_send, *keep, before, version, document, *items)
            if isinstance(answer, list):  # other terms than thought, which are known now
                self._account(userid, None, answer)
                continue
            if answer is None:
                return None
            self._know(userid, version, terms)
            self._growth.add(count, size)
            return int(answer)

    def enqueue(self, userid: str, reports: Sequence[Report], replies: Sequence[Reply], now: float) -> None:
        self._run(
            scripts.PUT,
            userid,
            repr(now),
            *_arguments(dump_reports(reports)),
            *_arguments(dump_replies(replies)),
        )
        self._growth.add(len(reports) + len(replies), 0)

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        return self._take(Report, userid, "reports", limit, now, request)

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[Reply]:
        return self._take(Reply, userid, "replies", sys.maxsize, now, request)

    def _take(
        self, kind: type[Item], userid: str, queue: QueueName, limit: int, now: float, request: int
    ) -> list[Item]:
        lines = self._run(scripts.TAKE, userid, queue, limit, repr(now), request, *self._kept)
        return load_batch(kind, lines)

    def requeue(self, userid: str, queue: QueueName, count: int | None, since: float | None) -> int:
        number: int = self._run(
            scripts.REWIND, userid, queue, "" if count is None else count, "" if since is None else repr(since)
        )
        return number

    def next_due(self, userid: str, now: float) -> float | None:
        return min(map(float, self._run(scripts.NEXT_DUE, userid, repr(now))), default=None)


def _some(things: Sequence[Thing]) -> Iterator[Sequence[Thing]]:
    return (things[first : first + _LOOKED_UP] for first in range(0, len(things), _LOOKED_UP))


def _arguments(bundles: Sequence[SerializedBatch]) -> list[bytes | str | int]:
    arguments: list[bytes | str | int] = [len(bundles)]
    for due, count, lines in bundles:
        arguments += (repr(due), count, lines)
    return arguments


def _terms(account: Account) -> tuple[bytes, int, int]:
    """What the scripts are given of an account: the document, and what they themselves look at."""
    return encoded(dump_account(account)), int(account.postpaid), int(account.throwaway)
