"""Serialization of tasks, reports, replies and logged requests. Each item of a queue is one line of JSON.

JSON text contains no line breaks, so that scripts can split and join items without parsing them.
"""

import json
from bisect import bisect_right
from collections.abc import Sequence
from json.encoder import encode_basestring as quoted
from secrets import token_hex
from typing import Any, Final, NamedTuple

from sms10692_mock.domain.records import NO_TASK_INDEX, InboundReply, LoggedRequest, StatusReport, Task
from sms10692_mock.stores.due_batches import Item, group_by_due
from sms10692_mock.stores.evidence import load_evidence, load_triggered_faults
from sms10692_mock.stores.request_log import redact_headers

to_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class SerializedBatch(NamedTuple):
    """Serialized items with the same due time, one per line."""

    due: float
    size: int
    lines: bytes


def encode_text(text: str) -> bytes:
    """Encode a text. Lone surrogates, which a JSON request may contain, are preserved."""
    return text.encode("utf-8", "surrogatepass")


def decode_text(text: bytes) -> str:
    """Decode a text of `encode_text`."""
    return text.decode("utf-8", "surrogatepass")


def dump_reports(reports: Sequence[StatusReport]) -> list[SerializedBatch]:
    """Serialize reports, grouped by due time."""
    return [
        SerializedBatch(batch.due, len(batch.items), encode_text("\n".join(map(_dump_report, batch.items))))
        for batch in group_by_due(reports)
    ]


def dump_replies(replies: Sequence[InboundReply]) -> list[SerializedBatch]:
    """Serialize replies, grouped by due time."""
    return [
        SerializedBatch(batch.due, len(batch.items), encode_text("\n".join(map(to_json, batch.items))))
        for batch in group_by_due(replies)
    ]


def _dump_report(report: StatusReport) -> str:
    due, mobile, task_id, status, errorcode, extno, recipient_index = report
    return f"[{due!r},{quoted(mobile)},{task_id},{status},{quoted(errorcode)},{quoted(extno)},{recipient_index}]"


def load_batch(kind: type[Item], lines: bytes) -> list[Item]:
    """Load the items of these lines."""
    return [kind(*row) for row in json.loads(decode_text(b"[%b]" % lines.replace(b"\n", b",")))]


def random_version() -> bytes:
    """A version that is unique, also across accounts that were deleted and created again."""
    return token_hex(8).encode()


class ReportRun(NamedTuple):
    """Run-length encoding: equal reports of one batch for consecutive recipients of a task.

    `offset`: index of the first report in its batch. `recipient_index`: index of the first recipient in the task.
    `size`: length of the run. `mobile` and `task_id` are None if they are those of the task.
    """

    offset: int
    recipient_index: int
    size: int
    status: int
    errorcode: str
    extno: str
    mobile: str | None = None
    task_id: int | None = None


def dump_task(task: Task, reports: Sequence[StatusReport]) -> bytes:
    """Serialize a task together with its reports, run-length encoded."""
    runs = [[batch.due, _runs(task, batch.items)] for batch in group_by_due(reports)]
    return encode_text(to_json([*task, runs]))


def _runs(task: Task, reports: Sequence[StatusReport]) -> list[list[Any]]:
    runs: list[list[Any]] = []
    expected: tuple[Any, ...] = ()
    """Values of the next report if it continues the last run."""
    numbers, task_id_of_task = task.numbers, task.task_id
    for index, (_, mobile, task_id, status, errorcode, extno, recipient_index) in enumerate(reports):
        if recipient_index == NO_TASK_INDEX:
            continue
        is_regular = (
            task_id == task_id_of_task and recipient_index < len(numbers) and mobile == numbers[recipient_index]
        )
        if is_regular and expected == (index, recipient_index, status, errorcode, extno):
            runs[-1][_SIZE] += 1
        else:
            runs.append(
                [index, recipient_index, 1, status, errorcode, extno, *(() if is_regular else (mobile, task_id))]
            )
        expected = (index + 1, recipient_index + 1, status, errorcode, extno) if is_regular else ()
    return runs


_SIZE: Final = ReportRun._fields.index("size")
_TASK_FIELDS: Final = len(Task._fields)


class RunPosition(NamedTuple):
    """A run with the index and due time of its batch."""

    batch: int
    due: float
    run: ReportRun


class DecodedTask(NamedTuple):
    """A task and the runs of its reports, sorted by index in the task."""

    task: Task
    reported: Sequence[RunPosition]

    def report(self, recipient_index: int) -> tuple[int, int, StatusReport] | None:
        """The report of the recipient at this index: its batch, its index in the batch, and the report.

        None if missing.
        """
        offset = bisect_right(self.reported, recipient_index, key=lambda reported: reported.run.recipient_index) - 1
        if offset < 0:
            return None
        batch, due, run = self.reported[offset]
        step = recipient_index - run.recipient_index
        if step >= run.size:
            return None
        mobile = self.task.numbers[recipient_index] if run.mobile is None else run.mobile
        task_id = self.task.task_id if run.task_id is None else run.task_id
        return (
            batch,
            run.offset + step,
            StatusReport(due, mobile, task_id, run.status, run.errorcode, run.extno, recipient_index),
        )


def load_task(body: bytes) -> DecodedTask:
    """Load a task and its reports."""
    row = json.loads(decode_text(body))
    reported = [
        RunPosition(batch, due, ReportRun(*run)) for batch, (due, runs) in enumerate(row[_TASK_FIELDS]) for run in runs
    ]
    reported.sort(key=lambda reported: reported.run.recipient_index)
    return DecodedTask(Task(*row[:_TASK_FIELDS]), reported)


_BYTES_FIELDS: Final = tuple(LoggedRequest._fields.index(name) for name in ("query", "body", "response_body"))


def dump_request(entry: LoggedRequest) -> bytes:
    """Serialize a logged request as JSON; bytes as Latin-1 characters."""
    row: list[Any] = list(entry)
    for index in _BYTES_FIELDS:
        row[index] = row[index].decode("latin-1")
    return encode_text(to_json(row))


def load_request(text: bytes) -> LoggedRequest:
    """Load a logged request."""
    row: list[Any] = json.loads(decode_text(text))
    for index in _BYTES_FIELDS:
        row[index] = row[index].encode("latin-1")
    entry = LoggedRequest(*row)
    headers = redact_headers([(name, value) for name, value in entry.headers])  # earlier versions stored credentials
    evidence, faults = load_evidence(entry.evidence), load_triggered_faults(entry.faults)
    return entry._replace(headers=headers, faults=faults, evidence=evidence)
