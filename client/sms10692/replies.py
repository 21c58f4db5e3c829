"""From the bytes of an answer to a value, or to Refused, or to Unreadable; to nothing else, whatever the bytes.

Here belong charsets, XML and the forms of dates on the way in. Elements are read by name: their order, white space
and comments between them, CDATA, and elements beside those that the manual promises change nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache, wraps
from typing import Final, TypeVar

from lxml import etree

from sms10692 import contract
from sms10692.contract import Operation
from sms10692.errors import RawReply, Refused, Unreadable
from sms10692.signing import CHINA
from sms10692.values import Checked, Overage, PayInfo, Reply, Report, Sent, Status

Value = TypeVar("Value")

_RETURNSTATUS, _MESSAGE = contract.SEND.elements[:2]

_SUCCESSES: Final = (contract.SEND.success, contract.OVERAGE.success)
_PAYINFOS: Final = {payinfo.value: payinfo for payinfo in PayInfo}
_STATUSES: Final = {str(status.value): status for status in Status}
_VERDICTS: Final = {contract.FORBIDDEN_FOUND: True, contract.NOTHING_FORBIDDEN: False}

_DECLARATION: Final = re.compile(r"\s*<\?xml\s[^>]*\?>")
_DATE: Final = re.compile(r"(\d{4})[-/](\d\d?)[-/](\d\d?) (\d\d?):(\d\d):(\d\d)", re.ASCII)
_EURO: Final = 0x80

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")


class _No(Exception):
    """The vendor's refusal: its message, and the number of an error."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class _Odd(Exception):
    """What is no answer of the manual's."""


def _reader(read: Callable[[etree._Element], Value]) -> Callable[[RawReply], Value]:
    @wraps(read)
    def read_reply(reply: RawReply) -> Value:
        try:
            return read(_root(reply))
        except _No as no:
            raise Refused(no.message, no.code, reply) from None
        except _Odd as odd:
            raise Unreadable(str(odd), reply) from None

    return read_reply


@_reader
def sent(root: etree._Element) -> Sent:
    """Read the answer to a send (1.3)."""
    fields = _fields(root)
    _accepted(fields)
    _, _, remain_point, task_id, success_counts = _promised(fields, contract.SEND.elements)
    return Sent(_integer(task_id), _integer(remain_point), _integer(success_counts))


@_reader
def overage(root: etree._Element) -> Overage:
    """Read the answer to an overage (2.3)."""
    fields = _fields(root)
    _accepted(fields)
    _, _, payinfo, left, total = _promised(fields, contract.OVERAGE.elements)
    if payinfo.strip() not in _PAYINFOS:
        raise _Odd(f"neither way to pay: {payinfo!a}")
    return Overage(_PAYINFOS[payinfo.strip()], _integer(left), _integer(total))


@_reader
def checked(root: etree._Element) -> Checked:
    """Read the answer to a checkkeyword (3.3), with or without returnstatus."""
    fields = _fields(root)
    if _RETURNSTATUS in fields:
        _accepted(fields)
    (message,) = _promised(fields, contract.CHECKKEYWORD.elements)
    if message not in _VERDICTS:
        raise _No(message)
    return Checked(_VERDICTS[message], message)


@_reader
def reports(root: etree._Element) -> list[Report]:
    """Read the answer to a fetch of reports (4.3, 4.4)."""
    return [
        Report(mobile, _integer(task_id), _status(status), _moment(receivetime), errorcode, extno)
        for _, mobile, task_id, status, receivetime, errorcode, extno in _boxes(root, contract.STATUS)
    ]


@_reader
def replies(root: etree._Element) -> list[Reply]:
    """Read the answer to a fetch of replies (5.3, 5.4)."""
    return [
        Reply(mobile, _integer(task_id), content, _moment(receivetime), extno)
        for _, mobile, task_id, content, receivetime, extno in _boxes(root, contract.CALL)
    ]


def _root(reply: RawReply) -> etree._Element:
    if reply.status != 200:
        raise _Odd("the HTTP status is not 200")
    try:
        root = _parsed(reply.body)
    except etree.XMLSyntaxError:
        # Not UTF-8, or not from its first byte on: once more, from the text.
        document = _DECLARATION.sub("", _decoded(reply.body), count=1)
        try:
            root = _parsed(document.encode("utf-8"))
        except etree.XMLSyntaxError as error:
            raise _Odd(f"no XML: {error.msg}") from None
    if root.getroottree().docinfo.doctype:
        raise _Odd("a document type, which no answer has")
    if root.tag != contract.ROOT:
        raise _Odd(f"the root is {root.tag!a}")
    return root


