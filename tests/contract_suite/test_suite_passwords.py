"""Tests that no report shows the user's password, whatever its characters and however it is encoded."""

import base64
import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sms10692_contract.checks.request_forms import ANY_FORM, PLAIN_FORMS, RequestForm
from sms10692_contract.clauses import CLAUSES
from sms10692_contract.expectations import Mismatch
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.masking import (
    PASSWORD_WITHHELD,
    SIGNATURES,
    TEXT_WITHHELD,
    SignatureRegister,
    hide_password,
    mask_excerpt,
)
from sms10692_contract.report import format_failure, write_html, write_junit
from sms10692_contract.requests import (
    FORM,
    OLDER_GBK,
    OLDER_UTF8,
    build_form,
    build_multipart,
    replace_body,
)
from sms10692_contract.runner import build_failure
from sms10692_contract.safety import SafetyGuard
from sms10692_contract.suite_account import SuiteAccount

PASSWORDS: Final = (
    "Mima密-码9!",
    "密码密码",
    "my-p&ss w\"1'",
    "a<b>c9",
    "pa ss'w\\d",
    "my-pass!99",
    "%41%%s+=;",
    "curl",
    "account",
    "a😀b内c",
    "x1",
    "密",
    "1",
    "&",
    "-",
)


def build_line(form: RequestForm, endpoint: str, password: str) -> str:
    account = SuiteAccount("12", "test", password)
    pairs = [("action", "overage"), *account.build_password_credentials().items(), ("newpwd", password + "x")]
    return form.build(endpoint, pairs).build_curl("http://127.0.0.1:1")


def expect_independent(form: RequestForm, endpoint: str, password: str) -> None:
    """Expect a curl line that is the same for another password, so that it tells nothing about this one."""
    line = build_line(form, endpoint, password)
    assert line == build_line(form, endpoint, "anderes")
    assert '"$SMS10692_PASSWORD"' in line


@pytest.mark.parametrize("form", PLAIN_FORMS, ids=range(len(PLAIN_FORMS)))
@pytest.mark.parametrize("endpoint", [OLDER_UTF8, OLDER_GBK])
def test_a_curl_line_does_not_depend_on_the_password(form: RequestForm, endpoint: str) -> None:
    for password in PASSWORDS:
        if endpoint == OLDER_UTF8 or "😀" not in password:
            expect_independent(form, endpoint, password)


@given(ANY_FORM, st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_no_form_of_a_request_shows_the_password(form: RequestForm, password: str) -> None:
    assume(password.strip() and not any(name == "password" for name, _, _ in form.extra))
    expect_independent(form, OLDER_UTF8, password)


def test_a_multipart_body_has_a_variable_for_the_password() -> None:
    for password in PASSWORDS:
        SIGNATURES.remember_password(password)
        line = build_multipart(OLDER_UTF8, [("action", "overage"), ("password", password)]).build_curl("http://h")
        assert """name="password"\\015\\012\\015\\012'"$SMS10692_PASSWORD"'\\015""" in line


def test_a_body_that_is_no_form_has_no_password() -> None:
    password = "Mima密-码9!"
    SIGNATURES.remember_password(password)
    request = build_form(OLDER_UTF8, {"action": "overage", "password": password})
    for body in (
        json.dumps(dict(request.pairs)).encode(),
        json.dumps(dict(request.pairs), ensure_ascii=False).encode(),
    ):
        line = replace_body(request, body, "application/json").build_curl("http://h")
        assert '"$SMS10692_PASSWORD"' in line
        assert not any(part in line for part in ("Mima", "u5bc6", "\\345"))


def test_a_value_that_is_in_no_place_of_a_password_stays() -> None:
    """The password is one character here, which other values contain too."""
    SIGNATURES.remember_password("1")
    line = build_form(OLDER_UTF8, {"userid": "12", "account": "t1", "password": "1"}).build_curl("http://h1")
    assert (
        line
        == """curl -sg --path-as-is --data-raw 'userid=12&account=t1&password='"$SMS10692_PASSWORD"'' http://h1/sms.aspx"""
    )
    only = build_form(OLDER_UTF8, {"password": "1"}).build_curl("http://h1")
    assert """--data-raw 'password='"$SMS10692_PASSWORD"'' """ in only


def encode_octal(text: str) -> str:
    return "".join(f"\\{byte:03o}" if not chr(byte).isalnum() else chr(byte) for byte in text.encode())


def escape_unicode(text: str) -> str:
    raw = text.encode("utf-16-be")
    return "".join(f"%u{raw[at]:02X}{raw[at + 1]:02x}" for at in range(0, len(raw), 2))


ECHOES: Final[dict[str, Callable[[str], str]]] = {
    "plain": str,
    "upper case": str.upper,
    "percent": lambda text: quote(text, safe=""),
    "percent in GBK": lambda text: quote(text.encode("gbk", "replace"), safe=""),
    "plus": quote_plus,
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "percent three times": lambda text: quote(quote(quote(text, safe=""), safe=""), safe=""),
    "every byte": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "percent-u": escape_unicode,
    "octal": encode_octal,
    "XML": lambda text: html.escape(text),
    "XML twice": lambda text: html.escape(html.escape(text)),
    "decimal references": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "hexadecimal references": lambda text: "".join(f"&#x{ord(c):04X};" for c in text),
    "references of what is not ASCII": lambda text: text.encode("ascii", "xmlcharrefreplace").decode(),
    "JSON": json.dumps,
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON without markup": lambda text: (
        json.dumps(text).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003E").replace("'", "\\u0027")
    ),
    "JSON twice": lambda text: json.dumps(json.dumps(text)),
    "repr": repr,
    "repr of bytes": lambda text: repr(text.encode()),
    "percent in JSON in XML": lambda text: html.escape(json.dumps(quote(text, safe=""))),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of GBK": lambda text: base64.b64encode(text.encode("gbk", "replace")).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 of name and password": lambda text: base64.b64encode(f"12:{text}\n".encode()).decode(),
    "base64, escaped": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "hexadecimal": lambda text: text.encode().hex(),
    "UTF-8 read as Latin-1": lambda text: text.encode().decode("latin-1"),
}
LONG: Final = [password for password in PASSWORDS if len(password) >= 4]
SHORT: Final = [password for password in PASSWORDS if len(password) < 4]


