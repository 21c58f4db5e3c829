"""Tests that commands and programs copied from the emulator send the shown request and run nothing else.

Requests, account names and passwords may be hostile. The commands run in real shells, the programs in their
interpreters.
"""

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote_to_bytes

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sms10692 import protocol
from sms10692.protocol import Authentication
from sms10692_contract import requests as suite
from sms10692_contract.clauses import CLAUSES
from sms10692_contract.http import parse_address
from sms10692_contract.report import format_failure
from sms10692_contract.runner import State, Verdict
from sms10692_mock.admin.console.export_request import as_curl, as_pytest
from sms10692_mock.admin.console.request_programs import PROGRAMS, as_program, as_programs
from sms10692_mock.admin.console.snippets import LANGUAGES, quote_go, quote_php, snippet
from sms10692_mock.admin.services.accounts import AccountDocument
from sms10692_mock.app.curl_example import example_curl, example_curl_with_password
from sms10692_mock.app.shell_quoting import printf, quote_bytes, quote_text
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.records import LoggedRequest
from support.http_client import TIMEOUT
from support.shells import INTERPRETERS, SHELLS, Recorded, Recorder, paste, running_recorder

pytestmark = pytest.mark.slow("Starts shells and interpreters for every snippet.")

FORM = "application/x-www-form-urlencoded"
HOSTILE = (
    "`touch$IFS$9PWNED`",
    "$(touch PWNED)",
    "'; touch PWNED; '",
    "\\'; touch PWNED; \\'",
    '"; touch PWNED; "',
    "x|touch PWNED",
    "x&touch PWNED&",
    "!touch",
    "!!",
    "a!\"b' !c",
    "~root",
    "*",
    "#",
    "@/etc/passwd",
    "-o PWNED",
    "--output=PWNED",
    "-n",
    "--",
    "%s%n%%",
    "$'\\x41'",
    "{a,b}",
    "[1-3]",
    ">PWNED",
    "<(touch PWNED)",
    "\\",
    "\\\n",
)
BYTES = (b"\0$", b"-n\0", b"--\0", b"\0", b"\r\n", b"\x1b[201~touch PWNED\n", b"\x03", b"\xff\xfe", b"\xc4\xda", b"\n")
METHODS = ("GET", "HEAD", "POST", "PUT", "get", "OPTIONS", "`touch$IFS$9PWNED`", "X|id", "X&id&", "'", "!!", "-o", "~")
KINDS = (FORM, "", "application/json", "text/plain; x='a\"$(touch PWNED)`!!", "@/etc/passwd", "\xc4\xda\t\\", ";")


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with running_recorder() as started:
        yield started


def build_logged_request(
    method: str = "POST", body: bytes = b"", kind: str = FORM, query: bytes = b"", path: str = ""
) -> LoggedRequest:
    """Build an entry of the request log: a request to the send endpoint, with `path` appended to its path."""
    headers = [("Content-Type", kind)] if kind else []
    return LoggedRequest(
        1, 0.0, 0.0, 0.0, method, f"/v2sms.aspx{path}", query, headers, body, "", "", "", None, 200, "text/xml", b""
    )


def logged_requests() -> st.SearchStrategy[LoggedRequest]:
    """Return a strategy for all requests that the emulator's server accepts; many are hostile."""
    words = st.sampled_from([word.encode() for word in HOSTILE])
    bodies = st.lists(words | st.sampled_from(BYTES) | st.binary(max_size=20), max_size=3).map(b"".join)
    token = st.text("!#$%&'*+-.^_`|~AZaz09", min_size=1, max_size=12)
    in_a_line = st.characters(max_codepoint=255, exclude_categories=["Cc"])
    in_a_target = st.integers(33, 255).filter(lambda byte: byte != 127)
    return st.builds(
        build_logged_request,
        st.sampled_from(METHODS) | token,
        bodies,
        st.sampled_from(KINDS) | st.text(in_a_line, max_size=20).map(lambda kind: kind.strip(" \t")),
        st.lists(in_a_target, max_size=12).map(bytes) | words.map(lambda word: re.sub(rb"\s", b"", word)),
        st.sampled_from(("", "/", "/%41?#", "/'$(touch PWNED)", "/内容/..", "/\\xff")),
    )


