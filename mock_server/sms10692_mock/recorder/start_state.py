"""The start state of a recording: accounts with masked credentials, and what the responses tell about the beginning.

The recorder sends no request of its own. Balances, task numbers and items that waited in a queue are therefore those
that the client's requests brought to light; what they did not, is the emulator's default.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sms10692 import protocol
from sms10692.protocol import Operation
from sms10692.signing import CHINA
from sms10692_mock.admin.services.state_document import format_list, format_toml
from sms10692_mock.domain.accounts import POINTS_DEFAULT
from sms10692_mock.domain.bounds import MAX_POINTS, MAX_TASK_ID

_PASSWORD: Final = "mima"  # noqa: S105 - stands for one that the recorder cannot know
_HEADING: Final = "# The state at the start of this recording; numbers, names, passwords and texts are masked."
_TIME_FORMATS: Final = ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S")
_RETURN_STATUS, _, _REMAIN_POINT, _TASK_ID, _SUCCESS_COUNTS = (name.lower() for name in protocol.SEND.elements)
_PAY_INFO, _OVERAGE = protocol.OVERAGE.elements[2:4]
_MOBILE, _ITEM_TASK, _STATUS, _RECEIVE_TIME, _ERRORCODE, _EXTNO = protocol.STATUS.elements
_CONTENT: Final = protocol.CALL.elements[2]
_STATES: Final = (protocol.DELIVERED, protocol.FAILED)


@dataclass(slots=True)
class MaskedAccount:
    """An account: its masked userid and credentials, and what is known of its beginning.

    Signatures are of `current_password`, which changespwd changes. `charged` are the points that recorded sends took
    before the balance was known. `is_name_known`: an older endpoint has carried account and password.
    """

    userid: str
    account: str = ""
    password: str = _PASSWORD
    current_password: str = _PASSWORD
    is_name_known: bool = False
    points: int | None = None
    charged: int = 0
    is_postpaid: bool = False
    reports: list[dict[str, Any]] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.account = self.account or f"account{self.userid}"


class StartState:
    """What is known so far. Values are masked already."""

    def __init__(self, started: datetime) -> None:
        self._started = started
        self._accounts: dict[str, MaskedAccount] = {}
        self._first_task_id: int | None = None
        self._recorded_tasks: set[int] = set()

    def account(self, userid: str) -> MaskedAccount:
        """Return the account with this masked userid; a new one if there is none."""
        return self._accounts.setdefault(userid, MaskedAccount(userid))

    def observe(self, userid: str, operation: Operation, values: Sequence[tuple[str, str]]) -> None:
        """Learn from the masked values of a response that accepted a request."""
        account, found = self.account(userid), dict(values)
        if operation is protocol.SEND:
            self._observe_send(account, found)
        elif operation is protocol.OVERAGE:
            balance = _parse_number(found.get(_OVERAGE, ""))
            if account.points is None and balance is not None:
                account.points = balance + account.charged
            account.is_postpaid = account.is_postpaid or found.get(_PAY_INFO) == protocol.POSTPAID
        elif operation.item_element:
            for item in _split_items(operation, values):
                self._observe_item(account, operation, item)

    def _observe_send(self, account: MaskedAccount, found: Mapping[str, str]) -> None:
        remaining, task = _parse_number(found.get(_REMAIN_POINT, "")), _parse_number(found.get(_TASK_ID, ""))
        count = _parse_number(found.get(_SUCCESS_COUNTS, ""))
        if not task or not count or found.get(_RETURN_STATUS) != protocol.SEND.success:
            return
        self._recorded_tasks.add(task)
        self._first_task_id = task if self._first_task_id is None else self._first_task_id
        if account.points is None and remaining is not None:
            account.points = remaining + count + account.charged
            account.is_postpaid = account.is_postpaid or remaining < 0
        elif account.points is None:
            account.charged += count

    def _observe_item(self, account: MaskedAccount, operation: Operation, item: Mapping[str, str]) -> None:
        """Note an item of a task that was not recorded: it waited when the recording began."""
        task = _parse_number(item.get(_ITEM_TASK, ""))
        if task is None or task in self._recorded_tasks or not 0 < task <= MAX_TASK_ID:
            return
        values = {
            "task_id": task,
            "mobile": item.get(_MOBILE, ""),
            "extno": item.get(_EXTNO, ""),
            "due": _parse_time(item.get(_RECEIVE_TIME, "")) or self._started,
        }
        if operation is protocol.CALL:
            account.replies.append(values | {"content": item.get(_CONTENT, "")})
        elif (status := _parse_number(item.get(_STATUS, ""))) in _STATES:
            account.reports.append(values | {"status": status, "errorcode": item.get(_ERRORCODE, "")})

    def format(self, words: Sequence[str]) -> str:
        """Write the state as TOML. `words` are the forbidden ones."""
        lines = [_HEADING]
        if self._first_task_id is not None and self._first_task_id <= MAX_TASK_ID:
            lines.append(f"last_task_id = {self._first_task_id - 1}")
        if words:
            lines.append(f"words = {format_toml(list(words))}")
        lines.append(f"clock = {format_toml({'at': self._started, 'since': self._started, 'speed': 0.0})}")
        for account in self._accounts.values():
            points = POINTS_DEFAULT if account.points is None else min(max(account.points, 0), MAX_POINTS)
            lines += [
                "",
                "[[accounts]]",
                *(f"{name} = {format_toml(getattr(account, name))}" for name in ("userid", "account", "password")),
                f"points = {points}",
                *(["postpaid = true"] if account.is_postpaid else []),
                *format_list("report_queue", account.reports),
                *format_list("reply_queue", account.replies),
            ]
        return "\n".join([*lines, ""])


def _split_items(operation: Operation, values: Sequence[tuple[str, str]]) -> Iterator[dict[str, str]]:
    """Split values into items: each begins with the first element of an item, or with one that it has already."""
    names = {name.lower() for name in operation.elements}
    item: dict[str, str] = {}
    for name, value in values:
        if name in names:
            if name in item:
                yield item
                item = {}
            item[name] = value
    if item:
        yield item


def _parse_number(text: str) -> int | None:
    digits = text.strip().removeprefix("-")
    return int(text) if digits.isascii() and digits.isdecimal() and len(digits) <= 18 else None


def _parse_time(text: str) -> datetime | None:
    for pattern in _TIME_FORMATS:
        try:
            return datetime.strptime(text.strip(), pattern).replace(tzinfo=CHINA)
        except ValueError:
            continue
    return None
