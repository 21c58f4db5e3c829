"""Console pages without a browser: responses to requests and to forms."""

import re
import time
from html import unescape
from urllib.parse import quote

import pytest

from sms10692_mock.admin.auth import AccessPolicy
from support import console
from support.console import CONSOLE_HEADERS, PAGES
from support.emulators import sign
from support.flask_emulator import FlaskEmulator

quiet = console.read_only_emulator

SCRIPT = "<script>alert('x')</script>"


def test_what_others_wrote_is_shown_as_text_on_every_page() -> None:
    script = SCRIPT.replace("/", "")  # which no userid has
    office = FlaskEmulator(accounts=[f"{script}:{script}:{script}"])
    credentials = {"userid": script, "timestamp": "1", "sign": sign(script, script, "1")}
    fields = {"action": "send", "mobile": script, "content": script, script: script} | credentials
    office.http.post("/v2sms.aspx", data=fields, headers={"User-Agent": script})
    office.http.post(
        f"/phone/reply?userid={quote(script)}", data={"mobile": script, "content": script}, headers=CONSOLE_HEADERS
    )
    about = f"?userid={quote(script)}&mobile={quote(script)}&text={quote(script)}"
    for path in (*PAGES, "/requests/1", "/queues?queue=replies"):
        page = office.http.get(path + about if "?" not in path else path + about.replace("?", "&")).text
        assert script not in page, path
        assert script in unescape(page), path
    missing = office.http.get(f"/?userid={quote(script + 'x')}")
    assert (missing.status_code, script in missing.text) == (404, False)


def test_a_signature_is_marked_where_it_stands_at_an_end() -> None:
    office = FlaskEmulator()
    account = office.control("POST", "accounts")
    for content in ("【甲】a", "b【乙】", "c【丙】d"):
        office.send(account, content=content)
    page = office.http.get(f"/?userid={account['userid']}").text
    assert re.findall("<mark>(.*?)</mark>", page) == ["【乙】", "【甲】"]


def test_a_part_that_is_as_it_was_is_not_sent_again() -> None:
    office = FlaskEmulator()
    page = office.http.get("/").text
    seen = re.findall(r'"X-Seen": "(\w+)"', page)[0]
    live_part = {"HX-Request": "true", "HX-Target": "live", "X-Seen": seen}
    assert office.http.get("/", headers=live_part).status_code == 204
    office.control("POST", "faults", {"kind": "empty_body"})
    changed = office.http.get("/", headers=live_part)
    assert changed.status_code == 200
    assert "<html" not in changed.text
    assert 'id="banner" hx-swap-oob' in changed.text


def test_a_banner_tells_of_a_clock_that_was_turned_and_of_no_other() -> None:
    office = FlaskEmulator()
    account = office.control("POST", "accounts", {"private_clock": True})
    address = f"accounts/{account['userid']}"
    office.now += 3600

    def is_told() -> bool:
        told = bool(office.control("GET", f"{address}/anomalies")["clock"] == "own")
        assert told == ('id="remove-all"' in office.http.get(f"/?userid={account['userid']}").text)
        return told

    assert not is_told()
    office.control("PUT", "clock", {"mode": "frozen"})
    assert not is_told()
    for setting in ({"mode": "running", "speed": 2}, {"mode": "frozen"}):
        office.control("PUT", f"{address}/clock", setting)
        assert is_told()
        office.control("PUT", f"{address}/clock", {"mode": "running", "now": "2011-12-02T23:12:11+08:00"})
        assert not is_told()
    office.control("POST", f"{address}/clock/advance", {"seconds": 60})
    assert is_told()


def test_an_unknown_path_is_404_in_words() -> None:
    response = FlaskEmulator().http.get("/console")
    assert (response.status_code, response.mimetype) == (404, "text/plain")


