"""Expected responses of the vendor, and a tolerant parser of actual responses.

The documents and messages are spelled out exactly; their white space is as observed at real servers (A1, A3, A4, A10).
`ParsedResponse` tolerates everything except wrong element names, so that one fault fails only one clause.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sms10692_contract.http import HttpResponse
from sms10692_contract.requests import CHARSET, CHARSET_LABEL, WireRequest


@dataclass(frozen=True)
class ParsedResponse:
    """A response and its request."""

    request: WireRequest
    raw: HttpResponse

    @property
    def text(self) -> str:
        """The body, decoded in the charset of the endpoint."""
        return self.raw.body.decode(CHARSET[self.request.endpoint], "replace")

    def get_element(self, name: str) -> str:
        """Return the content of the first element with this name, or an empty string."""
        return next(_find_contents(self.text, name), "").strip()

    def get_number(self, name: str) -> int | None:
        """Return the content of an element as a number; None if it is not an integer."""
        text = self.get_element(name)
        return int(text) if re.fullmatch("-?[0-9]{1,18}", text) else None

    def get_items(self, name: str) -> list[dict[str, str]]:
        """Return the child elements of each item element (statusbox or callbox), by name."""
        return [
            {name: value.strip() for name, value in _find_elements(content)}
            for content in _find_contents(self.text, name)
        ]


def _find_contents(text: str, name: str) -> Iterator[str]:
    """Yield the content of each element with this name, in linear time for any text."""
    opening, closing, position = f"<{name}>", f"</{name}>", 0
    while (begin := text.find(opening, position)) >= 0 and (end := text.find(closing, begin)) >= 0:
        yield text[begin + len(opening) : end]
        position = end + len(closing)


_TAG: Final = re.compile(r"<(/?)(\w+)>")


def _find_elements(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and content of each outermost element, in linear time for any text."""
    last_closing = {tag[2]: tag.start() for tag in _TAG.finditer(text) if tag[1]}
    position = 0
    for tag in _TAG.finditer(text):
        if not tag[1] and position <= tag.start() and tag.end() <= last_closing.get(tag[2], -1):
            end = text.index(f"</{tag[2]}>", tag.end())
            yield tag[2], text[tag.end() : end]
            position = end + len(tag[0]) + 1


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
    " <remainpoint>0</remainpoint>\n"
    " <taskID>0</taskID>\n"
    " <successCounts>0</successCounts></returnsms>"
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
    " <payinfo></payinfo>\n"
    " <overage>0</overage>\n"
    " <sendTotal>0</sendTotal></returnsms>"
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


def render_document(template: str, endpoint: str, **values: object) -> bytes:
    """Fill in a template and encode it; characters that the charset lacks become decimal references (R17)."""
    return template.format(label=CHARSET_LABEL[endpoint], **values).encode(CHARSET[endpoint], "xmlcharrefreplace")
