"""Tests of what reports must not contain: valid signatures, real numbers, texts; and of the file of fetched items."""

import hashlib
import json
import os
import re
import socket
import stat
import subprocess
import threading
from datetime import date
from pathlib import Path

import pytest

from sms10692_contract.clauses import CLAUSES
from sms10692_contract.expectations import Mismatch
from sms10692_contract.expected import ERRORSTATUS
from sms10692_contract.fetched_file import FetchedFile, FetchedFileError, build_default_path
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import HttpResponse, TargetUnreachable, parse_address, send_request
from sms10692_contract.masking import (
    WITHHELD,
    PrivateTexts,
    hide_hex_words,
    hide_signatures_in_text,
    mask_numbers,
    mask_response,
    shorten,
)
from sms10692_contract.requests import (
    GBK,
    OLDER_GBK,
    OLDER_UTF8,
    STATUS,
    UTF8,
    WireRequest,
    build_form,
    build_multipart,
    build_request,
    chunk_body,
    compute_signature,
    escape_unicode,
    mask_request,
)
from sms10692_contract.runner import build_failure
from sms10692_contract.safety import INVALID_SIGN, SafetyGuard
from sms10692_contract.suite_account import SuiteAccount
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.server.http_types import Response
from support.contract_cli import run_contract, select
from support.mutant_vendor import Defect, mutant_server

OWN = SuiteAccount("12", "test", "mima")
OWN_OPTIONS = ["--userid", "12", "--account", "test", "--password", "mima", "--rate", "0"]
NUMBERS = ("13812345678", "13912345678")
PASSWORD = os.environ | {"SMS10692_PASSWORD": "mima"}


def unescape(text: str) -> str:
    """Decode the escapes in which a signature could be written."""
    text = text.replace("%%", "%")
    return re.sub(r"%u([0-9a-fA-F]{4})|%([0-9a-fA-F]{2})", lambda m: chr(int(m[1] or m[2], 16)), text)


def find_signatures(text: str, signatures: set[str]) -> set[str]:
    """Return the signatures of which at least 24 characters in a row occur in a text, in any case."""
    shown = unescape(text).lower()
    return {signature for signature in signatures if any(signature[at : at + 24] in shown for at in range(9))}


@pytest.mark.slow("Runs large parts of the contract suite.")
@pytest.mark.parametrize(
    "options",
    [
        [],
        [
            *("--allow-send", NUMBERS[0], "--allow-send", NUMBERS[1], "--allow-fetch", "--budget", "60"),
            *select("1.3-ok", "1.3-forbidden", "1.3-credentials-wrong", "1.2-sign-wrong", "4.4-1", "4.4-2", "5.4-2"),
        ],
    ],
    ids=["harmless", "send and fetch"],
)
def test_no_output_contains_a_valid_signature_or_a_number(options: list[str], tmp_path: Path) -> None:
    html, junit, fetched = (tmp_path / name for name in ("report.html", "report.xml", "fetched.jsonl"))
    timestamps: set[str] = set()

    def record(request: ApiRequest) -> ApiRequest:
        timestamps.add(request.credentials[1])
        return request

    def break_everything(text: str, request: ApiRequest) -> str:
        """Echo the signature and a number in everything that the server says."""
        echo = f"{request.credentials[2]} {NUMBERS[1]} 86{NUMBERS[0]} {request.credentials[2].upper()} "
        return text.replace("<message>", f"<message>{echo}").replace("<remark>", f"<remark>{echo}")

    with mutant_server(Defect(api_request=record, text=break_everything)) as vendor:
        files = ["--html", str(html), "--junit", str(junit), "--fetched", str(fetched)]
        completed = run_contract(vendor.url, *OWN_OPTIONS, *options, *files)
    assert completed.returncode == 1
    signatures = {
        hashlib.md5(f"testmima{timestamp}".encode(charset, "replace"), usedforsecurity=False).hexdigest()
        for timestamp in timestamps
        for charset in ("utf-8", "gbk")
    }
    outputs = [completed.stdout, completed.stderr, html.read_text("utf-8"), junit.read_text("utf-8")]
    assert all(output.count("curl ") >= 3 for output in (outputs[0], *outputs[2:]))
    for output in outputs:
        assert find_signatures(output, signatures) == set()
        assert not any(number in output for number in NUMBERS)


