r"""Formats of exported lists: CSV, JSON, HAR and .http files.

**Clients choose what is in a list, and people open the files with programs that act on text**: a spreadsheet computes
cells that begin with "=", an HTTP client reads a file for a body that begins with "<" and runs scripts. Each format
here writes such text so that it stays text.
"""

import csv
import io
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from sms10692 import __version__
from sms10692_mock.admin.console.export_request import request_target
from sms10692_mock.admin.services.schemas import format_iso_time
from sms10692_mock.codec.forms import FORM
from sms10692_mock.diagnosis.service import content_type
from sms10692_mock.domain.records import LoggedRequest

_FORMULA: Final = re.compile(r"[\s'\"]*[=+\-@＝＋－＠]")
"""Beginnings of a cell that a spreadsheet may compute, also after white space and quotes."""

_SAFE_IN_FORM: Final = "%&=+*!'(),:;?$[]~"
"""Characters of a form that an .http file holds as they are. Percent-encoding the others keeps their meaning."""

_METHOD: Final = re.compile("[A-Z]{1,20}")
_PLAIN_HEADER: Final = re.compile(r"[\x20-\x7a\x7c\x7e]*")
_ACTIVE_LINE: Final = re.compile(r"\s*(?:[<>@#]|//)", re.MULTILINE)
"""Beginnings of lines of a body on which HTTP clients act: files, scripts, variables, comments, the next request."""


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    r"""Yield the lines of a CSV file with a heading, in UTF-8 with a byte order mark, which spreadsheets need.

    >>> list(csv_lines(("a", "b"), [{"a": "=1+1", "b": None}]))
    ['\ufeffa,b\r\n', "'=1+1,\r\n"]
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow(columns)
    for row in rows:
        yield _take(buffer)
        writer.writerow([csv_cell(row[column]) for column in columns])
    yield _take(buffer)


def csv_cell(value: Any) -> str:
    r"""Write a value as a cell that no spreadsheet computes. Control characters and lone surrogates become escapes.

    >>> csv_cell("=HYPERLINK(1)"), csv_cell("+8615023239810"), csv_cell(-5), csv_cell("a\0\ud800\nb")
    ("'=HYPERLINK(1)", "'+8615023239810", '-5', 'a\\x00\\ud800\nb')
    """
    if isinstance(value, (list, tuple)):
        value = " ".join(map(str, value))
    if not isinstance(value, str):
        return "" if value is None else str(value)
    text = "".join(
        character if character.isprintable() or character == "\n" else repr(character)[1:-1] for character in value
    )
    return f"'{text}" if _FORMULA.match(text) else text


def _take(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def json_chunks(rows: Iterable[Mapping[str, Any]], before: str = "[", after: str = "]") -> Iterator[str]:
    r"""Yield a JSON array in ASCII, without "<", so that the file is harmless inside a page too.

    >>> "".join(json_chunks([{"a": "</script>\ud800"}]))
    '[\n{"a": "\\u003c/script>\\ud800"}\n]\n'
    """
    yield before
    separator = "\n"
    for row in rows:
        yield separator + json.dumps(row).replace("<", "\\u003c")
        separator = ",\n"
    yield f"\n{after}\n"


def har_chunks(entries: Iterable[LoggedRequest], url: str) -> Iterator[str]:
    """Yield a HAR 1.2 file. Bytes that are no HTTP request are left out: the format cannot hold them."""
    creator = json.dumps({"name": "sms10692-mock", "version": __version__})
    before = f'{{"log": {{"version": "1.2", "creator": {creator}, "entries": ['
    return json_chunks((_har_entry(entry, url) for entry in entries if entry.method), before, "]}}")


def _har_entry(entry: LoggedRequest, url: str) -> dict[str, Any]:
    milliseconds = round(entry.duration * 1000, 3)
    request: dict[str, Any] = {
        "method": entry.method,
        "url": f"{url}{request_target(entry)}",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in entry.headers],
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(entry.query.decode("utf-8", "backslashreplace"), keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": len(entry.body),
    }
    if entry.body:
        request["postData"] = {"mimeType": content_type(entry), **_har_body(entry)}
    return {
        "startedDateTime": format_iso_time(entry.received),
        "time": milliseconds,
        "request": request,
        "response": {
            "status": entry.status,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [{"name": "Content-Type", "value": entry.content_type}],
            "content": {
                "size": len(entry.response_body),
                "mimeType": entry.content_type,
                "text": b64encode(entry.response_body).decode(),
                "encoding": "base64",
            },
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": len(entry.response_body),
        },
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
    }


def _har_body(entry: LoggedRequest) -> dict[str, str]:
    """Return the text of a body. HAR has no bytes: other than UTF-8 is percent-encoded in a form, else base64."""
    try:
        return {"text": entry.body.decode()}
    except UnicodeDecodeError:
        if _is_form(entry):
            return {"text": quote(entry.body, safe=_SAFE_IN_FORM)}
        return {"text": b64encode(entry.body).decode(), "_encoding": "base64"}


def _is_form(entry: LoggedRequest) -> bool:
    return content_type(entry).partition(";")[0].strip().lower() in {FORM, ""}


def http_file(entries: Iterable[LoggedRequest], url: str) -> Iterator[str]:
    """Yield a file for the HTTP clients of editors, with a request for each entry.

    What such a file cannot hold, or what a client would act upon, is replaced by a comment.
    """
    for entry in entries:
        title = f"### {entry.number} {entry.operation or 'unknown operation'} {format_iso_time(entry.received)}\n"
        yield f"{title}{_http_request(entry, url)}\n"


def _http_request(entry: LoggedRequest, url: str) -> str:
    kind, body = content_type(entry), _http_body(entry)
    if not _METHOD.fullmatch(entry.method) or not _PLAIN_HEADER.fullmatch(kind) or body is None:
        return f"# This format cannot hold the request: {len(entry.body)} bytes of body. Copy it as curl.\n"
    lines = [f"{entry.method} {url}{request_target(entry)}", *([f"Content-Type: {kind}"] if kind else [])]
    return "\n".join([*lines, *(["", body] if body else []), ""])


def _http_body(entry: LoggedRequest) -> str | None:
    """Return the body as text that HTTP clients send as it is; None if there is none such."""
    if _is_form(entry):
        return quote(entry.body, safe=_SAFE_IN_FORM)
    try:
        text = entry.body.decode()
    except UnicodeDecodeError:
        return None
    is_printable = all(character.isprintable() or character == "\n" for character in text)
    is_active = "{{" in text or _ACTIVE_LINE.search(text) is not None
    return text if is_printable and not is_active and text == text.strip() else None
