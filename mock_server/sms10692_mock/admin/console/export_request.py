"""A request of the journal as something to paste: a line for a shell, a test for pytest.

Here belong the two ways of writing it, as functions of an entry. The request arrives again with the same method,
path, parameters, Content-Type and body; other headers mean nothing to the vendor's pages and are left out.
Strangers choose what stands in an entry, so every part is quoted.
"""

from typing import Final
from urllib.parse import quote

from sms10692 import protocol
from sms10692_mock.app.shell_quoting import is_quotable, printf, quote_bytes
from sms10692_mock.diagnosis.request_style import FORM
from sms10692_mock.diagnosis.service import content_type
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import match_endpoint
from sms10692_mock.domain.records import LoggedRequest

LONGEST: Final = 60_000
"""Bytes of a target and a body that still fit into a line."""

_OF_A_PATH: Final = "!$&()*+,/:;=@"
_OF_A_QUERY: Final = f"{_OF_A_PATH}%?[]"
"""Characters that stand for themselves, beside letters, digits and "-._~"."""


def is_copyable(entry: LoggedRequest) -> bool:
    """Whether the request is short enough for a line."""
    return len(entry.path) + len(entry.query) + len(entry.body) <= LONGEST


def as_curl(entry: LoggedRequest, url: str) -> str:
    """A line for a shell. A body that is not printable comes through a pipe, as no argument can hold every byte."""
    words = ["curl", "-sg", "--path-as-is", *_method(entry)]
    kind = content_type(entry)
    if kind != (FORM if entry.body else ""):
        words += ["-H", quote_bytes(_header("Content-Type", kind))]
    body, piped = entry.body, ""
    if body and body.isascii() and is_quotable(body.decode()):
        words += ["--data-raw", quote_bytes(body)]  # --data-binary would read a file where the body begins with "@"
    elif body:
        piped = f"{printf(body)} | "
        words += ["--data-binary", "@-"]
    return piped + " ".join([*words, quote_bytes(f"{url}{_target(entry)}".encode())])


def _method(entry: LoggedRequest) -> list[str]:
    if entry.method == "HEAD":
        # With a body, -I is refused, and -X waits for the body of a response that has none.
        return ["-X", "HEAD", "-H", "'Connection: close'", "--ignore-content-length"] if entry.body else ["-I"]
    usual = "POST" if entry.body else "GET"
    return [] if entry.method == usual else ["-X", quote_bytes(_line(entry.method))]


def _header(name: str, value: str) -> bytes:
    """A header in the words of curl, to which a colon without a value means that none is sent."""
    return _line(f"{name}: {value}" if value else f"{name}:")


def _line(text: str) -> bytes:
    """What may stand in a line of HTTP. Only servers that are not ours let through what ends one."""
    return text.translate({0: " ", 10: " ", 13: " "}).strip(" ").encode("latin-1", "replace")


def _target(entry: LoggedRequest) -> str:
    """Path and query with percent codes for what cannot stand in an address as it is. They mean the same."""
    return f"{_path(entry)}?{_query(entry)}" if entry.query else _path(entry)


def _path(entry: LoggedRequest) -> str:
    path = entry.path if entry.path.startswith("/") else f"/{entry.path}"
    return quote(path, safe=_OF_A_PATH, errors="replace")


def _query(entry: LoggedRequest) -> str:
    return quote(entry.query, safe=_OF_A_QUERY)


def as_pytest(entry: LoggedRequest, account: Account | None) -> str:
    """A test that sends the same bytes to an emulator of its own, which has that account and was never used."""
    page = match_endpoint(entry.path)
    path = page.path if page and entry.path.startswith("//") else _path(entry)
    arguments = [f"method={entry.method!r}"]
    if entry.query:
        arguments.append(f"query_string={_query(entry)!r}")
    if entry.body:
        arguments += [f"data={entry.body!r}", f"content_type={content_type(entry)!r}"]
    options, imports = "", "from sms10692_mock.admin.app import create_app\n"
    if account is not None:
        fields = ["userid", "account", "password"] + ["points"] * (not account.postpaid)
        given = ", ".join(
            [f"{name}={getattr(account, name)!r}" for name in fields]
            + ["postpaid=True"] * account.postpaid
            + ["may_read_reports=False"] * (not account.may_read_reports)
        )
        options = f"Options(accounts=(Account({given}),))"
        imports = (
            f"from sms10692_mock.domain.accounts import Account\n{imports}from sms10692_mock.config import Options\n"
        )
    charset = "gbk" if page and page.charset != "utf-8" and "json" not in entry.content_type else "utf-8"
    status = 405 if entry.status == 405 and not entry.faults else 200
    joined = ",\n        ".join([repr(path), *arguments])
    return (
        f"{imports}\n\n"
        f"def test_request_{entry.number}() -> None:\n"
        f"    client = create_app({options}).test_client()\n"
        f"    response = client.open(\n        {joined},\n    )\n"
        f"    assert response.status_code == {status}\n"
        f"    assert {_said(entry, charset)!r} in response.data.decode({charset!r})\n"
    )


def _said(entry: LoggedRequest, charset: str) -> str:
    """What the vendor says to such a request, whatever else it was asked before."""
    if entry.refusal:
        return entry.refusal
    text = entry.answer.decode(charset, "replace")
    told = (protocol.SEND.success, protocol.OVERAGE.success, protocol.NOTHING_FORBIDDEN, protocol.FORBIDDEN_FOUND)
    return next((word for word in told if word in text), protocol.ROOT if protocol.ROOT in text else "")
