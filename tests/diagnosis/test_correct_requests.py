"""Correct requests, as real clients encode them, have no finding.

`make test-correct-requests` draws 10,000 of them.
"""

import os
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sms10692 import protocol, signing
from sms10692.protocol import Endpoint
from sms10692_mock.diagnosis import diagnose
from sms10692_mock.diagnosis.accidental_text import check_accidental_text, may_be_accidental
from sms10692_mock.diagnosis.numbers import are_plain
from sms10692_mock.diagnosis.service import is_conventional, needs_diagnosis
from support.diagnosis import FORM, NOW, build_context, build_form, md5

GBK = protocol.V2SMS_GBK
COUNT: Final = int(os.environ.get("SMS10692_CORRECT_REQUESTS", "200"))

Encoder = Callable[[str, str], str]
"""Encodes a name or a value in a charset."""


def lower_escapes(encoded: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda escape: escape[0].lower(), encoded)


ENCODERS: Final[Mapping[str, Encoder]] = {
    "urllib, Go, PHP http_build_query": lambda text, charset: quote_plus(text, encoding=charset),
    "encodeURIComponent": lambda text, charset: quote(text, "!'()*", charset),
    "URLSearchParams, Java": lambda text, charset: quote_plus(text, "*", charset).replace("~", "%7E"),
    "HttpUtility of .NET": lambda text, charset: lower_escapes(quote_plus(text, "!*()", charset)),
    "Uri.EscapeDataString, rawurlencode, curl": lambda text, charset: quote(text, "", charset),
    "every byte, upper-case digits": lambda text, charset: "".join(f"%{byte:02X}" for byte in text.encode(charset)),
    "every byte, lower-case digits": lambda text, charset: "".join(f"%{byte:02x}" for byte in text.encode(charset)),
    "commas kept": lambda text, charset: quote_plus(text, ",:", charset),
}

LATER = (datetime.fromtimestamp(NOW, signing.CHINA) + timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S")
HANZI = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5, exclude_characters="锟")
"""Without the sign of lost characters, 锟斤拷, which Hypothesis finds among the constants of the diagnosis."""
SIGNATURES = st.sampled_from(["", "【商店】", "【某某科技】", "【A1店】"])
WORDS = st.sampled_from(
    [
        *("您的验证码是", "1234", "，5分钟内有效。", "Hello", "Your code is 123456.", "50%", "A&B", "1+1=2", "a@b.cn"),
        *("http://sms10692.com/a?b=c", "退订回T", "订单(123)已发货！", "C++", "《合同》", "\n", "what?", "100% off"),
        *("￥30", "😀", "12:30", "sales@Example.com", "#Nike#", "【重要】", "【限时优惠】", "Q&A=FAQ", "\r\n", "\t"),
        *("100%满意", "US$30", "$5 off", "None of them", "NULL pointer", "《undefined behavior》", "O'Neil", '"好"'),
        *("满100减20；满200减50", "拨打400-810-8888", "0571-88888888", "2012-07-01 23:12:12", "尾号8888", "3<4", "5>4"),
        *(
            "[1]",
            "（含税）",
            "~",
            "^_^",
            "在C:\\new\\temp",
            "a/b",
            "é",
            "ü",
            "繁體中文",
            "カタカナ",
            "Привет",
            "€5",
            "±1℃",
        ),
        *("https://x.example/?q=%E5%86%85&b=1", "AT&T;", "true", "Array 与 Optional", "content=1", "。。。", "!!!"),
        *(
            "￥${99}",
            "-",
            "*",
            "±1℃",
            "①②",
            "·",
            "…",
            "“引号”",
            "‘引号’",
            "——",
            "、",
            "％",
            "＋",
            "　",
            "！",
            "Ａ",
            "㎡",
        ),
    ]
)
TEXTS = st.builds(
    lambda signature, text: signature + text,
    SIGNATURES,
    st.lists(WORDS, min_size=1, max_size=6).map("".join).map(lambda text: "您好" + text)
    | st.text(HANZI, min_size=1, max_size=40).map(lambda text: "您好" + text)
    | st.sampled_from(
        ["Hello", "Your code is 123456.", "What?", "【商店】您的验证码是1234，5分钟内有效。退订回T", "T", "1"]
    ),
)
NUMBERS = st.builds("1{}{:09}".format, st.integers(3, 9), st.integers(0, 999_999_999))
MOBILES = st.builds(
    lambda numbers, separator, end: separator.join(numbers) + end,
    st.lists(NUMBERS, min_size=1, max_size=30),
    st.sampled_from([",", ",", ", "]),
    st.sampled_from(["", "", ","]),
)


class Kind(NamedTuple):
    """An operation at one of its endpoints."""

    operation: protocol.Operation
    endpoint: Endpoint


KINDS: Final = [Kind(operation, endpoint) for operation in protocol.OPERATIONS for endpoint in operation.endpoints]
LABELS: Final = {
    "utf-8": (FORM, f"{FORM}; charset=UTF-8", f'{FORM};charset="utf-8"', FORM.title()),
    "gb2312": (FORM, f"{FORM}; charset=GBK", f"{FORM};charset=gb2312"),
}


