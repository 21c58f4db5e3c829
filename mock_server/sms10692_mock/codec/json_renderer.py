"""From an answer to JSON, for clients that ask with `rt=json` (Q18, R15). The same in every dialect.

Here belong the keys. Those of send and overage were seen on real servers (A15, A16); those of checkkeyword and the
two queues are our invention.
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from sms10692 import protocol
from sms10692.protocol import Endpoint, Operation
from sms10692_mock.domain.clock import format_time
from sms10692_mock.domain.results import (
    REFUSAL_VALUES,
    BalanceResult,
    KeywordResult,
    Refusal,
    RepliesResult,
    ReportsResult,
    Result,
    SendResult,
)

KEYS: Final[Mapping[Operation, tuple[str, ...]]] = {
    protocol.SEND: ("ReturnStatus", "Message", "RemainPoint", "TaskID", "SuccessCounts"),
    protocol.OVERAGE: ("ReturnStatus", "Message", "Payinfo", "Overage", "SendTotal"),
    protocol.CHECKKEYWORD: ("Message",),
    protocol.STATUS: ("Mobile", "TaskId", "Status", "ReceiveTime", "ErrorCode", "Extno"),
    protocol.CALL: ("Mobile", "TaskId", "Content", "ReceiveTime", "Extno"),
}
"""Of each operation, or of one of its boxes, in the order of the contract's elements."""


def render(answer: Result, operation: Operation | None, page: Endpoint) -> bytes:
    """The bytes that the page answers. On the GBK page they are ASCII, which is JSON and GBK at once (R15)."""
    dumped = partial(json.dumps, ensure_ascii=page is protocol.V2SMS_GBK, separators=(",", ":"))
    # Box by box: one call for all of a long queue would let nobody else do anything meanwhile.
    match answer:
        case ReportsResult(reports):
            boxes = ((r.mobile, r.task_id, r.status, format_time(r.due), r.errorcode, r.extno) for r in reports)
            text = f'{{"StatusBox":[{",".join(dumped(_keyed(protocol.STATUS, box)) for box in boxes)}]}}'
        case RepliesResult(replies):
            calls = ((r.mobile, r.task_id, r.content, format_time(r.due), r.extno) for r in replies)
            text = f'{{"CallBox":[{",".join(dumped(_keyed(protocol.CALL, box)) for box in calls)}]}}'
        case _:
            text = dumped(_document(answer, operation))
    return text.encode("utf-8")


def _document(
    answer: Refusal | SendResult | BalanceResult | KeywordResult, operation: Operation | None
) -> dict[str, Any]:
    match answer:
        case SendResult():
            return _keyed(protocol.SEND, (protocol.SEND.success, protocol.OK, *answer))
        case Refusal(message):
            if operation is not None and operation.item_element:
                return {"ErrorStatus": {"Error": operation.messages.index(message) + 1, "Remark": message}}
            shape = operation or protocol.SEND
            return _keyed(shape, REFUSAL_VALUES[shape](message))
        case BalanceResult():
            return _keyed(protocol.OVERAGE, (protocol.OVERAGE.success, protocol.OVERAGE_FOUND, *answer))
        case KeywordResult(message, _):
            return _keyed(protocol.CHECKKEYWORD, (message,))


def _keyed(operation: Operation, values: tuple[str | int, ...]) -> dict[str, Any]:
    return dict(zip(KEYS[operation], values, strict=True))
