"""Hex dump and printable form of bytes."""

from typing import Final

MAX_BYTES: Final = 4096
"""Bytes of a body that are shown at most."""

_BYTES_PER_LINE: Final = 16


def hex_dump(raw: bytes) -> str:
    """Format bytes as lines of offset, sixteen hexadecimal bytes, and ASCII characters.

    >>> hex_dump("内容 1".encode("gbk"))
    '0000  c4 da c8 dd 20 31                                .... 1'
    """
    lines = []
    for offset in range(0, min(len(raw), MAX_BYTES), _BYTES_PER_LINE):
        row = raw[offset : offset + _BYTES_PER_LINE]
        digits = f"{row[:8].hex(' ')}  {row[8:].hex(' ')}".strip()
        characters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{offset:04x}  {digits:<48} {characters}")
    return "\n".join(lines)


def printable_text(raw: bytes) -> str:
    r"""Decode bytes as ASCII, with escape sequences for all other bytes and for control characters.

    >>> printable_text("a内\n".encode("gbk"))
    'a\\xc4\\xda\n'
    """
    text = raw[:MAX_BYTES].decode("ascii", "backslashreplace")
    return "".join(
        character if character.isprintable() or character in "\r\n\t" else repr(character)[1:-1] for character in text
    )
