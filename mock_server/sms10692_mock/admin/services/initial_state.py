"""Initial state from a TOML text: accounts with their rules, messages and queues; clock, words, faults and profiles.

The keys are those of the control API's models. The document of `/_mock/state` is the same, and has the exact state of
the accounts: their `sends` and queues. By hand, `messages`, `reports` and `replies` are easier to write.
"""

import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, TypeVar

from pydantic import Field, ValidationError, model_validator

from sms10692 import protocol
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import Userid
from sms10692_mock.admin.services.behaviour import DeliveryRulesDocument
from sms10692_mock.admin.services.message_documents import NewReply, ReplyOfNumber, ReportOfNumber
from sms10692_mock.admin.services.messages import NoSuchTask
from sms10692_mock.admin.services.queue_replay import ImpossibleOrder, RestoredItem, restore_replies, restore_sends
from sms10692_mock.admin.services.schemas import Name, StrictInput, Text
from sms10692_mock.admin.services.state_document import (
    Balance,
    ClockState,
    FaultState,
    ReplyState,
    ReportState,
    SendState,
)
from sms10692_mock.config import Options
from sms10692_mock.domain.accounts import POINTS_DEFAULT, Account
from sms10692_mock.domain.bounds import MAX_FAULTS, MAX_NUMBER, MAX_POINTS, MAX_TASK_ID
from sms10692_mock.domain.clock import add_seconds, system_time
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.profile_table import ProfileTable
from sms10692_mock.domain.profiles import Profile
from sms10692_mock.domain.records import NO_TASK_INDEX, InboundReply, Limits, Settings, StatusReport, Task
from sms10692_mock.domain.store import Store
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.profile_file import build_profile
from sms10692_mock.profile_values import InvalidValue
from sms10692_mock.stores.memory.store import MemoryStore
from sms10692_mock.stores.retention import History, Usage, total_limits
from sms10692_mock.text_files import read_text
from sms10692_mock.toml_lines import Place, find_lines

_MAX_BYTES: Final = 64 * 1024 * 1024

_NO_LIMITS: Final = Limits(*[MAX_NUMBER] * len(Limits._fields))

_HISTORY_NAMES: Final = (
    ("messages", "--max-messages"),
    ("bytes of messages", "--max-history-mib"),
    ("fetched reports", "--max-messages"),
    ("bytes of fetched reports", "--max-history-mib"),
    ("fetched replies", "--max-messages"),
    ("bytes of fetched replies", "--max-history-mib"),
)
"""What each field of a History counts, and the option that limits it."""

_LINE: Final = re.compile(r"\(at line (\d+)")


class InitialMessage(StrictInput):
    """A message sent before the start. Reports and replies refer to it by its `mobile`."""

    mobile: Text
    content: Name
    extno: str = Field("", pattern=r"^[0-9]{0,10}$")


class InitialAccount(StrictInput):
    """An account and its initial data. Reports and replies are due at the start, or `seconds` later.

    A report or reply belongs to the last of the `messages` to its number. A message without a report in the file never
    gets one. `points` is the balance at the start; the cost of the `messages` is not deducted from it.

    `temporary` and what follows is written by `/_mock/state`: `balance` after the `sends`, `send_total` for `overage`,
    and both queues with their fetched items, in their order.
    """

    userid: Userid
    account: Name
    password: Name
    points: int = Field(POINTS_DEFAULT, ge=0, le=MAX_POINTS)
    postpaid: bool = False
    can_read_queues: bool = True
    profile: Text | None = None
    delivery_rules: DeliveryRulesDocument | None = None
    messages: list[InitialMessage] = Field(default_factory=list)
    reports: list[ReportOfNumber] = Field(default_factory=list)
    replies: list[ReplyOfNumber] = Field(default_factory=list)
    temporary: bool = False
    clock: ClockState | None = None
    faults: list[FaultState] = Field(default_factory=list, max_length=MAX_FAULTS)
    balance: Balance | None = None
    send_total: Balance | None = None
    sends: list[SendState] = Field(default_factory=list)
    report_queue: list[ReportState] = Field(default_factory=list)
    reply_queue: list[ReplyState] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check_one_kind(self) -> "InitialAccount":
        if (self.balance is None) != (self.send_total is None):
            raise ValueError("balance and send_total belong together")
        if (self.messages or self.reports or self.replies) and self.is_exact:
            raise ValueError("messages, reports and replies cannot be combined with sends, queues and balance")
        return self

    @property
    def is_exact(self) -> bool:
        """Whether the account has sends, queues or a balance, as in `/_mock/state`."""
        return bool(self.sends or self.report_queue or self.reply_queue or self.balance is not None)

    @model_validator(mode="after")
    def _check_items_have_messages(self) -> "InitialAccount":
        sent = {message.mobile for message in self.messages}
        for name, items in (("reports", self.reports), ("replies", self.replies)):
            for item in items:
                if item.mobile not in sent:
                    raise ValueError(f"{name} has {item.mobile}, but no entry of messages was sent to that number")
        return self


