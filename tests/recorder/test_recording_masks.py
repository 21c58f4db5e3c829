"""What a recording contains: masks of the same class and length, in the bytes and encodings of the original."""

import gzip
import http.client
import random
import re
import socket
import tomllib
import zlib
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote_to_bytes

import pytest

from sms10692_mock import Emulator
from sms10692_mock.config import Options
from sms10692_mock.domain.accounts import Account
from sms10692_mock.recorder.character_pools import classify, find_pool
from sms10692_mock.recorder.masks import Masks
from sms10692_mock.recorder.request_mask import CapturedRequest, mask_request, parse_captured_head
from sms10692_mock.recorder.response_mask import mask_response_body
from support.emulators import sign
from support.http_client import Address, build_request, connect, parse_address, read_all, send_raw
from support.recordings import ScriptedVendor, read_recording, recording

ACCOUNT, PASSWORD, USERID = "某公司", "s3cret内Pw", "4711"
TIMESTAMP = "20120701231212"
SIGN = sign(ACCOUNT, PASSWORD, TIMESTAMP)
NUMBER, OTHER_NUMBER = "13812345678", "15023239810"
TEXT = "【某店】验证码 80215397，回复 13812345678 退订 Abc😀，ＴＥＬ"
MULTIPART = "multipart/form-data; boundary=b0"


def build_masks() -> Masks:
    """Return masks that are the same in each run of the tests: random ones could contain a secret by chance."""
    return Masks(random.Random(7).choice)  # noqa: S311 - see above


def mask(head: str, body: bytes, masks: Masks | None = None) -> bytes:
    """Mask a request; return its body, or the whole if it has none."""
    raw = head.encode() + b"\r\n\r\n"
    captured = CapturedRequest(raw, body, parse_captured_head(raw), is_complete=True)
    return mask_request(captured, masks or build_masks())


def mask_form(path: str, form: bytes, content_type: str = "application/x-www-form-urlencoded") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: vendor.example\r\nContent-Type: {content_type}\r\nContent-Length: {len(form)}"
    )
    return mask(head, form).partition(b"\r\n\r\n")[2]


def classes(text: str) -> list[tuple[object, int]]:
    return [(classify(character) or character, len(character.encode())) for character in text]


@pytest.mark.parametrize(("path", "codec"), [("/v2sms.aspx", "utf-8"), ("/v2smsGBK.aspx", "gbk")])
@pytest.mark.parametrize("encoding", ["percent", "lower-case percent", "raw", "unicode escapes"])
def test_a_text_keeps_class_and_length_in_every_encoding(path: str, codec: str, encoding: str) -> None:
    text = TEXT if codec == "utf-8" or encoding == "unicode escapes" else TEXT.replace("😀", "囧")
    raw = {
        "percent": lambda: quote(text.encode(codec)).encode(),
        "lower-case percent": lambda: re.sub("%..", lambda found: found[0].lower(), quote(text.encode(codec))).encode(),
        "raw": lambda: text.encode(codec),
        "unicode escapes": lambda: "".join(
            f"%u{int.from_bytes(unit, 'big'):04x}" if unit[0] or unit[1] > 127 else unit.decode("utf-16-be")
            for unit in (text.encode("utf-16-be")[at : at + 2] for at in range(0, len(text.encode("utf-16-be")), 2))
        ).encode(),
    }[encoding]()
    masked = mask_form(path, b"content=" + raw)
    assert len(masked) == len(b"content=" + raw)
    value = masked.removeprefix(b"content=")
    if encoding == "unicode escapes":
        units = [
            chr(int(found[1], 16)) if found[1] else found[0] for found in re.finditer("%u(....)|.", value.decode())
        ]
        shown = "".join(units).encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    else:
        shown = (value if encoding == "raw" else unquote_to_bytes(value)).decode(codec)
        assert (encoding == "lower-case percent") <= (value.lower() == value or b"A" in raw)
    assert classes(shown) == classes(text)
    assert not {"某", "80215397", NUMBER, "Abc", "退订", "ＴＥＬ"} & set(
        re.findall(r"某|80215397|\d{11}|Abc|退订|ＴＥＬ", shown)
    )


