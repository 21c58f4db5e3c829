"""Requests that are explained without being sent: how they are read, and what is said about them."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.diagnosis.pasted import MAX_LENGTH, NotARequest, PastedRequest, parse_pasted
from support.console import CONSOLE_HEADERS
from support.flask_emulator import FlaskEmulator

SIGNED = "userid=12&timestamp=20120701231212&sign=5cc68982f55ac74348e3d819f868fbe1"
FORM = "application/x-www-form-urlencoded"
FORM_HEADER = [("Content-Type", FORM)]
JSON_HEADER = [("Content-Type", "application/json")]

READ: dict[str, tuple[str, tuple[str, str, bytes, list[tuple[str, str]], bytes]]] = {
    "URL": (
        "http://sms10692.com/v2sms.aspx?action=overage&userid=12",
        ("GET", "/v2sms.aspx", b"action=overage&userid=12", [], b""),
    ),
    "path": ("/v2sms.aspx?action=send", ("GET", "/v2sms.aspx", b"action=send", [], b"")),
    "form": ("action=send&userid=12", ("POST", "/v2sms.aspx", b"", FORM_HEADER, b"action=send&userid=12")),
    "form of a queue": ("a=1&action=query", ("POST", "/v2statusApi.aspx", b"", FORM_HEADER, b"a=1&action=query")),
    "form with a password": (
        "action=send&userid=12&account=a&password=b",
        ("POST", "/sms.aspx", b"", FORM_HEADER, b"action=send&userid=12&account=a&password=b"),
    ),
    "form with a password, in other letters": (
        "Password=b&Action=overage",
        ("POST", "/sms.aspx", b"", FORM_HEADER, b"Password=b&Action=overage"),
    ),
    "form with a password and no action": (
        "userid=12&password=b",
        ("POST", "/sms.aspx", b"", FORM_HEADER, b"userid=12&password=b"),
    ),
    "form of a queue with a password": (
        "action=query&password=b",
        ("POST", "/statusApi.aspx", b"", FORM_HEADER, b"action=query&password=b"),
    ),
    "form with a password and a signature": (
        "action=send&password=b&sign=c",
        ("POST", "/v2sms.aspx", b"", FORM_HEADER, b"action=send&password=b&sign=c"),
    ),
    "form of an action that only older endpoints have": (
        "action=changespwd&newpwd=b",
        ("POST", "/sms.aspx", b"", FORM_HEADER, b"action=changespwd&newpwd=b"),
    ),
    "curl for an older endpoint": (
        "curl http://h/callApi.aspx -d 'action=query&userid=12&account=a&password=b'",
        ("POST", "/callApi.aspx", b"", FORM_HEADER, b"action=query&userid=12&account=a&password=b"),
    ),
    "URL of an older endpoint": (
        "http://h/smsGBK.aspx?action=send&password=b",
        ("GET", "/smsGBK.aspx", b"action=send&password=b", [], b""),
    ),
    "curl": (
        "curl -s -X POST 'http://h/v2smsGBK.aspx' -H 'X-A: b' \\\n  -d 'action=send' --data-urlencode 'content=A&B'",
        ("POST", "/v2smsGBK.aspx", b"", [("X-A", "b"), *FORM_HEADER], b"action=send&content=A%26B"),
    ),
    "curl of a browser": (
        "curl 'http://h/v2sms.aspx' --data-raw $'content=it\\'s\\u5185' --compressed",
        ("POST", "/v2sms.aspx", b"", FORM_HEADER, "content=it's内".encode()),
    ),
    "byte order mark before a form": (
        "\ufeffaction=overage",
        ("POST", "/v2sms.aspx", b"", FORM_HEADER, b"\xef\xbb\xbfaction=overage"),
    ),
    "byte order mark before curl": (
        "\ufeffcurl http://h/v2sms.aspx -d a=1",
        ("POST", "/v2sms.aspx", b"", FORM_HEADER, b"a=1"),
    ),
    "form with escaped equals": (
        "userid%3D12&action%3Dquery",
        ("POST", "/v2statusApi.aspx", b"", FORM_HEADER, b"userid%3D12&action%3Dquery"),
    ),
    "JSON": (
        '{"Action": "query", "userid": 12}',
        ("POST", "/v2statusApi.aspx", b"", JSON_HEADER, b'{"Action": "query", "userid": 12}'),
    ),
    "JSON in a list": ("[]", ("POST", "/v2sms.aspx", b"", JSON_HEADER, b"[]")),
    "doubled slash": ("//v2sms.aspx?action=overage", ("GET", "/v2sms.aspx", b"action=overage", [], b"")),
    "wget": (
        "$ wget -qO- --post-data='a=1&b=2' --header 'X-A: b' http://h/v2sms.aspx",
        ("POST", "/v2sms.aspx", b"", [("X-A", "b"), *FORM_HEADER], b"a=1&b=2"),
    ),
    "wget of a URL": (
        'wget.exe -O out.xml -T 5 "http://h/v2sms.aspx?a=1&b=2"',
        ("GET", "/v2sms.aspx", b"a=1&b=2", [], b""),
    ),
    "wget --method": (
        "wget --method=POST --body-data a=1 h/v2sms.aspx",
        ("POST", "/v2sms.aspx", b"", FORM_HEADER, b"a=1"),
    ),
    "HTTPie": (
        "http -f POST h/v2sms.aspx X-A:b a=1 content=内容 q==2",
        (
            *("POST", "/v2sms.aspx", b"q=2"),
            *([("X-A", "b"), ("Content-Type", f"{FORM}; charset=utf-8")], b"a=1&content=%E5%86%85%E5%AE%B9"),
        ),
    ),
    "HTTPie without --form": (
        "http :10692/v2sms.aspx a=1",
        ("POST", "/v2sms.aspx", b"", JSON_HEADER, b'{"a": "1"}'),
    ),
    "HTTPie of a URL": ("https h/v2sms.aspx a==1", ("GET", "/v2sms.aspx", b"a=1", [], b"")),
    "HTTPie --raw": ("http --raw 'a=1' h/v2sms.aspx", ("POST", "/v2sms.aspx", b"", JSON_HEADER, b"a=1")),
    "PowerShell of a browser": (
        'Invoke-WebRequest -UseBasicParsing -Uri "http://h/v2sms.aspx" `\n-Method "POST" `\n-Headers @{\n"X-A"="b"\n'
        '  "X-B"="c"\n} `\n-ContentType "text/plain" `\n-Body "a=`"1`"&b=$2"',
        ("POST", "/v2sms.aspx", b"", [("X-A", "b"), ("X-B", "c"), ("Content-Type", "text/plain")], b'a="1"&b=$2'),
    ),
    "PowerShell with a table": (
        "PS C:\\> $r = irm http://h/v2sms.aspx -Method Post -Body @{a='it''s'; userid=12; content='内'}",
        ("POST", "/v2sms.aspx", b"", FORM_HEADER, b"a=it%27s&userid=12&content=%E5%86%85"),
    ),
    "PowerShell of a URL": ("iwr 'http://h/v2sms.aspx?a=1'", ("GET", "/v2sms.aspx", b"a=1", [], b"")),
    "fetch of a browser": (
        'fetch("http://h/v2sms.aspx", {\n  "headers": {\n    "content-type": "text/plain",\n    "x-a": "b"\n  },\n'
        '  "body": "a=1&content=\\u5185\\"",\n  "method": "POST"\n});',
        (
            *("POST", "/v2sms.aspx", b""),
            *([("content-type", "text/plain"), ("x-a", "b")], 'a=1&content=内"'.encode()),
        ),
    ),
    "fetch of a script": (
        "const r = await fetch('http://h/v2sms.aspx', {method: 'post', body: new URLSearchParams({a: 'b', c: 1})})",
        ("POST", "/v2sms.aspx", b"", [("Content-Type", f"{FORM};charset=UTF-8")], b"a=b&c=1"),
    ),
    "fetch of JSON": (
        "fetch(`http://h/v2sms.aspx`, {method: 'POST', body: JSON.stringify({a: 'b'})})",
        ("POST", "/v2sms.aspx", b"", [("Content-Type", "text/plain;charset=UTF-8")], b'{"a": "b"}'),
    ),
    "fetch without a body": (
        'fetch("http://h/v2sms.aspx?a=1", {"body": null, "method": "GET"});',
        ("GET", "/v2sms.aspx", b"a=1", [], b""),
    ),
    "curl -G": ("curl -sG http://h/v2sms.aspx -da=1 -d b=2", ("GET", "/v2sms.aspx", b"a=1&b=2", [], b"")),
    "curl --json": (
        "curl --max-redirs 5 http://h/v2sms.aspx --json '{}'",
        ("POST", "/v2sms.aspx", b"", [("Content-Type", "application/json")], b"{}"),
    ),
    "curl with a line end in -d": (
        "curl http://h/v2sms.aspx -d 'content=a\nb'",
        ("POST", "/v2sms.aspx", b"", FORM_HEADER, b"content=a\nb"),
    ),
    "curl without a scheme": (
        "curl h/v2sms.aspx?content=http://x",
        ("GET", "/v2sms.aspx", b"content=http://x", [], b""),
    ),
    "curl of Windows": (
        'curl.exe ^\n http://h/v2sms.aspx ^\n -d "a=1"',
        ("POST", "/v2sms.aspx", b"", FORM_HEADER, b"a=1"),
    ),
    "raw HTTP": (
        f"POST /v2sms.aspx?a=1 HTTP/1.1\r\nHost: h\r\nContent-Type: {FORM}\r\nContent-Length: 3\r\n\r\nb=2",
        ("POST", "/v2sms.aspx", b"a=1", [("Host", "h"), ("Content-Type", FORM), ("Content-Length", "3")], b"b=2"),
    ),
    "HAR entry": (
        json.dumps({"request": {"method": "POST", "url": "http://h/v2sms.aspx", "headers": [],
                                "postData": {"mimeType": FORM, "text": "a=1"}}}),
        ("POST", "/v2sms.aspx", b"", FORM_HEADER, b"a=1"),
    ),
    "HAR file": (
        json.dumps({"log": {"entries": [{"request": {"method": "GET", "url": "http://h/v2sms.aspx?x=1"}}]}}),
        ("GET", "/v2sms.aspx", b"x=1", [], b""),
    ),
    "HAR file of a page": (
        json.dumps({"log": {"entries": [
            {"request": {"method": "POST", "url": "http://h/v2sms.aspx", "postData": {"text": "a=1"}}},
            {"request": {"method": "GET", "url": "http://h/favicon.ico"}},
        ]}}),
        ("POST", "/v2sms.aspx", b"", [], b"a=1"),
    ),
    "Postman collection": (
        json.dumps({"info": {"name": "sms"}, "variable": [{"key": "url", "value": "http://h"}], "item": [
            {"name": "folder", "item": [{"name": "send", "request": {
                "method": "post", "header": [{"key": "X", "value": "y"}, {"key": "Z", "value": "", "disabled": True}],
                "url": {"raw": "{{url}}/v2sms.aspx?x=1"},
                "body": {"mode": "urlencoded", "urlencoded": [
                    {"key": "content", "value": "A&B 内"}, {"key": "extno", "value": "1", "disabled": True},
                    {"key": "sign", "value": "{{sign}}"},
                ]},
            }}]},
            {"name": "page", "request": "http://h/favicon.ico"},
        ]}),
        ("POST", "/v2sms.aspx", b"x=1", [("X", "y"), ("Content-Type", FORM)],
         b"content=A%26B%20%E5%86%85&sign=%7B%7Bsign%7D%7D"),
    ),
    "Postman item with a raw body and a token": (
        json.dumps({"name": "send", "request": {
            "method": "POST", "header": [], "url": "http://h/v2sms.aspx", "auth": {"type": "bearer", "bearer": []},
            "body": {"mode": "raw", "raw": '{"a": 1}', "options": {"raw": {"language": "json"}}},
        }}),
        ("POST", "/v2sms.aspx", b"", [("Authorization", "bearer"), ("Content-Type", "application/json")], b'{"a": 1}'),
    ),
    "Postman item with form data": (
        json.dumps({"request": {"method": "POST", "header": None, "url": {"raw": "h/v2sms.aspx"},
                                "body": {"mode": "formdata", "formdata": [{"key": "a", "value": "内"}]}}}),
        ("POST", "/v2sms.aspx", b"", [("Content-Type", "multipart/form-data; boundary=pasted")],
         '--pasted\r\nContent-Disposition: form-data; name="a"\r\n\r\n内\r\n'
         "--pasted--\r\n".encode()),
    ),
    "raw HTTP in chunks": (
        "POST /v2sms.aspx HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\na=内\r\n2\r\n\u0026b\r\n0\r\n\r\n",
        ("POST", "/v2sms.aspx", b"", [("Transfer-Encoding", "chunked")], "a=内&b".encode()),
    ),
    "raw HTTP/2 as a tool shows it": (
        "GET /v2sms.aspx?a=1 HTTP/2\nHost: h",
        ("GET", "/v2sms.aspx", b"a=1", [("Host", "h")], b""),
    ),
    "a method and a URL": ("POST /v2sms.aspx?a=1", ("POST", "/v2sms.aspx", b"a=1", [], b"")),
    "curl with an empty -d": ("curl http://h/v2sms.aspx -d ''", ("POST", "/v2sms.aspx", b"", FORM_HEADER, b"")),
    "curl --data-binary": (
        "curl http://h/v2sms.aspx --data-binary 'a=@b'",
        ("POST", "/v2sms.aspx", b"", FORM_HEADER, b"a=@b"),
    ),
    "curl -G --data-urlencode": (
        "curl -G 'http://h/v2sms.aspx?x=1' --data-urlencode 'content=A&B 内' --url-query 'a=b c' --url-query +d=%20",
        ("GET", "/v2sms.aspx", b"x=1&a=b%20c&d=%20&content=A%26B%20%E5%86%85", [], b""),
    ),
    "curl --json twice": (
        """curl http://h/v2sms.aspx --json '{"a":' --json '1}'""",
        ("POST", "/v2sms.aspx", b"", [("Content-Type", "application/json")], b'{"a":1}'),
    ),
    "curl and a pipe": (
        "curl -s http://h/v2sms.aspx -d a=1 | xmllint - > out.xml",
        ("POST", "/v2sms.aspx", b"", FORM_HEADER, b"a=1"),
    ),
    "curl of cmd.exe": (
        'curl ^"http://h/v2sms.aspx?a=1^&b=2^" ^\r\n  -H ^"X: y^"',
        ("GET", "/v2sms.aspx", b"a=1&b=2", [("X", "y")], b""),
    ),
    "line of a log": (
        '127.0.0.1 - - [30/Nov/2026] "GET /v2sms.aspx?action=send HTTP/1.1" 200 17',
        ("GET", "/v2sms.aspx", b"action=send", [], b""),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), READ.values(), ids=READ)
