"""Defects of the queues: reports and replies twice, lost, early, in the wrong order, or of another account."""

import re
from collections.abc import Callable
from typing import Final

from sms10692_mock.domain.records import Reply, Report
from sms10692_mock.domain.results import RepliesResult, ReportsResult
from support.mutant_vendor import Defect
from support.mutants import stores, vendor
from support.mutants.mutant import Mutant


def _change_reports(change: Callable[[Report], Report]) -> Defect:
    return Defect(
        result=lambda call, one: (
            ReportsResult([change(report) for report in one.items]) if isinstance(one, ReportsResult) else one
        )
    )


def _change_replies(change: Callable[[Reply], Reply]) -> Defect:
    return Defect(
        result=lambda call, one: (
            RepliesResult([change(reply) for reply in one.items]) if isinstance(one, RepliesResult) else one
        )
    )


QUEUES: Final = (
    Mutant("reports never leave the queue", Defect(store=stores.NeverEvictsReports), ("4.1-once", "M-once")),
    Mutant("the last of several reports stays", Defect(store=stores.DuplicatesReport), ("4.2-statusNum", "M-once")),
    Mutant("replies never leave the queue", Defect(store=stores.DuplicatesReplies), ("5.1-once", "M-once")),
    Mutant("reports in reverse", Defect(store=stores.ReversesReports), ("R10-order",)),
    Mutant("reports last in, first out", Defect(store=stores.NewestReportsFirst), ("R10-order",)),
    Mutant("one report more than asked for", Defect(store=stores.ReturnsOneTooMany), ("4.2-statusNum",)),
    Mutant("ten reports at most", Defect(store=stores.ReturnsAtMostTen), ("4.2-statusNum", "4.2-default")),
    Mutant("statusNum is ignored", Defect(store=stores.IgnoresLimit), ("4.2-statusNum", "4.2-default")),
    Mutant("what was not asked for is lost", Defect(store=stores.DropsRemainder), ("4.2-statusNum",)),
    Mutant("half a batch is lost", Defect(store=stores.DropsHalf), ("1.2-mobile", "M-lost")),
    Mutant(
        "100 by default",
        Defect(api_request=lambda call: call._replace(status_num=call.status_num.strip() or "100")),
        ("4.2-default",),
    ),
    Mutant("one reply at a time", Defect(store=stores.ReturnsOneReply), ("R10-calls",)),
    Mutant("replies in reverse", Defect(store=stores.ReversesReplies), ("R10-calls",)),
    Mutant(
        "statusNum limits replies",
        Defect(
            result=lambda call, one: (
                RepliesResult(one.items[:1]) if isinstance(one, RepliesResult) and call.status_num else one
            )
        ),
        ("R10-calls",),
    ),
    Mutant("another account's reports", Defect(store=stores.SharesReportQueues), ("1.2-own", "M-private")),
    Mutant("another account's replies", Defect(store=stores.SharesReplyQueues), ("1.2-own", "M-private")),
    Mutant("two fetchers get the same reports", Defect(store=stores.NonAtomicFetch), ("C-twice",)),
    Mutant("two fetchers lose reports", Defect(store=stores.LossyNonAtomicFetch), ("C-lost",)),
    Mutant("two fetchers get the same replies", Defect(store=stores.NonAtomicReplyFetch), ("C-twice",)),
    Mutant("what is sent during a fetch is lost", Defect(store=stores.LosesConcurrentItems), ("C-send-fetch",)),
    Mutant(
        "scheduled messages are reported at once",
        Defect(store=stores.ReportsScheduledEarly),
        ("1.2-sendTime", "M-early"),
    ),
    Mutant("scheduled messages are never reported", Defect(store=stores.DropsScheduled), ("1.2-sendTime",)),
    Mutant(
        "sendTime is ignored",
        Defect(api_request=lambda call: call._replace(send_time="")),
        ("1.2-sendTime", "R9-sendTime"),
    ),
    Mutant(
        "a refused fetch empties the queue",
        Defect(vendor=vendor.EmptiesQueueOnRefusal, rules=lambda checks: ()),
        ("R11-refused",),
    ),
    Mutant("extno is not echoed", _change_reports(lambda one: one._replace(extno="")), ("1.2-extno",)),
    Mutant(
        "extno is a number", _change_reports(lambda one: one._replace(extno=str(int(one.extno or 0)))), ("1.2-extno",)
    ),
    Mutant("extno of replies is not echoed", _change_replies(lambda one: one._replace(extno="")), ("1.2-extno",)),
    Mutant(
        "status and errorcode exchanged",
        Defect(
            text=lambda text, call: re.sub(
                r"<status>(.*?)</status>(.*?)<errorcode>(.*?)</errorcode>",
                r"<status>\3</status>\2<errorcode>\1</errorcode>",
                text,
                flags=re.DOTALL,
            )
        ),
        ("4.3-layout", "4.3-status"),
    ),
    Mutant("10 and 20 exchanged", _change_reports(lambda one: one._replace(status=30 - one.status)), ("4.3-status",)),
    Mutant(
        "receivetime in UTC",
        _change_reports(lambda one: one._replace(due=one.due - 8 * 3600)),
        ("4.3-receivetime", "R12"),
    ),
    Mutant(
        "receivetime with slashes",
        Defect(text=lambda text, call: re.sub(r"(\d{4})-(\d\d)-(\d\d) ", r"\1/\2/\3 ", text)),
        ("4.3-layout", "5.3-layout"),
    ),
    Mutant(
        "another task in reports", _change_reports(lambda one: one._replace(task_id=one.task_id + 1)), ("4.3-taskid",)
    ),
    Mutant(
        "another task in replies", _change_replies(lambda one: one._replace(task_id=one.task_id + 1)), ("5.3-taskid",)
    ),
    Mutant(
        "numbers without their first digit",
        _change_reports(lambda one: one._replace(mobile=one.mobile[1:])),
        ("4.3-taskid", "1.2-mobile"),
    ),
    Mutant(
        "a HEAD request is no fetch",
        Defect(http_request=lambda page, one: one._replace(query=b"") if one.method == "HEAD" else one),
        ("R11-head",),
    ),
    Mutant(
        "what is no mobile number is delivered",
        _change_reports(lambda one: one if len(one.mobile) == 11 else one._replace(status=10, errorcode="DELIVRD")),
        ("R5-no-handset",),
    ),
    Mutant(
        "10000000022 is reported",
        Defect(api_request=lambda call: call._replace(mobile=call.mobile.replace("10000000022", "15000000022"))),
        ("R13-silent",),
    ),
    Mutant("10000000023 is reported with the others", Defect(store=stores.IgnoresReportDelay), ("R13-late",)),
)