def test_the_trail_bytes_of_gbk_that_are_letters_stay_where_they_are() -> None:
    """PHP's urlencode of the GBK text 獳 is `%ABW`: the second byte is a letter, which is not encoded."""
    form = b"content=%ABW&extno="
    masked = mask_form("/v2smsGBK.aspx", form)
    assert re.fullmatch(rb"content=%[89A-F][0-9A-F]W&extno=", masked)
    assert masked != form


@pytest.mark.parametrize("character", "7aZ内囧獳é☆☀😀あ가αЖＡ９")
def test_a_pool_has_characters_of_the_same_class_and_length(character: str) -> None:
    for other in find_pool(character):
        assert classify(other) == classify(character)
        assert len(other.encode()) == len(character.encode())
        assert len(other.encode("gbk", "ignore")) == len(character.encode("gbk", "ignore"))
    assert len(find_pool(character)) > 1


def test_equal_values_have_equal_masks_and_different_ones_different_masks() -> None:
    masks = Masks()
    numbers = [f"138{at:08}" for at in range(2000)]
    masked = [masks.mask_text(number) for number in numbers]
    assert masked == [masks.mask_text(number) for number in numbers]
    assert len(set(masked)) == len(numbers)
    assert all(number.startswith("12") and len(number) == 11 for number in masked)
    assert masks.mask_text(f"call {numbers[5]} now").split()[1] == masked[5]


CLASSES = {
    "digits": "0123456789",
    "numbers": [f"{number}" for number in range(10, 1000)],
    "numbers with a leading zero": [f"{number:03}" for number in range(100)],
    "letters": [first + second for first in "abcdefghijklmnopqrstuvwxyz" for second in "abcxyz"],
    "emoji": [chr(code) for code in (*range(0x1F300, 0x1F320), *range(0x1F600, 0x1F650))],
    "signs": "☀☁☂",
}


@pytest.mark.parametrize("name", CLASSES)
def test_short_values_have_different_masks_of_their_class_and_none_is_its_own(name: str) -> None:
    masks = Masks()
    found = {value: masks.mask_whole(value) for value in CLASSES[name]}
    assert len({*found.values()}) == len(found)
    assert {value for value, masked in found.items() if value == masked} == set()
    assert [classes(masked) for masked in found.values()] == [classes(value) for value in found]


def test_short_signatures_have_different_masks_and_none_is_its_own() -> None:
    masks = Masks()
    found = {digit: masks.mask_hex(digit) for digit in "0123456789abcdef"}
    assert {*found.values()} == {*found}
    assert {value for value, masked in found.items() if value == masked} == set()


def test_a_leading_zero_stays_one_in_a_number_of_several_digits() -> None:
    masks = Masks()
    assert all(masks.mask_whole(f"0{number}").startswith("0") for number in range(100))
    assert not any(masks.mask_whole(f"{number}").startswith("0") for number in range(10, 300))


def test_what_is_kept_and_what_is_masked_in_a_form() -> None:
    form = (
        f"action=send&userid={USERID}&timestamp={TIMESTAMP}&sign={SIGN}&mobile={NUMBER},{OTHER_NUMBER}&content=x&"
        f"sendTime=2010-10-24+09:08:10&extno=01&statusNum=10&rt=json&ownExt=abc&sendtime={NUMBER}&extno&{PASSWORD}"
    ).encode()
    masked = mask_form("/v2sms.aspx", form)
    fields = parse_qs(masked.decode(), keep_blank_values=True)
    kept = ("action", "timestamp", "sendTime", "extno", "statusNum", "rt")
    assert [fields[name][0] for name in kept] == ["send", TIMESTAMP, "2010-10-24 09:08:10", "01", "10", "json"]
    assert re.fullmatch("[0-9a-f]{32}", fields["sign"][0])
    for secret in (USERID, SIGN, NUMBER, OTHER_NUMBER, "=abc", PASSWORD):
        assert secret.encode() not in masked
    assert b"&extno&" in masked


def test_a_text_that_a_client_sends_in_place_of_its_signature_is_masked() -> None:
    """Some clients forget the MD5, and send account, password and timestamp."""
    masked = mask_form("/v2sms.aspx", b"sign=testmima20120701231212&action=send")
    assert re.fullmatch(rb"sign=[a-z]{8}[0-9]{14}&action=send", masked)
    assert b"mima" not in masked
    assert b"test" not in masked


