"""Hypothesis strategies: valid and invalid values of every parameter, by the chapter or reading that defines them."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias

from hypothesis import strategies as st

from sms10692_contract.requests import GBK, UTF8
from sms10692_contract.safety import INVALID_SIGN

Texts: TypeAlias = st.SearchStrategy[str]

SEND_ENDPOINTS: Final = (UTF8, GBK)
SEND_ENDPOINT: Final = st.sampled_from(SEND_ENDPOINTS)


def _texts(characters: Texts) -> Texts:
    """Build texts character by character. `st.text` would also try literals of this code, such as forbidden words."""
    return st.lists(characters, max_size=8).map("".join)


UTF8_TEXT: Final = _texts(st.characters(exclude_categories=["Cs", "Cc"]))
GBK_TEXT: Final = _texts(st.characters(codec="gbk", exclude_categories=["Cs", "Cc"]))
TEXT: Final = {UTF8: UTF8_TEXT, GBK: GBK_TEXT}
"""Texts that can be encoded in the charset of an endpoint."""

PARAMETER_NAMES: Final = st.frozensets(
    st.sampled_from(["userid", "timestamp", "sign", "action", "content"]), min_size=1
)
"""Some parameters of a checkkeyword request."""

BLANK: Final = st.text(" \t\r\n\u3000", max_size=4)
"""Empty or white space (R2, R9, R18)."""

CREDENTIAL_NAME: Final = st.sampled_from(["userid", "timestamp", "sign"])


def random_case(text: str) -> Texts:
    """Randomize the case of each letter."""
    return st.tuples(*(st.sampled_from([character.lower(), character.upper()]) for character in text)).map("".join)


def _with_one_invalid_character(valid_values: Texts, characters: str) -> Texts:
    """Insert one of `characters` into a valid value."""
    return st.builds(
        lambda valid, position, character: (
            valid[: position % (len(valid) + 1)] + character + valid[position % (len(valid) + 1) :]
        ),
        valid_values,
        st.integers(0, 20),
        st.sampled_from(characters),
    )


# Credentials

WRONG_SIGNATURE: Final = st.text("0123456789abcdef", min_size=32, max_size=32) | st.just(INVALID_SIGN)
"""Wrong signatures."""

TIMESTAMP_AGE: Final = st.integers(0, 30)
"""Age of a valid timestamp in seconds: the current time (1.2), with tolerance for clock differences."""


def any_timestamp(endpoint: str) -> Texts:
    """Build timestamps: any text that is not blank (R3), in the charset of the endpoint."""
    return st.builds(lambda first, rest: first + rest, st.sampled_from("019a年"), TEXT[endpoint])


# Texts of messages


def ordinary_text(endpoint: str) -> Texts:
    """Build valid texts, without quote, semicolon, bracket and underscore, which injections need."""
    texts = {
        UTF8: _texts(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="';(_")),
        GBK: _texts(st.characters(codec="gbk", exclude_categories=["Cs", "Cc"], exclude_characters="';(_")),
    }
    return texts[endpoint].map(lambda text: f"内{text}")


def near_misses(word: str) -> Texts:
    """Build texts of a word's characters that do not contain the word."""
    fragments = [*word, word[:-1], word[1:], word[::-1], " ", "，", "内容"]
    texts = st.lists(st.sampled_from(fragments), min_size=1, max_size=6).map("".join)
    return texts.filter(lambda text: word.lower() not in text.lower())


_SPACE: Final = st.text(" \t\r\n", max_size=2)

_QUOTED: Final = st.builds(
    lambda space, rest: f"'{space}{rest}", _SPACE, random_case("or") | random_case("and") | st.sampled_from(["--", ";"])
)
_UNION: Final = st.builds(
    lambda union, space, select: f"{union} {space}{select}", random_case("union"), _SPACE, random_case("select")
)
_CHANGE: Final = st.sampled_from([";drop", ";delete", ";insert", ";update"]).flatmap(random_case)

INJECTION: Final = st.builds(
    lambda before, injection, after: f"{before}{injection}{after}",
    st.sampled_from(["", "内容 ", "x "]),
    _QUOTED | _UNION | _CHANGE | random_case("exec(") | random_case("xp_cmdshell"),
    st.sampled_from(["", " 1=1", " x'", " 内容"]),
)
"""Texts that contain an SQL injection (R8)."""

INJECTIONS: Final = (
    *("x'AND y", "a'--", "';", "1 UNION  SELECT 2", "x;drop table t", ";Delete", ";insert", ";update"),
    *("exec(1)", "xp_cmdshell", "'or 1", "' or 1=1"),
)
"""One text of each kind of SQL injection (R8)."""

NEARLY_INJECTIONS: Final = (
    *(f"it{quote}s {quote} or 1=1" for quote in '’‘＇′`´"'),
    *("x’or y", "’--", "’;", "；drop table t", "；delete", "ｕnion select", "union\u3000ｓelect", "'－－"),
    *("' ｏｒ 1", "'ａｎｄ x", "＇and x", "exec（1）", "x＿p", "'order'", "'android", "'origin'"),
)
"""Texts of characters that only look like those of an SQL injection, and of words that only begin like one (R8)."""

_HARMLESS_WORDS: Final = (
    *("it's ours", "'s", "select", "union", "or", "and", "--", "drop", "delete", "insert into", "; update"),
    *("exec", "(1)", "exp_date", "executive", "unionselect", "x-p", ";x", "内容", "1=1"),
)
_INJECTION_PATTERN: Final = re.compile(
    r"'\s*(or|and|--|;)|union\s+select|;(drop|delete|insert|update)|exec\(|\bxp_", re.IGNORECASE
)

