"""A start state from a file: accounts, what becomes of their messages, what waits in their queues.

Here belongs the file, TOML, in the words of the control address's own documents.
"""

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from sms10692 import protocol
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import Userid
from sms10692_mock.admin.services.behaviour import OutcomesDocument
from sms10692_mock.admin.services.message_documents import NewReply, ReplyOfNumber, ReportOfNumber
from sms10692_mock.admin.services.schemas import Name, StrictInput, Text
from sms10692_mock.domain.accounts import POINTS_DEFAULT, Account
from sms10692_mock.domain.bounds import MAX_POINTS
from sms10692_mock.domain.clock import add_seconds
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.records import NO_TASK_INDEX, Report, Task
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.profiles import ProfileName
from sms10692_mock.text_files import read_text


class SentMessage(StrictInput):
    """A message that the account sent before its start, which reports and replies refer to by its number."""

    mobile: Text
    content: Name
    extno: str = Field("", pattern=r"^[0-9]{0,10}$")


class InitialAccount(StrictInput):
    """An account with what it begins with; reports and replies wait from its start, or some seconds later.

    They belong to the last of the `messages` to their number. Of a message without a report, none ever comes. `points`
    is the balance at the start: what the messages cost was charged up beside it.
    """

    userid: Userid
    account: Name
    password: Name
    points: int = Field(POINTS_DEFAULT, ge=0, le=MAX_POINTS)
    postpaid: bool = False
    may_read_reports: bool = True
    dialect: ProfileName | None = None
    outcomes: OutcomesDocument | None = None
    messages: list[SentMessage] = Field(default_factory=list)
    reports: list[ReportOfNumber] = Field(default_factory=list)
    replies: list[ReplyOfNumber] = Field(default_factory=list)

    @model_validator(mode="after")
    def _all_of_messages(self) -> "InitialAccount":
        sent = {message.mobile for message in self.messages}
        for name, items in (("reports", self.reports), ("replies", self.replies)):
            for item in items:
                if item.mobile not in sent:
                    raise ValueError(f"{name} has {item.mobile}, and messages has nothing that was sent to it")
        return self


class InitialState(StrictInput):
    """All of the file."""

    accounts: list[InitialAccount] = Field(default_factory=list)


def load_initial_state(file: Path) -> InitialState:
    """Read a start state. Raises ValueError, in words for the person who wrote it, or OSError."""
    try:
        seed = InitialState.model_validate(tomllib.loads(read_text(file)))
    except RecursionError:
        raise ValueError(f"{file} is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file} is no TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    userids = [one.userid for one in seed.accounts]
    if len(set(userids)) < len(userids):
        raise ValueError(f"{file}: a userid is given twice")
    return seed


def accounts_of(seed: InitialState) -> tuple[Account, ...]:
    """Its accounts, without what they begin with."""
    return tuple(
        Account(
            one.userid,
            one.account,
            one.password,
            one.points,
            one.postpaid,
            one.may_read_reports,
            dialect=one.dialect,
        )
        for one in seed.accounts
    )


def plant(seed: InitialState, vendor: Vendor) -> None:
    """Open the accounts that are not stored yet, with all they begin with; those that are stay as they are."""
    control = ControlService(
        vendor, "manual", ChangeNotifier(), (), unused=None
    )  # Others may have accounts in this store.
    for account, one in zip(accounts_of(seed), seed.accounts, strict=True):
        if vendor.store.account(account.userid) is not None:
            continue
        vendor.store.create_account(account)
        if one.outcomes is not None:
            control.weather.put_outcomes(one.userid, one.outcomes)
        _record_messages(vendor, account, one)
        for reply in one.replies:
            control.traffic.inject_reply(one.userid, NewReply(**reply.model_dump()))


def _record_messages(vendor: Vendor, account: Account, one: InitialAccount) -> None:
    """Record sends of the past, each with the reports of the number if it is the last to it."""
    store, now = vendor.store, vendor.now()
    last = {message.mobile: place for place, message in enumerate(one.messages)}
    for place, message in enumerate(one.messages):
        task_id, price = store.next_task_id(), vendor.billing(message.content)
        path, numbers = protocol.V2SMS.path, [message.mobile]
        task = Task(task_id, now, now, numbers, message.content, message.extno, path, price, request=0)
        mine = [report for report in one.reports if last[report.mobile] == place]
        reports = [
            Report(
                add_seconds(now, report.seconds),
                report.mobile,
                task_id,
                report.status,
                report.errorcode,
                message.extno if report.extno is None else report.extno,
                NO_TASK_INDEX if others_before else 0,
            )
            for others_before, report in enumerate(mine)
        ]
        if not account.postpaid:
            store.add_points(account.userid, price)
        store.record_send(account.userid, task, reports[:1], [], now)
        store.enqueue(account.userid, reports[1:], [], now)
