"""The metrics in Prometheus' text format: what they count, with which labels, and who may read them."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.app.request_metrics import DURATION_BUCKETS, RequestMetrics
from sms10692_mock.diagnosis.messages import MESSAGES
from support.flask_emulator import FlaskEmulator

ACCOUNT = {"userid": "12", "account": "test", "password": "mima"}


def read_metrics(emulator: FlaskEmulator) -> dict[str, float]:
    """The samples of the emulator, by name and labels as written."""
    response = emulator.http.get("/_mock/metrics")
    assert response.status_code == 200
    assert response.mimetype == "text/plain"
    lines = [line for line in response.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_requests_are_counted_by_operation_and_result() -> None:
    emulator = FlaskEmulator()
    emulator.send(ACCOUNT)
    emulator.send(ACCOUNT)
    emulator.send(ACCOUNT, content="发票")
    emulator.send({**ACCOUNT, "userid": "unknown-7"})
    emulator.status(ACCOUNT)
    emulator.post("/v2sms.aspx", ACCOUNT, action="a-client-chose-this")
    emulator.http.put("/v2callApi.aspx")
    emulator.control("POST", "faults", {"kind": "vendor_error", "message": "参数不正确"})
    emulator.call(ACCOUNT)
    emulator.control("DELETE", "faults")
    samples = read_metrics(emulator)
    requests = {name: value for name, value in samples.items() if name.startswith("sms10692_mock_requests_total")}
    assert requests == {
        'sms10692_mock_requests_total{operation="call",result="fault"}': 1,
        'sms10692_mock_requests_total{operation="call",result="rejected"}': 1,
        'sms10692_mock_requests_total{operation="other",result="refused"}': 1,
        'sms10692_mock_requests_total{operation="send",result="accepted"}': 2,
        'sms10692_mock_requests_total{operation="send",result="refused"}': 2,
        'sms10692_mock_requests_total{operation="status",result="accepted"}': 1,
    }
    duration = "sms10692_mock_request_duration_seconds"
    assert samples[f'{duration}_count{{operation="send",result="accepted"}}'] == 2
    assert samples[f'{duration}_bucket{{le="+Inf",operation="send",result="accepted"}}'] == 2
    assert 0 < samples[f'{duration}_sum{{operation="send",result="accepted"}}'] < 2


def test_no_text_of_a_client_becomes_a_label() -> None:
    emulator = FlaskEmulator()
    emulator.http.post("/v2sms.aspx", data={"userid": "chosen-userid", "action": "chosen-action", "sign": "chosen"})
    emulator.http.post("/chosen-path", data={"userid": "chosen-userid"})
    emulator.send(ACCOUNT, extno="chosen")
    assert "chosen" not in emulator.http.get("/_mock/metrics").text


def test_the_findings_of_responses_are_counted_by_code() -> None:
    emulator = FlaskEmulator()
    response = emulator.http.post("/v2sms.aspx", data={"action": "send", "userid": "12", "sign": "x", "timestamp": "1"})
    codes = [part.partition(":")[0] for part in response.headers["X-Mock-Hint"].split(" | ")]
    assert codes
    samples = read_metrics(emulator)
    found = {name: value for name, value in samples.items() if name.startswith("sms10692_mock_findings_total")}
    assert found == {f'sms10692_mock_findings_total{{code="{code}"}}': 1 for code in codes}
    assert set(codes) <= set(MESSAGES)


def test_queue_lengths_are_those_of_all_accounts_on_their_clocks() -> None:
    emulator = FlaskEmulator()
    other = emulator.control("POST", "accounts", {"private_clock": True})
    emulator.send(ACCOUNT, mobile="15023239810,10000000030")  # the second one replies
    emulator.send(other, mobile="10000000023")  # is reported 30 seconds later
    name = 'sms10692_mock_queue_items{{queue="{}",state="{}"}}'
    queues = [
        name.format(*labels) for labels in (("reports", "waiting"), ("reports", "scheduled"), ("replies", "waiting"))
    ]
    samples = read_metrics(emulator)
    assert [samples[queue] for queue in queues] == [2, 1, 1]
    assert samples["sms10692_mock_accounts"] == 2
    emulator.status(ACCOUNT)
    emulator.control("POST", f"accounts/{other['userid']}/clock/advance", {"seconds": 30})
    assert [read_metrics(emulator)[queue] for queue in queues] == [1, 0, 1]


def test_the_metrics_need_the_token_of_the_control_api() -> None:
    emulator = FlaskEmulator(AccessPolicy(token="secret"))
    assert emulator.http.get("/_mock/metrics").status_code == 401
    allowed = emulator.http.get("/_mock/metrics", headers={"Authorization": "Bearer secret"})
    assert "sms10692_mock_build_info{" in allowed.text
    assert FlaskEmulator().http.get("/_mock/metrics", headers={"Host": "rebound.example"}).status_code == 403


def test_a_duration_is_in_the_bucket_of_its_upper_bound() -> None:
    metrics = RequestMetrics()
    for seconds in (0.0, 0.0001, 0.00011, 0.25, 1.0, 1.5):
        metrics.count_request("send", "accepted", seconds)
    total, counts = metrics.requests()["send", "accepted"]
    assert total == pytest.approx(2.75021)
    assert dict(zip((*DURATION_BUCKETS, "+Inf"), counts, strict=True)) == dict.fromkeys(DURATION_BUCKETS, 0) | {
        0.0001: 2,
        0.00025: 1,
        0.25: 1,
        1.0: 1,
        "+Inf": 1,
    }


def test_concurrent_requests_are_all_counted() -> None:
    metrics = RequestMetrics()

    def count(_: int) -> None:
        for _ in range(2000):
            metrics.count_request("send", "accepted", 0.5)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(8)))
    assert sum(metrics.requests()["send", "accepted"].counts) == 16_000


def test_the_library_is_imported_by_the_first_reader_only() -> None:
    program = (
        "import sys\nfrom sms10692_mock.admin.app import create_app\napp = create_app()\n"
        "app.test_client().get('/_mock/health')\nassert 'prometheus_client' not in sys.modules\n"
        "app.test_client().get('/_mock/metrics')\nassert 'prometheus_client' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