SHAPES = {
    "multipart": (
        MULTIPART,
        b'--b0\r\nContent-Disposition: form-data; name="mobile"\r\n\r\n13812345678\r\n--b0\r\nContent-Disposition: '
        b'form-data; name="content"\r\n\r\n\xe6\x9f\x90\xe5\xba\x97\r\n--b0--\r\n',
    ),
    "multipart in GBK at the UTF-8 page": (
        MULTIPART,
        b'--b0\r\nContent-Disposition: form-data; name="content"; filename="13812345678.txt"\r\n\r\n'
        + "某店13812345678".encode("gbk")
        + b"\r\n--b0--\r\n",
    ),
    "multipart without an end": (
        MULTIPART,
        b'--b0\r\nContent-Disposition: form-data; name="mobile"\r\n\r\n13812345678',
    ),
    "JSON": ("application/json", '{"mobile": "13812345678", "content": "某店"}'.encode()),
    "XML": ("application/xml", "<sms><mobile>13812345678</mobile><content>某店</content></sms>".encode()),
    "no form": ("text/plain", b"13812345678"),
    "bytes that are no text": ("application/x-www-form-urlencoded", b"content=\xff\xfe13812345678"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_bodies_of_every_shape_keep_their_length_and_no_secret(name: str) -> None:
    content_type, body = SHAPES[name]
    masked = mask_form("/v2sms.aspx", body, content_type)
    assert len(masked) == len(body)
    for secret in (b"13812345678", "某店".encode(), "某店".encode("gbk")):
        assert secret not in masked
    if name.startswith("multipart"):
        assert masked.startswith(b"--b0\r\nContent-Disposition: form-data; name=")


def test_chunks_keep_their_sizes() -> None:
    """A number that two chunks share is masked as one."""
    head = "POST /v2sms.aspx HTTP/1.1\r\nHost: vendor.example\r\nTransfer-Encoding: chunked"
    masks = build_masks()
    masked = mask(head, b"c\r\nmobile=13812\r\n6\r\n345678\r\n0\r\n\r\n", masks).partition(b"\r\n\r\n")[2]
    number = masks.mask_text(NUMBER).encode()
    assert masked == b"c\r\nmobile=%b\r\n6\r\n%b\r\n0\r\n\r\n" % (number[:5], number[5:])


CHUNKED = "POST /v2sms.aspx HTTP/1.1\r\nHost: vendor.example\r\nTransfer-Encoding: chunked"


@pytest.mark.parametrize(
    "body",
    [
        b"userid=1&password=s3cretPw&mobile=13812345678\r\n",
        b"5\r\na=bcd\r\npassword=s3cretPw&mobile=13812345678\r\n",
        b"ff\r\npassword=s3cretPw&mobile=13812345678",
        b"5\r\na=bcd\r\n0\r\n\r\ns3cretPw 13812345678",
    ],
    ids=["no chunks", "no size", "cut", "more than the body"],
)
def test_a_body_whose_chunks_end_early_is_masked_as_a_text(body: bytes) -> None:
    masked = mask(CHUNKED, body).partition(b"\r\n\r\n")[2]
    assert len(masked) == len(body)
    assert b"s3cret" not in masked
    assert b"password" not in masked
    assert NUMBER.encode() not in masked


def test_extensions_of_chunks_and_trailers_are_not_stored() -> None:
    body = b"7;pw=s3cretPw\r\nextno=1\r\n00;s3cretPw\r\nX-Password: s3cretPw\r\n\r\n"
    assert mask(CHUNKED, body).partition(b"\r\n\r\n")[2] == b"7\r\nextno=1\r\n0\r\n\r\n"


def test_only_the_name_of_a_usual_parameter_is_kept_in_the_head_of_a_part() -> None:
    body = (
        b"--b0\r\nContent-Disposition: form-data; name=content; filename*=UTF-8''Geheim.txt\r\nX-A: 13812345678\r\n\r\n"
        b'secret\r\n--b0\r\nContent-Disposition: form-data; name="extno"\r\n\r\n01\r\n--b0--\r\n'
    )
    masked = mask_form("/v2sms.aspx", body, MULTIPART)
    assert len(masked) == len(body)
    assert re.search(rb"\AContent-Disposition: form-data; name=content; [a-z]{8}\*=", masked.partition(b"\r\n")[2])
    assert masked.endswith(b'--b0\r\nContent-Disposition: form-data; name="extno"\r\n\r\n01\r\n--b0--\r\n')
    for secret in (b"Geheim", b"secret", NUMBER.encode()):
        assert secret not in masked


def test_the_delimiter_is_that_of_the_header() -> None:
    """The first line of a body is no proof of it. A boundary that looks like a signature is masked in both places."""
    secret = b'--s3cretPw\r\nContent-Disposition: form-data; name="extno"\r\n\r\n01\r\n--s3cretPw--'
    assert b"s3cret" not in mask_form("/v2sms.aspx", secret, MULTIPART)
    assert b"s3cret" not in mask_form("/v2sms.aspx", secret, "multipart/form-data")
    body = b'--%b\r\nContent-Disposition: form-data; name="extno"\r\n\r\n01\r\n--%b--\r\n' % (
        SIGN.encode(),
        SIGN.encode(),
    )
    content_type = f"multipart/form-data; boundary={SIGN}"
    head = f"POST /v2sms.aspx HTTP/1.1\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}"
    stored_head, _, stored = mask(head, body).partition(b"\r\n\r\n")
    found = re.search(rb"boundary=([0-9a-f]{32})", stored_head)
    assert found is not None
    assert found[1] != SIGN.encode()
    assert stored == body.replace(SIGN.encode(), found[1])


def test_headers_of_a_request_are_stored_without_address_and_secrets() -> None:
    head = (
        "GET http://vendor.example/v2sms.aspx?action=overage HTTP/1.1\r\nHost: vendor.example\r\nCookie: a=b\r\n"
        "Authorization: Basic eDp5\r\nUser-Agent: shop 13812345678\r\nAccept: */*\r\nX-Key: s3cret"
    )
    assert mask(head, b"") == b"GET /v2sms.aspx?action=overage HTTP/1.1\r\nHost: 127.0.0.1:10692\r\nAccept: */*\r\n\r\n"


def mask_answer(text: str, masks: Masks | None = None, codec: str = "utf-8") -> str:
    masked = mask_response_body(text.encode(codec), "gb2312" if codec == "gbk" else codec, masks or build_masks(), {})
    return masked.decode(codec)


@pytest.mark.parametrize("codec", ["utf-8", "gbk"])
def test_a_queue_s_answer_keeps_layout_task_and_time(codec: str) -> None:
    masks = build_masks()
    answer = (
        '<?xml version="1.0" encoding="utf-8" ?><returnsms>\n <callbox>\n <mobile>13812345678</mobile>\n'
        " <taskid>1212</taskid>\n <content>你好 &amp; &#20320;<![CDATA[再见]]></content>\n"
        " <receivetime>2011-12-02 22:12:11</receivetime>\n <extno>01</extno>\n </callbox>\n </returnsms>"
    )
    masked = mask_answer(answer, masks, codec)
    number = masks.mask_text(NUMBER)
    content = re.search("<content>(.*)</content>", masked)
    assert content is not None
    assert re.fullmatch(r"\w\w &amp; &#[0-9]{5};<!\[CDATA\[\w\w\]\]>", content[1])
    assert not set("你好再见") & set(content[1])  # the masks are the same in each run
    assert "20320" not in content[1]
    assert masked.replace(number, NUMBER).replace(content[1], "") == answer.replace(
        "你好 &amp; &#20320;<![CDATA[再见]]>", ""
    )


def test_messages_balances_and_states_are_kept() -> None:
    answer = (
        "<returnsms>\n <returnstatus>Faild</returnstatus>\n <message>短信必须带【】格式签名</message>\n"
        " <remainpoint>12345678901</remainpoint>\n <taskID>1234567890123456</taskID>\n <payinfo>预付费</payinfo>\n"
        "</returnsms>"
    )
    assert mask_answer(answer) == answer
    assert mask_answer('{"ReturnStatus":"Success","Message":"ok","RemainPoint":10004}') == (
        '{"ReturnStatus":"Success","Message":"ok","RemainPoint":10004}'
    )


@pytest.mark.parametrize(
    "answer",
    [
        "<returnsms><message>no number 13812345678 for 4711x</message></returnsms>",
        '{"Message":"13812345678","Content":"某店 4711x"}',
        '<returnsms a="13812345678"><!-- 某店 --><phone>+8613812345678</phone>4711x</returnsms>',
        "<html><body>Error at sign=5cc68982f55ac74348e3d819f868fbe1, 13812345678</body></html>",
        "<returnsms><callbox><mobile>13812345678</mobile><content>某店",
        "13812345678",
    ],
)
def test_no_answer_of_any_shape_keeps_a_number_or_a_signature(answer: str) -> None:
    masked = mask_answer(answer)
    assert len(masked) == len(answer)
    for secret in ("13812345678", "某店", "5cc68982f55ac74348e3d819f868fbe1"):
        assert secret not in masked


@pytest.mark.parametrize(
    "answer",
    [
        '["某店", "Geheim"]',
        '{"status":"ok","list":["13812345678","某店 Geheim"],"13812345678":1}',
        '{"a": \'Geheim 某店\', content: "某店", Geheim}',
        '{"Message":["Geheim"],"ErrorCode":13812345678}',
        "Warning: Geheim\n<?xml version='1.0'?><returnsms><content>某店 Geheim</content></returnsms>",
        '<?xml version="1.0"?><response><callbox><content>某店 Geheim</content></callbox></response>',
        "<?Geheim 某店?><returnsms x=Geheim y='某店'/><!DOCTYPE Geheim><message/>Geheim",
        "<returnsms><content><![CDATA[某店 1>0 Geheim 13812345678",
        "<returnsms><content><!-- 某店 > Geheim",
        "<returnsms><errorcode>13812345678 Geheim</errorcode><extno>13812345678</extno><taskid>13812345678</taskid>"
        "<status>Geheim</status><mid>某店</mid><payinfo>Geheim</payinfo></returnsms>",
        "<returnsms><receivetime>13812345678</receivetime><returnstatus>Geheim</returnstatus></returnsms>",
        "<p>Geheim 某店",
        "Geheim 某店",
    ],
)
def test_what_is_not_recognised_in_an_answer_is_masked(answer: str) -> None:
    masked = mask_answer(answer)
    assert len(masked) == len(answer)
    for secret in (NUMBER, "某店", "Geheim"):
        assert secret not in masked


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_an_answer_in_utf_16_is_masked(codec: str) -> None:
    answer = "\ufeff<returnsms><content>某店 13812345678</content><extno>01</extno></returnsms>"
    masked = mask_response_body(answer.encode(codec), "utf-8", build_masks(), {}).decode(codec)
    assert re.fullmatch(
        "\ufeff<returnsms><content>[^某店]{2} 12[0-9]{9}</content><extno>01</extno></returnsms>", masked
    )


ANSWER = "<returnsms><content>某店 Geheim</content></returnsms>".encode()
UNREADABLE = {
    "br": (b"Content-Encoding: br\r\n", b"Geheim", "its encoding is not known"),
    "zstd": (b"Content-Encoding: zstd\r\n", b"Geheim", "its encoding is not known"),
    "no gzip": (b"Content-Encoding: gzip\r\n", b"Geheim", "it cannot be decompressed"),
    "compressed without a header": (b"", gzip.compress(ANSWER, mtime=0), "it is no text"),
}


def record_answer(head: bytes, body: bytes, folder: Path) -> bytes:
    """Record one exchange; return its metadata."""

    def serve(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body))
        return False

    with ScriptedVendor(serve) as vendor, recording(vendor.url, folder) as address, connect(address) as connection:
        connection.sendall(build_form("/v2callApi.aspx", "utf-8", action="query"))
        assert read_all(connection).endswith(body)
    return (folder / "0001-call" / "exchange.toml").read_bytes()


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_answer_that_cannot_be_masked_is_not_stored(name: str, tmp_path: Path) -> None:
    head, body, reason = UNREADABLE[name]
    metadata = tomllib.loads(record_answer(head, body, tmp_path).decode())
    assert metadata["recorded"]["body_not_stored"] == reason
    [exchange] = read_recording(tmp_path)
    assert (exchange.body, exchange.length, exchange.outcome) == (b"", 0, "complete")


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"x-gzip", gzip.compress(ANSWER, mtime=0)),
        (b"gzip, gzip", gzip.compress(gzip.compress(ANSWER, mtime=0), mtime=0)),
        (b"identity, deflate", zlib.compress(ANSWER)),
    ],
)
def test_known_encodings_of_an_answer_are_undone_before_it_is_masked(
    coding: bytes, body: bytes, tmp_path: Path
) -> None:
    assert b"body_not_stored" not in record_answer(b"Content-Encoding: %b\r\n" % coding, body, tmp_path)
    [exchange] = read_recording(tmp_path)
    assert re.fullmatch(r"<returnsms><content>\w\w [A-Za-z]{6}</content></returnsms>", exchange.body.decode())
    assert "某店" not in exchange.body.decode()  # a random mask may have one of the two characters
    assert b"Geheim" not in exchange.body


