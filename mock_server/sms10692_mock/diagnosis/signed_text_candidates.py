"""Which texts may a client have hashed in place of account, password and timestamp?

Here belong the mistakes, as tables and the rows that come of them, the likely ones first. How the digest is written
is the affair of `digests`, which timestamps there may be that of `moments`.
"""

import base64
import hashlib
import html
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice, permutations, product
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import quote, quote_plus

from sms10692_mock.diagnosis.timestamp_candidates import always_tried, moment_of, other_moments, same_moment
from sms10692_mock.domain.accounts import Account

OTHERS_TRIED: Final = 500
"""Other accounts whose names and passwords are tried."""

_EXTRA_MAX: Final = 5000
"""Characters of a text beyond which nobody is supposed to have signed it."""


class SigningInputs(NamedTuple):
    """The values that a client may have hashed, and the time."""

    account: str
    password: str
    userid: str
    timestamp: str
    extras: Sequence[tuple[str, str]]
    others: Sequence[Account]
    now: float

    @property
    def moment(self) -> datetime | None:
        return moment_of(self.timestamp)

    @property
    def parts(self) -> tuple[str, str, str]:
        return self.account, self.password, self.timestamp

    @property
    def text(self) -> str:
        return "".join(self.parts)


Candidate: TypeAlias = tuple[str, str, str | bytes]
"""A mistake: its code, what its sentence leaves open, and the text that would have been hashed. As bare as `Signed`."""

Rows: TypeAlias = Iterator[Candidate]
Write: TypeAlias = Callable[[str], str]

_NAMES: Final = ("account", "password", "timestamp")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _named(names: Sequence[str]) -> str:
    return ", ".join(names)


def _chosen(choice: Sequence[object]) -> str:
    """The names of the parts for which something was chosen."""
    return _named([name for name, chosen in zip(_NAMES, choice, strict=True) if chosen])


