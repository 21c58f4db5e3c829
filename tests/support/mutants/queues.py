"""Defects of the queues: reports and replies twice, lost, early, in the wrong order, or of another account."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from sms10692_mock.domain.records import InboundReply, StatusReport
from sms10692_mock.domain.results import RepliesResult, ReportsResult
from support.mutant_vendor import Defect
from support.mutants import stores, vendors
from support.mutants.mutant import Mutant


def _fetch_reports(fetch: Callable[[stores.Queue[StatusReport], int], Sequence[StatusReport]]) -> Defect:
    return Defect(store=stores.fetching_reports(fetch))


def _fetch_replies(fetch: Callable[[stores.Queue[InboundReply], int], Sequence[InboundReply]]) -> Defect:
    return Defect(store=stores.fetching_replies(fetch))


def _change_reports(change: Callable[[StatusReport], StatusReport]) -> Defect:
    return Defect(
        result=lambda request, result: (
            ReportsResult([change(report) for report in result.items]) if isinstance(result, ReportsResult) else result
        )
    )


def _change_replies(change: Callable[[InboundReply], InboundReply]) -> Defect:
    return Defect(
        result=lambda request, result: (
            RepliesResult([change(reply) for reply in result.items]) if isinstance(result, RepliesResult) else result
        )
    )


QUEUES: Final = (
    Mutant("reports never leave the queue", _fetch_reports(stores.requeue_all), ("4.1-once", "M-once")),
    Mutant("the last of several reports stays", _fetch_reports(stores.requeue_last), ("4.2-statusNum", "M-once")),
    Mutant("replies never leave the queue", _fetch_replies(stores.requeue_all), ("5.1-once", "M-once")),
    Mutant(
        "reports are returned in reverse order",
        _fetch_reports(lambda queue, limit: queue.fetch(limit)[::-1]),
        ("R10-order",),
    ),
    Mutant("the newest reports are returned first", _fetch_reports(stores.take_newest), ("R10-order",)),
    Mutant(
        "one report more than statusNum",
        _fetch_reports(lambda queue, limit: queue.fetch(limit + 1)),
        ("4.2-statusNum",),
    ),
    Mutant(
        "at most ten reports",
        _fetch_reports(lambda queue, limit: queue.fetch(min(limit, 10))),
        ("4.2-statusNum", "4.2-default"),
    ),
    Mutant(
        "statusNum is ignored",
        _fetch_reports(lambda queue, limit: queue.fetch(stores.NO_LIMIT)),
        ("4.2-statusNum", "4.2-default"),
    ),
    Mutant(
        "reports beyond statusNum are lost",
        _fetch_reports(lambda queue, limit: queue.fetch(stores.NO_LIMIT)[:limit]),
        ("4.2-statusNum",),
    ),
    Mutant("half a batch is lost", _fetch_reports(stores.drop_half), ("1.2-mobile", "M-lost")),
    Mutant(
        "statusNum is 100 by default",
        Defect(api_request=lambda request: request._replace(status_num=request.status_num.strip() or "100")),
        ("4.2-default",),
    ),
    Mutant("one reply at a time", _fetch_replies(stores.requeue_all_but_first), ("R10-calls",)),
    Mutant(
        "replies are returned in reverse order",
        _fetch_replies(lambda queue, limit: queue.fetch(limit)[::-1]),
        ("R10-calls",),
    ),
    Mutant(
        "statusNum limits replies",
        Defect(
            result=lambda request, result: (
                RepliesResult(result.items[:1]) if isinstance(result, RepliesResult) and request.status_num else result
            )
        ),
        ("R10-calls",),
    ),
    Mutant("another account's reports", Defect(store=stores.SharesReportQueues), ("R11-own", "M-private")),
    Mutant("another account's replies", Defect(store=stores.SharesReplyQueues), ("R11-own", "M-private")),
    Mutant(
        "concurrent fetches return the same reports", _fetch_reports(stores.fetch_twice), ("C-twice",), is_race=True
    ),
    Mutant(
        "concurrent fetches of more than 100 return the same reports",
        _fetch_reports(lambda queue, limit: stores.fetch_twice(queue, limit) if limit > 100 else queue.fetch(limit)),
        ("C-twice",),
        is_race=True,
    ),
    Mutant("concurrent fetches lose reports", _fetch_reports(stores.fetch_with_losses), ("C-lost",), is_race=True),
    Mutant(
        "concurrent fetches return the same replies", _fetch_replies(stores.fetch_twice), ("C-twice",), is_race=True
    ),
    Mutant(
        "reports of sends during a fetch are lost",
        Defect(store=stores.LosesConcurrentReports),
        ("C-send-fetch",),
        is_race=True,
    ),
    Mutant(
        "scheduled messages are reported at once",
        Defect(store=stores.scheduling_reports(lambda send, report: min(report.due, send.now))),
        ("1.2-sendTime", "M-early"),
    ),
    Mutant(
        "scheduled messages are never reported",
        Defect(
            store=stores.scheduling_reports(lambda send, report: report.due if report.due <= send.now + 60 else None)
        ),
        ("1.2-sendTime",),
    ),
    Mutant(
        "sendTime is ignored",
        Defect(api_request=lambda request: request._replace(send_time="")),
        ("1.2-sendTime", "R9-sendTime"),
    ),
    Mutant(
        "a refused fetch empties the queue",
        Defect(vendor=vendors.EmptiesQueueOnRefusal, rules=lambda rules: ()),
        ("R11-refused",),
    ),
    Mutant("extno is not echoed", _change_reports(lambda report: report._replace(extno="")), ("1.2-extno",)),
    Mutant(
        "extno is a number",
        _change_reports(lambda report: report._replace(extno=str(int(report.extno or 0)))),
        ("1.2-extno",),
    ),
    Mutant("extno of replies is not echoed", _change_replies(lambda reply: reply._replace(extno="")), ("1.2-extno",)),
    Mutant(
        "status and errorcode exchanged",
        Defect(
            text=lambda text, request: re.sub(
                r"<status>(.*?)</status>(.*?)<errorcode>(.*?)</errorcode>",
                r"<status>\3</status>\2<errorcode>\1</errorcode>",
                text,
                flags=re.DOTALL,
            )
        ),
        ("4.3-layout", "4.3-status"),
    ),
    Mutant(
        "10 and 20 exchanged",
        _change_reports(lambda report: report._replace(status=30 - report.status)),
        ("4.3-status",),
    ),
    Mutant(
        "receivetime in UTC",
        _change_reports(lambda report: report._replace(due=report.due - 8 * 3600)),
        ("R12",),
    ),
    Mutant(
        "receivetime with slashes",
        Defect(text=lambda text, request: re.sub(r"(\d{4})-(\d\d)-(\d\d) ", r"\1/\2/\3 ", text)),
        ("5.3-layout", "4.3-receivetime"),
    ),
    Mutant(
        "another task in reports",
        _change_reports(lambda report: report._replace(task_id=report.task_id + 1)),
        ("4.3-taskid",),
    ),
    Mutant(
        "another task in replies",
        _change_replies(lambda reply: reply._replace(task_id=reply.task_id + 1)),
        ("5.3-taskid",),
    ),
    Mutant(
        "numbers without their first digit",
        _change_reports(lambda report: report._replace(mobile=report.mobile[1:])),
        ("4.3-taskid", "1.2-mobile"),
    ),
    Mutant(
        "a HEAD request does not fetch",
        Defect(
            http_request=lambda endpoint, request: request._replace(query=b"") if request.method == "HEAD" else request
        ),
        ("R11-head",),
    ),
    Mutant(
        "invalid mobile numbers are reported as delivered",
        _change_reports(
            lambda report: report if len(report.mobile) == 11 else report._replace(status=10, errorcode="DELIVRD")
        ),
        ("R5-no-handset",),
    ),
    Mutant(
        "a number in full-width digits is reported as delivered",
        _change_reports(
            lambda report: report if report.mobile.isascii() else report._replace(status=10, errorcode="DELIVRD")
        ),
        ("R5-no-handset",),
    ),
    Mutant(
        "10000000022 is reported",
        Defect(
            api_request=lambda request: request._replace(mobile=request.mobile.replace("10000000022", "15000000022"))
        ),
        ("R13-silent",),
    ),
    Mutant(
        "10000000023 is reported without delay",
        Defect(store=stores.scheduling_reports(lambda send, report: send.task.due)),
        ("R13-late",),
    ),
)
