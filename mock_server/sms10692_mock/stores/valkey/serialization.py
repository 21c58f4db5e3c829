"""Tasks, reports, replies and entries as bytes, as the scripts keep them: one line for each item of a queue.

Here belongs how they are written and read. A line is JSON, which has no line ends of its own, so that a script can
cut many items apart and put them together without reading them.
"""

import json
from bisect import bisect_right
from collections.abc import Sequence
from json.encoder import encode_basestring as quoted
from secrets import token_hex
from typing import Any, Final, NamedTuple

from sms10692_mock.domain.records import NO_TASK_INDEX, LoggedRequest, Reply, Report, Task
from sms10692_mock.stores.due_batches import Item, group_by_due
from sms10692_mock.stores.redaction import redact_headers

written: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class SerializedBatch(NamedTuple):
    """Items that fall due together, a line each."""

    due: float
    size: int
    lines: bytes


def encoded(text: str) -> bytes:
    """A text as bytes; lone surrogates too, which a JSON request may hold."""
    return text.encode("utf-8", "surrogatepass")


def decoded(text: bytes) -> str:
    """The text that `encoded` wrote."""
    return text.decode("utf-8", "surrogatepass")


def dump_reports(reports: Sequence[Report]) -> list[SerializedBatch]:
    """Reports by the moment when they fall due."""
    return [
        SerializedBatch(bundle.due, len(bundle.items), encoded("\n".join(map(_report_line, bundle.items))))
        for bundle in group_by_due(reports)
    ]


def dump_replies(replies: Sequence[Reply]) -> list[SerializedBatch]:
    """Replies, likewise."""
    return [
        SerializedBatch(bundle.due, len(bundle.items), encoded("\n".join(map(written, bundle.items))))
        for bundle in group_by_due(replies)
    ]


def _report_line(report: Report) -> str:
    due, mobile, task_id, status, errorcode, extno, place = report
    return f"[{due!r},{quoted(mobile)},{task_id},{status},{quoted(errorcode)},{quoted(extno)},{place}]"


def load_batch(kind: type[Item], lines: bytes) -> list[Item]:
    """The items of these lines."""
    return [kind(*row) for row in json.loads(decoded(b"[%b]" % lines.replace(b"\n", b",")))]


def random_version() -> bytes:
    """A version that no other is equal to, also of one that was closed and opened again."""
    return token_hex(8).encode()


class ReportRun(NamedTuple):
    """Reports of one bundle, for neighbours in the task's list of numbers, that say the same.

    `at` is where the first stands in its bundle, `place` in the task, `size` how many they are. `mobile` and `task_id`
    are None where they are the task's own.
    """

    at: int
    place: int
    size: int
    status: int
    errorcode: str
    extno: str
    mobile: str | None = None
    task_id: int | None = None


def dump_task(task: Task, reports: Sequence[Report]) -> bytes:
    """A task and its reports, which say little that is not said of the whole."""
    runs = [[bundle.due, _runs(task, bundle.items)] for bundle in group_by_due(reports)]
    return encoded(written([*task, runs]))


def _runs(task: Task, reports: Sequence[Report]) -> list[list[Any]]:
    runs: list[list[Any]] = []
    going_on: tuple[Any, ...] = ()
    """What the next report must be to belong to the last run."""
    numbers, of_task = task.numbers, task.task_id
    for index, (_, mobile, task_id, status, errorcode, extno, place) in enumerate(reports):
        if place == NO_TASK_INDEX:
            continue
        own = task_id == of_task and place < len(numbers) and mobile == numbers[place]
        if own and going_on == (index, place, status, errorcode, extno):
            runs[-1][_SIZE] += 1
        else:
            runs.append([index, place, 1, status, errorcode, extno, *(() if own else (mobile, task_id))])
        going_on = (index + 1, place + 1, status, errorcode, extno) if own else ()
    return runs


_SIZE: Final = ReportRun._fields.index("size")
_TASK_FIELDS: Final = len(Task._fields)


class RunPosition(NamedTuple):
    """What a run of a task says, in which of its bundles and due when."""

    bundle: int
    due: float
    run: ReportRun


class DecodedTask(NamedTuple):
    """A task and its reports, by their places in it."""

    task: Task
    reported: Sequence[RunPosition]

    def report(self, place: int) -> tuple[int, int, Report] | None:
        """The report of the number at this place: in which bundle it is, where in it, and what it says."""
        at = bisect_right(self.reported, place, key=lambda reported: reported.run.place) - 1
        if at < 0:
            return None
        bundle, due, run = self.reported[at]
        step = place - run.place
        if step >= run.size:
            return None
        mobile = self.task.numbers[place] if run.mobile is None else run.mobile
        task_id = self.task.task_id if run.task_id is None else run.task_id
        return bundle, run.at + step, Report(due, mobile, task_id, run.status, run.errorcode, run.extno, place)


def load_task(body: bytes) -> DecodedTask:
    """The task and reports that `packed_task` wrote."""
    row = json.loads(decoded(body))
    reported = [
        RunPosition(bundle, due, ReportRun(*run))
        for bundle, (due, runs) in enumerate(row[_TASK_FIELDS])
        for run in runs
    ]
    reported.sort(key=lambda reported: reported.run.place)
    return DecodedTask(Task(*row[:_TASK_FIELDS]), reported)


_BYTES: Final = tuple(LoggedRequest._fields.index(name) for name in ("query", "body", "answer"))


def dump_request(entry: LoggedRequest) -> bytes:
    """An entry of the journal as JSON; bytes as the characters of the same numbers."""
    row: list[Any] = list(entry)
    for place in _BYTES:
        row[place] = row[place].decode("latin-1")
    return encoded(written(row))


def load_request(text: bytes) -> LoggedRequest:
    """The entry that `packed_entry` wrote."""
    row: list[Any] = json.loads(decoded(text))
    for place in _BYTES:
        row[place] = row[place].encode("latin-1")
    entry = LoggedRequest(*row)
    headers = redact_headers([(name, value) for name, value in entry.headers])  # of what an earlier version kept
    return entry._replace(headers=headers, faults=tuple(entry.faults))
