"""Reports and replies twice, never, early, in disorder, or of somebody else.

Here belongs what a fetch brings. The stores that bring it are in `stores`.
"""

import re
from collections.abc import Callable
from typing import Final

from sms10692_mock.domain.records import Reply, Report
from sms10692_mock.domain.results import Replies, Reports
from support.mutant_vendor import Fault
from support.mutants import stores, vendor
from support.mutants.mutant import Broken


def _reports(change: Callable[[Report], Report]) -> Fault:
    return Fault(
        answer=lambda call, one: Reports([change(report) for report in one.boxes]) if isinstance(one, Reports) else one
    )


def _replies(change: Callable[[Reply], Reply]) -> Fault:
    return Fault(
        answer=lambda call, one: Replies([change(reply) for reply in one.boxes]) if isinstance(one, Replies) else one
    )


QUEUES: Final = (
    Broken("reports never leave the queue", Fault(store=stores.NeverForgets), ("4.1-once", "M-once")),
    Broken("the last of several reports stays", Fault(store=stores.Twice), ("4.2-statusNum", "M-once")),
    Broken("replies never leave the queue", Fault(store=stores.RepliesTwice), ("5.1-once", "M-once")),
    Broken("reports in reverse", Fault(store=stores.Reversed), ("R10-order",)),
    Broken("reports last in, first out", Fault(store=stores.LastInFirstOut), ("R10-order",)),
    Broken("one report more than asked for", Fault(store=stores.OneMore), ("4.2-statusNum",)),
    Broken("ten reports at most", Fault(store=stores.AtMostTen), ("4.2-statusNum", "4.2-default")),
    Broken("statusNum is ignored", Fault(store=stores.AllAtOnce), ("4.2-statusNum", "4.2-default")),
    Broken("what was not asked for is lost", Fault(store=stores.RestLost), ("4.2-statusNum",)),
    Broken("half a batch is lost", Fault(store=stores.HalfLost), ("1.2-mobile", "M-lost")),
    Broken(
        "100 by default",
        Fault(call=lambda call: call._replace(status_num=call.status_num.strip() or "100")),
        ("4.2-default",),
    ),
    Broken("one reply at a time", Fault(store=stores.OneReply), ("R10-calls",)),
    Broken("replies in reverse", Fault(store=stores.RepliesReversed), ("R10-calls",)),
    Broken(
        "statusNum limits replies",
        Fault(answer=lambda call, one: Replies(one.boxes[:1]) if isinstance(one, Replies) and call.status_num else one),
        ("R10-calls",),
    ),
    Broken("another account's reports", Fault(store=stores.Shared), ("1.2-own", "M-private")),
    Broken("another account's replies", Fault(store=stores.RepliesShared), ("1.2-own", "M-private")),
    Broken("two fetchers get the same reports", Fault(store=stores.Race), ("C-twice",)),
    Broken("two fetchers lose reports", Fault(store=stores.RaceThatLoses), ("C-lost",)),
    Broken("two fetchers get the same replies", Fault(store=stores.RaceOfReplies), ("C-twice",)),
    Broken("what is sent during a fetch is lost", Fault(store=stores.SweptAway), ("C-send-fetch",)),
    Broken("scheduled messages are reported at once", Fault(store=stores.Early), ("1.2-sendTime", "M-early")),
    Broken("scheduled messages are never reported", Fault(store=stores.NeverLater), ("1.2-sendTime",)),
    Broken(
        "sendTime is ignored", Fault(call=lambda call: call._replace(send_time="")), ("1.2-sendTime", "R9-sendTime")
    ),
    Broken(
        "a refused fetch empties the queue", Fault(vendor=vendor.Losing, checks=lambda checks: ()), ("R11-refused",)
    ),
    Broken("extno is not echoed", _reports(lambda one: one._replace(extno="")), ("1.2-extno",)),
    Broken("extno is a number", _reports(lambda one: one._replace(extno=str(int(one.extno or 0)))), ("1.2-extno",)),
    Broken("extno of replies is not echoed", _replies(lambda one: one._replace(extno="")), ("1.2-extno",)),
    Broken(
        "status and errorcode exchanged",
        Fault(
            text=lambda text, call: re.sub(
                r"<status>(.*?)</status>(.*?)<errorcode>(.*?)</errorcode>",
                r"<status>\3</status>\2<errorcode>\1</errorcode>",
                text,
                flags=re.DOTALL,
            )
        ),
        ("4.3-layout", "4.3-status"),
    ),
    Broken("10 and 20 exchanged", _reports(lambda one: one._replace(status=30 - one.status)), ("4.3-status",)),
    Broken(
        "receivetime in UTC", _reports(lambda one: one._replace(due=one.due - 8 * 3600)), ("4.3-receivetime", "R12")
    ),
    Broken(
        "receivetime with slashes",
        Fault(text=lambda text, call: re.sub(r"(\d{4})-(\d\d)-(\d\d) ", r"\1/\2/\3 ", text)),
        ("4.3-layout", "5.3-layout"),
    ),
    Broken("another task in reports", _reports(lambda one: one._replace(task_id=one.task_id + 1)), ("4.3-taskid",)),
    Broken("another task in replies", _replies(lambda one: one._replace(task_id=one.task_id + 1)), ("5.3-taskid",)),
    Broken(
        "numbers without their first digit",
        _reports(lambda one: one._replace(mobile=one.mobile[1:])),
        ("4.3-taskid", "1.2-mobile"),
    ),
    Broken(
        "a HEAD request is no fetch",
        Fault(request=lambda page, one: one._replace(query=b"") if one.method == "HEAD" else one),
        ("R11-head",),
    ),
    Broken(
        "what is no mobile number is delivered",
        _reports(lambda one: one if len(one.mobile) == 11 else one._replace(status=10, errorcode="DELIVRD")),
        ("R5-no-handset",),
    ),
    Broken(
        "10000000022 is reported",
        Fault(call=lambda call: call._replace(mobile=call.mobile.replace("10000000022", "15000000022"))),
        ("R13-silent",),
    ),
    Broken("10000000023 is reported with the others", Fault(store=stores.Punctual), ("R13-late",)),
)
