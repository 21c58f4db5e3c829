"""XML renderer of results: declaration, line feeds and escapes exactly as the vendor writes them, per profile (R17).

Names and order of the elements come from `protocol`, differences between profiles from `profiles`. JSON is in
`json_renderer`. **The bytes are compared with `fixtures/exchanges`: a change of white space is a change of the
protocol.**
"""

from collections.abc import Iterable
from itertools import zip_longest
from typing import Final

from sms10692 import protocol
from sms10692.protocol import Endpoint, Operation
from sms10692_mock.codec.charsets import ENCODERS
from sms10692_mock.codec.error_number import error_number
from sms10692_mock.codec.xml_escape import cdata_all, escape, escape_all
from sms10692_mock.domain.clock import format_times
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
from sms10692_mock.profiles import ERRORCODE, EXTNO, Profile


def _root(children: str) -> str:
    return f"<{protocol.ROOT}>{children}</{protocol.ROOT}>"


def _elements(names: Iterable[str], *first: str) -> str:
    """Build a template: each element on its own line after one space, with `%s` for its value.

    The first elements get the values `first` instead of `%s`.
    """
    return "".join(f"\n <{name}>{value}</{name}>" for name, value in zip_longest(names, first, fillvalue="%s"))


def _item_template(name: str, elements: Iterable[str]) -> str:
    return f"\n <{name}>{_elements(elements)}\n </{name}>"


_SEND_TEMPLATE: Final = _root(_elements(protocol.SEND.elements, protocol.SEND.success, protocol.OK))
_BALANCE_TEMPLATE: Final = _root(_elements(protocol.OVERAGE.elements, protocol.OVERAGE.success, protocol.OVERAGE_FOUND))
_PASSWORD_CHANGED: Final = _root(_elements(protocol.CHANGESPWD.elements, protocol.CHANGESPWD.success, protocol.OK))
_STATUSBOX_TEMPLATE: Final = _item_template(protocol.STATUS.item_element, protocol.STATUS.elements)
_CALLBOX_TEMPLATE: Final = _item_template(protocol.CALL.item_element, protocol.CALL.elements)
_ERROR_TEMPLATE: Final = _root(_item_template(protocol.ERROR_ELEMENT, protocol.ERROR_FIELDS) + "\n ")


class XmlRenderer:
    """Renders results in one profile."""

    def __init__(self, profile: Profile) -> None:
        self._refusals = {
            operation: (_root(_elements(layout.elements)), REFUSAL_VALUES[layout])
            for operation, layout in profile.refusal_of.items()
        }
        self._keyword = _root(_elements(profile.keyword_elements))
        self._keyword_values = profile.keyword_values
        self._errorcode, self._extno_of_report, self._extno_of_reply = (
            cdata_all if field in profile.cdata else escape_all
            for field in ((protocol.STATUS, ERRORCODE), (protocol.STATUS, EXTNO), (protocol.CALL, EXTNO))
        )

    def render(self, result: Result, operation: Operation | None, endpoint: Endpoint) -> bytes:
        """Render a result in the endpoint's charset. `operation` is None for an unknown action."""
        charset = endpoint.charset
        return ENCODERS[charset](f'<?xml version="1.0" encoding="{charset}" ?>{self._document(result, operation)}')

    def _document(self, result: Result, operation: Operation | None) -> str:
        match result:
            case AcceptedSend():
                return _SEND_TEMPLATE % result
            case Refusal(message, _):
                if operation is not None and operation.item_element:
                    return _ERROR_TEMPLATE % (error_number(operation, message), escape(message))
                template, values = self._refusals[operation]
                return template % values(escape(message))
            case QueriedBalance():
                return _BALANCE_TEMPLATE % result
            case CheckedText(message, content):
                return self._keyword % self._keyword_values(message, escape(content))
            case ChangedPassword():
                return _PASSWORD_CHANGED
            case ReportsResult(()) | RepliesResult(()):
                return _root("")
            case ReportsResult():
                return _join_items(self._render_statusboxes(result))
            case RepliesResult():
                return _join_items(self._render_callboxes(result))

    def _render_statusboxes(self, reports: ReportsResult) -> Iterable[str]:
        due, mobile, task_id, status, code, extno, _ = zip(*reports.items, strict=True)
        errorcodes, extnos = self._errorcode(code), self._extno_of_report(extno)
        rows = zip(escape_all(mobile), task_id, status, format_times(due), errorcodes, extnos, strict=True)
        return map(_STATUSBOX_TEMPLATE.__mod__, rows)

    def _render_callboxes(self, replies: RepliesResult) -> Iterable[str]:
        due, mobile, task_id, content, extno = zip(*replies.items, strict=True)
        extnos = self._extno_of_reply(extno)
        rows = zip(escape_all(mobile), task_id, escape_all(content), format_times(due), extnos, strict=True)
        return map(_CALLBOX_TEMPLATE.__mod__, rows)


def _join_items(items: Iterable[str]) -> str:
    return _root("".join(items) + "\n ")
