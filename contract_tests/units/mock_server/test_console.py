"""The console without a browser: who is let in, what is escaped, which language, and the tables that it is made of.

Here belongs what a response shows. How pages look and are used is in `console/`.
"""

import json
import re
import shutil
import subprocess
import time
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from emulators import sign
from offices import Office
from sms10692_mock.bell import Bell
from sms10692_mock.control.accounts import AccountDocument
from sms10692_mock.diagnosis import CODES
from sms10692_mock.diagnosis.sentences import SENTENCES
from sms10692_mock.http.console import clauses, findings, live, snippets, texts, trials
from sms10692_mock.http.console.copies import as_curl
from sms10692_mock.http.guard import Guard
from sms10692_mock.stores.records import Entry

CONSOLE = Path(texts.__file__).parent
OF_THE_CONSOLE = {"HX-Request": "true"}
SCRIPT = "<script>alert('x')</script>"
PAGES = ("/", "/handset", "/requests", "/queues", "/account", "/weather", "/manual")


@pytest.fixture(scope="module")
def quiet() -> Office:
    """An emulator of which no test changes anything that another looks at."""
    return Office()


# Who is let in


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_nothing_from_outside_and_can_be_framed_by_nobody(quiet: Office, path: str) -> None:
    headers = quiet.http.get(path).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src", "form-action")} == {"'self'"}
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_script_or_style_of_its_own_and_no_address_outside(quiet: Office, path: str) -> None:
    page = quiet.http.get(path).text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?! src=\"/static/)", page)
    outside = re.findall(r"(?:src|href|action|hx-\w+)=\"((?:https?:)?//[^\"]*)", page)
    assert outside == []


@pytest.mark.parametrize("name", ["console.js", "console.css", "icon.svg", "vendor/htmx-2.0.11.min.js"])
def test_static_files_are_served_and_kept_for_good(quiet: Office, name: str) -> None:
    response = quiet.http.get(f"/static/{name}", buffered=True)
    assert response.status_code == 200
    assert "immutable" in response.headers["Cache-Control"]
    assert (CONSOLE / "static/vendor/htmx-LICENSE.txt").read_text("utf-8").startswith("Zero-Clause BSD")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/live", "/static/console.js", "/login"])
def test_pages_of_others_are_not_let_in(quiet: Office, path: str, headers: dict[str, str]) -> None:
    assert quiet.http.get(path, headers=headers).status_code == 403


def test_a_link_from_elsewhere_leads_to_a_page() -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    office = Office()
    assert office.http.get("/requests", headers=headers).status_code == 200
    assert office.http.post("/weather/clear", headers=headers | OF_THE_CONSOLE).status_code == 403


CHANGES = [
    ("/handset/reply", {"mobile": "15023239810", "content": "x"}),
    ("/handset/report", {"mobile": "15023239810", "outcome": "delivered"}),
    ("/handset/outcome", {"mobile": "15023239810", "outcome": "failed"}),
    ("/queues/rewind", {}),
    ("/queues/inject", {"mobile": "15023239810"}),
    ("/account/charge", {"points": "1"}),
    ("/account/terms", {"dialect": "manual"}),
    ("/account/reset", {}),
    ("/account/new", {}),
    ("/weather/scenario", {"name": "down"}),
    ("/weather/fault", {"kind": "empty"}),
    ("/weather/rule", {"outcome": "silent"}),
    ("/weather/clock", {"mode": "frozen"}),
    ("/weather/advance", {"seconds": "1"}),
    ("/weather/clear", {}),
    ("/weather/rule/remove", {"name": "of a rule"}),
    ("/manual/try?clause=2.3-found", {}),
]


@pytest.mark.parametrize(("path", "form"), CHANGES)
def test_a_form_of_another_page_changes_nothing(quiet: Office, path: str, form: dict[str, str]) -> None:
    office = quiet
    before = office.control("GET", "accounts/12"), office.control("GET", "accounts/12/queues")
    for headers in ({}, {"Origin": "http://elsewhere.example"} | OF_THE_CONSOLE, {"Sec-Fetch-Site": "same-site"}):
        assert office.http.post(path, data=form, headers=headers).status_code == 403
    assert (office.control("GET", "accounts/12"), office.control("GET", "accounts/12/queues")) == before


