"""XML renderer of results: declaration, line feeds and escapes exactly as the vendor writes them, per profile (R17).

Names and order of the elements come from `protocol`, differences between profiles from `profiles`. JSON is in
`json_renderer`. **The bytes are compared with `fixtures/exchanges`: a change of white space is a change of the
protocol.**
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from typing import Final

from sms10692 import protocol
from sms10692.protocol import Endpoint, Operation
from sms10692_mock.codec.charsets import ENCODERS
from sms10692_mock.codec.error_number import error_number
from sms10692_mock.codec.report_states import STATE_WRITERS, WITHOUT_ERRORCODE
from sms10692_mock.codec.xml_escape import cdata_all, escape, escape_all
from sms10692_mock.domain.clock import format_times, format_times_unpadded
from sms10692_mock.domain.profiles import KEYS, Profile
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


def _root(children: str) -> str:
    return f"<{protocol.ROOT}>{children}</{protocol.ROOT}>"


def _elements(names: Iterable[str], *first: str) -> str:
    """Build a template: each element on its own line after one space, with `%s` for its value.

    The first elements get the values `first` instead of `%s`.
    """
    return "".join(f"\n <{name}>{value}</{name}>" for name, value in zip_longest(names, first, fillvalue="%s"))


def _item_template(name: str, elements: Iterable[str]) -> str:
    return f"\n <{name}>{_elements(elements)}\n </{name}>"


_USERID: Final = protocol.SIGNED.parameters[0]
_ERRORCODE, _EXTNO = protocol.STATUS.elements[-2:]
_SEND_TEMPLATE: Final = _root(_elements(protocol.SEND.elements, protocol.SEND.success, protocol.OK))
_BALANCE_TEMPLATE: Final = _root(_elements(protocol.OVERAGE.elements, protocol.OVERAGE.success, protocol.OVERAGE_FOUND))
_PASSWORD_CHANGED: Final = _root(_elements(protocol.CHANGESPWD.elements, protocol.CHANGESPWD.success, protocol.OK))
_ERROR_TEMPLATE: Final = _root(_item_template(protocol.ERROR_ELEMENT, protocol.ERROR_FIELDS) + "\n ")
_EMPTY_QUEUES: Final[Mapping[str, str]] = {
    "root": _root(""),
    "nothing": "",
    "error5": _ERROR_TEMPLATE % (error_number(protocol.STATUS, protocol.NO_RECORDS), protocol.NO_RECORDS),
}
"""The document of an empty queue, or an empty body, by the key `empty_queue` of a profile."""

_KEYWORD_ELEMENTS: Final = {
    "message": protocol.CHECKKEYWORD.elements,
    "status": (*protocol.SEND.elements[:2], "checkCounts"),
}
_FORMAT_TIMES: Final[Mapping[str, Callable[[Iterable[float]], Iterable[str]]]] = {
    "padded": format_times,
    "dashes": partial(format_times_unpadded, "-"),
    "slashes": partial(format_times_unpadded, "/"),
}


class XmlRenderer:
    """Renders results in one profile. `userid` is needed only for the items of profiles with `item_userid`."""

    def __init__(self, profile: Profile) -> None:
        self._refusals = {
            operation: (_root(_elements(layout.elements)), REFUSAL_VALUES[layout])
            for operation in (*REFUSAL_VALUES, None)
            for layout in (profile.refusal_layout(operation),)
        }
        self._has_keyword_status = profile.keyword_form == "status"
        self._keyword = _root(_elements(_KEYWORD_ELEMENTS[profile.keyword_form]))
        self._escape_column = cdata_all if profile.cdata else escape_all
        self._format_times = _FORMAT_TIMES[profile.receivetime]
        self._has_extno, self._has_userid = profile.item_extno, profile.item_userid
        before = (_USERID,) if profile.item_userid else ()
        left_out = {_EXTNO} if not profile.item_extno else set()
        self._write_state = STATE_WRITERS[profile.delivered]
        self._has_errorcode = profile.delivered not in WITHOUT_ERRORCODE
        if not self._has_errorcode:
            left_out.add(_ERRORCODE)
        self._statusbox, self._callbox = (
            _item_template(
                operation.item_element, before + tuple(name for name in operation.elements if name not in left_out)
            )
            for operation in (protocol.STATUS, protocol.CALL)
        )
        self._empty_queue = _EMPTY_QUEUES[profile.empty_queue]
        self._queue_errors = profile.queue_errors
        self._rewrites = tuple(
            (spec.rewrite, getattr(profile, name))
            for name, spec in KEYS.items()
            if spec.rewrite is not None and name in profile.differences
        )

    def render(self, result: Result, operation: Operation | None, endpoint: Endpoint, userid: str = "") -> bytes:
        """Render a result in the endpoint's charset. `operation` is None for an unknown action."""
        charset, document = endpoint.charset, self._document(result, operation, userid)
        if not document:
            return b""
        text = f'<?xml version="1.0" encoding="{charset}" ?>{document}'
        for rewrite, value in self._rewrites:
            text = rewrite(text, value)
        return ENCODERS[charset](text)

    def _document(self, result: Result, operation: Operation | None, userid: str) -> str:
        match result:
            case AcceptedSend():
                return _SEND_TEMPLATE % result
            case Refusal(message, _, replaced):
                message = escape(message)
                if operation is not None and operation.item_element:
                    return _ERROR_TEMPLATE % (error_number(operation, replaced or message, self._queue_errors), message)
                template, values = self._refusals[operation]
                return template % values(message)
            case QueriedBalance():
                return _BALANCE_TEMPLATE % result
            case CheckedText(message, content):
                if self._has_keyword_status:
                    return self._keyword % (protocol.SEND.success, escape(message), escape(content))
                return self._keyword % escape(message)
            case ChangedPassword():
                return _PASSWORD_CHANGED
            case ReportsResult(()) | RepliesResult(()):
                return self._empty_queue
            case ReportsResult():
                return _join_items(self._render_statusboxes(result, userid))
            case RepliesResult():
                return _join_items(self._render_callboxes(result, userid))

    def _render_statusboxes(self, reports: ReportsResult, userid: str) -> Iterable[str]:
        due, mobile, task_id, status, code, extno, _ = zip(*reports.items, strict=True)
        times = self._format_times(due)
        if self._write_state is not None:
            status, code = zip(*map(self._write_state, status, code), strict=True)
        columns: tuple[Iterable[object], ...] = (escape_all(mobile), task_id, status, times)
        if self._has_errorcode:
            columns = (*columns, self._escape_column(code))
        return map(self._statusbox.__mod__, self._build_rows(columns, extno, userid))

    def _render_callboxes(self, replies: RepliesResult, userid: str) -> Iterable[str]:
        due, mobile, task_id, content, extno = zip(*replies.items, strict=True)
        columns = (escape_all(mobile), task_id, escape_all(content), self._format_times(due))
        return map(self._callbox.__mod__, self._build_rows(columns, extno, userid))

    def _build_rows(
        self, columns: tuple[Iterable[object], ...], extno: Sequence[str], userid: str
    ) -> Iterable[tuple[object, ...]]:
        """Return one tuple of values per item: userid and extno are added where the profile has them."""
        if self._has_extno:
            columns = (*columns, self._escape_column(extno))
        if self._has_userid:
            columns = ([escape(userid)] * len(extno), *columns)
        return zip(*columns, strict=True)


def _join_items(items: Iterable[str]) -> str:
    return _root("".join(items) + "\n ")
