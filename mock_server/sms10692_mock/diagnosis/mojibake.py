"""Repair of garbled text (mojibake): one function per encoding mistake, listed in `REPAIRS`.

Each repair takes a decoded text and returns the repaired text, or None if the text does not show that mistake. The
module also measures how plausible a text is as Chinese. Charsets of undecoded bytes are handled in `text`.
"""

import base64
import binascii
import html
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

LOST_CHARACTER: Final = "□"
"""Placeholder for a character that cannot be recovered."""

_REPLACEMENT: Final = "\ufffd"


@lru_cache(maxsize=8192)
def _is_common(character: str) -> bool:
    """Return whether this is one of the 3,755 most used Chinese characters (level 1 of GB 2312) or punctuation."""
    try:
        raw = character.encode("gbk")
    except UnicodeEncodeError:
        return False
    lead, trail = raw[0], raw[-1]
    return trail >= 0xA1 and (lead in (0xA1, 0xA3) or 0xB0 <= lead <= 0xD7)


def is_chinese(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\u3000" <= character <= "\u303f" or "\uff00" <= character <= "\uffef"


def rare_character_ratio(text: str) -> float:
    """Return the share (0 to 1) of the non-ASCII characters that are not common Chinese."""
    non_ascii = [character for character in text if character > "\x7f"]
    return sum(not _is_common(character) for character in non_ascii) / len(non_ascii) if non_ascii else 0.0


def is_more_plausible(text: str, other: str) -> bool:
    """Return whether `text` is clearly Chinese and `other`, a second decoding of the same bytes, is not.

    False in case of doubt. Four Chinese characters are sufficient, because GBK bytes almost never decode to four
    Chinese characters in UTF-8.
    """
    chinese = sum(map(is_chinese, text))
    return chinese >= 4 or (chinese >= 2 and rare_character_ratio(text) <= 0.25 < rare_character_ratio(other))


def decode_or_none(raw: bytes, charset: str) -> str | None:
    """Decode `raw`; None if the bytes are invalid in the charset."""
    try:
        return raw.decode(charset)
    except UnicodeDecodeError:
        return None


def utf_8_read_as_latin_1(text: str) -> str | None:
    """
    >>> utf_8_read_as_latin_1("å\\x86\\x85å®¹")
    '内容'
    """
    if text.isascii() or max(text) > "\xff":
        return None
    return decode_or_none(text.encode("latin-1"), "utf-8")


def _encode_windows_1252(character: str) -> bytes:
    """Encode a character in Windows-1252; empty if that is impossible.

    The five bytes that the code page leaves undefined map to themselves, as on Windows.
    """
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1", "ignore")


def utf_8_read_as_windows_1252(text: str) -> str | None:
    """
    >>> utf_8_read_as_windows_1252("å†…å®¹")
    '内容'
    """
    if text.isascii():
        return None
    raw = [_encode_windows_1252(character) for character in text]
    return decode_or_none(b"".join(raw), "utf-8") if all(raw) else None


def utf_8_read_as_gbk(text: str) -> str | None:
    """
    >>> utf_8_read_as_gbk("鎮ㄥソ锛岄獙璇佺爜"), utf_8_read_as_gbk("鎮ㄥソ锛?1234"), utf_8_read_as_gbk("你好")
    ('您好，验证码', '您好□1234', None)
    """
    if text.isascii():
        return None
    try:
        repaired = text.encode("gbk").decode("utf-8")
    except UnicodeError:
        return _repair_partially(text)
    return repaired if is_more_plausible(repaired, text) else None


def _repair_partially(text: str) -> str | None:
    """Repair UTF-8 read as GBK where some bytes are already lost, most often an odd byte after Chinese text."""
    if "?" not in text and _REPLACEMENT not in text:
        return None
    raw = b"".join(
        b"\xff" if character in (_REPLACEMENT, "?") else character.encode("gbk", "replace") for character in text
    )
    repaired = re.sub("\ufffd+", _REPLACEMENT, raw.decode("utf-8", "replace"))
    intact = repaired.replace(_REPLACEMENT, "")
    if sum(map(is_chinese, intact)) < 2 or rare_character_ratio(intact) > 0.25 or rare_character_ratio(text) <= 0.5:
        return None
    return repaired.replace(_REPLACEMENT, LOST_CHARACTER)


def gbk_read_as_latin_1(text: str) -> str | None:
    """
    >>> gbk_read_as_latin_1("ÄÚÈÝ"), gbk_read_as_latin_1("naïve café")
    ('内容', None)
    """
    if text.isascii() or not re.fullmatch("(?:[\0-\x7f]|[\xa1-\xfe]{2})*", text):
        return None
    repaired = decode_or_none(text.encode("latin-1"), "gbk")
    return repaired if repaired and sum(map(is_chinese, repaired)) >= 2 and not rare_character_ratio(repaired) else None


def percent_encoded_twice(text: str) -> str | None:
    """
    >>> percent_encoded_twice("%E5%86%85%E5%AE%B9+1"), percent_encoded_twice("%u5185%u5bb9")
    ('内容 1', '内容')
    >>> percent_encoded_twice("see example.com/?q=%E5%86%85"), percent_encoded_twice("100%25")
    (None, None)
    """
    if "%" not in text:
        return None
    if re.search(r"%u[0-9A-Fa-f]{4}", text):
        return _join_surrogates(re.sub(r"%u([0-9A-Fa-f]{4})", lambda found: chr(int(found[1], 16)), text))
    if not re.fullmatch(r"(?:[\w.~!*'()+-]|%[0-9A-Fa-f]{2})+", text, re.ASCII):
        return None
    raw = unquote_to_bytes(text.replace("+", " "))
    repaired = decode_or_none(raw, "utf-8") or decode_or_none(raw, "gbk")
    if repaired is None or not (repaired.isprintable() or "\n" in repaired):
        return None
    if not repaired.isascii():
        return repaired if any(map(is_chinese, repaired)) else None
    return repaired if len(re.findall(r"%[0-7][0-9A-Fa-f]", text)) >= 2 else None


def _join_surrogates(text: str) -> str:
    """Join surrogate pairs into characters."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def byte_order_mark(text: str) -> str | None:
    """Remove a byte order mark at the start."""
    return text.lstrip("\ufeff") if text.startswith("\ufeff") else None


def bytes_literal(text: str) -> str | None:
    r"""
    >>> bytes_literal(r"b'\xe5\x86\x85\xe5\xae\xb9'")
    '内容'
    """
    if not re.fullmatch(r"""b(['"])[\x20-\x7e]*\1""", text) or "\\x" not in text:
        return None
    raw = re.sub(rb"\\x([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), text[2:-1].encode())
    return decode_or_none(raw, "utf-8") or decode_or_none(raw, "gbk")


def from_base64(text: str) -> str | None:
    """
    >>> from_base64("5YaF5a65"), from_base64("password")
    ('内容', None)
    """
    if len(text) < 8 or len(text) % 4 or not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", text):
        return None
    try:
        repaired = decode_or_none(base64.b64decode(text, validate=True), "utf-8")
    except binascii.Error:
        return None
    return (
        repaired
        if repaired and sum(map(is_chinese, repaired)) >= 2 and rare_character_ratio(repaired) <= 0.25
        else None
    )


def from_hexadecimal(text: str) -> str | None:
    """
    >>> from_hexadecimal("E58685E5AEB9"), from_hexadecimal("60a8597dff0c60a87684"), from_hexadecimal("C4DAC8DDD1E9")
    ('内容', '您好，您的', '内容验')
    >>> from_hexadecimal("15023239810086"), from_hexadecimal("DEADBEEFCAFE")
    (None, None)
    """
    if len(text) < 12 or len(text) % 2 or text.isdecimal() or not re.fullmatch(r"[0-9A-Fa-f]+", text):
        return None
    raw = bytes.fromhex(text)
    for charset in ("utf-8", "gbk", "utf-16-be"):
        repaired = decode_or_none(raw, charset)
        if repaired and sum(map(is_chinese, repaired)) >= len(repaired) / 3 and not rare_character_ratio(repaired):
            return repaired
    return None


_EMOJI_READ_AS_GBK: Final = re.compile("馃.")
"""The first two of an emoji's four bytes in UTF-8 are this character in GBK. In 煎饼馃子 the last two are no UTF-8."""


def emoji_read_as_gbk(text: str) -> str | None:
    """
    >>> emoji_read_as_gbk("下单成功馃榾"), emoji_read_as_gbk("煎饼馃子")
    ('下单成功😀', None)
    """
    repaired = _EMOJI_READ_AS_GBK.sub(
        lambda found: decode_or_none(found[0].encode("gbk", "replace"), "utf-8") or found[0], text
    )
    return repaired if repaired != text else None


def escapes(text: str) -> str | None:
    r"""
    >>> escapes(r"\u5185\u5bb9 \ud83d\ude00")
    '内容 😀'
    """
    repaired = re.sub(r"\\u([0-9A-Fa-f]{4})", lambda found: chr(int(found[1], 16)), text)
    return _join_surrogates(repaired) if repaired != text else None


_ENTITY: Final = re.compile(r"&(?:#[0-9]{2,7}|#[xX][0-9A-Fa-f]{2,6}|[A-Za-z]{2,10}[0-9]{0,2});")


def entities(text: str) -> str | None:
    """
    >>> entities("&#20869;&#x5bb9; A&amp;B"), entities("R&D; A&B")
    ('内容 A&B', None)
    """
    repaired = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    return repaired if repaired != text else None


def unseen_characters(text: str) -> str | None:
    """Remove control characters (except line ends and tabs), zero-width spaces and byte order marks."""
    repaired = re.sub("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2060\ufeff]", "", text)
    return repaired if repaired != text else None


def replacement_characters(text: str) -> str | None:
    """
    >>> replacement_characters("\\ufffd容"), replacement_characters("锟斤拷锟斤拷容")
    ('□容', '□□□□容')
    """
    repaired = text.replace("锟斤拷", LOST_CHARACTER * 2).replace(_REPLACEMENT, LOST_CHARACTER)
    return repaired if repaired != text else None


_LOST_IN_QUESTION_MARKS: Final = re.compile(
    r"""
      (?:(?<=^)|(?<=[(\[{<:=,/\-]))[?]{2,}       # not at the end of a sentence
    | (?<=\s)[?]{2,}(?=\S)
    | (?<=\s)[?]{4,}
    | (?<![A-Za-z0-9?!.,;'")\]}%*])[?]{2,}(?=[A-Za-z0-9])
    """,
    re.VERBOSE,
)


def question_marks(text: str) -> str | None:
    """Replace runs of question marks in an ASCII text, except where they may end a sentence.

    >>> question_marks("??????1234, ??!"), question_marks("Really??? Yes"), question_marks("真的???")
    ('□□□□□□1234, □□!', None, None)
    """
    if not text.isascii() or not _LOST_IN_QUESTION_MARKS.search(text):
        return None
    return re.sub(r"[?]{2,}", lambda found: LOST_CHARACTER * len(found[0]), text)


REPAIRS: Final[tuple[tuple[str, Callable[[str], str | None]], ...]] = (
    ("text.byte-order-mark", byte_order_mark),
    ("text.utf-8-read-as-latin-1", utf_8_read_as_latin_1),
    ("text.utf-8-read-as-windows-1252", utf_8_read_as_windows_1252),
    ("text.utf-8-read-as-gbk", utf_8_read_as_gbk),
    ("text.emoji-read-as-gbk", emoji_read_as_gbk),
    ("text.gbk-read-as-latin-1", gbk_read_as_latin_1),
    ("text.percent-encoded-twice", percent_encoded_twice),
    ("text.bytes-literal", bytes_literal),
    ("text.base64", from_base64),
    ("text.hexadecimal", from_hexadecimal),
    ("text.escapes", escapes),
    ("text.entities", entities),
    ("text.unseen-characters", unseen_characters),
    ("text.replacement-characters", replacement_characters),
    ("text.question-marks", question_marks),
)
"""Finding code and repair. They are applied in this order, each to the result of the one before."""
