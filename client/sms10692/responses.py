"""Response parser without I/O: body bytes to a result, a VendorRefusal, or an InvalidResponse.

**No other exception may escape, whatever the bytes.** Elements are found by name: their order, white space, comments,
CDATA and unknown extra elements do not matter. The number of elements is limited before parsing, because each takes
about 200 bytes of memory however short it is on the wire.
"""

import codecs
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
from sms10692.signing import CHINA

Value = TypeVar("Value")

_RETURNSTATUS, _MESSAGE = protocol.SEND.elements[:2]

_SUCCESS_VALUES: Final = (protocol.SEND.success, protocol.OVERAGE.success)
_PAYINFOS: Final = {payinfo.value: payinfo for payinfo in PayInfo}
_STATUSES: Final = {str(status.value): status for status in Status}

_DECLARATION: Final = re.compile(r"\s{0,1000}<\?xml\s[^>]{0,200}\?>")
_XML_ENCODING: Final = re.compile(rb"""<\?xml\s[^>]{0,100}?encoding\s*=\s*["']([\w-]{1,20})["']""")
_HEADER_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([\w-]{1,20})", re.IGNORECASE)
_GBK_LABELS: Final = frozenset({"gb2312", "gbk", "gb18030", "cp936", "x-gbk", "hz-gb-2312"})
_DATE: Final = re.compile(r"(\d{4})[-/](\d\d?)[-/](\d\d?) (\d\d?):(\d\d):(\d\d)", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_has_nested_elements: Final = etree.XPath("boolean(*/*/*)")
_EURO_BYTE: Final = 0x80
_QUOTES: Final = (b'"', b"'")
_DOCTYPE: Final = re.compile(rb"(?:\s++|<!--(?>.*?-->)|<\?(?>.*?\?>))*+<!DOCTYPE", re.DOTALL)

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


class _MalformedResponse(Exception):
    """Internal signal for a response that does not follow the manual. Becomes `errors.InvalidResponse`."""


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
                return parse(_parse_root(response, max_elements))
            except _VendorRefusal as refusal:
                raise VendorRefusal(refusal.message, refusal.code, response) from None
            except _MalformedResponse as error:
                raise InvalidResponse(str(error), response) from None
            except etree.LxmlError as error:
                raise InvalidResponse(f"XML that cannot be parsed: {error}", response) from None

        return parse_response

    return decorate


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
        raise _MalformedResponse(f"unknown payinfo: {payinfo[:40]!a}")
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
    if message.startswith(protocol.FORBIDDEN_FOUND):
        return KeywordResult(True, message)
    if _RETURNSTATUS in fields:
        _check_status(fields)
    if message == protocol.NOTHING_FORBIDDEN:
        return KeywordResult(False, message)
    if not message:
        raise _MalformedResponse("message is empty")
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


def _parse_root(response: RawResponse, max_elements: int) -> etree._Element:
    if response.status != 200:
        raise _MalformedResponse("the HTTP status is not 200")
    if _count_nodes(response.body) > max_elements:
        raise _MalformedResponse(f"more than {max_elements} elements")
    try:
        root = _parse_utf_8(response.body) if _is_utf_8(response) else _parse_text(_decode_cp936(response.body))
    except etree.XMLSyntaxError as error:
        raise _MalformedResponse(f"not valid XML: {error.msg}") from None
    if root.tag != protocol.ROOT:
        raise _MalformedResponse(f"the root element is {root.tag!a}, not {protocol.ROOT}")
    return root


def _count_nodes(body: bytes) -> int:
    """Return an upper bound of the number of elements and attributes.

    Counting bytes is safe: in both charsets of the vendor, these bytes never occur inside another character.

    >>> _count_nodes(b"<a b='1'><c/></a>")
    3
    """
    return body.count(b"<") - body.count(b"</") + sum(body.count(quote) for quote in _QUOTES) // 2


def _is_utf_8(response: RawResponse) -> bool:
    """Return whether the body is UTF-8, otherwise it is GBK. The declared charset may be wrong.

    A body that is not valid UTF-8 is GBK. A body that is valid in both has its declared charset, with one exception:
    if GBK is declared and every non-ASCII character has three or more bytes in UTF-8, it is UTF-8, because GBK bytes
    hardly ever look like Chinese in UTF-8 by chance.

    >>> _is_utf_8(RawResponse(200, {}, "<?xml version='1.0' encoding='gb2312' ?><a>谢谢</a>".encode("gbk")))
    False
    >>> _is_utf_8(RawResponse(200, {}, "<?xml version='1.0' encoding='gb2312' ?><a>谢谢</a>".encode()))
    True
    """
    if response.body.isascii():
        return True
    try:
        text = response.body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    in_document = _XML_ENCODING.search(response.body[:200])
    in_header = _HEADER_CHARSET.search(response.headers.get("content-type", ""))
    label = in_document[1].decode() if in_document else in_header[1] if in_header else "utf-8"
    if label.lower() not in _GBK_LABELS:
        return True
    return not any("\x7f" < character < "\u0800" for character in text)


def _decode_euro(error: UnicodeError) -> tuple[str | bytes, int]:
    """Codec error handler that decodes the byte 0x80, which Python's gbk codec rejects, as the euro sign."""
    if isinstance(error, UnicodeDecodeError) and error.object[error.start] == _EURO_BYTE:
        return "€", error.start + 1
    raise error


codecs.register_error("sms10692.euro", _decode_euro)


def _decode_cp936(body: bytes) -> str:
    """Decode code page 936: GBK with the euro sign at 0x80.

    >>> _decode_cp936("5 镕囧".encode("gbk") + b"\\x80")
    '5 镕囧€'
    """
    try:
        return body.decode("gbk", "sms10692.euro")
    except UnicodeDecodeError:
        raise _MalformedResponse("neither UTF-8 nor code page 936") from None


def _parse_utf_8(body: bytes) -> etree._Element:
    """Parse a UTF-8 document and ignore the declared encoding: libxml2's gb2312 has fewer characters than the vendor's.

    **A document type is refused before parsing.** The attributes it declares would be added to every element and could
    exhaust memory.
    """
    if _DOCTYPE.match(body.removeprefix(codecs.BOM_UTF8)):
        raise _MalformedResponse("a document type declaration is not allowed")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=True,  # only between elements: an element whose whole text is white space keeps it
    )
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        declaration = _DECLARATION.match(text := body.decode("utf-8", "replace"))
        if declaration is None or text.startswith("<?xml"):
            raise
        return _parse_text(text)  # servers send white space before the XML declaration, which XML forbids