def test_a_compressed_transfer_is_undone_before_it_is_masked(tmp_path: Path) -> None:
    body = gzip.compress(ANSWER, mtime=0)
    response = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with (
        ScriptedVendor(lambda connection, _: connection.sendall(response)) as vendor,
        recording(vendor.url, tmp_path) as address,
        connect(address) as connection,
    ):
        connection.sendall(build_form("/v2callApi.aspx", "utf-8", action="query"))
        assert read_all(connection) == response
    [exchange] = read_recording(tmp_path)
    assert exchange.body.startswith(b"<returnsms><content>")
    assert b"Geheim" not in exchange.body


def build_form(path: str, codec: str, **fields: str) -> bytes:
    credentials = (
        {"userid": USERID, "timestamp": TIMESTAMP, "sign": SIGN}
        if path.startswith("/v2")
        else {"userid": USERID, "account": ACCOUNT, "password": PASSWORD}
    )
    pairs = (f"{name}={quote(value.encode(codec))}" for name, value in (credentials | fields).items())
    return build_request(path, "&".join(pairs).encode())


def play_everything(address: Address) -> None:
    """Send requests of both generations to both pages."""
    for path, codec in (
        ("/v2sms.aspx", "utf-8"),
        ("/v2smsGBK.aspx", "gbk"),
        ("/sms.aspx", "utf-8"),
        ("/smsGBK.aspx", "gbk"),
    ):
        send_raw(
            address, build_form(path, codec, action="send", mobile=f"{NUMBER},{OTHER_NUMBER}", content="某店 80215397")
        )
        send_raw(address, build_form(path, codec, action="send", mobile=NUMBER, content="某店代开发票 80215397"))
        send_raw(address, build_form(path, codec, action="checkkeyword", content="某店代开发票"))
        send_raw(address, build_form(path, codec, action="overage"))
    for path in ("/v2statusApi.aspx", "/statusApi.aspx", "/v2callApi.aspx", "/callApi.aspx"):
        send_raw(address, build_form(path, "utf-8", action="query"))
    send_raw(
        address,
        build_request("/sms.aspx", f"action=overage&userid={USERID}&account=x&password=wrong-{PASSWORD}".encode()),
    )


