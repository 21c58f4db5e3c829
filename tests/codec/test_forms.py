"""Form parsing follows the rules of ASP.NET (R14, R16): no text is lost, and no bytes raise an error."""

import re
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import FORM, parse_fields, parse_form

utf8, cp936 = DECODERS["utf-8"], DECODERS["gb2312"]
EACH_CHARSET = pytest.mark.parametrize(("label", "codec"), [("utf-8", "utf-8"), ("gb2312", "gbk")])

ANY_TEXT = st.text(st.characters(codec="utf-8"))
GBK_TEXT = st.text(st.characters(codec="gbk"))


def texts(codec: str) -> st.SearchStrategy[str]:
    return GBK_TEXT if codec == "gbk" else ANY_TEXT


def form(body: bytes) -> dict[str, str]:
    return parse_fields(b"", "application/x-www-form-urlencoded", body, utf8)


# R14


@EACH_CHARSET
@given(data=st.data())
def test_r14_any_percent_encoded_text_is_decoded(label: str, codec: str, data: st.DataObject) -> None:
    text = data.draw(texts(codec))
    escaped = quote_from_bytes(text.encode(codec), safe=data.draw(st.sampled_from(["", "/", "~!*()'"]))).encode()
    decode = DECODERS[label]
    assert parse_fields(b"", "", b"a=1&content=" + escaped + b"&b=2", decode)["content"] == text
    assert parse_fields(b"content=" + escaped.replace(b"%20", b"+"), "", b"", decode)["content"] == text


@EACH_CHARSET
@given(data=st.data())
def test_r14_any_unescaped_text_is_decoded(label: str, codec: str, data: st.DataObject) -> None:
    text = re.sub("[&+%]", "", data.draw(texts(codec)))
    raw = b"content=" + text.encode(codec)
    # A GBK character never contains a separator: its second byte is 0x40 or above.
    assert parse_fields(b"", "", raw, DECODERS[label])["content"] == text
    assert parse_fields(raw, "", b"", DECODERS[label])["content"] == text


@EACH_CHARSET
@given(text=ANY_TEXT)
def test_r14_any_text_in_unicode_escapes_is_decoded(label: str, codec: str, text: str) -> None:
    units = text.encode("utf-16-be")
    escaped = "".join(f"%u{units[i]:02X}{units[i + 1]:02x}" for i in range(0, len(units), 2))
    assert parse_fields(b"", "", b"content=" + escaped.encode(), DECODERS[label])["content"] == text


def test_r14_a_query_field_hides_the_form_field() -> None:
    assert parse_fields(b"action=send", "", b"action=overage&userid=12", utf8) == {"action": "send", "userid": "12"}
    assert parse_fields(b"action=", "", b"action=overage", utf8) == {"action": ""}


@pytest.mark.parametrize(
    ("body", "is_regular", "escaped"),
    [
        (b"a=1&b=2", True, 0),
        (b"a=1&b=%E5%86%85", True, 1),
        (b"a%62=1&b=%E5&c=%", True, 3),
        (b"a=1&b=2+2", False, 1),
        ("a=1&b=内".encode(), False, 2),
        (b"a=1&a=2", False, 0),
        (b"a=1&b", False, 0),
    ],
)
def test_the_parser_tells_what_a_form_looks_like(body: bytes, is_regular: bool, escaped: int) -> None:
    assert parse_form(b"", FORM, body, utf8)[1:] == (True, is_regular, escaped)
    assert parse_form(b"c=3", FORM, body, utf8)[1:] == (False, False, 0)


def test_r14_repeated_names_are_joined_with_commas() -> None:
    assert form(b"mobile=1&Mobile=2&mobile=") == {"mobile": "1,2,"}
    assert parse_fields(b"a=1&a=2", "", b"a=3", utf8) == {"a": "1,2"}


def test_r14_names_ignore_case_and_are_not_trimmed() -> None:
    assert form(b"sendtime=1&userId=2&sign+=3&sign =4") == {"sendtime": "1", "userid": "2", "sign ": "3,4"}


def test_r14_a_token_without_equals_sign_is_ignored() -> None:
    assert form(b"&&extno&a=1&") == {"a": "1"}
    assert form(b"a=1=2") == {"a": "1=2"}


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (b"%", "%"),
        (b"100%", "100%"),
        (b"%zz%4", "%zz%4"),
        (b"%u12", "%u12"),
        (b"%U0041", "%U0041"),
        (b"%u5185%u5bb9", "内容"),
        (b"%uD83D%uDE00", "😀"),
        (b"%uD83D", "\ufffd"),
        (b"%uDE00%uD83D", "\ufffd\ufffd"),
        (b"%E5%86%85%u5bb9", "内容"),
        (b"%E5%u0041%86%85", "\ufffdA\ufffd\ufffd"),
        (b"%FF", "\ufffd"),
        (b"a+b%2Bc", "a b+c"),
        (b"%00", "\0"),
    ],
)
def test_r14_escapes(escaped: bytes, text: str) -> None:
    assert form(b"content=" + escaped) == {"content": text}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"%80", "€"),
        (b"\x80", "€"),
        (b"%E9%46", "镕"),
        (b"%87%E5", "囧"),
        (b"%FF", "\ufffd"),
        (b"%C4", "\ufffd"),
        (b"%C4%DA%80%C8%DD", "内€容"),
        (b"%81%80", "亐"),
        (b"%C4%DA%u5bb9", "内容"),
        (b"\xaa\xa1\xc4\xda\xc8\xdd", "\ue000内容"),
        (b"\xaf\xfe\xf8\xa1\xfe\xfe", "\ue233\ue234\ue4c5"),
        (b"\xa1\x40\xa1\x7e\xa1\x80\xa7\xa0", "\ue4c6\ue504\ue505\ue765"),
        (b"\xaa\x7f\xa1\x7f", "\ufffd\x7f\ufffd\x7f"),
    ],
)
def test_r14_code_page_936(raw: bytes, text: str) -> None:
    assert parse_fields(b"", "", b"content=" + raw, cp936) == {"content": text}