@pytest.mark.slow("Runs large parts of the contract suite.")
def test_no_output_contains_a_valid_signature_of_a_temporary_account(tmp_path: Path) -> None:
    html, junit, expect = (tmp_path / name for name in ("report.html", "report.xml", "expect.toml"))
    signed: set[tuple[str, str]] = set()

    def record(request: ApiRequest) -> ApiRequest:
        signed.add((request.userid, request.credentials[1]))
        return request

    def echo(text: str, request: ApiRequest) -> str:
        return text.replace("<message>", f"<message>{request.credentials[2]} ").replace("<remark>", "<remark>x")

    with mutant_server(Defect(api_request=record, text=echo)) as vendor:
        files = ["--html", str(html), "--junit", str(junit), "--write-expect", str(expect)]
        clauses = select(
            "1.3-ok", "2.3-found", "2.3-credentials-wrong", "3.3-forbidden", "4.4-2", "R2-similar-signature"
        )
        completed = run_contract(vendor.url, "--control", vendor.url, *clauses, *files)
    assert completed.returncode == 1, completed.stderr
    outputs = [completed.stdout, completed.stderr, *(file.read_text("utf-8") for file in (html, junit, expect))]
    signatures = {
        hashlib.md5(f"{name}secret{timestamp}".encode(), usedforsecurity=False).hexdigest()
        for userid, timestamp in signed
        for name in (f"t{userid}", "Shop内Test", "Other")
    }
    assert len(signatures) > 5
    assert outputs[0].count("curl ") >= 3
    for output in outputs:
        assert find_signatures(output, signatures) == set()


CREDENTIALS = OWN.build_credentials("20120701231212")
OVERAGE = list((CREDENTIALS | {"action": "overage"}).items())
SIGN = CREDENTIALS["sign"]


@pytest.mark.parametrize(
    "request_",
    [
        build_form(UTF8, dict(OVERAGE)),
        build_request(GBK, query=OVERAGE, method="GET"),
        build_request(UTF8, body=OVERAGE, encode=escape_unicode),
        build_request(UTF8, body=OVERAGE, encode=lambda text: b"".join(b"%%%02x" % byte for byte in text.encode())),
        build_multipart(UTF8, OVERAGE),
        chunk_body(build_form(UTF8, dict(OVERAGE)), 7),
    ],
    ids=["form", "query", "percent-u", "percent", "multipart", "chunked"],
)
def test_a_curl_line_computes_its_signature_from_the_password(request_: WireRequest) -> None:
    with mutant_server() as vendor:
        line = request_.build_curl(vendor.url)
        assert find_signatures(line, {SIGN}) == set()
        pasted = subprocess.run(["/bin/bash", "-c", line], capture_output=True, check=True, env=PASSWORD)
        assert b"<returnstatus>Sucess</returnstatus>" in pasted.stdout, line
        without = subprocess.run(["/bin/bash", "-c", line], capture_output=True, check=True, env=os.environ)
        assert b"<returnstatus>Faild</returnstatus>" in without.stdout


CLEAR = list((OWN.build_password_credentials() | {"action": "overage"}).items())


@pytest.mark.parametrize(
    "request_",
    [
        build_form(OLDER_UTF8, dict(CLEAR)),
        build_request(OLDER_GBK, query=CLEAR, method="GET"),
        build_request(OLDER_UTF8, body=CLEAR, encode=escape_unicode),
        build_multipart(OLDER_UTF8, CLEAR),
        chunk_body(build_form(OLDER_GBK, dict(CLEAR)), 7),
    ],
    ids=["form", "query", "percent-u", "multipart", "chunked"],
)
def test_a_curl_line_takes_the_password_from_the_environment(request_: WireRequest) -> None:
    with mutant_server() as vendor:
        line = request_.build_curl(vendor.url)
        assert "mima" not in unescape(line)
        completed = subprocess.run(["/bin/bash", "-c", line], capture_output=True, check=True, env=PASSWORD)
    assert b"<returnstatus>Sucess</returnstatus>" in completed.stdout


def test_a_wrong_password_is_withheld() -> None:
    fields = OWN.build_password_credentials() | {"action": "changespwd", "newpwd": "mima+1", "renewpwd": "mimb"}
    line = build_form(OLDER_UTF8, fields | {"password": "mimax"}).build_curl("http://127.0.0.1:1")
    assert "mim" not in line
    assert line.count("PASSWORD_NOT_SHOWN") == 3


