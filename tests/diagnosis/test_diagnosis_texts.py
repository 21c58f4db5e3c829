"""Tests of the text diagnosis: garbled texts and number lists get a code and a repaired text; correct ones do not."""

import re
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.diagnosis import Finding
from support.client_mistakes import INTENDED, TEXTS
from support.diagnosis import FORM, build_context, build_form, find_codes, get_findings

UTF8, GBK = protocol.V2SMS, protocol.V2SMS_GBK
CREDENTIALS = b"action=send&userid=12&timestamp=20120701231212&sign=5cc68982f55ac74348e3d819f868fbe1"


def diagnose_bytes(raw: bytes, endpoint: Endpoint, name: str = "content") -> dict[str, Finding]:
    """Diagnose a request with these bytes in one field; return the text findings by code."""
    body = CREDENTIALS + f"&{name}={quote_from_bytes(raw, safe='')}".encode()
    findings = get_findings(build_context(body, endpoint=endpoint))
    return {code.removeprefix("text."): finding for code, finding in findings.items() if finding.kind == "text"}


@pytest.mark.parametrize(("endpoint", "raw", "code", "meant"), TEXTS.values(), ids=TEXTS)
def test_a_garbled_text_gets_its_code_and_the_repaired_text(
    endpoint: Endpoint, raw: bytes, code: str, meant: str
) -> None:
    assert {name: finding.meant for name, finding in diagnose_bytes(raw, endpoint).items()} == {code: meant}


def test_several_mistakes_in_one_text_are_repaired_in_order() -> None:
    shown = diagnose_bytes("\ufeff&#20869;容".encode().decode("latin-1").encode(), UTF8)
    assert [(code, finding.meant) for code, finding in shown.items()] == [
        ("utf-8-read-as-latin-1", "\ufeff&#20869;容"),
        ("entities", "\ufeff内容"),
        ("unseen-characters", "内容"),
    ]


def test_texts_in_multipart_query_and_unescaped_bodies_are_diagnosed() -> None:
    raw = INTENDED.encode("gbk")
    part = b'--X\r\nContent-Disposition: form-data; name="content"\r\n\r\n' + raw + b"\r\n--X--\r\n"
    for request in (
        build_context(part, content_type="multipart/form-data; boundary=X"),
        build_context(b"", query=b"content=" + quote_from_bytes(raw).encode(), method="GET"),
        build_context(b"mobile=1&content=" + raw),
    ):
        assert get_findings(request)["text.gbk-on-the-utf-8-page"].meant == INTENDED


def test_a_text_in_percent_u_escapes_has_no_charset_findings() -> None:
    assert find_codes(build_context(CREDENTIALS + b"&content=%u00E9%u00E9%u5185", endpoint=UTF8), "text") == []
    assert find_codes(build_context(CREDENTIALS + b"&content=%u00C4%u00DA", endpoint=GBK), "text") == []


def test_a_long_repaired_text_is_truncated() -> None:
    meant = get_findings(build_context(build_form(content="&amp;" * 3000)))["text.entities"].meant
    assert meant == "&" * 2000 + "…"


@pytest.mark.parametrize(
    ("mobile", "code"),
    [
        ("15023239810，13527576163", "mobile-full-width-comma"),
        ("15023239810;13527576163", "mobile-semicolon"),
        ("15023239810；13527576163", "mobile-semicolon"),
        ("15023239810\n13527576163", "mobile-newline"),
        ("15023239810\r\n13527576163\r\n", "mobile-newline"),
        ("15023239810 13527576163", "mobile-separator"),
        ("15023239810、13527576163", "mobile-separator"),
        ("１５０２３２３９８１０,13527576163", "mobile-full-width-digits"),
    ],
)
@pytest.mark.parametrize("endpoint", [UTF8, GBK], ids=["UTF-8", "GBK"])
def test_a_wrong_list_of_numbers_gets_its_code(endpoint: Endpoint, mobile: str, code: str) -> None:
    for charset in ("utf-8", "gbk"):
        shown = diagnose_bytes(mobile.encode(charset), endpoint, "mobile")
        assert {name: finding.meant and finding.meant.strip(",") for name, finding in shown.items()} == {
            code: "15023239810,13527576163"
        }


@pytest.mark.parametrize(
    "mobile", ["", "15023239810", "15023239810, 13527576163 ,", " 15023239810\n", "15023239810,,13527576163"]
)
def test_a_valid_list_of_numbers_has_no_findings(mobile: str) -> None:
    assert diagnose_bytes(mobile.encode(), UTF8, "mobile") == {}


# Correct texts