def _parse_text(text: str) -> etree._Element:
    return _parse_utf_8(_DECLARATION.sub("", text, count=1).encode("utf-8"))


def _read_fields(parent: etree._Element) -> dict[str, str]:
    """Return the texts of the child elements by name. Raises _MalformedResponse for nested or repeated elements."""
    fields: dict[str, str] = {}
    for child in parent:
        if len(child):
            raise _MalformedResponse(f"unexpected element inside {child.tag!a}")
        fields[str(child.tag)] = child.text or ""
    if len(fields) != len(parent):
        raise _MalformedResponse(f"repeated element in {parent.tag!a}")
    return fields


def _require(fields: Mapping[str, str], names: tuple[str, ...]) -> list[str]:
    """Return the fields with these names, in this order. Raises _MalformedResponse if one is missing."""
    try:
        return [fields[name] for name in names]
    except KeyError as missing:
        raise _MalformedResponse(f"element {missing.args[0]} is missing") from None


def _check_status(fields: Mapping[str, str]) -> None:
    """Raise _VendorRefusal if returnstatus is the failure value, _MalformedResponse if its value is unknown."""
    status, message = _require(fields, (_RETURNSTATUS, _MESSAGE))
    if status.strip() in _SUCCESS_VALUES:
        return
    if status.strip() == protocol.SEND.failure:
        raise _VendorRefusal(message.strip())
    raise _MalformedResponse(f"unknown returnstatus: {status[:40]!a}")


def _read_items(root: etree._Element, operation: Operation) -> Iterable[tuple[str, ...]]:
    """Return a tuple per item: the item element's text, which callers ignore, then its fields in the manual's order.

    Raises _VendorRefusal for an error element or a failed returnstatus, and _MalformedResponse.
    """
    error = root.find(protocol.ERROR_ELEMENT)
    if error is not None:
        code, remark = _require(_read_fields(error), protocol.ERROR_FIELDS)
        raise _VendorRefusal(remark.strip(), _parse_integer(code))
    if root.find(_RETURNSTATUS) is not None:
        _check_status(_read_fields(root))
    if _has_nested_elements(root):
        raise _MalformedResponse("unexpected element inside a field of an item")
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
            raise _MalformedResponse(f"unexpected element {item.tag!a} instead of {operation.item_element}")
    return [("", *_require(_read_fields(item), operation.elements)) for item in root]


def _parse_integer(text: str) -> int:
    if text.isdigit() and text.isascii() and len(text) < 19:
        return int(text)
    if not _INTEGER.fullmatch(text.strip()):
        raise _MalformedResponse(f"not an integer: {text[:40]!a}")
    return int(text)


def _parse_status(text: str) -> Status:
    status = _STATUSES.get(text) or _STATUSES.get(text.strip())
    if status is None:
        raise _MalformedResponse(f"unknown status of a report: {text[:40]!a}")
    return status


def _parse_time(text: str) -> datetime:
    """Parse a receivetime, written with dashes or with slashes (A11).

    >>> _parse_time("2016/1/26 11:02:08").isoformat()
    '2016-01-26T11:02:08+08:00'
    """
    try:
        if len(text) == 19 and text[10] == " ":  # fast path for the common form
            return datetime.fromisoformat(f"{text}+08:00")
        if found := _DATE.fullmatch(text.strip()):
            year, month, day, hour, minute, second = map(int, found.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=CHINA)
    except ValueError:
        pass
    raise _MalformedResponse(f"not a date and time: {text[:40]!a}")
