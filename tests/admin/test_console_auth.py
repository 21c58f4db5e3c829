"""Access control of the console: hosts, origins, foreign forms, the token, and no resources from other servers."""

import re

import pytest

from sms10692_mock.admin.auth import AccessPolicy
from support import console
from support.console import CONSOLE, CONSOLE_HEADERS, PAGES
from support.flask_emulator import FlaskEmulator

read_only_emulator = console.read_only_emulator


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_no_foreign_resources_and_cannot_be_framed(read_only_emulator: FlaskEmulator, path: str) -> None:
    headers = read_only_emulator.http.get(path).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src", "form-action")} == {"'self'"}
    assert headers["X-Content-Type-Options"] == "nosniff"
    # no-referrer would have browsers send `Origin: null` with an ordinary form, such as the login's.
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_inline_script_or_style_and_no_foreign_url(read_only_emulator: FlaskEmulator, path: str) -> None:
    page = read_only_emulator.http.get(path).text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?! src=\"/static/)", page)
    foreign_urls = re.findall(r"(?:src|href|action|hx-\w+)=\"((?:https?:)?//[^\"]*)", page)
    assert foreign_urls == []


@pytest.mark.parametrize(
    "path", ["/_mock/accounts", "/_mock/openapi.json", "/_mock/swagger", "/_mock/nowhere", "/nowhere"]
)
def test_the_control_api_is_not_sniffed_framed_or_cached(read_only_emulator: FlaskEmulator, path: str) -> None:
    headers = read_only_emulator.http.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in policy["script-src"]


def test_swagger_uses_no_external_validator_and_is_the_start_page_of_the_api(read_only_emulator: FlaskEmulator) -> None:
    assert '"validatorUrl": null' in read_only_emulator.http.get("/_mock/swagger").text
    assert read_only_emulator.http.get("/_mock/").headers["Location"] == "/_mock/swagger"


@pytest.mark.parametrize("name", ["console.js", "events.js", "console.css", "icon.svg", "vendor/htmx-2.0.11.min.js"])
def test_static_files_are_served_and_cached_as_immutable(read_only_emulator: FlaskEmulator, name: str) -> None:
    response = read_only_emulator.http.get(f"/static/{name}", buffered=True)
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
def test_requests_from_foreign_origins_are_refused(
    read_only_emulator: FlaskEmulator, path: str, headers: dict[str, str]
) -> None:
    assert read_only_emulator.http.get(path, headers=headers).status_code == 403


def test_a_link_on_a_foreign_site_opens_a_page_and_submits_no_form() -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    emulator = FlaskEmulator()
    assert emulator.http.get("/requests", headers=headers).status_code == 200
    assert emulator.http.post("/faults/clear", headers=headers | CONSOLE_HEADERS).status_code == 403


FORMS = [
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


@pytest.mark.parametrize(("path", "form"), FORMS)
def test_a_form_of_a_foreign_page_changes_nothing(
    read_only_emulator: FlaskEmulator, path: str, form: dict[str, str]
) -> None:
    before = (
        read_only_emulator.control("GET", "accounts/12"),
        read_only_emulator.control("GET", "accounts/12/queue-stats"),
    )
    for headers in ({}, {"Origin": "http://elsewhere.example"} | CONSOLE_HEADERS, {"Sec-Fetch-Site": "same-site"}):
        assert read_only_emulator.http.post(path, data=form, headers=headers).status_code == 403
    assert (
        read_only_emulator.control("GET", "accounts/12"),
        read_only_emulator.control("GET", "accounts/12/queue-stats"),
    ) == before


@pytest.mark.parametrize(("path", "form"), FORMS[:-2])
def test_a_form_of_the_console_is_accepted(path: str, form: dict[str, str]) -> None:
    emulator = FlaskEmulator()
    emulator.send({"userid": "12", "account": "test", "password": "mima"}, mobile="15023239810")
    response = emulator.http.post(path, data=form, headers=CONSOLE_HEADERS | {"Origin": "http://localhost"})
    assert (response.status_code, "notice good" in response.text) == (200, True)


def test_a_required_token_is_requested_once_per_session() -> None:
    emulator = FlaskEmulator(AccessPolicy(token="secret"))
    redirect = emulator.http.get("/queues?queue=replies")
    assert (redirect.status_code, redirect.headers["Location"]) == (303, "/login?next=/queues?queue%3Dreplies")
    assert emulator.http.get("/live", headers=CONSOLE_HEADERS).headers["HX-Redirect"].startswith("/login")
    rejected = emulator.http.post("/login", data={"token": "guess", "next": "/queues"})
    assert (rejected.status_code, rejected.headers.get("Set-Cookie")) == (401, None)
    foreign = emulator.http.post("/login", data={"token": "secret"}, headers={"Origin": "http://elsewhere.example"})
    assert foreign.status_code == 403
    accepted = emulator.http.post("/login", data={"token": "secret", "next": "//elsewhere.example"})
    assert (accepted.status_code, accepted.headers["Location"]) == (303, "/")
    cookie = accepted.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "secret" not in cookie
    assert emulator.http.get("/queues").status_code == 200
    assert emulator.http.get("/_mock/accounts").status_code == 401
    link = re.findall(r'<a href="(/_mock/[^"]*)">', emulator.http.get("/queues").text)[0]
    for path in (link, "/_mock/openapi.json"):
        assert emulator.http.get(path, follow_redirects=True).status_code == 200
        assert emulator.app.test_client().get(path, follow_redirects=True).status_code == 401
        assert emulator.http.get(path, headers={"Origin": "http://elsewhere.example"}).status_code == 403
