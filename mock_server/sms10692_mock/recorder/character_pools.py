"""Pools of characters that can stand for a character: of the same class, and as long in UTF-8 and in GBK.

A masked text therefore has the length of the original in characters and bytes, in either charset, and each byte can be
written where the original's byte was, percent-encoded or not.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Final, Literal, TypeAlias

CharacterClass: TypeAlias = Literal["digit", "latin", "han", "emoji", "other"]

_DIGITS: Final = "0123456789"
_LOWER: Final = "abcdefghijklmnopqrstuvwxyz"
_FULLWIDTH: Final = tuple("".join(chr(0xFEE0 + ord(c)) for c in plain) for plain in (_DIGITS, _LOWER, _LOWER.upper()))
_MAX_POOL: Final = 4000
_GB2312_LEADS: Final = range(0xB0, 0xD8)
"""Lead bytes of the 3,755 usual characters of GB 2312. All their trail bytes are above 0x7F."""

_EMOJI: Final = (range(0x1F300, 0x1F650), range(0x1F680, 0x1F700), range(0x1F900, 0x1FA00))
_PRIVATE: Final = range(0xE000, 0xF8FF)
_UNDECODABLE: Final = range(0xDC80, 0xDD00)
"""Surrogates that stand for bytes which are no text (PEP 383)."""

_FIRST_LEAD_BYTE: Final = 0x40
_HAN_SUPPLEMENT: Final = range(0x20000, 0x20400)
_MEMBERS: Final[dict[tuple[int, int], tuple[range, ...]]] = {
    # Bytes in UTF-8 and in GBK (0: not in GBK): letters of such a length.
    (2, 2): (range(0x3B1, 0x3C2),),
    (2, 0): (range(0x100, 0x17F),),
    (3, 2): (range(0x3042, 0x3094),),
    (3, 0): (range(0xAC00, 0xAD00),),
    (4, 0): (_HAN_SUPPLEMENT,),
}
_SYMBOLS: Final[dict[tuple[int, int], str]] = {(3, 2): "☆★○●◎◇◆□■△▲", (3, 0): "☀☁☂☃☄☎☘☺"}


def _gbk(character: str) -> bytes:
    try:
        return character.encode("gbk")
    except UnicodeEncodeError:
        return b""


def _lengths(character: str) -> tuple[int, int]:
    return len(character.encode("utf-8", "surrogateescape")), len(_gbk(character))


@cache
def _emoji() -> str:
    return "".join(one for one in (chr(code) for codes in _EMOJI for code in codes) if classify(one) == "emoji")


@cache
def _usual_han() -> str:
    rows = (bytes((lead, trail)) for lead in _GB2312_LEADS for trail in range(0xA1, 0xFF))
    return "".join(row.decode("gbk") for row in rows if row < b"\xd7\xfa")


@cache
def _han_with_trail(trail: int) -> str:
    """Return characters whose second byte in GBK is this one, below 0x80: it may stand unencoded in a form."""
    pairs = (bytes((lead, trail)).decode("gbk", "replace") for lead in range(0x81, 0xFF))
    return "".join(pair for pair in pairs if len(pair) == 1 and _is_han(pair))


@cache
def _letters(lengths: tuple[int, int]) -> str:
    ranges = _MEMBERS.get(lengths, ())
    return _pick((chr(code) for codes in ranges for code in codes), lengths)


def _pick(characters: Iterable[str], lengths: tuple[int, int]) -> str:
    chosen = [one for one in characters if unicodedata.category(one)[0] in "LS" and _lengths(one) == lengths]
    return "".join(chosen[:_MAX_POOL])


def _is_han(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"


def classify(character: str) -> CharacterClass | None:
    """Return the class of a character; None for one that says nothing about a person: punctuation and space.

    >>> [classify(character) for character in "7x内😀，é"]
    ['digit', 'latin', 'han', 'emoji', None, 'other']
    """
    if character in _DIGITS:
        return "digit"
    if character.isascii():
        return "latin" if character.isalpha() else None
    if _is_han(character):
        return "han"
    category = unicodedata.category(character)
    if category == "So":
        return "emoji"
    return "other" if category[0] in "LN" or category in ("Co", "Cs", "Cn") else None


@lru_cache(maxsize=8192)
def find_pool(character: str) -> str:
    """Return the characters that can stand for a character; itself alone if nothing else can.

    >>> find_pool("7"), find_pool("，"), "内" in find_pool("容")
    ('0123456789', '，', True)
    """
    kind, code = classify(character), ord(character)
    if kind is None:
        return character
    for plain in (_DIGITS, _LOWER, _LOWER.upper(), *_FULLWIDTH):
        if character in plain:
            return plain
    if kind == "han":
        return _find_han(character)
    if code in _UNDECODABLE:
        half = code < 0xDC80 + _FIRST_LEAD_BYTE
        return "".join(map(chr, range(0xDC80, 0xDCC0) if half else range(0xDCC0, 0xDD00)))
    if unicodedata.category(character) in ("Co", "Cn"):
        return "".join(map(chr, _PRIVATE[:_MAX_POOL])) if code in _PRIVATE else character
    lengths, encoded = _lengths(character), _gbk(character)
    if len(encoded) == 2 and encoded[1] < 0x80:  # signs of units and tones
        return character
    if kind == "emoji":
        return _emoji() if lengths[0] == 4 else _SYMBOLS.get(lengths, character)
    return _letters(lengths) or character


def _find_han(character: str) -> str:
    encoded = _gbk(character)
    if not encoded:
        return _letters((3, 0)) if character > "\u9fa5" else character
    return _usual_han() if encoded[1] >= 0x80 else _han_with_trail(encoded[1])
