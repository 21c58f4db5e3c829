"""Response parser without I/O: body bytes to a result, a VendorRefusal, or an InvalidResponse.

**No other exception may escape, whatever the bytes.** Elements are found by name: their order, white space, comments,
CDATA and unknown extra elements do not matter. `sms10692.response_xml` parses the XML document.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import wraps
from typing import Final, TypeVar

from lxml import etree

from sms10692 import protocol
from sms10692.errors import InvalidResponse, RawResponse, VendorRefusal
from sms10692.models import BalanceResult, KeywordResult, PayInfo, Reply, Report, SendResult, Status
from sms10692.protocol import Operation
from sms10692.response_xml import MalformedResponse, parse_root
from sms10692.signing import CHINA

Value = TypeVar("Value")

_RETURNSTATUS, _MESSAGE = protocol.SEND.elements[:2]

_SUCCESS_VALUES: Final = (protocol.SEND.success, protocol.OVERAGE.success)
_PAYINFOS: Final = {payinfo.value: payinfo for payinfo in PayInfo}
_STATUS_WORDS: Final = {protocol.DELIVERED_WORD: Status.DELIVERED, protocol.FAILED_WORD: Status.FAILED}
"""What some brands write as status. Their reports have no errorcode."""

_STATUSES: Final = {str(status.value): status for status in Status} | _STATUS_WORDS

_DATE: Final = re.compile(r"(\d{4})[-/](\d\d?)[-/](\d\d?) (\d\d?):(\d\d):(\d\d)", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_has_nested_elements: Final = etree.XPath("boolean(*/*/*)")

MAX_QUEUE_ELEMENTS: Final = 1_000_000
"""Elements accepted in the response of a queue endpoint: more than 140,000 reports at once."""

MAX_ELEMENTS: Final = 10_000
"""Elements accepted in any other response. The manual's responses have five."""


