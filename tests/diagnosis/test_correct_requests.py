"""Correct requests, as real clients encode them, have no finding.

`make test-correct-requests` draws 10,000 of them.
"""

import os
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sms10692 import protocol, signing
from sms10692.protocol import Endpoint
from sms10692_mock.diagnosis import diagnose
from sms10692_mock.diagnosis.accidental_text import check_accidental_text, may_be_accidental
from sms10692_mock.diagnosis.numbers import are_plain
from support.diagnosis import FORM, NOW, build_context, build_form, find_suspicion_of, md5

GBK = protocol.V2SMS_GBK
COUNT: Final = int(os.environ.get("SMS10692_CORRECT_REQUESTS", "100"))

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

LATER = st.builds(
    lambda hours: (datetime.fromtimestamp(NOW, signing.CHINA) + timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M:%S"),
    st.sampled_from([0.5, 4, 7.99, 8, 8.1, 12, 20, 24, 24 * 30]),
)
"""Times of a send that are ahead, some by the difference between China and UTC."""

HANZI = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5, exclude_characters="锟")
"""Without the sign of lost characters, 锟斤拷, which Hypothesis finds among the constants of the diagnosis."""
of = st.sampled_from
SIGNATURES = of(["", "【商店】", "【某某科技】", "【A1店】", "【鑫淼】", "【7-11】", "【H&M】"])
PATHS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ0123456789-_", min_size=1, max_size=8).filter(
    lambda name: (
        not re.fullmatch("(?i)nan|undefined|null|nil|none|__.*__", name)
    )  # which Hypothesis finds among the constants of the diagnosis
)
URLS = st.builds(
    "{}{}{}{}".format,
    of(["http://", "https://", "https://www.", "", "HTTPS://"]),
    of(["t.cn", "dwz.cn", "sms10692.com", "shop.example.com.cn", "x.example:8080", "127.0.0.1:10692"]),
    st.lists(PATHS, max_size=3).map(lambda names: "".join(f"/{name}" for name in names)),
    of(["", "/", "?a=1", "?id=12&from=sms", "?q=%E5%86%85%E5%AE%B9&b=1", "#top", "?ref=@shop", "?x=a+b", "/#/a?b=c"]),
)
PRICES = of(
    [
        *(
            "30元",
            "¥30",
            "￥99.00",
            "$30",
            "$9.99",
            "US$30",
            "HK$88",
            "A$20",
            "$5 off",
            "€5",
            "￥${99}",
            "30%",
            "3.5折",
        ),
        *(
            "-20%",
            "100% off",
            "50%OFF",
            "满100减20",
            "1,234.50元",
            "RMB 20",
            "$AAPL ",
            "$TSLA ",
            "$A ",
            "0.5%~2%",
            "≥30",
        ),
    ]
)
MENTIONS = of(
    ["@小王", "@all", "@shop", "@Tom", "@Apple.Support", "sales@Example.com", "a.b@x.cn", "@所有人", "me@Home"]
)
TOPICS = of(
    ["#春节#", "#Nike#", "#iphone15#", "#1", "#双11狂欢#", "C#", "#sale#", "#nba#", "#ootd#", "A#12", "#NBA2026#"]
)
BRACKETS = of(
    [
        *(
            "【重要】",
            "【限时优惠】",
            "【https://t.cn/A6x】",
            "【我的订单】",
            "【1】",
            "【立即领取】",
            "【双十一】",
            "【5折】",
        ),
        *(
            "【北京-上海】",
            "【10:00】",
            "【点击这里】",
            "【红烧肉】",
            "【2026-12-30】",
            "【第3期】",
            "【www.x.cn】",
            "【VIP】",
        ),
    ]
)
QUOTED = of(
    [
        '"好"',
        "“好”",
        "‘好’",
        "《合同》",
        "「好」",
        "'A'",
        "（含税）",
        "(1)",
        "[1]",
        "<3",
        "3<4",
        "5>4",
        "<好>",
        '"1"or"2"',
    ]
)
EMOJI = of(["😀", "🎉🎉", "❤️", "👨‍👩‍👧", "^_^", "→", "★", "①", "☎", "✅", "🇨🇳", "T_T", "(*^▽^*)", "~~", "👍🏽"])
CODES = of(["1234", "008899", "A1B2C3", "G-583920", "ABCD", "null123", "x7K9pQ2m"])
PEOPLE = of(
    [
        "张三",
        "欧阳淼",
        "王女士",
        "Tom",
        "O'Neil",
        "尼古拉·特斯拉",
        "赵_1",
        "Null先生",
        "陈喆",
        "孙𠮷",
        "Ms. None",
        "D'Arcy",
    ]
)
PLACES = of(["C:\\new\\temp", "a/b", "A座3-201", "1#楼", "3号楼@大厅", "No.5", "B1~B2", "F&B", "H&M", "锦里"])
SENTENCES = st.one_of(
    st.builds("您的验证码是{}，5分钟内有效。".format, CODES),
    st.builds("尊敬的{}，您好！".format, PEOPLE),
    st.builds(" Dear {}, your code is {}.".format, PEOPLE, CODES),
    st.builds("点击{}查看。".format, URLS | BRACKETS),
    st.builds("详情：{} ".format, URLS),
    st.builds("{} ".format, URLS),
    st.builds("请在{}查看您的订单({})".format, BRACKETS, CODES),
    st.builds("{}大促，低至{}！".format, BRACKETS | TOPICS, PRICES),
    st.builds("{}{}".format, BRACKETS, PRICES),
    st.builds("仅售{}/件, 原价{};".format, PRICES, PRICES),
    st.builds("关注{} {}".format, MENTIONS, TOPICS),
    st.builds("{} {}".format, TOPICS, MENTIONS),
    st.builds("回复{}参加".format, QUOTED | BRACKETS),
    st.builds("主题{}{}".format, QUOTED, EMOJI),
    st.builds("{} {}".format, EMOJI, PRICES),
    st.builds("{}在{}等您".format, PEOPLE, PLACES),
    st.builds("Q：{}？ A：{}！".format, QUOTED, PLACES),
    st.builds("{}={}".format, of(["1+1", "Q&A", "x", "a", "订单号"]), CODES),
    of(
        [
            *(
                "退订回T",
                "回TD退订",
                "拒收请回复R",
                "Hello",
                "What?",
                "Hello!! Why??",
                "真的???",
                "a-b_c",
                "50%",
                "A&B",
            ),
            *(
                "C++",
                "1+1=2",
                "2012-07-01 23:12:12",
                "12:30",
                "拨打400-810-8888",
                "0571-88888888",
                "尾号8888",
                "繁體中文",
            ),
            *("カタカナ", "Привет", "é", "ü", "None of them", "NULL pointer", "《undefined behavior》", "true story"),
            *(
                "Array 与 Optional",
                "nan bread",
                "nil desperandum",
                "\n",
                "\r\n",
                "\t",
                " ",
                "　",
                "。。。",
                "!!!",
                "——",
            ),
            *(
                "…",
                "1/2",
                "24/7",
                " N/A",
                "±1℃",
                "㎡",
                "％",
                "＋",
                "Ａ",
                "“引号”",
                "content与message",
                "password 已修改",
            ),
            *("https", "密码：a1b2", "sign up", "mobile: 15023239810", "AT&T;", "&more", "每天8:00-20:00", "[微笑]"),
            *(
                "(づ￣3￣)づ",
                "-",
                "*",
                "~",
                "#",
                "$ ",  # with a word behind it, such as $Hello, it is a placeholder
                "@",
                "_",
                "A",
                "T",
                "1",
                "0",
                "100%满意",
                "在C:\\new\\temp",
                "€5",
                "·",
            ),
        ]
    ),
    st.text(HANZI, min_size=1, max_size=20),
)
"""Sentences of texts that are really sent, with links, prices, mentions, topics and names filled in."""


