"""Forbidden words: the list, and the search in a text (R8).

The vendor's responses to forbidden words are in `validation` and `vendor`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from operator import add
from pathlib import Path
from typing import Final

from sms10692_mock.text_files import read_text

DEFAULT_WORDS: Final = ("发票", "办证", "赌博", "六合彩", "枪支")
"""A short list for experiments; the README prints the list. The vendor's own list is not public."""

_WINDOW: Final = 64 * 1024
"""Characters per search step: a step holds the interpreter lock."""


def _ascii_lower(text: str) -> str:
    """Lower-case the ASCII letters only: `str.lower` changes the length of some texts."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


class Keywords:
    """A set of words and a fast search for any of them. Words whose first character is not in a text cost nothing.

    Candidates are found by their first character, then by their first two.
    """

    def __init__(self, words: Iterable[str] = DEFAULT_WORDS) -> None:
        self.words = tuple(word for word in words if word)
        lowered_words = frozenset(map(_ascii_lower, self.words))
        self._characters = frozenset(word for word in lowered_words if len(word) == 1)
        self._longer: defaultdict[str, list[str]] = defaultdict(list)
        for word in lowered_words - self._characters:
            self._longer[word[:2]].append(word)
        first = {word[0] for word in lowered_words}
        first |= {character.upper() for character in first if character.isascii()}
        self._first = re.compile(f"[{''.join(map(re.escape, first))}]" if first else "(?!)")
        self._overlap = max(map(len, lowered_words), default=1) - 1

    def contains_any(self, text: str) -> bool:
        """Return whether any word is a substring of the text; ASCII letters match in either case.

        >>> Keywords(["Casino"]).contains_any("the CASINO"), Keywords([]).contains_any("anything")
        (True, False)
        """
        if len(text) <= _WINDOW:
            return self._first.search(text) is not None and self._in_window(_ascii_lower(text))
        lowered = _ascii_lower(text)
        starts = range(0, len(lowered), _WINDOW)
        return any(self._in_window(lowered[start : start + _WINDOW + self._overlap]) for start in starts)

    def find(self, text: str) -> tuple[str, int] | None:
        """Return the first word in the text, as written there, and its index; None if there is none.

        Of several words at one index, the longest is returned.

        >>> Keywords(["Casino", "Cas", "no"]).find("the CASINO")
        ('CASINO', 4)
        """
        lowered = _ascii_lower(text)
        for start in range(0, len(lowered), _WINDOW):
            window = lowered[start : start + _WINDOW + self._overlap]
            found = [(window.index(word), -len(word)) for word in self._words_in_window(window)]
            if found:
                index, length = min(found)
                return text[start + index : start + index - length], start + index
        return None

    def _in_window(self, text: str) -> bool:
        if self._first.search(text) is None:
            return False
        return next(self._words_in_window(text), None) is not None

    def _words_in_window(self, text: str) -> Iterator[str]:
        yield from self._characters.intersection(text)
        for pair in self._longer.keys() & map(add, text, text[1:]):
            yield from (word for word in self._longer[pair] if word in text)


def load_words(file: Path) -> list[str]:
    """Load a word list: UTF-8, with or without a byte order mark, one word per line, blank lines ignored.

    Raises OSError if the file cannot be read, UnicodeDecodeError if it is not UTF-8, ValueError if it is too long.
    """
    return [word for line in read_text(file).split("\n") if (word := line.strip())]
