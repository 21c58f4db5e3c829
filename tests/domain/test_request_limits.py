"""Limits of profiles that need counting: per second and minute, a lock-out, codes to one number (R22)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sms10692_mock.diagnosis.service import diagnose_logged
from sms10692_mock.domain.request_limits import RequestLimits
from support.emulators import STATUS, UTF8, WsgiHarness, emulator_server, get_message
from support.flask_emulator import FlaskEmulator
from support.http_client import build_request, send_raw

WRONG = {"sign": "0"}
FREQUENT = "提交太频繁"


def count_accepted(emulator: WsgiHarness, requests: int, **fields: str) -> int:
    return sum("<message>ok</message>" in emulator.send(**fields) for _ in range(requests))


def test_a_second_and_a_minute_have_their_limits_and_pass() -> None:
    emulator = WsgiHarness(profile="requests_per_second = 2\nrequests_per_minute = 3\n")
    assert count_accepted(emulator, 5) == 2
    emulator.now += 0.999
    assert get_message(emulator.send()) == FREQUENT
    emulator.now += 0.001
    assert count_accepted(emulator, 5) == 1
    emulator.now += 58.999
    assert get_message(emulator.post(STATUS, action="query")) == FREQUENT
    emulator.now += 0.001
    assert count_accepted(emulator, 5) == 2


def test_only_requests_with_the_right_credentials_count_and_refused_ones_count_once_checked() -> None:
    emulator = WsgiHarness(profile="requests_per_second = 2\n")
    for fields in (WRONG, {"sign": ""}, {"userid": "99"}, {"content": "' or 1=1"}):
        emulator.send(**fields)
    assert get_message(emulator.send(mobile="")) == "短信号码不能为空"
    assert count_accepted(emulator, 3) == 1
    assert get_message(emulator.send(mobile="")) == FREQUENT
    assert get_message(emulator.send(sign="")) == "用户名或密码不能为空"


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    emulator = WsgiHarness(profile="requests_per_second = 1\nlock_out_after = 1\n")
    assert count_accepted(emulator, 2) == 1
    emulator.now -= 3600
    assert count_accepted(emulator, 2) == 1
    emulator.now += 1
    emulator.send(**WRONG)
    emulator.now += 10
    assert get_message(emulator.send()) == "用户名或密码错误"
    emulator.now -= 61
    assert count_accepted(emulator, 1) == 1


def test_wrong_credentials_in_a_row_lock_the_account_for_the_seconds() -> None:
    emulator = WsgiHarness(
        accounts=["7:shop:a"],
        profile="lock_out_after = 3\nlock_out_seconds = 60\ntexts.locked-out = '账号已锁定'\n",
    )
    emulator.send(**WRONG)
    emulator.send(**WRONG)
    assert count_accepted(emulator, 1) == 1
    messages = [get_message(emulator.send(**WRONG)) for _ in range(4)]
    assert messages == ["用户名或密码错误"] * 3 + ["账号已锁定"]
    emulator.now += 59
    assert get_message(emulator.send()) == "账号已锁定"
    assert get_message(emulator.post(UTF8, action="overage", userid="7", sign="0")) == "用户名或密码错误"
    entry = emulator.store.request(8)
    assert entry is not None
    first = diagnose_logged(entry, emulator.store)[0]
    assert first.sentence == (
        "The account is locked after 3 wrong credentials in a row, for 1 more second(s) of its clock: wait."
    )
    emulator.now += 1
    assert count_accepted(emulator, 1) == 1
    emulator.send(**WRONG)
    emulator.send(**WRONG)
    assert count_accepted(emulator, 1) == 1


def test_codes_to_one_number_have_limits_of_three_minutes_and_a_day() -> None:
    emulator = WsgiHarness(profile="verification_codes_per_3_minutes = 3\nverification_codes_per_day = 4\n")
    code: dict[str, Any] = {"content": "您的验证码是 1234"}
    assert count_accepted(emulator, 5, **code) == 3
    assert count_accepted(emulator, 5) == 5
    assert count_accepted(emulator, 1, mobile="15023239811", **code) == 1
    assert get_message(emulator.send(mobile="15023239812,15023239810", **code)) == FREQUENT
    emulator.now += 180
    assert count_accepted(emulator, 5, **code) == 1
    assert count_accepted(emulator, 2, mobile="15023239812,15023239812", **code) == 1
    emulator.now += 86_400 - 180
    assert count_accepted(emulator, 5, **code) == 3


@pytest.mark.parametrize("limit", ["requests_per_minute = 7", "verification_codes_per_day = 7"])
def test_no_concurrent_request_slips_through(limit: str) -> None:
    form = b"action=send&userid=12&timestamp=20120701231212&sign=5cc68982f55ac74348e3d819f868fbe1&mobile=15023239810"
    request = build_request(UTF8, form + "&content=验证码".encode())
    with emulator_server({"profile": limit}) as address, ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(lambda _: send_raw(address, request).body, range(40)))
    assert sum(b"<message>ok</message>" in body for body in bodies) == 7


@pytest.mark.parametrize(
    ("profile", "fields"),
    [
        ("requests_per_minute = 1", {}),
        ("requests_per_second = 1", {}),
        ("verification_codes_per_day = 1", {"content": "验证码"}),
    ],
)
def test_a_request_that_read_the_clock_earlier_does_not_slip_through(profile: str, fields: dict[str, str]) -> None:
    emulator = WsgiHarness(profile=profile)
    assert count_accepted(emulator, 1, **fields) == 1
    emulator.now -= 0.001
    assert get_message(emulator.send(**fields)) == FREQUENT
    emulator.now += 0.002
    assert get_message(emulator.send(**fields)) == FREQUENT


def test_a_request_that_read_the_clock_earlier_does_not_lift_a_lock() -> None:
    emulator = WsgiHarness(profile="lock_out_after = 1\ntexts.locked-out = '账号已锁定'\n")
    emulator.send(**WRONG)
    emulator.now -= 0.001
    assert get_message(emulator.send()) == "账号已锁定"
    emulator.now += 0.002
    assert get_message(emulator.send()) == "账号已锁定"


@pytest.mark.parametrize("refused", [{"mobile": ""}, {"mobile": "10000000002"}, {"sendTime": "soon"}])
def test_a_request_with_the_right_credentials_counts_whatever_refuses_it(refused: dict[str, str]) -> None:
    emulator = WsgiHarness(profile="requests_per_minute = 1\n")
    assert get_message(emulator.send(**refused)) != FREQUENT
    assert get_message(emulator.send()) == FREQUENT


def test_a_refused_send_of_a_code_to_several_numbers_counts_for_none_of_them() -> None:
    emulator = WsgiHarness(profile="verification_codes_per_day = 1\n")
    code: dict[str, Any] = {"content": "验证码"}
    assert count_accepted(emulator, 1, mobile="15023239810", **code) == 1
    assert get_message(emulator.send(mobile="15023239811,15023239810", **code)) == FREQUENT
    assert count_accepted(emulator, 1, mobile="15023239811", **code) == 1


def test_the_numbers_that_are_remembered_are_bounded() -> None:
    emulator = WsgiHarness(profile="verification_codes_per_day = 1\n")
    emulator.vendor.limits = RequestLimits(max_numbers=2)
    code: dict[str, Any] = {"content": "验证码"}
    assert count_accepted(emulator, 1, mobile="15023239810,15023239811,15023239812", **code) == 1
    assert get_message(emulator.send(mobile="15023239812", **code)) == FREQUENT
    assert count_accepted(emulator, 1, mobile="15023239810", **code) == 1


def test_a_reset_forgets_what_was_counted() -> None:
    emulator = FlaskEmulator(profile="requests_per_minute = 1\n")
    account = emulator.control("GET", "accounts/12") | {"password": "mima"}
    for path in ("accounts/12/reset", "reset"):
        assert "<message>ok</message>" in emulator.send(account)
        assert FREQUENT in emulator.send(account)
        emulator.control("POST", path)
    assert "<message>ok</message>" in emulator.send(account)


def test_the_manual_has_no_limit() -> None:
    emulator = WsgiHarness()
    for _ in range(20):
        emulator.send(**WRONG)
    assert count_accepted(emulator, 50, content="验证码") == 50
    limited = WsgiHarness(profile="requests_per_second = 50\nlock_out_after = 20\nverification_codes_per_day = 50\n")
    assert count_accepted(limited, 51, content="验证码") == 50
    for _ in range(20):
        limited.send(**WRONG)
    assert get_message(limited.send()) == "用户名或密码错误"
