"""A request of the journal as something to paste: a line for a shell, a test for pytest.

Here belong the two ways of writing it, as functions of an entry. What they promise is that the request arrives again
as it came, but for headers that go with a connection.
"""

import re
import shlex
from typing import Final

from sms10692 import contract
from sms10692_mock.accounts import Account
from sms10692_mock.calls import page_of
from sms10692_mock.diagnosis.habits import FORM
from sms10692_mock.explaining import content_type
from sms10692_mock.stores.records import Entry

LONGEST: Final = 60_000
"""Bytes of a body that still fit into a line."""

_UNSAFE: Final = re.compile(rb"[^!-~]|[\"'<>\\^`{|}]")


def as_curl(entry: Entry, url: str) -> str:
    """A line for bash. A body with NUL in it comes through a pipe: no argument can hold one."""
    words = ["curl", "-sg", "--path-as-is"]
    if entry.method == "HEAD":
        words.append("-I")
    elif entry.method != ("POST" if entry.body else "GET"):
        words += ["-X", entry.method]
    kind = content_type(entry)
    if kind != FORM and (entry.body or kind):
        words += ["-H", shlex.quote(f"Content-Type: {kind}" if kind else "Content-Type:")]
    piped = ""
    if b"\0" in entry.body:
        piped = f"printf {_quoted(entry.body.replace(b'%', b'%%'))} | ".replace("$'", "'").replace("\\x00", "\\000")
        words += ["--data-binary", "@-"]
    elif entry.body:
        words += ["--data-binary", _quoted(entry.body)]
    target = entry.path.encode() + (b"?" + entry.query if entry.query else b"")
    address = url + _ascii(target)
    return piped + " ".join([*words, shlex.quote(address)])


def _ascii(target: bytes) -> str:
    """A part of an address with percent codes for what cannot stand in one as it is. It means the same."""
    return _UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], target).decode()


def _quoted(raw: bytes) -> str:
    if raw.isascii() and raw.decode().isprintable():
        return shlex.quote(raw.decode())
    escaped = "".join(chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}" for byte in raw)
    return f"$'{escaped}'"


def as_pytest(entry: Entry, account: Account | None) -> str:
    """A test that sends the same bytes to an emulator of its own, which has that account and was never used."""
    page = page_of(entry.path)
    path = page.path if page and entry.path.startswith("//") else entry.path
    arguments = [f"method={entry.method!r}"]
    if entry.query:
        arguments.append(f"query_string={_ascii(entry.query)!r}")
    if entry.body:
        arguments += [f"data={entry.body!r}", f"content_type={content_type(entry)!r}"]
    options, imports = "", "from sms10692_mock.http.app import create_app\n"
    if account is not None:
        fields = ["userid", "account", "password"] + ["points"] * (not account.postpaid)
        given = ", ".join(
            [f"{name}={getattr(account, name)!r}" for name in fields]
            + ["postpaid=True"] * account.postpaid
            + ["may_read_reports=False"] * (not account.may_read_reports)
        )
        options = f"Options(accounts=(Account({given}),))"
        imports = f"from sms10692_mock.accounts import Account\n{imports}from sms10692_mock.options import Options\n"
    charset = "gbk" if page and page.charset != "utf-8" and "json" not in entry.content_type else "utf-8"
    joined = ",\n        ".join([repr(path), *arguments])
    return (
        f"{imports}\n\n"
        f"def test_request_{entry.number}() -> None:\n"
        f"    client = create_app({options}).test_client()\n"
        f"    response = client.open(\n        {joined},\n    )\n"
        f"    assert response.status_code == 200\n"
        f"    assert {_said(entry, charset)!r} in response.data.decode({charset!r})\n"
    )


def _said(entry: Entry, charset: str) -> str:
    """What the vendor says to such a request, whatever else it was asked before."""
    if entry.refusal:
        return entry.refusal
    text = entry.answer.decode(charset, "replace")
    told = (contract.SEND.success, contract.OVERAGE.success, contract.NOTHING_FORBIDDEN, contract.FORBIDDEN_FOUND)
    return next((word for word in told if word in text), contract.ROOT if contract.ROOT in text else "")