@pytest.mark.parametrize(("path", "form"), CHANGES[:-2])
def test_the_same_form_of_the_console_does(quiet: Office, path: str, form: dict[str, str]) -> None:
    response = quiet.http.post(path, data=form, headers=OF_THE_CONSOLE | {"Origin": "http://localhost"})
    assert (response.status_code, "said good" in response.text) == (200, True)


def test_where_a_token_is_demanded_a_page_asks_for_it_once() -> None:
    office = Office(Guard(token="secret"))
    asked = office.http.get("/queues?queue=replies")
    assert (asked.status_code, asked.headers["Location"]) == (303, "/login?next=/queues?queue%3Dreplies")
    assert office.http.get("/live", headers=OF_THE_CONSOLE).headers["HX-Redirect"].startswith("/login")
    wrong = office.http.post("/login", data={"token": "guess", "next": "/queues"})
    assert (wrong.status_code, wrong.headers.get("Set-Cookie")) == (401, None)
    elsewhere = office.http.post("/login", data={"token": "secret"}, headers={"Origin": "http://elsewhere.example"})
    assert elsewhere.status_code == 403
    right = office.http.post("/login", data={"token": "secret", "next": "//elsewhere.example"})
    assert (right.status_code, right.headers["Location"]) == (303, "/")
    cookie = right.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "secret" not in cookie
    assert office.http.get("/queues").status_code == 200
    assert office.http.get("/_mock/accounts").status_code == 401
    link = re.findall(r'<a href="(/_mock/[^"]*)">', office.http.get("/queues").text)[0]
    for path in (link, "/_mock/openapi.json"):
        assert office.http.get(path, follow_redirects=True).status_code == 200
        assert office.app.test_client().get(path, follow_redirects=True).status_code == 401
        assert office.http.get(path, headers={"Origin": "http://elsewhere.example"}).status_code == 403


# What is shown


def test_what_others_wrote_is_shown_as_text_on_every_page() -> None:
    script = SCRIPT.replace("/", "")  # which no userid has
    office = Office(accounts=[f"{script}:{script}:{script}"])
    credentials = {"userid": script, "timestamp": "1", "sign": sign(script, script, "1")}
    fields = {"action": "send", "mobile": script, "content": script, script: script} | credentials
    office.http.post("/v2sms.aspx", data=fields, headers={"User-Agent": script})
    office.http.post(
        f"/handset/reply?userid={quote(script)}", data={"mobile": script, "content": script}, headers=OF_THE_CONSOLE
    )
    about = f"?userid={quote(script)}&mobile={quote(script)}&text={quote(script)}"
    for path in (*PAGES, "/requests/1", "/queues?queue=replies"):
        page = office.http.get(path + about if "?" not in path else path + about.replace("?", "&")).text
        assert script not in page, path
        assert script in unescape(page), path
    missing = office.http.get(f"/?userid={quote(script + 'x')}")
    assert (missing.status_code, script in missing.text) == (404, False)


def test_a_signature_is_marked_where_it_stands_at_an_end() -> None:
    office = Office()
    account = office.control("POST", "accounts")
    for content in ("【甲】a", "b【乙】", "c【丙】d"):
        office.send(account, content=content)
    page = office.http.get(f"/?userid={account['userid']}").text
    assert re.findall("<mark>(.*?)</mark>", page) == ["【乙】", "【甲】"]


def test_a_part_that_is_as_it_was_is_not_sent_again() -> None:
    office = Office()
    page = office.http.get("/").text
    seen = re.findall(r'"X-Seen": "(\w+)"', page)[0]
    live_part = {"HX-Request": "true", "HX-Target": "live", "X-Seen": seen}
    assert office.http.get("/", headers=live_part).status_code == 204
    office.control("POST", "faults", {"kind": "empty"})
    changed = office.http.get("/", headers=live_part)
    assert changed.status_code == 200
    assert "<html" not in changed.text
    assert 'id="banner" hx-swap-oob' in changed.text


