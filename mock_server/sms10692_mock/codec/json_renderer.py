"""JSON renderer of results, for requests with `rt=json` (Q18, R15). The same in every profile.

The keys of send and overage were observed on real servers (A15, A16); those of the other operations are an
invention of this emulator.
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from sms10692 import protocol
from sms10692.protocol import Endpoint, Operation
from sms10692_mock.codec.error_number import error_number
from sms10692_mock.domain.clock import format_time
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


def render(result: Result, operation: Operation | None, endpoint: Endpoint) -> bytes:
    """Render a result as JSON bytes."""
    dumps = partial(json.dumps, ensure_ascii=_IS_ASCII[endpoint.charset], separators=(",", ":"))
    # One `dumps` per item: a single call for a long queue would hold the interpreter lock throughout.
    match result:
        case ReportsResult(reports):
            rows = ((r.mobile, r.task_id, r.status, format_time(r.due), r.errorcode, r.extno) for r in reports)
            text = f'{{"StatusBox":[{",".join(dumps(_keyed(protocol.STATUS, row)) for row in rows)}]}}'
        case RepliesResult(replies):
            reply_rows = ((r.mobile, r.task_id, r.content, format_time(r.due), r.extno) for r in replies)
            text = f'{{"CallBox":[{",".join(dumps(_keyed(protocol.CALL, row)) for row in reply_rows)}]}}'
        case _:
            text = dumps(_document(result, operation))
    return text.encode("utf-8")


def _document(
    result: Refusal | AcceptedSend | QueriedBalance | CheckedText | ChangedPassword, operation: Operation | None
) -> dict[str, Any]:
    match result:
        case AcceptedSend():
            return _keyed(protocol.SEND, (protocol.SEND.success, protocol.OK, *result))
        case Refusal(message, _, replaced):
            if operation is not None and operation.item_element:
                return {"ErrorStatus": {"Error": error_number(operation, replaced or message), "Remark": message}}
            layout = operation or protocol.SEND
            return _keyed(layout, REFUSAL_VALUES[layout](message))
        case QueriedBalance():
            return _keyed(protocol.OVERAGE, (protocol.OVERAGE.success, protocol.OVERAGE_FOUND, *result))
        case CheckedText(message, _):
            return _keyed(protocol.CHECKKEYWORD, (message,))
        case ChangedPassword():
            return _keyed(protocol.CHANGESPWD, (protocol.CHANGESPWD.success, protocol.OK))


def _keyed(operation: Operation, values: tuple[str | int, ...]) -> dict[str, Any]:
    return dict(zip(KEYS[operation], values, strict=True))
