"""Candidate texts that a client may have hashed by mistake in place of account, password and timestamp.

Each function of `GENERATORS` yields the candidates of one family of mistakes. Likely families come first, because the
search stops at the first match. Formats of the digest are in `digest_formats`, other timestamps in
`timestamp_candidates`.
"""

import base64
import hashlib
import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice, permutations, product
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import quote, quote_plus

from sms10692_mock.diagnosis.phrases import Phrase, build_list
from sms10692_mock.diagnosis.timestamp_candidates import always_tried, other_times, parse_any_timestamp, same_time
from sms10692_mock.domain.accounts import Account

OTHERS_TRIED: Final = 500
"""Maximum number of other accounts whose names and passwords are tried."""

_EXTRA_LIMIT: Final = 5000
"""Longest parameter, in characters, that is tried as part of the signed text."""


class SigningInputs(NamedTuple):
    """Values that a client may have hashed, and the current time in Unix seconds.

    `extra_parameters` are names and values of other parameters of the request, also several together. `sent` are all
    parameters except the signature, in their order.
    """

    account: str
    password: str
    userid: str
    timestamp: str
    extra_parameters: Sequence[tuple[str, str]]
    others: Sequence[Account]
    now: float
    sent: Sequence[tuple[str, str]] = ()

    @property
    def time(self) -> datetime | None:
        """The time of the timestamp in China, None if it has no known form."""
        return parse_any_timestamp(self.timestamp)

    @property
    def parts(self) -> tuple[str, str, str]:
        return self.account, self.password, self.timestamp

    @property
    def values(self) -> Mapping[str, str]:
        """The values that a client may have signed, by name."""
        return dict(zip(_NAMES, self.parts, strict=True)) | {"userid": self.userid}

    @property
    def text(self) -> str:
        """The correct text."""
        return "".join(self.parts)


Candidate: TypeAlias = tuple[str, str, str | bytes]
"""Finding code, detail of its message (a name, or words of this program), and the text that would have been hashed.

A plain tuple like `TimestampCandidate`, because creating thousands of objects would dominate the search.
"""

Candidates: TypeAlias = Iterator[Candidate]
Transform: TypeAlias = Callable[[str], str]

_NAMES: Final = ("account", "password", "timestamp")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _selected_names(choice: Sequence[object]) -> str:
    """Return the names of the parts whose flag in `choice` is set."""
    return build_list(*(name for name, chosen in zip(_NAMES, choice, strict=True) if chosen))