def _orders(known: SigningInputs) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Every order of the three parts, with the account and with the userid: names and values."""
    for first, name in ((known.account, "account"), (known.userid, "userid")):
        for order in permutations(((name, first), ("password", known.password), ("timestamp", known.timestamp))):
            yield tuple(part for part, _ in order), tuple(value for _, value in order)


def _arrangement(names: tuple[str, ...]) -> str:
    if "password" not in names:
        return "signature.no-password"
    if "timestamp" not in names:
        return "signature.no-timestamp"
    if "userid" in names:
        return "signature.userid-too" if "account" in names else "signature.userid-for-account"
    return "signature.order" if "account" in names else "signature.no-account"


def arrangements(known: SigningInputs) -> Rows:
    """Every order of every choice of the parts, the right one left out."""
    values = {
        "account": known.account,
        "password": known.password,
        "timestamp": known.timestamp,
        "userid": known.userid,
    }
    for count in (3, 2, 4, 1):
        for names in permutations(values, count):
            if names != _NAMES:
                yield _arrangement(names), _named(names), "".join(values[name] for name in names)
    yield "signature.nothing-signed", "", ""


_SEPARATORS: Final = (",", "+", "&", ":", "|", "-", "_", " ", ";", "/", ".", "#", "*", "@", "=", "\t", ", ", " + ")
_LABELS: Final = (
    ("account", "password", "timestamp"),
    ("username", "password", "timestamp"),
    ("user", "pwd", "timestamp"),
    ("userid", "password", "timestamp"),
    ("account", "pwd", "time"),
    ("账号", "密码", "时间戳"),
)
_JOINTS: Final = ("&", "", ",")
_QUOTES: Final = (('"', '"'), ("'", "'"), ("{", "}"), ("[", "]"), ("<", ">"), ("(", ")"))
_LITERALS: Final = (
    "accountpasswordtimestamp",
    "account+password+timestamp",
    "$account$password$timestamp",
    "{account}{password}{timestamp}",
    "${account}${password}${timestamp}",
    "#{account}#{password}#{timestamp}",
    "账号密码时间戳",
    "账号+密码+时间戳",
)


def separated(known: SigningInputs) -> Rows:
    """Something between the parts, around them, or before them; or their names alone."""
    for separator, (names, values) in product(_SEPARATORS, _orders(known)):
        yield "signature.separators", _named(names), separator.join(values)
    account, password, timestamp = known.parts
    for separator in _SEPARATORS:
        for text in (
            f"{account}{separator}{password}{timestamp}",
            f"{account}{password}{separator}{timestamp}",
            f"{account}{separator}{password}{separator}{timestamp}{separator}",
        ):
            yield "signature.separators", _named(_NAMES), text
    for labels, joint, equals, (names, values) in product(_LABELS, _JOINTS, ("=", ":"), _orders(known)):
        label_of = dict(zip(_NAMES, labels, strict=True)) | {"userid": labels[0]}
        text = joint.join(f"{label_of[name]}{equals}{value}" for name, value in zip(names, values, strict=True))
        yield "signature.labels", _named(names), text
    for left, right in _QUOTES:
        quoted = "".join(f"{left}{value}{right}" for value in (account, password, timestamp))
        yield "signature.quotes", "", quoted
        yield "signature.quotes", "", f"{left}{known.text}{right}"
    for text in _LITERALS:
        yield "signature.names-signed", "", text


_HASHED_PARTS: Final[tuple[Write, ...]] = (
    _md5,
    lambda text: _md5(text).upper(),
    lambda text: _md5(text)[8:24],
    lambda text: _md5(text)[8:24].upper(),
    lambda text: hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest(),
)


def with_hashed_parts(known: SigningInputs) -> Rows:
    """Some of the parts hashed before the whole is."""
    for write, (names, values) in product(_HASHED_PARTS, _orders(known)):
        place = names.index("password")
        text = "".join((*values[:place], write(values[place]), *values[place + 1 :]))
        yield "signature.hashed-password", _named(names), text
    for write, choice in product(_HASHED_PARTS, product((False, True), repeat=3)):
        if any(choice):
            text = "".join(write(part) if chosen else part for part, chosen in zip(known.parts, choice, strict=True))
            yield "signature.hashed-parts", _chosen(choice), text
    for write in _HASHED_PARTS:
        yield "signature.hashed-password", "password", write(known.password)
        yield "signature.hashed-password", "password", write(known.password) + known.timestamp
        yield "signature.hashed-password", "password", known.account + write(known.password)
        yield "signature.hashed-password", "password", write(write(known.password)) + known.timestamp
        for text in (
            write(known.account + known.password) + known.timestamp,
            known.account + write(known.password + known.timestamp),
            known.account + write(write(known.password)) + known.timestamp,
            write(known.account + write(known.password)) + known.timestamp,
            known.account + write(known.account + known.password) + known.timestamp,
        ):
            yield "signature.hashed-parts", "some of the parts", text


def hashed_twice(known: SigningInputs) -> Rows:
    """The whole hashed, and the digest hashed again."""
    for names, values in _orders(known):
        for write in _HASHED_PARTS:
            once = write("".join(values))
            yield "signature.hashed-twice", _named(names), once
            yield "signature.hashed-twice", _named(names), _md5(once)
        yield "signature.hashed-twice", _named(names), bytes.fromhex(_md5("".join(values)))


_STRAYS: Final = (
    ("signature.line-end", "a line feed", "\n"),
    ("signature.line-end", "a carriage return and a line feed", "\r\n"),
    ("signature.line-end", "a carriage return", "\r"),
    ("signature.white-space", "a space", " "),
    ("signature.white-space", "a tab", "\t"),
    ("signature.white-space", "a no-break space", "\u00a0"),
    ("signature.white-space", "an ideographic space", "\u3000"),
    ("signature.white-space", "a zero-width space", "\u200b"),
    ("signature.byte-order-mark", "a byte order mark", "\ufeff"),
    ("signature.nul", "a NUL", "\0"),
)


def with_invisible_characters(known: SigningInputs) -> Rows:
    """A character that nobody sees, behind or before one or more of the parts."""
    before: list[Candidate] = []
    for (code, what, stray), choice in product(_STRAYS, product((False, True), repeat=3)):
        if any(choice):
            pairs = [(part, stray * chosen) for part, chosen in zip(known.parts, choice, strict=True)]
            where = _chosen(choice)
            yield code, f"{what} behind {where}", "".join(part + extra for part, extra in pairs)
            before.append((code, f"{what} before {where}", "".join(extra + part for part, extra in pairs)))
    yield from before


_REWRITINGS: Final[tuple[tuple[str, Write], ...]] = (
    ("signature.trimmed", str.strip),
    ("signature.letter-case", str.lower),
    ("signature.letter-case", str.upper),
    ("signature.letter-case", str.swapcase),
    ("signature.letter-case", str.capitalize),
    ("signature.url-encoded", lambda text: quote(text, safe="")),
    ("signature.url-encoded", lambda text: quote(text, safe="~!*'()")),
    ("signature.url-encoded", lambda text: quote_plus(text, safe="*")),
    ("signature.url-encoded", lambda text: quote(text, safe="", encoding="gbk", errors="replace")),
    ("signature.url-encoded", lambda text: quote(quote(text, safe=""), safe="")),
    ("signature.url-encoded", lambda text: _lower_escapes(quote(text, safe=""))),
    ("signature.url-encoded", lambda text: _lower_escapes(quote_plus(text, safe="!*()"))),
    ("signature.entities", html.escape),
    ("signature.entities", lambda text: text.encode("ascii", "xmlcharrefreplace").decode()),
    ("signature.base64-part", lambda text: base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()),
    ("signature.encoded-twice", lambda text: text.encode("utf-8", "surrogatepass").decode("latin-1")),
    ("signature.encoded-twice", lambda text: text.encode("utf-8", "surrogatepass").decode("cp1252", "replace")),
    ("signature.encoded-twice", lambda text: text.encode("utf-8", "surrogatepass").decode("gbk", "replace")),
    ("signature.escapes", lambda text: text.encode("ascii", "backslashreplace").decode()),
    ("signature.escapes", lambda text: text.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'")),
)


def _lower_escapes(text: str) -> str:
    head, *rest = text.split("%")
    return head + "".join(f"%{part[:2].lower()}{part[2:]}" for part in rest)


def rewritten(known: SigningInputs) -> Rows:
    """Some of the parts, or the whole, rewritten before the whole is hashed. What a rewriting leaves alone is right."""
    for code, write in _REWRITINGS:
        for choice in product((False, True), repeat=3):
            text = "".join(write(part) if chosen else part for part, chosen in zip(known.parts, choice, strict=True))
            if text != known.text:
                yield code, _chosen(choice), text
        if (text := write(known.text)) != known.text:
            yield code, "the whole", text
        for separator in "&+, ":
            if (text := separator.join(known.parts)) != write(text):
                yield code, "the whole", write(text)


_CHARSETS: Final = (
    ("signature.utf-16", "utf-16-le"),
    ("signature.utf-16", "utf-16-be"),
    ("signature.utf-16", "utf-16"),
    ("signature.utf-32", "utf-32-le"),
    ("signature.byte-order-mark", "utf-8-sig"),
    ("signature.big5", "big5"),
    ("signature.letters-lost", "ascii"),
    ("signature.letters-lost", "latin-1"),
)


def other_charsets(known: SigningInputs) -> Rows:
    """Other bytes of the same text."""
    for (code, charset), (names, values) in product(_CHARSETS, _orders(known)):
        text = "".join(values)
        if (raw := text.encode(charset, "replace")) != text.encode("utf-8", "surrogatepass"):
            yield code, charset if names == _NAMES else f"{charset}, as {_named(names)}", raw


def with_extra_parameters(known: SigningInputs) -> Rows:
    """Other parameters signed too."""
    for name, value in known.extras:
        if value and len(value) <= _EXTRA_MAX:
            for place, separator in product(range(4), ("", "&", ",")):
                parts = [*known.parts]
                parts.insert(place, value)
                yield "signature.too-much", name, separator.join(parts)


def timestamps(known: SigningInputs) -> Rows:
    """Another timestamp than the one that was sent."""
    account, password, moment = known.account, known.password, known.moment
    if moment is None:
        for code, detail, timestamp in always_tried(known.now):
            yield code, detail, f"{account}{password}{timestamp}"
        return
    for code, detail, timestamp in same_moment(moment):
        if timestamp != known.timestamp:
            for _, values in _orders(known._replace(timestamp=timestamp)):
                yield code, detail, "".join(values)
    for code, detail, timestamp in other_moments(moment, known.now):
        if timestamp != known.timestamp:
            yield code, detail, f"{account}{password}{timestamp}"


def others(known: SigningInputs) -> Rows:
    """The name or the password of another account, or both. The userid is what may be said of it."""
    for other in islice(known.others, OTHERS_TRIED):
        whose = other.userid
        yield "signature.another-account", whose, f"{other.account}{other.password}{known.timestamp}"
        yield "signature.another-password", whose, f"{known.account}{other.password}{known.timestamp}"
        yield "signature.another-name", whose, f"{other.account}{known.password}{known.timestamp}"


GENERATORS: Final[tuple[Callable[[SigningInputs], Rows], ...]] = (
    arrangements,
    hashed_twice,
    with_hashed_parts,
    separated,
    with_invisible_characters,
    rewritten,
    other_charsets,
    with_extra_parameters,
    timestamps,
    others,
)


def candidates(known: SigningInputs) -> Rows:
    """Every mistake that is known here, for these values. The right text is never among them."""
    right = known.text
    for family in GENERATORS:
        for candidate in family(known):
            if candidate[2] != right:
                yield candidate
