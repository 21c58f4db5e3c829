"""Words of the console without a browser: what it says about refusals, faults, signed texts and times."""

import re
from hashlib import md5
from html import unescape

import pytest

from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.admin.console.i18n import Language, text
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT
from support.console import CONSOLE_HEADERS
from support.emulators import sign
from support.flask_emulator import FlaskEmulator

TIME = "20120701231212"
SEND = {"action": "send", "userid": "12", "timestamp": TIME, "sign": sign("test", "mima", TIME), "content": "内容"}


def open_page(emulator: FlaskEmulator, path: str, language: Language = "en") -> str:
    response = emulator.http.get(f"{path}{'&' if '?' in path else '?'}lang={language}")
    assert response.status_code == 200
    return unescape(response.text)


@pytest.mark.parametrize(
    ("signed", "shown"),
    [
        (f"mimatest{TIME}", f'<mark class="differs">***</mark>test{TIME}'),
        (f"test,mima,{TIME}", f'test<mark class="differs">,</mark>***<mark class="differs">,</mark>{TIME}'),
        (f"testMIMA{TIME}", None),  # a password in capitals is not masked
        ("something else", None),
    ],
)
def test_what_was_signed_is_shown_with_its_difference_and_without_the_password(signed: str, shown: str | None) -> None:
    emulator = FlaskEmulator()
    wrong = md5(signed.encode(), usedforsecurity=False).hexdigest()
    emulator.http.post("/v2sms.aspx", data=SEND | {"mobile": "15023239810", "sign": wrong})
    page = open_page(emulator, "/requests/1")
    found = re.findall('<code id="received-text">(.*?)</code>', page)
    assert found == ([] if shown is None else [shown])
    assert f'id="received-sign">{wrong}<' in page
    document = emulator.control("GET", "requests/1")["expected_signature"]
    assert DEFAULT_ACCOUNT.password.lower() not in document["received_text"].lower()


def test_parameters_have_the_names_that_were_sent_and_one_column_unless_the_charset_is_in_doubt() -> None:
    emulator = FlaskEmulator()
    emulator.http.post("/v2sms.aspx", data=SEND | {"mobile": "15023239810", "sendTime": ""})
    emulator.http.post("/v2smsGBK.aspx", data=SEND | {"mobile": "15023239810"})
    good, doubtful = (open_page(emulator, f"/requests/{number}") for number in (1, 2))
    assert "<code>sendTime</code>" in good
    assert 'data-label="GBK"' not in good
    assert 'data-label="GBK"' in doubtful


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_fault_has_one_name_everywhere(language: Language) -> None:
    emulator = FlaskEmulator()
    label = text(language, "fault.status")
    notice = emulator.http.post(f"/faults/preset?lang={language}", data={"name": "down"}, headers=CONSOLE_HEADERS).text
    emulator.http.post("/v2sms.aspx", data=SEND | {"mobile": "15023239810"})
    listed, detail = (open_page(emulator, path, language) for path in ("/requests", "/requests/1"))
    assert f"“{label} 503”" in unescape(notice)
    assert f"<strong>{label}</strong>" in open_page(emulator, "/faults", language)
    for page in (listed, detail):
        assert text(language, "requests.fault", kind=label) in page
    (finding,) = re.findall(r'<div class="finding .*?</p>', detail, re.DOTALL)
    assert label in finding
    assert not re.search("[“'‘]status", finding)


def test_a_refusal_is_quoted() -> None:
    emulator = FlaskEmulator()
    emulator.http.post("/v2sms.aspx", data=SEND | {"mobile": "10000000006"})
    for path in ("/requests", "/requests/1"):
        assert "<q>包含非法字符：</q>" in open_page(emulator, path)


def test_the_outcome_of_a_report_that_is_not_due_yet_is_one_of_the_future() -> None:
    emulator = FlaskEmulator()
    emulator.http.post("/v2sms.aspx", data=SEND | {"mobile": "10000000023,15023239810"})
    later = text("en", "outcome.later")
    for path in ("/", "/queues"):
        rows = re.findall("<tr>.*?</tr>", open_page(emulator, path), re.DOTALL)
        assert [later in row for row in rows if "10000000023" in row] == [True]
        assert [later in row for row in rows if "15023239810" in row] == [False]
    assert text("en", "label.report_due") in open_page(emulator, "/")


def test_a_spectator_is_offered_nothing_that_a_spectator_cannot_do() -> None:
    emulator = FlaskEmulator(AccessPolicy(token="t0ken", read_only_token="spectat0r"))
    session = emulator.http
    assert session.post("/login", data={"token": "spectat0r"}).status_code == 303
    messages, account, send = (session.get(path).text for path in ("/", "/account", "/send"))
    assert text("en", "empty.live") in unescape(messages)
    assert text("en", "list.no_matches") not in messages
    assert 'class="button primary"' not in messages
    assert 'data-copies="the-password"' not in account
    assert 'data-copies="the-userid"' in account
    assert 'data-copies="program-' not in account
    assert text("en", "login.is_read_only") in send