class CorrectRequest(NamedTuple):
    """Fields of a request, its operation and endpoint, and how a client encodes it. `is_multipart`: as a multipart."""

    kind: Kind
    fields: dict[str, str]
    encoder: str
    label: str
    is_multipart: bool
    is_action_in_query: bool

    @property
    def charset(self) -> str:
        return "utf-8" if self.kind.endpoint.charset == "utf-8" else "gbk"


@st.composite
def correct_requests(draw: st.DrawFn) -> CorrectRequest:
    kind = draw(st.sampled_from([*KINDS, Kind(protocol.SEND, protocol.V2SMS), Kind(protocol.SEND, GBK)]))
    time = datetime.fromtimestamp(NOW + draw(st.integers(-300, 300)), signing.CHINA)
    timestamp = signing.format_timestamp(time)
    credentials = {
        "userid": "12", "timestamp": timestamp, "sign": md5(f"testmima{timestamp}"), "account": "test",
        "password": "mima",
    }  # fmt: skip
    fields = {name: credentials[name] for name in kind.endpoint.authentication.parameters}
    values = {
        "mobile": MOBILES,
        "content": TEXTS,
        "sendTime": st.sampled_from(["", LATER]),
        "action": st.just(kind.operation.action),
        "extno": st.sampled_from(["", "1", "0123456789"]),
        "statusNum": st.sampled_from(["", "1", "500", "4000"]),
        "newpwd": st.just("mima-2"),
        "renewpwd": st.just("mima-2"),
    }
    fields |= {name: draw(values[name]) for name in kind.operation.parameters}
    for optional in ("sendTime", "extno", "statusNum"):
        if optional in fields and draw(st.booleans()):
            del fields[optional]
    charset = "utf-8" if kind.endpoint.charset == "utf-8" else "gbk"
    if "content" in fields:
        fields["content"] = fields["content"].encode(charset, "ignore").decode(charset)
    order = draw(st.permutations(list(fields)))
    return CorrectRequest(
        kind,
        {name: fields[name] for name in order},
        draw(st.sampled_from(list(ENCODERS))),
        draw(st.sampled_from(LABELS[kind.endpoint.charset])),
        draw(st.sampled_from([False] * 9 + [True])),
        draw(st.sampled_from([False] * 9 + [True])),
    )


def encode_multipart(fields: Mapping[str, str], charset: str) -> bytes:
    parts = [
        f'--X-1\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items()
    ]
    return ("".join(parts) + "--X-1--\r\n").encode(charset)


@settings(max_examples=COUNT, deadline=None, suppress_health_check=list(HealthCheck))
@given(request=correct_requests())
def test_a_correct_request_has_no_finding(request: CorrectRequest) -> None:
    fields, query, label, expected = dict(request.fields), b"", request.label, []
    encode = ENCODERS[request.encoder]
    if request.is_action_in_query:  # Q1
        query = f"action={fields.pop('action')}".encode()
    if request.is_multipart:
        body, label = encode_multipart(fields, request.charset), "multipart/form-data; boundary=X-1"
        expected = ["habit.multipart"]  # which the manual does not mention
    else:
        body = "&".join(f"{name}={encode(value, request.charset)}" for name, value in fields.items()).encode()
    context = build_context(body, endpoint=request.kind.endpoint, query=query, content_type=label)
    assert [finding.code for finding in diagnose(context)] == expected


@given(text=TEXTS, mobile=MOBILES)
def test_the_check_before_the_response_lets_correct_requests_pass(text: str, mobile: str) -> None:
    context = build_context(build_form(content=text, mobile=mobile, timestamp="20120701231213"))
    assert is_conventional("POST", b"", FORM, context.body, context.request, dict(context.fields), NOW)
    assert are_plain(mobile) or " " in mobile or mobile.endswith(",")
    is_odd = re.search(r"[&%?=\\\x80-\xff]", text) or re.fullmatch(r"[\w+/]+", text) or not are_plain(mobile)
    assert not needs_diagnosis(context.request) or is_odd


FRAGMENTS = st.sampled_from(
    [
        *("null", "None", "nil", "Array", "undefined", "{code}", "%s", "$code", "#code#", "@Model.Code", "<b>", "</p>"),
        *(
            '"',
            "'",
            "content=",
            "msg=",
            "【商店】",
            "【商",
            "】",
            "\\n",
            "C:\\",
            "[1]",
            "Optional[1]",
            " ",
            "\n",
            "true",
            "nan",
        ),
        *(
            "您好",
            "Hello",
            "1234",
            "，",
            "System.Text",
            "Some(1)",
            "<![CDATA[",
            "]]>",
            "\ufeff",
            "{'a': 1}",
            '{"a": 1}',
        ),
    ]
)


@given(st.lists(FRAGMENTS, max_size=5).map("".join))
def test_a_text_that_passes_the_check_before_the_response_has_no_accidental_part(text: str) -> None:
    if not may_be_accidental(text):
        assert list(check_accidental_text(text)) == []
