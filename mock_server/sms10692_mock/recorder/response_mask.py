"""Masking of a vendor's response: numbers, texts and names in XML, JSON or any other text.

Kept are the values of the vendor's own elements if they look as expected: results, balances, task numbers, times, error
codes. A message is kept too, apart from known values in it and from the forbidden word behind its colon. **Everything
else is masked**, whatever the shape of the document.
"""

import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from html import unescape
from typing import Final

from sms10692 import protocol
from sms10692_mock.recorder.masks import MIN_SECRET, Masks
from sms10692_mock.recorder.wire_text import read_bytes

_MESSAGES: Final = frozenset(("message", protocol.ERROR_FIELDS[1]))
_NUMBER: Final = re.compile("-?[0-9]{1,20}")
_TIME: Final = re.compile(
    r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,3})?)?)?|20[0-9]{12}"
)
_TASK: Final = re.compile("(?!1[3-9][0-9]{9}$)[0-9]{1,20}")
_KEPT_VALUES: Final[Mapping[str, re.Pattern[str]]] = {
    protocol.SEND.elements[0].lower(): re.compile("Success|Sucess|Faild|Failed|Fail|Error|OK", re.IGNORECASE),
    protocol.SEND.elements[2].lower(): _NUMBER,
    protocol.SEND.elements[3].lower(): _TASK,
    protocol.SEND.elements[4].lower(): re.compile("[0-9]{1,7}"),
    protocol.OVERAGE.elements[2].lower(): re.compile(f"{protocol.PREPAID}|{protocol.POSTPAID}"),
    protocol.OVERAGE.elements[3].lower(): _NUMBER,
    protocol.OVERAGE.elements[4].lower(): _NUMBER,
    protocol.STATUS.elements[2].lower(): re.compile(f"-?[0-9]{{1,3}}|{protocol.DELIVERED_WORD}|{protocol.FAILED_WORD}"),
    protocol.STATUS.elements[3].lower(): _TIME,
    protocol.STATUS.elements[4].lower(): re.compile("(?:[A-Z]{1,8}|[A-Z]{2}:?[0-9]{1,4}|-?[0-9]{1,5})?"),
    protocol.STATUS.elements[5].lower(): re.compile("[0-9]{0,10}"),
    protocol.ERROR_FIELDS[0]: re.compile("[0-9]{1,4}"),
    "mid": _TASK,
    "createtime": _TIME,
    "updatetime": _TIME,
}
"""Values that are kept if they look as expected, by name of the element or key in lower case."""

_KNOWN_MESSAGES: Final = frozenset(
    (*(message for operation in protocol.OPERATIONS for message in operation.all_messages),)
) | {protocol.REPLIES_NOT_ALLOWED, protocol.NO_RECORDS}
_USERID: Final = protocol.SIGNED.parameters[0]

_XML_PIECE: Final = re.compile(
    r"(?P<declaration><\?xml(?: [a-z]{1,12}=[\"'][A-Za-z0-9.-]{1,12}[\"']){1,3} ?\?>)|(?P<comment><!--.*?(?:-->|\Z))"
    r"|(?P<cdata><!\[CDATA\[.*?(?:\]\]>|\Z))|(?P<tag></?[A-Za-z_][^<>]*(?:>|\Z))|(?P<text>[^<]+|<)",
    re.DOTALL,
)
_TAG: Final = re.compile(r"<(?P<slash>/?)(?P<name>[^\s/>]+)(?P<rest>[^>]*)>?")
_ATTRIBUTE: Final = re.compile(r"""([A-Za-z_:.-]{1,30}\s*=\s*)("[^"]*"|'[^']*')""")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z_:.-]{0,30}[0-9]{0,2}")
_CDATA_START, _CDATA_END = "<![CDATA[", "]]>"
_REFERENCE: Final = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|[A-Za-z]{2,8});")
_JSON_PIECE: Final = re.compile(
    r"""(?P<key>"(?P<name>[^"\\]*)"(?P<colon>\s*:\s*))|(?P<string>"(?:[^"\\]|\\.)*"?)|(?P<bare>[^\s,:{}\[\]"]+)"""
    r"|(?P<mark>[\s,:{}\[\]]+)",
    re.DOTALL,
)
_JSON_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_JSON_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|.)", re.DOTALL)
_UTF_16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_JSON_WORDS: Final = ("true", "false", "null")
_NAMELESS: Final = "?"
"""In place of the name of an element or key, for a text that has none."""