def test_a_banner_tells_of_a_clock_that_was_turned_and_of_no_other() -> None:
    office = Office()
    account = office.control("POST", "accounts", {"own_clock": True})
    address = f"accounts/{account['userid']}"
    office.now += 3600

    def is_told() -> bool:
        told = bool(office.control("GET", f"{address}/signs")["clock"] == "own")
        assert told == ('id="clear-sky"' in office.http.get(f"/?userid={account['userid']}").text)
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
    response = Office().http.get("/console")
    assert (response.status_code, response.mimetype) == (404, "text/plain")


def test_what_is_not_accepted_is_said() -> None:
    office = Office()
    for path, form in (
        ("/account/charge", {"points": "-1"}),
        ("/account/charge", {"points": "many"}),
        ("/weather/fault", {"kind": "latency"}),
        ("/weather/clock", {"mode": "backwards"}),
        ("/handset/reply", {"mobile": "15023239810"}),
        ("/weather/scenario", {"name": "hail"}),
        ("/weather/scenario", {}),
    ):
        response = office.http.post(path, data=form, headers=OF_THE_CONSOLE)
        assert (response.status_code, "said bad" in response.text) == (422, True)
    assert office.http.post("/weather/advance", data={"to": "next"}, headers=OF_THE_CONSOLE).status_code == 409
    assert office.control("GET", "accounts/12")["points"] == 1000


def test_the_rule_that_was_shown_is_removed_and_nothing_that_was_used_up_comes_back() -> None:
    office = Office()
    first, second, third = (
        {"number": number, "outcome": "failed", "remaining": left}
        for number, left in (("13000000001", 1), ("13000000002", 5), ("13000000003", 5))
    )
    office.control("PUT", "accounts/12/outcomes", {"rules": [first, second, third, first]})
    buttons = re.findall(r'name="name" value="([^"]*)"><button id="rule-', office.http.get("/weather").text)
    assert len(set(buttons)) == 4
    account = office.control("GET", "accounts/12")
    office.send(account, mobile="13000000001")
    office.send(account, mobile="13000000002")
    office.control("POST", "accounts/12/outcomes", {"number": "13000000002", "outcome": "silent"})

    def removed(button: str) -> int:
        return office.http.post("/weather/rule/remove", data={"name": button}, headers=OF_THE_CONSOLE).status_code

    assert removed(buttons[1]) == 200
    rules = office.control("GET", "accounts/12/outcomes")["rules"]
    assert [(rule["number"][-1], rule["outcome"], rule["remaining"]) for rule in rules] == [
        ("2", "silent", None),
        ("3", "failed", 5),
        ("1", "failed", 1),
    ]
    assert [removed(button) for button in (buttons[0], buttons[1], "")] == [404] * 3
    assert removed(buttons[3]) == 200


def test_where_no_account_is_left_every_page_says_so_and_makes_one() -> None:
    office = Office()
    office.control("DELETE", "accounts/12")
    for path in PAGES:
        page = office.http.get(path)
        assert (page.status_code, "There is no account at all" in page.text, "/account/new" in page.text) == (
            404,
            True,
            True,
        ), path
    assert office.http.get("/?userid=12").status_code == 404
    assert "There is no account" in office.http.post("/account/reset", headers=OF_THE_CONSOLE).text
    made = office.http.post("/account/new", data={"may_read_reports": "on"}, headers=OF_THE_CONSOLE)
    assert office.http.get(made.headers["HX-Redirect"]).status_code == 200
    assert office.control("GET", "accounts")["accounts"][0]["may_read_reports"]