def test_a_pasted_request_is_read(text: str, expected: tuple[str, str, bytes, list[tuple[str, str]], bytes]) -> None:
    assert parse_pasted(text)._replace(problems=(), head=b"", ignored=0) == PastedRequest(*expected)


@pytest.mark.parametrize(
    ("path", "length", "rest", "body"),
    [
        ("/v2sms.aspx", 4, "a=1\n", b"a=1\n"),
        ("/v2sms.aspx", 3, "a=1\n", b"a=1"),
        ("/v2sms.aspx", 6, "a=1\nb", b"a=1\r\nb"),
        ("/v2smsGBK.aspx", 6, "a=内容\n", b"a=\xc4\xda\xc8\xdd"),
        ("/v2smsGBK.aspx", 8, "a=内容", b"a=\xe5\x86\x85\xe5\xae\xb9"),
    ],
)
def test_a_raw_body_has_the_declared_length(path: str, length: int, rest: str, body: bytes) -> None:
    pasted = parse_pasted(f"POST {path} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{rest}")
    assert (pasted.body, pasted.problems) == (body, [])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        *((space, "empty") for space in ("\xa0", "\u2003\n\u3000", "\ufeff\xa0", "\x1c\x85")),
        ("hello", "fetch call, raw HTTP request, HAR entry or Postman collection"),
        ("curl -s", "has no URL"),
        ("curl http://h/ -d 'x", "cannot be split"),
        ("curl http://h/ -d @body.txt", "in the file 'body.txt'"),
        ("curl --unknown 5 http://h/", "curl option '--unknown' is unknown"),
        ("curl http://h/ --data-urlencode @body.txt", "in the file 'body.txt'"),
        ("curl http://h/ --data-urlencode content@body.txt", "in the file 'body.txt'"),
        ("curl http://h/ --json @body.txt", "in the file 'body.txt'"),
        ("curl http://h/ --data-binary @body.txt", "in the file 'body.txt'"),
        ("curl http://h/ -F 'a=<body.txt'", "in the file 'body.txt'"),
        ('{"request": 1}', "no HAR entry"),
        ('{"item": [], "request": {}}', "no Postman collection"),
        ('{"item": [{"request": {"header": 1, "url": []}}]}', "no Postman collection"),
        ("wget -q", "the command has no URL"),
        ("wget --post-file=a.txt http://h/", "in the file 'a.txt'"),
        ("http POST", "the command has no URL"),
        ("http h/v2sms.aspx a@b.txt", "in the file 'b.txt'"),
        ("http h/v2sms.aspx a", "the word 'a' of the HTTPie command"),
        ("irm -Method Post", "the command has no URL"),
        ("irm -Uri $url", "the value of Uri is not in the text"),
        ("irm http://h/ -Body $body", "the value of Body is not in the text"),
        ("fetch(url)", "the command has no URL"),
        ("fetch('http://h/', {body: form})", "the value of body is not in the text"),
        ("http://[", "the URL is invalid"),
        ("POST //[", "the URL is invalid"),
        ("a=" + "x" * MAX_LENGTH, "longer than"),
    ],
)
def test_a_text_that_is_no_request_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(NotARequest, match=reason.replace("(", "\\(")):
        parse_pasted(text)


