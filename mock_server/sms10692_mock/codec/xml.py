"""From an answer to the exact text of the vendor's XML: declaration, line feeds, escapes, in a dialect (R17).

Here belongs layout. The words and the order of the elements come from the contract, what a dialect changes from
`dialects`; JSON is written in `wire.render_json`.
"""

from collections.abc import Iterable
from itertools import zip_longest
from typing import Final

from sms10692 import protocol
from sms10692.protocol import Endpoint, Operation
from sms10692_mock.codec.charsets import ENCODERS
from sms10692_mock.codec.xml_escape import cdata_all, escape, escape_all
from sms10692_mock.domain.clock import format_times
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
from sms10692_mock.profiles import ERRORCODE, EXTNO, Profile


def _root(children: str) -> str:
    return f"<{protocol.ROOT}>{children}</{protocol.ROOT}>"


def _elements(names: Iterable[str], *first: str) -> str:
    """A template: each element on its own line after one space, no white space inside, a place for its value.

    The first have theirs already.
    """
    return "".join(f"\n <{name}>{value}</{name}>" for name, value in zip_longest(names, first, fillvalue="%s"))


def _box(name: str, elements: Iterable[str]) -> str:
    return f"\n <{name}>{_elements(elements)}\n </{name}>"


_SENT: Final = _root(_elements(protocol.SEND.elements, protocol.SEND.success, protocol.OK))
_BALANCE: Final = _root(_elements(protocol.OVERAGE.elements, protocol.OVERAGE.success, protocol.OVERAGE_FOUND))
_STATUSBOX: Final = _box(protocol.STATUS.item_element, protocol.STATUS.elements)
_CALLBOX: Final = _box(protocol.CALL.item_element, protocol.CALL.elements)
_ERROR: Final = _root(_box(protocol.ERROR_ELEMENT, protocol.ERROR_FIELDS) + "\n ")


class XmlRenderer:
    """Writes answers as one dialect does."""

    def __init__(self, dialect: Profile) -> None:
        self._refusals = {
            operation: (_root(_elements(shape.elements)), REFUSAL_VALUES[shape])
            for operation, shape in dialect.refusal_of.items()
        }
        self._keyword = _root(_elements(dialect.keyword_elements))
        self._keyword_values = dialect.keyword_values
        self._errorcode, self._extno_of_report, self._extno_of_reply = (
            cdata_all if place in dialect.cdata else escape_all
            for place in ((protocol.STATUS, ERRORCODE), (protocol.STATUS, EXTNO), (protocol.CALL, EXTNO))
        )

    def render(self, answer: Result, operation: Operation | None, page: Endpoint) -> bytes:
        """The bytes that the page answers, in its charset; `operation` is None for an action that the page lacks."""
        declaration = f'<?xml version="1.0" encoding="{page.charset}" ?>'
        return ENCODERS[page.charset](declaration + self._document(answer, operation))

    def _document(self, answer: Result, operation: Operation | None) -> str:
        match answer:
            case SendResult():
                return _SENT % answer
            case Refusal(message):
                if operation is not None and operation.item_element:
                    return _ERROR % (operation.messages.index(message) + 1, message)
                template, values = self._refusals[operation]
                return template % values(message)
            case BalanceResult():
                return _BALANCE % answer
            case KeywordResult(message, content):
                return self._keyword % self._keyword_values(message, escape(content))
            case ReportsResult(()) | RepliesResult(()):
                return _root("")
            case ReportsResult():
                return _page(self._statusboxes(answer))
            case RepliesResult():
                return _page(self._callboxes(answer))

    def _statusboxes(self, reports: ReportsResult) -> Iterable[str]:
        due, mobile, task_id, status, code, extno, _ = zip(*reports.boxes, strict=True)
        errorcodes, extnos = self._errorcode(code), self._extno_of_report(extno)
        rows = zip(escape_all(mobile), task_id, status, format_times(due), errorcodes, extnos, strict=True)
        return map(_STATUSBOX.__mod__, rows)

    def _callboxes(self, replies: RepliesResult) -> Iterable[str]:
        due, mobile, task_id, content, extno = zip(*replies.boxes, strict=True)
        extnos = self._extno_of_reply(extno)
        rows = zip(escape_all(mobile), task_id, escape_all(content), format_times(due), extnos, strict=True)
        return map(_CALLBOX.__mod__, rows)


def _page(boxes: Iterable[str]) -> str:
    return _root("".join(boxes) + "\n ")
