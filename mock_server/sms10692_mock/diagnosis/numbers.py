"""Findings about the numbers of a send: separators, and values that are no mobile number.

The vendor accepts any value and charges for it; its report says that it could not be delivered (R5).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

_MOBILE: Final = re.compile("1[0-9]{10}")
MOBILE_DIGITS: Final = 11
_WIDTH: Final = MOBILE_DIGITS + 1
"""Characters of a number and its comma."""
_SHORTEST: Final = 10
"""Digits of a mobile number without one. A shorter piece is a group of the digits of one number."""

_SEPARATORS: Final[tuple[tuple[str, str], ...]] = (
    ("text.mobile-full-width-comma", "，"),
    ("text.mobile-semicolon", ";；"),
    ("text.mobile-newline", "\r\n"),
    ("text.mobile-separator", "、|/\\\t 　。"),
)
_ANY_SEPARATOR: Final = re.compile(f"[,{re.escape(''.join(separators for _, separators in _SEPARATORS))}]+")
_FULL_WIDTH_DIGITS: Final = {0xFF10 + digit: str(digit) for digit in range(10)}


class WrongNumber(NamedTuple):
    """One form of a wrong number: its finding code, its pattern, and the replacement that gives the number meant."""

    code: str
    pattern: re.Pattern[str]
    meant: str | None = None


def _form(code: str, pattern: str, meant: str | None = None) -> WrongNumber:
    return WrongNumber(f"text.number-{code}", re.compile(pattern, re.ASCII), meant)


_INVISIBLE: Final = r"[\u200b-\u200f\u202a-\u202e\u2060\ufeff\xa0]"

_FORMS: Final = (
    _form(
        "missing-value",
        r"(?i)undefined|[(<]?(?:null|nil|none)[)>]?|nan|\[object \w+\]|true|false|array|invalid date|\\n|"
        r"\#(?:n/a|value!|ref!|name\?|div/0!|null!|num!)",
    ),
    _form("json", r"""[\[{]*\{?\s*["']\w+["']\s*:.*|.*["']\s*\}\]?"""),
    _form("escaped-twice", r"1\d{10}(?:%2[Cc]1\d{10})+%?"),
    _form("masked", r"1\d{0,6}[*xX•＊]{2,10}\d{0,6}"),
    _form("invisible", rf"[\d+\s-]*{_INVISIBLE}.*"),
    _form("placeholder", r"[$#]?\{.*\}|%s|%d|%\(\w+\)s|<.*>"),
    _form("json", r"""\[+(?:\s*["'][^"']*["']\s*|[0-9+\s-]*)\]*|(?:["'][^"']*["']\s*|[0-9+\s-]*)\]+"""),
    _form("quotes", r"""["'`](\d*)["'`]?|(\d+)["'`]""", r"\1\2"),
    _form("country-code", r"(?:\+|00)?\s*\(?\+?86\)?[\s-]*(1\d{10}|1\d{2}[\s-]\d{4}[\s-]\d{4})", r"\1"),
    _form("foreign", r"(?:\+|00)[\d\s-]+"),
    _form("decimal", r"(1\d{10})\.0*", r"\1"),
    _form("exponent", r"\d(?:\.\d+)?[eE]\+?\d+"),
    _form("joined", r"(?:1\d{10}){2,}"),
    _form("spaces", r"(1\d{1,3})[\s.-]+(\d{3,4})[\s.-]+(\d{4})", r"\1\2\3"),
    _form("not-mobile", r"[02-9]\d{10}"),
    _form("landline", r"\(?0\d{2,3}\)?[\s-]?\d{7,8}(?:[-#x转]\d{1,6})?|[48]00[\s-]?\d{3}[\s-]?\d{4}"),
    _form("length", r"\d+"),
    _form("not-digits", r"(?s).+"),
)
"""Forms of wrong numbers. The first that matches a whole value is reported.

**Two repetitions side by side must not match the same character**: a value may have megabytes.
"""


def are_plain(mobile: str) -> bool:
    """Return whether a list is only mobile numbers separated by commas. Takes microseconds for thousands of numbers.

    >>> are_plain("15023239810,13527576163"), are_plain("15023239810,1352757616"), are_plain("8615023239810")
    (True, False, False)
    """
    count, rest = divmod(len(mobile) + 1, _WIDTH)
    if rest or not mobile.isascii():
        return False
    return (
        mobile[MOBILE_DIGITS::_WIDTH] == "," * (count - 1)
        and mobile[::_WIDTH] == "1" * count
        and mobile.count(",") == count - 1
        and mobile.replace(",", "").isdigit()
    )


def check_mobile(mobile: str) -> Iterator[tuple[str, Sequence[str], str | None]]:
    """Yield finding codes with values and the corrected list, if it is known.

    White space around numbers (R5) and a last comma (Q15) are valid.
    """
    values = [value for part in mobile.split(",") if (value := part.strip())]
    separated = list(_check_separators(values))
    if separated:
        yield from separated
        return
    first: dict[WrongNumber, tuple[str, int]] = {}
    for value in values:
        if not _MOBILE.fullmatch(value):
            form = next(form for form in _FORMS if form.pattern.fullmatch(value))
            example, count = first.get(form, (value, 0))
            first[form] = example, count + 1
    corrected = ",".join(filter(None, map(_correct, values))) if first else ""
    for form, (example, count) in first.items():
        values_of_sentence: tuple[str, ...] = (example, str(count), str(len(values)))
        if form.code == "text.number-length":
            values_of_sentence = (example, str(len(example)), *values_of_sentence[1:])
        yield form.code, values_of_sentence, corrected if form.meant or form.code in _CORRECTABLE else None


_CORRECTABLE: Final = ("text.number-json", "text.number-joined", "text.number-escaped-twice")


def _correct(value: str) -> str:
    for form in _FORMS:
        if form.meant and form.pattern.fullmatch(value):
            return re.sub(r"[\s-]", "", form.pattern.sub(form.meant, value))
    if re.fullmatch("(?:1[0-9]{10}){2,}", value):
        return ",".join(re.findall("[0-9]{11}", value))
    return re.sub("%2[Cc]", ",", value).strip("[]\"' ")


def _check_separators(values: Sequence[str]) -> Iterator[tuple[str, Sequence[str], str]]:
    """Yield the separators that stand between whole numbers; white space inside one number is no separator."""
    text = ",".join(values)
    plain = text.translate(_FULL_WIDTH_DIGITS)
    found = [code for code, separators in _SEPARATORS if any(separator in text for separator in separators)]
    pieces = [piece for piece in _ANY_SEPARATOR.split(plain) if piece]
    if found and all(len(piece) >= _SHORTEST or not piece.isdigit() for piece in pieces):
        if all(_MOBILE.fullmatch(piece) for piece in pieces) or any(map(_MOBILE.fullmatch, pieces)):
            for code in found:
                yield code, (), ",".join(pieces)
    elif found and found != ["text.mobile-separator"]:
        for code in found:
            yield code, (), ",".join(pieces)
    if plain != text:
        yield "text.mobile-full-width-digits", (), ",".join(pieces)
