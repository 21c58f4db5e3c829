"""Defects of time: dates that exist rarely, far away or at an edge, and the time of day."""

import re
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from math import ceil, floor
from typing import Any, Final

from sms10692.signing import CHINA
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.records import InboundReply, StatusReport
from sms10692_mock.domain.results import (
    AcceptedSend,
    QueriedBalance,
    Refusal,
    RepliesResult,
    ReportsResult,
    Result,
)
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.stores.memory.store import MemoryStore
from support.mutant_vendor import Defect
from support.mutants import stores
from support.mutants.mutant import Mutant

_INT32: Final = 2**31 - 1


def _sharing_formatter(pattern: str, keeps: slice) -> Defect:
    """Format the times of all requests with one object, which another thread can set between setting and reading."""
    shared = [""]

    def replace_time(match: re.Match[str]) -> str:
        shared[0] = match[1]
        time.sleep(0)
        own = list(match[1])
        own[keeps] = shared[0][keeps]
        return f"<receivetime>{''.join(own)}</receivetime>"

    return Defect(text=lambda text, request: re.sub(pattern, replace_time, text))


def _change_receivetimes(change: Callable[[datetime], str]) -> Defect:
    def replace_time(match: re.Match[str]) -> str:
        return f"<receivetime>{change(datetime.strptime(match[1], '%Y-%m-%d %H:%M:%S'))}</receivetime>"

    return Defect(text=lambda text, request: re.sub("<receivetime>(.*?)</receivetime>", replace_time, text))


def _change_due(change: Callable[[float], float]) -> Defect:
    """Change the due time of scheduled messages."""
    return Defect(
        store=stores.scheduling_reports(
            lambda send, report: change(report.due) if send.task.due > send.task.sent_at else report.due
        )
    )


def _refuse_dates(pattern: str) -> Defect:
    def refuse(request: ApiRequest) -> ApiRequest:
        return request._replace(extno="?") if re.match(pattern, request.send_time) else request

    return Defect(api_request=refuse)


def _shift_in_summer(due: float) -> float:
    return due + 3600 if 4 <= datetime.fromtimestamp(due, CHINA).month <= 10 else due


def _reply_in_utc(request: ApiRequest, result: Result) -> Result:
    if isinstance(result, RepliesResult):
        return RepliesResult([reply._replace(due=reply.due - 8 * 3600) for reply in result.items])
    return result


def _round_up(request: ApiRequest, result: Result) -> Result:
    if isinstance(result, ReportsResult):
        return ReportsResult([report._replace(due=ceil(report.due)) for report in result.items])
    return result


def _expire(queue: stores.Queue[StatusReport], limit: int) -> Sequence[StatusReport]:
    """Return only reports that are not older than three days before the newest."""
    items = queue.fetch(limit)
    return [report for report in items if report.due > items[-1].due - 3 * 86_400]


class ExpiresReports(MemoryStore):
    """Drops the reports that have been waiting for 72 hours."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[StatusReport]:
        items = super().fetch_reports(userid, limit, now, request)
        return [report for report in items if report.due > now - 72 * 3600]


class ExpiresReplies(MemoryStore):
    """Drops the replies that have been waiting for a week."""

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[InboundReply]:
        return [reply for reply in super().fetch_replies(userid, now, request) if reply.due > now - 7 * 86_400]


class _RemembersFirstUse(Vendor):
    """Base of vendors that change the balance of an account some days after its first request."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._first: dict[str, float] = {}

    def _count_days(self, account: Account) -> float:
        now = self.now(account)
        return (now - self._first.setdefault(account.userid, now)) / 86_400


class ForgetsTotals(_RemembersFirstUse):
    """Shows the balance as sendTotal from the 31st day on."""

    def overage(self, account: Account) -> QueriedBalance:
        result = super().overage(account)
        return result._replace(send_total=result.overage) if self._count_days(account) >= 30 else result

    def send(self, account: Account, now: float, request_number: int, request: ApiRequest) -> AcceptedSend | Refusal:
        self._count_days(account)
        return super().send(account, now, request_number, request)


