"""Masks of values: the same value always has the same mask, which keeps class and length of each character.

Random, and kept in memory only: nothing that is written leads back to a value. **The lengths and equalities of values
stay visible.**
"""

import random
import re
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Final

from sms10692_mock.recorder.character_pools import classify, find_pool

_MOBILE: Final = re.compile(r"((?:00)?86)?(1[0-9]{10})")
_MASKED_BEGINNING: Final = "12"
"""Beginning of a masked mobile number: no number in China begins so, and nobody can be reached at it."""

_ATTEMPTS: Final = 100
"""Random masks that are tried for one that no other value has. A value of one digit has only ten."""

MIN_SECRET: Final = 4
"""Number of characters from which a value is searched for inside other texts."""

_HEX: Final = re.compile("[0-9A-Fa-f]+")
_NUMBER: Final = re.compile(r"(?<![0-9])(?:(?:00)?86)?1[0-9]{10}(?![0-9])")
_LOOKS_SECRET: Final = rf"{_NUMBER.pattern}|(?<![0-9A-Za-z])[0-9A-Fa-f]{{24,}}(?![0-9A-Za-z])"
"""A mobile number, or what may be a signature."""


class Masks:
    """The masks of all values of a recording. `choose` picks a random character of a text. Not thread-safe."""

    def __init__(self, choose: Callable[[str], str] | None = None) -> None:
        self._choose = choose or random.SystemRandom().choice
        self._masks: dict[str, str] = {}
        self._used: set[str] = set()
        self._secrets: dict[str, str] = {}
        self._words: dict[str, str] = {}
        self._word_pattern: re.Pattern[str] | None = None

    def mask_whole(self, value: str) -> str:
        """Mask a value that is one thing: a userid, a name, a password, a run of characters.

        >>> masks = Masks(lambda pool: pool[-1])
        >>> masks.mask_whole("Ab-12内"), masks.mask_whole("13812345678")
        ('Zz-99座', '12999999999')
        """
        found = self._masks.get(value)
        if found is None:
            found = self._masks[value] = self._find_unused(value)
            self._used.add(found)
        return found

    def mask_secret(self, value: str) -> str:
        """Mask a value, and remember to replace it wherever it occurs inside another text."""
        masked = self.mask_whole(value)
        if len(value) >= MIN_SECRET:
            self._secrets[value] = masked
        return masked

    def mask_hex(self, value: str) -> str:
        """Mask a signature, right or wrong: hexadecimal digits in the same case. Anything else is masked as a text is.

        >>> Masks(lambda pool: pool[-1]).mask_hex("0a1"), Masks(lambda pool: pool[-1]).mask_hex("testmima")
        ('fff', 'zzzzzzzz')
        """
        if not _HEX.fullmatch(value):
            return self.mask_whole(value)
        key = f"sign {value}"
        found = self._masks.get(key)
        if found is None:
            letters = "ABCDEF" if value.upper() == value else "abcdef"
            digit = f"0123456789{letters}"
            found = "".join(self._choose(digit) for _ in value)
            self._masks[key] = found
        return found

    def set_mask(self, value: str, masked: str) -> None:
        """Decide the mask of a value: the signature over masked credentials."""
        self._masks[f"sign {value}"] = masked

    def add_words(self, words: Iterable[str]) -> None:
        """Note forbidden words: wherever one stands in a text, its placeholder replaces it as a whole."""
        for word in words:
            if word.strip() and word not in self._words:
                self._words[word] = self.mask_whole(word)
        if self._words:
            longest_first = sorted(self._words, key=lambda word: (-len(word), word))
            self._word_pattern = re.compile("|".join(map(re.escape, longest_first)))

    @property
    def placeholders(self) -> list[str]:
        """The placeholders of the forbidden words."""
        return list(self._words.values())

    def mask_text(self, text: str) -> str:
        """Mask a text run by run, so that a code or a number has the same mask in every text.

        >>> masks = Masks(lambda pool: pool[-1])
        >>> masks.mask_text("验证码 1234, tel 13812345678!"), masks.mask_whole("1234")
        ('座座座 9999, zzz 12999999999!', '9999')
        """
        if self._word_pattern is None:
            return self._mask_runs(text)
        pieces, position = [], 0
        for found in self._word_pattern.finditer(text):
            pieces += [self._mask_runs(text[position : found.start()]), self._words[found[0]]]
            position = found.end()
        return "".join([*pieces, self._mask_runs(text[position:])])

    def scrub(self, text: str, secrets: Iterable[tuple[str, str]] = ()) -> str:
        """Mask what is known or looks like a secret in a text that is otherwise kept, as a message of the vendor.

        `secrets` are further values with their masks. Mobile numbers and signatures are masked too.

        >>> Masks(lambda pool: pool[-1]).scrub("签名错误 13812345678", [("签名", "甲乙")])
        '甲乙错误 12999999999'
        """
        known = {**self._secrets, **self._words, **dict(secrets)}
        values = sorted(known, key=lambda value: (-len(value), value))
        pattern = "|".join([*map(re.escape, values), _LOOKS_SECRET])
        return re.sub(pattern, lambda found: known.get(found[0]) or self._mask_suspicious(found[0]), text)

    def _mask_suspicious(self, value: str) -> str:
        """Mask a number, or a word of hexadecimal digits that is no number."""
        if _NUMBER.fullmatch(value):
            return self.mask_whole(value)
        return value if value.isdecimal() else self.mask_hex(value)

    def mask_runs(self, text: str) -> dict[str, str]:
        """Return the longer runs of a text with their masks."""
        runs = ("".join(run) for kind, run in groupby(text, classify) if kind is not None)
        return {run: self.mask_whole(run) for run in runs if len(run) >= MIN_SECRET}

    def _mask_runs(self, text: str) -> str:
        runs = ((kind, "".join(run)) for kind, run in groupby(text, classify))
        return "".join(run if kind is None else self.mask_whole(run) for kind, run in runs)

    def _find_unused(self, value: str) -> str:
        candidate = value
        for _ in range(_ATTEMPTS):
            candidate = self._draw(value)
            if candidate not in self._used and candidate != value:
                return candidate
        return candidate

    def _draw(self, value: str) -> str:
        mobile = _MOBILE.fullmatch(value)
        if mobile is not None:
            rest = mobile[2][len(_MASKED_BEGINNING) :]
            return f"{mobile[1] or ''}{_MASKED_BEGINNING}{self._draw_each(rest)}"
        first = value[:1]
        if first.isdecimal() and first.isascii() and first != "0":
            return self._choose("123456789") + self._draw_each(value[1:])
        return self._draw_each(value)

    def _draw_each(self, value: str) -> str:
        return "".join(self._choose(find_pool(character)) for character in value)
