"""Checks of request encodings: every way in which clients send parameters (Q1 to Q11, Q17, R14).

`ENCODINGS` has fixed encodings by clause, `GENERATED` strategies for more of the same kind. Each is tried with
checkkeyword and a forbidden word: the result shows whether the parameters were decoded, and the request has no side
effects.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from typing import Final, TypeAlias

from hypothesis import strategies as st

from sms10692_contract.checks.registry import Check, checks
from sms10692_contract.checks.strategies import PARAMETER_NAMES, SEND_ENDPOINTS, TEXT
from sms10692_contract.expectations import expect_message
from sms10692_contract.expected import NO_WORD_FOUND, WORD_FOUND
from sms10692_contract.harness import CheckContext, SuiteAccount
from sms10692_contract.requests import (
    CHARSET,
    FORM,
    Pairs,
    WireRequest,
    build_multipart,
    build_request,
    chunk_body,
    escape_unicode,
    percent_encoder,
    raw_encoder,
    replace_body,
)

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
    "Q1": st.builds(_split_at, PARAMETER_NAMES),
    "Q3": st.builds(_repeat_in_query, PARAMETER_NAMES),
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


def build_keyword_pairs(account: SuiteAccount, content: str) -> list[tuple[str, str]]:
    """Return the parameters of a checkkeyword request for this text."""
    return list((account.credentials() | {"action": "checkkeyword", "content": content}).items())


def _make_check(encodings: tuple[Encoding, ...], generated: st.SearchStrategy[Encoding] | None) -> Check:
    def check(context: CheckContext) -> None:
        for endpoint in SEND_ENDPOINTS:
            for encoding in encodings:

                def read(before: str, after: str, endpoint: str = endpoint, encoding: Encoding = encoding) -> None:
                    response = context.exchange(
                        encoding(endpoint, build_keyword_pairs(context.own, before + context.forbidden + after))
                    )
                    expect_message(response, WORD_FOUND)

                read("", "")
                context.for_all(read, TEXT[endpoint], TEXT[endpoint], examples=context.few_examples)
                expect_message(
                    context.exchange(encoding(endpoint, build_keyword_pairs(context.own, "内容"))), NO_WORD_FOUND
                )
            if generated is not None:
                context.for_all(
                    lambda encoding, before, after, endpoint=endpoint: expect_message(
                        context.exchange(
                            encoding(endpoint, build_keyword_pairs(context.own, before + context.forbidden + after))
                        ),
                        WORD_FOUND,
                    ),
                    generated,
                    TEXT[endpoint],
                    TEXT[endpoint],
                )

    return check


for _clause, _encodings in ENCODINGS.items():
    checks(_clause)(_make_check(_encodings, GENERATED.get(_clause)))
