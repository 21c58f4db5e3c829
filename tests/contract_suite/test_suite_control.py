"""A control address is believed only if it is one, and that of the vendor who is examined.

Here belongs `--control` where it is wrong. What it allows where it is right is in `test_suite_gate`.
"""

import pytest

from sms10692_contract.control import ControlClient, ControlRefused
from sms10692_contract.http import parse_address
from sms10692_contract.requests import UTF8
from support.contract_cli import contract
from support.fake_servers import fake_control_api, recording_server
from support.mutant_vendor import mutant_server


def test_the_control_address_of_another_emulator_is_wrong_usage_and_only_balances_were_asked_for() -> None:
    with mutant_server() as vendor, recording_server() as (url, kept):
        ended = contract(url, "--control", vendor.url, "--seed", "1")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"{vendor.url} is not the control address of {url}" in ended.stderr
    assert 1 <= len(kept) <= 5
    assert {(path, *fields["action"]) for path, fields in kept} == {(UTF8, "overage")}


def test_the_control_address_of_a_like_emulator_is_wrong_usage_too() -> None:
    with mutant_server() as vendor, mutant_server() as other:
        ended = contract(other.url, "--control", vendor.url)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"{vendor.url} is not the control address of {other.url}" in ended.stderr


@pytest.mark.parametrize(
    ("status", "document", "said"),
    [
        (401, '{"error": "a token is needed"}', "a token is needed"),
        (404, "Not Found", "404"),
        (201, "<html>", "is no control address: <html>"),
        (201, "[]", "is no control address: []"),
        (201, '{"account": "a", "password": "b", "points": 1}', "without userid, account, password, points"),
        (201, '{"userid": "1", "account": "a", "password": "b", "points": "1"}', "without userid"),
    ],
)
def test_what_is_no_control_address_or_wants_another_token_is_wrong_usage(
    status: int, document: str, said: str
) -> None:
    with fake_control_api(status, document) as url:
        ended = contract(url, "--control", url)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert "are --control and --control-token right?" in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("document", ["{}", '{"now": "yesterday"}', '{"now": "2012-07-01T23:12:12"}'])
def test_a_clock_that_shows_no_moment_with_its_offset_is_refused(document: str) -> None:
    with fake_control_api(200, document) as url, pytest.raises(ControlRefused, match="was answered with the time"):
        ControlClient(parse_address(url)).now("1")
