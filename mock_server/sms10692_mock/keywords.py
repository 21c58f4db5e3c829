"""Forbidden words: which ones, and whether a text holds one (R8).

Here belong the list and the search. What the vendor answers about it stands in `checks` and `vendor`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ahocorasick_rs import AhoCorasick

DEFAULT_WORDS: Final = ("发票", "办证", "赌博", "六合彩", "枪支")
"""A short list to try things with; the README prints it. The vendor's own is not public."""


_WINDOW: Final = 64 * 1024
"""Characters that are searched at one go: meanwhile no other thread does anything."""


def _folded(text: str) -> str:
    """Lower the ASCII letters and no others: `str.lower` would change the length of some texts."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


class Keywords:
    """A set of words that answers, in time that does not grow with their number, whether a text contains one."""

    def __init__(self, words: Iterable[str] = DEFAULT_WORDS) -> None:
        self.words = tuple(word for word in words if word)
        self._automaton = AhoCorasick([_folded(word) for word in self.words])
        self._overlap = max(map(len, self.words), default=1) - 1

    def in_text(self, text: str) -> bool:
        """Whether any word occurs in the text, as a substring, upper and lower case of ASCII letters alike.

        >>> Keywords(["Casino"]).in_text("the CASINO"), Keywords([]).in_text("anything")
        (True, False)
        """
        if len(text) <= _WINDOW:
            return bool(self._automaton.find_matches_as_indexes(_folded(text)))
        return any(
            self._automaton.find_matches_as_indexes(_folded(text[begin : begin + _WINDOW + self._overlap]))
            for begin in range(0, len(text), _WINDOW)
        )


def words_in(file: Path) -> list[str]:
    """Read a list of words: UTF-8, with or without a byte order mark, one word a line, blank lines ignored.

    Raises OSError where the file cannot be read and UnicodeDecodeError where it is not UTF-8.
    """
    return [word for line in file.read_text("utf-8-sig").split("\n") if (word := line.strip())]