def _parsed(document: bytes) -> etree._Element:
    """Parse as UTF-8 whatever the label: libxml2 would take `gb2312` for less than the vendor means by it."""
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=True,  # between elements; white space that is all of a text stays
    )
    return etree.fromstring(document, parser)


def _decoded(body: bytes) -> str:
    """The text of a body. Labels lie; bytes do not: what is UTF-8 is hardly ever GBK that somebody meant.

    >>> _decoded("其他错误".encode("gbk")), _decoded("其他错误".encode())
    ('其他错误', '其他错误')
    """
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "".join(_code_page_936(body))


def _code_page_936(body: bytes) -> Iterator[str]:
    """GBK, in which Windows has € at 0x80."""
    start = 0
    while start < len(body):
        try:
            yield body[start:].decode("gbk")
        except UnicodeDecodeError as error:
            at = start + error.start
            if body[at] != _EURO:
                raise _Odd("neither UTF-8 nor code page 936") from None
            yield body[start:at].decode("gbk")
            yield "€"
            start = at + 1
        else:
            return


def _fields(parent: etree._Element) -> dict[str, str]:
    """The texts of the children, by name."""
    fields = {str(child.tag): child.text or "" for child in parent}
    if len(fields) != len(parent):
        raise _Odd(f"an element stands twice in {parent.tag!a}")
    if parent.find("*/*") is not None:
        raise _Odd(f"an element stands inside a text in {parent.tag!a}")
    return fields


def _promised(fields: Mapping[str, str], names: tuple[str, ...]) -> list[str]:
    """The texts of the elements that the manual promises, in its order."""
    try:
        return [fields[name] for name in names]
    except KeyError as missing:
        raise _Odd(f"no {missing.args[0]}") from None


def _accepted(fields: Mapping[str, str]) -> None:
    status, message = _promised(fields, (_RETURNSTATUS, _MESSAGE))
    if status in _SUCCESSES:
        return
    if status == contract.SEND.failure:
        raise _No(message)
    raise _Odd(f"neither success nor failure: {status!a}")


def _boxes(root: etree._Element, operation: Operation) -> Iterable[tuple[str, ...]]:
    """The texts of each box and of its elements, in the manual's order."""
    error = root.find(contract.ERROR_BOX)
    if error is not None:
        code, remark = _promised(_fields(error), contract.ERROR_ELEMENTS)
        raise _No(remark, _integer(code))
    if root.find(_RETURNSTATUS) is not None:
        _accepted(_fields(root))
    names: list[object] = []
    texts: list[str] = []
    for element in root.iterdescendants():
        names.append(element.tag)
        texts.append(element.text or "")
    in_order = [operation.box, *operation.elements]
    if names == in_order * (len(names) // len(in_order)):
        # As the manual has it, and as servers send it: one walk over the tree is half the work of reading it by name.
        return zip(*[iter(texts)] * len(in_order), strict=True)
    return [("", *_promised(_fields(box), operation.elements)) for box in root if _is_box(box, operation)]


def _is_box(element: etree._Element, operation: Operation) -> bool:
    if element.tag != operation.box:
        raise _Odd(f"a {element.tag!a} where a {operation.box} belongs")
    return True


@lru_cache(maxsize=4096)
def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text.strip()):
        raise _Odd(f"no whole number: {text[:40]!a}")
    return int(text)


def _status(text: str) -> Status:
    try:
        return _STATUSES[text.strip()]
    except KeyError:
        raise _Odd(f"a report is neither delivered nor failed: {text[:40]!a}") from None


@lru_cache(maxsize=4096)
def _moment(text: str) -> datetime:
    """Read a receivetime in either form (A11).

    >>> _moment("2016/1/26 11:02:08").isoformat()
    '2016-01-26T11:02:08+08:00'
    """
    found = _DATE.fullmatch(text.strip())
    try:
        if found:
            return datetime(*map(int, found.groups()), tzinfo=CHINA)  # type: ignore[misc, arg-type]  # six numbers
    except ValueError:
        pass
    raise _Odd(f"no date: {text[:40]!a}")