@pytest.mark.parametrize("echo", ["{}", "%6d%69%6d%61", "x{}y", "MIMA"])
def test_a_password_that_the_server_echoes_is_in_no_output(echo: str, tmp_path: Path) -> None:
    html, junit, expect = (tmp_path / name for name in ("report.html", "report.xml", "expect.toml"))

    def answer(text: str, request: ApiRequest) -> str:
        shown = echo.format(request.fields.get("password", ""))
        return text.replace("<message>", f"<message>{shown} ")

    with mutant_server(Defect(text=answer)) as vendor:
        files = ["--html", str(html), "--junit", str(junit), "--write-expect", str(expect)]
        options = ["--endpoints", "all", *select("E-credentials", "E-credentials-empty", "E-credentials-wrong")]
        completed = run_contract(vendor.url, *OWN_OPTIONS, *options, *files)
    assert completed.returncode == 0, "clauses of the older endpoints fail only if they are demanded"
    outputs = [completed.stdout, completed.stderr, *(file.read_text("utf-8") for file in (html, junit, expect))]
    assert "PASSWORD_NOT_SHOWN" in outputs[0]
    for output in outputs:
        assert "mima" not in unescape(output).lower()


@pytest.mark.parametrize(
    ("sign", "shown"),
    [
        (SIGN.upper(), "| tr a-f A-F)"),
        (SIGN[:16], "| cut -c-16)"),
        (f"{SIGN}0", f"sign={WITHHELD}&"),
        (SIGN[:20] + "x" + SIGN[21:], f"sign={WITHHELD}&"),
        ("0" * 32, f"sign={'0' * 32}&"),
        ("", "sign=&"),
    ],
)
def test_a_wrong_signature_is_computed_or_withheld(sign: str, shown: str) -> None:
    line = build_form(UTF8, dict(OVERAGE) | {"sign": sign}).build_curl("http://127.0.0.1:1")
    assert shown in line
    assert SIGN[:8] not in line.lower()


def test_a_signature_in_a_response_is_hidden() -> None:
    assert hide_signatures_in_text(f"sign {SIGN.upper()} and {'a' * 32}") == f"sign {WITHHELD} and {'a' * 32}"


def test_numbers_and_texts_of_people_are_masked() -> None:
    text = "<mobile>13812345678</mobile><content>你好，我不需要</content><taskid>1212</taskid>"
    masked = "<mobile>138******78</mobile><content>(7 characters)</content><taskid>1212</taskid>"
    assert mask_response(text) == masked
    request = build_form(UTF8, {"action": "send", "mobile": ",".join(NUMBERS), "timestamp": "20120701231212"})
    line = mask_request(request).build_curl("http://127.0.0.1:1")
    assert "138******78%2C139******78&timestamp=20120701231212" in line


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("8613812345678", "86138******78"),
        ("+8613812345678", "+86138******78"),
        ("008613812345678", "0086138******78"),
        ("+86 138-1234-5678", "+86 138******78"),
        ("138 1234 5678", "138******78"),
        ("mobile=%2B8613812345678&", "mobile=%2B86138******78&"),
        ("%2013812345678%2C13912345678", "%20138******78%2C139******78"),
        ("%31%33%38%31%32%33%34%35%36%37%38", "%31%33%38******%37%38"),
        ("%u0031%u0033%u0038%u0031%u0032%u0033%u0034%u0035%u0036%u0037%u0038", "%u0031%u0033%u0038******%u0037%u0038"),
        ("&#49;&#51;&#56;12345678", "&#49;&#51;&#56;******78"),
        ("20120701231212 1341155532 95588 19999", "20120701231212 1341155532 95588 19999"),
        ("138123456789", "138123456789"),
    ],
)
def test_a_number_is_masked_with_its_prefix_and_in_every_encoding(text: str, masked: str) -> None:
    assert mask_numbers(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("<callbox><content>你好，我不", "<callbox><content>(5 characters)"),
        ("<Content >你好</Content >", "<Content >(2 characters)</Content >"),
        ("<content><![CDATA[你好]]></content>", "<content>(14 characters)</content>"),
        ("<mobile>+85291234567</mobile>", "<mobile>+85******67</mobile>"),
        ("<mobile>+852912345", "<mobile>+85******45"),
        ('{"mobile": "85291234567", "content": "a\\"你好"}', '{"mobile": "852******67", "content": "(5 characters)"}'),
        ("{'content': '你好', 'mobile': '13812345678'}", "{'content': '(2 characters)', 'mobile': '138******78'}"),
    ],
)
def test_a_value_without_its_end_or_in_another_notation_is_masked(text: str, masked: str) -> None:
    assert mask_response(text) == masked


