"""Initial state from a TOML file: accounts, their delivery rules, sent messages and queue contents.

The keys are those of the control API's models.
"""

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from sms10692 import protocol
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import Userid
from sms10692_mock.admin.services.behaviour import DeliveryRulesDocument
from sms10692_mock.admin.services.message_documents import NewReply, ReplyOfNumber, ReportOfNumber
from sms10692_mock.admin.services.schemas import Name, StrictInput, Text
from sms10692_mock.config import Options
from sms10692_mock.domain.accounts import POINTS_DEFAULT, Account
from sms10692_mock.domain.bounds import MAX_POINTS
from sms10692_mock.domain.clock import add_seconds
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.records import NO_TASK_INDEX, StatusReport, Task
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.text_files import read_text


class InitialMessage(StrictInput):
    """A message sent before the start. Reports and replies refer to it by its `mobile`."""

    mobile: Text
    content: Name
    extno: str = Field("", pattern=r"^[0-9]{0,10}$")


class InitialAccount(StrictInput):
    """An account and its initial data. Reports and replies are due at the start, or `seconds` later.

    A report or reply belongs to the last of the `messages` to its number. A message without a report in the file never
    gets one. `points` is the balance at the start; the cost of the `messages` is not deducted from it.
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

    @model_validator(mode="after")
    def _check_items_have_messages(self) -> "InitialAccount":
        sent = {message.mobile for message in self.messages}
        for name, items in (("reports", self.reports), ("replies", self.replies)):
            for item in items:
                if item.mobile not in sent:
                    raise ValueError(f"{name} has {item.mobile}, but no entry of messages was sent to that number")
        return self


class InitialState(StrictInput):
    """Content of the file."""

    accounts: list[InitialAccount] = Field(default_factory=list)


def load_initial_state(file: Path) -> InitialState:
    """Load an initial state. Raises OSError, or ValueError with a message for the author of the file."""
    try:
        state = InitialState.model_validate(tomllib.loads(read_text(file)))
    except RecursionError:
        raise ValueError(f"{file} is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file} is not valid TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    userids = [account.userid for account in state.accounts]
    if len(set(userids)) < len(userids):
        raise ValueError(f"{file}: two accounts have the same userid")
    return state


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
            profile=initial.profile or None,
        )
        for initial in state.accounts
    )


def apply_initial_state(state: InitialState, vendor: Vendor) -> None:
    """Create the accounts that the store does not have yet, with their data. Existing accounts stay unchanged."""
    # Other processes may have accounts in this store: without a TTL, this service deletes none of them.
    control = ControlService(vendor, Options(accounts=(), account_ttl=None), ChangeNotifier())
    for account, initial in zip(build_accounts(state), state.accounts, strict=True):
        if vendor.store.account(account.userid) is not None:
            continue
        vendor.store.create_account(account)
        if initial.delivery_rules is not None:
            control.behaviour.set_delivery_rules(initial.userid, initial.delivery_rules)
        _record_messages(vendor, account, initial)
        for reply in initial.replies:
            control.messages.inject_reply(initial.userid, NewReply(**reply.model_dump()))


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
