"""Conversion of texts to and from database values: TEXT, or BLOB if the text contains lone surrogates.

Clients do send lone surrogates (R14, R16), and UTF-8 cannot encode them.
"""

from collections.abc import Sequence

from sms10692_mock.domain.records import utf8_length


def to_db(text: str) -> str | bytes:
    """Convert a text to a value that SQLite can store without loss."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def byte_size(stored: str | bytes) -> int:
    """Size in bytes of a stored text."""
    return len(stored) if isinstance(stored, bytes) else utf8_length(stored)


def byte_sizes(stored: Sequence[str | bytes]) -> int:
    """Total size in bytes of stored texts: ten times as fast as `byte_size` for each of thousands."""
    try:
        return utf8_length("".join(stored))  # type: ignore[arg-type]  # lists with BLOBs raise the TypeError below
    except TypeError:
        return sum(map(byte_size, stored))


def from_db(stored: str | bytes) -> str:
    """Convert a stored value back to the text.

    >>> from_db(to_db("内容")), from_db(to_db("\\ud800")) == "\\ud800"
    ('内容', True)
    """
    return stored if isinstance(stored, str) else stored.decode("utf-8", "surrogatepass")
