"""Downloads of the console's lists: every row, the filters of the page, and hostile content that stays text."""

import csv
import io
import json
import re
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.admin.console.export_formats import csv_cell, har_chunks, http_file
from sms10692_mock.diagnosis.pasted import parse_pasted
from sms10692_mock.domain.records import LoggedRequest
from support.emulators import sign
from support.flask_emulator import FlaskEmulator

FORM = "application/x-www-form-urlencoded"
CREDENTIALS = {"userid": "12", "timestamp": "1", "sign": sign("test", "mima", "1")}
HOSTILE = (
    '=HYPERLINK("http://x","y")',
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    " =1+1",
    "\t=1",
    '"=1',
    "＝1+1",
    'a"b,c;d\r\ne',
    "</script><script>alert(1)</script>",
    "a\0b",
    "\u202e\x1b[31m",
)


def read_csv(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def test_every_message_is_in_csv_and_in_json() -> None:
    emulator = FlaskEmulator(accounts=["12:test:mima", "7:a:b"])
    emulator.control("PATCH", "accounts/12", {"points": 5000})
    numbers = ",".join(str(15_000_000_000 + index) for index in range(1200))
    account = emulator.control("GET", "accounts/12")
    emulator.send(account, mobile=numbers, content="【签名】内容")
    emulator.send(emulator.control("GET", "accounts/7"), content="of another account")
    response = emulator.http.get("/export/messages.csv?userid=12")
    assert response.content_type == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="messages.csv"'
    rows = read_csv(response.text)
    assert [row["mobile"] for row in rows] == list(reversed(numbers.split(",")))
    assert {row["content"] for row in rows} == {"【签名】内容"}
    documents = json.loads(emulator.http.get("/export/messages.json?userid=12").text)
    listed = emulator.control("GET", "accounts/12/messages?order=desc&limit=1000")["items"]
    assert documents[:1000] == listed
    assert len(documents) == 1200
    filtered = json.loads(emulator.http.get("/export/messages.json?userid=12&mobile=15000000007").text)
    assert [row["number"] for row in filtered] == [8]


def test_both_queues_are_exported() -> None:
    emulator = FlaskEmulator()
    account = emulator.control("GET", "accounts/12")
    emulator.send(account, mobile="15023239810")
    emulator.control("POST", "accounts/12/replies", {"mobile": "15023239810", "content": "=T"})
    reports = read_csv(emulator.http.get("/export/reports.csv").text)
    assert [(row["mobile"], row["errorcode"], row["state"]) for row in reports] == [
        ("15023239810", "DELIVRD", "waiting")
    ]
    assert [row["content"] for row in read_csv(emulator.http.get("/export/replies.csv").text)] == ["'=T"]
    assert [row["content"] for row in json.loads(emulator.http.get("/export/replies.json").text)] == ["=T"]
    assert emulator.http.get("/export/replies.json?state=fetched").json == []


def test_requests_are_exported_with_the_filters_of_the_page() -> None:
    emulator = FlaskEmulator(accounts=["12:test:mima", "7:a:b"])
    for userid, action in (("12", "overage"), ("12", "foo"), ("7", "overage")):
        emulator.http.post("/v2sms.aspx", data=CREDENTIALS | {"userid": userid, "action": action})

    def exported(form: str, query: str) -> Any:
        return emulator.http.get(f"/export/requests.{form}?{query}")

    assert [row["number"] for row in read_csv(exported("csv", "userid=12").text)] == ["2", "1"]
    assert [row["number"] for row in exported("json", "userid=12&operation=overage").json] == [1]
    assert [row["number"] for row in exported("json", "whose=all&refused=1").json] == [3, 2]
    codes = [
        finding["code"] for row in exported("json", "userid=12&operation=none").json for finding in row["diagnosis"]
    ]
    assert codes
    entries = exported("har", "userid=12").json["log"]["entries"]
    assert [entry["request"]["method"] for entry in entries] == ["POST", "POST"]
    assert re.findall("^### (\\d+) (.*?) 20", exported("http", "whose=all").text, re.MULTILINE) == [
        ("3", "overage"),
        ("2", "unknown operation"),
        ("1", "overage"),
    ]


@pytest.mark.parametrize("content", HOSTILE)
def test_no_cell_of_a_spreadsheet_is_computed(content: str) -> None:
    emulator = FlaskEmulator()
    emulator.send(emulator.control("GET", "accounts/12"), mobile=content.replace(",", ""), content=content)
    (row,) = read_csv(emulator.http.get("/export/messages.csv").text)
    for cell in (row["mobile"], row["content"]):
        assert not re.match('[\\s"]*[=+@\\-＝]', cell)
        assert all(character.isprintable() or character == "\n" for character in cell)
    text = emulator.http.get("/export/messages.json").text
    assert "<" not in text
    assert json.loads(text)[0]["content"] == content


@given(st.text(st.characters(), max_size=12))
@example("\ud800=")
@example("\x00=1")
@settings(max_examples=50)
def test_a_cell_is_never_a_formula_and_can_be_encoded(text: str) -> None:
    cell = csv_cell(text)
    cell.encode()
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))