@pytest.mark.parametrize("shell", SHELLS)
@given(logged=logged_requests())
@settings(max_examples=15)
@example(logged=build_logged_request("`touch$IFS$9PWNED`"))
@example(logged=build_logged_request(body=b"@/etc/passwd"))
@example(logged=build_logged_request(body=b"\0$"))
@example(logged=build_logged_request(body=b"-n\0"))
@example(logged=build_logged_request(body=b"a!!b"))
@example(logged=build_logged_request(body=b"a\0!b"))
@example(logged=build_logged_request("HEAD", b"a=b"))
@example(logged=build_logged_request(query=b"a=b#c[1-2]{x,y}\xc4\xda"))
@example(logged=build_logged_request(body=b"x", kind="a\\'b\xc4!"))
def test_a_copied_curl_command_sends_the_same_request_and_runs_nothing_else(
    recorder: Recorder, tmp_path_factory: pytest.TempPathFactory, shell: str, logged: LoggedRequest
) -> None:
    line = as_curl(logged, recorder.url)
    assert line.isprintable()
    assert line.isascii()
    output = paste(shell, line, tmp_path_factory.getbasetemp())
    if "interactive" not in shell:
        assert output == ""
    (request,) = recorder.take()
    path, _, query = request.target.partition(b"?")
    assert request.method == logged.method
    assert unquote_to_bytes(path) == logged.path.encode()
    assert [unquote_to_bytes(part) for part in re.split(b"([&=])", query)] == [
        unquote_to_bytes(part) for part in re.split(b"([&=])", logged.query)
    ]
    assert request.headers.get("content-type", "") == (logged.headers[0][1] if logged.headers else "")
    assert request.body == logged.body


@given(logged=logged_requests())
@settings(max_examples=8)
@example(logged=build_logged_request("X'\"\\\n"))
@example(logged=build_logged_request("PUT", b"\0'''\"\"\"\\\n#", "a'\"b"))
def test_a_copied_test_passes_for_every_logged_request(logged: LoggedRequest) -> None:
    status = 200 if logged.method in {"GET", "HEAD", "POST"} else 405
    account = Account("7'\"\\\n", "a'''\n\"\"\"", "{x}\\")
    program = as_pytest(logged._replace(status=status), account)
    assert all(line.isprintable() for line in program.splitlines())
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 - the generated test is what is tested
    names["test_request_1"]()


HOSTILE_BODIES = [word.encode() for word in HOSTILE] + [*BYTES, b"\\u0022;x", b"${x} #{x} {{x}} */ //"]


def run_program(recorder: Recorder, folder: Path, language: str, logged: LoggedRequest) -> Recorded:
    """Run the program of a request in an empty folder, and return the request that it sent."""
    program = as_program(language, logged, recorder.url)
    assert all(line.isprintable() for line in program.splitlines())
    workdir = folder / "workdir"
    workdir.mkdir(parents=True)
    subprocess.run(
        INTERPRETERS[language](program, folder), capture_output=True, cwd=workdir, timeout=TIMEOUT, check=True
    )
    assert list(workdir.iterdir()) == []
    (request,) = recorder.take()
    return request


@pytest.mark.parametrize("language", sorted(PROGRAMS.keys() & INTERPRETERS))
def test_a_copied_program_sends_the_same_request_and_runs_nothing_else(
    recorder: Recorder, tmp_path: Path, language: str
) -> None:
    # Java and Go compile for a second: they get the hostile texts in few requests.
    is_compiled = language in {"java", "go"}
    bodies = [b"&".join(HOSTILE_BODIES[:25]), b"".join(BYTES)] if is_compiled else HOSTILE_BODIES[::4]
    for index, body in enumerate(bodies):
        kind = "text/plain; x='a\"$(touch PWNED)`!!\\"
        logged = build_logged_request("POST", body, kind, b"a=%27%22&b=$(touch+P)'")
        request = run_program(recorder, tmp_path / str(index), language, logged)
        assert (request.method, request.body) == ("POST", body)
        assert unquote_to_bytes(request.target) == unquote_to_bytes(b"/v2sms.aspx?" + logged.query)
        assert request.headers["content-type"] == kind


@pytest.mark.parametrize("language", ["python", "php"])
def test_an_exact_language_sends_requests_that_others_would_change(
    recorder: Recorder, tmp_path: Path, language: str
) -> None:
    entries = (
        build_logged_request("PATCH", b"x", "", b"a=%zz&b=%u5bb9[]", "/../x"),
        build_logged_request("`touch$IFS$9PWNED`", b"", "a/b; \xc4\xda", b""),
        build_logged_request("GET", b"body of a GET", FORM, b"\xff"),
    )
    for index, logged in enumerate(entries):
        request = run_program(recorder, tmp_path / str(index), language, logged)
        assert (request.method, request.body) == (logged.method, logged.body)
        path, _, query = request.target.partition(b"?")
        assert unquote_to_bytes(path) == logged.path.encode()
        assert unquote_to_bytes(query) == unquote_to_bytes(logged.query)
        assert request.headers.get("content-type", "") == "".join(value for _, value in logged.headers)


