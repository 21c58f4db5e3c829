"""What may stand in a parameter, right and wrong: as strategies that the checks draw from.

Here belong the kinds of values, each by the clause of the manual or the reading that says what is right. What the
vendor must answer to them is the affair of the families.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias

from hypothesis import strategies as st

from sms10692_contract.requests import GBK, UTF8
from sms10692_contract.safety import INVALID_SIGN

Texts: TypeAlias = st.SearchStrategy[str]

PAGES: Final = (UTF8, GBK)
PAGE: Final = st.sampled_from(PAGES)


def _texts(characters: Texts) -> Texts:
    """Texts made character by character: `st.text` tries literals of our own code too, and a forbidden word is one."""
    return st.lists(characters, max_size=8).map("".join)


UTF8_TEXT: Final = _texts(st.characters(exclude_categories=["Cs", "Cc"]))
GBK_TEXT: Final = _texts(st.characters(codec="gbk", exclude_categories=["Cs", "Cc"]))
TEXT: Final = {UTF8: UTF8_TEXT, GBK: GBK_TEXT}
"""Texts that the charset of a page has."""

BLANKS: Final = st.text(" \t\r\n\u3000", max_size=4)
"""Nothing, or white space (R2, R9, R18)."""

CREDENTIAL: Final = st.sampled_from(["userid", "timestamp", "sign"])


def random_case(text: str) -> Texts:
    """The same letters, each in either case."""
    return st.tuples(*(st.sampled_from([one.lower(), one.upper()]) for one in text)).map("".join)


def _broken(rights: Texts, strange: str) -> Texts:
    """What is right, with one character of these in it."""
    return st.builds(
        lambda right, at, one: right[: at % (len(right) + 1)] + one + right[at % (len(right) + 1) :],
        rights,
        st.integers(0, 20),
        st.sampled_from(strange),
    )


# Credentials

NO_SIGNATURE: Final = st.text("0123456789abcdef", min_size=32, max_size=32) | st.just(INVALID_SIGN)
"""The MD5 of something else."""

RECENT: Final = st.integers(0, 30)
"""Seconds ago: a timestamp is the time it is (1.2), and clocks may differ a little."""


def any_timestamp(page: str) -> Texts:
    """Any text that is not blank (R3), in the charset of the page."""
    return st.builds(lambda first, rest: first + rest, st.sampled_from("019a年"), TEXT[page])


# Texts of messages


def ordinary(page: str) -> Texts:
    """A text that nothing is wrong with: no quote, semicolon, bracket or underscore, which injections need."""
    calm = {
        UTF8: _texts(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="';(_")),
        GBK: _texts(st.characters(codec="gbk", exclude_categories=["Cs", "Cc"], exclude_characters="';(_")),
    }
    return calm[page].map(lambda text: f"内{text}")


def near_misses(word: str) -> Texts:
    """Texts of a word's own characters, in which it does not stand."""
    pieces = [*word, word[:-1], word[1:], word[::-1], " ", "，", "内容"]
    texts = st.lists(st.sampled_from(pieces), min_size=1, max_size=6).map("".join)
    return texts.filter(lambda text: word.lower() not in text.lower())


_SPACE: Final = st.text(" \t\r\n", max_size=2)

_QUOTED: Final = st.builds(
    lambda space, rest: f"'{space}{rest}", _SPACE, random_case("or") | random_case("and") | st.sampled_from(["--", ";"])
)
_UNION: Final = st.builds(
    lambda union, space, select: f"{union} {space}{select}", random_case("union"), _SPACE, random_case("select")
)
_CHANGE: Final = st.sampled_from([";drop", ";delete", ";insert", ";update"]).flatmap(random_case)

INJECTIONS: Final = st.builds(
    lambda before, injection, after: f"{before}{injection}{after}",
    st.sampled_from(["", "内容 ", "x "]),
    _QUOTED | _UNION | _CHANGE | random_case("exec(") | random_case("xp_cmdshell"),
    st.sampled_from(["", " 1=1", " x'", " 内容"]),
)
"""R8: what counts as an sql injection, among other text."""

_HARMLESS: Final = (
    *("it's ours", "'s", "select", "union", "or", "and", "--", "drop", "delete", "insert into", "; update"),
    *("exec", "(1)", "exp_date", "executive", "unionselect", "x-p", ";x", "内容", "1=1"),
)
_INJECTION: Final = re.compile(
    r"'\s*(or|and|--|;)|union\s+select|;(drop|delete|insert|update)|exec\(|\bxp_", re.IGNORECASE
)

NO_INJECTIONS: Final = (
    st.lists(st.sampled_from(_HARMLESS), min_size=1, max_size=5)
    .map(" ".join)
    .filter(lambda text: not _INJECTION.search(text))
)
"""R8: what does not, of the same words."""

