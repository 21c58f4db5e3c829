"""Defects of time: dates that exist rarely, far away or at an edge, and the time of day."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from math import ceil, floor
from typing import Final

from sms10692.signing import CHINA
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.records import StatusReport
from sms10692_mock.domain.results import RepliesResult, ReportsResult, Result
from support.mutant_vendor import Defect
from support.mutants import stores
from support.mutants.mutant import Mutant

_INT32: Final = 2**31 - 1


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
)
