"""Export of a logged request as a curl command or as a pytest test.

The exported request has the same method, path, query, Content-Type and body. Other headers do not matter to the
vendor's endpoints and are left out. **Clients choose the content of a logged request, so every part must be quoted.**
"""

from typing import Final
from urllib.parse import quote

from sms10692 import protocol
from sms10692_mock.app.shell_quoting import is_quotable, printf, quote_bytes
from sms10692_mock.codec.forms import FORM
from sms10692_mock.diagnosis.service import content_type
from sms10692_mock.domain.accounts import Account, is_url_safe
from sms10692_mock.domain.api_request import match_endpoint
from sms10692_mock.domain.records import LoggedRequest

MAX_BYTES: Final = 60_000
"""Bytes of path, query and body that still fit into a command line."""

_SAFE_IN_PATH: Final = "!$&()*+,/:;=@"
_SAFE_IN_QUERY: Final = f"{_SAFE_IN_PATH}%?[]"
"""Characters that need no percent encoding, in addition to letters, digits and "-._~"."""


def is_copyable(entry: LoggedRequest) -> bool:
    """Whether the entry is an HTTP request, and short enough for a command line."""
    return bool(entry.method) and len(entry.path) + len(entry.query) + len(entry.body) <= MAX_BYTES


def as_curl(entry: LoggedRequest, url: str) -> str:
    """Build a command for POSIX shells. An unprintable body is piped, since arguments cannot hold every byte."""
    arguments = ["curl", "-sg", "--path-as-is", *_method_options(entry)]
    kind = content_type(entry)
    if kind != (FORM if entry.body else ""):
        arguments += ["-H", quote_bytes(_header("Content-Type", kind))]
    body, piped = entry.body, ""
    if body and body.isascii() and is_quotable(body.decode()):
        arguments += ["--data-raw", quote_bytes(body)]  # --data-binary would read a file if the body begins with "@"
    elif body:
        piped = f"{printf(body)} | "
        arguments += ["--data-binary", "@-"]
    return piped + " ".join([*arguments, quote_bytes(f"{url}{request_target(entry)}".encode())])


def _method_options(entry: LoggedRequest) -> list[str]:
    if entry.method == "HEAD":
        # curl rejects -I with a body, and with -X waits for a response body that HEAD does not have.
        return ["-X", "HEAD", "-H", "'Connection: close'", "--ignore-content-length"] if entry.body else ["-I"]
    default = "POST" if entry.body else "GET"
    return [] if entry.method == default else ["-X", quote_bytes(to_line(entry.method))]


def _header(name: str, value: str) -> bytes:
    """Format a header for curl. A name with a colon and no value tells curl not to send the header."""
    return to_line(f"{name}: {value}" if value else f"{name}:")


def to_line(text: str) -> bytes:
    """Encode text for one line of HTTP. Control characters that end a line only arrive through other WSGI servers."""
    return text.translate({0: " ", 10: " ", 13: " "}).strip(" ").encode("latin-1", "replace")


def request_target(entry: LoggedRequest) -> str:
    """Build the request target. Characters that a URL cannot contain are percent-encoded, which keeps their meaning."""
    return f"{_path(entry)}?{_query(entry)}" if entry.query else _path(entry)


def _path(entry: LoggedRequest) -> str:
    path = entry.path if entry.path.startswith("/") else f"/{entry.path}"
    return quote(path, safe=_SAFE_IN_PATH, errors="replace")


def _query(entry: LoggedRequest) -> str:
    return quote(entry.query, safe=_SAFE_IN_QUERY)


def build_raw_request(entry: LoggedRequest, host: str) -> bytes:
    """Build the bytes of a request: method, target, Content-Type, User-Agent and body of the entry, to be sent once."""
    headers = [("Host", host), ("Content-Type", content_type(entry)), ("Connection", "close")]
    headers += [(name, value) for name, value in entry.headers if name.lower() == "user-agent"]
    if entry.body or entry.method == "POST":
        headers.append(("Content-Length", str(len(entry.body))))
    lines = [to_line(f"{entry.method} {request_target(entry)} HTTP/1.1")]
    lines += [to_line(f"{name}: {value}") for name, value in headers if value]
    return b"\r\n".join([*lines, b"", entry.body])


def as_pytest(entry: LoggedRequest, account: Account | None) -> str:
    """Build a test that sends the same bytes to a fresh emulator with this account. It uses public names only."""
    endpoint = match_endpoint(entry.path)
    path = endpoint.path if endpoint and entry.path.startswith("//") else _path(entry)
    arguments = [f"method={entry.method!r}"]
    if entry.query:
        arguments.append(f"query_string={_query(entry)!r}")
    if entry.body:
        arguments += [f"data={entry.body!r}", f"content_type={content_type(entry)!r}"]
    creation = ""
    if account is not None and is_url_safe(account.userid):
        fields = ["userid", "account", "password"] + ["points"] * (not account.postpaid)
        account_arguments = ", ".join(
            [f"{name}={getattr(account, name)!r}" for name in fields]
            + ["postpaid=True"] * account.postpaid
            + ["can_read_queues=False"] * (not account.can_read_queues)
        )
        creation = f"        emulator.account({account_arguments})\n"
    charset = "gbk" if endpoint and endpoint.charset != "utf-8" and "json" not in entry.content_type else "utf-8"
    status = 405 if entry.status == 405 and not entry.faults else 200
    call_arguments = "".join(f"            {argument},\n" for argument in (repr(path), *arguments))
    return (
        "from werkzeug.test import Client\n\n"
        "from sms10692_mock import Emulator, Options\n\n\n"
        f"def test_request_{entry.number}() -> None:\n"
        "    with Emulator(Options(accounts=())) as emulator:\n"
        f"{creation}"
        f"        response = Client(emulator.wsgi).open(\n{call_arguments}        )\n"
        f"        assert response.status_code == {status}\n"
        f"        assert {_expected_text(entry, charset)!r} in response.data.decode({charset!r})\n"
    )


def _expected_text(entry: LoggedRequest, charset: str) -> str:
    """Return text that the response contains on a fresh emulator too."""
    if entry.refusal:
        return entry.refusal
    text = entry.response_body.decode(charset, "replace")
    candidates = (protocol.SEND.success, protocol.OVERAGE.success, protocol.NOTHING_FORBIDDEN, protocol.FORBIDDEN_FOUND)
    return next(
        (candidate for candidate in candidates if candidate in text), protocol.ROOT if protocol.ROOT in text else ""
    )
