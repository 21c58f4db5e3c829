"""Masking of a vendor's response: numbers, texts and names in XML, JSON or any other text.

The values of the vendor's own elements are kept: results, balances, task numbers, times, error codes. A message is kept
too, apart from known values in it and from the forbidden word behind its colon. **Everything else is masked.**
"""

import re
from collections.abc import Callable, Iterator, Mapping
from html import unescape
from typing import Final

from sms10692 import protocol
from sms10692_mock.recorder.masks import MIN_SECRET, Masks
from sms10692_mock.recorder.wire_text import read_bytes

_MESSAGES: Final = frozenset(("message", protocol.ERROR_FIELDS[1]))
_KEPT: Final = frozenset(
    (
        *(protocol.SEND.elements[0], *protocol.SEND.elements[2:]),
        *protocol.OVERAGE.elements[2:],
        *protocol.STATUS.elements[1:],
        protocol.ERROR_FIELDS[0],
        "mid",
        "createtime",
        "updatetime",
    )
)
"""Elements and keys whose values are the vendor's own."""

_KEPT_LOWER: Final = frozenset(name.lower() for name in _KEPT)
_KNOWN_MESSAGES: Final = frozenset(
    (*(message for operation in protocol.OPERATIONS for message in operation.all_messages),)
) | {protocol.REPLIES_NOT_ALLOWED, protocol.NO_RECORDS}
_USERID: Final = protocol.SIGNED.parameters[0]
_LONGEST_KEPT: Final = 40

_XML_PIECE: Final = re.compile(
    r"(?P<declaration><\?.*?\?>)|(?P<comment><!--.*?-->)|(?P<cdata><!\[CDATA\[.*?\]\]>)|(?P<tag><[^>]*>|</?[A-Za-z]*\Z)|(?P<text>[^<]+|<)",
    re.DOTALL,
)
_TAG_NAME: Final = re.compile(r"<(/?)\s*([^\s/>]+)")
_ATTRIBUTE: Final = re.compile(r"""(=\s*)(?:"([^"]*)"|'([^']*)')""")
_CDATA_START, _CDATA_END = "<![CDATA[", "]]>"
_REFERENCE: Final = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|[A-Za-z]{2,8});")
_JSON_PAIR: Final = re.compile(
    r"""(?P<key>"(?P<name>[^"\\]*)"\s*:\s*)(?P<value>"(?:[^"\\]|\\.)*"?|[^\s,}\]\[{"]+)""", re.DOTALL
)
_JSON_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|.)")
_WORDS: Final = re.compile(rf"{protocol.FORBIDDEN_BEGINNING}[^：:]*[：:]\s*(.+)", re.DOTALL)
_SEPARATORS: Final = re.compile(r"[\s,，、;；|/]+")


def find_messages(body: bytes, charset: str) -> list[str]:
    """Return the messages of a response."""
    text, _ = read_bytes(body, charset)
    return [unescape(value) for name, value in _iterate_values(text) if name in _MESSAGES]


def find_values(body: bytes, charset: str) -> list[tuple[str, str]]:
    """Return names in lower case and values of the elements or keys of a response, in their order."""
    text, _ = read_bytes(body, charset)
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
    text, codec = read_bytes(body, charset)
    secrets = [pair for pair in request_values.items() if len(pair[0]) >= MIN_SECRET]
    masked = _mask_document(text, lambda name: _choose_mask(name, masks, secrets))
    return masked.encode(codec, "surrogateescape")


def _choose_mask(name: str, masks: Masks, secrets: list[tuple[str, str]]) -> Callable[[str], str]:
    """Return the function that masks the text of an element, or of a text without one."""
    if name in _KEPT_LOWER:
        return lambda value: value if len(value) <= _LONGEST_KEPT else masks.scrub(value, secrets)
    if name in _MESSAGES or not name:
        return lambda value: value if value.strip() in _KNOWN_MESSAGES else masks.scrub(value, secrets)
    return masks.mask_whole if name == _USERID else masks.mask_text


def _mask_document(text: str, choose: Callable[[str], Callable[[str], str]]) -> str:
    stripped = text.lstrip("\ufeff \t\r\n")
    if stripped.startswith("<") and f"<{protocol.ROOT}".lower() in text.lower():
        return _mask_xml(text, choose)
    if stripped.startswith(("{", "[")):
        return _mask_json(text, choose)
    return choose("")(text)


def _mask_xml(text: str, choose: Callable[[str], Callable[[str], str]]) -> str:
    pieces, name = [], protocol.ROOT
    for piece in _XML_PIECE.finditer(text):
        value = piece[0]
        match piece.lastgroup:
            case "tag":
                found = _TAG_NAME.match(value)
                name = "" if found is None else protocol.ROOT if found[1] else found[2].lower()
                value = _ATTRIBUTE.sub(lambda attribute: _mask_attribute(attribute, choose("?")), value)
            case "text":
                value = _mask_escaped(value, _REFERENCE, _read_reference, choose(name))
            case "cdata":
                inner = value[len(_CDATA_START) : -len(_CDATA_END)]
                value = f"{_CDATA_START}{choose(name)(inner)}{_CDATA_END}"
            case "comment":
                value = choose("?")(value)
        pieces.append(value)
    return "".join(pieces)


def _mask_attribute(found: re.Match[str], mask: Callable[[str], str]) -> str:
    quote = '"' if found[2] is not None else "'"
    return f"{found[1]}{quote}{mask(found[2] if found[2] is not None else found[3])}{quote}"


def _mask_json(text: str, choose: Callable[[str], Callable[[str], str]]) -> str:
    def mask_pair(found: re.Match[str]) -> str:
        mask, value = choose(found["name"].lower()), found["value"]
        if value.startswith('"'):
            end = '"' if value.endswith('"') and len(value) > 1 else ""
            inner = value[1 : len(value) - len(end)]
            value = f'"{_mask_escaped(inner, _JSON_ESCAPE, _read_json_escape, mask)}{end}'
        elif value not in ("true", "false", "null"):
            value = mask(value)
        return found["key"] + value

    return _JSON_PAIR.sub(mask_pair, text)


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
