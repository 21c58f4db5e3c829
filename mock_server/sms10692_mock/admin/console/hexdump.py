"""Bytes as a person reads them: in hexadecimal digits, and as text with what is no text made visible.

Here belongs how bytes look. Which bytes are shown is each page's own affair.
"""

from typing import Final

SHOWN: Final = 4096
"""Bytes that are shown of a long body."""

_EACH: Final = 16


def hex_dump(raw: bytes) -> str:
    """Sixteen bytes a line: where it begins, the bytes, and the letters among them.

    >>> hex_dump("内容 1".encode("gbk"))
    '0000  c4 da c8 dd 20 31                                .... 1'
    """
    lines = []
    for at in range(0, min(len(raw), SHOWN), _EACH):
        row = raw[at : at + _EACH]
        digits = f"{row[:8].hex(' ')}  {row[8:].hex(' ')}".strip()
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{at:04x}  {digits:<48} {letters}")
    return "\n".join(lines)


def printable_text(raw: bytes) -> str:
    r"""ASCII as it is, all other bytes as escapes.

    >>> plain("a内\n".encode("gbk"))
    'a\\xc4\\xda\n'
    """
    text = raw[:SHOWN].decode("ascii", "backslashreplace")
    return "".join(letter if letter.isprintable() or letter in "\r\n\t" else repr(letter)[1:-1] for letter in text)