@pytest.mark.parametrize(
    ("logged", "is_plain"),
    [
        (build_logged_request("POST", b"\xff\0"), True),
        (build_logged_request("POST", b"x", "", b"a=%E5%86"), True),
        (build_logged_request("`id`"), False),
        (build_logged_request(path="/.."), False),
        (build_logged_request(query=b"a=%zz"), False),
        (build_logged_request(query=b"a[]=1"), False),
        (build_logged_request(kind="\xc4"), False),
        (build_logged_request(body=b"x" * 45_001), False),
    ],
)
def test_languages_that_would_change_a_request_are_not_offered(logged: LoggedRequest, is_plain: bool) -> None:
    expected = {"curl", *PROGRAMS} if is_plain else {"curl", "python", "php"}
    assert set(as_programs(logged, "http://127.0.0.1:1")) == expected


@given(body=st.sampled_from(HOSTILE_BODIES) | st.binary(max_size=30))
@settings(max_examples=20)
def test_literals_of_a_copied_program_are_printable_ascii(body: bytes) -> None:
    for name, program in as_programs(build_logged_request("POST", body, "a/b; '\"\\"), "http://127.0.0.1:1").items():
        assert program.isascii(), name
        if name in {"java", "csharp", "go"}:
            assert not re.search(r"(?<!\\)(?:\\\\)*\\u", program), name


def build_account(userid: str, account: str, password: str) -> AccountDocument:
    return AccountDocument.model_construct(userid=userid, account=account, password=password)


ACCOUNTS = (
    build_account("7'\"\\$!", "账 `touch PWNED` %s ${x} #{x} $(touch PWNED) \\u0022", "a'b\"c\\d $HOME 😀!! \\"),
    build_account("@/etc/passwd", "-n\n'; touch PWNED; '", "\x1b[201~touch PWNED\r\n\x00\u202e\x7f\x85\u2028"),
    build_account("-o PWNED", "*/ //\\u000a?>", "{$x} {{ 7*7 }} \\x41\\"),
)


