"""Defects of tasks whose messages have different outcomes, and of responses with items of several tasks."""

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Final

from sms10692_mock.domain.records import InboundReply, StatusReport
from sms10692_mock.domain.results import RepliesResult, ReportsResult
from support.mutant_vendor import Defect
from support.mutants import stores
from support.mutants.mutant import Mutant

_Reports = Sequence[StatusReport]


def _change_fetched(change: Callable[[_Reports], _Reports]) -> Defect:
    return Defect(
        result=lambda request, result: (
            ReportsResult(change(result.items)) if isinstance(result, ReportsResult) and result.items else result
        )
    )


def _change_task(change: Callable[[_Reports], _Reports]) -> Defect:
    return Defect(
        store=stores.changing_sends(lambda send: send._replace(reports=change(send.reports)) if send.reports else send)
    )


def _keep_failing(reports: _Reports) -> _Reports:
    """After a failure all later messages of the task have failed too."""

    def follow(before: StatusReport, report: StatusReport) -> StatusReport:
        return report if before.status == 10 else report._replace(status=20, errorcode=before.errorcode)

    return list(accumulate(reports, follow))


def _keep_codes(reports: _Reports) -> _Reports:
    """A failure has the code of the failure before it in the response."""
    code, changed = "", []
    for report in reports:
        code = code or (report.errorcode if report.status == 20 else "")
        changed.append(report._replace(errorcode=code) if report.status == 20 else report)
    return changed


def _shift_after_gap(reports: _Reports) -> _Reports:
    """After a message without report, the reports have the numbers of the messages before."""
    gap = next((index for index, report in enumerate(reports) if report.recipient_index != index), None)
    if not gap:
        return reports
    pairs = zip(reports[gap:], reports[gap - 1 :], strict=False)
    return [*reports[:gap], *(report._replace(mobile=before.mobile) for report, before in pairs)]


def _merge_replies(queue: stores.Queue[InboundReply], limit: int) -> Sequence[InboundReply]:
    """Replies of one number to one task are one reply."""
    return list({(reply.mobile, reply.task_id): reply for reply in queue.fetch(limit)}.values())


def _skip_repeated_neighbour(reports: _Reports) -> _Reports:
    """A number that follows itself in a task, with another number before, is reported once."""
    kept = [after for before, after in pairwise(reports) if before.mobile != after.mobile]
    return [reports[0], *kept] if len(reports) > 2 else reports


def _copy_from_first(field: str) -> Callable[[_Reports], _Reports]:
    return lambda reports: [report._replace(**{field: getattr(reports[0], field)}) for report in reports]


def _delay_all(reports: _Reports) -> _Reports:
    """All messages of a task are reported when the slowest is."""
    latest = max(report.due for report in reports)
    return [report._replace(due=latest) for report in reports]


MIXED_OUTCOMES: Final = (
    Mutant(
        "failures of a task are reported last",
        _change_task(lambda reports: sorted(reports, key=lambda report: report.status)),
        ("N-send", "O-reports", "T-second", "M-items"),
    ),
    Mutant(
        "after a failure the whole task fails",
        _change_task(_keep_failing),
        ("N-send", "O-reports", "T-second", "M-items"),
    ),
    Mutant(
        "all failures of a response have one errorcode",
        _change_fetched(_keep_codes),
        ("N-send", "O-reports", "M-items"),
    ),
    Mutant(
        "a message without report shifts the numbers",
        _change_task(_shift_after_gap),
        ("N-send", "O-reports"),
    ),
    Mutant(
        "all reports of a response have one taskid",
        _change_fetched(_copy_from_first("task_id")),
        ("S-again", "O-reports", "O-endpoints", "M-items"),
    ),
    Mutant(
        "all reports of a response have one extno",
        _change_fetched(_copy_from_first("extno")),
        ("O-reports",),
    ),
    Mutant(
        "all reports of a response have one receivetime",
        _change_fetched(_copy_from_first("due")),
        ("N-send", "S-again", "O-reports", "M-items"),
    ),
    Mutant(
        "replies of one number to one task are merged",
        Defect(store=stores.fetching_replies(_merge_replies)),
        ("N-send", "N-replies", "O-replies"),
    ),
    Mutant("a number that follows itself is reported once", _change_task(_skip_repeated_neighbour), ("O-reports",)),
    Mutant(
        "a late message delays its whole task",
        _change_task(_delay_all),
        ("N-send", "O-reports", "O-endpoints"),
    ),
    Mutant(
        "all replies of a response have one extno",
        Defect(
            result=lambda request, result: (
                RepliesResult([reply._replace(extno=result.items[0].extno) for reply in result.items])
                if isinstance(result, RepliesResult)
                else result
            )
        ),
        ("N-replies", "O-replies"),
    ),
)