MULTIPART_TYPE = ("Content-Type", "multipart/form-data; boundary=pasted")


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ("-F a=b", b'name="a"\r\n\r\nb\r\n'),
        ("-F 'a=b;type=text/plain'", b'name="a"\r\n\r\nb\r\n'),
        ("""-F 'a="b;c"'""", b'name="a"\r\n\r\nb;c\r\n'),
        ("-F 'a=@b.txt;type=text/plain'", b'name="a"; filename="b.txt"\r\n\r\n\r\n'),
        ("-F 'a=@b.txt;filename=c.txt'", b'name="a"; filename="c.txt"\r\n\r\n\r\n'),
        ("--form-string 'a=@b;type=c'", b'name="a"\r\n\r\n@b;type=c\r\n'),
    ],
)
def test_a_form_of_curl_is_read(options: str, part: bytes) -> None:
    pasted = parse_pasted(f"curl http://h/v2sms.aspx {options}")
    assert (pasted.method, pasted.headers) == ("POST", [MULTIPART_TYPE])
    assert pasted.body == b"--pasted\r\nContent-Disposition: form-data; " + part + b"--pasted--\r\n"


def run(*arguments: str, stdin: str | None = None) -> tuple[int, str]:
    command = [sys.executable, "-m", "sms10692_mock", "explain", *arguments]
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