def list_forms(secret: str) -> list[bytes]:
    """Return a value as it may stand in a file: in both charsets, plain, percent-encoded, as references."""
    encoded = [secret.encode("utf-8"), secret.encode("gbk", "ignore")]
    escaped = [quote(raw, safe="").encode() for raw in encoded]
    references = "".join(f"&#{ord(character)};" for character in secret).encode()
    return [*encoded, *escaped, *(each.lower() for each in escaped), references]


def test_no_secret_is_in_anything_that_is_written(tmp_path: Path) -> None:
    account = Account(USERID, ACCOUNT, PASSWORD, 1000)
    with Emulator(Options(accounts=(account,))) as emulator:
        host = emulator.url.removeprefix("http://")
        with recording(emulator.url, tmp_path) as address:
            play_everything(address)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) == 3 * len(read_recording(tmp_path)) + 1 == 3 * 21 + 1
    for file in files:
        content = file.read_bytes() + str(file).encode()
        for secret in (
            ACCOUNT,
            PASSWORD,
            f"userid={USERID}",
            SIGN,
            NUMBER,
            OTHER_NUMBER,
            "某店",
            "80215397",
            "发票",
            host,
        ):
            for form in list_forms(secret):
                assert form not in content, (file, form)


def build_state_request(file: Path) -> bytes:
    """Build a PUT of a start state."""
    state = file.read_bytes()
    head = "PUT /_mock/state HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/toml\r\nContent-Length: "
    return f"{head}{len(state)}\r\n\r\n".encode() + state


