"""XML parser for response bodies: charset detection, limits against hostile documents, and the root element.

The number of elements is limited before parsing, because each takes about 200 bytes of memory however short it is on
the wire.
"""

import codecs
import re
from typing import Final

from lxml import etree

from sms10692 import protocol
from sms10692.errors import RawResponse

_DECLARATION: Final = re.compile(r"\s{0,1000}<\?xml\s[^>]{0,200}\?>")
_XML_ENCODING: Final = re.compile(rb"""<\?xml\s[^>]{0,100}?encoding\s*=\s*["']([\w-]{1,20})["']""")
_HEADER_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([\w-]{1,20})", re.IGNORECASE)
_GBK_LABELS: Final = frozenset({"gb2312", "gbk", "gb18030", "cp936", "x-gbk", "hz-gb-2312"})
_EURO_BYTE: Final = 0x80
_QUOTES: Final = (b'"', b"'")
_DOCTYPE: Final = re.compile(rb"(?:\s++|<!--(?>.*?-->)|<\?(?>.*?\?>))*+<!DOCTYPE", re.DOTALL)


class MalformedResponse(Exception):
    """Internal signal for a response that does not follow the manual. Becomes `errors.InvalidResponse`."""


def parse_root(response: RawResponse, max_elements: int) -> etree._Element:
    """Parse the body and return the root element. Raises MalformedResponse, and LxmlError for other XML errors."""
    if response.status != 200:
        raise MalformedResponse("the HTTP status is not 200")
    if _count_nodes(response.body) > max_elements:
        raise MalformedResponse(f"more than {max_elements} elements")
    try:
        root = _parse_utf_8(response.body) if _is_utf_8(response) else _parse_text(_decode_cp936(response.body))
    except etree.XMLSyntaxError as error:
        raise MalformedResponse(f"not valid XML: {error.msg}") from None
    if root.tag != protocol.ROOT:
        raise MalformedResponse(f"the root element is {root.tag!a}, not {protocol.ROOT}")
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
        raise MalformedResponse("neither UTF-8 nor code page 936") from None


def _parse_utf_8(body: bytes) -> etree._Element:
    """Parse a UTF-8 document and ignore the declared encoding: libxml2's gb2312 has fewer characters than the vendor's.

    **A document type is refused before parsing.** The attributes it declares would be added to every element and could
    exhaust memory.
    """
    if _DOCTYPE.match(body.removeprefix(codecs.BOM_UTF8)):
        raise MalformedResponse("a document type declaration is not allowed")
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
