"""A text that arrives as another than was meant is named and shown as it was meant; a text that is right is not.

Here belong texts and lists of numbers. What was wrong with the signature beside them does not matter here.
"""

from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.diagnosis import Finding
from support.client_mistakes import MEANT, TEXTS
from support.diagnosis import FORM, diagnosed, diagnosis_context, finding_codes, form

UTF8, GBK = protocol.V2SMS, protocol.V2SMS_GBK
CREDENTIALS = b"action=send&userid=12&timestamp=20120701231212&sign=5cc68982f55ac74348e3d819f868fbe1"


def sent(raw: bytes, page: Endpoint, name: str = "content") -> dict[str, Finding]:
    """What is found wrong with a text of these bytes, by code."""
    body = CREDENTIALS + f"&{name}={quote_from_bytes(raw, safe='')}".encode()
    findings = diagnosed(diagnosis_context(body, page=page))
    return {code.removeprefix("text."): each for code, each in findings.items() if each.kind == "text"}


@pytest.mark.parametrize(("page", "raw", "code", "meant"), TEXTS.values(), ids=TEXTS)
def test_a_mistake_of_text_is_named_and_the_text_shown_as_it_was_meant(
    page: Endpoint, raw: bytes, code: str, meant: str
) -> None:
    assert {name: finding.meant for name, finding in sent(raw, page).items()} == {code: meant}


def test_mistakes_upon_mistakes_are_undone_one_after_another() -> None:
    shown = sent("\ufeff&#20869;容".encode().decode("latin-1").encode(), UTF8)
    assert [(code, each.meant) for code, each in shown.items()] == [
        ("utf-8-read-as-latin-1", "\ufeff&#20869;容"),
        ("entities", "\ufeff内容"),
        ("unseen-characters", "内容"),
    ]


def test_a_text_in_a_multipart_body_or_the_query_or_without_escapes_is_looked_at_too() -> None:
    raw = MEANT.encode("gbk")
    part = b'--X\r\nContent-Disposition: form-data; name="content"\r\n\r\n' + raw + b"\r\n--X--\r\n"
    for request in (
        diagnosis_context(part, content_type="multipart/form-data; boundary=X"),
        diagnosis_context(b"", query=b"content=" + quote_from_bytes(raw).encode(), method="GET"),
        diagnosis_context(b"mobile=1&content=" + raw),
    ):
        assert diagnosed(request)["text.gbk-on-the-utf-8-page"].meant == MEANT


def test_a_text_in_unicode_escapes_has_no_charset() -> None:
    assert finding_codes(diagnosis_context(CREDENTIALS + b"&content=%u00E9%u00E9%u5185", page=UTF8), "text") == []
    assert finding_codes(diagnosis_context(CREDENTIALS + b"&content=%u00C4%u00DA", page=GBK), "text") == []


def test_a_long_text_is_shown_in_part() -> None:
    meant = diagnosed(diagnosis_context(form(content="&amp;" * 3000)))["text.entities"].meant
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
@pytest.mark.parametrize("page", [UTF8, GBK], ids=["UTF-8", "GBK"])
def test_a_list_of_numbers_that_is_none_is_named(page: Endpoint, mobile: str, code: str) -> None:
    for charset in ("utf-8", "gbk"):
        shown = sent(mobile.encode(charset), page, "mobile")
        assert {name: each.meant and each.meant.strip(",") for name, each in shown.items()} == {
            code: "15023239810,13527576163"
        }


@pytest.mark.parametrize(
    "mobile", ["", "15023239810", "15023239810, 13527576163 ,", " 15023239810\n", "1,,2", "+86150"]
)
def test_a_list_of_numbers_that_is_right_is_found_nothing_wrong_with(mobile: str) -> None:
    assert sent(mobile.encode(), UTF8, "mobile") == {}


# What is right

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
# The three stand for two lost characters, and Hypothesis takes them from the code.
ANY_CHINESE = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), max_size=70).filter(
    lambda text: "锟斤拷" not in text
)
WITHOUT_DAMAGE = ORDINARY.filter(lambda text: not text.isascii() or "?" not in text)


@pytest.mark.parametrize(("page", "charset"), [(UTF8, "utf-8"), (GBK, "gbk")])
@given(text=WITHOUT_DAMAGE | ENGLISH)
def test_an_ordinary_text_is_found_nothing_wrong_with(page: Endpoint, charset: str, text: str) -> None:
    assert sent(text.encode(charset), page) == {}
    assert finding_codes(diagnosis_context(form(page, content=text), page=page), "text") == []


@pytest.mark.parametrize(("page", "charset"), [(UTF8, "utf-8"), (GBK, "gbk")])
@given(text=ANY_CHINESE)
def test_a_text_of_any_chinese_characters_is_found_nothing_wrong_with(page: Endpoint, charset: str, text: str) -> None:
    assert sent(text.encode(charset), page) == {}


@pytest.mark.parametrize(("page", "charset"), [(UTF8, "utf-8"), (GBK, "gbk")])
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
    ],
)
def test_a_text_that_might_be_taken_for_a_mistake_is_not(page: Endpoint, charset: str, text: str) -> None:
    assert sent(text.encode(charset), page) == {}


@pytest.mark.parametrize(
    "text", ["Café, naïve, Zoë", "Größe: übermäßig", "😀 👨‍👩‍👧 ok", "繁體中文簡訊", "Привет", "€5"]
)
def test_a_text_of_another_language_is_right_on_the_utf_8_page(text: str) -> None:
    assert sent(text.encode(), UTF8) == {}


@given(raw=st.binary(), content_type=st.sampled_from([FORM, "", "multipart/form-data; boundary=x"]))
def test_whatever_bytes_are_sent_are_diagnosed(raw: bytes, content_type: str) -> None:
    for page in protocol.ENDPOINTS:
        diagnosed(diagnosis_context(b"content=" + raw, page=page, content_type=content_type))
        diagnosed(diagnosis_context(b"mobile=" + raw, query=raw, page=page, content_type=content_type))
