"""From the bytes of an answer to a value, or to Refused, or to Unreadable; to nothing else, whatever the bytes.

Elements are read by name: their order, white space and comments between them, CDATA, and elements beside those that
the manual promises change nothing. The number of elements is bounded before they are parsed: each takes some 200 bytes
of memory, whatever it takes on the wire.
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

_SUCCESSES: Final = (protocol.SEND.success, protocol.OVERAGE.success)
_PAYINFOS: Final = {payinfo.value: payinfo for payinfo in PayInfo}
_STATUSES: Final = {str(status.value): status for status in Status}

_DECLARATION: Final = re.compile(r"\s{0,1000}<\?xml\s[^>]{0,200}\?>")
_LABEL: Final = re.compile(rb"""<\?xml\s[^>]{0,100}?encoding\s*=\s*["']([\w-]{1,20})["']""")
_SERVED_LABEL: Final = re.compile(r"charset\s*=\s*[\"']?([\w-]{1,20})", re.IGNORECASE)
_LABELS_OF_GBK: Final = frozenset({"gb2312", "gbk", "gb18030", "cp936", "x-gbk", "hz-gb-2312"})
_DATE: Final = re.compile(r"(\d{4})[-/](\d\d?)[-/](\d\d?) (\d\d?):(\d\d):(\d\d)", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_TOO_DEEP: Final = etree.XPath("boolean(*/*/*)")
_EURO: Final = 0x80
_QUOTES: Final = (b'"', b"'")
_DOCTYPE: Final = re.compile(rb"(?:\s++|<!--(?>.*?-->)|<\?(?>.*?\?>))*+<!DOCTYPE", re.DOTALL)

MAX_ITEMS_ELEMENTS: Final = 1_000_000
"""Elements in an answer of a queue: more than 140,000 reports at once."""

MAX_ELEMENTS: Final = 10_000
"""Elements in any other answer, which has five."""


class _VendorRefusal(Exception):
    """The vendor's refusal: its message, and the number of an error."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class _MalformedResponse(Exception):
    """What is no answer of the manual's."""


def _translate_errors(
    max_elements: int,
) -> Callable[[Callable[[etree._Element], Value]], Callable[[RawResponse], Value]]:
    """Make a reader of a root into one of an answer, whose elements are bounded."""

    def decorate(read: Callable[[etree._Element], Value]) -> Callable[[RawResponse], Value]:
        @wraps(read)
        def read_reply(reply: RawResponse) -> Value:
            try:
                return read(_root(reply, max_elements))
            except _VendorRefusal as no:
                raise VendorRefusal(no.message, no.code, reply) from None
            except _MalformedResponse as odd:
                raise InvalidResponse(str(odd), reply) from None
            except etree.LxmlError as error:
                raise InvalidResponse(f"XML that cannot be read: {error}", reply) from None

        return read_reply

    return decorate


@_translate_errors(MAX_ELEMENTS)
def parse_sent(root: etree._Element) -> SendResult:
    """Read the answer to a send (1.3).

    >>> sent(RawReply(200, {}, b"<returnsms><returnstatus>Success</returnstatus><message>ok</message><remainpoint>998"
    ...     b"</remainpoint><taskID>100001</taskID><successCounts>2</successCounts></returnsms>"))
    Sent(task_id=100001, remain_point=998, success_counts=2)
    """
    fields = _fields(root)
    _check_status(fields)
    _, _, remain_point, task_id, success_counts = _require(fields, protocol.SEND.elements)
    return SendResult(_parse_integer(task_id), _parse_integer(remain_point), _parse_integer(success_counts))


@_translate_errors(MAX_ELEMENTS)
def parse_overage(root: etree._Element) -> BalanceResult:
    """Read the answer to an overage (2.3).

    >>> overage(RawReply(200, {}, "<returnsms><returnstatus>Sucess</returnstatus><message/><payinfo>后付费</payinfo>"
    ...     "<overage>-2</overage><sendTotal>0</sendTotal></returnsms>".encode())).overage
    -2
    """
    fields = _fields(root)
    _check_status(fields)
    _, _, payinfo, left, total = _require(fields, protocol.OVERAGE.elements)
    if payinfo.strip() not in _PAYINFOS:
        raise _MalformedResponse(f"neither way to pay: {payinfo[:40]!a}")
    return BalanceResult(_PAYINFOS[payinfo.strip()], _parse_integer(left), _parse_integer(total))


@_translate_errors(MAX_ELEMENTS)
def parse_checked(root: etree._Element) -> KeywordResult:
    """Read the answer to a checkkeyword (3.3), with or without returnstatus.

    >>> checked(RawReply(200, {}, "<returnsms><message>没有包含屏蔽词</message></returnsms>".encode())).is_forbidden
    False
    """
    fields = _fields(root)
    (message,) = _require(fields, protocol.CHECKKEYWORD.elements)
    verdict = message.strip()
    if verdict.startswith(protocol.FORBIDDEN_FOUND):
        return KeywordResult(True, verdict)
    if _RETURNSTATUS in fields:
        _check_status(fields)
    if verdict == protocol.NOTHING_FORBIDDEN:
        return KeywordResult(False, verdict)
    if not verdict:
        raise _MalformedResponse("no verdict")
    raise _VendorRefusal(verdict)


@_translate_errors(MAX_ITEMS_ELEMENTS)
def parse_reports(root: etree._Element) -> list[Report]:
    """Read the answer to a fetch of reports (4.3, 4.4).

    >>> reports(RawReply(200, {}, b"<returnsms></returnsms>"))
    []
    """
    return [
        Report(mobile, _parse_integer(task_id), _parse_status(status), _parse_time(receivetime), errorcode, extno)
        for _, mobile, task_id, status, receivetime, errorcode, extno in _items(root, protocol.STATUS)
    ]


@_translate_errors(MAX_ITEMS_ELEMENTS)
def parse_replies(root: etree._Element) -> list[Reply]:
    """Read the answer to a fetch of replies (5.3, 5.4).

    >>> replies(RawReply(200, {}, b"<returnsms></returnsms>"))
    []
    """
    return [
        Reply(mobile, _parse_integer(task_id), content, _parse_time(receivetime), extno)
        for _, mobile, task_id, content, receivetime, extno in _items(root, protocol.CALL)
    ]


def _root(reply: RawResponse, max_elements: int) -> etree._Element:
    if reply.status != 200:
        raise _MalformedResponse("the HTTP status is not 200")
    if _count_nodes(reply.body) > max_elements:
        raise _MalformedResponse(f"more than {max_elements} elements")
    try:
        root = _parse(reply.body) if _is_utf_8(reply) else _parse_text(_from_code_page_936(reply.body))
    except etree.XMLSyntaxError as error:
        raise _MalformedResponse(f"no XML: {error.msg}") from None
    if root.tag != protocol.ROOT:
        raise _MalformedResponse(f"the root is {root.tag!a}")
    return root


def _count_nodes(body: bytes) -> int:
    """At least as many as there are elements and attributes. No charset of the vendor's has these bytes inside others.

    >>> _count_nodes(b"<a b='1'><c/></a>")
    3
    """
    return body.count(b"<") - body.count(b"</") + sum(body.count(quote) for quote in _QUOTES) // 2


def _is_utf_8(reply: RawResponse) -> bool:
    """Which of the two charsets an answer is in, when its label may lie.

    What is not UTF-8 is GBK. What could be either is what its label says, unless the label is GBK's and the text
    then reads as characters of three bytes and more: Chinese, which GBK hardly ever looks like by chance.

    >>> _is_utf_8(RawReply(200, {}, "<?xml version='1.0' encoding='gb2312' ?><a>谢谢</a>".encode("gbk")))
    False
    >>> _is_utf_8(RawReply(200, {}, "<?xml version='1.0' encoding='gb2312' ?><a>谢谢</a>".encode()))
    True
    """
    if reply.body.isascii():
        return True
    try:
        text = reply.body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    declared = _LABEL.search(reply.body[:200])
    served = _SERVED_LABEL.search(reply.headers.get("content-type", ""))
    label = declared[1].decode() if declared else served[1] if served else "utf-8"
    if label.lower() not in _LABELS_OF_GBK:
        return True
    return not any("\x7f" < character < "\u0800" for character in text)


def _decode_cp1252(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeDecodeError) and error.object[error.start] == _EURO:
        return "€", error.start + 1
    raise error


codecs.register_error("sms10692.windows", _decode_cp1252)


def _from_code_page_936(body: bytes) -> str:
    """GBK, in which Windows has € at 0x80.

    >>> _from_code_page_936("5 镕囧".encode("gbk") + b"\\x80")
    '5 镕囧€'
    """
    try:
        return body.decode("gbk", "sms10692.windows")
    except UnicodeDecodeError:
        raise _MalformedResponse("neither UTF-8 nor code page 936") from None


def _parse(body: bytes) -> etree._Element:
    """Parse UTF-8 whatever the label: libxml2 would take `gb2312` for less than the vendor means by it.

    A document type is refused before it is parsed: the attributes that it declares are put into every element.
    """
    if _DOCTYPE.match(body.removeprefix(codecs.BOM_UTF8)):
        raise _MalformedResponse("a document type, which no answer has")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=True,  # between elements; white space that is all of a text stays
    )
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        declaration = _DECLARATION.match(text := body.decode("utf-8", "replace"))
        if declaration is None or text.startswith("<?xml"):
            raise
        return _parse_text(text)  # white space before a declaration, which XML does not allow and servers send


def _parse_text(text: str) -> etree._Element:
    return _parse(_DECLARATION.sub("", text, count=1).encode("utf-8"))


def _fields(parent: etree._Element) -> dict[str, str]:
    """The texts of the children, by name."""
    fields: dict[str, str] = {}
    for child in parent:
        if len(child):
            raise _MalformedResponse(f"an element stands inside {child.tag!a}")
        fields[str(child.tag)] = child.text or ""
    if len(fields) != len(parent):
        raise _MalformedResponse(f"an element stands twice in {parent.tag!a}")
    return fields


def _require(fields: Mapping[str, str], names: tuple[str, ...]) -> list[str]:
    """The texts of the elements that the manual promises, in its order."""
    try:
        return [fields[name] for name in names]
    except KeyError as missing:
        raise _MalformedResponse(f"no {missing.args[0]}") from None


def _check_status(fields: Mapping[str, str]) -> None:
    status, message = _require(fields, (_RETURNSTATUS, _MESSAGE))
    if status.strip() in _SUCCESSES:
        return
    if status.strip() == protocol.SEND.failure:
        raise _VendorRefusal(message.strip())
    raise _MalformedResponse(f"neither success nor failure: {status[:40]!a}")


def _items(root: etree._Element, operation: Operation) -> Iterable[tuple[str, ...]]:
    """The texts of each box and of its elements, in the manual's order."""
    error = root.find(protocol.ERROR_ELEMENT)
    if error is not None:
        code, remark = _require(_fields(error), protocol.ERROR_FIELDS)
        raise _VendorRefusal(remark.strip(), _parse_integer(code))
    if root.find(_RETURNSTATUS) is not None:
        _check_status(_fields(root))
    if _TOO_DEEP(root):
        raise _MalformedResponse("an element stands inside a text in a box")
    names: list[object] = []
    texts: list[str] = []
    for element in root.iterdescendants():
        names.append(element.tag)
        texts.append(element.text or "")
    in_order = [operation.item_element, *operation.elements]
    if names == in_order * len(root):
        # As the manual has it, and as servers send it: one walk over the tree is half the work of reading it by name.
        return zip(*[iter(texts)] * len(in_order), strict=True)
    for box in root:
        if box.tag != operation.item_element:
            raise _MalformedResponse(f"a {box.tag!a} where a {operation.item_element} belongs")
    return [("", *_require(_fields(box), operation.elements)) for box in root]


def _parse_integer(text: str) -> int:
    if text.isdigit() and text.isascii() and len(text) < 19:
        return int(text)
    if not _INTEGER.fullmatch(text.strip()):
        raise _MalformedResponse(f"no whole number: {text[:40]!a}")
    return int(text)


def _parse_status(text: str) -> Status:
    status = _STATUSES.get(text) or _STATUSES.get(text.strip())
    if status is None:
        raise _MalformedResponse(f"a report is neither delivered nor failed: {text[:40]!a}")
    return status


def _parse_time(text: str) -> datetime:
    """Read a receivetime in either form (A11).

    >>> _moment("2016/1/26 11:02:08").isoformat()
    '2016-01-26T11:02:08+08:00'
    """
    try:
        if len(text) == 19 and text[10] == " ":  # nearly always, and many times as fast
            return datetime.fromisoformat(f"{text}+08:00")
        if found := _DATE.fullmatch(text.strip()):
            year, month, day, hour, minute, second = map(int, found.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=CHINA)
    except ValueError:
        pass
    raise _MalformedResponse(f"no date: {text[:40]!a}")
