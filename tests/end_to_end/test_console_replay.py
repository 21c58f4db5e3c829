"""Requests that are edited on the console and sent again: no byte is lost, and errors name the field."""

import re
from base64 import b64decode
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sms10692_mock import Emulator
from sms10692_mock.admin.console.editable_body import InvalidEscape, read_body, show_body
from support.emulators import sign

FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


def get(emulator: Emulator, path: str) -> Any:
    return httpx2.get(f"{emulator.url}{path}", timeout=60, trust_env=False)


def newest_request(emulator: Emulator) -> dict[str, Any]:
    number = get(emulator, "/_mock/requests?order=desc&limit=1").json()["items"][0]["number"]
    detail: dict[str, Any] = get(emulator, f"/_mock/requests/{number}").json()
    return detail


def replay_form(emulator: Emulator, number: int) -> dict[str, str]:
    """Return the fields of the form on the page of a request, as the browser would send them."""
    page = get(emulator, f"/requests/{number}").text
    form = page[page.index('aria-labelledby="replay"') :]
    fields = {
        name: unescape(value) for name, value in re.findall(r'<input id="\w+" name="(\w+)" value="([^"]*)"', form)
    }
    # The first line end of a text area is not part of its text, and browsers send the others as CR LF.
    fields["body"] = unescape(re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", form, re.DOTALL)[0]).replace(
        "\n", "\r\n"
    )
    return fields


def replay(emulator: Emulator, language: str = "en", /, **fields: str) -> Any:
    headers = {"HX-Request": "true", "Accept-Language": language}
    return httpx2.post(f"{emulator.url}/requests/replay", data=fields, headers=headers, timeout=60, trust_env=False)


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/v2sms.aspx?a=%27x", FORM, b"action=overage&userid=12&content=%E5%86%85%E5%AE%B9+%26%20%e5%86%85"),
        ("/v2smsGBK.aspx", FORM, b"action=send&content=%C4%DA%C8%DD&x=\xc4\xda\xff\0\\x41\\"),
        ("/v2sms.aspx", "application/json", b'\n\r\n{"a": "\xe5\x86\x85"}\n\t</textarea>'),
        ("/v2sms.aspx", "text/plain; x='\"", b"\\r\\n \\xff &lt;"),
    ],
)
def test_an_unedited_request_is_sent_with_the_same_bytes(emulator: Emulator, path: str, kind: str, body: bytes) -> None:
    httpx2.post(f"{emulator.url}{path}", content=body, headers={"Content-Type": kind}, trust_env=False)
    first = newest_request(emulator)
    response = replay(emulator, **replay_form(emulator, first["number"]))
    assert response.status_code == 200
    second = newest_request(emulator)
    assert second["number"] > first["number"]
    assert b64decode(second["body"]) == body
    for name in ("method", "path", "operation", "refusal", "fields"):
        assert second[name] == first[name]
    assert dict(second["headers"])["Content-Type"] == kind


