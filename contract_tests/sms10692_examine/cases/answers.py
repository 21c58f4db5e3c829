"""Answers of a vendor, written as the manual prints them, for cases about what a client understands."""

from collections.abc import Mapping, Sequence
from typing import Final

from sms10692_examine.exchange import HttpResponse
from sms10692_examine.session import Session
from sms10692_examine.vendor_proxy import Alteration

SENT: Final = {
    "returnstatus": "Success",
    "message": "ok",
    "remainpoint": "998",
    "taskID": "1234567",
    "successCounts": "1",
}
REPORT: Final = {
    "mobile": "13800000001",
    "taskid": "1234567",
    "status": "10",
    "receivetime": "2026-11-30 15:04:05",
    "errorcode": "DELIVRD",
    "extno": "01",
}
REPLY: Final = {
    "mobile": "13800000001",
    "taskid": "1234567",
    "content": "退订",
    "receivetime": "2026-11-30 15:04:05",
    "extno": "01",
}
_QUEUES: Final = ("status", "call")
"""Operations whose pages exist in UTF-8 only."""


def element(name: str, text: str) -> str:
    """Return an element with escaped text."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<{name}>{escaped}</{name}>"


def document(content: str, charset: str = "utf-8") -> str:
    """Return a document of the vendor: its declaration and root, in the layout of the manual."""
    return f'<?xml version="1.0" encoding="{charset}" ?><returnsms>{content}</returnsms>'


def fields(values: Mapping[str, str]) -> str:
    """Return elements, each on a line of its own."""
    return "".join(f"\n {element(name, text)}" for name, text in values.items())


def sent(**changes: str) -> str:
    """Return the content of an answer to a send."""
    return fields(SENT | changes)


def error(number: int, remark: str) -> str:
    """Return the content of a refusal of a queue."""
    return f"\n <errorstatus>\n <error>{number}</error>\n <remark>{remark}</remark>\n </errorstatus>\n "


def boxes(operation: str, items: Sequence[Mapping[str, str]]) -> str:
    """Return the content of an answer with items."""
    name = f"{operation}box"
    return "".join(f"\n <{name}>{fields(item)}\n </{name}>" for item in items) + "\n "


def answer(body: bytes, charset: str = "utf-8") -> HttpResponse:
    """Return a response as the vendor sends it."""
    return HttpResponse(200, (("Content-Type", f"text/xml; charset={charset}"),), body)


def respond(
    session: Session, content: str, operation: str = "send", *, is_once: bool = True, body_seconds: float = 0.0
) -> None:
    """Answer the next request of an operation with a document, in the charset of its page; the vendor is not asked."""
    charset = "utf-8" if operation in _QUEUES else session.settings.charset
    encoded = document(content, charset).encode("gbk" if charset == "gb2312" else "utf-8")
    respond_with(session, answer(encoded, charset), operation, is_once=is_once, body_seconds=body_seconds)


def respond_with(
    session: Session,
    response: HttpResponse,
    operation: str = "send",
    *,
    is_once: bool = True,
    body_seconds: float = 0.0,
) -> None:
    """Answer the next request of an operation with a response; the vendor is not asked."""
    alteration = Alteration(
        "answer of the case",
        is_executed=False,
        change=lambda _: response,
        is_once=is_once,
        body_seconds=body_seconds,
    )
    session.alter(alteration, operation)