NOT_CHECKED = "Not checked: the balance, and the settings, delivery rules and forbidden words of an account."


def test_the_command_explains_the_manuals_example() -> None:
    form = f"action=send&{SIGNED}&mobile=15023239810,13527576163&content=%E5%86%85%E5%AE%B9&sendTime=&extno="
    assert run(form) == (0, f"POST /v2sms.aspx send\nNo refusal found.\n{NOT_CHECKED}\n")


def test_the_command_reads_standard_input_and_names_the_refusal() -> None:
    status, output = run("--lang", "zh", stdin=f"action=send&{SIGNED}&mobile=15023239810&content=A&B&sendTime=tomorrow")
    assert status == 1
    assert "厂商会拒绝这个请求：其他错误" in output
    assert "refusal.send-time-format: sendTime 是“tomorrow”" in output
    assert "habit.text-lost: “B”丢失了" in output


def test_the_command_checks_the_signature_of_an_account() -> None:
    form = "action=overage&userid=7&timestamp=20261130070000&sign=0000000000000000000000000000000a"
    status, output = run(form)
    assert (status, "The credentials were not checked" in output, "userid-unknown" in output) == (0, True, False)
    status, output = run(form, "--account", "shop", "--password", "geheim")
    assert status == 1
    assert "用户名或密码错误" in output
    assert "Signed text: shop***20261130070000\nExpected sign: dd387cfaff7b1180957d858d76354e0c" in output
    assert "geheim" not in output