def test_an_edited_request_is_signed_again_and_shown_with_its_response(emulator: Emulator) -> None:
    vendor = emulator.account(points=10)
    form = {"action": "send", "userid": vendor.userid, "timestamp": "1", "sign": "wrong", "mobile": "15023239810"}
    body = urlencode(form | {"content": "内容"}, encoding="gbk")
    httpx2.post(f"{emulator.url}/v2smsGBK.aspx", content=body, headers={"Content-Type": FORM}, trust_env=False)
    fields = replay_form(emulator, newest_request(emulator)["number"])
    assert fields["body"].endswith("&content=内容")
    edited = fields | {"body": fields["body"].replace("内容", "新内容"), "sign_again": "1"}
    shown = unescape(replay(emulator, **edited).text)
    assert "<returnstatus>Success</returnstatus>" in shown
    logged = newest_request(emulator)
    sent = logged["fields"]
    assert sent["content"] == "新内容"
    assert sent["sign"] == sign(vendor.account, vendor.password, sent["timestamp"])
    assert re.search(f'/requests/{logged["number"]}[?"]', shown)
    assert [message.content for message in vendor.messages()] == ["新内容"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("method", "GE T"),
        ("method", ""),
        ("method", "GET\r\nX: y"),
        ("target", "v2sms.aspx"),
        ("target", "http://evil.example/"),
        ("target", "/内"),
        ("target", "/_mock/state"),
        ("target", "//_mock/v2sms.aspx"),
        ("target", "/%5fmock/accounts"),
        ("target", "/requests?x=/v2sms.aspx"),
        ("body", "a\\z"),
        ("body", "a\\"),
        ("body", "content=😀"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_sent(emulator: Emulator, field: str, value: str) -> None:
    fields = {"method": "POST", "target": "/v2smsGBK.aspx", "kind": FORM, "body": "action=overage"}
    httpx2.post(f"{emulator.url}/v2sms.aspx", content=b"x", trust_env=False)
    before = newest_request(emulator)["number"]
    response = replay(emulator, **fields | {field: value})
    assert (response.status_code, response.headers["X-Field"]) == (422, field)
    assert newest_request(emulator)["number"] == before


def test_only_the_path_of_an_endpoint_is_sent_to_and_the_page_says_so_in_both_languages(emulator: Emulator) -> None:
    fields = {"method": "GET", "target": "/_mock/state", "kind": "", "body": ""}
    expected = {"en": "This is no path of an endpoint: /_mock/state", "zh": "这不是接口的路径：/_mock/state"}
    for language, text in expected.items():
        assert text in replay(emulator, language, **fields).text


@pytest.mark.parametrize(
    ("target", "kind", "body"),
    [
        ("/v2sms.aspx", FORM, "action=overage&userid=12"),
        ("/v2sms.aspx", FORM, "action=overage&userid=12&sign=1"),
        ("/v2sms.aspx", FORM, "action=overage&userid=nosuch&timestamp=1&sign=1"),
        ("/v2sms.aspx", "application/json", '{"userid": "12", "timestamp": "1", "sign": "1"}'),
        ("/sms.aspx", FORM, "action=overage&userid=12&account=test&password=mima"),
    ],
)
def test_what_cannot_be_signed_again_is_refused_and_not_sent(
    emulator: Emulator, target: str, kind: str, body: str
) -> None:
    httpx2.post(f"{emulator.url}/v2sms.aspx", content=b"x", trust_env=False)
    before = newest_request(emulator)["number"]
    fields = {"method": "POST", "target": target, "kind": kind, "body": body, "sign_again": "1"}
    for language, text in {"en": "Cannot sign again, so nothing was sent", "zh": "无法重新签名，没有发送"}.items():
        response = replay(emulator, language, **fields)
        assert (response.status_code, response.headers["X-Field"], text in response.text) == (422, "sign_again", True)
    assert newest_request(emulator)["number"] == before


def test_a_header_cannot_be_added_through_a_field(emulator: Emulator) -> None:
    fields = {"method": "POST", "target": "/v2sms.aspx?a=%0d%0aX-A:b", "kind": f"{FORM}\r\nX-B: c", "body": "x"}
    assert replay(emulator, **fields).status_code == 200
    names = {name.lower() for name, _ in newest_request(emulator)["headers"]}
    assert names == {"host", "content-type", "connection", "user-agent", "content-length"}


@given(st.binary(max_size=30), st.sampled_from(["utf-8", "gbk"]), st.booleans())
@example(b"%E5%86%85%C4%DA%5C%0D", "utf-8", True)
@example(b"%81%00%A0%FF%C4%DA%A3%BF", "gbk", True)
@example(b"\\\r\n\\x", "gbk", False)
@example(b"%C2%85%E2%80%AE", "utf-8", True)
def test_a_body_survives_being_shown_and_read(body: bytes, codec: str, is_form: bool) -> None:
    shown = show_body(body, codec, is_form=is_form)
    assert all(character.isprintable() or character in "\n\t" for character in shown)
    assert read_body(shown, codec, is_form=is_form) == body


@pytest.mark.parametrize("text", ["\\", "\\x", "\\xg0", "\\n", "a\\ b"])
def test_an_unknown_escape_is_refused(text: str) -> None:
    with pytest.raises(InvalidEscape):
        read_body(text, "utf-8", is_form=False)
