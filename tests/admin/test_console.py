"""Console pages without a browser: responses to requests and forms."""

import re
import time
from contextlib import suppress
from html import unescape
from urllib.parse import quote

import pytest

from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.admin.console import contract
from sms10692_mock.admin.console.clauses import Observation, clauses
from support import console
from support.console import CONSOLE_HEADERS, PAGES
from support.emulators import sign
from support.flask_emulator import FlaskEmulator

read_only_emulator = console.read_only_emulator

SCRIPT = "<script>alert('x')</script>"


def test_submitted_text_is_escaped_on_every_page() -> None:
    script = SCRIPT.replace("/", "")  # a userid contains no slash
    emulator = FlaskEmulator(accounts=[f"{script}:{script}:{script}"])
    credentials = {"userid": script, "timestamp": "1", "sign": sign(script, script, "1")}
    fields = {"action": "send", "mobile": script, "content": script, script: script} | credentials
    emulator.http.post("/v2sms.aspx", data=fields, headers={"User-Agent": script})
    emulator.http.post(
        f"/phone/reply?userid={quote(script)}", data={"mobile": script, "content": script}, headers=CONSOLE_HEADERS
    )
    query = f"?userid={quote(script)}&mobile={quote(script)}&text={quote(script)}"
    for path in (*PAGES, "/requests/1", "/queues?queue=replies"):
        page = emulator.http.get(path + query if "?" not in path else path + query.replace("?", "&")).text
        assert script not in page, path
        assert script in unescape(page), path
    missing = emulator.http.get(f"/?userid={quote(script + 'x')}")
    assert (missing.status_code, script in missing.text) == (404, False)


def test_a_signature_is_marked_only_at_the_start_or_the_end() -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts")
    for content in ("【甲】a", "b【乙】", "c【丙】d"):
        emulator.send(account, content=content)
    page = emulator.http.get(f"/?userid={account['userid']}").text
    assert re.findall("<mark>(.*?)</mark>", page) == ["【乙】", "【甲】"]


def test_an_unchanged_live_part_gets_204() -> None:
    emulator = FlaskEmulator()
    page = emulator.http.get("/").text
    version = re.findall(r'"X-Seen": "(\w+)"', page)[0]
    live_part = {"HX-Request": "true", "HX-Target": "live", "X-Seen": version}
    assert emulator.http.get("/", headers=live_part).status_code == 204
    emulator.control("POST", "faults", {"kind": "empty_body"})
    changed = emulator.http.get("/", headers=live_part)
    assert changed.status_code == 200
    assert "<html" not in changed.text
    assert 'id="banner" hx-swap-oob' in changed.text


def test_the_banner_reports_a_changed_account_clock_only() -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts", {"private_clock": True})
    address = f"accounts/{account['userid']}"
    emulator.now += 3600

    def has_clock_anomaly() -> bool:
        has_anomaly = bool(emulator.control("GET", f"{address}/anomalies")["clock"] == "own")
        assert has_anomaly == ('id="remove-all"' in emulator.http.get(f"/?userid={account['userid']}").text)
        return has_anomaly

    assert not has_clock_anomaly()
    emulator.control("PUT", "clock", {"mode": "frozen"})
    assert not has_clock_anomaly()
    for setting in ({"mode": "running", "speed": 2}, {"mode": "frozen"}):
        emulator.control("PUT", f"{address}/clock", setting)
        assert has_clock_anomaly()
        emulator.control("PUT", f"{address}/clock", {"mode": "running", "now": "2011-12-02T23:12:11+08:00"})
        assert not has_clock_anomaly()
    emulator.control("POST", f"{address}/clock/advance", {"seconds": 60})
    assert has_clock_anomaly()


def test_an_unknown_path_is_404_in_plain_text() -> None:
    response = FlaskEmulator().http.get("/console")
    assert (response.status_code, response.mimetype) == (404, "text/plain")


