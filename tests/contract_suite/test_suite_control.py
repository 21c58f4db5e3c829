"""Tests of `--control`: it must be a control API, and that of the checked server.

What a correct control API permits is tested in `test_suite_safety`.
"""

import pytest

from sms10692_contract.control import ControlApiError, ControlClient
from sms10692_contract.http import parse_address
from sms10692_contract.requests import UTF8
from support.contract_cli import run_contract
from support.fake_servers import fake_control_api, recording_server
from support.mutant_vendor import mutant_server


def test_the_control_api_of_another_server_is_wrong_usage_after_balance_queries_only() -> None:
    with mutant_server() as vendor, recording_server() as (url, received):
        completed = run_contract(url, "--control", vendor.url, "--seed", "1")
    assert (completed.returncode, completed.stdout) == (2, "")
    assert f"{vendor.url} is not the control API of {url}" in completed.stderr
    assert 1 <= len(received) <= 5
    assert {(path, *fields["action"]) for path, fields in received} == {(UTF8, "overage")}


def test_the_control_api_of_a_second_emulator_is_wrong_usage() -> None:
    with mutant_server() as vendor, mutant_server() as other:
        completed = run_contract(other.url, "--control", vendor.url)
    assert (completed.returncode, completed.stdout) == (2, "")
    assert f"{vendor.url} is not the control API of {other.url}" in completed.stderr


@pytest.mark.parametrize(
    ("status", "document", "message"),
    [
        (401, '{"error": "a token is needed"}', "a token is needed"),
        (404, "Not Found", "404"),
        (201, "<html>", "is not a control API: <html>"),
        (201, "[]", "is not a control API: []"),
        (201, '{"account": "a", "password": "b", "points": 1}', "lacks userid, account, password, points"),
        (201, '{"userid": "1", "account": "a", "password": "b", "points": "1"}', "lacks userid"),
    ],
)
def test_a_server_without_control_api_or_with_another_token_is_wrong_usage(
    status: int, document: str, message: str
) -> None:
    with fake_control_api(status, document) as url:
        completed = run_contract(url, "--control", url)
    assert (completed.returncode, completed.stdout) == (2, "")
    assert message in completed.stderr
    assert "check --control and --control-token" in completed.stderr
    assert completed.stderr.count("\n") == 1


@pytest.mark.parametrize("document", ["{}", '{"now": "yesterday"}', '{"now": "2012-07-01T23:12:12"}'])
def test_a_clock_without_time_and_offset_is_refused(document: str) -> None:
    with fake_control_api(200, document) as url, pytest.raises(ControlApiError, match="has the invalid time"):
        ControlClient(parse_address(url)).read_clock("1")