class InitialState(StrictInput):
    """Content of the file. `last_task_id` is the last task number that was allocated."""

    last_task_id: Annotated[int, Field(ge=0, le=MAX_TASK_ID)] = 0
    clock: ClockState | None = None
    words: list[Text] | None = None
    faults: list[FaultState] = Field(default_factory=list, max_length=MAX_FAULTS)
    profiles: list[dict[str, Any]] = Field(default_factory=list)
    accounts: list[InitialAccount] = Field(default_factory=list)

    def build_profiles(self) -> tuple[Profile, ...]:
        """Build the profiles. Raises InvalidValue."""
        return tuple(build_profile(document, "") for document in self.profiles)

    def find_last_task_id(self) -> int:
        """Return the greatest task number of the state: `last_task_id`, or that of a send or an item of a queue."""
        entries = (
            entry
            for account in self.accounts
            for entries in (account.sends, account.report_queue, account.reply_queue)
            for entry in entries
        )
        return max(self.last_task_id, *(entry.task_id for entry in entries), 0)


class InvalidState(ValueError):
    """A document is no state. `line` is the line of the mistake, from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem


class StateFile(NamedTuple):
    """A state, its source, and the file that has it, or None."""

    state: InitialState
    source: str = ""
    file: Path | None = None

    def describe(self, error: InvalidState) -> str:
        """Return a message for the author of the file."""
        return f"{self.file}:{error.line}: {error.problem}"


def load_initial_state(file: Path) -> StateFile:
    """Load an initial state. Raises OSError, or ValueError with a message for the author of the file.

    **`rehearse` says whether it can be restored**: that depends on profiles and limits.
    """
    try:
        source = read_text(file, _MAX_BYTES)
        state = parse_state(source)
        check_profiles(state, source)
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 (byte {error.start})") from None
    except InvalidState as error:
        raise ValueError(f"{file}:{error.line}: {error.problem}") from None
    return StateFile(state, source, file)


def parse_state(source: str) -> InitialState:
    """Parse a state. Raises InvalidState."""
    try:
        state = InitialState.model_validate(tomllib.loads(source))
    except RecursionError:
        raise InvalidState(1, "the document is nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        line = int(found[1]) if found else max(len(source.splitlines()), 1)
        raise InvalidState(line, f"the document is not valid TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise invalid_at(source, first["loc"], first["msg"]) from None
    except ValueError:  # of an integer with thousands of digits
        raise InvalidState(1, "the document has a number with too many digits") from None
    _check_unique(state, source)
    return state


def _check_unique(state: InitialState, source: str) -> None:
    """Raise InvalidState if two accounts have the same userid or task number, or two faults of a list the same id."""
    userids: set[str] = set()
    owners: dict[int, int] = {}
    _check_fault_ids(state.faults, source, ())
    for index, account in enumerate(state.accounts):
        if account.userid in userids:
            raise invalid_at(source, ("accounts", index, "userid"), "two accounts have the same userid")
        userids.add(account.userid)
        _check_fault_ids(account.faults, source, ("accounts", index))
        for position, send in enumerate(account.sends):
            if owners.setdefault(send.task_id, index) != index:
                problem = f"two accounts have a send with the task_id {send.task_id}"
                raise invalid_at(source, ("accounts", index, "sends", position, "task_id"), problem)


def _check_fault_ids(faults: Sequence[FaultState], source: str, place: Place) -> None:
    ids: set[str] = set()
    for index, fault in enumerate(faults):
        if fault.id in ids:
            raise invalid_at(source, (*place, "faults", index, "id"), f"two faults have the id {fault.id}")
        ids.add(fault.id)


def rehearse(state: InitialState, source: str, profiles: ProfileTable, limits: Limits) -> None:
    """Raise InvalidState unless the profiles can be built, and all accounts restored: restore each in memory.

    `profiles` are those of the emulator, `limits` those of its store. **Nothing may be written into a store before.**
    """
    check_profiles(state, source)
    settings, store = build_settings(state), MemoryStore(_NO_LIMITS)
    store.change_settings(lambda _: settings)
    vendor = Vendor(store, system_time, Keywords(()), profiles=profiles.replace_added(settings.profiles))
    control = _build_control(vendor)
    total = _Total(limits)
    for index, (account, initial) in enumerate(zip(build_accounts(state), state.accounts, strict=True)):
        try:
            create_account(vendor, control, account, initial)
            total.add(store.usage(account.userid))
        except InvalidEntry as error:
            raise invalid_at(source, ("accounts", index, *error.place), error.problem) from None
        except (ValueError, NoSuchTask) as error:
            raise invalid_at(source, ("accounts", index), str(error)) from None
        store.delete_account(account.userid)


def check_profiles(state: InitialState, source: str) -> None:
    """Raise InvalidState unless the profiles can be built."""
    for index, document in enumerate(state.profiles):
        try:
            build_profile(document, "")
        except InvalidValue as error:
            raise invalid_at(source, ("profiles", index, *error.place), str(error)) from None


class _Total:
    """The history of all accounts of a state together, and its temporary accounts with empty queues."""

    def __init__(self, limits: Limits) -> None:
        fetched = limits.fetched, limits.fetched_bytes
        self._of_account = History(limits.messages, limits.message_bytes, *fetched, *fetched)
        self._of_all = total_limits(limits)
        self._max_idle = limits.accounts
        self._history = History()
        self._idle = 0

    def add(self, usage: Usage) -> None:
        """Add an account. Raises ValueError if the store would delete a part of what was added."""
        self._history = History(*map(sum, zip(self._history, usage.history, strict=True)))
        self._idle += usage.is_idle
        for whose, history, limits in (
            (f"the account {usage.userid} has", usage.history, self._of_account),
            ("the accounts up to here have", self._history, self._of_all),
        ):
            for count, limit, (name, flag) in zip(history, limits, _HISTORY_NAMES, strict=True):
                if count > limit:
                    raise ValueError(f"{whose} {count} {name}, and the emulator keeps {limit}: increase {flag}")
        if self._idle > self._max_idle:
            raise ValueError(
                f"the accounts up to here have {self._idle} temporary accounts with empty queues, "
                f"and the emulator keeps {self._max_idle}: increase --max-accounts"
            )


def invalid_at(source: str, place: Place, problem: str) -> InvalidState:
    """Return the error of a value at this place of a document, or of the smallest table around it."""
    lines = find_lines(source)
    line = next((lines[place[:end]] for end in range(len(place), 0, -1) if place[:end] in lines), 1)
    return InvalidState(line, f"{'.'.join(map(str, place))}: {problem}" if place else problem)


def build_accounts(state: InitialState) -> tuple[Account, ...]:
    """Build the accounts of the state, without their messages and queues."""
    return tuple(
        Account(
            initial.userid,
            initial.account,
            initial.password,
            initial.points,
            initial.postpaid,
            initial.can_read_queues,
            clock=None if initial.clock is None else initial.clock.build(),
            profile=initial.profile or None,
            faults=tuple(fault.build() for fault in initial.faults),
            temporary=initial.temporary,
        )
        for initial in state.accounts
    )


def apply_initial_state(state: InitialState, vendor: Vendor) -> None:
    """Create the accounts that the store does not have yet, with their data. Existing accounts stay unchanged.

    Clock, words, faults and profiles apply unless the store has some already.
    """
    control = _build_control(vendor)
    settings = build_settings(state)
    vendor.store.change_settings(lambda current: settings if current == Settings() else current)
    vendor.store.skip_task_ids(state.find_last_task_id())
    for account, initial in zip(build_accounts(state), state.accounts, strict=True):
        if vendor.store.account(account.userid) is None:
            create_account(vendor, control, account, initial)


def _build_control(vendor: Vendor) -> ControlService:
    # Other processes may have accounts in this store: without a TTL, this service deletes none of them.
    return ControlService(vendor, Options(accounts=(), account_ttl=None), ChangeNotifier())


def build_settings(state: InitialState) -> Settings:
    """Build the settings for all accounts. Raises InvalidValue."""
    return Settings(
        None if state.clock is None else state.clock.build(),
        None if state.words is None else Keywords(state.words).words,
        tuple(fault.build() for fault in state.faults),
        state.build_profiles(),
    )


def create_account(vendor: Vendor, control: ControlService, account: Account, initial: InitialAccount) -> None:
    """Create an account with its data. Raises ValueError if no sequence of requests leads to its queues."""
    vendor.store.create_account(account)
    if initial.delivery_rules is not None:
        control.behaviour.set_delivery_rules(initial.userid, initial.delivery_rules)
    if initial.is_exact:
        restore_account(vendor.store, account, initial)
        return
    _record_messages(vendor, account, initial)
    for reply in initial.replies:
        control.messages.inject_reply(initial.userid, NewReply(**reply.model_dump()))


def restore_account(store: Store, account: Account, initial: InitialAccount) -> None:
    """Restore sends, queues and balance of an account that was just created. Raises InvalidEntry."""
    tasks: dict[int, Task] = {}
    for index, send in enumerate(initial.sends):
        if send.task_id in tasks:
            raise InvalidEntry(("sends", index, "task_id"), f"two sends have the task_id {send.task_id}")
        tasks[send.task_id] = send.build()
    reports = _build_queue("report_queue", initial.report_queue, lambda entry: entry.build(tasks.get(entry.task_id)))
    recipients = [(report.item.task_id, report.item.recipient_index) for report in reports]
    of_recipients = [one for one in recipients if one[0] in tasks and one[1] != NO_TASK_INDEX]
    if len(set(of_recipients)) < len(of_recipients):
        raise InvalidEntry(("report_queue",), "two reports have the same task_id and index")
    replies = _build_queue("reply_queue", initial.reply_queue, lambda entry: entry.build())
    if not account.postpaid:
        store.set_balance(account.userid, sum(task.cost for task in tasks.values()), 0)
    try:
        restore_sends(store, account.userid, list(tasks.values()), reports)
    except ImpossibleOrder as error:
        raise InvalidEntry(("report_queue", error.index), str(error)) from None
    restore_replies(store, account.userid, replies)
    if initial.balance is not None and initial.send_total is not None:
        store.set_balance(account.userid, initial.balance, initial.send_total)
    elif not account.postpaid:
        store.set_balance(account.userid, initial.points, initial.points)


class InvalidEntry(ValueError):
    """An entry of an account is impossible. `place` is its place in the account."""

    def __init__(self, place: Place, problem: str) -> None:
        super().__init__(f"{'.'.join(map(str, place))}: {problem}")
        self.place = place
        self.problem = problem


_Entry = TypeVar("_Entry", ReportState, ReplyState)
_Item = TypeVar("_Item", StatusReport, InboundReply)


def _build_queue(name: str, entries: Sequence[_Entry], build: Callable[[_Entry], _Item]) -> list[RestoredItem[_Item]]:
    """Build the items of a queue. Raises InvalidEntry."""
    items: list[RestoredItem[_Item]] = []
    rank = 0
    for index, entry in enumerate(entries):
        try:
            item = build(entry)
        except ValueError as error:
            raise InvalidEntry((name, index), str(error)) from None
        if entry.scheduled and entry.fetched is not None:
            raise InvalidEntry((name, index), "an item is either scheduled or fetched")
        before, rank = rank, 0 if entry.fetched is not None else 2 if entry.scheduled else 1
        if rank < before or (rank == before == 2 and item.due < items[-1].item.due):
            problem = "items are in the order fetched, waiting, scheduled, and scheduled ones by their due time"
            raise InvalidEntry((name, index), problem)
        items.append(RestoredItem(item, rank < 2, None if entry.fetched is None else entry.fetched.timestamp()))
    return items


def _record_messages(vendor: Vendor, account: Account, initial: InitialAccount) -> None:
    """Record the sent messages. The last message to a number gets the reports of that number."""
    store, now = vendor.store, vendor.now()
    last = {message.mobile: index for index, message in enumerate(initial.messages)}
    for index, message in enumerate(initial.messages):
        task_id, price = store.next_task_id(), vendor.get_price(account, message.content)
        path, numbers = protocol.V2SMS.path, [message.mobile]
        task = Task(task_id, now, now, numbers, message.content, message.extno, path, price, request=0)
        own_reports = [report for report in initial.reports if last[report.mobile] == index]
        reports = [
            StatusReport(
                add_seconds(now, report.seconds),
                report.mobile,
                task_id,
                report.status,
                report.errorcode,
                message.extno if report.extno is None else report.extno,
                NO_TASK_INDEX if is_additional else 0,
            )
            for is_additional, report in enumerate(own_reports)
        ]
        if not account.postpaid:
            store.add_points(account.userid, price)
        store.record_send(account.userid, task, reports[:1], [], now)
        store.enqueue(account.userid, reports[1:], [], now)