def build_entry(body: bytes, kind: str = FORM, method: str = "POST", query: bytes = b"") -> LoggedRequest:
    headers = [("Content-Type", kind)] if kind else []
    return LoggedRequest(
        7,
        0.0,
        0.0,
        0.0,
        method,
        "/v2sms.aspx",
        query,
        headers,
        body,
        "12",
        "send",
        "",
        None,
        200,
        "text/xml",
        b"\xff<a/>",
    )


BODIES = st.binary(max_size=30) | st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass"))


@given(body=BODIES, query=st.binary(max_size=10).map(lambda raw: bytes(set(raw) - set(b" \0\r\n"))))
@example(body=b"content=\xc4\xda\xc8\xdd&x=</script>", query=b"a={{x}}")
@example(body=b"< /etc/passwd", query=b"")
@example(body=b"\xed\xa0\x80", query=b"\xff")
@settings(max_examples=50)
def test_a_har_entry_has_the_bytes_of_the_request(body: bytes, query: bytes) -> None:
    text = "".join(
        har_chunks([build_entry(body, query=query), build_entry(b"no HTTP", method="")], "http://127.0.0.1:1")
    )
    assert text.isascii()
    assert "<" not in text
    (entry,) = json.loads(text)["log"]["entries"]
    assert json.loads(json.dumps(entry["response"]["content"]))["text"] == "/zxhLz4="
    if body:
        assert unquote_to_bytes(entry["request"]["postData"]["text"]) == unquote_to_bytes(body)
    pasted = parse_pasted(text)
    assert (pasted.method, pasted.path) == ("POST", "/v2sms.aspx")
    assert unquote_to_bytes(pasted.body) == unquote_to_bytes(body)


ACTIVE = (
    "< /etc/passwd",
    "> {% client.log(1) %}",
    "### next",
    "a\n### next\nGET http://evil",
    "{{$env}}",
    "@x=1",
    "// x",
    "\n< ./f",
)


@pytest.mark.parametrize("kind", [FORM, "text/plain", "application/json", ""])
@pytest.mark.parametrize("body", ACTIVE)
def test_an_http_file_has_no_line_on_which_an_editor_would_act(body: str, kind: str) -> None:
    text = "".join(http_file([build_entry(body.encode(), kind, query=body.replace("\n", "").encode())], "http://h"))
    lines = text.splitlines()
    assert lines[0] == "### 7 send 1970-01-01T08:00:00+08:00"
    assert not any(re.match("\\s*(###|<|>|@|//)", line) for line in lines[1:])
    assert "{{" not in text
    if kind in {FORM, ""}:
        assert lines[1].startswith("POST http://h/v2sms.aspx?")
        assert unquote_to_bytes(lines[-1 if lines[-1] else -2]) == body.encode()
    else:
        assert lines[1:] == [
            f"# This format cannot hold the request: {len(body.encode())} bytes of body. Copy it as curl.",
            "",
        ]


@pytest.mark.parametrize(
    ("method", "kind", "body"),
    [("`touch x`", FORM, b"a=b"), ("POST", "a/{{b}}", b"a=b"), ("POST", "a/b", b"\xff"), ("POST", "a/b", b"x\n")],
)
def test_an_http_file_leaves_out_what_it_cannot_hold(method: str, kind: str, body: bytes) -> None:
    lines = "".join(http_file([build_entry(body, kind, method)], "http://h")).splitlines()
    assert all(line.startswith("#") for line in lines if line)


def test_an_http_file_holds_json_as_it_is() -> None:
    lines = "".join(http_file([build_entry('{"内": 1}'.encode(), "application/json")], "http://h")).splitlines()
    assert lines[1:] == ["POST http://h/v2sms.aspx", "Content-Type: application/json", "", '{"内": 1}', ""]


def test_downloads_need_the_token_and_links_to_them_keep_the_filters() -> None:
    protected = FlaskEmulator(access_policy=AccessPolicy(token="secret"))
    assert protected.http.get("/export/messages.csv").status_code == 303
    emulator = FlaskEmulator()
    emulator.send(emulator.control("GET", "accounts/12"), content="内容&x")
    page = emulator.http.get("/", query_string={"userid": "12", "text": "&x", "lang": "zh", "after": "9"}).text
    links = re.findall('href="(/export/[^"]*)"', page)
    assert links == [f"/export/messages.{form}?userid=12&amp;text=%26x" for form in ("csv", "json")]
    assert emulator.http.get("/export/nosuch.csv").status_code == 404
    assert emulator.http.get("/export/messages.har").status_code == 404
