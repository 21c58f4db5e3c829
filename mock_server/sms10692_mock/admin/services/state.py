"""The whole state of an emulator as a TOML document, from any store and into any store.

Not part of it: the request log and the numbers of requests, what limits have evicted, when temporary accounts were last
used, the counters of a profile's limits, and the options of the process.
"""

from collections.abc import Sequence
from contextlib import suppress
from threading import Lock
from typing import Final

from pydantic import BaseModel

from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.behaviour import rules_document
from sms10692_mock.admin.services.initial_state import (
    InitialState,
    InvalidState,
    build_accounts,
    build_settings,
    check_profiles,
    create_account,
    invalid_at,
    parse_state,
    rehearse,
)
from sms10692_mock.admin.services.state_document import (
    dump_clock,
    dump_fault,
    dump_reply,
    dump_report,
    dump_send,
    format_list,
    format_toml,
)
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.profile_table import UnknownProfile
from sms10692_mock.domain.profiles import KEYS, MANUAL, Profile
from sms10692_mock.domain.records import AccountBalance, Query, QueueStats, Settings, Task
from sms10692_mock.domain.store import NoSuchAccount
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.profile_file import format_value
from sms10692_mock.stores.factory import wipe

_EVERYTHING: Final = Query(limit=2**31)

_ATTEMPTS: Final = 5
"""How often an account is read, until nothing changed meanwhile."""


class AccountInUse(Exception):
    """An account changed each time that it was read."""

    def __init__(self, userid: str) -> None:
        super().__init__(f"the account {userid} changes all the time: stop its clients while the state is read")


class StateBeingReplaced(Exception):
    """Another request is replacing the state."""

    def __init__(self) -> None:
        super().__init__("another request is replacing the state: repeat this one when it has ended")


class SecretsHidden(Exception):
    """The reader may not see passwords."""

    def __init__(self, *, is_read_only: bool) -> None:
        reason = (
            "the read-only token may not see them" if is_read_only else "other hosts can reach this one: set a --token"
        )
        super().__init__(f"the state has the passwords of all accounts, and {reason}")


class RestoredState(BaseModel):
    """What was restored."""

    accounts: int
    sends: int
    reports: int
    replies: int