@pytest.mark.parametrize("task_id", ["abc", "-1", "0", "1" * 17, "9" * 5000, "²"])
def test_a_list_has_nothing_of_a_task_that_can_be_none(quiet: Office, task_id: str) -> None:
    account = quiet.control("POST", "accounts")
    quiet.send(account, content="something was sent")
    for path in ("/", "/queues"):
        page = quiet.http.get(path, query_string={"userid": account["userid"], "task_id": task_id})
        assert (page.status_code, "something was sent" in page.text) == (200, False)
    assert quiet.http.get("/", query_string={"after": task_id}).status_code == 200


def test_a_request_of_thousands_of_fields_is_shown_at_once_and_in_part() -> None:
    office = Office()
    names = [f"name{place}" for place in range(20_000)]
    office.http.post("/v2sms.aspx", data="&".join(f"{name}=1" for name in names))
    begin = time.process_time()
    page = office.http.get("/requests/1").text
    assert time.process_time() - begin < 2.0
    assert all(f"<code>{name}</code>" in page for name in names[:200])
    assert "<code>name200</code>" not in page
    assert "Parameters that are not shown: 19800." in page


# Languages


@pytest.mark.parametrize(
    ("accepted", "chosen", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "", "zh-CN"),
        ("zh-TW", "", "zh-CN"),
        ("en-GB,zh;q=0.5", "", "en"),
        ("de", "", "en"),
        ("", "", "en"),
        ("en", "?lang=zh", "zh-CN"),
        ("zh", "?lang=en", "en"),
        ("zh", "?lang=fr", "zh-CN"),
    ],
)
def test_the_language_is_chosen_by_the_browser_and_by_a_switch(accepted: str, chosen: str, language: str) -> None:
    office = Office()
    page = office.http.get(f"/queues{chosen}", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}"' in page.text
    if "lang=zh" in chosen:
        assert '<html lang="zh-CN"' in office.http.get("/", headers={"Accept-Language": "en"}).text


def test_each_text_is_in_both_languages_with_the_same_values() -> None:
    for key, both in texts.texts().items():
        assert set(both) == set(texts.LANGUAGES), key
        zh, en = (set(re.findall(r"{(\w+)[^}]*}", both[language])) for language in ("zh", "en"))
        assert zh == en, key
        assert re.search("[一-鿿]", both["zh"]) or key == "weather.share", key
        assert not re.search("[一-鿿]", both["en"]), key


def test_each_text_is_used_and_each_used_text_is_there() -> None:
    sources = "\n".join(
        file.read_text("utf-8") for pattern in ("*.py", "templates/*.html") for file in CONSOLE.glob(pattern)
    )
    named = set(re.findall(r"\b(?:t|say|said|refused)\((?:control, \d+, )?[\"']([\w.]+)[\"'](?! ~)", sources))
    begun = set(re.findall(r"[\"']([\w]+\.(?:\w+_)?)[\"'] ~", sources))
    known = set(texts.texts())
    assert named <= known
    assert {key for key in known - named if not key.startswith(tuple(begun))} == set()
    assert all(any(key.startswith(beginning) for key in known) for beginning in begun)


def test_each_finding_has_a_sentence_in_chinese() -> None:
    assert set(findings.sentences()) == set(CODES)
    for code in CODES:
        assert findings.sentences()[code].count("{}") == SENTENCES[code].count("{}"), code


def test_each_clause_and_reading_is_in_chinese_and_can_be_tried() -> None:
    for clause in clauses.clauses():
        assert re.search("[一-鿿]", clause.chinese), clause.id
        assert clause.id in trials.trials()
    assert {one for trial in trials.trials().values() for one in trial.clauses} == {
        clause.id for clause in clauses.clauses()
    }
    assert [reading.number for reading in clauses.readings()] == [f"R{n}" for n in range(1, 19)]


# Copies


REQUESTS = [
    (b"action=overage&userid=12&timestamp=1&sign=" + sign("test", "mima", "1").encode(), {}),
    (b"action=checkkeyword&content=\xe5\x8f\x91'\\\x00%s\n", {}),
    (b"", {"query_string": "action=send&userid=12&content=%E5%86%85&x='"}),
    (b'{"a": 1}', {"content_type": "application/json"}),
]


