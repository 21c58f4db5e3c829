"""Reader for text files named in an option."""

from pathlib import Path
from typing import Final

_MAX_BYTES: Final = 16 * 1024 * 1024


def read_text(file: Path, max_bytes: int = _MAX_BYTES) -> str:
    """Read a UTF-8 file, with or without a byte order mark; line ends become line feeds.

    Raises OSError if the file cannot be read, UnicodeDecodeError if it is not UTF-8, and ValueError if it is larger
    than `max_bytes` (a device may be endless).
    """
    with file.open("rb") as opened:
        content = opened.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ValueError(f"{file} is longer than {max_bytes // 1024**2} MiB")
    return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
