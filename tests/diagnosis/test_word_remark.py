"""The remark about a forbidden word with which a send passes, because it did not ask for the check (R19)."""

import pytest

from sms10692_mock.diagnosis.service import diagnose_logged, has_findings
from sms10692_mock.domain.records import Query
from support.emulators import WsgiHarness
from support.flask_emulator import FlaskEmulator
from support.http_client import build_request

FORM = "action=send&userid=12&account=test&password=mima&mobile=15023239810&content="


def send(emulator: WsgiHarness, path: str, content: str, more: str = "") -> list[str]:
    """Send a text, and return the codes of the findings."""
    charset = "gbk" if "GBK" in path else "utf-8"
    emulator.send_raw(build_request(path, f"{FORM}{content}{more}".encode(charset)))
    entry = emulator.store.requests(None, Query(newest_first=True)).items[0]
    codes = [finding.code for finding in diagnose_logged(entry, emulator.store)]
    assert has_findings(entry, emulator.store) == bool(codes)
    return [code for code in codes if "word" in code]


@pytest.mark.parametrize("path", ["/sms.aspx", "/smsGBK.aspx"])
def test_a_forbidden_word_that_passes_is_remarked(path: str) -> None:
    emulator = WsgiHarness()
    assert send(emulator, path, "【店】代开发票") == ["habit.word-unchecked"]
    assert send(emulator, path, "【店】代开发票", "&checkContent=0") == ["habit.word-unchecked"]
    assert send(emulator, path, "【店】代开发票", "&checkContent=1") == ["refusal.forbidden-word"]
    assert send(emulator, path, "【店】您好") == []
    entry = emulator.store.request(1)
    assert entry is not None
    assert (entry.refusal, b"<message>ok</message>" in entry.response_body) == ("", True)
    always = WsgiHarness(profile='check_words = "always"')
    assert send(always, path, "【店】代开发票") == ["refusal.forbidden-word"]


def test_the_remark_is_in_the_hint_and_names_the_word() -> None:
    emulator = FlaskEmulator()
    form = FORM.replace("content=", "content=%E3%80%90%E5%BA%97%E3%80%91%E4%BB%A3%E5%BC%80%E5%8F%91%E7%A5%A8")
    response = emulator.http.post("/sms.aspx", data=form, content_type="application/x-www-form-urlencoded")
    assert response.headers["X-Mock-Hint"].startswith("habit.word-unchecked: The text has the forbidden word")
    (entry,) = emulator.control("GET", "requests")["items"]
    assert (entry["refusal"], entry["has_findings"]) == ("", True)
    explained = emulator.control("POST", "explain", {"request": f"POST /sms.aspx HTTP/1.1\n\n{form}"})
    assert "habit.word-unchecked" in [finding["code"] for finding in explained["diagnosis"]]
    assert explained["refusal"] == ""


def test_a_send_that_is_refused_for_something_else_has_no_remark() -> None:
    emulator = WsgiHarness(accounts=["12:test:mima:0"])
    assert send(emulator, "/sms.aspx", "【店】代开发票") == []
