"""An answer of too many elements is Unreadable before it takes memory, and hides no other answer that was kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sms10692 import InvalidResponse, RawResponse, replay_spool, responses

BOX = (
    b"<statusbox><mobile>15023239810</mobile><taskid>1212</taskid><status>10</status>"
    b"<receivetime>2011-12-02 22:12:11</receivetime><errorcode>DELIVRD</errorcode><extno>01</extno></statusbox>"
)
MILLIONS = b"<returnsms>" + b"<a/>" * 10_100_000 + b"</returnsms>"


def read(read: Callable[[RawResponse], Any], body: bytes) -> str:
    with pytest.raises(InvalidResponse) as raised:
        read(RawResponse(200, {}, body))
    return raised.value.why


@pytest.mark.parametrize("reader", [responses.parse_reports, responses.parse_replies])
def test_ten_million_elements_in_an_answer_of_a_queue_are_unreadable(reader: Any) -> None:
    assert read(reader, MILLIONS) == "more than 1000000 elements"


@pytest.mark.parametrize(
    "reader", [responses.parse_send_result, responses.parse_balance, responses.parse_keyword_result]
)
def test_ten_thousand_elements_in_any_other_answer_are_unreadable(reader: Any) -> None:
    assert read(reader, b"<returnsms>" + b"<a/>" * 10_000 + b"</returnsms>") == "more than 10000 elements"


@pytest.mark.parametrize("quote", [b"'", b'"'])
def test_attributes_count_as_elements(quote: bytes) -> None:
    attributes = b" ".join(b"a%d=%s%s" % (place, quote, quote) for place in range(10_000))
    assert read(responses.parse_send_result, b"<returnsms " + attributes + b"/>") == "more than 10000 elements"


def test_more_reports_than_anybody_fetches_at_once_are_read() -> None:
    assert len(responses.parse_reports(RawResponse(200, {}, b"<returnsms>" + BOX * 20_000 + b"</returnsms>"))) == 20_000


@pytest.mark.parametrize("before", ["", "<!-- <a> -->", "<?xml version='1.0'?>", " <?a b?>\n<!---->", "\ufeff"])
def test_attributes_that_a_document_type_declares_are_put_into_no_element(before: str) -> None:
    """A thousand of them in each of half a million elements are more than any machine holds."""
    declared = " ".join(f"a{place} CDATA 'x'" for place in range(1000))
    body = f"{before}<!DOCTYPE returnsms [<!ATTLIST b {declared}>]><returnsms>{'<b/>' * 500_000}</returnsms>"
    assert read(responses.parse_reports, body.encode()) == "a document type declaration is not allowed"


def test_a_text_that_looks_like_a_document_type_is_a_text() -> None:
    box = BOX.replace(b"DELIVRD", b"<![CDATA[<!DOCTYPE html>]]>")
    (report,) = responses.parse_reports(RawResponse(200, {}, b"<returnsms>" + box + b"</returnsms>"))
    assert report.errorcode == "<!DOCTYPE html>"


def test_a_kept_answer_of_millions_of_elements_hides_none_after_it(tmp_path: Path) -> None:
    (tmp_path / "0.status.xml").write_bytes(MILLIONS)
    (tmp_path / "1.status.xml").write_bytes(b"<returnsms>" + BOX + b"</returnsms>")
    (tmp_path / "2.call.xml").write_bytes(b"nonsense")
    (tmp_path / "3.status.xml").write_bytes(b"<returnsms>" + BOX * 2 + b"</returnsms>")
    batches = replay_spool(tmp_path)
    assert [len(next(batches)), len(next(batches))] == [1, 2]
    with pytest.raises(InvalidResponse) as raised:
        next(batches)
    assert raised.value.kept == tmp_path / "0.status.xml"
    assert len(raised.value.__notes__) == 1
    assert f"{tmp_path / '2.call.xml'} cannot be read either: not valid XML" in raised.value.__notes__[0]


def test_a_kept_answer_that_the_disk_does_not_give_hides_none_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("0.status.xml", "1.status.xml"):
        (tmp_path / name).write_bytes(b"<returnsms>" + BOX + b"</returnsms>")
    read_bytes = Path.read_bytes

    def broken(path: Path) -> bytes:
        if path.name == "0.status.xml":
            raise OSError(5, "Input/output error", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", broken)
    batches = replay_spool(tmp_path)
    assert next(batches).kept == tmp_path / "1.status.xml"
    with pytest.raises(OSError, match=r"0\.status\.xml"):
        next(batches)
