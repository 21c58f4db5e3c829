"""Tests of what reports must not contain: valid signatures, real numbers, texts; and of the file of fetched items."""

import hashlib
import json
import os
import re
import stat
import subprocess
from datetime import date
from pathlib import Path

import pytest

from sms10692_contract.expected import ERRORSTATUS
from sms10692_contract.fetched_file import FetchedFile, FetchedFileError, build_default_path
from sms10692_contract.http import HttpResponse
from sms10692_contract.masking import WITHHELD, hide_signatures_in_text, mask_request, mask_response
from sms10692_contract.requests import (
    GBK,
    STATUS,
    UTF8,
    build_form,
    build_multipart,
    build_request,
    chunk_body,
    escape_unicode,
)
from sms10692_contract.suite_account import SuiteAccount
from sms10692_mock.domain.api_request import ApiRequest
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
        return text.replace("<message>", "<message>x").replace("<remark>", "<remark>x")

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
def test_a_curl_line_computes_its_signature_from_the_password(request_: object) -> None:
    with mutant_server() as vendor:
        line = request_.build_curl(vendor.url)  # type: ignore[attr-defined]
        assert find_signatures(line, {SIGN}) == set()
        pasted = subprocess.run(["/bin/bash", "-c", line], capture_output=True, check=True, env=PASSWORD)
        assert b"<returnstatus>Sucess</returnstatus>" in pasted.stdout, line
        without = subprocess.run(["/bin/bash", "-c", line], capture_output=True, check=True, env=os.environ)
        assert b"<returnstatus>Faild</returnstatus>" in without.stdout


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
