"""Reads the literals of a script in a pasted text: strings, and the pairs of an object or a hash table."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


class Quoting(NamedTuple):
    """How a language writes strings: a pattern with the group `text`, and the character that escapes the next one.

    `raw` are the quotation marks between which nothing is escaped, and which are doubled to stand for themselves.
    """

    escape: str
    marks: str
    raw: str


JAVASCRIPT: Final = Quoting("\\", "\"'`", "")
POWERSHELL: Final = Quoting("`", '"', "'")


class Literal(NamedTuple):
    """The text of a string, and the index behind it."""

    text: str
    end: int


def read_string(source: str, start: int, quoting: Quoting) -> Literal | None:
    """Read the string that begins at an index, or return None if there is none, or if it has no end.

    >>> read_string("'it\\\\'s'", 0, JAVASCRIPT), read_string("'it''s'", 0, POWERSHELL)
    (Literal(text="it's", end=7), Literal(text="it's", end=7))
    """
    mark = source[start : start + 1]
    if not mark or mark not in quoting.marks + quoting.raw:
        return None
    is_raw, text, index = mark in quoting.raw, list[str](), start + 1
    while index < len(source):
        character = source[index]
        if character == mark:
            if source[index + 1 : index + 2] != mark or not quoting.raw:
                return Literal("".join(text), index + 1)
            index += 1
        elif character == quoting.escape and not is_raw:
            index += 1
            code = re.compile(r"u\{?([0-9A-Fa-f]{4,6})\}?|x([0-9A-Fa-f]{2})").match(source, index)
            if code is not None:
                text.append(chr(min(int(code[1] or code[2], 16), 0x10FFFF)))
                index = code.end()
                continue
            character = _ESCAPES.get(source[index : index + 1], source[index : index + 1])
        text.append(character)
        index += 1
    return None


_NAME: Final = re.compile(r"\s*([A-Za-z_][\w-]*)?\s*")
_JOINT: Final = re.compile(r"\s*[:=]\s*")
_WORD: Final = re.compile(r"[\w.+-]+")
_SEPARATOR: Final = re.compile(r"\s*[,;]?\s*")


def read_pairs(source: str, start: int, quoting: Quoting) -> Iterator[tuple[str, str]]:
    """Yield the pairs of an object or hash table of strings and numbers whose first pair begins at an index.

    >>> list(read_pairs("{a: 'b', 'c': 1}", 1, JAVASCRIPT)), list(read_pairs("@{a='b'; c=1}", 2, POWERSHELL))
    ([('a', 'b'), ('c', '1')], [('a', 'b'), ('c', '1')])
    """
    index = start
    while True:
        name = _NAME.match(source, index)
        quoted = None if name is None or name[1] else read_string(source, name.end(), quoting)
        if name is None or (name[1] is None and quoted is None):
            return
        joint = _JOINT.match(source, quoted.end if quoted else name.end())
        if joint is None:
            return
        value = read_string(source, joint.end(), quoting)
        word = _WORD.match(source, joint.end())
        if value is None and word is None:
            return
        yield quoted.text if quoted else name[1] or "", value.text if value else word[0] if word else ""
        separator = _SEPARATOR.match(source, value.end if value else word.end() if word else joint.end())
        if separator is None:
            return
        index = separator.end()
