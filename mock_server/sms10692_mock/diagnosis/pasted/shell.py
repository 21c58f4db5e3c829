"""Splits a command into words as a POSIX shell does, with the line ends and escapes of Windows."""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from sms10692_mock.diagnosis.pasted.request import NotARequest, Problem


class Command(NamedTuple):
    """The words of a command behind its name, and the problem of an '&' outside quotes, at which a shell ends it.

    `ignored` is the number of further commands in the text.
    """

    words: Sequence[str]
    problems: Sequence[Problem]
    ignored: int


_NEXT_COMMAND: Final = re.compile(
    r"(?:(?<![\\^`\r])\r?\n|&&|;|\|\|)\s{0,9}(?=(?:\$\s{0,9})?(?:curl|wget|https?)(?:\.exe)?[ \t])"
)
"""What separates two commands that send requests."""


_QUOTED: Final = re.compile(r"""'[^']*+'?|"(?:[^"\\]|\\.)*+"?|\\.""", re.DOTALL)
"""A quoted part, also one without an end, or an escaped character."""


def _split_commands(text: str) -> tuple[str, int]:
    """Return the first command of a text, and how many follow it. A separator inside quotes separates nothing."""
    unquoted = _QUOTED.sub(lambda part: "x" * len(part[0]), text)
    ends = [found.start() for found in _NEXT_COMMAND.finditer(unquoted)]
    return (text[: ends[0]], len(ends)) if ends else (text, 0)


_WORD_PART: Final = re.compile(
    r"""
      (?P<space>[ \t\r\n]++)
    | '(?P<single>[^']*+)'
    | "(?P<double>(?:[^"\\]|\\.)*+)"
    | \\(?P<escaped>.)
    | (?P<operator>[&|;<>]++)
    | (?P<plain>[^ \t\r\n'"\\&|;<>]++)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED_IN_QUOTES: Final = re.compile(r"""\\(["\\])""")


def split_words(text: str) -> list[str]:
    """Split a command into words and operators, like `shlex` with these operators, whose time is quadratic in a word.

    Raises ValueError with the message of `shlex` if a quotation or an escape does not end.

    >>> split_words("curl 'a b'\\"c\\" --x=1&y")
    ['curl', 'a bc', '--x=1', '&', 'y']
    """
    words: list[str] = []
    word: list[str] | None = None
    position = 0
    while position < len(text):
        part = _WORD_PART.match(text, position)
        if part is None:
            raise ValueError("No escaped character" if text[position] == "\\" else "No closing quotation")
        position = part.end()
        kind, value = part.lastgroup, part[part.lastindex or 0]
        if kind in ("space", "operator"):
            if word is not None:
                words.append("".join(word))
            word = None
            if kind == "operator":
                words.append(value)
        else:
            word = word or []
            word.append(_ESCAPED_IN_QUOTES.sub(r"\1", value) if kind == "double" else value)
    return words if word is None else [*words, "".join(word)]


def next_value(value: str | None, arguments: Iterator[str]) -> str:
    """Return the value of an option: that which was joined to it, or the next argument."""
    return next(arguments, "") if value is None else value


def split_command(text: str) -> Command:
    """Split the first command of a text as a POSIX shell does, with `$'…'` of bash and the escapes of Windows."""
    first, ignored = _split_commands(text)
    joined = re.sub(r"(?:\\|\^|`)\r?\n", " ", first.removeprefix("$").strip())
    if re.search(r"\^[\"&]", joined):  # cmd.exe
        joined = re.sub(r"\^(.)", r"\1", joined)
    joined = re.sub(r"\$'((?:[^'\\]|\\.)*)'", _unescape_ansi, joined, flags=re.DOTALL)
    try:
        words = split_words(joined)[1:]
    except ValueError as error:
        raise NotARequest("words", error) from None
    end = next((index for index, word in enumerate(words) if _SHELL_OPERATOR.fullmatch(word)), len(words))
    if words[end : end + 1] != ["&"] or not words[end + 1 :]:
        return Command(words[:end], [], ignored)
    lost = words[end + 1]
    problem = "http.shell-ampersand", ascii(lost.partition("=")[0][:_SHOWN_NAME])[1:-1]
    if any(re.match(r"https?://", word) for word in words[:end]):
        return Command(words[:end], [problem], ignored)
    return Command([word for word in words if not _SHELL_OPERATOR.fullmatch(word)], [problem], ignored)


_SHELL_OPERATOR: Final = re.compile(r"[&|;<>]+")
_SHOWN_NAME: Final = 32


_ANSI_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"'}


def _unescape_ansi(match: re.Match[str]) -> str:
    text = re.sub(
        r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(.))",
        lambda one: chr(int(one[1] or one[2], 16)) if one[1] or one[2] else _ANSI_ESCAPES.get(one[3], one[3]),
        match[1],
    )
    return shlex.quote(text)