class StateService:
    """Reads and replaces the whole state of an emulator."""

    def __init__(self, control: ControlService) -> None:
        self._control = control
        self._vendor: Vendor = control.vendor
        self._store = control.vendor.store
        self._replacing = Lock()

    def read(self) -> str:
        """Return the state. Raises SecretsHidden and AccountInUse."""
        if not self._control.requests.may_show_secrets():
            raise SecretsHidden(is_read_only=not self._control.requests.may_show_signatures())
        accounts: list[str] = []
        last_task_id = 0
        for account in self._store.accounts():
            with suppress(NoSuchAccount):  # deleted since it was listed
                lines, task_ids = self._read_account(account)
                accounts += lines
                last_task_id = max(last_task_id, *task_ids, 0)
        last_task_id = max(last_task_id, self._store.last_task_id())
        settings = self._store.settings()
        return "\n".join([f"last_task_id = {last_task_id}", *_dump_settings(settings), *accounts, ""])

    def _read_account(self, account: Account) -> tuple[list[str], Sequence[int]]:
        """Return the lines of an account, and its task numbers. Raises NoSuchAccount and AccountInUse."""
        userid, store = account.userid, self._store
        for _ in range(_ATTEMPTS):
            now = self._vendor.now(account)
            before = self._read_counters(userid, now)
            tasks: dict[int, Task] = {}
            for message in store.messages(userid, _EVERYTHING, now).items:
                tasks.setdefault(message.task.task_id, message.task)
            reports = store.reports(userid, _EVERYTHING, now).items
            replies = store.replies(userid, _EVERYTHING, now).items
            if self._read_counters(userid, now) == before:
                break
        else:
            raise AccountInUse(userid)
        balance = before[0]
        values = {
            "userid": userid,
            "account": account.account,
            "password": account.password,
            "points": account.points,
            **({"postpaid": True} if account.postpaid else {}),
            **({} if account.can_read_queues else {"can_read_queues": False}),
            **({"profile": account.profile} if account.profile else {}),
            **({"temporary": True} if account.temporary else {}),
            "balance": balance.points,
            "send_total": balance.total_added,
            **({"clock": dump_clock(account.clock)} if account.clock else {}),
        }
        lines = ["", "[[accounts]]", *(f"{name} = {format_toml(value)}" for name, value in values.items())]
        if account.delivery_rules.rules or account.delivery_rules.seed:
            rules = rules_document(account.delivery_rules).model_dump(exclude_none=True)
            lines.append(f"delivery_rules = {format_toml(rules)}")
        lines += format_list("faults", map(dump_fault, account.faults))
        lines += format_list("sends", map(dump_send, tasks.values()))
        queued = (dump_report(row.item, tasks.get(row.item.task_id), row.delivery_state) for row in reports)
        lines += format_list("report_queue", queued)
        lines += format_list("reply_queue", (dump_reply(row.item, row.delivery_state) for row in replies))
        return lines, list(tasks)

    def _read_counters(self, userid: str, now: float) -> tuple[AccountBalance, QueueStats, QueueStats]:
        store = self._store
        stats = store.queue_stats(userid, "reports", now), store.queue_stats(userid, "replies", now)
        return store.balance(userid), *stats

    def replace(self, source: str) -> RestoredState:
        """Replace the state. Raises InvalidState and StateBeingReplaced, with nothing changed.

        **Another process that replaces the state of the same store at the same time is not noticed.** The accounts are
        restored one after another: stop the clients meanwhile. **If the store becomes unavailable meanwhile, a part is
        restored**: repeat the call.
        """
        if not self._replacing.acquire(blocking=False):
            raise StateBeingReplaced
        try:
            return self._replace(source)
        finally:
            self._replacing.release()

    def _replace(self, source: str) -> RestoredState:
        if not source.strip():
            raise InvalidState(1, "the document is empty; accounts = [] deletes all accounts")
        state = parse_state(source)
        settings = self._check(state, source)
        wipe(self._store)
        self._vendor.limits.forget_all()
        self._store.change_settings(lambda _: settings)
        self._store.skip_task_ids(state.find_last_task_id())
        for account, initial in zip(build_accounts(state), state.accounts, strict=True):
            create_account(self._vendor, self._control, account, initial)
        return RestoredState(
            accounts=len(state.accounts),
            sends=sum(len(account.sends) + len(account.messages) for account in state.accounts),
            reports=sum(len(account.report_queue) + len(account.reports) for account in state.accounts),
            replies=sum(len(account.reply_queue) + len(account.replies) for account in state.accounts),
        )

    def _check(self, state: InitialState, source: str) -> Settings:
        """Raise InvalidState unless the state can be restored. Return its settings."""
        check_profiles(state, source)
        settings = build_settings(state)
        profiles = self._vendor.profiles()
        for index, profile in enumerate(settings.profiles):
            if profiles.is_fixed(profile.name):
                problem = f"the profile {profile.name} is built in or was loaded at the start"
                raise invalid_at(source, ("profiles", index, "name"), problem)
        known = profiles.replace_added(settings.profiles)
        for index, account in enumerate(state.accounts):
            try:
                known.check(account.profile)
            except UnknownProfile as error:
                raise invalid_at(source, ("accounts", index, "profile"), str(error)) from None
        rehearse(state, source, profiles, self._control.limits)
        return settings


def _dump_settings(settings: Settings) -> list[str]:
    lines = [] if settings.clock is None else [f"clock = {format_toml(dump_clock(settings.clock))}"]
    if settings.words is not None:
        lines.append(f"words = {format_toml(settings.words)}")
    lines += format_list("faults", map(dump_fault, settings.faults))
    for profile in settings.profiles:
        lines += ["", "[[profiles]]", *_dump_profile(profile)]
    return lines


def _dump_profile(profile: Profile) -> list[str]:
    values = {"name": profile.name} | {name: getattr(profile, name) for name in KEYS}
    changed = {name: value for name, value in values.items() if name == "name" or value != getattr(MANUAL, name)}
    return [f"{name} = {format_value(value)}" for name, value in changed.items()]