_WORDS: Final = re.compile(rf"{protocol.FORBIDDEN_BEGINNING}[^：:]*[：:]\s*(.+)", re.DOTALL)
_SEPARATORS: Final = re.compile(r"[\s,，、;；|/]+")


def find_messages(body: bytes, charset: str) -> list[str]:
    """Return the messages of a response."""
    text, _, _ = _read_document(body, charset)
    return [unescape(value) for name, value in _iterate_values(text) if name in _MESSAGES]


def find_values(body: bytes, charset: str) -> list[tuple[str, str]]:
    """Return names in lower case and values of the elements or keys of a response, in their order."""
    text, _, _ = _read_document(body, charset)
    return [(name, unescape(value)) for name, value in _iterate_values(text)]


def find_forbidden_words(messages: list[str]) -> list[str]:
    """Return the words that messages name: `包含屏蔽词：word`.

    >>> find_forbidden_words(["包含屏蔽词：发票,赌博", "包含非法字符：", "ok"])
    ['发票', '赌博']
    """
    found = (match[1] for message in messages if (match := _WORDS.fullmatch(message)))
    return [word for words in found for word in _SEPARATORS.split(words) if word]


def mask_response_body(body: bytes, charset: str, masks: Masks, request_values: Mapping[str, str]) -> bytes:
    """Return the body to store. `request_values` are values of the request with their masks, which it may repeat."""
    text, codec, errors = _read_document(body, charset)
    secrets = [pair for pair in request_values.items() if len(pair[0]) >= MIN_SECRET]
    masked = _mask_document(text, lambda name: _choose_mask(name, masks, secrets))
    return masked.encode(codec, errors)


def is_binary(body: bytes) -> bool:
    """Return whether a body has control characters that no text has. **Such a body cannot be masked.**

    >>> is_binary(b"\\x1f\\x8b"), is_binary(b"a\\r\\n"), is_binary("a".encode("utf-16"))
    (True, False, False)
    """
    return not body.startswith(_UTF_16_MARKS) and _CONTROL.search(body) is not None