def is_quoted_as_a_whole(text: str) -> bool:
    """Whether a text is nothing but words in quotation marks, which a program has left around them, or is blank."""
    stripped = re.sub("^【[^【】]*】", "", text).strip()
    return not stripped or re.fullmatch("([\"'])[^\"']+\\1", stripped) is not None


TEXTS = st.builds(
    "{}{}{}".format, SIGNATURES, st.lists(SENTENCES, min_size=1, max_size=5).map("".join), of(["", "", "退订回T"])
).filter(lambda text: not is_quoted_as_a_whole(text))
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
        "sendTime": st.just("") | LATER,
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
def test_few_correct_requests_are_suspicious(text: str, mobile: str) -> None:
    context = build_context(build_form(content=text, mobile=mobile, timestamp="20120701231213"))
    assert find_suspicion_of(context) != "style"
    assert are_plain(mobile) or " " in mobile or mobile.endswith(",")
    is_odd = re.search(r"[&%?=\\\x80-\xff]", text) or re.fullmatch(r"[\w+/]+", text) or not are_plain(mobile)
    assert find_suspicion_of(context) == "" or is_odd


ACCIDENTS = st.sampled_from(
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
            "<Buffer e5 86>",
            "%!s(int=1)",
            "0xc0000140a8",
            "java.lang.NullPointerException",
            "IOException",
            "#N/A",
            "«姓名»",
            "{% if x %}",
            "`",
            "u'",
            "Some(1)",
            "<![CDATA[",
            "]]>",
            "\ufeff",
            "{'a': 1}",
            '{"a": 1}',
        ),
    ]
)


@given(st.lists(ACCIDENTS, max_size=5).map("".join))
def test_a_text_that_passes_the_check_before_the_response_has_no_accidental_part(text: str) -> None:
    if not may_be_accidental(text):
        assert list(check_accidental_text(text)) == []