def test_an_unknown_path_leads_a_browser_back_and_shows_nothing_of_an_account() -> None:
    office = FlaskEmulator(access_policy=AccessPolicy(token="secret"))
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Accept-Language": "zh"}
    response = office.http.get("/nosuch?userid=12&x=<script>", headers=browser)
    assert (response.status_code, response.mimetype) == (404, "text/html")
    assert '<a href="/">' in response.text
    assert "/v2callApi.aspx" in response.text
    assert "没有这个页面" in response.text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "<select" not in response.text
    assert "<script>" not in response.text
    java = {"Accept": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"}
    assert office.http.get("/nosuch", headers=java).mimetype == "text/plain"


def test_what_is_not_accepted_is_said() -> None:
    office = FlaskEmulator()
    for path, form in (
        ("/account/top-up", {"points": "-1"}),
        ("/account/top-up", {"points": "many"}),
        ("/faults/fault", {"kind": "latency"}),
        ("/faults/clock", {"mode": "backwards"}),
        ("/phone/reply", {"mobile": "15023239810"}),
        ("/faults/preset", {"name": "hail"}),
        ("/faults/preset", {}),
    ):
        response = office.http.post(path, data=form, headers=CONSOLE_HEADERS)
        assert (response.status_code, "notice bad" in response.text) == (422, True)
    assert office.http.post("/faults/advance", data={"to": "next"}, headers=CONSOLE_HEADERS).status_code == 409
    assert office.control("GET", "accounts/12")["points"] == 1000


def test_the_rule_that_was_shown_is_removed_and_nothing_that_was_used_up_comes_back() -> None:
    office = FlaskEmulator()
    first, second, third = (
        {"number": number, "outcome": "failed", "times": left}
        for number, left in (("13000000001", 1), ("13000000002", 5), ("13000000003", 5))
    )
    office.control("PUT", "accounts/12/delivery-rules", {"rules": [first, second, third, first]})
    buttons = re.findall(r'name="name" value="([^"]*)"><button id="rule-', office.http.get("/faults").text)
    assert len(set(buttons)) == 4
    account = office.control("GET", "accounts/12")
    office.send(account, mobile="13000000001")
    office.send(account, mobile="13000000002")
    office.control("POST", "accounts/12/delivery-rules", {"number": "13000000002", "outcome": "unreported"})

    def removed(button: str) -> int:
        return office.http.post("/faults/rule/remove", data={"name": button}, headers=CONSOLE_HEADERS).status_code

    assert removed(buttons[1]) == 200
    rules = office.control("GET", "accounts/12/delivery-rules")["rules"]
    assert [(rule["number"][-1], rule["outcome"], rule["times"]) for rule in rules] == [
        ("2", "unreported", None),
        ("3", "failed", 5),
        ("1", "failed", 1),
    ]
    assert [removed(button) for button in (buttons[0], buttons[1], "")] == [404] * 3
    assert removed(buttons[3]) == 200


def test_where_no_account_is_left_every_page_says_so_and_makes_one() -> None:
    office = FlaskEmulator()
    office.control("DELETE", "accounts/12")
    for path in PAGES:
        page = office.http.get(path)
        assert (page.status_code, "There are no accounts." in page.text, "/account/new" in page.text) == (
            404,
            True,
            True,
        ), path
    assert office.http.get("/?userid=12").status_code == 404
    assert "There are no accounts." in office.http.post("/account/reset", headers=CONSOLE_HEADERS).text
    made = office.http.post("/account/new", data={"can_read_queues": "on"}, headers=CONSOLE_HEADERS)
    assert office.http.get(made.headers["HX-Redirect"]).status_code == 200
    assert office.control("GET", "accounts")["accounts"][0]["can_read_queues"]


@pytest.mark.parametrize("task_id", ["abc", "-1", "0", "1" * 17, "9" * 5000, "²"])
def test_a_list_has_nothing_of_a_task_that_can_be_none(quiet: FlaskEmulator, task_id: str) -> None:
    account = quiet.control("POST", "accounts")
    quiet.send(account, content="something was sent")
    for path in ("/", "/queues"):
        page = quiet.http.get(path, query_string={"userid": account["userid"], "task_id": task_id})
        assert (page.status_code, "something was sent" in page.text) == (200, False)
    assert quiet.http.get("/", query_string={"after": task_id}).status_code == 200


def test_a_request_of_thousands_of_fields_is_shown_at_once_and_in_part() -> None:
    office = FlaskEmulator()
    names = [f"name{place}" for place in range(20_000)]
    office.http.post("/v2sms.aspx", data="&".join(f"{name}=1" for name in names))
    begin = time.process_time()
    page = office.http.get("/requests/1").text
    assert time.process_time() - begin < 2.0
    assert all(f"<code>{name}</code>" in page for name in names[:200])
    assert "<code>name200</code>" not in page
    assert "Parameters not shown: 19800." in page


def test_a_new_password_of_an_account_holds_and_an_empty_field_changes_none() -> None:
    office = FlaskEmulator()
    for password, holds in (("", "mima"), ("新密码", "新密码")):
        form = {"can_read_queues": "on", "profile": "manual", "password": password}
        assert office.http.post("/account/settings?userid=12", data=form, headers=CONSOLE_HEADERS).status_code == 200
        assert "<message>ok<" in office.send({"userid": "12", "account": "test", "password": holds})