# Numbers

HANDSET: Final = st.integers(13000000000, 19999999999).map(str)
"""11 digits beginning with 1, and none of the reserved (R13)."""

NO_HANDSET: Final = st.one_of(
    st.text("0123456789", min_size=1, max_size=10),
    st.text("0123456789", min_size=12, max_size=15),
    st.integers(20000000000, 99999999999).map(str),
    _broken(HANDSET, "x+-."),
)
"""What is no mobile number (R5)."""


def numbers(count: int) -> list[str]:
    """So many handsets, each once."""
    return [str(13000000000 + place) for place in range(count)]


UNKNOWN_USERIDS: Final = st.text(" ,\t", max_size=5)
"""No number at all (R5)."""

COUNT: Final = st.integers(1, 4)

# extno, sendTime, statusNum

EXTNO: Final = st.text("0123456789", max_size=10)
NO_EXTNO: Final = (
    st.text("0123456789", min_size=11, max_size=20)
    | st.text("x-+.１", min_size=1, max_size=10)
    | _broken(st.text("0123456789", min_size=1, max_size=9), "x-+.１ \n")
)
"""Neither blank nor one to ten digits (R9)."""

_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
PAST: Final = st.datetimes(datetime(1970, 1, 2), datetime(2020, 1, 1)).map(lambda moment: moment.strftime(_FORMAT))


def _replaced(right: str, place: int, one: str) -> str:
    at = place % len(right)
    return right[:at] + one + right[at + 1 :]


_NO_DAY: Final = st.builds(
    lambda year, day, time: f"{year}-{day} {time}",
    st.integers(1970, 2100),
    st.sampled_from(["00-10", "13-01", "01-00", "01-32", "02-30", "04-31", "11-31", "99-99"]),
    st.sampled_from(["00:00:00", "09:08:10"]),
)
_NO_TIME: Final = st.sampled_from(["24:00:00", "23:60:00", "23:59:60", "99:99:99"]).map(
    lambda time: f"2010-10-24 {time}"
)

NO_SEND_TIME: Final = st.one_of(
    _NO_DAY,
    _NO_TIME,
    st.builds(_replaced, PAST, st.integers(0, 18), st.sampled_from("x/１ .T")).filter(
        lambda text: not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text, re.ASCII)
    ),
    st.builds(_replaced, PAST, st.integers(0, 18), st.just("")),
    _broken(PAST, "x0 \n"),
)
"""Neither blank nor a moment as 1.2 writes it (R9)."""

NO_STATUS_NUM: Final = (
    st.text("0", min_size=1, max_size=5)
    | st.text("x-+.,eE", min_size=1, max_size=4)
    | _broken(st.integers(1, 4000).map(str), "x-+., １\n")
)
"""Neither blank nor a whole number from one (R10)."""


def no_action(*actions: str) -> Texts:
    """What is none of a page's actions: one in other letters, a part of it, another word (1.2, R10)."""
    near = [st.sampled_from([f"{one} ", f" {one}", one[:-1], f"{one}s"]) | random_case(one) for one in actions]
    return st.one_of(st.just(""), st.text("abcdefq", max_size=6), *near).filter(lambda text: text not in actions)


SEND_ACTIONS: Final = ("send", "overage", "checkkeyword")


Kinds: TypeAlias = Sequence[tuple[str, Texts]]


def one_wrong(kinds: Kinds) -> st.SearchStrategy[dict[str, str]]:
    """One parameter with a value of its kind."""
    return st.one_of(*(st.builds(lambda name, value: {name: value}, st.just(name), values) for name, values in kinds))


def wrong_send(forbidden: str) -> st.SearchStrategy[dict[str, str]]:
    """What of a send can be wrong, one thing at a time, so that every account is refused."""
    with_word = st.builds(lambda before, after: before + forbidden + after, UTF8_TEXT, UTF8_TEXT)
    kinds: Kinds = (
        ("mobile", UNKNOWN_USERIDS),
        ("content", BLANKS),
        ("content", with_word),
        ("content", INJECTIONS),
        ("extno", NO_EXTNO),
        ("sendTime", NO_SEND_TIME),
        ("sign", NO_SIGNATURE),
        ("sign", BLANKS),
        ("userid", BLANKS),
        ("timestamp", BLANKS),
        ("action", no_action(*SEND_ACTIONS)),
    )
    return one_wrong(kinds)


WRONG_FETCH: Final[Kinds] = (
    ("sign", BLANKS | NO_SIGNATURE),
    ("userid", BLANKS),
    ("timestamp", BLANKS),
    ("action", no_action("query")),
    ("statusNum", NO_STATUS_NUM),
)
"""What of a fetch can be wrong; the last only on the status page (R10)."""