def test_a_text_of_a_person_is_masked_wherever_it_occurs() -> None:
    texts = PrivateTexts()
    texts.remember("<callbox><content>我不需要 &amp; 再见</content></callbox><callbox><content>好</content></callbox>")
    texts.remember("<callbox><content>它没有结束")
    assert texts.mask("content is '我不需要 & 再见' instead of '好', not 好吗, after 它没有结束") == (
        "content is '(9 characters)' instead of '(1 characters)', not 好吗, after (5 characters)"
    )


def test_a_text_is_masked_before_it_is_cut(tmp_path: Path) -> None:
    """A value at the end of what is shown would escape a mask if it was cut first."""
    assert [shorten("number 13812345678, text", length) for length in (12, 18, 24)] == [
        "number … (24 characters)",
        "number … (24 characters)",
        "number 13812345678, text",
    ]
    padding = "<x/>" * 995  # the report shows 4,000 characters
    context = CheckContext(parse_address("http://127.0.0.1:1"), OWN, SafetyGuard())
    for value in ("<content>你好，我不需要</content>", "<mobile>13812345678</mobile>", f"<x>{SIGN}</x>"):
        for length in range(9, 40):
            failure = Mismatch(None, "x", padding + "-" * (40 - length) + value)
            verdict = build_failure(CLAUSES[0], failure, context, 0)
            assert "你好" not in verdict.actual
            assert "1381" not in verdict.actual
            assert SIGN[:8] not in verdict.actual


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"key={SIGN}&", f"key={WITHHELD}&"),
        (f"x{SIGN[:30]} is short", f"x{WITHHELD} is short"),
        ("".join(f"%{ord(c):02x}" for c in SIGN), WITHHELD),
        ("".join(f"&#{ord(c)};" for c in SIGN), WITHHELD),
        ("0" * 32, "0" * 32),
        ("1" + "0" * 30, "1" + "0" * 30),
        ("12345678901234567890123456789012", WITHHELD),
        ("2026-11-30 10:00:00, deadbeef", "2026-11-30 10:00:00, deadbeef"),
    ],
)
def test_every_word_that_may_be_a_signature_is_hidden_in_a_text_of_the_server(text: str, shown: str) -> None:
    assert hide_hex_words(text) == shown


def test_a_signature_that_a_check_computes_itself_is_hidden() -> None:
    signature = compute_signature("test", "mima", "20110102030405")
    assert hide_signatures_in_text(f"{signature}, {signature.upper()}") == f"{WITHHELD}, {WITHHELD}"


def test_the_numbers_of_a_request_are_masked_in_every_encoding_and_in_chunks() -> None:
    fields = [("action", "send"), ("mobile", f"{NUMBERS[0]}, {NUMBERS[1]}"), ("content", "内容")]
    every_byte = build_request(
        UTF8, body=fields, encode=lambda text: b"".join(b"%%%02X" % byte for byte in text.encode())
    )
    requests = [
        build_form(UTF8, dict(fields)),
        build_request(GBK, query=fields, method="GET"),
        build_request(UTF8, body=fields, encode=escape_unicode),
        every_byte,
        build_multipart(UTF8, fields),
        *(chunk_body(build_form(UTF8, dict(fields)), size) for size in (1, 3, 7, 19)),
    ]
    for request in requests:
        line = mask_request(request).build_curl("http://127.0.0.1:1")
        assert not re.search("1[38].{0,10}12345678|1[39]912345678", unescape(line)), line
        assert "******" in line


def test_a_network_error_that_quotes_the_server_is_masked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer_once, args=(server, f"HTTQ {SIGN} 8613812345678\r\n".encode())).start()
        with pytest.raises(TargetUnreachable) as caught:
            send_request(parse_address(f"http://127.0.0.1:{server.getsockname()[1]}"), build_form(UTF8, dict(OVERAGE)))
    assert f"HTTQ {WITHHELD} 86138******78" in str(caught.value)


