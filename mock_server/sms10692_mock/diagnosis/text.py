"""Is the text that came the text that was meant?

Here belong the charset of the bytes, and the separators between numbers. What can be told from the characters alone
is in `repairs`.
"""

import re
from collections.abc import Iterator
from typing import Final

from sms10692 import protocol
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import parse_fields
from sms10692_mock.diagnosis.context import DiagnosisContext, Finding, make_finding
from sms10692_mock.diagnosis.mojibake import LOST_CHARACTER, REPAIRS, decode_or_none, is_chinese, is_more_plausible

_MOBILE, _CONTENT = protocol.SEND.parameters[3:5]

_KEPT: Final = {byte: 0xF700 + byte for byte in range(0x80, 0x100)}
"""A byte beyond ASCII is kept as a character of the private use area, so that no `%u` escape is taken for one."""
_BYTE_OF: Final = {character: byte for byte, character in _KEPT.items()}
_OF_BYTES_ALONE: Final = re.compile("[\0-\x7f\uf780-\uf7ff]*")


def text_findings(asked: DiagnosisContext) -> tuple[Finding, ...]:
    """What is wrong with the text and with the list of numbers; nothing for what was sent rightly."""
    content, mobile = asked.call.content, asked.call.mobile
    plain = content.isascii() and mobile.isascii() and "\0" not in content
    sent = {} if plain else _sent(asked)
    found = [] if not content else _of_content(content, sent.get(_CONTENT), asked.call.page.charset)
    if mobile:
        readable = _read(sent[_MOBILE], asked.call.page.charset)[1] if sent.get(_MOBILE) else mobile
        found += _of_mobile(readable)
    return tuple(make_finding(code, meant=asked.redact(meant)) for code, meant in found)


def _keep(raw: bytes) -> str:
    return raw.decode("latin-1").translate(_KEPT)


def _sent(asked: DiagnosisContext) -> dict[str, bytes]:
    """The bytes of the two fields, before anybody decoded them; not of one that has `%u` escapes beyond ASCII."""
    query, body = asked.query, asked.body
    if asked.call.mobile.isascii() and not asked.content_type.strip().lower().startswith("multipart/"):
        query, body = _without_numbers(query), _without_numbers(body)
    fields = parse_fields(query, asked.content_type, body, _keep)
    return {
        name: value.translate(_BYTE_OF).encode("latin-1")
        for name, value in fields.items()
        if name in (_MOBILE, _CONTENT) and _OF_BYTES_ALONE.fullmatch(value)
    }


def _without_numbers(pairs: bytes) -> bytes:
    """The list of numbers takes nearly all the time of reading a form, and it was read before."""
    name = f"{_MOBILE}=".encode()
    return b"&".join(pair for pair in pairs.split(b"&") if pair[: len(name)].lower() != name)


def _of_content(content: str, raw: bytes | None, charset: str) -> list[tuple[str, str]]:
    code, text = _read(raw, charset) if raw else ("", content)
    found = [(code, text)] if code else []
    for code, repair in REPAIRS:
        if (repaired := repair(text)) is not None:
            text = repaired
            found.append((code, text))
    return found


def _read(raw: bytes, charset: str) -> tuple[str, str]:
    """The code of what is wrong with some bytes, or nothing, and the text that they mean. UTF-8 is tried first."""
    if (wide := _from_utf_16(raw)) is not None:
        return "text.utf-16", wide
    on_utf_8 = charset == "utf-8"
    utf_8, gbk = decode_or_none(raw, "utf-8"), DECODERS["gb2312"](raw)
    gbk_is_whole = "\ufffd" not in gbk
    if utf_8 is not None:
        if on_utf_8 or utf_8.isascii() or (gbk_is_whole and not is_more_plausible(utf_8, gbk)):
            return "", utf_8 if on_utf_8 else gbk
        return "text.utf-8-on-the-gbk-page", utf_8
    if gbk_is_whole and not on_utf_8:
        return "", gbk
    for reading in (_cut, _latin_1, _gbk, _gb18030):
        if (read := reading(raw, charset)) is not None:
            return read
    return "text.undecodable", DECODERS[charset](raw).replace("\ufffd", LOST_CHARACTER)


def _from_utf_16(raw: bytes) -> str | None:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return decode_or_none(raw, "utf-16")
    zeros = raw.count(0)
    if zeros < 2 or len(raw) % 2:
        return None
    for charset, half in (("utf-16-le", raw[1::2]), ("utf-16-be", raw[::2])):
        if half.count(0) == zeros and (text := decode_or_none(raw, charset)) and text.isprintable():
            return text
    return None


def _cut(raw: bytes, charset: str) -> tuple[str, str] | None:
    on_utf_8 = charset == "utf-8"
    whole = _before_the_cut(raw, "utf-8")
    if whole is not None and any(map(is_chinese, whole)) and (on_utf_8 or is_more_plausible(whole, "")):
        return "text.cut" if on_utf_8 else "text.utf-8-on-the-gbk-page", whole + LOST_CHARACTER
    whole = None if on_utf_8 else _before_the_cut(raw, "gbk")
    return None if whole is None else ("text.cut", whole + LOST_CHARACTER)


def _before_the_cut(raw: bytes, charset: str) -> str | None:
    """The text before the last character, where that one lacks its end and nothing else is wrong."""
    try:
        raw.decode(charset)
    except UnicodeDecodeError as error:
        if error.reason in ("unexpected end of data", "incomplete multibyte sequence"):
            return raw[: error.start].decode(charset)
    return None


_LONELY: Final = re.compile(rb"(?:[\0-\x7f]|(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff]))*")


def _latin_1(raw: bytes, charset: str) -> tuple[str, str] | None:
    """Bytes beyond ASCII that stand alone, as accents do."""
    return ("text.latin-1", raw.decode("cp1252", "replace")) if _LONELY.fullmatch(raw) else None


def _gbk(raw: bytes, charset: str) -> tuple[str, str] | None:
    text = DECODERS["gb2312"](raw)
    return ("text.gbk-on-the-utf-8-page", text) if "\ufffd" not in text else None


def _gb18030(raw: bytes, charset: str) -> tuple[str, str] | None:
    text = decode_or_none(raw, "gb18030")
    if text is None:
        return None
    return "text.gbk-on-the-utf-8-page" if charset == "utf-8" else "text.gb18030-on-the-gbk-page", text


_SEPARATORS: Final[tuple[tuple[str, str], ...]] = (
    ("text.mobile-full-width-comma", "，"),
    ("text.mobile-semicolon", ";；"),
    ("text.mobile-newline", "\r\n"),
    ("text.mobile-separator", "、|/\\\t 　。"),
)


def _of_mobile(mobile: str) -> Iterator[tuple[str, str]]:
    """White space around a number is nobody's mistake (R5), and neither is a comma at the end (Q15)."""
    listed = ",".join(map(str.strip, mobile.split(",")))
    if re.fullmatch("[0-9,]*", listed):
        return
    meant = re.sub(f"[,{re.escape(''.join(signs for _, signs in _SEPARATORS))}]+", ",", listed)
    meant = meant.translate({0xFF10 + digit: str(digit) for digit in range(10)})
    for code, signs in _SEPARATORS:
        if any(sign in listed for sign in signs):
            yield code, meant
    if re.search("[０-９]", listed):
        yield "text.mobile-full-width-digits", meant
