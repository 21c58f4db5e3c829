"""Passwords in logged requests are masked for readers who may not see secrets, in the control API and the console."""

import base64
import json
import re
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.admin.services.password_mask import mask_request
from sms10692_mock.domain.records import LoggedRequest
from support.flask_emulator import FlaskEmulator

FORM = "application/x-www-form-urlencoded"
OTHER_MACHINE = {"REMOTE_ADDR": "10.0.0.5"}
PASSWORD, NEW = "geheim4711", "Neu0815"
FIELDS = {"action": "changespwd", "userid": "7", "account": "laden", "password": PASSWORD}
FORM_TEXT = urlencode(FIELDS | {"newpwd": NEW, "renewpwd": f"{NEW}x"})
MULTIPART = "".join(
    f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in FIELDS.items()
)
SHAPES: dict[str, dict[str, Any]] = {
    "form": {"data": FORM_TEXT, "content_type": FORM},
    "query": {"query_string": FORM_TEXT},
    "other names": {"data": f"userid=7&user=laden&PWD={PASSWORD}&Passwd={PASSWORD}", "content_type": FORM},
    "encoded names": {"data": f"userid=7&p%61ssword={PASSWORD}", "content_type": FORM},
    "exchanged": {"data": f"userid=7&account={PASSWORD}&password=laden", "content_type": FORM},
    "encoded twice": {"data": quote(FORM_TEXT), "content_type": FORM},
    "lines": {"data": FORM_TEXT.replace("&", "\n"), "content_type": FORM},
    "JSON": {"data": json.dumps(FIELDS), "content_type": "application/json"},
    "multipart": {"data": f"{MULTIPART}--b--\r\n", "content_type": "multipart/form-data; boundary=b"},
    "XML": {"data": f"<a><password>{PASSWORD}</password></a>", "content_type": "text/xml"},
    "JSON as a form": {"data": json.dumps(FIELDS), "content_type": FORM},
    "Referer": {"query_string": "userid=7", "headers": {"Referer": f"http://x/?password={PASSWORD}"}},
}


def build_emulator(shape: str, policy: AccessPolicy | None = None) -> FlaskEmulator:
    """Start an emulator with one logged request of this shape."""
    emulator = FlaskEmulator(policy, accounts=[f"7:laden:{PASSWORD}", "12:test:mima"])
    arguments = SHAPES[shape]
    method = "POST" if "data" in arguments else "GET"
    emulator.http.open("/sms.aspx", method=method, **arguments)
    return emulator


def read(emulator: FlaskEmulator, **arguments: Any) -> str:
    """Return everything that the control API and the console say about request 1, decoded."""
    texts = []
    for path in ("/_mock/requests", "/_mock/requests/1", "/requests", "/requests/1", "/requests/1?lang=zh"):
        response = emulator.http.get(path, **arguments)
        assert response.status_code == 200
        texts.append(unescape(response.text))
        if path == "/_mock/requests/1":
            texts.append(base64.b64decode(response.json["body"]).decode())  # type: ignore[index]
    hexadecimal = "".join(re.findall(r"(?m)^[0-9a-f]{4,8} +((?:[0-9a-f]{2} +)+)", texts[-1]))
    return "\n".join([*texts, bytes.fromhex(hexadecimal).decode("utf-8", "replace")])


@pytest.mark.parametrize("shape", SHAPES)
def test_another_machine_sees_no_password_in_a_request(shape: str) -> None:
    emulator = build_emulator(shape)
    shown = read(emulator, environ_base=OTHER_MACHINE)
    assert "/sms.aspx" in shown
    assert "***" in shown
    for secret in (PASSWORD, NEW):
        assert secret not in shown
    if shape != "encoded names":
        assert PASSWORD in read(emulator)


def test_a_masked_form_keeps_everything_else_and_exports_a_placeholder() -> None:
    page = unescape(build_emulator("form").http.get("/requests/1", environ_base=OTHER_MACHINE).text)
    masked = "action=changespwd&userid=7&account=laden&password=***&newpwd=***&renewpwd=***"
    assert f"curl -sg --path-as-is --data-raw '{masked}' http://localhost/sms.aspx" in page
    assert f"data=b'{masked}'" in page
    assert "password='***'" in page
    for name in ("POST", "changespwd", "laden"):
        assert name in page


def test_this_machine_exports_the_request_as_it_was_sent() -> None:
    emulator = build_emulator("form")
    page = unescape(emulator.http.get("/requests/1").text)
    assert f"curl -sg --path-as-is --data-raw '{FORM_TEXT}' http://localhost/sms.aspx" in page
    program = re.findall('<pre id="as-pytest"[^>]*>(.*?)</pre>', page, re.DOTALL)[0]
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 - runs the exported test
    names["test_request_1"]()


@pytest.mark.parametrize(
    ("policy", "peer", "is_shown"),
    [
        (AccessPolicy(), "127.0.0.1", True),
        (AccessPolicy(), "10.0.0.5", False),
        (AccessPolicy(token="x"), "10.0.0.5", True),
    ],
)
def test_passwords_are_shown_where_valid_signatures_are(policy: AccessPolicy, peer: str, is_shown: bool) -> None:
    emulator = build_emulator("form", policy)
    response = emulator.http.get(
        "/_mock/requests/1", headers={"Authorization": "Bearer x"}, environ_base={"REMOTE_ADDR": peer}
    )
    assert response.json is not None
    assert response.json["fields"]["password"] == (PASSWORD if is_shown else "***")
    assert response.json["fields"]["newpwd"] == (NEW if is_shown else "***")


def test_a_signed_request_is_shown_unchanged() -> None:
    emulator = FlaskEmulator()
    form = "action=send&userid=12&timestamp=1&sign=2&mobile=1&content=%E5%AF%86%E7%A0%81+1234&x=compass"
    emulator.http.post("/v2sms.aspx", data=form, content_type=FORM)
    page = unescape(emulator.http.get("/requests/1", environ_base=OTHER_MACHINE).text)
    assert form in page


@given(st.binary(max_size=60), st.text(max_size=8))
def test_masking_is_idempotent_and_changes_nothing_without_a_name_of_a_password(body: bytes, password: str) -> None:
    entry = LoggedRequest(
        1, 0.0, 0.0, 0.0, "POST", "/sms.aspx", body, [("Content-Type", FORM)], body, "", "", "", None, 200, "", b""
    )
    once = mask_request(entry, password)
    assert mask_request(once, password) == once
    if not password and not re.search(b"(?i)pass|pwd|psw|%|\xe5\xaf\x86|\xc3\xdc|\\+", body):
        assert (once.query, once.body, once.path) == (body, body, "/sms.aspx")
