"""Findings are marked and filtered in the lists of requests and messages, and written in Chinese where asked."""

from typing import Any

import pytest

from sms10692 import protocol
from sms10692_mock.app.vendor_app import VendorApp, VendorRequest
from sms10692_mock.config import build_vendor
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT
from support.diagnosis import FORM, NOW, build_form
from support.emulators import build_options
from support.flask_emulator import FlaskEmulator


@pytest.fixture(scope="module")
def emulator() -> FlaskEmulator:
    """Emulator with six requests: correct, refused, correct, marked, correct, polled too often."""
    emulator = FlaskEmulator(replaced_options={"accounts": (DEFAULT_ACCOUNT,)})
    emulator.now = NOW
    for body in (
        build_form(),
        build_form(extno="12345678901"),
        build_form(content="【商店】您好"),
        build_form(mobile="8615023239810"),
        build_form(),
    ):
        emulator.http.post("/v2sms.aspx", data=body, content_type=FORM)
    emulator.http.put("/v2sms.aspx", data=b"")
    return emulator


def numbers(emulator: FlaskEmulator, path: str) -> list[int]:
    return [item["number"] for item in emulator.control("GET", path)["items"]]


def test_requests_are_marked_and_filtered(emulator: FlaskEmulator) -> None:
    items: list[dict[str, Any]] = emulator.control("GET", "requests")["items"]
    assert [item["has_findings"] for item in items] == [False, True, False, True, False, True]
    assert numbers(emulator, "requests?has_findings=true") == [2, 4, 6]
    assert numbers(emulator, "requests?refused=true") == [2, 6]
    assert numbers(emulator, "accounts/12/requests?refused=true&has_findings=true") == [2]
    assert numbers(emulator, "requests?has_findings=true&order=desc") == [6, 4, 2]


def test_a_filtered_list_has_pages(emulator: FlaskEmulator) -> None:
    first = emulator.control("GET", "requests?has_findings=true&limit=2")
    assert ([item["number"] for item in first["items"]], first["next"]) == ([2, 4], 4)
    rest = emulator.control("GET", "requests?has_findings=true&limit=2&after=4")
    assert ([item["number"] for item in rest["items"]], rest["next"]) == ([6], None)


def test_messages_are_marked_and_filtered(emulator: FlaskEmulator) -> None:
    items = emulator.control("GET", "accounts/12/messages")["items"]
    assert [item["mobile"] for item in items if item["has_findings"]] == ["8615023239810"]
    filtered = emulator.control("GET", "accounts/12/messages?has_findings=true")["items"]
    assert [item["mobile"] for item in filtered] == ["8615023239810"]


@pytest.mark.parametrize(("language", "mark"), [("en", "findings"), ("zh", "有诊断")])
def test_the_console_marks_and_filters(emulator: FlaskEmulator, language: str, mark: str) -> None:
    page = emulator.http.get(f"/requests?refused=1&lang={language}").text
    assert f">{mark}</a>" in page
    assert ("#2</a>" in page, "#4</a>" in page) == (True, False)
    messages = emulator.http.get(f"/?has_findings=1&lang={language}").text
    assert messages.count(f">{mark}</a>") == 1


def test_the_control_api_writes_chinese_where_asked(emulator: FlaskEmulator) -> None:
    (finding,) = emulator.control("GET", "requests/2?lang=zh")["diagnosis"]
    assert finding["sentence"] == "extno 有 11 位，最多 10 位：请缩短。"
    explained = emulator.control("POST", "explain?lang=zh", {"request": build_form(extno="12345678901").decode()})
    assert explained["diagnosis"][0]["sentence"] == finding["sentence"]


def test_the_log_is_chinese_where_asked_and_the_header_stays_ascii() -> None:
    options, lines = build_options(lambda: NOW), list[str]()
    app = VendorApp(build_vendor(options), options, lambda entry: lines.append(str(entry)), language="zh")
    request = VendorRequest("POST", b"", FORM, build_form(extno="12345678901"), headers=[("Content-Type", FORM)])
    hint = dict(app.respond(protocol.V2SMS, request).headers)["X-Mock-Hint"]
    assert lines[0].endswith("\n  refusal.extno-too-long: extno 有 11 位，最多 10 位：请缩短。")
    assert hint == "refusal.extno-too-long: extno has 11 digits; at most 10 are allowed: shorten it."


def test_an_accepted_request_stays_without_findings_when_its_account_is_deleted() -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts")
    assert "ok" in emulator.send(account)
    (before,) = emulator.control("GET", "requests")["items"]
    codes = [finding["code"] for finding in emulator.control("GET", "requests/1")["diagnosis"]]
    emulator.control("DELETE", f"accounts/{account['userid']}")
    assert emulator.control("GET", "requests")["items"] == [before]
    after = [finding["code"] for finding in emulator.control("GET", "requests/1")["diagnosis"]]
    assert codes == after == ["habit.timestamp-form"]