HANZI = "".join(
    bytes([row, cell]).decode("gbk") for row in range(0xB0, 0xD7) for cell in range(0xA1, 0xFF)
)  # the 3,666 most used
WORDS = st.lists(
    st.sampled_from(
        ["Hello", "code", "1234", "is", "your", "10%", "off", "R&D", "O'Neil", "a_b", "x-1", "T", "50%off"]
    ),
    max_size=8,
)
ENDS = st.sampled_from(
    [".", "!", "?", "??", "???", "...", "?!", "", ", ok?", " (1)", "\n", " <b>", "\r\nT", ";", ": x"]
)
ENGLISH = st.builds(lambda words, end: " ".join(words) + (end if words else ""), WORDS, ENDS)
CHINESE = st.text(st.sampled_from(HANZI + "，。！？：；“”（）【】、…《》0123456789"), max_size=20)
ORDINARY = st.lists(CHINESE | ENGLISH | st.sampled_from(["?", "？？", "~", "100%", "http://x.example/?a=1&b=2"])).map(
    " ".join
)
# Excludes the mojibake of two lost characters, which Hypothesis finds as a literal in the code.
ANY_CHINESE = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), max_size=70).filter(
    lambda text: "锟斤拷" not in text
)
WITHOUT_DAMAGE = ORDINARY.filter(lambda text: not text.isascii() or "?" not in text).filter(
    # A signature in the middle of the text, or one without a name.
    lambda text: re.search(r"【(?:[^【】]{2,20}|\s*)】", text) is None
)


@pytest.mark.parametrize(("endpoint", "charset"), [(UTF8, "utf-8"), (GBK, "gbk")])
@given(text=WITHOUT_DAMAGE | ENGLISH)
def test_an_ordinary_text_has_no_findings(endpoint: Endpoint, charset: str, text: str) -> None:
    assert diagnose_bytes(text.encode(charset), endpoint) == {}
    assert find_codes(build_context(build_form(endpoint, content=text), endpoint=endpoint), "text") == []


@pytest.mark.parametrize(("endpoint", "charset"), [(UTF8, "utf-8"), (GBK, "gbk")])
@given(text=ANY_CHINESE)
def test_a_text_of_any_chinese_characters_has_no_findings(endpoint: Endpoint, charset: str, text: str) -> None:
    assert diagnose_bytes(text.encode(charset), endpoint) == {}


@pytest.mark.parametrize(("endpoint", "charset"), [(UTF8, "utf-8"), (GBK, "gbk")])
@pytest.mark.parametrize(
    "text",
    [
        "Really??? Yes!",
        "What?",
        "真的吗???",
        "【商店】您的验证码是1234，5分钟内有效。退订回T",
        "朱镕基喆鑫堃",
        "联通",
        "目录",
        "查询 https://x.example/?q=%E5%86%85&b=1 退订回T",
        "100%25",
        "AT&T; R&D",
        "a\\b c:\\users",
        "password",
        "一行\r\n二行\t三",
        "10>5 & 3<4",
        "【Acme】None of your items shipped.",
        "【Acme】Open issues: None.",
        "NULL pointer修复",
        "《undefined behavior 与 C++》",
        "价格￥${99}",
        "文件在 C:\\new\\temp 里",
        '他说"好"，她说"不好"',
        "Array 与 Optional 的区别",
        "if a<b and b>c 则成立",
        "x=1, content=2",
        "【重要】a【限时优惠】b",
        "点击【我的订单】查看您的订单",
        "请在【商店】您的账户里查看",
        "本周末【双十一】低至5折",
        "您好，详情见【https://t.cn/A6x】您可查看",
        "感谢您购买$AAPL，#nike#新品@Apple.Support",
        "尊敬的Ms. None，您好",
    ],
)
def test_a_text_that_resembles_a_mistake_has_no_findings(endpoint: Endpoint, charset: str, text: str) -> None:
    assert diagnose_bytes(text.encode(charset), endpoint) == {}


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("您好，1234【商店】退订回T", "signature-in-the-middle", "【商店】"),
        ("测试一下【某某科技】您的验证码是1234", "signature-in-the-middle", "【某某科技】"),
        ("您的订单#order_no#已发货", "placeholder", "#order_no#"),
        ("您的验证码是#code#", "placeholder", "#code#"),
        ("尊敬的$NAME，您好", "placeholder", "$NAME"),
        ("尊敬的$userName，您好", "placeholder", "$userName"),
        ("您好@Model.Name", "placeholder", "@Model.Name"),
        ("您的验证码是null，5分钟内有效", "missing-value", "null"),
    ],
)
def test_a_mistake_that_resembles_an_ordinary_text_is_found(text: str, code: str, part: str) -> None:
    finding = get_findings(build_context(build_form(content=text)))[f"text.{code}"]
    assert finding.values == (part,)


@pytest.mark.parametrize(
    "text", ["Café, naïve, Zoë", "Größe: übermäßig", "😀 👨‍👩‍👧 ok", "繁體中文簡訊", "Привет", "€5"]
)
def test_a_text_of_another_language_has_no_findings_at_the_utf_8_endpoint(text: str) -> None:
    assert diagnose_bytes(text.encode(), UTF8) == {}


@given(raw=st.binary(), content_type=st.sampled_from([FORM, "", "multipart/form-data; boundary=x"]))
def test_any_bytes_can_be_diagnosed(raw: bytes, content_type: str) -> None:
    for endpoint in protocol.ENDPOINTS:
        get_findings(build_context(b"content=" + raw, endpoint=endpoint, content_type=content_type))
        get_findings(build_context(b"mobile=" + raw, query=raw, endpoint=endpoint, content_type=content_type))