def test_the_command_refuses_wrong_use() -> None:
    assert run("hello")[0] == 2
    assert run("a=1", "--account", "x")[0] == 2


def test_the_command_reads_gbk_from_standard_input() -> None:
    form = f"action=send&{SIGNED}&mobile=15023239810&content=内容".encode("gbk")
    for text in (form, b"curl http://h/v2sms.aspx --data-urlencode content=" + "内容".encode("gbk"), b"/" + form):
        command = [sys.executable, "-m", "sms10692_mock", "explain"]
        done = subprocess.run(command, input=text, capture_output=True, timeout=60, check=False)
        assert (done.returncode, b"Traceback" in done.stderr) == (1, False)
    assert parse_pasted(form.decode("utf-8", "surrogateescape")).body == form


@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be"])
def test_the_command_reads_utf_16_with_a_byte_order_mark(charset: str) -> None:
    text = f"\ufeffcurl http://h/v2sms.aspx -d 'action=send&{SIGNED}&mobile=phone&content=x'".encode(charset)
    command = [sys.executable, "-m", "sms10692_mock", "explain"]
    done = subprocess.run(command, input=text, capture_output=True, timeout=60, check=False)
    assert b"text.number-not-digits: 'phone'" in done.stdout


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    har = json.dumps({"request": {"method": "POST", "url": "http://h/v2sms.aspx", "postData": {"text": "a=\ud83d"}}})
    assert parse_pasted(har).body == b"a=?"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_a_method_that_the_endpoints_do_not_answer_is_named(method: str) -> None:
    status, output = run(f"curl -X {method} http://h/v2sms.aspx -d 'action=overage&{SIGNED}'")
    assert (status, f"http.method: The method is {method}: use POST." in output) == (1, True)
    assert "No refusal found" not in output


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('127.0.0.1 - - [30/Nov/2026] "POST /v2sms.aspx HTTP/1.1" 200 17', "paste the body"),
        ("POST /v2sms.aspx send, userid '12': refused, 其他错误 (0.31 ms)", "emulator's own log"),
        ("PUT /v2sms.aspx: 405, this page answers GET, HEAD, POST", "emulator's own log"),
    ],
)
def test_a_line_of_a_log_without_parameters_is_refused_with_the_reason(line: str, reason: str) -> None:
    with pytest.raises(NotARequest, match=reason):
        parse_pasted(line)


@pytest.mark.parametrize("text", ["", "hello", "curl -s", "curl http://h/ -d 'x", "http://[", '{"request": 1}'])
def test_the_reason_for_which_a_text_is_no_request_exists_in_chinese(text: str) -> None:
    with pytest.raises(NotARequest) as caught:
        parse_pasted(text)
    reason = caught.value.describe("zh")
    assert re.search("[一-鿿]", reason)
    assert not re.search(r"[a-z]{3,} [a-z]{2,} ", reason)


def test_the_command_gives_the_reason_in_chinese() -> None:
    assert "文本不是 URL、表单" in run("--lang", "zh", "hello")[1]


def explain(emulator: FlaskEmulator, text: str) -> dict[str, Any]:
    document: dict[str, Any] = emulator.control("POST", "explain", {"request": text})
    return document


def test_the_control_api_explains_and_stores_nothing() -> None:
    emulator = FlaskEmulator()
    document = explain(emulator, f"http://h/v2sms.aspx?action=send&{SIGNED}&mobile=10000000008&content=x")
    assert (document["operation"], document["refusal"]) == ("send", "其他错误")
    assert [one["code"] for one in document["diagnosis"]][:2] == ["refusal.reserved-number", "habit.get"]
    assert (document["is_signature_checked"], document["expected_signature"]) == (True, None)
    assert emulator.control("GET", "requests")["items"] == []
    assert emulator.control("GET", "accounts/12")["points"] == 1000


def test_the_control_api_shows_the_expected_signature_with_the_password_masked() -> None:
    emulator = FlaskEmulator()
    wrong = SIGNED.replace("5cc6", "0cc6")
    expected = {"signed_text": "test***20120701231212", "md5": "5cc68982f55ac74348e3d819f868fbe1", "received_text": ""}
    assert explain(emulator, f"action=overage&{wrong}")["expected_signature"] == expected
    response = emulator.http.post("/v2sms.aspx", data=f"action=overage&{wrong}", content_type=FORM)
    assert "5cc68982" not in response.headers["X-Mock-Hint"]
    assert emulator.control("GET", "requests/1")["expected_signature"] == expected


@pytest.mark.parametrize(
    ("policy", "peer", "is_shown"),
    [
        (AccessPolicy(), "127.0.0.1", True),
        (AccessPolicy(), "192.0.2.7", False),
        (AccessPolicy(token="geheim"), "192.0.2.7", True),
    ],
)
def test_the_expected_signature_is_left_out_where_other_hosts_need_no_token(
    policy: AccessPolicy, peer: str, is_shown: bool
) -> None:
    http = FlaskEmulator(policy).http
    wrong = f"action=overage&{SIGNED.replace('5cc6', '0cc6')}"
    http.post("/v2sms.aspx", data=wrong, content_type=FORM)
    reader: dict[str, Any] = {"headers": {"Authorization": "Bearer geheim"}, "environ_base": {"REMOTE_ADDR": peer}}
    explained = http.post("/_mock/explain", json={"request": wrong}, **reader)
    for answer in (explained, *(http.get(f"/_mock/{path}requests/1", **reader) for path in ("", "accounts/12/"))):
        assert answer.status_code == 200, answer.text
        assert ("5cc68982f55ac74348e3d819f868fbe1" in answer.text) == is_shown
        assert (json.loads(answer.text)["expected_signature"] is None) == (not is_shown)