HARMLESS_TEXT: Final = (
    st.lists(st.sampled_from(_HARMLESS_WORDS), min_size=1, max_size=5)
    .map(" ".join)
    .filter(lambda text: not _INJECTION_PATTERN.search(text))
)
"""Texts of similar words that contain no SQL injection (R8)."""

# Numbers

MOBILE: Final = st.integers(13000000000, 19999999999).map(str)
"""Valid mobile numbers: 11 digits beginning with 1, without the reserved numbers (R13)."""

INVALID_MOBILE: Final = st.one_of(
    st.text("0123456789", min_size=1, max_size=10),
    st.text("0123456789", min_size=12, max_size=15),
    st.integers(20000000000, 99999999999).map(str),
    _with_one_invalid_character(MOBILE, "x+-."),
)
"""Invalid mobile numbers (R5)."""


def build_mobiles(count: int) -> list[str]:
    """Return `count` different mobile numbers."""
    return [str(13000000000 + index) for index in range(count)]


EMPTY_MOBILE_LIST: Final = st.text(" ,\t", max_size=5)
"""Values of `mobile` without any number (R5)."""

MOBILE_COUNT: Final = st.integers(1, 4)

# extno, sendTime, statusNum

EXTNO: Final = st.text("0123456789", max_size=10)
INVALID_EXTNO: Final = (
    st.text("0123456789", min_size=11, max_size=20)
    | st.text("x-+.１", min_size=1, max_size=10)
    | _with_one_invalid_character(st.text("0123456789", min_size=1, max_size=9), "x-+.１ \n")
)
"""Invalid values of extno: neither blank nor one to ten digits (R9)."""

_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
PAST_SEND_TIME: Final = st.datetimes(datetime(1970, 1, 2), datetime(2020, 1, 1)).map(
    lambda time: time.strftime(_FORMAT)
)


def _replace_character(valid: str, index: int, character: str) -> str:
    position = index % len(valid)
    return valid[:position] + character + valid[position + 1 :]


_INVALID_DATE: Final = st.builds(
    lambda year, day, time: f"{year}-{day} {time}",
    st.integers(1970, 2100),
    st.sampled_from(["00-10", "13-01", "01-00", "01-32", "02-30", "04-31", "11-31", "99-99"]),
    st.sampled_from(["00:00:00", "09:08:10"]),
)
_INVALID_TIME: Final = st.sampled_from(["24:00:00", "23:60:00", "23:59:60", "99:99:99"]).map(
    lambda time: f"2010-10-24 {time}"
)

INVALID_SEND_TIME: Final = st.one_of(
    _INVALID_DATE,
    _INVALID_TIME,
    st.builds(_replace_character, PAST_SEND_TIME, st.integers(0, 18), st.sampled_from("x/１ .T")).filter(
        lambda text: not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text, re.ASCII)
    ),
    st.builds(_replace_character, PAST_SEND_TIME, st.integers(0, 18), st.just("")),
    _with_one_invalid_character(PAST_SEND_TIME, "x0 \n"),
)
"""Invalid values of sendTime: neither blank nor a time in the format of 1.2 (R9)."""

INVALID_STATUS_NUM: Final = (
    st.text("0", min_size=1, max_size=5)
    | st.text("x-+.,eE", min_size=1, max_size=4)
    | _with_one_invalid_character(st.integers(1, 4000).map(str), "x-+., １\n")
)
"""Invalid values of statusNum: neither blank nor a positive integer (R10)."""


def invalid_actions(*actions: str) -> Texts:
    """Build invalid actions: an action in another case, with one character more or less, or another word (1.2, R10)."""
    similar = [
        st.sampled_from([f"{action} ", f" {action}", action[:-1], f"{action}s"]) | random_case(action)
        for action in actions
    ]
    return st.one_of(st.just(""), st.text("abcdefq", max_size=6), *similar).filter(lambda text: text not in actions)


SEND_ACTIONS: Final = ("send", "overage", "checkkeyword")


FieldStrategies: TypeAlias = Sequence[tuple[str, Texts]]


def one_invalid_field(fields: FieldStrategies) -> st.SearchStrategy[dict[str, str]]:
    """Build one parameter with a value of its strategy."""
    return st.one_of(*(st.builds(lambda name, value: {name: value}, st.just(name), values) for name, values in fields))


def invalid_send(forbidden: str) -> st.SearchStrategy[dict[str, str]]:
    """Build one invalid field of a send, with which every account is refused."""
    with_word = st.builds(lambda before, after: before + forbidden + after, UTF8_TEXT, UTF8_TEXT)
    fields: FieldStrategies = (
        ("mobile", EMPTY_MOBILE_LIST),
        ("content", BLANK),
        ("content", with_word),
        ("content", INJECTION),
        ("extno", INVALID_EXTNO),
        ("sendTime", INVALID_SEND_TIME),
        ("sign", WRONG_SIGNATURE),
        ("sign", BLANK),
        ("userid", BLANK),
        ("timestamp", BLANK),
        ("action", invalid_actions(*SEND_ACTIONS)),
    )
    return one_invalid_field(fields)


INVALID_FETCH: Final[FieldStrategies] = (
    ("sign", BLANK | WRONG_SIGNATURE),
    ("userid", BLANK),
    ("timestamp", BLANK),
    ("action", invalid_actions("query")),
    ("statusNum", INVALID_STATUS_NUM),
)
"""Invalid fields of a fetch. statusNum is checked for reports only (R10)."""
