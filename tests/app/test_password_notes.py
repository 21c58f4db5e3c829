"""The access log says once per account that its password is sent in clear, and never shows a password."""

import json
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import pytest

from sms10692_mock.app.password_notes import PasswordNotes
from sms10692_mock.app.vendor_app import VendorApp, VendorRequest
from sms10692_mock.config import build_vendor
from sms10692_mock.diagnosis.translations import Language
from sms10692_mock.domain.api_request import match_endpoint
from support.emulators import CREDENTIALS, build_options

FORM = "application/x-www-form-urlencoded"
PASSWORD = "Tür&+ 4711%密"
OLDER = {"action": "overage", "userid": "7", "account": "laden", "password": PASSWORD}


class LoggingVendor:
    """The vendor's endpoints with two accounts, and the lines of their access log."""

    def __init__(self, language: Language = "en") -> None:
        options = build_options(accounts=[f"7:laden:{PASSWORD}", "12:test:mima"])
        self.lines: list[str] = []
        self.app = VendorApp(
            build_vendor(options), options, lambda entry: self.lines.append(str(entry)), language=language
        )

    def request(
        self, path: str, body: bytes = b"", *, method: str = "POST", query: bytes = b"", content_type: str = FORM
    ) -> str:
        """Send a request, and return its hint."""
        endpoint = match_endpoint(path)
        assert endpoint is not None
        headers = [("Content-Type", content_type)]
        response = self.app.respond(endpoint, VendorRequest(method, query, content_type, body, path, headers))
        return dict(response.headers).get("X-Mock-Hint", "")

    def post(self, path: str, fields: Mapping[str, str]) -> None:
        self.request(path, urlencode(fields).encode())

    @property
    def notes(self) -> list[str]:
        return [line for line in self.lines if line.startswith(("note: ", "注意："))]


def test_an_account_has_one_note_however_often_it_sends_its_password() -> None:
    vendor = LoggingVendor()
    for _ in range(3):
        vendor.post("/sms.aspx", OLDER)
    vendor.post("/statusApi.aspx", OLDER | {"action": "query"})
    vendor.post("/callApi.aspx", {"action": "query", "userid": "12", "account": "test", "password": "mima"})
    assert vendor.notes == [
        f"note: {path} takes account and password in clear, so whoever sees the requests of userid '{userid}' can use "
        "them"
        for path, userid in (("/sms.aspx", 7), ("/callApi.aspx", 12))
    ]


def test_the_note_has_the_language_of_the_log() -> None:
    vendor = LoggingVendor("zh")
    vendor.post("/sms.aspx", OLDER)
    assert vendor.notes == ["注意：/sms.aspx 以明文接收账号和密码，能看到 userid '7' 的请求的人都能使用它们"]


def test_there_is_no_note_without_the_password_of_an_account() -> None:
    vendor = LoggingVendor()
    vendor.post("/v2sms.aspx", {"action": "overage"} | CREDENTIALS)
    vendor.post("/v2sms.aspx", {"action": "overage", "account": "test", "password": "mima"} | CREDENTIALS)
    for wrong in ({"password": "x"}, {"password": ""}, {"userid": "8"}):
        vendor.post("/sms.aspx", OLDER | wrong)
    assert len(vendor.lines) == 5
    assert vendor.notes == []
    vendor.post("/sms.aspx", OLDER | {"action": "unknown"})
    assert len(vendor.notes) == 1


def test_only_the_last_accounts_are_remembered() -> None:
    notes = PasswordNotes("en", limit=2)
    assert [bool(notes.note(userid, "/sms.aspx")) for userid in ("1", "2", "1", "3", "2", "3", "1")] == [
        True,
        True,
        False,
        True,
        False,
        False,
        True,
    ]


def test_a_userid_in_a_note_cannot_start_a_line() -> None:
    assert "\n" not in PasswordNotes("en").note("7\nPOST /sms.aspx", "/sms.aspx")


CHANGED = {"action": "changespwd", "newpwd": "Neu&1+密", "renewpwd": "Neu&2+密"}


@pytest.mark.parametrize(
    "fields",
    [
        OLDER,
        OLDER | CHANGED,
        OLDER | {"password": f" {PASSWORD}"},
        OLDER | {"password": PASSWORD.lower()},
        OLDER | {"password": PASSWORD.replace("+", " ")},
        OLDER | {"password": quote(PASSWORD)},
        OLDER | {"account": PASSWORD, "password": "laden"},
        OLDER | {"userid": PASSWORD},
        OLDER | {"action": PASSWORD},
        OLDER | {"password": "", "pwd": PASSWORD},
        OLDER | {"userid": "", "id": "7"},
        OLDER | {"action": "send", "mobile": PASSWORD, "content": "", "text": PASSWORD},
        {"action": "overage", "userid": "7", "sign": PASSWORD, "timestamp": PASSWORD},
        {"account": "laden", "password": PASSWORD},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/sms.aspx", "/smsGBK.aspx", "/statusApi.aspx", "/v2sms.aspx"])
def test_the_log_never_shows_a_password(fields: dict[str, str], path: str) -> None:
    vendor = LoggingVendor()
    form = urlencode(fields).encode()
    unencoded = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    vendor.request(path, form)
    vendor.request(path, query=form, method="GET")
    vendor.request(path, unencoded)
    vendor.request(path, json.dumps(fields).encode(), content_type="application/json")
    vendor.request(path, quote(form).encode())
    vendor.request(path, form, method="PUT")
    log = "\n".join(vendor.lines)
    assert log.count(path) >= 6
    shown = [quote(PASSWORD, safe=""), urlencode({"": PASSWORD})[1:], "4711", "Neu"]
    assert [text for text in shown if text in log] == []