@pytest.mark.parametrize(("peer", "is_shown"), [("127.0.0.1", True), ("192.0.2.7", False)])
def test_the_console_leaves_out_the_expected_signature_for_other_hosts_without_a_token(
    peer: str, is_shown: bool
) -> None:
    http = FlaskEmulator(AccessPolicy()).http
    wrong = f"action=overage&{SIGNED.replace('5cc6', '0cc6')}"
    http.post("/v2sms.aspx", data=wrong, content_type=FORM)
    reader: dict[str, Any] = {"headers": CONSOLE_HEADERS, "environ_base": {"REMOTE_ADDR": peer}}
    explained = http.post("/explain", data={"request": wrong}, **reader)
    for page in (explained, http.get("/requests/1", **reader)):
        assert page.status_code == 200, page.text
        assert ("5cc68982f55ac74348e3d819f868fbe1" in page.text) == is_shown
        assert "signature.unexplained" in page.text
        assert "testmima" not in page.text


def test_problems_of_the_text_itself_are_explained() -> None:
    emulator = FlaskEmulator()

    def codes(text: str) -> list[str]:
        return [one["code"] for one in explain(emulator, text)["diagnosis"]]

    assert codes(f"GET /v2sms.aspx?{SIGNED}&sendTime=2030-12-01 10:00:00 HTTP/1.1\r\n\r\n")[0] == "http.space-in-url"
    assert codes("POST /v2sms.aspx HTTP/1.1\nContent-Length: 2\n\na=内")[0] == "http.length-too-small"
    assert codes("POST /v2sms.aspx HTTP/1.1\nContent-Length: 9\n\na=1")[0] == "http.body-stalled"
    assert codes("http://h/api/send?action=send") == ["http.unknown-path"]
    assert emulator.refusal("POST", "explain", json={"request": "hello"})[0] == 422
    status, reason = emulator.refusal("POST", "explain?lang=zh", json={"request": "hello"})
    assert (status, reason) == (
        422,
        "无法识别这个请求：文本不是 URL、表单、JSON、命令、fetch 调用、原始 HTTP 请求、HAR 条目或 Postman 集合",
    )


HEADS = {
    "folded": ("POST /v2sms.aspx HTTP/1.1\nHost: h\n x", "http.folded-header", "' x'"),
    "no header": ("POST /v2sms.aspx HTTP/1.1\nnonsense", "http.header", "'nonsense'"),
    "space before the colon": ("POST /v2sms.aspx HTTP/1.1\nHost : h", "http.space-before-colon", "'Host '"),
    "two lengths": (
        "POST /v2sms.aspx HTTP/1.1\nContent-Length: 0\nContent-Length: 0",
        "http.length-twice",
        "Content-Length: 0",
    ),
    "a word as length": (
        "POST /v2sms.aspx HTTP/1.1\nContent-Length: all",
        "http.length-not-a-number",
        "Content-Length: all",
    ),
    "length and chunks": (
        "POST /v2sms.aspx HTTP/1.1\nContent-Length: 5\nTransfer-Encoding: chunked\n\n0\n",
        "http.length-and-chunks",
        "chunked",
    ),
    "another coding": ("POST /v2sms.aspx HTTP/1.1\nTransfer-Encoding: gzip", "http.transfer-encoding", "gzip"),
    "small letters": ("POST /v2sms.aspx http/1.1\nHost: h", "http.http-version", "'POST /v"),
    "no version": ("POST /v2sms.aspx\nHost: h", "http.no-version", "'POST /v"),
    "two spaces": ("POST  /v2sms.aspx HTTP/1.1\nHost: h", "http.extra-space", "'POST  /v"),
    "a tab in the URL": ("GET /v2sms.aspx?a=\tb HTTP/1.1\nHost: h", "http.control-character-in-url", "'GET /v"),
    "a tunnel": ("CONNECT h:443 HTTP/1.1\nHost: h", "http.connect", "'CONNECT h:"),
    "no length of a chunk": (
        "POST /v2sms.aspx HTTP/1.1\nTransfer-Encoding: chunked\n\na=1",
        "http.chunk",
        "a chunk has no length",
    ),
    "a long chunk": (
        "POST /v2sms.aspx HTTP/1.1\nTransfer-Encoding: chunked\n\n2\na=1\n0\n",
        "http.chunk",
        "a chunk is longer than it says",
    ),
    "no last chunk": (
        "POST /v2sms.aspx HTTP/1.1\nTransfer-Encoding: chunked\n\n3\na=1\n",
        "http.chunk",
        "the last chunk is missing",
    ),
}


@pytest.mark.parametrize(("text", "code", "part"), HEADS.values(), ids=HEADS)
def test_a_mistake_in_raw_http_is_explained_as_when_it_is_sent(text: str, code: str, part: str) -> None:
    emulator = FlaskEmulator()
    first = explain(emulator, text)["diagnosis"][0]
    assert first["code"] == code
    assert part in first["sentence"]


