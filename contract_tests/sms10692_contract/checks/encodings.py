"""Checks of request encodings: every way in which clients send parameters (Q1 to Q17, R14, R16).

`ENCODINGS` has fixed encodings by clause, `GENERATED` strategies for more of the same kind. Each is tried with
checkkeyword and a forbidden word: the result shows whether the parameters were decoded, and the request has no side
effects.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from typing import Final, TypeAlias

from hypothesis import strategies as st

from sms10692_contract.checks.registry import Check, checks
from sms10692_contract.checks.strategies import MOBILE, SEND_ENDPOINT, SEND_ENDPOINTS, TEXT, any_timestamp
from sms10692_contract.expectations import expect, expect_message, expect_sent, get_message
from sms10692_contract.expected import EMPTY_CREDENTIALS, NO_WORD_FOUND, WORD_FOUND, ParsedResponse
from sms10692_contract.harness import CheckContext, SuiteAccount
from sms10692_contract.requests import (
    CHARSET,
    FORM,
    GBK,
    UTF8,
    Pairs,
    WireRequest,
    build_form,
    build_multipart,
    build_request,
    chunk_body,
    escape_unicode,
    percent_encoder,
    raw_encoder,
    replace_body,
)
from sms10692_contract.safety import INVALID_SIGN

Encoding: TypeAlias = Callable[[str, Pairs], WireRequest]
"""Builds a request from the path of an endpoint and the parameters."""


def _split(endpoint: str, pairs: Pairs) -> WireRequest:
    return build_request(
        endpoint, query=[pair for pair in pairs if pair[0] == "action"], body=[p for p in pairs if p[0] != "action"]
    )


def _rename(spelling: Mapping[str, str]) -> Encoding:
    return lambda endpoint, pairs: build_request(
        endpoint, body=[(spelling.get(name, name), value) for name, value in pairs]
    )


def _with_path(path: Callable[[str], str]) -> Encoding:
    return lambda endpoint, pairs: build_request(endpoint, body=pairs, path=path(endpoint))


def _with_headers(request: WireRequest, *headers: tuple[str, str]) -> WireRequest:
    return replace(request, headers=(*request.headers, *headers))


EXTRA_PARAMETERS: Final = (
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
        lambda endpoint, pairs: build_request(endpoint, query=pairs, method="GET"),
        lambda endpoint, pairs: build_request(endpoint, query=pairs),
    ),
    "Q3": (lambda endpoint, pairs: build_request(endpoint, query=[("action", "checkkeyword")], body=pairs),),
    "Q4": tuple(
        (lambda endpoint, pairs, kind=kind: build_request(endpoint, body=pairs, content_type=kind))  # type: ignore[misc]
        for kind in (FORM, f"{FORM}; charset=UTF-8", f"{FORM};charset=gbk", f"{FORM}; charset=iso-8859-1")
    ),
    "Q5": (build_multipart,),
    "Q6": (lambda endpoint, pairs: build_request(endpoint, body=pairs, encode=raw_encoder(CHARSET[endpoint])),),
    "Q7": (
        lambda endpoint, pairs: build_request(endpoint, body=pairs, content_type=None),
        lambda endpoint, pairs: build_request(endpoint, body=pairs, content_type="application/xml"),
        lambda endpoint, pairs: build_request(endpoint, body=pairs, content_type="text/plain"),
        lambda endpoint, pairs: replace_body(
            build_request(endpoint, query=pairs), b'{"content": "x"}', "application/json"
        ),
    ),
    "Q8": (
        _rename({"userid": "userId", "timestamp": "timeStamp", "action": "Action", "content": "CONTENT"}),
        _rename({"userid": "USERID", "sign": "Sign"}),
    ),
    "Q9": (
        _with_path(str.lower),
        _with_path(str.upper),
        _with_path(lambda endpoint: f"/{endpoint}"),
        _with_path(lambda endpoint: f"{endpoint}/"),
        _with_path(lambda endpoint: f"{endpoint}/v2sms.aspx"),
    ),
    "Q10": (
        lambda endpoint, pairs: build_request(endpoint, body=pairs, transform=lambda raw: b"&" + raw + b"&"),
        lambda endpoint, pairs: build_request(
            endpoint, body=pairs, transform=lambda raw: raw.replace(b"&", b"&&") + b"&extno"
        ),
        _with_path(lambda endpoint: f"{endpoint}?"),
    ),
    "Q11": (lambda endpoint, pairs: build_request(endpoint, body=[*EXTRA_PARAMETERS, *pairs]),),
    "Q17": (
        lambda endpoint, pairs: chunk_body(build_request(endpoint, body=pairs), 7),
        lambda endpoint, pairs: chunk_body(build_request(endpoint, body=pairs), 1000),
        lambda endpoint, pairs: replace(build_request(endpoint, body=pairs), protocol="HTTP/1.0"),
        lambda endpoint, pairs: _with_headers(build_request(endpoint, body=pairs), ("Expect", "100-continue")),
    ),
    "R14-percent-u": (lambda endpoint, pairs: build_request(endpoint, body=pairs, encode=escape_unicode),),
    "R14-lower-percent": (
        lambda endpoint, pairs: build_request(
            endpoint, body=pairs, encode=lambda text: _lower_percent_escapes(percent_encoder(CHARSET[endpoint])(text))
        ),
    ),
}
"""Fixed encodings, by clause."""


def _lower_percent_escapes(raw: bytes) -> bytes:
    head, *rest = raw.split(b"%")
    return b"%".join([head, *(part[:2].lower() + part[2:] for part in rest)])


# Generators of the same encodings: placement, case and separators of parameters.


def _names(least: int = 1) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(["userid", "timestamp", "sign", "action", "content"]), min_size=least)


def _split_at(in_query: frozenset[str]) -> Encoding:
    return lambda endpoint, pairs: build_request(
        endpoint,
        query=[pair for pair in pairs if pair[0] in in_query],
        body=[pair for pair in pairs if pair[0] not in in_query],
    )


def _repeat_in_query(in_query: frozenset[str]) -> Encoding:
    return lambda endpoint, pairs: build_request(
        endpoint, query=[pair for pair in pairs if pair[0] in in_query], body=pairs
    )


def _with_content_type(content_type: str) -> Encoding:
    return lambda endpoint, pairs: build_request(endpoint, body=pairs, content_type=content_type)


def _change_case(text: str, turns: Sequence[bool]) -> str:
    """Change the case of each letter: upper where the cycled `turns` is true, else lower."""
    return "".join(one.upper() if turn else one.lower() for one, turn in zip(text, cycle(turns), strict=False))


def _random_case(turns: Sequence[bool]) -> Encoding:
    return lambda endpoint, pairs: build_request(
        endpoint, body=[(_change_case(name, turns), value) for name, value in pairs]
    )


def _random_path(turns: Sequence[bool], slashes: int, behind: str) -> Encoding:
    return _with_path(lambda endpoint: "/" * slashes + _change_case(endpoint[1:], turns) + behind)


def _with_stray_separators(counts: Sequence[int], strays: Sequence[str]) -> Encoding:
    def between(raw: bytes) -> bytes:
        separators, stray = cycle(counts), cycle([*strays, ""])
        return (
            b"".join(b"&" * (next(separators) + 1) + next(stray).encode() + b"&" + pair for pair in raw.split(b"&"))
            + b"&"
        )

    return lambda endpoint, pairs: build_request(endpoint, body=pairs, transform=between)


def _with_extra_parameters(others: Sequence[tuple[str, str]], at: int) -> Encoding:
    def mixed(pairs: Pairs) -> Pairs:
        index = at % (len(pairs) + 1)
        return [*pairs[:index], *others, *pairs[index:]]

    return lambda endpoint, pairs: build_request(endpoint, body=mixed(pairs))


def _chunked(size: int) -> Encoding:
    return lambda endpoint, pairs: chunk_body(build_request(endpoint, body=pairs), size)


def _mixed_encoding(turns: Sequence[bool], other: Callable[[str, str], bytes]) -> Encoding:
    def encode(endpoint: str) -> Callable[[str], bytes]:
        usual = percent_encoder(CHARSET[endpoint])
        return lambda text: b"".join(
            other(endpoint, one) if turn else usual(one) for one, turn in zip(text, cycle(turns), strict=False)
        )

    return lambda endpoint, pairs: build_request(endpoint, body=pairs, encode=encode(endpoint))


KNOWN: Final = frozenset(
    ("userid", "timestamp", "sign", "mobile", "content", "sendtime", "action", "extno", "statusnum", "rt")
)
_TURNS: Final = st.lists(st.booleans(), min_size=1, max_size=6)
_NAME: Final = st.text("abcdefgxyz_01", min_size=1, max_size=8).filter(lambda name: name not in KNOWN)
_TOKEN: Final = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=10)

GENERATED: Final[Mapping[str, st.SearchStrategy[Encoding]]] = {
    "Q1": st.builds(_split_at, _names()),
    "Q3": st.builds(_repeat_in_query, _names()),
    "Q4": _TOKEN.map(lambda charset: _with_content_type(f"{FORM}; charset={charset}")),
    "Q7": st.builds(
        lambda kind, rest: _with_content_type(f"{kind}/x{rest}"), st.sampled_from(["text", "application"]), _TOKEN
    ),
    "Q8": st.builds(_random_case, _TURNS),
    "Q9": st.builds(
        _random_path, _TURNS, st.integers(1, 4), st.sampled_from(["", "/", "/x", "/v2smsGBK.aspx", "//v2sms.aspx"])
    ),
    "Q10": st.builds(
        _with_stray_separators, st.lists(st.integers(0, 3), min_size=1, max_size=4), st.lists(_TOKEN, max_size=3)
    ),
    "Q11": st.builds(
        _with_extra_parameters, st.lists(st.tuples(_NAME, _NAME), min_size=1, max_size=4), st.integers(0, 5)
    ),
    "Q17": st.integers(1, 300).map(_chunked),
    "R14-percent-u": st.builds(lambda turns: _mixed_encoding(turns, lambda endpoint, one: escape_unicode(one)), _TURNS),
    "R14-lower-percent": st.builds(
        lambda turns: _mixed_encoding(
            turns, lambda endpoint, one: _lower_percent_escapes(percent_encoder(CHARSET[endpoint])(one))
        ),
        _TURNS,
    ),
}
"""Generated encodings, by clause."""


def _pairs(account: SuiteAccount, content: str) -> list[tuple[str, str]]:
    return list((account.credentials() | {"action": "checkkeyword", "content": content}).items())


def _make_check(encodings: tuple[Encoding, ...], generated: st.SearchStrategy[Encoding] | None) -> Check:
    def check(context: CheckContext) -> None:
        for endpoint in SEND_ENDPOINTS:
            for encoding in encodings:

                def read(before: str, after: str, endpoint: str = endpoint, encoding: Encoding = encoding) -> None:
                    response = context.exchange(
                        encoding(endpoint, _pairs(context.own, before + context.forbidden + after))
                    )
                    expect_message(response, WORD_FOUND)

                read("", "")
                context.for_all(read, TEXT[endpoint], TEXT[endpoint], examples=context.few_examples)
                expect_message(context.exchange(encoding(endpoint, _pairs(context.own, "内容"))), NO_WORD_FOUND)
            if generated is not None:
                context.for_all(
                    lambda encoding, before, after, endpoint=endpoint: expect_message(
                        context.exchange(encoding(endpoint, _pairs(context.own, before + context.forbidden + after))),
                        WORD_FOUND,
                    ),
                    generated,
                    TEXT[endpoint],
                    TEXT[endpoint],
                )

    return check


for _clause, _encodings in ENCODINGS.items():
    checks(_clause)(_make_check(_encodings, GENERATED.get(_clause)))


@checks("Q6-query")
def _raw_utf8_in_the_query_string_is_read(context: CheckContext) -> None:
    def read(before: str, after: str) -> None:
        pairs = _pairs(context.own, before + context.forbidden + after)
        expect_message(
            context.exchange(build_request(UTF8, query=pairs, encode=raw_encoder("utf-8"), method="GET")), WORD_FOUND
        )

    read("代开", "")
    context.for_all(read, TEXT[UTF8], TEXT[UTF8])


@checks("Q12")
def _the_optional_parameters_may_be_absent(context: CheckContext) -> None:
    account = context.create_account()
    fields = account.credentials() | {"action": "send", "mobile": context.number, "content": "内容"}
    expect_sent(context.exchange(build_form(UTF8, fields)), 1)


@checks("Q13")
def _a_timestamp_is_any_text_over_which_the_signature_is_right(context: CheckContext) -> None:
    def signed(timestamp: str, endpoint: str = UTF8) -> None:
        response = context.exchange(build_form(endpoint, context.own.credentials(timestamp) | {"action": "overage"}))
        expect(
            get_message(response) == "" and bool(response.get_element("overage")),
            response,
            "a timestamp that is accepted",
        )

    for timestamp in ("1341155532", "1341155532123", "20120701111212", "201207012312", "1"):
        signed(timestamp)
    context.for_all(signed, st.integers(1, 10**16).map(str))
    for endpoint in SEND_ENDPOINTS:
        context.for_all(signed, any_timestamp(endpoint), st.just(endpoint))


@checks("Q15")
def _a_trailing_comma_is_no_number(context: CheckContext) -> None:
    account = context.create_account()
    expect_sent(context.send(account, f"{context.number},"), 1)

    def sent(mobiles: list[str], commas: int) -> None:
        expect_sent(context.send(account, ",".join(mobiles) + "," * commas), len(mobiles))

    context.for_all_if_sandboxed(sent, st.lists(MOBILE, min_size=1, max_size=4), st.integers(0, 4))


@checks("Q15-many")
def _fifty_thousand_numbers_are_ordinary(context: CheckContext) -> None:
    account = context.create_account(points=50_000)
    expect_sent(context.send(account, ",".join(str(13000000000 + index) for index in range(50_000))), 50_000)


@checks("Q16")
def _utf8_codes_on_the_gbk_page_are_not_understood(context: CheckContext) -> None:
    def misread(endpoint: str, other: str, before: str, after: str) -> None:
        text = before + context.forbidden + after
        if context.forbidden not in text.encode(other).decode(CHARSET[endpoint], "replace"):
            response = context.exchange(
                build_request(endpoint, body=_pairs(context.own, text), encode=percent_encoder(other))
            )
            expect_message(response, NO_WORD_FOUND)

    for endpoint, other in ((GBK, "utf-8"), (UTF8, "gbk")):
        misread(endpoint, other, "", "")
        latin = st.text("abc 1，。内容", max_size=6)
        context.for_all(misread, st.just(endpoint), st.just(other), latin, latin, examples=context.few_examples)


@checks("R14-plus")
def _a_plus_is_a_space(context: CheckContext) -> None:
    def read(endpoint: str, timestamp: str, in_query: bool) -> None:
        pairs = list((context.own.credentials(timestamp) | {"action": "overage"}).items())
        query, body = (pairs, []) if in_query else ([], pairs)
        request = build_request(
            endpoint,
            body=body,
            query=query,
            encode=lambda text: percent_encoder(CHARSET[endpoint])(text).replace(b"%20", b"+"),
        )
        expect_message(context.exchange(request), "")

    for in_query in (False, True):
        read(UTF8, "2012-07-01 23:12:12", in_query)
    context.for_all(read, SEND_ENDPOINT, st.text(" +%1内", max_size=6).map(lambda text: f"1{text}"), st.booleans())


@checks("R14-query-first")
def _the_query_string_comes_before_the_form(context: CheckContext) -> None:
    credentials = list(context.own.credentials().items())
    for content, message in ((context.forbidden, WORD_FOUND), ("", NO_WORD_FOUND)):
        other = "" if content else context.forbidden
        query = [("content", content), *credentials]
        body = [("content", other), ("sign", INVALID_SIGN), ("action", "checkkeyword")]
        expect_message(context.exchange(build_request(UTF8, query=query, body=body)), message)

    def first(endpoint: str, in_query: frozenset[str], value: str) -> None:
        """Values of the query string take precedence over values of the form."""
        pairs = _pairs(context.own, context.forbidden)
        query = [pair for pair in pairs if pair[0] in in_query]
        others = {name: "overage" if name == "action" else value for name in in_query}
        body = [(name, others.get(name, given)) for name, given in pairs]
        expect_message(context.exchange(build_request(endpoint, query=query, body=body)), WORD_FOUND)

    context.for_all(first, SEND_ENDPOINT, _names(), st.text("x0,", max_size=3))


@checks("R14-repeated")
def _a_name_that_is_repeated_is_joined_with_commas(context: CheckContext) -> None:
    account = context.create_account()
    fields = [*account.credentials().items(), ("action", "send"), ("content", "内容")]
    numbers = [("mobile", "13000000001"), ("mobile", "13000000002")]
    expect_sent(context.exchange(build_request(UTF8, body=[*fields, *numbers])), 2)
    expect_sent(context.exchange(build_request(UTF8, query=[*fields, *numbers])), 2)

    def joined(endpoint: str, mobiles: list[str], in_query: bool) -> None:
        pairs = [*fields, *(("mobile", number) for number in mobiles)]
        request = build_request(endpoint, query=pairs) if in_query else build_request(endpoint, body=pairs)
        expect_sent(context.exchange(request), len(mobiles))

    context.for_all(joined, SEND_ENDPOINT, st.lists(MOBILE, min_size=2, max_size=5), st.booleans())


@checks("R14-names")
def _a_name_is_not_trimmed(context: CheckContext) -> None:
    def other(endpoint: str, renamed: str, before: str, after: str) -> None:
        credentials = context.own.credentials().items()
        fields = [(f"{before}{name}{after}" if name == renamed else name, value) for name, value in credentials]
        if before or after:
            expect_message(
                context.exchange(build_request(endpoint, body=[*fields, ("action", "overage")])), EMPTY_CREDENTIALS
            )

    other(UTF8, "sign", "", " ")
    space = st.text(" \t\r\n", max_size=2)
    context.for_all(other, SEND_ENDPOINT, st.sampled_from(["userid", "timestamp", "sign"]), space, space)


@checks("R14-euro")
def _0x80_is_the_euro_sign_on_the_gbk_endpoint(context: CheckContext) -> None:
    response = _echo(context, GBK, b"%80")
    expect(response.get_element("checkCounts") == "&#8364;", response, "checkCounts &#8364;")


@checks("R14-unreadable")
def _a_byte_that_cannot_be_read_is_a_replacement_character(context: CheckContext) -> None:
    response = _echo(context, UTF8, b"a%FFb%zz")
    expect(response.get_element("checkCounts") == "a\ufffdb%zz", response, "checkCounts a\ufffdb%zz")

    def read(parts: list[tuple[str, str]]) -> None:
        actual = _echo(context, UTF8, "".join(raw for raw, _ in parts).encode()).get_element("checkCounts")
        mobiles = "".join(text for _, text in parts)
        expect(actual == mobiles, response, f"checkCounts {mobiles!r}", repr(actual))

    known = [("%FF", "\ufffd"), ("%80", "\ufffd"), ("%", "%"), ("%z", "%z"), ("%ud83d", "\ufffd")]
    parts = st.tuples(st.sampled_from(known), st.sampled_from([("x", "x"), ("%E5%86%85", "内")]))
    context.for_all(lambda some: read([one for two in some for one in two]), st.lists(parts, min_size=1, max_size=4))


def _echo(context: CheckContext, endpoint: str, raw: bytes) -> ParsedResponse:
    """Send `raw` as content to an account of the dialect `observed`, whose response repeats the decoded text."""
    pairs = _pairs(context.create_account(dialect="observed"), "CONTENT")
    return context.exchange(build_request(endpoint, body=pairs, transform=lambda form: form.replace(b"CONTENT", raw)))


@checks("R16-files")
def _a_part_with_a_file_name_is_no_field(context: CheckContext) -> None:
    def ignored(endpoint: str, file: str) -> None:
        request = build_multipart(endpoint, _pairs(context.own, context.forbidden))
        named = request.body.replace(b'name="content"', f'name="content"; filename="{file}"'.encode())
        response = context.exchange(replace_body(request, named, dict(request.headers)["Content-Type"]))
        expect_message(response, NO_WORD_FOUND)

    ignored(UTF8, "a.txt")
    context.for_all(ignored, SEND_ENDPOINT, st.text("ab.-_1", min_size=1, max_size=8), examples=context.few_examples)


@checks("R16-json")
def _a_json_body_has_no_fields(context: CheckContext) -> None:
    def no_fields(endpoint: str, kind: str, as_form: bool) -> None:
        pairs = _pairs(context.own, context.forbidden)
        request = build_form(endpoint, dict(pairs))
        body = request.body if as_form else json.dumps(dict(pairs)).encode()
        expect_message(context.exchange(replace_body(request, body, kind)), EMPTY_CREDENTIALS)

    no_fields(UTF8, "application/json", True)
    kinds = st.sampled_from(["application/json", "application/json; charset=utf-8", "Application/JSON"])
    context.for_all(no_fields, SEND_ENDPOINT, kinds, st.booleans(), examples=context.few_examples)
