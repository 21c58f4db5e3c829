"""Q1 to Q17: every way in which clients were seen to place the parameters of a request, and R14 and R16 behind them.

Here belong the ways as a table. Each is tried with checkkeyword and a forbidden word among other text, because the
verdict shows whether the parameters were read, and asking it changes nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from hypothesis import strategies as st

from sms10692_contract.answers import Answer
from sms10692_contract.checks.overage_and_keywords import TEXT
from sms10692_contract.checks.registry import Check, holds
from sms10692_contract.checks.sends import PAGES
from sms10692_contract.gate import NO_SIGN
from sms10692_contract.lab import Account, Lab, expect, expect_message, expect_sent, message_of
from sms10692_contract.requests import (
    CHARSET,
    FORM,
    GBK,
    UTF8,
    Pairs,
    Request,
    chunked,
    form,
    multipart,
    percent,
    placed,
    unescaped,
    unicode_escapes,
    with_body,
)

FOUND: Final = "包含非法字符"

Way: TypeAlias = Callable[[str, Pairs], Request]
"""From a page and the parameters to a request."""


def _split(page: str, pairs: Pairs) -> Request:
    return placed(
        page, query=[pair for pair in pairs if pair[0] == "action"], body=[p for p in pairs if p[0] != "action"]
    )


def _spelt(spelling: Mapping[str, str]) -> Way:
    return lambda page, pairs: placed(page, body=[(spelling.get(name, name), value) for name, value in pairs])


def _at(path: Callable[[str], str]) -> Way:
    return lambda page, pairs: placed(page, body=pairs, path=path(page))


def _header(request: Request, *headers: tuple[str, str]) -> Request:
    return replace(request, headers=(*request.headers, *headers))


EXTRA: Final = (
    ("account", "x"),
    ("password", "y"),
    ("ownExt", "1"),
    ("send_id", "z"),
    ("checkContent", "0"),
    ("statusNum", "1"),
)

WAYS: Final[Mapping[str, tuple[Way, ...]]] = {
    "Q1": (_split,),
    "Q2": (
        lambda page, pairs: placed(page, query=pairs, method="GET"),
        lambda page, pairs: placed(page, query=pairs),
    ),
    "Q3": (lambda page, pairs: placed(page, query=[("action", "checkkeyword")], body=pairs),),
    "Q4": tuple(
        (lambda page, pairs, kind=kind: placed(page, body=pairs, content_type=kind))  # type: ignore[misc]
        for kind in (FORM, f"{FORM}; charset=UTF-8", f"{FORM};charset=gbk", f"{FORM}; charset=iso-8859-1")
    ),
    "Q5": (multipart,),
    "Q6": (lambda page, pairs: placed(page, body=pairs, encode=unescaped(CHARSET[page])),),
    "Q7": (
        lambda page, pairs: placed(page, body=pairs, content_type=None),
        lambda page, pairs: placed(page, body=pairs, content_type="application/xml"),
        lambda page, pairs: placed(page, body=pairs, content_type="text/plain"),
        lambda page, pairs: with_body(placed(page, query=pairs), b'{"content": "x"}', "application/json"),
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
        lambda page, pairs: placed(page, body=pairs, around=lambda raw: b"&" + raw + b"&"),
        lambda page, pairs: placed(page, body=pairs, around=lambda raw: raw.replace(b"&", b"&&") + b"&extno"),
        _at(lambda page: f"{page}?"),
    ),
    "Q11": (lambda page, pairs: placed(page, body=[*EXTRA, *pairs]),),
    "Q17": (
        lambda page, pairs: chunked(placed(page, body=pairs), 7),
        lambda page, pairs: chunked(placed(page, body=pairs), 1000),
        lambda page, pairs: replace(placed(page, body=pairs), protocol="HTTP/1.0"),
        lambda page, pairs: _header(placed(page, body=pairs), ("Expect", "100-continue")),
    ),
    "R14-percent-u": (lambda page, pairs: placed(page, body=pairs, encode=unicode_escapes),),
    "R14-lower-percent": (
        lambda page, pairs: placed(page, body=pairs, encode=lambda text: _lower_codes(percent(CHARSET[page])(text))),
    ),
}
"""By clause, the ways it is about."""


def _lower_codes(raw: bytes) -> bytes:
    head, *rest = raw.split(b"%")
    return b"%".join([head, *(piece[:2].lower() + piece[2:] for piece in rest)])


def _pairs(account: Account, content: str) -> list[tuple[str, str]]:
    return list((account.credentials() | {"action": "checkkeyword", "content": content}).items())


def _read_in_these(ways: tuple[Way, ...]) -> Check:
    def check(lab: Lab) -> None:
        for page in PAGES:
            for way in ways:

                def read(before: str, after: str, page: str = page, way: Way = way) -> None:
                    answer = lab.ask(way(page, _pairs(lab.own, before + lab.forbidden + after)))
                    expect_message(answer, FOUND)

                read("", "")
                few = max(lab.profile.examples // 3, 2)
                lab.for_all(read, TEXT[page], TEXT[page], examples=few)
                expect_message(lab.ask(way(page, _pairs(lab.own, "内容"))), "没有包含屏蔽词")

    return check


for _clause, _ways in WAYS.items():
    holds(_clause)(_read_in_these(_ways))


@holds("Q6-query")
def _raw_utf8_in_the_query_string_is_read(lab: Lab) -> None:
    answer = lab.ask(
        placed(UTF8, query=_pairs(lab.own, f"代开{lab.forbidden}"), encode=unescaped("utf-8"), method="GET")
    )
    expect_message(answer, FOUND)


@holds("Q12")
def _the_optional_parameters_may_be_absent(lab: Lab) -> None:
    account = lab.account()
    fields = account.credentials() | {"action": "send", "mobile": lab.number, "content": "内容"}
    expect_sent(lab.ask(form(UTF8, fields)), 1)


@holds("Q13")
def _a_timestamp_is_any_text_over_which_the_signature_is_right(lab: Lab) -> None:
    def signed(timestamp: str) -> None:
        answer = lab.ask(form(UTF8, lab.own.credentials(timestamp) | {"action": "overage"}))
        expect(message_of(answer) == "" and bool(answer.element("overage")), answer, "a timestamp that is accepted")

    for timestamp in ("1341155532", "1341155532123", "20120701111212", "201207012312", "1"):
        signed(timestamp)
    lab.for_all(signed, st.integers(1, 10**16).map(str))


@holds("Q15")
def _a_trailing_comma_is_no_number(lab: Lab) -> None:
    account = lab.account()
    expect_sent(lab.send(account, f"{lab.number},"), 1)


@holds("Q15-many")
def _fifty_thousand_numbers_are_ordinary(lab: Lab) -> None:
    account = lab.account(points=50_000)
    expect_sent(lab.send(account, ",".join(str(13000000000 + place) for place in range(50_000))), 50_000)


@holds("Q16")
def _utf8_codes_on_the_gbk_page_are_not_understood(lab: Lab) -> None:
    answer = lab.ask(placed(GBK, body=_pairs(lab.own, lab.forbidden), encode=percent("utf-8")))
    expect_message(answer, "没有包含屏蔽词")
    answer = lab.ask(placed(UTF8, body=_pairs(lab.own, lab.forbidden), encode=percent("gbk")))
    expect_message(answer, "没有包含屏蔽词")


@holds("R14-plus")
def _a_plus_is_a_space(lab: Lab) -> None:
    pairs = list((lab.own.credentials("2012-07-01 23:12:12") | {"action": "overage"}).items())
    for body, query in ((pairs, ()), ((), pairs)):
        request = placed(UTF8, body=body, query=query, encode=lambda text: percent("utf-8")(text).replace(b"%20", b"+"))
        expect_message(lab.ask(request), "")


@holds("R14-query-first")
def _the_query_string_comes_before_the_form(lab: Lab) -> None:
    credentials = list(lab.own.credentials().items())
    for content, message in ((lab.forbidden, FOUND), ("", "没有包含屏蔽词")):
        other = "" if content else lab.forbidden
        query = [("content", content), *credentials]
        body = [("content", other), ("sign", NO_SIGN), ("action", "checkkeyword")]
        expect_message(lab.ask(placed(UTF8, query=query, body=body)), message)


@holds("R14-repeated")
def _a_name_that_is_repeated_is_joined_with_commas(lab: Lab) -> None:
    account = lab.account()
    fields = [*account.credentials().items(), ("action", "send"), ("content", "内容")]
    numbers = [("mobile", "13000000001"), ("mobile", "13000000002")]
    expect_sent(lab.ask(placed(UTF8, body=[*fields, *numbers])), 2)
    expect_sent(lab.ask(placed(UTF8, query=[*fields, *numbers])), 2)


@holds("R14-names")
def _a_name_is_not_trimmed(lab: Lab) -> None:
    fields = [(f"{name} " if name == "sign" else name, value) for name, value in lab.own.credentials().items()]
    expect_message(lab.ask(placed(UTF8, body=[*fields, ("action", "overage")])), "用户名或密码不能为空")


@holds("R14-euro")
def _0x80_is_the_euro_sign_on_the_gbk_page(lab: Lab) -> None:
    answer = _echo(lab, GBK, b"%80")
    expect(answer.element("checkCounts") == "&#8364;", answer, "checkCounts &#8364;")


@holds("R14-unreadable")
def _a_byte_that_cannot_be_read_is_a_replacement_character(lab: Lab) -> None:
    answer = _echo(lab, UTF8, b"a%FFb%zz")
    expect(answer.element("checkCounts") == "a\ufffdb%zz", answer, "checkCounts a\ufffdb%zz")


def _echo(lab: Lab, page: str, raw: bytes) -> Answer:
    """What a text of these bytes is read as, which the dialect `observed` shows."""
    pairs = _pairs(lab.account(dialect="observed"), "CONTENT")
    return lab.ask(placed(page, body=pairs, around=lambda form: form.replace(b"CONTENT", raw)))


@holds("R16-files")
def _a_part_with_a_file_name_is_no_field(lab: Lab) -> None:
    request = multipart(UTF8, _pairs(lab.own, lab.forbidden))
    named = request.body.replace(b'name="content"', b'name="content"; filename="a.txt"')
    answer = lab.ask(with_body(request, named, dict(request.headers)["Content-Type"]))
    expect_message(answer, "没有包含屏蔽词")


@holds("R16-json")
def _a_json_body_has_no_fields(lab: Lab) -> None:
    request = form(UTF8, dict(_pairs(lab.own, lab.forbidden)))
    answer = lab.ask(with_body(request, request.body, "application/json"))
    expect_message(answer, "用户名或密码不能为空")
