"""Access control of the console: hosts, origins, foreign forms, the token, and no resources from other servers."""

import re

import pytest

from sms10692_mock.admin.auth import AccessPolicy
from support import console
from support.console import CONSOLE, CONSOLE_HEADERS, PAGES
from support.flask_emulator import FlaskEmulator

quiet = console.read_only_emulator


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_nothing_from_outside_and_can_be_framed_by_nobody(quiet: FlaskEmulator, path: str) -> None:
    headers = quiet.http.get(path).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src", "form-action")} == {"'self'"}
    assert headers["X-Content-Type-Options"] == "nosniff"
    # no-referrer would have browsers send `Origin: null` with an ordinary form, such as the login's.
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_script_or_style_of_its_own_and_no_address_outside(quiet: FlaskEmulator, path: str) -> None:
    page = quiet.http.get(path).text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?! src=\"/static/)", page)
    outside = re.findall(r"(?:src|href|action|hx-\w+)=\"((?:https?:)?//[^\"]*)", page)
    assert outside == []


@pytest.mark.parametrize(
    "path", ["/_mock/accounts", "/_mock/openapi.json", "/_mock/swagger", "/_mock/nowhere", "/nowhere"]
)
def test_the_control_address_is_neither_sniffed_framed_nor_kept(quiet: FlaskEmulator, path: str) -> None:
    headers = quiet.http.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in policy["script-src"]


def test_swagger_asks_nobody_outside_and_the_page_before_it_leads_there(quiet: FlaskEmulator) -> None:
    assert '"validatorUrl": null' in quiet.http.get("/_mock/swagger").text
    assert quiet.http.get("/_mock/").headers["Location"] == "/_mock/swagger"


@pytest.mark.parametrize("name", ["console.js", "console.css", "icon.svg", "vendor/htmx-2.0.11.min.js"])
def test_static_files_are_served_and_kept_for_good(quiet: FlaskEmulator, name: str) -> None:
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
def test_pages_of_others_are_not_let_in(quiet: FlaskEmulator, path: str, headers: dict[str, str]) -> None:
    assert quiet.http.get(path, headers=headers).status_code == 403


def test_a_link_from_elsewhere_leads_to_a_page() -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    office = FlaskEmulator()
    assert office.http.get("/requests", headers=headers).status_code == 200
    assert office.http.post("/faults/clear", headers=headers | CONSOLE_HEADERS).status_code == 403


CHANGES = [
    ("/phone/reply", {"mobile": "15023239810", "content": "x"}),
    ("/phone/report", {"mobile": "15023239810", "outcome": "delivered"}),
    ("/phone/outcome", {"mobile": "15023239810", "outcome": "failed"}),
    ("/queues/requeue", {}),
    ("/queues/inject", {"mobile": "15023239810"}),
    ("/account/top-up", {"points": "1"}),
    ("/account/settings", {"profile": "manual"}),
    ("/account/reset", {}),
    ("/account/new", {}),
    ("/faults/preset", {"name": "down"}),
    ("/faults/fault", {"kind": "empty_body"}),
    ("/faults/rule", {"outcome": "unreported"}),
    ("/faults/clock", {"mode": "frozen"}),
    ("/faults/advance", {"seconds": "1"}),
    ("/faults/clear", {}),
    ("/faults/rule/remove", {"name": "of a rule"}),
    ("/contract/try?clause=2.3-found", {}),
]


@pytest.mark.parametrize(("path", "form"), CHANGES)
def test_a_form_of_another_page_changes_nothing(quiet: FlaskEmulator, path: str, form: dict[str, str]) -> None:
    office = quiet
    before = office.control("GET", "accounts/12"), office.control("GET", "accounts/12/queue-stats")
    for headers in ({}, {"Origin": "http://elsewhere.example"} | CONSOLE_HEADERS, {"Sec-Fetch-Site": "same-site"}):
        assert office.http.post(path, data=form, headers=headers).status_code == 403
    assert (office.control("GET", "accounts/12"), office.control("GET", "accounts/12/queue-stats")) == before


@pytest.mark.parametrize(("path", "form"), CHANGES[:-2])
def test_the_same_form_of_the_console_does(path: str, form: dict[str, str]) -> None:
    office = FlaskEmulator()
    office.send({"userid": "12", "account": "test", "password": "mima"}, mobile="15023239810")
    response = office.http.post(path, data=form, headers=CONSOLE_HEADERS | {"Origin": "http://localhost"})
    assert (response.status_code, "notice good" in response.text) == (200, True)


def test_where_a_token_is_demanded_a_page_asks_for_it_once() -> None:
    office = FlaskEmulator(AccessPolicy(token="secret"))
    asked = office.http.get("/queues?queue=replies")
    assert (asked.status_code, asked.headers["Location"]) == (303, "/login?next=/queues?queue%3Dreplies")
    assert office.http.get("/live", headers=CONSOLE_HEADERS).headers["HX-Redirect"].startswith("/login")
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
