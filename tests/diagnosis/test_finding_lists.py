"""Findings are marked and filtered in the lists of requests and messages, and written in Chinese where asked."""

import re
from dataclasses import replace
from html import unescape
from typing import Any, NamedTuple

import pytest

from sms10692 import protocol
from sms10692_mock.admin.services.filtered_pages import read_matching
from sms10692_mock.app.vendor_app import VendorApp, VendorRequest
from sms10692_mock.config import build_vendor
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT
from sms10692_mock.domain.records import Page, Query
from support.diagnosis import FORM, NOW, build_form
from support.emulators import build_options
from support.flask_emulator import FlaskEmulator


class Row(NamedTuple):
    """A row of a list."""

    number: int


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


def test_a_filter_searches_5000_messages_for_a_page() -> None:
    emulator = FlaskEmulator(replaced_options={"accounts": (replace(DEFAULT_ACCOUNT, points=10_000),)})
    emulator.now = NOW
    clean = ",".join(f"13{number:09}" for number in range(5000))
    for mobile in ("8615023239810", clean):
        body = build_form(mobile=mobile, content="【商店】您好")
        emulator.http.post("/v2sms.aspx", data=body, content_type=FORM)
    path = "accounts/12/messages?has_findings=true&order=desc"
    first = emulator.control("GET", path)
    assert first["items"] == []
    assert first["next"] is not None
    rest = emulator.control("GET", f"{path}&after={first['next']}")
    assert ([item["mobile"] for item in rest["items"]], rest["next"]) == (["8615023239810"], None)

    page = emulator.http.get("/?has_findings=1&lang=en").text
    assert "No matches among the last 5,000 rows searched." in page
    (further,) = re.findall(r'href="([^"]+)"[^>]*>Search further', page)
    assert "8615023239810" in emulator.http.get(unescape(further)).text


@pytest.mark.parametrize("limit", [1, 7, 100, 5000])
def test_a_page_of_matching_rows_continues_after_the_last_row_that_was_read(limit: int) -> None:
    rows = [Row(number) for number in range(1, 12_346)]

    def read_page(query: Query) -> Page[Row]:
        following = [row for row in rows if query.after is None or row.number > query.after]
        return Page(following[: query.limit], len(following) > query.limit, 0)

    found, query, pages = [], Query(limit=limit), 0
    while True:
        page = read_matching(read_page, query, lambda row: row.number % 6000 == 0)
        assert len(page.items) <= limit
        found += [row.number for row in page.items]
        pages += 1
        following = page.items[-1].number if page.more and page.last_read is None else page.last_read
        if following is None:
            break
        query = query._replace(after=following)
    assert found == [6000, 12_000]
    assert pages <= 5
