"""Forbidden words: which ones, and whether a text holds one (R8).

Here belong the list and the search. What the vendor answers about it stands in `checks` and `vendor`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from operator import add
from pathlib import Path
from typing import Final

from sms10692_mock.text_files import read_text

DEFAULT_WORDS: Final = ("发票", "办证", "赌博", "六合彩", "枪支")
"""A short list to try things with; the README prints it. The vendor's own is not public."""


_WINDOW: Final = 64 * 1024
"""Characters that are looked through at one go: meanwhile no other thread does anything."""


def _ascii_lower(text: str) -> str:
    """Lower the ASCII letters and no others: `str.lower` would change the length of some texts."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


class Keywords:
    """A set of words that says whether a text contains one. How many begin otherwise than anything in it costs nothing.

    Words are found by their first character, then by their first two. An automaton in a library took twenty times as
    long for a send: it lets other threads go first.
    """

    def __init__(self, words: Iterable[str] = DEFAULT_WORDS) -> None:
        self.words = tuple(word for word in words if word)
        folded_words = frozenset(map(_ascii_lower, self.words))
        self._characters = frozenset(word for word in folded_words if len(word) == 1)
        self._longer: defaultdict[str, list[str]] = defaultdict(list)
        for word in folded_words - self._characters:
            self._longer[word[:2]].append(word)
        first = {word[0] for word in folded_words}
        self._first = re.compile(f"[{''.join(map(re.escape, first))}]" if first else "(?!)")
        self._overlap = max(map(len, folded_words), default=1) - 1

    def contains_any(self, text: str) -> bool:
        """Whether any word occurs in the text, as a substring, upper and lower case of ASCII letters alike.

        >>> Keywords(["Casino"]).in_text("the CASINO"), Keywords([]).in_text("anything")
        (True, False)
        """
        folded = _ascii_lower(text)
        if len(folded) <= _WINDOW:
            return self._in_window(folded)
        begins = range(0, len(folded), _WINDOW)
        return any(self._in_window(folded[begin : begin + _WINDOW + self._overlap]) for begin in begins)

    def _in_window(self, text: str) -> bool:
        if self._first.search(text) is None:
            return False
        if not self._characters.isdisjoint(text):
            return True
        begun = self._longer.keys() & map(add, text, text[1:])
        return any(word in text for pair in begun for word in self._longer[pair])


def load_words(file: Path) -> list[str]:
    """Read a list of words: UTF-8, with or without a byte order mark, one word a line, blank lines ignored.

    Raises OSError where the file cannot be read, UnicodeDecodeError where it is not UTF-8, and ValueError where it is
    too long.
    """
    return [word for line in read_text(file).split("\n") if (word := line.strip())]
