"""Form encoding: field values to `application/x-www-form-urlencoded` bytes in an endpoint's charset (1.1, 1.2).

`sms10692.requests` decides which fields a request has.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote_from_bytes

from sms10692.errors import UnencodableText

CODECS: Final = {"utf-8": "utf-8", "gb2312": "gbk"}
"""Python codec by declared charset of an endpoint. The vendor's "GB2312" is code page 936."""

_EURO: Final = {"gb2312": b"\x80"}
"""Encoding of the euro sign, the one character that code page 936 has and Python's gbk codec lacks."""


def encode_form(fields: Iterable[tuple[str, str]], charset: str) -> bytes:
    """Encode a form like the manual's examples: fields in the order passed, commas unescaped, spaces as `%20`.

    Raises UnencodableText if the charset cannot encode a character.

    >>> encode_form([("action", "send"), ("mobile", "15023239810,13527576163"), ("content", "内容")], "gb2312")
    b'action=send&mobile=15023239810,13527576163&content=%C4%DA%C8%DD'
    """
    return "&".join(f"{name}={_quote(value, charset)}" for name, value in fields).encode("ascii")


def _quote(value: str, charset: str) -> str:
    if value.isalnum() and value.isascii():
        return value
    return quote_from_bytes(encode_text(value, charset), safe=",")


def encode_text(text: str, charset: str) -> bytes:
    """Encode a text in an endpoint's charset. Raises UnencodableText.

    >>> encode_text("5 €", "gb2312")
    b'5 \\x80'
    """
    try:
        return text.encode(CODECS[charset])
    except UnicodeEncodeError:
        return b"".join(_encode_chars(text, charset))


def _encode_chars(text: str, charset: str) -> list[bytes]:
    encoded: list[bytes] = []
    unencodable: list[tuple[int, str]] = []
    for index, character in enumerate(text):
        try:
            encoded.append(character.encode(CODECS[charset]))
        except UnicodeEncodeError:
            if character == "€" and charset in _EURO:
                encoded.append(_EURO[charset])
            else:
                unencodable.append((index, character))
    if unencodable:
        raise UnencodableText(text, CODECS[charset], unencodable)
    return encoded
