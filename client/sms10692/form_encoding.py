"""From fields to the bytes of a form, in the charset of a page (1.1, 1.2).

Here belongs what a character is on the wire. Which fields a call has is the affair of `calls`.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote_from_bytes

from sms10692.errors import UnencodableText

CODECS: Final = {"utf-8": "utf-8", "gb2312": "gbk"}
"""Python's codec for the charset that a page declares: "GB2312" means code page 936."""

_EURO: Final = {"gb2312": b"\x80"}
"""The one character that code page 936 has and Python's codec lacks."""


def encode_form(fields: Iterable[tuple[str, str]], charset: str) -> bytes:
    """Write a form as the manual's examples have it: in the given order, a comma as it is, a space as `%20`.

    Raises UnencodableText where the page has no bytes for a character.

    >>> form([("action", "send"), ("mobile", "15023239810,13527576163"), ("content", "内容")], "gb2312")
    b'action=send&mobile=15023239810,13527576163&content=%C4%DA%C8%DD'
    """
    return "&".join(f"{name}={_quote(value, charset)}" for name, value in fields).encode("ascii")


def _quote(value: str, charset: str) -> str:
    if value.isalnum() and value.isascii():
        return value
    return quote_from_bytes(encode_text(value, charset), safe=",")


def encode_text(text: str, charset: str) -> bytes:
    """The bytes of a text on a page, or UnencodableText.

    >>> encoded("5 €", "gb2312")
    b'5 \\x80'
    """
    try:
        return text.encode(CODECS[charset])
    except UnicodeEncodeError:
        return b"".join(_encode_chars(text, charset))


def _encode_chars(text: str, charset: str) -> list[bytes]:
    pieces: list[bytes] = []
    places: list[tuple[int, str]] = []
    for index, character in enumerate(text):
        try:
            pieces.append(character.encode(CODECS[charset]))
        except UnicodeEncodeError:
            if character == "€" and charset in _EURO:
                pieces.append(_EURO[charset])
            else:
                places.append((index, character))
    if places:
        raise UnencodableText(text, CODECS[charset], places)
    return pieces