@pytest.mark.parametrize(("body", "given"), REQUESTS)
def test_a_copied_test_sends_the_same_and_passes(body: bytes, given: dict[str, Any]) -> None:
    office = Office()
    arguments = {"content_type": "application/x-www-form-urlencoded"} | given
    office.http.post("/v2smsGBK.aspx", data=body, **arguments)
    program = unescape(
        re.findall('<pre id="as-pytest"[^>]*>(.*?)</pre>', office.http.get("/requests/1").text, re.DOTALL)[0]
    )
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 - that is what it is for
    names["test_request_1"]()
    assert repr(body) in program or not body


def test_a_step_of_a_trial_goes_a_way_that_there_is() -> None:
    with pytest.raises(ValueError, match="no way of a request: pigeon"):
        trials.Step(how="pigeon")


def test_a_copied_line_for_a_shell_says_the_same_bytes() -> None:
    body = bytes(range(256)).replace(b"\x00", b"") + "内容".encode("gbk")
    line = as_curl(entry_of(body), "http://127.0.0.1:1")
    echoed = line.partition(" --data-binary ")[2].rpartition(" ")[0]
    said = subprocess.run(["bash", "-c", f"printf '%s' {echoed}"], capture_output=True, check=True).stdout  # noqa: S607
    assert said == body
    assert "--data-binary @-" in as_curl(entry_of(b"a\x00b%"), "http://127.0.0.1:1")
    piped = as_curl(entry_of(b"a\x00b%"), "http://127.0.0.1:1").partition(" | ")[0]
    assert subprocess.run(["bash", "-c", piped], capture_output=True, check=True).stdout == b"a\x00b%"  # noqa: S607


def entry_of(body: bytes) -> Entry:
    """A request with this body."""
    form = [("content-type", "application/x-www-form-urlencoded")]
    return Entry(1, 0.0, 0.0, 0.0, "POST", "/v2sms.aspx", b"", form, body, "", "", "", None, 200, "text/xml", b"")


# Snippets


HARD = AccountDocument.model_construct(userid="7'\"\\$", account="账 `id` %s ${x} #{x}", password="a'b\"c\\d $HOME 😀")


def test_the_python_snippet_writes_any_credentials() -> None:
    program = snippets.snippet("python", HARD, "http://127.0.0.1:1").partition("timestamp =")[0]
    names: dict[str, object] = {}
    exec(program, names)  # noqa: S102 - that is what it is for
    assert [names[name] for name in ("userid", "account", "password")] == [HARD.userid, HARD.account, HARD.password]


def test_the_other_snippets_write_them_too() -> None:
    shell = snippets.snippet("curl", HARD, "http://127.0.0.1:1").splitlines()[1]
    printed = shell.removeprefix("sign=$(").partition('"$timestamp"')[0]
    said = subprocess.run(["bash", "-c", printed], capture_output=True, check=True).stdout.decode()  # noqa: S607
    assert said == HARD.account + HARD.password
    node = re.findall(r"= (\[.*\]);", snippets.snippet("node", HARD, "http://127.0.0.1:1"))[0]
    assert json.loads(node) == [HARD.userid, HARD.account, HARD.password]
    php = shutil.which("php")
    if php:
        head = snippets.snippet("php", HARD, "http://127.0.0.1:1").partition("$timestamp")[0]
        ended = subprocess.run([php, "-r", f"{head[5:]} echo $account, $password;"], capture_output=True, check=True)
        assert ended.stdout.decode() == HARD.account + HARD.password


# The stream


def test_a_flood_of_rings_is_a_few_events() -> None:
    bell = Bell()
    events = live.events(bell)
    assert next(events).startswith("retry:")
    for _ in range(1000):
        bell.ring()
    assert next(events) == "data: 1000\n\n"
    bell.ring()
    assert next(events) == "data: 1001\n\n"


def test_nobody_is_woken_who_does_not_listen() -> None:
    bell = Bell()
    heard = bell.listen(-1, 0)
    bell.ring()
    assert bell.listen(heard, 0) == heard + 1
    assert bell.listen(heard + 1, 0) == heard + 1