MISTAKES = st.sampled_from(
    [
        "",
        "",
        "&extra=1",
        "&content=b",
        "&",
        "&B",
        "%",
        "+",
        "&amp;x=1",
        ";extno=1",
        "\n",
        " ",
        "%zz",
        "&sendTime=2012-07-01 23:00:00",
    ]
)
NUMBER_LISTS = MOBILES | st.lists(
    NUMBERS
    | st.sampled_from(
        ["8615023239810", "1502323981", " 15023239810", "１5023239810", "nan", "{phone}", "15023239810;"]
    ),
    min_size=1,
    max_size=4,
).map(",".join)
_TEXT_OPERATIONS = (protocol.SEND, protocol.CHECKKEYWORD, protocol.OVERAGE)
MIXED_TEXTS = (
    TEXTS
    | st.lists(ACCIDENTS | SENTENCES, min_size=1, max_size=5).map("".join)
    | st.sampled_from(["It’s ready", "Hello …", "price €5", "Your code – 1234"]).map(
        lambda text: text.encode("utf-8").decode("cp1252", "replace")
    )
    | st.sampled_from(["utf-8", "gbk", "cp1252"]).flatmap(
        lambda charset: TEXTS.map(lambda text: text.encode("utf-8").decode(charset, "replace"))
    )
    | TEXTS.map(lambda text: text.encode("gbk", "replace").decode("latin-1"))
    | st.text(max_size=12)
)


@settings(max_examples=COUNT, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    content=MIXED_TEXTS,
    mobile=NUMBER_LISTS,
    mistake=MISTAKES,
    seconds=st.sampled_from([0, 0, 1, -500, 500, 541, 700, 8 * 3600, -8 * 3600, 12 * 3600]),
    send_time=st.sampled_from(["", "", "2012-07-01 23:30:00", "2012-07-01 15:12:12", "2012-07-01 23:10:00"]),
    encoder=st.sampled_from(list(ENCODERS)),
    charset=st.sampled_from(["utf-8", "utf-8", "gbk", "gbk", "gb18030", "utf-16-le"]),
    kind=st.sampled_from([kind for kind in KINDS if kind.operation in _TEXT_OPERATIONS]),
    sends_unknown=st.booleans(),
    label=st.sampled_from([FORM, FORM, FORM, f"{FORM}; charset=UTF-8", "text/plain", ""]),
    method=st.sampled_from(["POST", "POST", "POST", "GET"]),
    headers=st.sampled_from([(), (), (("Content-Encoding", "gzip"),)]),
)
def test_the_check_before_the_response_misses_nothing(
    content: str,
    mobile: str,
    mistake: str,
    seconds: int,
    send_time: str,
    encoder: str,
    charset: str,
    kind: Kind,
    sends_unknown: bool,
    label: str,
    method: str,
    headers: tuple[tuple[str, str], ...],
) -> None:
    timestamp = signing.format_timestamp(datetime.fromtimestamp(NOW + seconds, signing.CHINA))
    values = {
        "userid": "12", "timestamp": timestamp, "sign": md5(f"testmima{timestamp}"), "account": "test",
        "password": "mima", "mobile": mobile, "sendTime": send_time, "action": kind.operation.action,
        "content": content,
    }  # fmt: skip
    known = kind.endpoint.parameters_of(kind.operation)
    if sends_unknown:  # the parameters of a send, whatever the operation is
        known = (*known, *kind.endpoint.parameters_of(protocol.SEND))
    names = [name for name in values if name in known]  # the content is the last, and the mistake follows it
    encode = ENCODERS[encoder]
    pairs = [f"{name}={encode(values[name].encode(charset, 'replace').decode('latin-1'), 'latin-1')}" for name in names]
    body = ("&".join(pairs) + mistake).encode()
    context = build_context(body, endpoint=kind.endpoint, content_type=label, method=method, headers=headers)
    context = context._replace(were_credentials_right=True)
    suspicion = find_suspicion_of(context)
    codes = [finding.code for finding in diagnose(context) if not finding.code.startswith(("signature.", "password."))]
    if suspicion == "":
        assert codes == [], (body, kind.endpoint.path, label, method, headers)
    elif suspicion == "style":
        assert [code for code in codes if code.startswith("text.")] == []


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("action=overage&mobile=13800138000&content=您的验证码是1234", "habit.unknown-parameters"),
        ("action=checkkeyword&mobile=13800138000&content=您好&extno=1", "habit.unknown-parameters"),
        ("action=overage&mobile=13800138000&content=您好&extno=%", "habit.broken-percent"),
        ("action=send&mobile=13800138000&content=Itâ€™s ready", "text.utf-8-read-as-windows-1252"),
        ("action=send&mobile=13800138000&content=Your code â€“ 1234", "text.utf-8-read-as-windows-1252"),
        ("action=send&mobile=13800138000&content=price â‚¬5", "text.utf-8-read-as-windows-1252"),
    ],
)
def test_the_check_before_the_response_sees_a_request_that_looks_usual(parameters: str, code: str) -> None:
    timestamp = signing.format_timestamp(datetime.fromtimestamp(NOW, signing.CHINA))
    form = f"userid=12&timestamp={timestamp}&sign={md5(f'testmima{timestamp}')}&{parameters}"
    context = build_context(quote(form, safe="=&%").encode())._replace(were_credentials_right=True)
    assert code in [finding.code for finding in diagnose(context)]
    assert find_suspicion_of(context)
