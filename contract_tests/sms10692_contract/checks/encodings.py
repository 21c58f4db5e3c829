"""Checks of request encodings: every way in which clients send parameters (Q1 to Q11, Q17, R14).

`ENCODINGS` has fixed encodings by clause, `GENERATED` strategies for more of the same kind. Each is tried with
checkkeyword and a forbidden word: the result shows whether the parameters were decoded, and the request has no side
effects.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle
from typing import Final, TypeAlias

from hypothesis import strategies as st

from sms10692_contract.checks.registry import Check, checks
from sms10692_contract.checks.strategies import PARAMETER_NAMES, SEND_ENDPOINTS, TEXT
from sms10692_contract.expectations import expect_keyword
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import (
    CHARSET,
    FORM,
    Pairs,
    WireRequest,
    build_multipart,
    build_percent_encoder,
    build_raw_encoder,
    build_request,
    chunk_body,
    escape_unicode,
    replace_body,
)
from sms10692_contract.suite_account import SuiteAccount

Encoding: TypeAlias = Callable[[str, Pairs], WireRequest]
"""Builds a request from the path of an endpoint and the parameters."""


def _put_action_in_query(endpoint: str, pairs: Pairs) -> WireRequest:
    return build_request(
        endpoint, query=[pair for pair in pairs if pair[0] == "action"], body=[p for p in pairs if p[0] != "action"]
    )


def _rename_parameters(spelling: Mapping[str, str]) -> Encoding:
    return lambda endpoint, pairs: build_request(
        endpoint, body=[(spelling.get(name, name), value) for name, value in pairs]
    )


def _use_path(path: Callable[[str], str]) -> Encoding:
    return lambda endpoint, pairs: build_request(endpoint, body=pairs, path=path(endpoint))


def _use_content_type(content_type: str) -> Encoding:
    return lambda endpoint, pairs: build_request(endpoint, body=pairs, content_type=content_type)


def _add_headers(request: WireRequest, *headers: tuple[str, str]) -> WireRequest:
    return replace(request, headers=(*request.headers, *headers))


EXTRA_PARAMETERS: Final = (
    ("ownExt", "1"),
    ("taskName", "x"),
    ("send_id", "z"),
    ("checkContent", "0"),
    ("statusNum", "1"),
)


ENCODINGS: Final[Mapping[str, tuple[Encoding, ...]]] = {
    "Q1": (_put_action_in_query,),
    "Q2": (
        lambda endpoint, pairs: build_request(endpoint, query=pairs, method="GET"),
        lambda endpoint, pairs: build_request(endpoint, query=pairs),
    ),
    "Q3": (lambda endpoint, pairs: build_request(endpoint, query=[("action", "checkkeyword")], body=pairs),),
    "Q4": tuple(
        _use_content_type(content_type)
        for content_type in (FORM, f"{FORM}; charset=UTF-8", f"{FORM};charset=gbk", f"{FORM}; charset=iso-8859-1")
    ),
    "Q5": (build_multipart,),
    "Q6": (lambda endpoint, pairs: build_request(endpoint, body=pairs, encode=build_raw_encoder(CHARSET[endpoint])),),
    "Q7": (
        lambda endpoint, pairs: build_request(endpoint, body=pairs, content_type=None),
        lambda endpoint, pairs: build_request(endpoint, body=pairs, content_type="application/xml"),
        lambda endpoint, pairs: build_request(endpoint, body=pairs, content_type="text/plain"),
        lambda endpoint, pairs: replace_body(
            build_request(endpoint, query=pairs), b'{"content": "x"}', "application/json"
        ),
    ),
    "Q8": (
        _rename_parameters({"userid": "userId", "timestamp": "timeStamp", "action": "Action", "content": "CONTENT"}),
        _rename_parameters({"userid": "USERID", "sign": "Sign"}),
    ),
    "Q9": (
        _use_path(str.lower),
        _use_path(str.upper),
        _use_path(lambda endpoint: f"/{endpoint}"),
        _use_path(lambda endpoint: f"{endpoint}/"),
        _use_path(lambda endpoint: f"{endpoint}/v2sms.aspx"),
    ),
    "Q10": (
        lambda endpoint, pairs: build_request(endpoint, body=pairs, transform=lambda raw: b"&" + raw + b"&"),
        lambda endpoint, pairs: build_request(
            endpoint, body=pairs, transform=lambda raw: raw.replace(b"&", b"&&") + b"&extno"
        ),
        _use_path(lambda endpoint: f"{endpoint}?"),
    ),
    "Q11": (lambda endpoint, pairs: build_request(endpoint, body=[*EXTRA_PARAMETERS, *pairs]),),
    "Q17": (
        lambda endpoint, pairs: chunk_body(build_request(endpoint, body=pairs), 7),
        lambda endpoint, pairs: chunk_body(build_request(endpoint, body=pairs), 1000),
        lambda endpoint, pairs: replace(build_request(endpoint, body=pairs), protocol="HTTP/1.0"),
        lambda endpoint, pairs: _add_headers(build_request(endpoint, body=pairs), ("Expect", "100-continue")),
    ),
    "R14-percent-u": (
        lambda endpoint, pairs: build_request(endpoint, body=pairs, encode=escape_unicode),
        lambda endpoint, pairs: build_request(endpoint, body=pairs, encode=partial(escape_unicode, digits="04X")),
    ),
    "R14-lower-percent": (
        lambda endpoint, pairs: build_request(
            endpoint,
            body=pairs,
            encode=lambda text: _lower_percent_escapes(build_percent_encoder(CHARSET[endpoint])(text)),
        ),
    ),
}
"""Fixed encodings, by clause."""


def _lower_percent_escapes(raw: bytes) -> bytes:
    head, *rest = raw.split(b"%")
    return b"%".join([head, *(part[:2].lower() + part[2:] for part in rest)])


# Builders for generated encodings of the same kinds: placement, case and separators of parameters.


def _put_in_query(in_query: frozenset[str]) -> Encoding:
    return lambda endpoint, pairs: build_request(
        endpoint,
        query=[pair for pair in pairs if pair[0] in in_query],
        body=[pair for pair in pairs if pair[0] not in in_query],
    )


def _repeat_in_query(in_query: frozenset[str]) -> Encoding:
    return lambda endpoint, pairs: build_request(
        endpoint, query=[pair for pair in pairs if pair[0] in in_query], body=pairs
    )


def _change_case(text: str, upper_flags: Sequence[bool]) -> str:
    """Change the case of each letter: upper where the cycled `upper_flags` is true, else lower."""
    return "".join(
        character.upper() if is_upper else character.lower()
        for character, is_upper in zip(text, cycle(upper_flags), strict=False)
    )


def _change_case_of_names(upper_flags: Sequence[bool]) -> Encoding:
    return lambda endpoint, pairs: build_request(
        endpoint, body=[(_change_case(name, upper_flags), value) for name, value in pairs]
    )


def _change_path(upper_flags: Sequence[bool], slashes: int, suffix: str) -> Encoding:
    return _use_path(lambda endpoint: "/" * slashes + _change_case(endpoint[1:], upper_flags) + suffix)


def _add_stray_separators(counts: Sequence[int], strays: Sequence[str]) -> Encoding:
    def add_separators(raw: bytes) -> bytes:
        separators, stray = cycle(counts), cycle([*strays, ""])
        return (
            b"".join(b"&" * (next(separators) + 1) + next(stray).encode() + b"&" + pair for pair in raw.split(b"&"))
            + b"&"
        )

    return lambda endpoint, pairs: build_request(endpoint, body=pairs, transform=add_separators)


def _insert_parameters(extra: Sequence[tuple[str, str]], position: int) -> Encoding:
    def insert(pairs: Pairs) -> Pairs:
        index = position % (len(pairs) + 1)
        return [*pairs[:index], *extra, *pairs[index:]]

    return lambda endpoint, pairs: build_request(endpoint, body=insert(pairs))


def _chunk(size: int) -> Encoding:
    return lambda endpoint, pairs: chunk_body(build_request(endpoint, body=pairs), size)


def _mix_encoders(flags: Sequence[bool], alternative: Callable[[str, str], bytes]) -> Encoding:
    def encode(endpoint: str) -> Callable[[str], bytes]:
        default = build_percent_encoder(CHARSET[endpoint])
        return lambda text: b"".join(
            alternative(endpoint, character) if flag else default(character)
            for character, flag in zip(text, cycle(flags), strict=False)
        )

    return lambda endpoint, pairs: build_request(endpoint, body=pairs, encode=encode(endpoint))


KNOWN_NAMES: Final = frozenset(
    ("userid", "timestamp", "sign", "mobile", "content", "sendtime", "action", "extno", "statusnum", "rt")
)


_FLAGS: Final = st.lists(st.booleans(), min_size=1, max_size=6)


_NAME: Final = st.text("abcdefgxyz_01", min_size=1, max_size=8).filter(lambda name: name not in KNOWN_NAMES)


_TOKEN: Final = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=10)


GENERATED: Final[Mapping[str, st.SearchStrategy[Encoding]]] = {
    "Q1": st.builds(_put_in_query, PARAMETER_NAMES),
    "Q3": st.builds(_repeat_in_query, PARAMETER_NAMES),
    "Q4": _TOKEN.map(lambda charset: _use_content_type(f"{FORM}; charset={charset}")),
    "Q7": st.builds(
        lambda kind, rest: _use_content_type(f"{kind}/x{rest}"), st.sampled_from(["text", "application"]), _TOKEN
    ),
    "Q8": st.builds(_change_case_of_names, _FLAGS),
    "Q9": st.builds(
        _change_path, _FLAGS, st.integers(1, 4), st.sampled_from(["", "/", "/x", "/v2smsGBK.aspx", "//v2sms.aspx"])
    ),
    "Q10": st.builds(
        _add_stray_separators, st.lists(st.integers(0, 3), min_size=1, max_size=4), st.lists(_TOKEN, max_size=3)
    ),
    "Q11": st.builds(_insert_parameters, st.lists(st.tuples(_NAME, _NAME), min_size=1, max_size=4), st.integers(0, 5)),
    "Q17": st.integers(1, 300).map(_chunk),
    "R14-percent-u": st.builds(
        lambda flags, digits: _mix_encoders(flags, lambda endpoint, character: escape_unicode(character, digits)),
        _FLAGS,
        st.sampled_from(["04x", "04X"]),
    ),
    "R14-lower-percent": st.builds(
        lambda flags: _mix_encoders(
            flags,
            lambda endpoint, character: _lower_percent_escapes(build_percent_encoder(CHARSET[endpoint])(character)),
        ),
        _FLAGS,
    ),
}
"""Generated encodings, by clause."""


def build_keyword_pairs(account: SuiteAccount, content: str) -> list[tuple[str, str]]:
    """Return the parameters of a checkkeyword request for this text."""
    return list((account.build_credentials() | {"action": "checkkeyword", "content": content}).items())


def _make_check(encodings: tuple[Encoding, ...], generated: st.SearchStrategy[Encoding] | None) -> Check:
    def check(context: CheckContext) -> None:
        for endpoint in SEND_ENDPOINTS:
            for encoding in encodings:

                def check_decoded(
                    before: str, after: str, endpoint: str = endpoint, encoding: Encoding = encoding
                ) -> None:
                    response = context.exchange(
                        encoding(endpoint, build_keyword_pairs(context.own, before + context.forbidden_word + after))
                    )
                    expect_keyword(response, is_found=True)

                check_decoded("", "")
                context.for_all(check_decoded, TEXT[endpoint], TEXT[endpoint], examples=context.few_examples)
                expect_keyword(
                    context.exchange(encoding(endpoint, build_keyword_pairs(context.own, "内容"))), is_found=False
                )
            if generated is not None:
                context.for_all(
                    lambda encoding, before, after, endpoint=endpoint: expect_keyword(
                        context.exchange(
                            encoding(
                                endpoint, build_keyword_pairs(context.own, before + context.forbidden_word + after)
                            )
                        ),
                        is_found=True,
                    ),
                    generated,
                    TEXT[endpoint],
                    TEXT[endpoint],
                )

    return check


for _clause, _encodings in ENCODINGS.items():
    checks(_clause)(_make_check(_encodings, GENERATED.get(_clause)))
