r"""Bodies as text that a person can edit, without losing a byte.

A body is shown in ASCII, other bytes and a backslash as escapes (`\xc4`, `\r`, `\\`). In a form, percent codes of text
in the endpoint's charset are shown as that text. A character that is typed is encoded in that charset again.
"""

import re
from typing import Final

_CODES: Final = re.compile(rb"(?:%[0-9A-F]{2})+")
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|([\\r])|(.?))", re.DOTALL)


class InvalidEscape(ValueError):
    """A backslash that begins no escape, or a character that the charset lacks: the argument is this text."""


def show_body(body: bytes, codec: str, *, is_form: bool) -> str:
    r"""Return the body as text.

    >>> print(show_body(b"content=%E5%86%85%20\xc4\\", "utf-8", is_form=True))
    content=内%20\xc4\\
    """
    if not is_form:
        return _show_bytes(body)
    parts, end = [], 0
    for match in _CODES.finditer(body):
        parts += [_show_bytes(body[end : match.start()]), _show_codes(match[0], codec)]
        end = match.end()
    return "".join([*parts, _show_bytes(body[end:])])


def _show_bytes(raw: bytes) -> str:
    return "".join(_show_byte(byte) for byte in raw)


def _show_byte(byte: int) -> str:
    if byte == ord("\\"):
        return "\\\\"
    if byte == ord("\r"):
        return "\\r"
    return chr(byte) if 32 <= byte < 127 or byte in b"\n\t" else f"\\x{byte:02x}"


def _show_codes(codes: bytes, codec: str) -> str:
    raw = bytes.fromhex(codes.decode().replace("%", ""))
    try:
        text = raw.decode(codec)
    except UnicodeDecodeError:
        return codes.decode()
    if text.encode(codec) != raw:
        return codes.decode()
    return "".join(
        character if ord(character) > 127 and character.isprintable() else _percent(character, codec)
        for character in text
    )


def _percent(character: str, codec: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode(codec))


def read_body(text: str, codec: str, *, is_form: bool) -> bytes:
    r"""Return the bytes of an edited body. Raises InvalidEscape.

    >>> read_body(r"a=内\xff\\", "gbk", is_form=True), read_body("内", "gbk", is_form=False)
    (b'a=%C4%DA\xff\\', b'\xc4\xda')
    """
    body, end = b"", 0
    for match in _ESCAPE.finditer(text):
        body += _encode(text[end : match.start()], codec, is_form=is_form) + _read_escape(match)
        end = match.end()
    return body + _encode(text[end:], codec, is_form=is_form)


def _read_escape(match: re.Match[str]) -> bytes:
    if match[1]:
        return bytes.fromhex(match[1])
    if match[2]:
        return b"\r" if match[2] == "r" else b"\\"
    raise InvalidEscape(match[0])


def _encode(text: str, codec: str, *, is_form: bool) -> bytes:
    try:
        if is_form:
            return "".join(one if one.isascii() else _percent(one, codec) for one in text).encode("ascii")
        return text.encode(codec)
    except UnicodeEncodeError as error:
        raise InvalidEscape(error.object[error.start : error.end]) from None
