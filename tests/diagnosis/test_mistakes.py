"""The table of mistakes that clients make, `mistakes.toml`: each is explained, and reported when it is sent.

What is explained from a text and what is reported about a request that arrived come by different ways, so both are
compared with the table.
"""

import http.client
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, NotRequired, TypedDict

import pytest

from sms10692_mock.diagnosis.pasted import parse_pasted
from sms10692_mock.diagnosis.registry import EXAMPLE_ACCOUNTS, FindingSpec, explain_example, load_registry
from sms10692_mock.diagnosis.translations import in_chinese
from support.diagnosis import NOW
from support.emulators import emulator_server
from support.http_client import Address, call_control, connect

SIGNED = "userid=12&timestamp=20120701231212&sign=5cc68982f55ac74348e3d819f868fbe1"
ABBREVIATIONS: Final = {"<signed>": SIGNED, "<send>": f"action=send&{SIGNED}&mobile=15023239810"}
"""Parts of requests that are abbreviated in the table."""


class Mistake(TypedDict):
    """A row: the request, the code that must come first, a piece of its sentence, and codes that must (not) occur."""

    request: str
    code: str
    part: str
    without: NotRequired[list[str]]
    also: NotRequired[list[str]]


def load_mistakes() -> dict[str, Mistake]:
    return tomllib.loads(Path(__file__).with_name("mistakes.toml").read_text("utf-8"))


MISTAKES: Final = load_mistakes()


def expand(request: str) -> str:
    for short, long in ABBREVIATIONS.items():
        request = request.replace(short, long)
    return request.lstrip("\n")


def check(mistake: Mistake, sentences: list[tuple[str, str]]) -> None:
    codes = [code for code, _ in sentences]
    assert codes[:1] == [mistake["code"]], sentences
    assert mistake["part"] in sentences[0][1]
    assert [code for code in codes if code in mistake.get("without", ())] == []
    assert set(mistake.get("also", ())) <= set(codes)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_explained(name: str) -> None:
    mistake = MISTAKES[name]
    explanation = explain_example(FindingSpec("", "", "", expand(mistake["request"]), {}, ""))
    check(mistake, [(finding.code, finding.sentence) for finding in explanation.findings])
    for finding in explanation.findings:
        assert "{" not in in_chinese(finding.code, *("1" for _ in finding.values))


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with emulator_server({"clock": lambda: NOW}, accounts=EXAMPLE_ACCOUNTS) as address:
        yield address


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_reported_when_it_is_sent(address: Address, name: str) -> None:
    mistake = MISTAKES[name]
    request = parse_pasted(expand(mistake["request"]))
    headers = list(request.headers)
    if request.body and not any(header.lower() == "content-length" for header, _ in headers):
        headers.append(("Content-Length", str(len(request.body))))
    target = request.path.encode() + (b"?" + request.query if request.query else b"")
    lines = "".join(f"{header}: {value}\r\n" for header, value in headers).encode()
    raw = b"%s %s HTTP/1.1\r\n%s\r\n%s" % (request.method.encode(), target, lines, request.body)
    with connect(address) as connection:
        connection.sendall(raw)
        with closing(http.client.HTTPResponse(connection, method=request.method)) as response:
            response.begin()
            hint = response.getheader("X-Mock-Hint", "")
    (entry,) = call_control(address, "GET", "/requests?order=desc&limit=1")["items"]
    assert entry["has_findings"]
    findings = call_control(address, "GET", f"/requests/{entry['number']}")["diagnosis"]
    check(mistake, [(finding["code"], finding["sentence"]) for finding in findings])
    assert hint.startswith(f"{mistake['code']}: "), "the check before the response let it pass"


def test_the_table_names_existing_codes() -> None:
    assert {mistake["code"] for mistake in MISTAKES.values()} <= set(load_registry())
