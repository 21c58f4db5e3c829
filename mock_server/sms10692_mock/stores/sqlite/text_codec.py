"""Texts of the wire in the file: as TEXT, or, with halves of characters in them, as BLOBs.

Here belongs the way there and back, and what they take. UTF-8 cannot write a lone surrogate, and clients do send them
(R14, R16).
"""

from collections.abc import Sequence

from sms10692_mock.domain.records import utf8_length


def to_db(text: str) -> str | bytes:
    """What SQLite can keep of a text: all of it."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def byte_size(kept: str | bytes) -> int:
    """Bytes of a text that was `written`."""
    return len(kept) if isinstance(kept, bytes) else utf8_length(kept)


def byte_sizes(kept: Sequence[str | bytes]) -> int:
    """Bytes of texts that were `written`; of thousands in a tenth of the time."""
    try:
        return utf8_length("".join(kept))  # type: ignore[arg-type]  # the few with bytes are the error below
    except TypeError:
        return sum(map(byte_size, kept))


def from_db(kept: str | bytes) -> str:
    """The text that was `written`.

    >>> read(written("内容")), read(written("\\ud800")) == "\\ud800"
    ('内容', True)
    """
    return kept if isinstance(kept, str) else kept.decode("utf-8", "surrogatepass")