def test_an_unknown_path_shows_a_browser_a_link_home_and_no_account() -> None:
    emulator = FlaskEmulator(access_policy=AccessPolicy(token="secret"))
    browser_headers = {
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Language": "zh",
    }
    response = emulator.http.get("/nosuch?userid=12&x=<script>", headers=browser_headers)
    assert (response.status_code, response.mimetype) == (404, "text/html")
    assert '<a href="/">' in response.text
    assert "/v2callApi.aspx" in response.text
    assert "没有这个页面" in response.text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "<select" not in response.text
    assert "<script>" not in response.text
    java_headers = {"Accept": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"}
    assert emulator.http.get("/nosuch", headers=java_headers).mimetype == "text/plain"


def test_an_invalid_form_shows_an_error_and_changes_nothing() -> None:
    emulator = FlaskEmulator()
    for path, form in (
        ("/account/top-up", {"points": "-1"}),
        ("/account/top-up", {"points": "many"}),
        ("/faults/fault", {"kind": "latency"}),
        ("/faults/clock", {"mode": "backwards"}),
        ("/phone/reply", {"mobile": "15023239810"}),
        ("/faults/preset", {"name": "hail"}),
        ("/faults/preset", {}),
    ):
        response = emulator.http.post(path, data=form, headers=CONSOLE_HEADERS)
        assert (response.status_code, "notice bad" in response.text) == (422, True)
    assert emulator.http.post("/faults/advance", data={"to": "next"}, headers=CONSOLE_HEADERS).status_code == 409
    assert emulator.control("GET", "accounts/12")["points"] == 1000


def test_a_remove_button_removes_the_displayed_rule_and_restores_no_used_rule() -> None:
    emulator = FlaskEmulator()
    first, second, third = (
        {"number": number, "outcome": "failed", "times": times}
        for number, times in (("13000000001", 1), ("13000000002", 5), ("13000000003", 5))
    )
    emulator.control("PUT", "accounts/12/delivery-rules", {"rules": [first, second, third, first]})
    buttons = re.findall(r'name="name" value="([^"]*)"><button id="rule-', emulator.http.get("/faults").text)
    assert len(set(buttons)) == 4
    account = emulator.control("GET", "accounts/12")
    emulator.send(account, mobile="13000000001")
    emulator.send(account, mobile="13000000002")
    emulator.control("POST", "accounts/12/delivery-rules", {"number": "13000000002", "outcome": "unreported"})

    def remove(button: str) -> int:
        return emulator.http.post("/faults/rule/remove", data={"name": button}, headers=CONSOLE_HEADERS).status_code

    assert remove(buttons[1]) == 200
    rules = emulator.control("GET", "accounts/12/delivery-rules")["rules"]
    assert [(rule["number"][-1], rule["outcome"], rule["times"]) for rule in rules] == [
        ("2", "unreported", None),
        ("3", "failed", 5),
        ("1", "failed", 1),
    ]
    assert [remove(button) for button in (buttons[0], buttons[1], "")] == [404] * 3
    assert remove(buttons[3]) == 200


def test_without_accounts_every_page_offers_to_create_one() -> None:
    emulator = FlaskEmulator()
    emulator.control("DELETE", "accounts/12")
    for path in PAGES:
        page = emulator.http.get(path)
        assert (page.status_code, "There are no accounts." in page.text, "/account/new" in page.text) == (
            404,
            True,
            True,
        ), path
    assert emulator.http.get("/?userid=12").status_code == 404
    assert "There are no accounts." in emulator.http.post("/account/reset", headers=CONSOLE_HEADERS).text
    created = emulator.http.post("/account/new", data={"can_read_queues": "on"}, headers=CONSOLE_HEADERS)
    assert emulator.http.get(created.headers["HX-Redirect"]).status_code == 200
    assert emulator.control("GET", "accounts")["accounts"][0]["can_read_queues"]


@pytest.mark.parametrize("task_id", ["abc", "-1", "0", "1" * 17, "9" * 5000, "²"])
def test_a_list_filtered_by_an_invalid_task_id_is_empty(read_only_emulator: FlaskEmulator, task_id: str) -> None:
    account = read_only_emulator.control("POST", "accounts")
    read_only_emulator.send(account, content="something was sent")
    for path in ("/", "/queues"):
        page = read_only_emulator.http.get(path, query_string={"userid": account["userid"], "task_id": task_id})
        assert (page.status_code, "something was sent" in page.text) == (200, False)
    assert read_only_emulator.http.get("/", query_string={"after": task_id}).status_code == 200


def test_a_request_with_thousands_of_fields_is_shown_quickly_and_in_part() -> None:
    emulator = FlaskEmulator()
    names = [f"name{index}" for index in range(20_000)]
    emulator.http.post("/v2sms.aspx", data="&".join(f"{name}=1" for name in names))
    begin = time.process_time()
    page = emulator.http.get("/requests/1").text
    assert time.process_time() - begin < 2.0
    assert all(f"<code>{name}</code>" in page for name in names[:200])
    assert "<code>name200</code>" not in page
    assert "Parameters not shown: 19800." in page


def test_a_new_password_is_stored_and_an_empty_field_keeps_the_old_one() -> None:
    emulator = FlaskEmulator()
    for password, expected in (("", "mima"), ("新密码", "新密码")):
        form = {"can_read_queues": "on", "profile": "manual", "password": password}
        assert emulator.http.post("/account/settings?userid=12", data=form, headers=CONSOLE_HEADERS).status_code == 200
        assert "<message>ok<" in emulator.send({"userid": "12", "account": "test", "password": expected})


OLDER_SEND = {"action": "send", "userid": "12", "account": "test", "password": "mima", "mobile": "1", "content": "x"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_account_page_offers_programs_for_both_kinds_of_endpoints(language: str) -> None:
    emulator = FlaskEmulator()
    for chosen, path, other in (
        ("", "/v2sms.aspx", "/sms.aspx"),
        ("&authentication=signed", "/v2sms.aspx", "/sms.aspx"),
        ("&authentication=password", "/sms.aspx", "/v2sms.aspx"),
        ("&authentication=nosuch", "/v2sms.aspx", "/sms.aspx"),
    ):
        page = unescape(emulator.http.get(f"/account?userid=12&lang={language}{chosen}").text)
        assert page.count('<details name="program"') == 7
        assert page.count(f"http://localhost{path}") == 7
        assert f"http://localhost{other}" not in page
        name = "password" if path == "/sms.aspx" else "signed"
        current, older = (
            f'<a href="/account?userid=12&authentication={name}#snippets" aria-current="page">',
            '<a href="/account?userid=12&authentication=password#snippets"',
        )
        assert page.count(current) == page.count(older) == 1


def test_without_older_endpoints_the_console_does_not_offer_them() -> None:
    emulator = FlaskEmulator(endpoints="signed")
    for path in ("/", "/account", "/account?authentication=password"):
        page = unescape(emulator.http.get(path).text)
        assert "http://localhost/v2sms.aspx" in page
        assert "/sms.aspx" not in page
        assert "authentication=signed" not in page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_first_page_shows_a_command_for_an_older_endpoint_too(language: str) -> None:
    page = FlaskEmulator().http.get(f"/?lang={language}").text
    command = re.findall('<pre id="older-command"[^>]*>(.*?)</pre>', page)
    assert list(map(unescape, command)) == [
        'curl "http://localhost/sms.aspx" -d "action=send&userid=12&account=test&password=mima'
        '&mobile=15023239810,13527576163&content=%E5%86%85%E5%AE%B9"'
    ]


@pytest.mark.parametrize(
    ("language", "note"),
    [
        ("en", "Request 2 sent account and password in clear, through the older endpoint /sms.aspx: whoever sees"),
        ("zh", "请求 2 经旧版接口 /sms.aspx 明文发送了账号和密码：能看到"),
    ],
)
def test_the_account_page_notes_that_the_password_was_sent_in_clear(language: str, note: str) -> None:
    emulator = FlaskEmulator(accounts=["12:test:mima", "7:a:b"])
    emulator.send({"userid": "12", "account": "test", "password": "mima"})
    assert "older-request" not in emulator.http.get("/account?userid=12").text
    emulator.http.post("/SMS.aspx", data=OLDER_SEND)
    page = emulator.http.get(f"/account?userid=12&lang={language}").text
    shown = re.findall('id="older-request"><a href="(.*?)">(.*?)</a>', page)
    assert [link.partition("?")[0] for link, _ in shown] == ["/requests/2"]
    assert note in shown[0][1]
    assert "older-request" not in emulator.http.get("/account?userid=7").text
    for _ in range(100):
        emulator.http.post("/v2sms.aspx", data={"userid": "12"})
    assert "older-request" not in emulator.http.get("/account?userid=12").text


def test_an_older_request_that_reveals_no_password_is_not_noted() -> None:
    emulator = FlaskEmulator()
    for change in ({"password": "wrong"}, {"password": ""}, {"content": "' or 1=1"}):
        emulator.http.post("/sms.aspx", data=OLDER_SEND | change)
    emulator.http.put("/sms.aspx", data=OLDER_SEND)
    assert "older-request" not in emulator.http.get("/account?userid=12").text
    emulator.http.post("/sms.aspx", data=OLDER_SEND | {"mobile": ""})
    assert "older-request" in emulator.http.get("/account?userid=12").text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_of_a_refused_older_request_shows_its_finding(language: str) -> None:
    emulator = FlaskEmulator()
    emulator.http.post("/sms.aspx", data=OLDER_SEND | {"password": "Mima"})
    page = emulator.http.get(f"/requests/1?lang={language}")
    assert page.status_code == 200
    kind = {"en": "credentials", "zh": "账号和密码"}[language]
    assert f'<span class="badge bad">{kind}</span>' in page.text
    assert "<code>password.letter-case</code>" in page.text
    for shown in ("POST /sms.aspx", "account", "test", "Mima"):
        assert shown in page.text


def test_the_contract_page_says_how_many_clauses_were_confirmed_at_a_real_server() -> None:
    confirmed = sum(clause.last_observed is not None for clause in clauses())
    for language, sentence in (
        ("en", f"Confirmed at a real server: {confirmed} of {len(clauses())} clauses."),
        ("zh", f"在真实服务器上确认过：{len(clauses())} 条中的 {confirmed} 条。"),
    ):
        assert sentence in FlaskEmulator().http.get(f"/contract?lang={language}").text


def test_the_contract_page_shows_when_a_clause_was_last_observed(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = clauses()
    seen = first._replace(last_observed=Observation("2026-11-30", "a v2 server", "v2 服务器"))
    monkeypatch.setattr(contract, "clauses", lambda: (seen, *others))
    assert "Last observed at a real server: 2026-11-30, a v2 server" in FlaskEmulator().http.get("/contract").text
    assert "2026-11-30，v2 服务器" in unescape(FlaskEmulator().http.get("/contract?lang=zh").text)


@pytest.mark.parametrize(
    ("kind", "is_sent"), [("hang", False), ("disconnect", False), ("drop_fetch", False), ("empty_body", True)]
)
def test_the_page_of_a_request_says_whether_a_response_was_sent(kind: str, is_sent: bool) -> None:
    emulator = FlaskEmulator()
    emulator.control("POST", "faults", {"kind": kind})
    with suppress(OSError):  # as the client sees a fault without a server
        emulator.status(emulator.control("GET", "accounts/12"))
    page = emulator.http.get("/requests/1?lang=en").text
    assert ("No response was sent, because of the fault." in page) is not is_sent
    assert ("HTTP 200" in page) is is_sent