class ExpiresPoints(ForgetsTotals):
    """Shows no points after a year."""

    def overage(self, account: Account) -> QueriedBalance:
        result = Vendor.overage(self, account)
        return result._replace(overage=0) if self._count_days(account) > 365 else result


TIMES: Final = (
    Mutant("reports expire after three days", Defect(store=stores.fetching_reports(_expire)), ("M-items",)),
    Mutant(
        "29 February is refused",
        _refuse_dates(r"\d{4}-02-29"),
        ("T-sendTime", "T-missing"),
    ),
    Mutant(
        "29 February of any year means 1 March",
        Defect(
            api_request=lambda request: request._replace(
                send_time=re.sub(r"^(\d{4})-02-29", r"\1-03-01", request.send_time)
            )
        ),
        ("T-second", "T-missing"),
    ),
    Mutant("times after 2038 overflow", _change_due(lambda due: due if due <= _INT32 else due - 2**32), ("T-second",)),
    Mutant("years from 2100 are refused", _refuse_dates("2[1-9]|[3-9]"), ("T-sendTime",)),
    Mutant(
        "the seconds of sendTime are ignored",
        _change_due(lambda due: due // 60 * 60),
        ("O-endpoints", "T-second", "M-items"),
    ),
    Mutant(
        "a message is reported one second after its sendTime",
        _change_due(lambda due: due + 1),
        ("O-endpoints", "T-second", "M-items"),
    ),
    Mutant(
        "a message is reported half a second before its sendTime",
        _change_due(lambda due: due - 0.5),
        ("O-endpoints", "T-second", "M-items"),
    ),
    Mutant(
        "the 31st is refused",
        _refuse_dates(r"\d{4}-\d\d-31"),
        ("T-sendTime", "T-missing"),
    ),
    Mutant(
        "sendTime between 00:00:00 and 00:00:59 is refused", _refuse_dates(r"\d{4}-\d\d-\d\d 00:00"), ("T-sendTime",)
    ),
    Mutant("sendTime has summer time", _change_due(_shift_in_summer), ("T-second",)),
    Mutant(
        "receivetime of replies in UTC",
        Defect(result=_reply_in_utc),
        ("B-items", "N-send", "N-replies", "M-items"),
    ),
    *(
        Mutant(
            f"requests at the same time share {name} of receivetime",
            _sharing_formatter("<receivetime>(.*?)</receivetime>", keeps),
            ("T-receivetime",),
            is_race=True,
        )
        for name, keeps in (
            ("the formatter", slice(0, 19)),
            ("the formatted date", slice(0, 10)),
            ("the year", slice(0, 4)),
        )
    ),
    Mutant("receivetime of reports is rounded up", Defect(result=_round_up), ("T-receivetime",)),
    Mutant(
        "receivetime on a 12-hour clock",
        _change_receivetimes(lambda time: f"{time:%Y-%m-%d %I:%M:%S}"),
        ("B-items", "N-fetch", "N-send", "M-items"),
    ),
    Mutant(
        "receivetime with the year of the week",
        _change_receivetimes(lambda time: f"{time:%G-%m-%d %H:%M:%S}"),
        ("T-second", "T-receivetime"),
    ),
    Mutant(
        "midnight is 24:00:00",
        _change_receivetimes(lambda time: f"{time:%Y-%m-%d %H:%M:%S}".replace(" 00:00:00", " 24:00:00")),
        ("T-second", "T-receivetime"),
    ),
    Mutant(
        "receivetime without seconds",
        _change_receivetimes(lambda time: f"{time:%Y-%m-%d %H:%M}:{floor(time.second / 60):02}"),
        ("T-receivetime", "B-items"),
    ),
    Mutant("reports that nobody fetches expire after 72 hours", Defect(store=ExpiresReports), ("T-unchanged",)),
    Mutant("replies that nobody fetches expire after a week", Defect(store=ExpiresReplies), ("T-unchanged",)),
    Mutant("sendTotal is of the present month", Defect(vendor=ForgetsTotals), ("T-unchanged",)),
    Mutant("points expire after a year", Defect(vendor=ExpiresPoints), ("T-unchanged",)),
)
