"""Expected responses of the vendor, and a tolerant parser of actual responses.

`ParsedResponse` reads a response by its meaning. The documents below are compared by meaning too: elements, their
order and values. Their white space is as observed at real servers (A1, A3, A10); `layout` compares it byte for byte.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from sms10692_contract.http import HttpResponse
from sms10692_contract.requests import CHARSET, CHARSET_LABEL, WireRequest
from sms10692_contract.xml_document import DecodedText, XmlElement, decode_body, parse_xml

_SHORT: Final = 1000
_parse_short_xml: Final = lru_cache(maxsize=256)(parse_xml)
"""Parses texts of up to `_SHORT` characters: refusals and empty queues are the same many times in a run."""


@dataclass(frozen=True)
class ParsedResponse:
    """A response and its request."""

    request: WireRequest
    raw: HttpResponse

    @cached_property
    def _decoded(self) -> DecodedText:
        return decode_body(self.raw.body, self.raw.content_type, CHARSET[self.request.endpoint])

    @property
    def text(self) -> str:
        """The body, decoded in the charset that it declares."""
        return self._decoded.text

    @property
    def charset(self) -> str:
        """Name of the charset that the response declares; without a declaration, the codec of the endpoint."""
        return self._decoded.charset

    @cached_property
    def _parsed(self) -> tuple[XmlElement | None, str]:
        try:
            parse = _parse_short_xml if len(self.text) <= _SHORT else parse_xml
            return parse(self.text), self._decoded.error
        except ValueError as error:
            return None, self._decoded.error or f"the response is not well-formed XML: {error}"

    @property
    def document(self) -> XmlElement | None:
        """The root element; None if the body is not well-formed XML."""
        return self._parsed[0]

    @property
    def xml_error(self) -> str:
        """Why the body is not well-formed XML in the charset that it declares; empty if it is."""
        return self._parsed[1]

    def find_element(self, name: str) -> XmlElement | None:
        """Return the first element with this name; None if there is none."""
        return None if self.document is None else next(_find_elements(self.document, name), None)

    def get_element(self, name: str) -> str:
        """Return the text of the first element with this name, without white space around it, or an empty string."""
        element = self.find_element(name)
        return "" if element is None else element.text.strip()

    def get_raw_element(self, name: str) -> str:
        """Return the content of the first element with this name as it is on the wire, escapes included."""
        return next(_find_contents(self.text, name), "")

    def get_number(self, name: str) -> int | None:
        """Return the content of an element as a number; None if it is not an integer."""
        text = self.get_element(name)
        return int(text) if re.fullmatch("-?[0-9]{1,18}", text) else None

    def get_items(self, name: str) -> list[dict[str, str]]:
        """Return the texts of the child elements of each item element (statusbox or callbox), by name."""
        if self.document is None:
            return []
        return [
            {child.name: child.text.strip() for child in element.children}
            for element in _find_elements(self.document, name)
        ]


def _find_elements(element: XmlElement, name: str) -> Iterator[XmlElement]:
    """Yield the outermost elements with this name, in the order of the document."""
    if element.name == name:
        yield element
        return
    for child in element.children:
        yield from _find_elements(child, name)


def _find_contents(text: str, name: str) -> Iterator[str]:
    """Yield the content of each element with this name, in linear time for any text."""
    opening, closing, position = f"<{name}>", f"</{name}>", 0
    while (begin := text.find(opening, position)) >= 0 and (end := text.find(closing, begin)) >= 0:
        yield text[begin + len(opening) : end]
        position = end + len(closing)


# Messages of the manual, in the order of its tables 1.3, 3.3 and 4.4.
EMPTY_CREDENTIALS: Final = "用户名或密码不能为空"
SQL_INJECTION: Final = "发送内容包含sql注入字符"
WRONG_CREDENTIALS: Final = "用户名或密码错误"
EMPTY_MOBILE: Final = "短信号码不能为空"
EMPTY_CONTENT: Final = "短信内容不能为空"
FORBIDDEN_CONTENT: Final = "包含非法字符："
INSUFFICIENT_BALANCE: Final = "对不起，您当前要发送的量大于您当前余额"
OTHER_ERROR: Final = "其他错误"
QUEUES_DENIED: Final = "该用户不允许查看状态报告"
INVALID_PARAMETER: Final = "参数不正确"
WORD_FOUND: Final = "包含非法字符"
NO_WORD_FOUND: Final = "没有包含屏蔽词"

TIME_PATTERN: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
"""Format of a receivetime (4.3, 5.3)."""

EXTNO_PATTERN: Final = re.compile(r"\d{0,10}", re.ASCII)
"""A valid extno, or none (1.2)."""

ACCEPTED_STATUSES: Final = ("Success", "Sucess")
"""Values of returnstatus in a response that is no refusal: overage writes the second (2.3)."""

NUMBER_PATTERN: Final = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
"""A balance or a number of points. The manual does not say that they are whole."""

ANY_VALUE: Final = "*"
"""In a template: the manual does not say what the value is."""

SEND_ACCEPTED: Final = (
    '<?xml version="1.0" encoding="{label}" ?><returnsms>\n'
    " <returnstatus>Success</returnstatus>\n"
    " <message>ok</message>\n"
    " <remainpoint>{remainpoint}</remainpoint>\n"
    " <taskID>{task_id}</taskID>\n"
    " <successCounts>{counts}</successCounts></returnsms>"
)
SEND_REFUSED: Final = (
    '<?xml version="1.0" encoding="{label}" ?><returnsms>\n'
    " <returnstatus>Faild</returnstatus>\n"
    " <message>{message}</message>\n"
    " <remainpoint>*</remainpoint>\n"
    " <taskID>*</taskID>\n"
    " <successCounts>*</successCounts></returnsms>"
)
OVERAGE: Final = (
    '<?xml version="1.0" encoding="{label}" ?><returnsms>\n'
    " <returnstatus>Sucess</returnstatus>\n"
    " <message></message>\n"
    " <payinfo>{payinfo}</payinfo>\n"
    " <overage>{overage}</overage>\n"
    " <sendTotal>{send_total}</sendTotal></returnsms>"
)
OVERAGE_REFUSED: Final = (
    '<?xml version="1.0" encoding="{label}" ?><returnsms>\n'
    " <returnstatus>Faild</returnstatus>\n"
    " <message>{message}</message>\n"
    " <payinfo>*</payinfo>\n"
    " <overage>*</overage>\n"
    " <sendTotal>*</sendTotal></returnsms>"
)
CHECKKEYWORD: Final = '<?xml version="1.0" encoding="{label}" ?><returnsms>\n <message>{message}</message></returnsms>'
EMPTY_QUEUE: Final = '<?xml version="1.0" encoding="utf-8" ?><returnsms></returnsms>'
ITEM_LIST: Final = '<?xml version="1.0" encoding="utf-8" ?><returnsms>{items}\n </returnsms>'
STATUSBOX: Final = (
    "\n <statusbox>\n"
    " <mobile>{mobile}</mobile>\n"
    " <taskid>{taskid}</taskid>\n"
    " <status>{status}</status>\n"
    " <receivetime>{receivetime}</receivetime>\n"
    " <errorcode>{errorcode}</errorcode>\n"
    " <extno>{extno}</extno>\n"
    " </statusbox>"
)
CALLBOX: Final = (
    "\n <callbox>\n"
    " <mobile>{mobile}</mobile>\n"
    " <taskid>{taskid}</taskid>\n"
    " <content>{content}</content>\n"
    " <receivetime>{receivetime}</receivetime>\n"
    " <extno>{extno}</extno>\n"
    " </callbox>"
)
ERRORSTATUS: Final = (
    '<?xml version="1.0" encoding="utf-8" ?><returnsms>\n'
    " <errorstatus>\n"
    " <error>{error}</error>\n"
    " <remark>{remark}</remark>\n"
    " </errorstatus>\n"
    " </returnsms>"
)


_INVALID_IN_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape_text(text: str) -> str:
    """Escape a text for an element (R17): markup and carriage returns as entities, without characters invalid in XML.

    >>> escape_text("<a & b>\\r\\x00")
    '&lt;a &amp; b&gt;&#13;'
    """
    text = _INVALID_IN_XML.sub("", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#13;")


def render_items(template: str, items: Sequence[Mapping[str, object]]) -> str:
    """Fill in the template of an item for each of them, with their texts escaped."""
    return "".join(template.format(**{name: escape_text(str(value)) for name, value in item.items()}) for item in items)


def render_document(template: str, endpoint: str, **values: object) -> bytes:
    """Fill in a template and encode it; characters that the charset lacks become decimal references (R17)."""
    return template.format(label=CHARSET_LABEL[endpoint], **values).encode(CHARSET[endpoint], "xmlcharrefreplace")