def _answer_once(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(answer)


def test_a_dry_run_prints_no_signature_and_no_number() -> None:
    options = ["--allow-send", ",".join(NUMBERS), "--allow-fetch", "--dry-run"]
    completed = run_contract("http://127.0.0.1:1", *OWN_OPTIONS[:-1], "2", *options)
    assert completed.returncode == 0
    assert completed.stdout.count("action=send") > 20
    assert re.findall("[0-9a-f]{32}|1[0-9]{10}", completed.stdout.replace(INVALID_SIGN, "")) == []


@pytest.mark.parametrize("where", ["start", "middle"])
def test_a_signature_that_the_server_echoes_is_in_no_message(where: str, tmp_path: Path) -> None:
    """The server says at the start, or in the middle of the run, why it refuses the account."""
    signatures: set[str] = set()
    count = 0

    def echo(request: ApiRequest, response: Response) -> Response:
        nonlocal count
        count += 1
        signatures.add(hashlib.md5(f"testmima{request.credentials[1]}".encode(), usedforsecurity=False).hexdigest())
        if where != "start" and count < 4:
            return response
        sign = request.credentials[2]
        text = f"<returnsms><message>帐号已锁定 {sign} 13812345678 用户名或密码错误</message></returnsms>"
        return response._replace(body=text.encode())

    html, junit, expect = (tmp_path / name for name in ("report.html", "report.xml", "expect.toml"))
    with mutant_server(Defect(response=echo)) as vendor:
        files = ["--html", str(html), "--junit", str(junit), "--write-expect", str(expect)]
        clauses = select("2.3-found", "3.3-forbidden", "3.3-nothing-forbidden", "Q4")
        completed = run_contract(vendor.url, *OWN_OPTIONS[:-1], "100", *clauses, *files)
    assert completed.returncode in (1, 3), completed.stdout
    outputs = [completed.stdout, completed.stderr, *(file.read_text("utf-8") for file in (html, junit, expect))]
    assert any(WITHHELD in output for output in outputs)
    for output in outputs:
        assert find_signatures(output, signatures) == set()
        assert "13812345678" not in output


# Fetched items

ITEMS = "<returnsms><statusbox><mobile>13812345678</mobile></statusbox></returnsms>"


def test_fetched_items_are_on_disk_before_they_are_parsed(tmp_path: Path) -> None:
    file = FetchedFile(tmp_path / "fetched.jsonl")
    fetch = build_form(STATUS, CREDENTIALS | {"action": "query"})
    empty = ("<returnsms></returnsms>", "<returnsms/>", "<returnsms>\n</returnsms>", ERRORSTATUS, "")
    for body in (*empty, ITEMS, "<broken"):
        file.record(fetch, HttpResponse(200, "text/xml", body.encode()))
    file.record(fetch, HttpResponse(200, "text/xml", "<statusbox>内".encode("gbk")))
    file.record(build_form(UTF8, dict(OVERAGE)), HttpResponse(200, "text/xml", b"<x>"))
    lines = [json.loads(line) for line in file.path.read_text("utf-8").splitlines()]
    assert [line.get("body") for line in lines] == [ITEMS, "<broken", None]
    assert {(line["endpoint"], line["userid"]) for line in lines} == {(STATUS, "12")}
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert "sign" not in file.path.read_text("utf-8")


@pytest.mark.parametrize(
    "body",
    [
        "<returnsms><callbox><content><![CDATA[<errorstatus>]]></content></callbox></returnsms>",
        "<returnsms><callbox><content><returnsms/></content></callbox></returnsms>",
        "<returnsms><errorstatus><error>0</error></errorstatus><statusbox><mobile>1</mobile></statusbox></returnsms>",
        "<returnsms><errorstatus><statusbox/></errorstatus></returnsms>",
    ],
)
def test_a_response_with_items_is_kept_whatever_they_contain(body: str, tmp_path: Path) -> None:
    file = FetchedFile(tmp_path / "fetched.jsonl")
    file.record(build_form(STATUS, {}), HttpResponse(200, "text/xml", body.encode()))
    assert json.loads(file.path.read_text("utf-8"))["body"] == body


def test_fetched_items_that_cannot_be_written_end_the_run(tmp_path: Path) -> None:
    file = FetchedFile(tmp_path / "none" / "fetched.jsonl")
    with pytest.raises(FetchedFileError, match=r"fetched\.jsonl cannot be written: No such file"):
        file.record(build_form(STATUS, {}), HttpResponse(200, "", ITEMS.encode()))


def test_the_default_file_has_the_date() -> None:
    assert build_default_path(date(2026, 1, 2)) == Path("sms10692-fetched-20260102.jsonl")