@pytest.mark.parametrize("name", ECHOES)
def test_a_password_is_hidden_however_a_server_writes_it(name: str) -> None:
    for password in LONG:
        if "GBK" in name and "😀" in password:
            continue
        written = ECHOES[name](password)
        for text in (f"您好 {written}, x", f"<m>{written}</m>", written):
            shown = hide_password(text, password)
            assert shown == TEXT_WITHHELD or PASSWORD_WITHHELD in shown, (password, text, shown)
            assert written.casefold() not in shown.casefold().replace("password_not_shown", "")


def test_only_the_password_is_replaced_in_a_text() -> None:
    assert hide_password("a my-p&amp;ss w&quot;1' b", "my-p&ss w\"1'") == f"a {PASSWORD_WITHHELD} b"
    assert hide_password("a Mima%C3%DC-%C2%EB9%21 b", "Mima密-码9!") == f"a {PASSWORD_WITHHELD} b"
    assert hide_password("nothing & %41 here", "mima") == "nothing & %41 here"


@pytest.mark.parametrize("name", [name for name in ECHOES if not name.startswith(("base64 of name", "base64 of GBK"))])
def test_a_text_with_a_short_password_is_withheld(name: str) -> None:
    for password in SHORT:
        assert hide_password(f"<m>{ECHOES[name](password)}</m>", password) == TEXT_WITHHELD, password
    assert hide_password("您好", "1") == "您好"


def test_a_password_is_hidden_in_time_that_grows_with_the_text() -> None:
    for part in ("\\", "&", "%25", "&amp;", "\\u0", "&#0", "a", "m", "=", "mim"):
        hide_password(part * (60_000 // len(part)), "mima")


@pytest.mark.parametrize("password", PASSWORDS)
def test_no_report_shows_the_password(password: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SIGNATURES, "_real_passwords", set())
    address = parse_address("http://127.0.0.1:1")
    context = CheckContext(address, SuiteAccount("77", "shop", password), SafetyGuard(older=True))
    fields = context.own.build_password_credentials() | {"action": "overage"}
    echo = " ".join(encode(password) for name, encode in ECHOES.items() if name != "base64 of name and password")
    reports = []
    for request in (build_form(OLDER_UTF8, fields), replace_body(build_form(OLDER_UTF8, fields), b"", FORM)):
        failure = Mismatch(request, f"without {password}", echo, password)
        verdict = build_failure(CLAUSES[0], failure, context, 0)
        files = tmp_path / "report.html", tmp_path / "report.xml"
        write_html([verdict], files[0], address, {CLAUSES[0].id: "repeat"})
        write_junit([verdict], files[1], address, {CLAUSES[0].id: "repeat"})
        reports += [format_failure(verdict, address, "repeat"), *(file.read_text("utf-8") for file in files)]
    assert all(PASSWORD_WITHHELD in report or TEXT_WITHHELD in report for report in reports)
    if password not in ("curl", "account", "x1", "1", "-", "&"):
        for encode in ECHOES.values():
            if written := encode(password).strip("\"'"):
                assert not any(written in report for report in reports), written
    assert password not in mask_excerpt(f"a{password}b", 100).replace(PASSWORD_WITHHELD, "")


def test_every_protected_password_is_hidden_in_a_message() -> None:
    register = SignatureRegister()
    for password in ("mima", "mima1", "geheim"):
        register.protect_password(password)
    assert register.hide_real_passwords("mima1 geheim mima x") == f"{PASSWORD_WITHHELD} " * 3 + "x"