def test_masked_requests_are_accepted_by_an_emulator_with_the_start_state(tmp_path: Path) -> None:
    """Signatures are computed anew over the masked credentials, and forbidden words are placeholders."""
    account = Account(USERID, ACCOUNT, PASSWORD, 1000)
    folder = tmp_path / "out"
    with Emulator(Options(accounts=(account,))) as emulator, recording(emulator.url, folder) as address:
        play_everything(address)
    times = rb"<receivetime>[^<]*</receivetime>"
    with Emulator() as emulator:
        address = parse_address(emulator.url)
        assert send_raw(address, build_state_request(folder / "state.toml")).status == 200
        for exchange in read_recording(folder):
            response = send_raw(address, exchange.request)
            assert re.sub(times, b"", response.body) == re.sub(times, b"", exchange.body), exchange.name


def test_a_forbidden_word_that_the_vendor_names_becomes_a_placeholder(tmp_path: Path) -> None:
    def serve(connection: object, _: bytes) -> bool:
        body = "<returnsms>\n <message>包含屏蔽词：某词</message></returnsms>".encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))  # type: ignore[attr-defined]
        return True

    with ScriptedVendor(serve) as vendor, recording(vendor.url, tmp_path) as address:
        send_raw(address, build_form("/v2sms.aspx", "utf-8", action="send", mobile=NUMBER, content="有某词的"))
    [exchange] = read_recording(tmp_path)
    message = exchange.body.decode().partition("包含屏蔽词：")[2].partition("<")[0]
    text = parse_qs(exchange.request.partition(b"\r\n\r\n")[2].decode())["content"][0]
    assert len(message) == 2
    assert message != "某词"
    assert text[1:3] == message
    assert f'words = ["{message}"]' in (tmp_path / "state.toml").read_text("utf-8")