class _VendorRefusal(Exception):
    """Internal signal for a refusal: message and error number. Becomes `errors.VendorRefusal`."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def _translate_errors(
    max_elements: int,
) -> Callable[[Callable[[etree._Element], Value]], Callable[[RawResponse], Value]]:
    """Turn a parser of a root element into a parser of a RawResponse, with a limit on the number of elements.

    Internal signals and errors of lxml are translated to the public exceptions.
    """

    def decorate(parse: Callable[[etree._Element], Value]) -> Callable[[RawResponse], Value]:
        @wraps(parse)
        def parse_response(response: RawResponse) -> Value:
            try:
                return parse(parse_root(response, max_elements))
            except _VendorRefusal as refusal:
                raise VendorRefusal(refusal.message, refusal.code, response) from None
            except MalformedResponse as error:
                raise InvalidResponse(str(error), response) from None
            except etree.LxmlError as error:
                raise InvalidResponse(f"XML that cannot be parsed: {error}", response) from None

        return parse_response

    return decorate


def accept_empty_body(parse: Callable[[RawResponse], list[Value]]) -> Callable[[RawResponse], list[Value]]:
    """Return a parser of a queue's response that takes a body declared as empty for an empty queue, as brands send it.

    **A vendor that loses a body may declare it as empty too: then the items are lost without an error.** A body that
    is missing without `Content-Length: 0` stays an InvalidResponse.
    """

    @wraps(parse)
    def parse_response(response: RawResponse) -> list[Value]:
        is_empty = response.status == 200 and not response.body and response.headers.get("content-length") == "0"
        return [] if is_empty else parse(response)

    return parse_response


@_translate_errors(MAX_ELEMENTS)
def parse_send_result(root: etree._Element) -> SendResult:
    """Parse the response to a send (1.3).

    >>> body = (
    ...     b"<returnsms><returnstatus>Success</returnstatus><message>ok</message><remainpoint>998</remainpoint>"
    ...     b"<taskID>100001</taskID><successCounts>2</successCounts></returnsms>"
    ... )
    >>> parse_send_result(RawResponse(200, {}, body))
    SendResult(task_id=100001, remain_point=998, success_counts=2)
    """
    fields = _read_fields(root)
    _check_status(fields)
    _, _, remain_point, task_id, success_counts = _require(fields, protocol.SEND.elements)
    return SendResult(_parse_integer(task_id), _parse_integer(remain_point), _parse_integer(success_counts))


@_translate_errors(MAX_ELEMENTS)
def parse_balance(root: etree._Element) -> BalanceResult:
    """Parse the response to a balance query (2.3).

    >>> body = (
    ...     "<returnsms><returnstatus>Sucess</returnstatus><message/><payinfo>后付费</payinfo>"
    ...     "<overage>-2</overage><sendTotal>0</sendTotal></returnsms>"
    ... )
    >>> parse_balance(RawResponse(200, {}, body.encode())).overage
    -2
    """
    fields = _read_fields(root)
    _check_status(fields)
    _, _, payinfo, overage, send_total = _require(fields, protocol.OVERAGE.elements)
    if payinfo.strip() not in _PAYINFOS:
        raise MalformedResponse(f"unknown payinfo: {payinfo[:40]!a}")
    return BalanceResult(_PAYINFOS[payinfo.strip()], _parse_integer(overage), _parse_integer(send_total))


@_translate_errors(MAX_ELEMENTS)
def parse_keyword_result(root: etree._Element) -> KeywordResult:
    """Parse the response to a keyword check (3.3), with or without returnstatus.

    >>> body = "<returnsms><message>没有包含屏蔽词</message></returnsms>"
    >>> parse_keyword_result(RawResponse(200, {}, body.encode())).is_forbidden
    False
    """
    fields = _read_fields(root)
    message = _require(fields, protocol.CHECKKEYWORD.elements)[0].strip()
    if message.startswith(protocol.FORBIDDEN_BEGINNING):
        return KeywordResult(True, message)
    if _RETURNSTATUS in fields:
        _check_status(fields)
    if message in _CLEAN:
        return KeywordResult(False, message)
    if not message:
        raise MalformedResponse("message is empty")
    raise _VendorRefusal(message)


@_translate_errors(MAX_QUEUE_ELEMENTS)
def parse_reports(root: etree._Element) -> list[Report]:
    """Parse the response to a fetch of reports (4.3, 4.4).

    >>> parse_reports(RawResponse(200, {}, b"<returnsms></returnsms>"))
    []
    """
    return [
        Report(mobile, _parse_integer(task_id), _parse_status(status), _parse_time(receivetime), errorcode, extno)
        for _, mobile, task_id, status, receivetime, errorcode, extno in _read_items(root, protocol.STATUS)
    ]


@_translate_errors(MAX_QUEUE_ELEMENTS)
def parse_replies(root: etree._Element) -> list[Reply]:
    """Parse the response to a fetch of replies (5.3, 5.4).

    >>> parse_replies(RawResponse(200, {}, b"<returnsms></returnsms>"))
    []
    """
    return [
        Reply(mobile, _parse_integer(task_id), content, _parse_time(receivetime), extno)
        for _, mobile, task_id, content, receivetime, extno in _read_items(root, protocol.CALL)
    ]


def _read_fields(parent: etree._Element) -> dict[str, str]:
    """Return the texts of the child elements by name. Raises MalformedResponse for nested or repeated elements."""
    fields: dict[str, str] = {}
    for child in parent:
        if len(child):
            raise MalformedResponse(f"unexpected element inside {child.tag!a}")
        fields[str(child.tag)] = child.text or ""
    if len(fields) != len(parent):
        raise MalformedResponse(f"repeated element in {parent.tag!a}")
    return fields


def _require(fields: Mapping[str, str], names: tuple[str, ...]) -> list[str]:
    """Return the fields with these names, in this order. Raises MalformedResponse if one is missing."""
    try:
        return [fields[name] for name in names]
    except KeyError as missing:
        raise MalformedResponse(f"element {missing.args[0]} is missing") from None


def _check_status(fields: Mapping[str, str]) -> None:
    """Raise _VendorRefusal if returnstatus is the failure value, MalformedResponse if its value is unknown."""
    status, message = _require(fields, (_RETURNSTATUS, _MESSAGE))
    if status.strip() in _SUCCESS_VALUES:
        return
    if status.strip() == protocol.SEND.failure:
        raise _VendorRefusal(message.strip())
    raise MalformedResponse(f"unknown returnstatus: {status[:40]!a}")


def _read_items(root: etree._Element, operation: Operation) -> Iterable[tuple[str, ...]]:
    """Return a tuple per item: the item element's text, which callers ignore, then its fields in the manual's order.

    An error that says that there are no records, as some brands do, is an empty queue. Raises _VendorRefusal for any
    other error element or a failed returnstatus, and MalformedResponse.
    """
    error = root.find(protocol.ERROR_ELEMENT)
    if error is not None:
        code, remark = _require(_read_fields(error), protocol.ERROR_FIELDS)
        if remark.strip() == protocol.NO_RECORDS:
            return []
        raise _VendorRefusal(remark.strip(), _parse_integer(code))
    if root.find(_RETURNSTATUS) is not None:
        _check_status(_read_fields(root))
    if _has_nested_elements(root):
        raise MalformedResponse("unexpected element inside a field of an item")
    names: list[object] = []
    texts: list[str] = []
    for element in root.iterdescendants():
        names.append(element.tag)
        texts.append(element.text or "")
    manual_order = [operation.item_element, *operation.elements]
    if names == manual_order * len(root):
        # Fast path for the manual's element order, which servers use: half the time of looking up fields by name.
        return zip(*[iter(texts)] * len(manual_order), strict=True)
    for item in root:
        if item.tag != operation.item_element:
            raise MalformedResponse(f"unexpected element {item.tag!a} instead of {operation.item_element}")
    return [("", *_require(_add_missing(_read_fields(item)), operation.elements)) for item in root]


def _add_missing(fields: dict[str, str]) -> dict[str, str]:
    """Add the elements that items of some brands do not have: extno, and errorcode where status is a word."""
    missing = {"extno": ""} | ({"errorcode": ""} if fields.get("status", "").strip() in _STATUS_WORDS else {})
    return missing | fields


_CLEAN: Final = (protocol.NOTHING_FORBIDDEN, "未包含非法字符")
"""Messages of checkkeyword about a text without forbidden words: the manual's, and that of another brand."""


def _parse_integer(text: str) -> int:
    if text.isdigit() and text.isascii() and len(text) < 19:
        return int(text)
    if not _INTEGER.fullmatch(text.strip()):
        raise MalformedResponse(f"not an integer: {text[:40]!a}")
    return int(text)


def _parse_status(text: str) -> Status:
    status = _STATUSES.get(text) or _STATUSES.get(text.strip())
    if status is None:
        raise MalformedResponse(f"unknown status of a report: {text[:40]!a}")
    return status


def _parse_time(text: str) -> datetime:
    """Parse a receivetime, written with dashes or with slashes (A11).

    >>> _parse_time("2016/1/26 11:02:08").isoformat()
    '2016-01-26T11:02:08+08:00'
    """
    try:
        if len(text) == 19 and text[4] == "-" and text[10] == " ":  # fast path for the common form
            return datetime.fromisoformat(f"{text}+08:00")
        if found := _DATE.fullmatch(text.strip()):
            year, month, day, hour, minute, second = map(int, found.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=CHINA)
    except ValueError:
        pass
    raise MalformedResponse(f"not a date and time: {text[:40]!a}")