def _read_document(body: bytes, charset: str) -> tuple[str, str, str]:
    """Decode a body; return its text, codec, and how the codec treats what is no text."""
    if not body.startswith(_UTF_16_MARKS):
        return *read_bytes(body, charset), "surrogateescape"
    codec = "utf-16-le" if body.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
    return body[: len(body) // 2 * 2].decode(codec, "surrogatepass"), codec, "surrogatepass"


def _choose_mask(name: str, masks: Masks, secrets: list[tuple[str, str]]) -> Callable[[str], str]:
    """Return the function that masks the text of an element, of a key, or of what has no name."""
    if name in _MESSAGES:
        return lambda value: value if value.strip() in _KNOWN_MESSAGES else masks.scrub(value, secrets)
    if name == _USERID:
        return masks.mask_whole
    pattern = _KEPT_VALUES.get(name)

    def mask(value: str) -> str:
        is_expected = pattern is not None and pattern.fullmatch(value.strip())
        is_known = name == _NAMELESS and value.strip() in _KNOWN_MESSAGES
        return value if is_expected or is_known else masks.mask_text(value)

    return mask


def _mask_document(text: str, choose: Callable[[str], Callable[[str], str]]) -> str:
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return _mask_json(text, choose)
    return _mask_xml(text, choose)


def _mask_xml(text: str, choose: Callable[[str], Callable[[str], str]]) -> str:
    """Mask XML, HTML, or a text without elements."""
    pieces, name = [], _NAMELESS
    for piece in _XML_PIECE.finditer(text):
        value = piece[0]
        match piece.lastgroup:
            case "tag":
                value, name = _mask_tag(value, choose(_NAMELESS))
            case "text":
                value = _mask_escaped(value, _REFERENCE, _read_reference, choose(name))
            case "cdata":
                end = _CDATA_END if value.endswith(_CDATA_END) else ""
                inner = value[len(_CDATA_START) : len(value) - len(end)]
                value = f"{_CDATA_START}{choose(name)(inner)}{end}"
            case "comment":
                value = choose(_NAMELESS)(value)
        pieces.append(value)
    return "".join(pieces)


def _mask_tag(tag: str, mask: Callable[[str], str]) -> tuple[str, str]:
    """Mask a tag but for its name and the names of its attributes. Returns the name of the element that it opens."""
    found = _TAG.fullmatch(tag)
    if found is None or not _NAME.fullmatch(found["name"]):
        return mask(tag), _NAMELESS
    pieces, position, rest = [f"<{found['slash']}{found['name']}"], 0, found["rest"]
    for attribute in _ATTRIBUTE.finditer(rest):
        quote = attribute[2][0]
        pieces += [mask(rest[position : attribute.start()]), f"{attribute[1]}{quote}{mask(attribute[2][1:-1])}{quote}"]
        position = attribute.end()
    pieces += [mask(rest[position:]), ">" if tag.endswith(">") else ""]
    is_open = not found["slash"] and not rest.endswith("/")
    return "".join(pieces), found["name"].lower() if is_open else _NAMELESS


def _mask_json(text: str, choose: Callable[[str], Callable[[str], str]]) -> str:
    pieces, name = [], _NAMELESS
    for piece in _JSON_PIECE.finditer(text):
        value, next_name = piece[0], _NAMELESS
        match piece.lastgroup:
            case "key":
                next_name = piece["name"].lower()
                kept = piece["name"] if _NAME.fullmatch(piece["name"]) else choose(_NAMELESS)(piece["name"])
                value = f'"{kept}"{piece["colon"]}'
            case "string":
                end = '"' if value.endswith('"') and len(value) > 1 else ""
                inner = value[1 : len(value) - len(end)]
                value = f'"{_mask_escaped(inner, _JSON_ESCAPE, _read_json_escape, choose(name))}{end}'
            case "bare" if value not in _JSON_WORDS:
                value = choose(name if _JSON_NUMBER.fullmatch(value) else _NAMELESS)(value)
        pieces.append(value)
        name = next_name
    return "".join(pieces)


def _mask_escaped(
    text: str, pattern: re.Pattern[str], read: Callable[[re.Match[str]], str], mask: Callable[[str], str]
) -> str:
    """Mask a text in which some characters are escaped; these stay escaped in the same way."""
    escapes: dict[int, re.Match[str]] = {}
    characters: list[str] = []
    position = 0
    for found in pattern.finditer(text):
        characters += text[position : found.start()]
        escapes[len(characters)] = found
        characters.append(read(found))
        position = found.end()
    characters += text[position:]
    masked = mask("".join(characters))
    if len(masked) != len(characters):
        raise ValueError("a mask has another length than its value")
    return "".join(_write_escape(escapes.get(at), characters[at], one) for at, one in enumerate(masked))


def _write_escape(found: re.Match[str] | None, original: str, masked: str) -> str:
    if found is None:
        return masked
    if masked == original:
        return found[0]
    for group, style in ((1, "&#{};"), (2, "&#x{:x};")):
        if found.re is _REFERENCE and found[group]:
            return style.format(ord(masked))
    return f"\\u{ord(masked):04x}" if found.re is _JSON_ESCAPE and found[1] else masked


def _read_reference(found: re.Match[str]) -> str:
    read = unescape(found[0])
    return read if len(read) == 1 else " "


def _read_json_escape(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else " "


def _iterate_values(text: str) -> Iterator[tuple[str, str]]:
    collected: list[tuple[str, str]] = []

    def choose(name: str) -> Callable[[str], str]:
        def collect(value: str) -> str:
            collected.append((name, value))
            return value

        return collect

    _mask_document(text, choose)
    return iter(collected)
