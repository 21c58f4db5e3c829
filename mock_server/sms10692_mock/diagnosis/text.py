"""Text diagnosis: wrong charset of the message text, garbled characters, wrong separators between numbers.

This module examines the undecoded bytes and the list of numbers. Repairs of decoded text are in `mojibake`.
"""

import re
from typing import Final

from sms10692 import protocol
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import parse_fields
from sms10692_mock.diagnosis.accidental_text import check_accidental_text
from sms10692_mock.diagnosis.context import DiagnosisContext, Finding, make_finding
from sms10692_mock.diagnosis.mojibake import LOST_CHARACTER, REPAIRS, decode_or_none, is_chinese, is_more_plausible
from sms10692_mock.diagnosis.numbers import check_mobile

_MOBILE, _CONTENT = protocol.SEND.parameters[:2]

_BYTE_TO_PRIVATE_USE: Final = {byte: 0xF700 + byte for byte in range(0x80, 0x100)}
"""Maps a byte beyond ASCII to a private use character, so that it cannot be confused with a decoded `%u` escape."""
_PRIVATE_USE_TO_BYTE: Final = {character: byte for byte, character in _BYTE_TO_PRIVATE_USE.items()}
_BYTES_ONLY: Final = re.compile("[\0-\x7f\uf780-\uf7ff]*")


def text_findings(context: DiagnosisContext) -> tuple[Finding, ...]:
    """Return the findings about the text and the list of numbers of a send; empty if both are correct."""
    content, mobile = context.request.content, context.request.mobile
    plain = content.isascii() and mobile.isascii() and "\0" not in content
    raw_fields = {} if plain else _raw_fields(context)
    numbers_found: list[Finding] = []
    mistakes = (
        [] if not content else _check_content(content, raw_fields.get(_CONTENT), context.request.endpoint.charset)
    )
    if mobile:
        numbers = (
            _decode(raw_fields[_MOBILE], context.request.endpoint.charset)[1] if raw_fields.get(_MOBILE) else mobile
        )
        numbers_found = [
            make_finding(code, *map(context.show, values), meant=None if meant is None else context.redact(meant))
            for code, values, meant in check_mobile(numbers)
        ]
    accidental = (make_finding(code, context.show(part)) for code, part in check_accidental_text(content))
    garbled = (make_finding(code, meant=context.redact(meant)) for code, meant in mistakes)
    return (*garbled, *accidental, *numbers_found)


def _decode_to_private_use(raw: bytes) -> str:
    return raw.decode("latin-1").translate(_BYTE_TO_PRIVATE_USE)


def _raw_fields(context: DiagnosisContext) -> dict[str, bytes]:
    """Return the undecoded bytes of content and mobile. Fields with `%u` escapes beyond ASCII are left out."""
    query, body = context.query, context.body
    if context.request.mobile.isascii() and not context.content_type.strip().lower().startswith("multipart/"):
        query, body = _without_mobile(query), _without_mobile(body)
    fields = parse_fields(query, context.content_type, body, _decode_to_private_use)
    return {
        name: value.translate(_PRIVATE_USE_TO_BYTE).encode("latin-1")
        for name, value in fields.items()
        if name in (_MOBILE, _CONTENT) and _BYTES_ONLY.fullmatch(value)
    }


def _without_mobile(pairs: bytes) -> bytes:
    """Remove the mobile field from a form. Decoding a long list of numbers again would take most of the time."""
    name = f"{_MOBILE}=".encode()
    return b"&".join(pair for pair in pairs.split(b"&") if pair[: len(name)].lower() != name)


def _check_content(content: str, raw: bytes | None, charset: str) -> list[tuple[str, str]]:
    """Return finding codes, each with the text repaired so far."""
    code, text = _decode(raw, charset) if raw else ("", content)
    mistakes = [(code, text)] if code else []
    for code, repair in REPAIRS:
        if (repaired := repair(text)) is not None:
            text = repaired
            mistakes.append((code, text))
    return mistakes


def _decode(raw: bytes, charset: str) -> tuple[str, str]:
    """Guess the charset of `raw`: the finding code (empty if the charset is correct) and the decoded text.

    `charset` is the charset of the endpoint. UTF-8 is tried first.
    """
    if (decoded := _decode_utf_16(raw)) is not None:
        return "text.utf-16", decoded
    expects_utf_8 = charset == "utf-8"
    utf_8, gbk = decode_or_none(raw, "utf-8"), DECODERS["gb2312"](raw)
    is_valid_gbk = "\ufffd" not in gbk
    if utf_8 is not None:
        if expects_utf_8 or utf_8.isascii() or (is_valid_gbk and not is_more_plausible(utf_8, gbk)):
            return "", utf_8 if expects_utf_8 else gbk
        return "text.utf-8-on-the-gbk-page", utf_8
    if is_valid_gbk and not expects_utf_8:
        return "", gbk
    for decode in (_decode_cut_off, _decode_latin_1, _decode_gbk, _decode_gb18030):
        if (result := decode(raw, charset)) is not None:
            return result
    return "text.undecodable", DECODERS[charset](raw).replace("\ufffd", LOST_CHARACTER)


def _decode_utf_16(raw: bytes) -> str | None:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return decode_or_none(raw, "utf-16")
    zeros = raw.count(0)
    if zeros < 2 or len(raw) % 2:
        return None
    for charset, half in (("utf-16-le", raw[1::2]), ("utf-16-be", raw[::2])):
        if half.count(0) == zeros and (text := decode_or_none(raw, charset)) and text.isprintable():
            return text
    return None


def _decode_cut_off(raw: bytes, charset: str) -> tuple[str, str] | None:
    expects_utf_8 = charset == "utf-8"
    text = _before_the_cut(raw, "utf-8")
    if text is not None and any(map(is_chinese, text)) and (expects_utf_8 or is_more_plausible(text, "")):
        return "text.cut" if expects_utf_8 else "text.utf-8-on-the-gbk-page", text + LOST_CHARACTER
    text = None if expects_utf_8 else _before_the_cut(raw, "gbk")
    return None if text is None else ("text.cut", text + LOST_CHARACTER)


def _before_the_cut(raw: bytes, charset: str) -> str | None:
    """Decode the text before an incomplete last character; None if anything else is invalid."""
    try:
        raw.decode(charset)
    except UnicodeDecodeError as error:
        if error.reason in ("unexpected end of data", "incomplete multibyte sequence"):
            return raw[: error.start].decode(charset)
    return None


_ISOLATED_BYTES: Final = re.compile(rb"(?:[\0-\x7f]|(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff]))*")


def _decode_latin_1(raw: bytes, charset: str) -> tuple[str, str] | None:
    """Decode text whose non-ASCII bytes are isolated, like accented letters."""
    return ("text.latin-1", raw.decode("cp1252", "replace")) if _ISOLATED_BYTES.fullmatch(raw) else None


def _decode_gbk(raw: bytes, charset: str) -> tuple[str, str] | None:
    text = DECODERS["gb2312"](raw)
    return ("text.gbk-on-the-utf-8-page", text) if "\ufffd" not in text else None


def _decode_gb18030(raw: bytes, charset: str) -> tuple[str, str] | None:
    text = decode_or_none(raw, "gb18030")
    if text is None:
        return None
    return "text.gbk-on-the-utf-8-page" if charset == "utf-8" else "text.gb18030-on-the-gbk-page", text
