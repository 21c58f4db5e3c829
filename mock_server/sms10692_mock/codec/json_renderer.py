"""JSON renderer of results, for requests with `rt=json` (Q18, R15), per profile.

The keys of send and overage were observed on real servers (A15, A16); those of the other operations are an
invention of this emulator. Of the keys of a profile, those that change layout and elements change XML only.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final, TypeAlias

from sms10692 import protocol
from sms10692.protocol import Endpoint, Operation
from sms10692_mock.codec.error_number import error_number
from sms10692_mock.codec.report_states import STATE_WRITERS, WITHOUT_ERRORCODE
from sms10692_mock.domain.clock import format_time
from sms10692_mock.domain.profiles import Profile
from sms10692_mock.domain.records import StatusReport
from sms10692_mock.domain.results import (
    REFUSAL_VALUES,
    AcceptedSend,
    ChangedPassword,
    CheckedText,
    QueriedBalance,
    Refusal,
    RepliesResult,
    ReportsResult,
    Result,
)

KEYS: Final[Mapping[Operation, tuple[str, ...]]] = {
    protocol.SEND: ("ReturnStatus", "Message", "RemainPoint", "TaskID", "SuccessCounts"),
    protocol.OVERAGE: ("ReturnStatus", "Message", "Payinfo", "Overage", "SendTotal"),
    protocol.CHECKKEYWORD: ("Message",),
    protocol.CHANGESPWD: ("ReturnStatus", "Message"),
    protocol.STATUS: ("Mobile", "TaskId", "Status", "ReceiveTime", "ErrorCode", "Extno"),
    protocol.CALL: ("Mobile", "TaskId", "Content", "ReceiveTime", "Extno"),
}
"""The keys of each operation's document, or of one item of its list, in the order of the protocol's elements."""


_IS_ASCII: Final[Mapping[str, bool]] = {"utf-8": False, "gb2312": True}
"""Whether JSON is pure ASCII, by charset of the endpoint: ASCII is both JSON and GBK (R15)."""


_Row: TypeAlias = tuple[str | int, ...]


class JsonRenderer:
    """Renders results in one profile."""

    def __init__(self, profile: Profile) -> None:
        is_lower = profile.json_form == "lower"
        self._name: Callable[[str], str] = str.lower if is_lower else str
        self._value: Callable[[str | int], str | int] = str if is_lower else lambda value: value
        self._keys = {operation: tuple(map(self._name, keys)) for operation, keys in KEYS.items()}
        self._write_state = STATE_WRITERS[profile.delivered]
        self._has_errorcode = profile.delivered not in WITHOUT_ERRORCODE
        self._empty_queue_is_error = profile.empty_queue == "error5"
        self._queue_errors = profile.queue_errors

    def render(self, result: Result, operation: Operation | None, endpoint: Endpoint) -> bytes:
        """Render a result as JSON bytes."""
        dumps = partial(json.dumps, ensure_ascii=_IS_ASCII[endpoint.charset], separators=(",", ":"))
        # One `dumps` per item: a single call for a long queue would hold the interpreter lock throughout.
        match result:
            case ReportsResult(()) | RepliesResult(()) if self._empty_queue_is_error:
                number = error_number(protocol.STATUS, protocol.NO_RECORDS)
                text = dumps(self._error_document(number, protocol.NO_RECORDS))
            case ReportsResult(reports):
                text = self._join("StatusBox", (dumps(self._report(report)) for report in reports))
            case RepliesResult(replies):
                rows = ((r.mobile, r.task_id, r.content, format_time(r.due), r.extno) for r in replies)
                text = self._join("CallBox", (dumps(self._keyed(protocol.CALL, row)) for row in rows))
            case _:
                text = dumps(self._document(result, operation))
        return text.encode("utf-8")

    def _document(
        self,
        result: Refusal | AcceptedSend | QueriedBalance | CheckedText | ChangedPassword,
        operation: Operation | None,
    ) -> dict[str, Any]:
        match result:
            case AcceptedSend():
                return self._keyed(protocol.SEND, (protocol.SEND.success, protocol.OK, *result))
            case Refusal(message, _, replaced):
                if operation is not None and operation.item_element:
                    return self._error_document(
                        error_number(operation, replaced or message, self._queue_errors), message
                    )
                layout = operation or protocol.SEND
                return self._keyed(layout, REFUSAL_VALUES[layout](message))
            case QueriedBalance():
                return self._keyed(protocol.OVERAGE, (protocol.OVERAGE.success, protocol.OVERAGE_FOUND, *result))
            case CheckedText(message, _):
                return self._keyed(protocol.CHECKKEYWORD, (message,))
            case ChangedPassword():
                return self._keyed(protocol.CHANGESPWD, (protocol.CHANGESPWD.success, protocol.OK))

    def _report(self, report: StatusReport) -> dict[str, Any]:
        state = report.status, report.errorcode
        status, errorcode = state if self._write_state is None else self._write_state(*state)
        row = report.mobile, report.task_id, status, format_time(report.due), errorcode, report.extno
        document = self._keyed(protocol.STATUS, row)
        if not self._has_errorcode:
            del document[self._keys[protocol.STATUS][4]]
        return document

    def _error_document(self, number: int, message: str) -> dict[str, Any]:
        return {self._name("ErrorStatus"): {self._name("Error"): self._value(number), self._name("Remark"): message}}

    def _join(self, name: str, items: Iterable[str]) -> str:
        return f'{{"{self._name(name)}":[{",".join(items)}]}}'

    def _keyed(self, operation: Operation, values: _Row) -> dict[str, Any]:
        return dict(zip(self._keys[operation], map(self._value, values), strict=True))