def _orders(inputs: SigningInputs) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield names and values of the three parts in every order, with the account and with the userid."""
    for first, name in ((inputs.account, "account"), (inputs.userid, "userid")):
        for order in permutations(((name, first), ("password", inputs.password), ("timestamp", inputs.timestamp))):
            yield tuple(part for part, _ in order), tuple(value for _, value in order)


def _arrangement_code(names: tuple[str, ...]) -> str:
    """Return the code of the mistake made by hashing these parts in this order."""
    if "password" not in names:
        return "signature.no-password"
    if "timestamp" not in names:
        return "signature.no-timestamp"
    if "userid" in names:
        return "signature.userid-too" if "account" in names else "signature.userid-for-account"
    return "signature.order" if "account" in names else "signature.no-account"


def with_wrong_parts(inputs: SigningInputs) -> Candidates:
    """Yield every order of every selection of the parts, except the correct one."""
    values = inputs.values
    for count in (3, 2, 4, 1):
        for names in permutations(values, count):
            if names != _NAMES:
                yield _arrangement_code(names), build_list(*names), "".join(values[name] for name in names)
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
_LABEL_SEPARATORS: Final = ("&", "", ",")
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


_HMAC_BLOCK: Final = 64
"""Bytes to which HMAC-MD5 pads its key."""


def with_hmac(inputs: SigningInputs) -> Candidates:
    """Yield what is hashed last by an HMAC of the parts, in every order, under a key that is one of them.

    HMAC-MD5 is the MD5 of the padded key and of another MD5 (RFC 2104).
    """
    raw = {name: value.encode("utf-8", "surrogatepass") for name, value in inputs.values.items()}
    for name in ("password", "account", "userid"):
        key = raw[name] if len(raw[name]) <= _HMAC_BLOCK else hashlib.md5(raw[name], usedforsecurity=False).digest()
        padded = key.ljust(_HMAC_BLOCK, b"\0")
        inner, outer = (bytes(byte ^ pad for byte in padded) for pad in (0x36, 0x5C))
        for count in (3, 2, 1):
            for names in permutations(raw, count):
                message = b"".join(raw[part] for part in names)
                digest = hashlib.md5(inner + message, usedforsecurity=False).digest()
                yield "signature.hmac", build_list(name), outer + digest


def with_separators(inputs: SigningInputs) -> Candidates:
    """Yield texts with separators, labels or quotes, and texts of the names in place of the values."""
    for separator, (names, values) in product(_SEPARATORS, _orders(inputs)):
        yield "signature.separators", build_list(*names), separator.join(values)
    account, password, timestamp = inputs.parts
    for separator in _SEPARATORS:
        for text in (
            f"{account}{separator}{password}{timestamp}",
            f"{account}{password}{separator}{timestamp}",
            f"{account}{separator}{password}{separator}{timestamp}{separator}",
        ):
            yield "signature.separators", build_list(*_NAMES), text
    for labels, separator, equals, (names, values) in product(_LABELS, _LABEL_SEPARATORS, ("=", ":"), _orders(inputs)):
        label_of = dict(zip(_NAMES, labels, strict=True)) | {"userid": labels[0]}
        text = separator.join(f"{label_of[name]}{equals}{value}" for name, value in zip(names, values, strict=True))
        yield "signature.labels", build_list(*names), text
    for left, right in _QUOTES:
        quoted = "".join(f"{left}{value}{right}" for value in (account, password, timestamp))
        yield "signature.quotes", "", quoted
        yield "signature.quotes", "", f"{left}{inputs.text}{right}"
    for text in _LITERALS:
        yield "signature.names-signed", "", text


_HASHED_PARTS: Final[tuple[Transform, ...]] = (
    _md5,
    lambda text: _md5(text).upper(),
    lambda text: _md5(text)[8:24],
    lambda text: _md5(text)[8:24].upper(),
    lambda text: hashlib.sha1(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest(),
)


def with_hashed_parts(inputs: SigningInputs) -> Candidates:
    """Yield texts in which some parts were hashed before the whole text."""
    for transform, (names, values) in product(_HASHED_PARTS, _orders(inputs)):
        index = names.index("password")
        text = "".join((*values[:index], transform(values[index]), *values[index + 1 :]))
        yield "signature.hashed-password", build_list(*names), text
    for transform, choice in product(_HASHED_PARTS, product((False, True), repeat=3)):
        if any(choice):
            text = "".join(
                transform(part) if chosen else part for part, chosen in zip(inputs.parts, choice, strict=True)
            )
            yield "signature.hashed-parts", _selected_names(choice), text
    for transform in _HASHED_PARTS:
        yield "signature.hashed-password", build_list("password"), transform(inputs.password)
        yield "signature.hashed-password", build_list("password"), transform(inputs.password) + inputs.timestamp
        yield "signature.hashed-password", build_list("password"), inputs.account + transform(inputs.password)
        yield (
            "signature.hashed-password",
            build_list("password"),
            transform(transform(inputs.password)) + inputs.timestamp,
        )
        for text in (
            transform(inputs.account + inputs.password) + inputs.timestamp,
            inputs.account + transform(inputs.password + inputs.timestamp),
            inputs.account + transform(transform(inputs.password)) + inputs.timestamp,
            transform(inputs.account + transform(inputs.password)) + inputs.timestamp,
            inputs.account + transform(inputs.account + inputs.password) + inputs.timestamp,
        ):
            yield "signature.hashed-parts", Phrase("some of the parts"), text


def hashed_twice(inputs: SigningInputs) -> Candidates:
    """Yield digests of the text: the signature is the digest of a digest."""
    for names, values in _orders(inputs):
        for transform in _HASHED_PARTS:
            digest = transform("".join(values))
            yield "signature.hashed-twice", build_list(*names), digest
            yield "signature.hashed-twice", build_list(*names), _md5(digest)
        yield "signature.hashed-twice", build_list(*names), bytes.fromhex(_md5("".join(values)))


_INVISIBLE_CHARACTERS: Final = (
    ("signature.line-end", Phrase("a line feed"), "\n"),
    ("signature.line-end", Phrase("a carriage return and a line feed"), "\r\n"),
    ("signature.line-end", Phrase("a carriage return"), "\r"),
    ("signature.white-space", Phrase("a space"), " "),
    ("signature.white-space", Phrase("a tab"), "\t"),
    ("signature.white-space", Phrase("a no-break space"), "\u00a0"),
    ("signature.white-space", Phrase("an ideographic space"), "\u3000"),
    ("signature.white-space", Phrase("a zero-width space"), "\u200b"),
    ("signature.byte-order-mark", Phrase("a byte order mark"), "\ufeff"),
    ("signature.nul", Phrase("a NUL"), "\0"),
)


def with_invisible_characters(inputs: SigningInputs) -> Candidates:
    """Yield texts with an invisible character after, then before, one or more of the parts."""
    before: list[Candidate] = []
    for (code, label, character), choice in product(_INVISIBLE_CHARACTERS, product((False, True), repeat=3)):
        if any(choice):
            pairs = [(part, character * chosen) for part, chosen in zip(inputs.parts, choice, strict=True)]
            names = _selected_names(choice)
            yield code, Phrase("{} behind {}", label, names), "".join(part + extra for part, extra in pairs)
            before.append((code, Phrase("{} before {}", label, names), "".join(extra + part for part, extra in pairs)))
    yield from before


_TRANSFORMS: Final[tuple[tuple[str, Transform], ...]] = (
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


def with_transformed_parts(inputs: SigningInputs) -> Candidates:
    """Yield texts of which some parts, or the whole, were transformed before hashing.

    Transforms that leave the text unchanged are skipped.
    """
    for code, transform in _TRANSFORMS:
        for choice in product((False, True), repeat=3):
            text = "".join(
                transform(part) if chosen else part for part, chosen in zip(inputs.parts, choice, strict=True)
            )
            if text != inputs.text:
                yield code, _selected_names(choice), text
        if (text := transform(inputs.text)) != inputs.text:
            yield code, Phrase("the whole"), text
        for separator in "&+, ":
            if (text := separator.join(inputs.parts)) != transform(text):
                yield code, Phrase("the whole"), transform(text)


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


def in_other_charsets(inputs: SigningInputs) -> Candidates:
    """Yield the text in other charsets, as bytes."""
    for (code, charset), (names, values) in product(_CHARSETS, _orders(inputs)):
        text = "".join(values)
        if (raw := text.encode(charset, "replace")) != text.encode("utf-8", "surrogatepass"):
            yield code, charset if names == _NAMES else Phrase("{}, as {}", charset, build_list(*names)), raw


_MISSING_VALUES: Final = (
    *("null", "None", "undefined", "nil", "NULL", "Null", "false", "False", "NaN", "<null>", "(null)", "<nil>"),
    *("[object Object]", "[object Promise]", '""', "''"),
)


def with_missing_values(inputs: SigningInputs) -> Candidates:
    """Yield texts in which some parts are the text of a missing value."""
    for word, choice in product(_MISSING_VALUES, product((False, True), repeat=3)):
        if any(choice):
            text = "".join(word if chosen else part for part, chosen in zip(inputs.parts, choice, strict=True))
            yield "signature.missing-value", Phrase("{} = {}", _selected_names(choice), word), text


def with_every_parameter(inputs: SigningInputs) -> Candidates:
    """Yield texts of all parameters, as in APIs that sign the whole request: sorted, and with the password as key."""
    detail = ", ".join(name for name, _ in inputs.sent)
    size = sum(len(name) + len(value) for name, value in inputs.sent)
    if size > _EXTRA_LIMIT:
        return
    password, parts = inputs.password, inputs.text
    in_full = [(name, value) for name, value in inputs.sent if value]
    for pairs in dict.fromkeys(
        tuple(order) for some in (inputs.sent, in_full) for order in (some, sorted(some), sorted(some, key=_lower_name))
    ):
        named = [f"{name}={value}" for name, value in pairs]
        for joined in (
            *(separator.join(named) for separator in ("&", "")),
            "".join(f"{name}{value}" for name, value in pairs),
            *(separator.join(value for _, value in pairs) for separator in ("", ",", "&")),
        ):
            for text in (
                *(joined + password, password + joined, password + joined + password, joined + parts, parts + joined),
                *(f"{joined}&key={password}", f"{joined}&password={password}", f"{joined}&{password}", joined),
            ):
                yield "signature.too-much", detail, text


def _lower_name(pair: tuple[str, str]) -> str:
    return pair[0].lower()


def with_extra_parameters(inputs: SigningInputs) -> Candidates:
    """Yield texts that contain another parameter."""
    for name, value in inputs.extra_parameters:
        if value and len(value) <= _EXTRA_LIMIT:
            for index, separator in product(range(4), ("", "&", ",")):
                parts = [*inputs.parts]
                parts.insert(index, value)
                yield "signature.too-much", name, separator.join(parts)
            for text in (f"{value}{inputs.userid}{inputs.text}", f"{inputs.userid}{inputs.text}{value}"):
                yield "signature.too-much", f"userid, {name}", text


def with_other_timestamps(inputs: SigningInputs) -> Candidates:
    """Yield texts with a timestamp that differs from the sent one."""
    account, password, time = inputs.account, inputs.password, inputs.time
    if time is None:
        for code, detail, timestamp in always_tried(inputs.now):
            yield code, detail, f"{account}{password}{timestamp}"
        return
    for code, detail, timestamp in same_time(time):
        if timestamp != inputs.timestamp:
            for _, values in _orders(inputs._replace(timestamp=timestamp)):
                yield code, detail, "".join(values)
    for code, detail, timestamp in other_times(time, inputs.now):
        if timestamp != inputs.timestamp:
            yield code, detail, f"{account}{password}{timestamp}"


def with_other_accounts(inputs: SigningInputs) -> Candidates:
    """Yield texts with the name or the password of another account, or both. The detail is its userid only."""
    for other in islice(inputs.others, OTHERS_TRIED):
        yield "signature.another-account", other.userid, f"{other.account}{other.password}{inputs.timestamp}"
        yield "signature.another-password", other.userid, f"{inputs.account}{other.password}{inputs.timestamp}"
        yield "signature.another-name", other.userid, f"{other.account}{inputs.password}{inputs.timestamp}"


GENERATORS: Final[tuple[Callable[[SigningInputs], Candidates], ...]] = (
    with_wrong_parts,
    hashed_twice,
    with_hashed_parts,
    with_hmac,
    with_separators,
    with_invisible_characters,
    with_transformed_parts,
    in_other_charsets,
    with_missing_values,
    with_extra_parameters,
    with_every_parameter,
    with_other_timestamps,
    with_other_accounts,
)


def candidates(inputs: SigningInputs) -> Candidates:
    """Yield the candidates of all generators, except the correct text."""
    correct = inputs.text
    for generate in GENERATORS:
        for candidate in generate(inputs):
            if candidate[2] != correct:
                yield candidate