@pytest.mark.parametrize("account", ACCOUNTS, ids=("quotes", "control", "comments"))
@pytest.mark.parametrize("language", INTERPRETERS)
def test_a_snippet_signs_for_any_credentials_and_runs_nothing_else(
    recorder: Recorder, tmp_path: Path, language: str, account: AccountDocument
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    program = snippet(language, account, recorder.url)
    assert all(line.isprintable() for line in program.splitlines())
    completed = subprocess.run(
        INTERPRETERS[language](program, tmp_path), capture_output=True, cwd=folder, timeout=TIMEOUT, check=True
    )
    assert completed.returncode == 0
    assert list(folder.iterdir()) == []
    (request,) = recorder.take()
    fields = {name: value[0] for name, value in parse_qs(request.body.decode(), keep_blank_values=True).items()}
    signed = f"{account.account}{account.password}{fields['timestamp']}".encode()
    assert fields == {
        "action": "send",
        "userid": account.userid,
        "timestamp": fields["timestamp"],
        "sign": hashlib.md5(signed).hexdigest(),
        "mobile": "15023239810",
        "content": "【签名】您的验证码是 1234",
    }


@pytest.mark.parametrize("account", ACCOUNTS, ids=("quotes", "control", "comments"))
@pytest.mark.parametrize("language", INTERPRETERS)
def test_a_snippet_for_an_older_endpoint_sends_any_credentials_and_runs_nothing_else(
    recorder: Recorder, tmp_path: Path, language: str, account: AccountDocument
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    program = snippet(language, account, recorder.url, protocol.PASSWORD)
    assert all(line.isprintable() for line in program.splitlines())
    subprocess.run(
        INTERPRETERS[language](program, tmp_path), capture_output=True, cwd=folder, timeout=TIMEOUT, check=True
    )
    assert list(folder.iterdir()) == []
    (request,) = recorder.take()
    assert (request.method, request.target) == ("POST", b"/sms.aspx")
    assert {name: value[0] for name, value in parse_qs(request.body.decode(), keep_blank_values=True).items()} == {
        "action": "send",
        "userid": account.userid,
        "account": account.account,
        "password": account.password,
        "mobile": "15023239810",
        "content": "【签名】您的验证码是 1234",
    }


AUTHENTICATIONS = pytest.mark.parametrize("authentication", [protocol.SIGNED, protocol.PASSWORD], ids=("v2", "older"))


@pytest.mark.parametrize("account", ACCOUNTS, ids=("quotes", "control", "comments"))
@AUTHENTICATIONS
def test_literals_of_java_csharp_and_javascript_are_printable_ascii(
    account: AccountDocument, authentication: Authentication
) -> None:
    # All three languages have the escapes of JSON. Java decodes \u before parsing, so no \u may encode a quote.
    for language in ("java", "csharp", "node"):
        program = snippet(language, account, "http://x", authentication)
        for text in (account.userid, account.account, account.password):
            literal = json.dumps(text)
            assert literal in program
            assert literal.isascii()
            assert literal.isprintable()
            assert not re.search(r"(?<!\\)(\\\\)*\\u00(22|27|5c|0a|0d)", literal, re.IGNORECASE)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("host", ["http://x$(touch PWNED)'\"\\", "http://a;touch PWNED"])
@AUTHENTICATIONS
def test_the_url_in_a_snippet_is_quoted(language: str, host: str, authentication: Authentication) -> None:
    address = host + {"signed": "/v2sms.aspx", "password": "/sms.aspx"}[authentication.name]
    quoted = {"curl": quote_text(address), "python": repr(address), "php": quote_php(address), "go": quote_go(address)}
    program = snippet(language, ACCOUNTS[0], host, authentication)
    assert program.count(quoted.get(language, json.dumps(address))) == 1


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("account", ACCOUNTS, ids=("quotes", "control", "comments"))
def test_the_example_curl_command_is_signed_for_any_credentials(
    recorder: Recorder, tmp_path: Path, shell: str, account: AccountDocument
) -> None:
    paste(shell, example_curl(recorder.url, Account(account.userid, account.account, account.password), 0.0), tmp_path)
    (request,) = recorder.take()
    fields = parse_qs(request.body.decode())
    assert fields["userid"] == [account.userid]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("account", ACCOUNTS, ids=("quotes", "control", "comments"))
def test_the_example_for_an_older_endpoint_sends_any_credentials(
    recorder: Recorder, tmp_path: Path, shell: str, account: AccountDocument
) -> None:
    sender = Account(account.userid, account.account, account.password)
    paste(shell, example_curl_with_password(recorder.url, sender), tmp_path)
    (request,) = recorder.take()
    fields = parse_qs(request.body.decode())
    assert request.target == b"/sms.aspx"
    assert [fields[name] for name in ("userid", "account", "password")] == [
        [account.userid],
        [account.account],
        [account.password],
    ]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_example_curl_command_runs_nothing_from_the_url(tmp_path: Path, shell: str) -> None:
    for name in HOSTILE:
        paste(shell, example_curl(f"http://127.0.0.1:1/{name}", Account("7", "a", "b"), 0.0), tmp_path)


@pytest.mark.parametrize("shell", SHELLS)
@given(
    method=st.sampled_from([method for method in METHODS if method != "HEAD"]),
    body=st.sampled_from([*BYTES, *(word.encode() for word in HOSTILE)]) | st.binary(min_size=1, max_size=30),
    kind=st.sampled_from([kind for kind in KINDS if kind.isascii()]),
    chunk=st.integers(0, 5),
)
@settings(max_examples=10)
@example(method="POST", body=b"@/etc/passwd", kind=FORM, chunk=0)
@example(method="X|id", body=b"-n\0!!", kind="'!!", chunk=3)
def test_a_curl_command_of_the_suite_sends_the_same_request_and_runs_nothing_else(
    recorder: Recorder,
    tmp_path_factory: pytest.TempPathFactory,
    shell: str,
    method: str,
    body: bytes,
    kind: str,
    chunk: int,
) -> None:
    prepared = suite.replace_body(suite.build_request(suite.UTF8, query=[("a", "'!!\\")], method=method), body, kind)
    line = (suite.chunk_body(prepared, chunk) if chunk else prepared).build_curl(recorder.url)
    assert line.isprintable()
    paste(shell, line, tmp_path_factory.getbasetemp())
    (request,) = recorder.take()
    assert (request.method, request.target, request.body) == (method, prepared.target, body)
    assert request.headers.get("content-type", "") == kind


def test_a_curl_command_that_is_too_long_is_not_shown() -> None:
    clause = CLAUSES[0]
    request = suite.build_form(suite.UTF8, {"content": "'" * 200})
    shown = format_failure(Verdict(clause, State.FAILED, preceding=(request,)), parse_address("http://127.0.0.1:1"), "")
    assert "curl" not in shown
    assert "POST /v2sms.aspx, 608 bytes" in shown


@given(st.binary(max_size=30))
@settings(max_examples=30)
def test_the_printf_command_writes_any_bytes(raw: bytes) -> None:
    for shell in ("bash", "dash"):
        assert subprocess.run([shell, "-c", printf(raw)], capture_output=True, check=True).stdout == raw


@pytest.mark.parametrize("raw", [b"a\0b", b"a\n"])
def test_bytes_that_no_argument_can_hold_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote_bytes(raw)