@given(label=st.sampled_from(["utf-8", "gb2312"]), query=st.binary(), content_type=st.text(), body=st.binary())
def test_r14_any_bytes_can_be_parsed(label: str, query: bytes, content_type: str, body: bytes) -> None:
    for value in parse_fields(query, content_type, body, DECODERS[label]).values():
        value.encode("utf-8")


def test_r14_a_name_may_be_repeated_a_million_times() -> None:
    assert len(form(b"a=&" * 1_000_000)["a"]) == 999_999


# R16


def multipart(*parts: bytes, boundary: bytes = b"XyZ") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"


def field(name: str, value: bytes) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value


MULTIPART = "multipart/form-data; boundary=XyZ"


@EACH_CHARSET
@given(data=st.data())
def test_r16_any_text_in_a_multipart_body_is_decoded(label: str, codec: str, data: st.DataObject) -> None:
    text = data.draw(texts(codec))
    body = multipart(field("Action", b"send"), field("content", text.encode(codec)), field("action", b"x"))
    assert parse_fields(b"", MULTIPART, body, DECODERS[label]) == {"action": "send,x", "content": text}


def test_r16_a_part_with_a_file_name_is_ignored() -> None:
    file = b'Content-Disposition: form-data; name="content"; filename="a.txt"\r\n\r\nx'
    assert parse_fields(b"", MULTIPART, multipart(field("a", b"1"), file, field("b", b"2")), utf8) == {
        "a": "1",
        "b": "2",
    }


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (MULTIPART, multipart(field("action", b"send"))[:-7]),
        (MULTIPART, multipart(field("action", b"send"))[:40]),
        (MULTIPART, multipart(field("action", b"send"), boundary=b"other")),
        (MULTIPART, multipart(b"no header at all")),
        (MULTIPART, multipart(b"\xff\xfe: \xff\r\n\r\nx")),
        (MULTIPART, b""),
        ("multipart/form-data", multipart(field("action", b"send"))),
        (MULTIPART, multipart(*[field("a", b"1")] * 1001)),
    ],
    ids=["no end", "cut", "another boundary", "no header", "no text", "empty", "no boundary", "1,001 parts"],
)
def test_r16_a_malformed_multipart_body_has_no_fields(content_type: str, body: bytes) -> None:
    assert parse_fields(b"action=send", content_type, body, utf8) == {"action": "send"}


def test_r16_a_thousand_parts_are_accepted() -> None:
    assert len(parse_fields(b"", MULTIPART, multipart(*[field("a", b"1")] * 1000), utf8)["a"]) == 1999


@given(body=st.binary())
def test_r16_any_bytes_can_be_parsed_as_multipart(body: bytes) -> None:
    parse_fields(b"", MULTIPART, body, utf8)
    parse_fields(b"", MULTIPART, multipart(body, body), utf8)


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8", "application/x+json"])
def test_r16_a_json_body_has_no_fields(content_type: str) -> None:
    assert parse_fields(b"action=send", content_type, b'{"a":"&mobile=1&x=2"}', utf8) == {"action": "send"}


@pytest.mark.parametrize(
    "content_type", ["", "application/xml", "text/plain", "nonsense", ";", "application/octet-stream"]
)
def test_r16_every_other_body_is_parsed_as_a_form(content_type: str) -> None:
    assert parse_fields(b"", content_type, b"mobile=1", utf8) == {"mobile": "1"}


@pytest.mark.parametrize("length", [0, 1, 2, 3, 7, 40])
@pytest.mark.parametrize("line", [b"\r\n", b"\n"])
def test_r16_the_preamble_is_ignored(length: int, line: bytes) -> None:
    part = line.join([b"--a", b'Content-Disposition: form-data; name="%s"', b"", b"%s", b""])
    body = b"y" * length + (line if length else b"") + part % (b"action", b"send") + part % (b"extno", b"1") + b"--a--"
    fields = parse_fields(b"", "multipart/form-data; boundary=a", body, bytes.decode)
    assert fields == {"action": "send", "extno": "1"}


def test_r14_a_name_may_contain_any_characters() -> None:
    assert parse_fields("内=1&action=x".encode(), "", b"", bytes.decode) == {"内": "1", "action": "x"}