def test_a_raw_post_without_a_length_is_named_and_its_body_is_explained_all_the_same() -> None:
    raw = f"POST /v2sms.aspx HTTP/1.1\nHost: h\nContent-Type: {FORM}\n\naction=overage&{SIGNED.replace('5cc6', '0cc6')}"
    codes = [one["code"] for one in explain(FlaskEmulator(), raw)["diagnosis"]]
    assert "habit.length-missing" in codes
    assert any(code.startswith("signature.") for code in codes)


@pytest.mark.parametrize(
    ("command", "query", "body", "lost"),
    [
        (f"curl http://h/v2sms.aspx?action=overage&{SIGNED}", b"action=overage", b"", "userid"),
        (f"curl http://h/v2sms.aspx -d action=overage&{SIGNED}", b"", b"action=overage", "userid"),
        ("curl -d action=send&userid=12 http://h/v2sms.aspx", b"", b"action=send", "userid"),
    ],
)
def test_an_ampersand_that_ends_the_command_in_the_shell_is_named(
    command: str, query: bytes, body: bytes, lost: str
) -> None:
    pasted = parse_pasted(command)
    assert (pasted.query, pasted.body) == (query, body)
    assert pasted.problems == [("http.shell-ampersand", lost)]
    assert parse_pasted(command.replace("&", "\\&")).problems == []


def test_parameters_that_were_escaped_together_are_named() -> None:
    command = f"curl http://h/v2sms.aspx --data-urlencode 'action=overage&{SIGNED}'"
    findings = explain(FlaskEmulator(), command)["diagnosis"]
    assert ("habit.escaped-ampersand", ["action", "userid"]) in [(one["code"], one["values"]) for one in findings]
    content = "content=see+http%3A%2F%2Fx%2F%3Fa%3D1%26mobile%3D2"
    findings = explain(FlaskEmulator(), f"action=send&{SIGNED}&mobile=15023239810&{content}")["diagnosis"]
    assert findings == []


def test_a_plus_as_the_whole_text_is_named() -> None:
    findings = explain(FlaskEmulator(), f"action=send&{SIGNED}&mobile=15023239810&content=+")["diagnosis"]
    assert [one["code"] for one in findings] == ["refusal.content-empty", "habit.plus-as-space"]


def test_further_requests_of_a_har_file_are_counted() -> None:
    har = json.dumps({"log": {"entries": [{"request": {"method": "GET", "url": f"http://h/{n}"}} for n in range(3)]}})
    assert explain(FlaskEmulator(), har)["ignored_requests"] == 2
    assert "Further requests in the text that were not explained: 2." in run(har)[1]


REFUSED = {"method": "POST", "url": "http://h/v2sms.aspx", "postData": {"text": f"action=Send&{SIGNED}"}}
ACCEPTED = {
    "method": "POST",
    "url": "http://h/v2sms.aspx",
    "postData": {"mimeType": FORM, "text": f"action=overage&{SIGNED}"},
}
FOREIGN = {"method": "GET", "url": "http://h/login"}


def test_every_request_of_the_vendor_in_a_har_file_is_explained() -> None:
    har = json.dumps({"log": {"entries": [{"request": one} for one in (REFUSED, FOREIGN, ACCEPTED)]}})
    document = explain(FlaskEmulator(), har)
    assert (document["label"], document["operation"], document["diagnosis"]) == ("3", "overage", [])
    (further,) = document["further_requests"]
    assert (further["label"], further["diagnosis"][0]["code"]) == ("1", "refusal.action")
    assert document["ignored_requests"] == 1
    status, output = run(har)
    assert status == 1
    assert output.index("Request 1\nPOST /v2sms.aspx ") < output.index("Request 3\nPOST /v2sms.aspx overage\n")
    assert "Further requests in the text that were not explained: 1." in output
    page = FlaskEmulator().http.post("/explain?lang=en", data={"request": har}, headers=CONSOLE_HEADERS).text
    assert "action is &#39;Send&#39;" in page
    assert page.count('<section class="card" aria-labelledby="explanation-') == 2


def test_the_requests_of_a_har_file_that_are_explained_are_bounded() -> None:
    har = json.dumps({"log": {"entries": [{"request": ACCEPTED}] * 23}})
    document = explain(FlaskEmulator(), har)
    assert (document["label"], document["ignored_requests"]) == ("23", 3)
    assert [one["label"] for one in document["further_requests"]] == [str(number) for number in range(4, 23)]


def test_every_request_of_the_vendor_in_a_postman_collection_is_explained() -> None:
    items = [
        {"name": "balance", "request": {"method": "GET", "header": [], "url": "{{base}}/v2sms.aspx?action=overage"}},
        {"name": "folder", "item": [{"name": "send  again", "request": "{{base}}/v2sms.aspx?action=send"}]},
        {"name": "login", "request": "{{base}}/login"},
    ]
    collection = {"item": items, "variable": [{"key": "base", "value": "http://h"}]}
    document = explain(FlaskEmulator(), json.dumps(collection))
    assert (document["label"], document["operation"], document["ignored_requests"]) == ("2 send again", "send", 1)
    assert [(one["label"], one["operation"]) for one in document["further_requests"]] == [("1 balance", "overage")]


