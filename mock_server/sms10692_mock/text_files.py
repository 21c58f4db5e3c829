"""Text files that a person names in an option."""

from pathlib import Path
from typing import Final

_LIMIT: Final = 16 * 1024 * 1024


def read_text(file: Path) -> str:
    """The text of a file, UTF-8, with or without a byte order mark.

    Raises OSError where the file cannot be read, UnicodeDecodeError where it is not UTF-8, and ValueError where it is
    longer than 16 MiB, as a device is that never ends.
    """
    with file.open("rb") as opened:
        content = opened.read(_LIMIT + 1)
    if len(content) > _LIMIT:
        raise ValueError(f"{file} is longer than {_LIMIT // 1024**2} MiB")
    return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
