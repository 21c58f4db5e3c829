"""Size limits of responses: too many elements are refused before parsing; a bad spool file does not hide others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sms10692 import InvalidResponse, RawResponse, replay_spool, responses

REPORT_ITEM = (
    b"<statusbox><mobile>15023239810</mobile><taskid>1212</taskid><status>10</status>"
    b"<receivetime>2011-12-02 22:12:11</receivetime><errorcode>DELIVRD</errorcode><extno>01</extno></statusbox>"
)
TEN_MILLION_ELEMENTS = b"<returnsms>" + b"<a/>" * 10_100_000 + b"</returnsms>"


def parse_error(parse: Callable[[RawResponse], Any], body: bytes) -> str:
    """Return the reason for which a parser refuses a body."""
    with pytest.raises(InvalidResponse) as raised:
        parse(RawResponse(200, {}, body))
    return raised.value.reason


@pytest.mark.parametrize("parse", [responses.parse_reports, responses.parse_replies])
def test_ten_million_elements_in_a_queue_response_are_refused(parse: Any) -> None:
    assert parse_error(parse, TEN_MILLION_ELEMENTS) == "more than 1000000 elements"


@pytest.mark.parametrize(
    "parse", [responses.parse_send_result, responses.parse_balance, responses.parse_keyword_result]
)
def test_ten_thousand_elements_in_any_other_response_are_refused(parse: Any) -> None:
    assert parse_error(parse, b"<returnsms>" + b"<a/>" * 10_000 + b"</returnsms>") == "more than 10000 elements"


@pytest.mark.parametrize("quote", [b"'", b'"'])
def test_attributes_count_as_elements(quote: bytes) -> None:
    attributes = b" ".join(b"a%d=%s%s" % (index, quote, quote) for index in range(10_000))
    assert parse_error(responses.parse_send_result, b"<returnsms " + attributes + b"/>") == "more than 10000 elements"


def test_twenty_thousand_reports_are_parsed() -> None:
    assert (
        len(responses.parse_reports(RawResponse(200, {}, b"<returnsms>" + REPORT_ITEM * 20_000 + b"</returnsms>")))
        == 20_000
    )


@pytest.mark.parametrize("before", ["", "<!-- <a> -->", "<?xml version='1.0'?>", " <?a b?>\n<!---->", "\ufeff"])
def test_default_attributes_of_a_document_type_are_not_expanded(before: str) -> None:
    """A thousand attributes in each of half a million elements would exhaust memory."""
    declared = " ".join(f"a{index} CDATA 'x'" for index in range(1000))
    body = f"{before}<!DOCTYPE returnsms [<!ATTLIST b {declared}>]><returnsms>{'<b/>' * 500_000}</returnsms>"
    assert parse_error(responses.parse_reports, body.encode()) == "a document type declaration is not allowed"


def test_a_field_that_looks_like_a_document_type_is_text() -> None:
    item = REPORT_ITEM.replace(b"DELIVRD", b"<![CDATA[<!DOCTYPE html>]]>")
    (report,) = responses.parse_reports(RawResponse(200, {}, b"<returnsms>" + item + b"</returnsms>"))
    assert report.errorcode == "<!DOCTYPE html>"


def test_an_oversized_spool_file_does_not_hide_later_ones(tmp_path: Path) -> None:
    (tmp_path / "0.status.xml").write_bytes(TEN_MILLION_ELEMENTS)
    (tmp_path / "1.status.xml").write_bytes(b"<returnsms>" + REPORT_ITEM + b"</returnsms>")
    (tmp_path / "2.call.xml").write_bytes(b"nonsense")
    (tmp_path / "3.status.xml").write_bytes(b"<returnsms>" + REPORT_ITEM * 2 + b"</returnsms>")
    batches = replay_spool(tmp_path)
    assert [len(next(batches)), len(next(batches))] == [1, 2]
    with pytest.raises(InvalidResponse) as raised:
        next(batches)
    assert raised.value.spool_file == tmp_path / "0.status.xml"
    assert len(raised.value.__notes__) == 1
    assert f"{tmp_path / '2.call.xml'} cannot be read either: not valid XML" in raised.value.__notes__[0]


def test_an_unreadable_spool_file_does_not_hide_later_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("0.status.xml", "1.status.xml"):
        (tmp_path / name).write_bytes(b"<returnsms>" + REPORT_ITEM + b"</returnsms>")
    read_bytes = Path.read_bytes

    def fail_for_first_file(path: Path) -> bytes:
        if path.name == "0.status.xml":
            raise OSError(5, "Input/output error", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", fail_for_first_file)
    batches = replay_spool(tmp_path)
    assert next(batches).spool_file == tmp_path / "1.status.xml"
    with pytest.raises(OSError, match=r"0\.status\.xml"):
        next(batches)
