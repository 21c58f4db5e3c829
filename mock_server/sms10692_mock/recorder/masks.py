"""Masks of values: the same value always has the same mask, which keeps class and length of each character.

Different values have different masks, and no value is its own mask, as long as its class has more values than occur.

Random, and kept in memory only: nothing that is written leads back to a value. **The lengths and equalities of values
stay visible.**
"""

import random
import re
from collections.abc import Callable, Iterable
from itertools import groupby, product
from typing import Final

from sms10692_mock.recorder.character_pools import classify, find_pool

_MOBILE: Final = re.compile(r"((?:00)?86)?(1[0-9]{10})")
_MASKED_BEGINNING: Final = "12"
"""Beginning of a masked mobile number: no number in China begins so, and nobody can be reached at it."""

_FEW: Final = 1000
"""Number of values of a class, such as one digit or two letters, up to which the masks of all are decided at once."""

_ATTEMPTS: Final = 10_000
"""Random masks that are tried in a larger class for one that no other value has."""

_DIGITS: Final = "0123456789"
_MIXING_DIGITS: Final = 16

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
        self._used_signatures: set[str] = set()
        self._orders: dict[tuple[str, ...], dict[str, str]] = {}
        """The masks of all values of a class with few, by the characters that each place can have."""
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
            found = self._masks[value] = self._find_unused(value, _list_pools(value), self._used)
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
            digit = f"{_DIGITS}{'abcdef' if value.lower() == value else 'ABCDEF'}"
            found = self._masks[key] = self._find_unused(value, (digit,) * len(value), self._used_signatures)
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

    def _find_unused(self, value: str, pools: tuple[str, ...], used: set[str]) -> str:
        """Return a random mask for a value whose characters can become those of `pools`, and add it to `used`."""
        count = 1
        for pool in pools:  # the product of all would have a digit for each character
            count *= len(pool)
            if count > _FEW:
                break
        if count == 1:
            return value
        is_own_class = all(character in pool for character, pool in zip(value, pools, strict=True))
        if is_own_class and count <= _FEW:
            if pools not in self._orders:
                self._orders[pools] = self._order_all(pools)
            candidate = self._orders[pools][value]
        else:
            for _ in range(_ATTEMPTS):
                candidate = "".join(map(self._choose, pools))
                if candidate not in used and candidate != value:
                    break
        used.add(candidate)
        return candidate

    def _order_all(self, pools: tuple[str, ...]) -> dict[str, str]:
        """Put all values of a class into a random circle, in which each has the next one as its mask."""
        values = sorted(
            map("".join, product(*pools)), key=lambda _: [self._choose(_DIGITS) for _ in range(_MIXING_DIGITS)]
        )
        return dict(zip(values, [*values[1:], values[0]], strict=True))


def _list_pools(value: str) -> tuple[str, ...]:
    """Return the characters that each character of a value can become. A longer number begins with 0 only if it does.

    >>> _list_pools("0"), _list_pools("07"), _list_pools("7a")
    (('0123456789',), ('0', '0123456789'), ('123456789', 'abcdefghijklmnopqrstuvwxyz'))
    """
    mobile = _MOBILE.fullmatch(value)
    if mobile is not None:
        rest = mobile[2][len(_MASKED_BEGINNING) :]
        return (*(mobile[1] or ""), *_MASKED_BEGINNING, *map(find_pool, rest))
    pools = [*map(find_pool, value)]
    if len(value) > 1 and value[0] in _DIGITS:
        pools[0] = "0" if value[0] == "0" else _DIGITS[1:]
    return tuple(pools)
