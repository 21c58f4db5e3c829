"""The recorder accepts credentials on proof only, and writes its start state now and then, not with each exchange."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from sms10692.signing import sign
from sms10692_mock.recorder import recorder as recorder_module
from sms10692_mock.recorder.exchange_writer import RecordedExchange, write_exchange
from sms10692_mock.recorder.recorder import CapturedExchange, CapturedResponse, Recorder
from sms10692_mock.recorder.request_mask import CapturedRequest, parse_captured_head
from sms10692_mock.recording.exchange_folder import Outcome
from support.http_client import build_request
from support.recordings import STARTED, read_recording

TIMESTAMP = "20260101000000"
SIGNED = f"userid=5&timestamp={TIMESTAMP}&sign=0123456789abcdef0123456789abcdef"
OLDER = "userid=5&account=acct&password="
ACCEPTED = "<returnsms><returnstatus>Sucess</returnstatus><message></message><overage>5</overage></returnsms>"
REFUSED = "<returnsms><returnstatus>Faild</returnstatus><message>%s</message></returnsms>"


def capture(path: str, form: str, answer: str, *, outcome: Outcome = "complete", number: int = 1) -> CapturedExchange:
    head, end, body = build_request(path, form.encode()).partition(b"\r\n\r\n")
    response = CapturedResponse(b"HTTP/1.1 200 OK\r\n\r\n", answer.encode()) if answer else None
    request = CapturedRequest(head + end, body, parse_captured_head(head + end), is_complete=True)
    return CapturedExchange(number, STARTED, 0.1, outcome, request, response)


def record(folder: Path, *exchanges: CapturedExchange) -> list[dict[str, str]]:
    """Record exchanges; return the accounts of the start state."""
    recorder = Recorder(folder, STARTED, (), print)
    recorder.start()
    for exchange in exchanges:
        recorder.record(exchange)
    assert recorder.close() == 0
    accounts: list[dict[str, str]] = tomllib.loads((folder / "state.toml").read_text("utf-8")).get("accounts", [])
    return accounts


UNPROVEN: dict[str, tuple[str, str, Outcome]] = {
    "another text": ("action=overage", REFUSED % "签名错误", "complete"),
    "an error of a queue": (
        "action=query",
        "<returnsms><errorstatus><error>9</error><remark>签名错误</remark></errorstatus></returnsms>",
        "complete",
    ),
    "a cut queue": ("action=query", "<returnsms>", "cut"),
    "no response": ("action=overage", "", "reset"),
    "a page": ("action=query", "<html>Bad gateway</html>", "complete"),
}


@pytest.mark.parametrize("name", UNPROVEN)
def test_without_proof_a_signature_stays_wrong_and_a_password_unknown(name: str, tmp_path: Path) -> None:
    action, answer, outcome = UNPROVEN[name]
    pages = ("/v2callApi.aspx", "/callApi.aspx") if "query" in action else ("/v2sms.aspx", "/sms.aspx")
    [account] = record(
        tmp_path,
        capture(pages[0], f"{action}&{SIGNED}", answer, outcome=outcome),
        capture(pages[1], f"{action}&{OLDER}WRONGpw1", answer, outcome=outcome, number=2),
        capture("/sms.aspx", f"action=overage&{OLDER}RIGHTpwd9", ACCEPTED, number=3),
    )
    signed, wrong, right = (
        exchange.request.partition(b"\r\n\r\n")[2].decode() for exchange in read_recording(tmp_path)
    )
    assert not signed.endswith(sign(account["account"], account["password"], TIMESTAMP))
    assert re.search("sign=[0-9a-f]{32}$", signed)
    assert right.endswith(f"password={account['password']}")
    assert not wrong.endswith(account["password"])


PROVEN = {
    "a success": ("/v2sms.aspx", "action=overage", ACCEPTED),
    "a forbidden word": (
        "/v2sms.aspx",
        "action=checkkeyword&content=x",
        "<returnsms><message>包含非法字符</message></returnsms>",
    ),
    "no balance": ("/v2sms.aspx", "action=send", REFUSED % "对不起，您当前要发送的量大于您当前余额"),
    "an empty queue": ("/v2callApi.aspx", "action=query", "<returnsms>\r\n</returnsms>"),
}


@pytest.mark.parametrize("name", PROVEN)
def test_with_proof_a_signature_is_computed_anew(name: str, tmp_path: Path) -> None:
    path, action, answer = PROVEN[name]
    [account] = record(tmp_path, capture(path, f"{action}&{SIGNED}", answer))
    [exchange] = read_recording(tmp_path)
    assert exchange.request.decode().endswith(sign(account["account"], account["password"], TIMESTAMP))


def test_signatures_that_could_not_be_rewritten_are_counted(tmp_path: Path) -> None:
    """The folder of the signed request is gone when the account's name and password come to light."""
    reported: list[str] = []
    recorder = Recorder(tmp_path, STARTED, (), reported.append)
    first = capture("/v2sms.aspx", f"action=overage&{SIGNED}", ACCEPTED)
    recorder.record(first)
    recorder.record(capture("/sms.aspx", f"action=overage&{OLDER}RIGHTpwd9", ACCEPTED, number=2))

    def write_and_remove(folder: Path, exchange: RecordedExchange) -> Path:
        written = write_exchange(folder, exchange)
        if exchange.name.startswith("0001"):
            shutil.rmtree(written)
        return written

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder_module, "write_exchange", write_and_remove)
        recorder.start()
        assert recorder.close() == 1
    assert len(reported) == 1


def test_the_start_state_is_written_every_few_seconds_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock, which is read once before each exchange, reaches the interval at the sixth of ten."""
    written: list[bytes] = []
    monkeypatch.setattr(recorder_module, "replace_file", lambda _, content: written.append(content))
    times = iter([0.0, *[1.0] * 5, 60.0])
    recorder = Recorder(tmp_path, STARTED, (), print, retry_seconds=60, clock=lambda: next(times, 60.0))
    recorder.start()
    for number in range(1, 11):
        recorder.record(
            capture(
                "/v2sms.aspx", f"action=overage&{SIGNED}".replace("=5", f"={4000 + number}"), ACCEPTED, number=number
            )
        )
    assert recorder.close() == 0
    assert [content.count(b"[[accounts]]") for content in written] == [0, 6, 10]