def test_a_variable_of_postman_that_has_no_value_is_named() -> None:
    form = [{"key": "action", "value": "send"}, {"key": "content", "value": "您的验证码是{{code}}"}]
    item = {"request": {"method": "POST", "header": [], "url": "{{base}}/v2sms.aspx",
                        "body": {"mode": "urlencoded", "urlencoded": form}}}  # fmt: skip
    collection = json.dumps({"item": [item, {"name": "empty folder", "item": []}]})
    findings = explain(FlaskEmulator(), collection)["diagnosis"]
    assert "'{{code}}'" in next(one["sentence"] for one in findings if one["code"] == "text.placeholder")


@pytest.mark.parametrize(("language", "sentence"), [("en", "extno has 11 digits"), ("zh", "extno 有 11 位")])
def test_the_console_explains_a_pasted_request(language: str, sentence: str) -> None:
    emulator = FlaskEmulator()
    pasted = f"action=send&{SIGNED}&mobile=15023239810&content=x&extno=12345678901"
    page = emulator.http.post(f"/explain?lang={language}", data={"request": pasted}, headers=CONSOLE_HEADERS)
    assert page.status_code == 200
    assert sentence in page.text
    assert "其他错误" in page.text
    refused = emulator.http.post(f"/explain?lang={language}", data={"request": "hello"}, headers=CONSOLE_HEADERS)
    assert ("fetch call, raw HTTP request, HAR entry or Postman collection" in refused.text) == (language == "en")
    assert ("文本不是 URL、表单、JSON、命令、fetch 调用、原始 HTTP 请求、HAR 条目或 Postman 集合" in refused.text) == (
        language == "zh"
    )


TWO = {
    "curl": ("curl http://h/v2sms.aspx -d 'a=1\ncurl b'\n$ curl http://h/v2sms.aspx -d a=2", b"a=1\ncurl b"),
    "curl after &&": ("curl http://h/v2sms.aspx -d a=1 && curl http://h/v2sms.aspx -d a=2", b"a=1"),
    "wget and curl": ("wget h/v2sms.aspx --post-data a=1; curl h/v2sms.aspx", b"a=1"),
    "raw HTTP": ("POST /v2sms.aspx HTTP/1.1\n\na=1\n\nGET /v2sms.aspx?a=1 HTTP/1.1\nHost: h\n\n", b"a=1"),
    "forms": ("action=send&a=1\nuserid=12&action=send", b"action=send&a=1"),
    "fetch": ("fetch('http://h/', {method: 'POST', body: 'a=1'});\nfetch('http://h/')", b"a=1"),
    "PowerShell": ("irm http://h/ -Method Post -Body 'a=1'\nirm http://h/ -Method Post -Body 'a=2'", b"a=1"),
    "URLs": ("http://h/v2sms.aspx?a=1\nhttp://h/v2sms.aspx?a=2", b""),
    "lines of a log": ('"GET /v2sms.aspx?a=1 HTTP/1.1" 200\n"GET /v2sms.aspx?a=2 HTTP/1.1" 200', b""),
}


@pytest.mark.parametrize(("text", "body"), TWO.values(), ids=TWO)
def test_the_second_of_two_pasted_requests_is_counted(text: str, body: bytes) -> None:
    pasted = parse_pasted(text)
    assert (pasted.body, pasted.ignored) == (body, 1)


def test_every_refusal_that_can_be_seen_is_explained() -> None:
    form = f"action=send&{SIGNED}&mobile=,&content=+&extno=12345678901&sendTime=tomorrow"
    document = explain(FlaskEmulator(), form)
    assert document["refusal"] == "短信号码不能为空"
    refusals = [one["code"] for one in document["diagnosis"] if one["code"].startswith("refusal.")]
    assert refusals == [
        *("refusal.mobile-empty", "refusal.content-empty", "refusal.extno-too-long", "refusal.send-time-format")
    ]


def test_refusals_that_follow_from_the_first_mistake_are_not_listed() -> None:
    codes = [one["code"] for one in explain(FlaskEmulator(), '{"action":"send","userid":"12"}')["diagnosis"]]
    assert codes[0] == "habit.json-body"
    assert "refusal.mobile-missing" not in codes


@pytest.mark.parametrize("joint", ["", "&", ";", "%3F"])
def test_parameters_joined_to_the_path_without_a_question_mark_are_explained(joint: str) -> None:
    url = f"http://h/V2sms.aspx{joint}action=send&{SIGNED}&mobile=15023239810&content=%E5%86%85&extno=a"
    document = explain(FlaskEmulator(), url)
    codes = [one["code"] for one in document["diagnosis"]]
    assert codes[:2] == ["http.question-mark-missing", "refusal.extno-not-digits"]
    assert document["refusal"] == ""
    assert "5cc6" not in str(document)


def test_a_misnamed_parameter_is_shown_as_it_was_sent() -> None:
    form = f"action=overage&{SIGNED.replace('sign=', 'SIGNATURE=')}"
    diagnosis = explain(FlaskEmulator(), form)["diagnosis"]
    assert [one["code"] for one in diagnosis] == ["signature.misnamed"]
    assert diagnosis[0]["sentence"] == "A parameter name differs from the manual: 'SIGNATURE' should be 'sign'."
