"""Expectations about responses: the `expect*` functions raise `Mismatch` with the expected and the actual response."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

from sms10692_contract.expected import (
    ANY_VALUE,
    NO_WORD_FOUND,
    NUMBER_PATTERN,
    TIME_PATTERN,
    WORD_FOUND,
    ParsedResponse,
    render_document,
)
from sms10692_contract.http import HttpResponse
from sms10692_contract.masking import shorten
from sms10692_contract.requests import WireRequest
from sms10692_contract.xml_document import XmlElement, parse_xml

_TEXT_LIMIT: Final = 100_000
"""Maximum number of characters that are kept of a text: a hostile response may have any length.

A report shows fewer. It masks the text first, because a value that is cut off escapes a mask.
"""


class Mismatch(AssertionError):
    """A clause does not hold.

    `request` is the request that shows it, `preceding` are the requests before it, `expected` and `actual` describe
    the expected and the actual response. `clause` is the id of the failed clause if the check covers several. `cause`
    is the difference alone, without what surrounds it: failures with the same cause are reported together.
    """

    def __init__(self, request: WireRequest | None, expected: str, actual: str, cause: str = "") -> None:
        expected, actual = shorten(expected, _TEXT_LIMIT), shorten(actual, _TEXT_LIMIT)
        super().__init__(f"expected {expected}; got {actual}")
        self.request = request
        self.expected = expected
        self.actual = actual
        self.cause = shorten(cause, _TEXT_LIMIT)
        self.preceding: tuple[WireRequest, ...] = ()
        self.clause = ""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments: an exception would be restored from its message alone."""
        return type(self), (self.request, self.expected, self.actual, self.cause), self.__dict__


class SendRefused(Mismatch):
    """A send was refused that a clause expects to be accepted: no violation if the account cannot pay it."""


def build_mismatch(response: ParsedResponse, expected: str, actual: str = "") -> Mismatch:
    """Build the Mismatch of a response; `actual` defaults to the response itself."""
    return Mismatch(response.request, expected, actual or format_response(response.raw))


def expect(condition: bool, response: ParsedResponse, expected: str, actual: str = "") -> None:
    """Raise Mismatch unless the condition is true."""
    if not condition:
        raise build_mismatch(response, expected, actual)


def expect_message(response: ParsedResponse, message: str) -> None:
    """Expect this message (or remark) in the response."""
    actual = get_message(response)
    if actual != message:
        shown = f"{actual!r} in {format_response(response.raw)}"
        cause = response.xml_error or f"message is {actual!r} instead of {message!r}"
        raise Mismatch(response.request, f"the message {message!r}", shown, cause)


def expect_keyword(response: ParsedResponse, is_found: bool) -> None:
    """Expect that checkkeyword has found a forbidden word, or none.

    What follows the message about a word is judged by 3.3-forbidden alone: a vendor that names the word has read it.
    """
    if not (is_found and get_message(response).startswith(WORD_FOUND)):
        expect_message(response, WORD_FOUND if is_found else NO_WORD_FOUND)


def get_message(response: ParsedResponse) -> str:
    """Return the message of a response, or the remark of an error document."""
    return response.get_element("message") or response.get_element("remark")


def expect_document(response: ParsedResponse, template: str, **values: object) -> None:
    """Expect a document with the elements of this template, in their order, and with their values.

    The comparison is by meaning: white space around values, CDATA, entities, comments, attributes and the declaration
    do not matter. An element whose text is `ANY_VALUE` may have any text.
    """
    rendered = render_document(template, response.request.endpoint, **values)
    cause = response.xml_error or find_difference(parse_xml(_decode(rendered)), response.document)
    if cause:
        raise Mismatch(response.request, _decode(rendered), format_response(response.raw), cause)


def expect_bytes(response: ParsedResponse, template: str, **values: object) -> None:
    """Expect this document, byte for byte."""
    expected = render_document(template, response.request.endpoint, **values)
    expect(response.raw.body == expected, response, _decode(expected))


def find_difference(expected: XmlElement, actual: XmlElement | None) -> str:
    """Return the first difference between two documents; empty if they mean the same."""
    if actual is None or actual.name != expected.name:
        return f"the root element is {actual and actual.name} instead of {expected.name}"
    names, actual_names = ([child.name for child in element.children] for element in (expected, actual))
    if names != actual_names:
        return f"the elements of {actual.name} are {_list_names(actual_names)} instead of {_list_names(names)}"
    text, actual_text = expected.text.strip(), actual.text.strip()
    if text not in (ANY_VALUE, actual_text):
        return f"{actual.name} is {actual_text!r} instead of {text!r}"
    differences = map(find_difference, expected.children, actual.children)
    return next((difference for difference in differences if difference), "")


def _list_names(names: list[str]) -> str:
    return ", ".join(names[:8]) or "none"


def expect_sent(response: ParsedResponse, counts: int | None = None) -> int:
    """Expect an accepted send, with this successCounts if given; return its task."""
    task, actual_counts = response.get_number("taskID"), response.get_number("successCounts")
    if not (task and actual_counts):
        raise SendRefused(response.request, "an accepted send, with its taskID", format_response(response.raw))
    expect(counts is None or actual_counts == counts, response, f"successCounts {counts}")
    return task or 0


def expect_accepted(response: ParsedResponse) -> str:
    """Expect an accepted send; return its taskID as it is written."""
    task = response.get_element("taskID")
    actual = f"{response.get_element('returnstatus')!r}, message {get_message(response)!r}, taskID {task!r}"
    if response.get_element("returnstatus") != "Success" or not task:
        shown = f"{actual} in {format_response(response.raw)}"
        raise SendRefused(response.request, "an accepted send: Success and a taskID", shown)
    return task


def expect_points(response: ParsedResponse, name: str) -> Decimal:
    """Expect a number of points in an element; return it."""
    text = response.get_element(name)
    expect(bool(NUMBER_PATTERN.fullmatch(text)), response, f"a number in {name}", repr(text))
    return Decimal(text)


def expect_receivetime(response: ParsedResponse, item: Mapping[str, str]) -> None:
    """Expect a receivetime in the format of chapters 4.3 and 5.3."""
    time_text = item.get("receivetime", "")
    expect(bool(TIME_PATTERN.fullmatch(time_text)), response, "a receivetime like 2011-12-02 22:12:11", repr(time_text))


def expect_refused(response: ParsedResponse) -> None:
    """Expect a refused send, with any message."""
    expect(
        response.get_number("taskID") == 0 and response.get_number("successCounts") == 0,
        response,
        "a refusal, with taskID 0",
    )


def format_response(raw: HttpResponse) -> str:
    """Format a response for the report: status unless 200, and the beginning of the body."""
    status = "" if raw.status == 200 else f"HTTP {raw.status}, "
    return f"{status}{_decode(raw.body)}"


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("gbk", "backslashreplace")


@contextmanager
def attribute_to(name: str) -> Iterator[None]:
    """Attribute a Mismatch inside the block to this clause. For checks that cover several clauses."""
    try:
        yield
    except Mismatch as error:
        error.clause = error.clause or name
        raise
