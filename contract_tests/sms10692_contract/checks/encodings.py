"""Q1 to Q17: every way in which clients were seen to place the parameters of a request, and R14 and R16 behind them.

Here belong the ways as a table. Each is tried with checkkeyword and a forbidden word among other text, because the
verdict shows whether the parameters were read, and asking it changes nothing.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from typing import Final, TypeAlias

from hypothesis import strategies as st

from sms10692_contract.checks.registry import Check, checks
from sms10692_contract.checks.strategies import HANDSET, PAGE, PAGES, TEXT, any_timestamp
from sms10692_contract.expected import EMPTY, FOUND, NOT_FOUND, ParsedAnswer
from sms10692_contract.harness import CheckContext, SuiteAccount, expect, expect_message, expect_sent, message_of
from sms10692_contract.requests import (
    CHARSET,
    FORM,
    GBK,
    UTF8,
    Pairs,
    WireRequest,
    build_request,
    chunked,
    form,
    multipart,
    percent,
    unescaped,
    unicode_escapes,
    with_body,
)
from sms10692_contract.safety import INVALID_SIGN

Encoding: TypeAlias = Callable[[str, Pairs], WireRequest]
"""From a page and the parameters to a request."""


def _split(page: str, pairs: Pairs) -> WireRequest:
    return build_request(
        page, query=[pair for pair in pairs if pair[0] == "action"], body=[p for p in pairs if p[0] != "action"]
    )


def _spelt(spelling: Mapping[str, str]) -> Encoding:
    return lambda page, pairs: build_request(page, body=[(spelling.get(name, name), value) for name, value in pairs])


def _at(path: Callable[[str], str]) -> Encoding:
    return lambda page, pairs: build_request(page, body=pairs, path=path(page))


def _header(request: WireRequest, *headers: tuple[str, str]) -> WireRequest:
    return replace(request, headers=(*request.headers, *headers))


EXTRA: Final = (
    ("account", "x"),
    ("password", "y"),
    ("ownExt", "1"),
    ("send_id", "z"),
    ("checkContent", "0"),
    ("statusNum", "1"),
)

ENCODINGS: Final[Mapping[str, tuple[Encoding, ...]]] = {
    "Q1": (_split,),
    "Q2": (
        lambda page, pairs: build_request(page, query=pairs, method="GET"),
        lambda page, pairs: build_request(page, query=pairs),
    ),
    "Q3": (lambda page, pairs: build_request(page, query=[("action", "checkkeyword")], body=pairs),),
    "Q4": tuple(
        (lambda page, pairs, kind=kind: build_request(page, body=pairs, content_type=kind))  # type: ignore[misc]
        for kind in (FORM, f"{FORM}; charset=UTF-8", f"{FORM};charset=gbk", f"{FORM}; charset=iso-8859-1")
    ),
    "Q5": (multipart,),
    "Q6": (lambda page, pairs: build_request(page, body=pairs, encode=unescaped(CHARSET[page])),),
    "Q7": (
        lambda page, pairs: build_request(page, body=pairs, content_type=None),
        lambda page, pairs: build_request(page, body=pairs, content_type="application/xml"),
        lambda page, pairs: build_request(page, body=pairs, content_type="text/plain"),
        lambda page, pairs: with_body(build_request(page, query=pairs), b'{"content": "x"}', "application/json"),
    ),
    "Q8": (
        _spelt({"userid": "userId", "timestamp": "timeStamp", "action": "Action", "content": "CONTENT"}),
        _spelt({"userid": "USERID", "sign": "Sign"}),
    ),
    "Q9": (
        _at(str.lower),
        _at(str.upper),
        _at(lambda page: f"/{page}"),
        _at(lambda page: f"{page}/"),
        _at(lambda page: f"{page}/v2sms.aspx"),
    ),
    "Q10": (
        lambda page, pairs: build_request(page, body=pairs, around=lambda raw: b"&" + raw + b"&"),
        lambda page, pairs: build_request(page, body=pairs, around=lambda raw: raw.replace(b"&", b"&&") + b"&extno"),
        _at(lambda page: f"{page}?"),
    ),
    "Q11": (lambda page, pairs: build_request(page, body=[*EXTRA, *pairs]),),
    "Q17": (
        lambda page, pairs: chunked(build_request(page, body=pairs), 7),
        lambda page, pairs: chunked(build_request(page, body=pairs), 1000),
        lambda page, pairs: replace(build_request(page, body=pairs), protocol="HTTP/1.0"),
        lambda page, pairs: _header(build_request(page, body=pairs), ("Expect", "100-continue")),
    ),
    "R14-percent-u": (lambda page, pairs: build_request(page, body=pairs, encode=unicode_escapes),),
    "R14-lower-percent": (
        lambda page, pairs: build_request(
            page, body=pairs, encode=lambda text: _lower_codes(percent(CHARSET[page])(text))
        ),
    ),
}
"""By clause, the ways it is about."""


def _lower_codes(raw: bytes) -> bytes:
    head, *rest = raw.split(b"%")
    return b"%".join([head, *(piece[:2].lower() + piece[2:] for piece in rest)])


# The same ways, drawn: which parameter goes where, in which letters, with what between them.


def _names(least: int = 1) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(["userid", "timestamp", "sign", "action", "content"]), min_size=least)


def _divided(in_query: frozenset[str]) -> Encoding:
    return lambda page, pairs: build_request(
        page,
        query=[pair for pair in pairs if pair[0] in in_query],
        body=[pair for pair in pairs if pair[0] not in in_query],
    )


def _doubled(in_query: frozenset[str]) -> Encoding:
    return lambda page, pairs: build_request(page, query=[pair for pair in pairs if pair[0] in in_query], body=pairs)


def _typed(content_type: str) -> Encoding:
    return lambda page, pairs: build_request(page, body=pairs, content_type=content_type)


def _in_turn(text: str, turns: Sequence[bool]) -> str:
    """Each letter in upper case whose turn it is."""
    return "".join(one.upper() if turn else one.lower() for one, turn in zip(text, cycle(turns), strict=False))


def _lettered(turns: Sequence[bool]) -> Encoding:
    return lambda page, pairs: build_request(page, body=[(_in_turn(name, turns), value) for name, value in pairs])


def _pathed(turns: Sequence[bool], slashes: int, behind: str) -> Encoding:
    return _at(lambda page: "/" * slashes + _in_turn(page[1:], turns) + behind)


def _separated(counts: Sequence[int], strays: Sequence[str]) -> Encoding:
    def between(raw: bytes) -> bytes:
        separators, stray = cycle(counts), cycle([*strays, ""])
        return (
            b"".join(b"&" * (next(separators) + 1) + next(stray).encode() + b"&" + pair for pair in raw.split(b"&"))
            + b"&"
        )

    return lambda page, pairs: build_request(page, body=pairs, around=between)


def _among(others: Sequence[tuple[str, str]], at: int) -> Encoding:
    def mixed(pairs: Pairs) -> Pairs:
        place = at % (len(pairs) + 1)
        return [*pairs[:place], *others, *pairs[place:]]

    return lambda page, pairs: build_request(page, body=mixed(pairs))


def _in_chunks(size: int) -> Encoding:
    return lambda page, pairs: chunked(build_request(page, body=pairs), size)


def _encoded(turns: Sequence[bool], other: Callable[[str, str], bytes]) -> Encoding:
    def encode(page: str) -> Callable[[str], bytes]:
        usual = percent(CHARSET[page])
        return lambda text: b"".join(
            other(page, one) if turn else usual(one) for one, turn in zip(text, cycle(turns), strict=False)
        )

    return lambda page, pairs: build_request(page, body=pairs, encode=encode(page))


KNOWN: Final = frozenset(
    ("userid", "timestamp", "sign", "mobile", "content", "sendtime", "action", "extno", "statusnum", "rt")
)
_TURNS: Final = st.lists(st.booleans(), min_size=1, max_size=6)
_NAME: Final = st.text("abcdefgxyz_01", min_size=1, max_size=8).filter(lambda name: name not in KNOWN)
_TOKEN: Final = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=10)

GENERATED: Final[Mapping[str, st.SearchStrategy[Encoding]]] = {
    "Q1": st.builds(_divided, _names()),
    "Q3": st.builds(_doubled, _names()),
    "Q4": _TOKEN.map(lambda charset: _typed(f"{FORM}; charset={charset}")),
    "Q7": st.builds(lambda kind, rest: _typed(f"{kind}/x{rest}"), st.sampled_from(["text", "application"]), _TOKEN),
    "Q8": st.builds(_lettered, _TURNS),
    "Q9": st.builds(
        _pathed, _TURNS, st.integers(1, 4), st.sampled_from(["", "/", "/x", "/v2smsGBK.aspx", "//v2sms.aspx"])
    ),
    "Q10": st.builds(_separated, st.lists(st.integers(0, 3), min_size=1, max_size=4), st.lists(_TOKEN, max_size=3)),
    "Q11": st.builds(_among, st.lists(st.tuples(_NAME, _NAME), min_size=1, max_size=4), st.integers(0, 5)),
    "Q17": st.integers(1, 300).map(_in_chunks),
    "R14-percent-u": st.builds(lambda turns: _encoded(turns, lambda page, one: unicode_escapes(one)), _TURNS),
    "R14-lower-percent": st.builds(
        lambda turns: _encoded(turns, lambda page, one: _lower_codes(percent(CHARSET[page])(one))), _TURNS
    ),
}
"""By clause, all the ways of its kind."""


def _pairs(account: SuiteAccount, content: str) -> list[tuple[str, str]]:
    return list((account.credentials() | {"action": "checkkeyword", "content": content}).items())


def _read_in_these(ways: tuple[Encoding, ...], drawn: st.SearchStrategy[Encoding] | None) -> Check:
    def check(lab: CheckContext) -> None:
        for page in PAGES:
            for way in ways:

                def read(before: str, after: str, page: str = page, way: Encoding = way) -> None:
                    answer = lab.ask(way(page, _pairs(lab.own, before + lab.forbidden + after)))
                    expect_message(answer, FOUND)

                read("", "")
                lab.for_all(read, TEXT[page], TEXT[page], examples=lab.few_examples)
                expect_message(lab.ask(way(page, _pairs(lab.own, "内容"))), NOT_FOUND)
            if drawn is not None:
                lab.for_all(
                    lambda way, before, after, page=page: expect_message(
                        lab.ask(way(page, _pairs(lab.own, before + lab.forbidden + after))), FOUND
                    ),
                    drawn,
                    TEXT[page],
                    TEXT[page],
                )

    return check


for _clause, _ways in ENCODINGS.items():
    checks(_clause)(_read_in_these(_ways, GENERATED.get(_clause)))


@checks("Q6-query")
def _raw_utf8_in_the_query_string_is_read(lab: CheckContext) -> None:
    def read(before: str, after: str) -> None:
        pairs = _pairs(lab.own, before + lab.forbidden + after)
        expect_message(lab.ask(build_request(UTF8, query=pairs, encode=unescaped("utf-8"), method="GET")), FOUND)

    read("代开", "")
    lab.for_all(read, TEXT[UTF8], TEXT[UTF8])


@checks("Q12")
def _the_optional_parameters_may_be_absent(lab: CheckContext) -> None:
    account = lab.account()
    fields = account.credentials() | {"action": "send", "mobile": lab.number, "content": "内容"}
    expect_sent(lab.ask(form(UTF8, fields)), 1)


@checks("Q13")
def _a_timestamp_is_any_text_over_which_the_signature_is_right(lab: CheckContext) -> None:
    def signed(timestamp: str, page: str = UTF8) -> None:
        answer = lab.ask(form(page, lab.own.credentials(timestamp) | {"action": "overage"}))
        expect(message_of(answer) == "" and bool(answer.element("overage")), answer, "a timestamp that is accepted")

    for timestamp in ("1341155532", "1341155532123", "20120701111212", "201207012312", "1"):
        signed(timestamp)
    lab.for_all(signed, st.integers(1, 10**16).map(str))
    for page in PAGES:
        lab.for_all(signed, any_timestamp(page), st.just(page))


@checks("Q15")
def _a_trailing_comma_is_no_number(lab: CheckContext) -> None:
    account = lab.account()
    expect_sent(lab.send(account, f"{lab.number},"), 1)

    def sent(wanted: list[str], commas: int) -> None:
        expect_sent(lab.send(account, ",".join(wanted) + "," * commas), len(wanted))

    lab.for_all_if_free(sent, st.lists(HANDSET, min_size=1, max_size=4), st.integers(0, 4))


@checks("Q15-many")
def _fifty_thousand_numbers_are_ordinary(lab: CheckContext) -> None:
    account = lab.account(points=50_000)
    expect_sent(lab.send(account, ",".join(str(13000000000 + place) for place in range(50_000))), 50_000)


@checks("Q16")
def _utf8_codes_on_the_gbk_page_are_not_understood(lab: CheckContext) -> None:
    def misread(page: str, other: str, before: str, after: str) -> None:
        text = before + lab.forbidden + after
        if lab.forbidden not in text.encode(other).decode(CHARSET[page], "replace"):
            answer = lab.ask(build_request(page, body=_pairs(lab.own, text), encode=percent(other)))
            expect_message(answer, NOT_FOUND)

    for page, other in ((GBK, "utf-8"), (UTF8, "gbk")):
        misread(page, other, "", "")
        latin = st.text("abc 1，。内容", max_size=6)
        lab.for_all(misread, st.just(page), st.just(other), latin, latin, examples=lab.few_examples)


@checks("R14-plus")
def _a_plus_is_a_space(lab: CheckContext) -> None:
    def read(page: str, timestamp: str, in_query: bool) -> None:
        pairs = list((lab.own.credentials(timestamp) | {"action": "overage"}).items())
        query, body = (pairs, []) if in_query else ([], pairs)
        request = build_request(
            page, body=body, query=query, encode=lambda text: percent(CHARSET[page])(text).replace(b"%20", b"+")
        )
        expect_message(lab.ask(request), "")

    for in_query in (False, True):
        read(UTF8, "2012-07-01 23:12:12", in_query)
    lab.for_all(read, PAGE, st.text(" +%1内", max_size=6).map(lambda text: f"1{text}"), st.booleans())


@checks("R14-query-first")
def _the_query_string_comes_before_the_form(lab: CheckContext) -> None:
    credentials = list(lab.own.credentials().items())
    for content, message in ((lab.forbidden, FOUND), ("", NOT_FOUND)):
        other = "" if content else lab.forbidden
        query = [("content", content), *credentials]
        body = [("content", other), ("sign", INVALID_SIGN), ("action", "checkkeyword")]
        expect_message(lab.ask(build_request(UTF8, query=query, body=body)), message)

    def first(page: str, in_query: frozenset[str], value: str) -> None:
        """What stands in the query string counts, whatever the form says under the same names."""
        pairs = _pairs(lab.own, lab.forbidden)
        query = [pair for pair in pairs if pair[0] in in_query]
        others = {name: "overage" if name == "action" else value for name in in_query}
        body = [(name, others.get(name, given)) for name, given in pairs]
        expect_message(lab.ask(build_request(page, query=query, body=body)), FOUND)

    lab.for_all(first, PAGE, _names(), st.text("x0,", max_size=3))


@checks("R14-repeated")
def _a_name_that_is_repeated_is_joined_with_commas(lab: CheckContext) -> None:
    account = lab.account()
    fields = [*account.credentials().items(), ("action", "send"), ("content", "内容")]
    numbers = [("mobile", "13000000001"), ("mobile", "13000000002")]
    expect_sent(lab.ask(build_request(UTF8, body=[*fields, *numbers])), 2)
    expect_sent(lab.ask(build_request(UTF8, query=[*fields, *numbers])), 2)

    def joined(page: str, wanted: list[str], in_query: bool) -> None:
        pairs = [*fields, *(("mobile", number) for number in wanted)]
        request = build_request(page, query=pairs) if in_query else build_request(page, body=pairs)
        expect_sent(lab.ask(request), len(wanted))

    lab.for_all(joined, PAGE, st.lists(HANDSET, min_size=2, max_size=5), st.booleans())


@checks("R14-names")
def _a_name_is_not_trimmed(lab: CheckContext) -> None:
    def other(page: str, renamed: str, before: str, after: str) -> None:
        credentials = lab.own.credentials().items()
        fields = [(f"{before}{name}{after}" if name == renamed else name, value) for name, value in credentials]
        if before or after:
            expect_message(lab.ask(build_request(page, body=[*fields, ("action", "overage")])), EMPTY)

    other(UTF8, "sign", "", " ")
    space = st.text(" \t\r\n", max_size=2)
    lab.for_all(other, PAGE, st.sampled_from(["userid", "timestamp", "sign"]), space, space)


@checks("R14-euro")
def _0x80_is_the_euro_sign_on_the_gbk_page(lab: CheckContext) -> None:
    answer = _echo(lab, GBK, b"%80")
    expect(answer.element("checkCounts") == "&#8364;", answer, "checkCounts &#8364;")


@checks("R14-unreadable")
def _a_byte_that_cannot_be_read_is_a_replacement_character(lab: CheckContext) -> None:
    answer = _echo(lab, UTF8, b"a%FFb%zz")
    expect(answer.element("checkCounts") == "a\ufffdb%zz", answer, "checkCounts a\ufffdb%zz")

    def read(pieces: list[tuple[str, str]]) -> None:
        told = _echo(lab, UTF8, "".join(raw for raw, _ in pieces).encode()).element("checkCounts")
        wanted = "".join(text for _, text in pieces)
        expect(told == wanted, answer, f"checkCounts {wanted!r}", repr(told))

    known = [("%FF", "\ufffd"), ("%80", "\ufffd"), ("%", "%"), ("%z", "%z"), ("%ud83d", "\ufffd")]
    pieces = st.tuples(st.sampled_from(known), st.sampled_from([("x", "x"), ("%E5%86%85", "内")]))
    lab.for_all(lambda some: read([one for two in some for one in two]), st.lists(pieces, min_size=1, max_size=4))


def _echo(lab: CheckContext, page: str, raw: bytes) -> ParsedAnswer:
    """What a text of these bytes is read as, which the dialect `observed` shows."""
    pairs = _pairs(lab.account(dialect="observed"), "CONTENT")
    return lab.ask(build_request(page, body=pairs, around=lambda form: form.replace(b"CONTENT", raw)))


@checks("R16-files")
def _a_part_with_a_file_name_is_no_field(lab: CheckContext) -> None:
    def ignored(page: str, file: str) -> None:
        request = multipart(page, _pairs(lab.own, lab.forbidden))
        named = request.body.replace(b'name="content"', f'name="content"; filename="{file}"'.encode())
        answer = lab.ask(with_body(request, named, dict(request.headers)["Content-Type"]))
        expect_message(answer, NOT_FOUND)

    ignored(UTF8, "a.txt")
    lab.for_all(ignored, PAGE, st.text("ab.-_1", min_size=1, max_size=8), examples=lab.few_examples)


@checks("R16-json")
def _a_json_body_has_no_fields(lab: CheckContext) -> None:
    def no_fields(page: str, kind: str, as_form: bool) -> None:
        pairs = _pairs(lab.own, lab.forbidden)
        request = form(page, dict(pairs))
        body = request.body if as_form else json.dumps(dict(pairs)).encode()
        expect_message(lab.ask(with_body(request, body, kind)), EMPTY)

    no_fields(UTF8, "application/json", True)
    kinds = st.sampled_from(["application/json", "application/json; charset=utf-8", "Application/JSON"])
    lab.for_all(no_fields, PAGE, kinds, st.booleans(), examples=lab.few_examples)
