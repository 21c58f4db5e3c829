"""A start state from a file: accounts, what becomes of their messages, what waits in their queues.

Here belongs the file, TOML, in the words of the control address's own documents.
"""

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError

from sms10692_mock.accounts import POINTS_DEFAULT, Account
from sms10692_mock.bell import Bell
from sms10692_mock.bounds import MAX_POINTS
from sms10692_mock.control import Control
from sms10692_mock.control.accounts import Name, Userid
from sms10692_mock.control.documents import Given
from sms10692_mock.control.traffic import NewReply, NewReport
from sms10692_mock.control.weather import OutcomesDocument
from sms10692_mock.dialects import DialectName
from sms10692_mock.text_files import read_text
from sms10692_mock.vendor import Vendor


class SeededAccount(Given):
    """An account with what it begins with; reports and replies wait from its start, or some seconds later."""

    userid: Userid
    account: Name
    password: Name
    points: int = Field(POINTS_DEFAULT, ge=0, le=MAX_POINTS)
    postpaid: bool = False
    may_read_reports: bool = True
    dialect: DialectName | None = None
    outcomes: OutcomesDocument | None = None
    reports: list[NewReport] = Field(default_factory=list)
    replies: list[NewReply] = Field(default_factory=list)


class Seed(Given):
    """All of the file."""

    accounts: list[SeededAccount] = Field(default_factory=list)


def seed_in(file: Path) -> Seed:
    """Read a start state. Raises ValueError, in words for the person who wrote it, or OSError."""
    try:
        seed = Seed.model_validate(tomllib.loads(read_text(file)))
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


def accounts_of(seed: Seed) -> tuple[Account, ...]:
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


def plant(seed: Seed, vendor: Vendor) -> None:
    """Open the accounts that are not stored yet, with all they begin with; those that are stay as they are."""
    control = Control(vendor, "manual", Bell(), (), unused=None)  # Others may have accounts in this store.
    for account, one in zip(accounts_of(seed), seed.accounts, strict=True):
        if vendor.store.account(account.userid) is not None:
            continue
        vendor.store.open(account)
        if one.outcomes is not None:
            control.weather.put_outcomes(one.userid, one.outcomes)
        for report in one.reports:
            control.traffic.put_report(one.userid, report)
        for reply in one.replies:
            control.traffic.put_reply(one.userid, reply)