def test_the_start_state_has_the_balance_and_what_waited(tmp_path: Path) -> None:
    """A reply to a message that was sent before the recording began waits in the start state's queue."""
    credentials = "userid=4712&account=shop&password=pw-of-shop"
    with Emulator() as emulator:
        vendor = emulator.account(userid="4712", account="shop", password="pw-of-shop", points=50)
        send_raw(
            parse_address(emulator.url),
            build_request("/sms.aspx", f"action=send&{credentials}&mobile={NUMBER}&content=x".encode()),
        )
        vendor.reply(NUMBER, "再见")
        with recording(emulator.url, tmp_path) as address:
            for path, form in (
                ("/callApi.aspx", "action=query"),
                ("/statusApi.aspx", "action=query"),
                ("/sms.aspx", f"action=send&mobile={NUMBER}&content=x"),
                ("/sms.aspx", "action=overage"),
            ):
                send_raw(address, build_request(path, f"{credentials}&{form}".encode()))
    state = tomllib.loads((tmp_path / "state.toml").read_text("utf-8"))
    [account] = state["accounts"]
    [report], [reply] = account["report_queue"], account["reply_queue"]
    assert (account["points"], state["last_task_id"]) == (49, 100001)
    assert (report["task_id"], report["status"], reply["task_id"]) == (100001, 10, 100001)
    assert report["mobile"] == reply["mobile"] != NUMBER
    assert len(reply["content"]) == 2
    assert reply["content"] != "再见"
    with Emulator() as emulator:
        address = parse_address(emulator.url)
        assert send_raw(address, build_state_request(tmp_path / "state.toml")).status == 200
        for exchange in read_recording(tmp_path)[:2]:
            assert send_raw(address, exchange.request).body == exchange.body


def test_masks_of_two_recordings_differ(tmp_path: Path) -> None:
    body = f"action=send&userid=12&account=test&password=mima&mobile={NUMBER}&content=x".encode()
    with ScriptedVendor(lambda connection, _: connection.close()) as vendor:
        for name in ("a", "b"):
            with recording(vendor.url, tmp_path / name) as address:
                with pytest.raises(http.client.HTTPException):
                    send_raw(address, build_request("/sms.aspx", body))
    first, second = (read_recording(tmp_path / name)[0].request.partition(b"mobile=")[2][:11] for name in ("a", "b"))
    assert first != second
