"""Tests of address parsing: the path of a vendor endpoint at the end of an address is ignored."""

from pathlib import Path

import pytest

from contract_suite.test_suite_under_pytest import run_pytest_on_two_clauses
from sms10692_contract.http import parse_address
from support.contract_cli import run_contract, select
from support.fake_servers import recording_server
from support.mutant_vendor import mutant_server

OWN = ["--userid", "12", "--account", "test", "--password", "mima", "--rate", "0"]


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("http://h", "http://h:80"),
        ("http://h/", "http://h:80"),
        (" http://h:81\n", "http://h:81"),
        ("http://h/v2sms.aspx", "http://h:80"),
        ("http://h/v2smsGBK.aspx", "http://h:80"),
        ("http://h/v2statusApi.aspx", "http://h:80"),
        ("http://h/v2callApi.aspx", "http://h:80"),
        ("http://h/V2SMS.ASPX/", "http://h:80"),
        ("http://h//v2smsgbk.aspx", "http://h:80"),
        ("http://h/v2sms.aspx?", "http://h:80"),
        ("http://h/v2sms.aspx/v2sms.aspx", "http://h:80"),
        ("https://h/sms/v2sms.aspx", "https://h:443/sms"),
        ("http://h/a/b//V2callapi.aspx/", "http://h:80/a/b"),
        ("http://h/短信/a b/v2sms.aspx", "http://h:80/%E7%9F%AD%E4%BF%A1/a%20b"),
        ("http://h/a%20b/v2sms.aspx", "http://h:80/a%20b"),
        ("http://h/_mock", "http://h:80"),
        ("http://h/sms/_mock/accounts", "http://h:80/sms"),
        ("http://h/xv2sms.aspx", "http://h:80/xv2sms.aspx"),
        ("http://h/v2sms.aspxx", "http://h:80/v2sms.aspxx"),
        ("http://h/my_mock", "http://h:80/my_mock"),
    ],
)
def test_the_path_of_an_endpoint_is_removed_from_an_address(address: str, url: str) -> None:
    assert parse_address(address).url == url


@pytest.mark.parametrize(
    "address",
    [
        "h/v2sms.aspx",
        "http:///v2sms.aspx",
        "http://h/v2sms.aspx?action=send",
        "http://h:0/",
        "http://h:65536",
        "ftp://h",
    ],
)
def test_an_invalid_address_is_refused_with_one_line(address: str) -> None:
    completed = run_contract(address, *OWN)
    assert (completed.returncode, completed.stdout) == (2, "")
    assert completed.stderr.count("\n") == 1


@pytest.mark.slow("Runs the command for each address.")
@pytest.mark.parametrize("path", ["/v2sms.aspx", "/V2SMSGBK.aspx/", "//v2statusapi.aspx"])
def test_the_command_accepts_an_address_with_an_endpoint_path(path: str) -> None:
    with mutant_server() as vendor:
        completed = run_contract(f"{vendor.url}{path}", *OWN, *select("2.3-found", "3.3-forbidden"))
        controlled = run_contract(
            f"{vendor.url}{path}", "--control", f"{vendor.url}{path}", *select("1.3-ok", "2.3-found")
        )
    assert (completed.returncode, controlled.returncode) == (0, 0), completed.stdout + controlled.stdout
    assert "2 of 2 clauses exercised, 2 held" in completed.stdout
    assert "2 of 2 clauses exercised, 2 held" in controlled.stdout


def test_the_plugin_accepts_an_address_with_an_endpoint_path(tmp_path: Path) -> None:
    with mutant_server() as vendor:
        url = f"{vendor.url}/V2sms.aspx/"
        completed = run_pytest_on_two_clauses(tmp_path, "--target", url, "--control", url)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert "2 passed" in completed.stdout


def test_a_path_prefix_is_sent_with_every_endpoint() -> None:
    with recording_server() as (url, received):
        run_contract(f"{url}/sms/v2sms.aspx", *OWN, "--allow-fetch", *select("2.3-found", "4.4-1"))
    assert {path for path, _ in received} == {"/sms/v2sms.aspx", "/sms/v2statusApi.aspx"}
