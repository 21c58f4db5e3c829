"""Tests of HTTPS: certificates, `--ca` and `--insecure`, with a certificate authority of the tests."""

import os
import re
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from support.contract_cli import run_contract, select
from support.mutant_vendor import mutant_server
from support.mutants import MUTANTS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Certificate authority for a server at 127.0.0.1."""
    return trustme.CA()


@pytest.fixture
def https(authority: trustme.CA) -> Iterator[str]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with mutant_server(tls=tls) as vendor:
        yield vendor.url


@pytest.fixture
def ca(authority: trustme.CA, tmp_path: Path) -> str:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    return str(file)


def test_a_certificate_signed_by_the_ca_is_accepted(https: str, ca: str) -> None:
    completed = run_contract(https, "--control", https, "--ca", ca, *select("2.3-found", "1.3-ok", "Q17"))
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert "3 of 3 clauses exercised, 3 held" in completed.stdout


def test_insecure_accepts_any_certificate(https: str) -> None:
    assert run_contract(https, "--control", https, "--insecure", *select("2.3-found")).returncode == 0


def test_an_untrusted_certificate_ends_the_run_and_names_the_options(https: str) -> None:
    completed = run_contract(https, "--userid", "12", "--account", "test", "--password", "mima", "--rate", "0")
    assert (completed.returncode, completed.stdout) == (3, "")
    assert "see --ca and --insecure" in completed.stderr
    assert completed.stderr.count("\n") == 1


def test_http_to_an_https_server_and_the_reverse_end_the_run(https: str) -> None:
    credentials = ["--userid", "12", "--account", "test", "--password", "mima", "--rate", "0"]
    assert run_contract(https.replace("https:", "http:"), *credentials).returncode == 3
    with mutant_server() as vendor:
        assert run_contract(vendor.url.replace("http:", "https:"), *credentials).returncode == 3


def test_the_repeat_command_of_an_https_address_has_the_ca(ca: str, authority: trustme.CA) -> None:
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == "Sucess corrected")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with mutant_server(mutant.defect, tls) as vendor:
        credentials = ["--userid", "12", "--account", "test", "--password", "mima", "--rate", "0", "--ca", ca]
        completed = run_contract(vendor.url, *credentials, *select("2.3-found"))
        assert completed.returncode == 1
        (line,) = re.findall(r"^  request:  (curl .*)$", completed.stdout, re.MULTILINE)
        environment = os.environ | {"SMS10692_PASSWORD": "mima"}
        command = ["/bin/bash", "-c", line]
        pasted = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, env=environment).stdout
    assert "<returnstatus>Success</returnstatus>" in pasted
    assert f"--ca {ca}" in completed.stdout


def test_a_file_without_certificates_is_wrong_usage(tmp_path: Path) -> None:
    file = tmp_path / "empty.pem"
    file.write_text("", "utf-8")
    completed = run_contract("https://127.0.0.1:1", "--control", "https://127.0.0.1:1", "--ca", str(file))
    assert (completed.returncode, completed.stdout) == (2, "")
    assert "contains no certificates" in completed.stderr
