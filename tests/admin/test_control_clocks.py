"""Clock overrides: one clock, the account's own or the global one, decides every time in a response."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sms10692_mock.domain.bounds import EARLIEST_TIME, LATEST_TIME, MAX_SPEED
from sms10692_mock.domain.clock import ClockOverride, format_time
from support.emulators import MANUAL_TIME, sign
from support.flask_emulator import FlaskEmulator
from support.stores import EACH_STORE, StoreFactory, open_test_store


def test_all_times_follow_the_clock_of_the_account() -> None:
    emulator = FlaskEmulator(profile="max_clock_skew = 60")
    account = emulator.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    emulator.control("PUT", f"{path}/clock", {"mode": "frozen", "now": "2020-02-29T23:59:50+08:00"})
    emulator.control("PUT", f"{path}/delivery-rules", {"rules": [{"number": "151", "delay": 30, "reply": "T"}]})

    def send(timestamp: str, **fields: str) -> str:
        signature = sign(account["account"], account["password"], timestamp)
        form = {
            "userid": account["userid"],
            "timestamp": timestamp,
            "sign": signature,
            "action": "send",
            "content": "x",
        }
        return emulator.http.post("/v2sms.aspx", data=form | fields).text

    assert "用户名或密码错误" in send("20111202221211", mobile="15023239810")
    assert "<message>ok<" in send("20200229235950", mobile="15123239810")
    assert "<message>ok<" in send("20200301000049", mobile="15023239810", sendTime="2020-03-01 00:01:00")
    dues = [item["due"][11:19] for item in emulator.control("GET", f"{path}/reports")["items"]]
    assert dues == ["00:00:20", "00:01:00"]
    advanced = [emulator.control("POST", f"{path}/clock/advance", {"to": "next"})["now"][11:19] for _ in range(2)]
    assert advanced == dues
    assert emulator.refusal("POST", f"{path}/clock/advance", json={"to": "next"})[0] == 409
    messages = emulator.control("GET", f"{path}/messages?state=waiting")["items"]
    assert [message["sent"][:19] for message in messages] == ["2020-02-29T23:59:50"] * 2
    assert emulator.control("GET", "clock")["now"] == "2011-12-02T22:12:11+08:00"
    assert emulator.control("GET", f"{path}/requests")["items"][0]["account_time"] == "2020-02-29T23:59:50+08:00"
    assert emulator.control("GET", f"{path}/requests")["items"][0]["received"] == "2011-12-02T22:12:11+08:00"


def test_the_global_clock_advances_to_the_next_event_of_the_accounts_that_follow_it() -> None:
    emulator = FlaskEmulator()
    first, second = (emulator.control("POST", "accounts") for _ in range(2))
    emulator.control("PUT", f"accounts/{second['userid']}/clock", {"mode": "frozen"})
    for account, seconds in ((first, 50), (second, 10)):
        emulator.send(account)
        emulator.status(account)
        report = {"mobile": "13000000001", "seconds": seconds}
        emulator.control("POST", f"accounts/{account['userid']}/reports", report)
    assert emulator.control("POST", "clock/advance", {"to": "next"})["now"] == "2011-12-02T22:13:01+08:00"
    assert "statusbox" in emulator.status(first)
    assert "statusbox" not in emulator.status(second)
    assert emulator.refusal("POST", "clock/advance", json={"to": "next"})[0] == 409


def test_reports_become_due_on_a_fast_clock_and_not_on_a_frozen_clock() -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    emulator.control("PUT", f"{path}/clock", {"mode": "running", "speed": 60})
    emulator.send(account, mobile="10000000023")
    emulator.now += 0.4
    assert "statusbox" not in emulator.status(account)
    emulator.control("PUT", f"{path}/clock", {"mode": "frozen"})
    emulator.now += 60
    assert "statusbox" not in emulator.status(account)
    emulator.control("PUT", f"{path}/clock", {"mode": "running", "speed": 60})
    emulator.now += 0.1
    assert "statusbox" in emulator.status(account)


def test_a_clock_stops_at_the_year_9000() -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    emulator.control("PUT", f"{path}/clock", {"mode": "running", "now": "8999-12-31T00:00:00Z", "speed": 1_000_000})
    emulator.now += 10**9
    emulator.send(account, mobile="10000000023", sendTime="9999-12-31 23:59:59")
    for _ in range(3):
        assert emulator.control("POST", f"{path}/clock/advance", {"seconds": 10**10})["now"][:4] == "9000"
    assert emulator.control("GET", f"{path}/reports")["items"][0]["due"] == "9999-12-31T23:59:59+08:00"
    assert emulator.refusal("PUT", f"{path}/clock", json={"mode": "frozen", "now": "9999-01-01T00:00:00Z"})[0] == 422


def test_a_clock_does_not_advance_to_an_event_after_the_year_9000() -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    emulator.send(account, sendTime="9999-12-31 23:59:59")
    assert emulator.refusal("POST", f"{path}/clock/advance", json={"to": "next"}) == (
        409,
        "the next report or reply is due after the year 9000, the end of all clocks",
    )


def test_concurrent_advances_to_the_next_event_reach_the_same_event() -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    emulator.send(account, mobile="10000000023")

    def advance(_: int) -> str:
        response = emulator.app.test_client().post(f"/_mock/{path}/clock/advance", json={"to": "next"})
        assert response.json is not None
        return str(response.json.get("now") or response.json["error"])

    with ThreadPoolExecutor(4) as threads:
        results = set(threads.map(advance, range(4)))
    assert "2011-12-02T22:12:41+08:00" in results
    assert results <= {"2011-12-02T22:12:41+08:00", "no report or reply is scheduled"}
    assert emulator.control("GET", f"{path}/clock")["now"] == "2011-12-02T22:12:41+08:00"


# Whole seconds


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.123456, 0.3, 0.7000001, 0.9999999])
def test_an_older_account_shows_the_second_at_which_real_time_is_frozen(fraction: float) -> None:
    """As with `time_machine.travel(..., tick=False)` in a test whose account was created before."""
    readings = iter([1_764_460_800 + fraction + reading * 1e-6 for reading in range(1000)])
    now: list[float] = []
    emulator = FlaskEmulator(clock=lambda: now[0] if now else next(readings))
    account = emulator.control("POST", "accounts", {"private_clock": True})
    now.append(1_767_225_600.0)
    emulator.send(account)
    assert "<receivetime>2026-01-01 08:00:00<" in emulator.status(account)
    emulator.control("POST", f"accounts/{account['userid']}/clock/advance", {"seconds": 0.1})
    for _ in range(9):
        emulator.control("POST", f"accounts/{account['userid']}/clock/advance", {"seconds": 0.1})
    emulator.send(account)
    assert "<receivetime>2026-01-01 08:00:01<" in emulator.status(account)


@given(
    at=st.integers(0, 2 * 10**9),
    since=st.floats(0.0, 2e9),
    steps=st.lists(st.integers(1, 999), min_size=1, max_size=20),
    real_time=st.integers(0, 10**6),
)
def test_steps_that_add_up_to_whole_seconds_end_at_a_whole_second(
    at: int, since: float, steps: list[int], real_time: int
) -> None:
    clock = ClockOverride(float(at), since)
    for step in (*steps, 1000 - sum(steps) % 1000):
        clock = clock.advance(step / 1000, since)
    total = sum(steps) + 1000 - sum(steps) % 1000
    assert clock.now(since) == at + total // 1000
    assert ClockOverride(since, since).now(float(real_time)) == real_time


def test_a_report_due_at_a_whole_second_shows_that_second() -> None:
    emulator = FlaskEmulator(report_delay=0.1)
    emulator.now = 1_767_225_599.9
    emulator.control("PUT", "accounts/12/delivery-rules", {"rules": [{"number": "151", "delay": 0.2}]})
    own = {"userid": "12", "account": "test", "password": "mima"}
    emulator.send(own)
    emulator.now = 1_767_225_599.7
    emulator.send(own, mobile="15123239810")
    emulator.now = 1_767_225_600.0
    assert emulator.status(own).count("<receivetime>2026-01-01 08:00:00<") == 2


# Real time that runs backwards, and clocks at their bounds


@given(
    at=st.floats(EARLIEST_TIME, LATEST_TIME),
    since=st.floats(-1e12, 1e12),
    speed=st.floats(0.0, MAX_SPEED),
    real=st.floats(-1e12, 1e12),
    seconds=st.floats(0.0, 1e10),
)
@example(at=MANUAL_TIME, since=MANUAL_TIME, speed=1e6, real=MANUAL_TIME - 86400, seconds=0.0)
def test_every_time_of_a_clock_can_be_formatted(
    at: float, since: float, speed: float, real: float, seconds: float
) -> None:
    clock = ClockOverride(at, since, speed)
    for timestamp in (clock.now(real), clock.advance(seconds, real).now(-real)):
        assert EARLIEST_TIME <= timestamp <= LATEST_TIME
        assert len(format_time(timestamp)) == 19


@pytest.mark.slow("Runs many operations on each store.")
@EACH_STORE
def test_requests_and_lists_work_with_a_fast_clock_when_real_time_runs_backwards(make: StoreFactory) -> None:
    """Covers requests while real time jumps, and lists and console pages that show these requests."""
    now = [MANUAL_TIME]
    with open_test_store(make, real_time=lambda: now[0]) as store:
        emulator = FlaskEmulator(clock=lambda: now[0], store=store)
        own = {"userid": "12", "account": "test", "password": "mima"}
        emulator.control("PUT", "clock", {"mode": "running", "speed": 1_000_000})
        for step in (-86400.0, 86400.0, 1e6, 0.0, -1e10, 1e12):
            now[0] = MANUAL_TIME + step
            assert "<message>ok<" in emulator.send(own, mobile="10000000030")
            assert "statusbox" in emulator.status(own)
            assert "callbox" in emulator.call(own)
            for path in ("messages", "reports", "replies", "requests", "spending", "clock", "anomalies"):
                emulator.control("GET", f"accounts/12/{path}")
            for page in ("/", "/phone", "/requests", "/queues", "/faults", "/account"):
                assert emulator.http.get(page).status_code == 200
