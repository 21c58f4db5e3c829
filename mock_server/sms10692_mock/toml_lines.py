"""Lines of a TOML text: where each key and each value of a list is written. `tomllib` does not tell."""

import re
from typing import Final, TypeAlias

Place: TypeAlias = tuple[str | int, ...]
"""The keys from the document to a value; the index of a value in a list is an int."""

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY_PART: Final = re.compile(r"""[ \t]*(?:([A-Za-z0-9_-]+)|"((?:[^"\\]|\\.)*)"|'([^']*)')[ \t]*""")
_STRING: Final = re.compile(r'''"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''', re.DOTALL)
_SCALAR: Final = re.compile(r"[^,\]}\n#]*")
_ESCAPE: Final = re.compile(r"""\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))""")
_ESCAPED: Final = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def find_lines(source: str) -> dict[Place, int]:
    """Return the line, from 1, of each key and each value of a list. `source` is TOML that `tomllib` reads.

    >>> find_lines('a = 1\\n[texts]\\nb."c" = [\\n  1,\\n  2]\\n')[("texts", "b", "c", 1)]
    5
    >>> find_lines("[[a]]\\nb = 1\\n[[a]]\\n[a.c]\\nd = 2\\n")[("a", 1, "c", "d")]
    5
    """
    return _Scanner(source).scan()


class _Scanner:
    def __init__(self, source: str) -> None:
        self._source = source
        self._position = 0
        self._counted = 0, 1
        """A position, and its line."""
        self._lines: dict[Place, int] = {}
        self._lists: dict[Place, int] = {}
        """Index of the last table of each list of tables."""

    def scan(self) -> dict[Place, int]:
        table: Place = ()
        self._skip(_BLANK)
        while self._position < len(self._source):
            if self._source[self._position] == "[":
                is_list = self._source.startswith("[[", self._position)
                self._position += 2 if is_list else 1
                table = self._read_header(is_list)
                self._position += 2 if is_list else 1
            else:
                self._read_pair(table)
            self._skip(_BLANK)
        return self._lines

    def _skip(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.match(self._source, self._position)
        if found is None:
            raise ValueError(f"no TOML at character {self._position}")
        self._position = found.end()
        return found

    def _record(self, place: Place) -> None:
        position, line = self._counted
        line += self._source.count("\n", position, self._position)
        self._counted = self._position, line
        self._lines.setdefault(place, line)

    def _read_header(self, is_list: bool) -> Place:
        """Read the key of a table. A part that is a list of tables means the last one of them."""
        table: Place = ()
        while True:
            table += (self._read_key_part(),)
            is_last = not self._source.startswith(".", self._position)
            if is_last and is_list:
                self._record(table)
                self._lists[table] = self._lists.get(table, -1) + 1
            if table in self._lists:
                table += (self._lists[table],)
            self._record(table)
            if is_last:
                return table
            self._position += 1

    def _read_key(self, table: Place) -> Place:
        """Read a key, dotted or not, and record each of its parts."""
        while True:
            table += (self._read_key_part(),)
            self._record(table)
            if not self._source.startswith(".", self._position):
                return table
            self._position += 1

    def _read_key_part(self) -> str:
        bare, quoted, literal = self._skip(_KEY_PART).groups()
        return bare or literal or _ESCAPE.sub(_unescape, quoted or "")

    def _read_pair(self, table: Place) -> None:
        place = self._read_key(table)
        self._position += 1  # the equals sign
        self._skip(_BLANK)
        self._read_value(place)

    def _read_value(self, place: Place) -> None:
        match self._source[self._position]:
            case "[":
                self._read_list(place)
            case "{":
                self._read_inline_table(place)
            case '"' | "'":
                self._skip(_STRING)
            case _:
                self._skip(_SCALAR)

    def _read_list(self, place: Place) -> None:
        index = 0
        while self._next_of_list("]"):
            self._record((*place, index))
            self._read_value((*place, index))
            index += 1

    def _read_inline_table(self, place: Place) -> None:
        while self._next_of_list("}"):
            self._read_pair(place)

    def _next_of_list(self, end: str) -> bool:
        """Go behind the opening bracket or comma; return whether a value follows, and go behind the end if not."""
        self._skip(_BLANK)
        if self._source[self._position] != end:
            self._position += 1
            self._skip(_BLANK)
        if self._source[self._position] == end:
            self._position += 1
            return False
        return True


def _unescape(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _ESCAPED.get(found[3], found[3])
