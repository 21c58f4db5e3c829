"""The commands `learn` and `compare`: their files, exit codes, accepted differences, and wrong usage."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import click
import pytest

from sms10692.protocol import Endpoint
from sms10692_contract.cli import command
from sms10692_contract.pace import Pace
from sms10692_contract.probes import ProbeSession
from sms10692_contract.requests import compute_signature
from sms10692_contract.target_options import TargetOptions
from sms10692_mock.app.vendor_app import VendorRequest
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.profile_file import load_profile
from sms10692_mock.server.http_types import Response
from sms10692_mock.stores.memory.store import MemoryStore
from support.fake_servers import recording_server
from support.mutant_vendor import Defect, mutant_server
from support.probe_sessions import build

ACCOUNT = ("--userid", "12", "--account", "test", "--password", "mima")
FAST = (*ACCOUNT, "--rate", "0")
SENDS = ("--allow-send", "10000000030,13800138000")


def run(*arguments: str | Path) -> int:
    """Run the command, and return its exit code."""
    code: int = command.main([str(argument) for argument in arguments], standalone_mode=False)
    return code


def test_learn_writes_a_profile_that_serve_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "brand.toml"
    profile = build(refusal_form="send", texts={"credentials-wrong": "账号或密码不对"}, extno_max_digits=5)
    with mutant_server(Defect(served_profile=profile)) as vendor:
        assert run("learn", vendor.url, file, *FAST, *SENDS) == 0
    learned = load_profile(file)
    assert learned.name == "brand"
    assert {*learned.differences} == {"refusal_form", "texts", "extno_max_digits"}
    output = capsys.readouterr().out
    assert 'refusal_form = "send"  # the manual: "own"\n' in output
    assert "not observed: cdata: needs --allow-fetch\n" in output
    assert re.search(r"\n\d\d keys observed, 3 of them not as in the manual; they are in ", output)


def test_learn_does_not_replace_a_file_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "brand.toml"
    file.write_text("cdata = true\n", "utf-8")
    with mutant_server() as vendor:
        with pytest.raises(click.UsageError, match="--overwrite"):
            run("learn", vendor.url, file, *FAST)
        assert file.read_text("utf-8") == "cdata = true\n"
        assert run("learn", vendor.url, file, *FAST, "--overwrite") == 0
    assert "cdata = true" not in file.read_text("utf-8")


def test_learn_writes_nothing_of_a_server_that_refuses_the_account(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "brand.toml"
    with mutant_server() as vendor:
        wrong = ("--userid", "12", "--account", "test", "--password", "other", "--rate", "0")
        assert run("learn", vendor.url, file, *wrong) == 3
    assert not file.exists()
    assert "refuses userid 12" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "--userid, --account, --password are needed"),
        ((*ACCOUNT, "--signature", "【店】"), "without the brackets"),
        ((*ACCOUNT, "--signature", "店" * 21), "use 1 to 20 characters"),
        ((*ACCOUNT, "--allow-send", "x"), "x is not a phone number"),
        ((*ACCOUNT, "--rate", "-1"), "not in the range"),
    ],
)
def test_wrong_usage_is_named_before_anything_is_sent(
    arguments: tuple[str, ...], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SMS10692_USERID", "SMS10692_ACCOUNT", "SMS10692_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    with recording_server() as (url, received):
        with pytest.raises(click.UsageError, match=re.escape(problem)):
            run("learn", url, tmp_path / "brand.toml", *arguments)
        with pytest.raises(click.UsageError, match=re.escape(problem)):
            run("compare", url, url, *arguments)
    assert received == []


@pytest.mark.parametrize("words", [("learn", "{url}", "{file}"), ("compare", "{url}", "{url}")])
def test_a_dry_run_prints_the_requests_and_sends_none(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with recording_server() as (url, received):
        arguments = [word.format(url=url, file=tmp_path / "brand.toml") for word in words]
        assert run(*arguments, *ACCOUNT, *SENDS, "--allow-fetch", "--dry-run") == 0
    assert received == []
    output = capsys.readouterr().out
    assert "POST /v2sms.aspx userid=… timestamp=… sign=… action=overage" in output
    assert re.search(r"\n\d+ requests, \d with a wrong signature, \d+ sends, \d+ fetches, at most \d+ points", output)


@pytest.mark.parametrize(("words", "servers"), [(("learn", "{url}", "{file}"), 1), (("compare", "{url}", "{url}"), 2)])
def test_a_dry_run_lists_as_many_requests_as_are_sent(
    words: tuple[str, ...], servers: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    received = []

    def record(endpoint: Endpoint, request: VendorRequest) -> VendorRequest:
        received.append(endpoint)
        return request

    with mutant_server(Defect(http_request=record)) as vendor:
        arguments = [word.format(url=vendor.url, file=tmp_path / "brand.toml") for word in words]
        assert run(*arguments, *FAST, "--dry-run") == 0
        (count,) = re.findall(r"\n(\d+) requests", capsys.readouterr().out)
        assert received == []
        run(*arguments, *FAST)
    assert len(received) == servers * int(count)


def test_compare_accepts_the_differences_of_a_file_and_no_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = tmp_path / "expected.toml"
    changed = build(refusal_form="send")
    twice_changed = build(refusal_form="send", json_form="lower")
    with mutant_server() as one, mutant_server(Defect(served_profile=changed)) as other:
        assert run("compare", one.url, one.url, *FAST) == 0
        assert run("compare", one.url, other.url, *FAST, "--write-expect", expected) == 1
        assert run("compare", one.url, other.url, *FAST, "--expect", expected) == 0
        with mutant_server(Defect(served_profile=twice_changed)) as third:
            capsys.readouterr()
            assert run("compare", one.url, third.url, *FAST, "--expect", expected) == 1
            output = capsys.readouterr().out
            assert "D-json-form" in output
            assert ", 1 failed, 1 differ as expected" in output
        assert run("compare", one.url, one.url, *FAST, "--expect", expected) == 0
        assert "gone: D-refusal-form" in capsys.readouterr().out


def test_the_reports_of_compare_name_both_servers_and_the_difference(tmp_path: Path) -> None:
    html, junit, file = (tmp_path / name for name in ("report.html", "report.xml", "report.json"))
    with mutant_server() as one, mutant_server(Defect(served_profile=build(json_switch="dataType"))) as other:
        reports = ("--html", html, "--junit", junit, "--json", file)
        assert run("compare", one.url, other.url, *FAST, *reports) == 1
        title = f"A: {one.url}, B: {other.url}"
    assert title in html.read_text("utf-8")
    (failure,) = (case for case in ET.parse(junit).getroot() if case.find("failure") is not None)
    assert (failure.get("name") or "").startswith("D-json-switch ")
    document = json.loads(file.read_text("utf-8"))
    assert document["title"] == title
    (row,) = (row for row in document["clauses"] if row["verdict"] == "failed")
    assert (row["clause"], row["expected"], row["actual"]) == ("D-json-switch", "A: 'rt'", "B: 'dataType'")
    assert row["difference"].startswith("json_switch: 'dataType' instead of 'rt'")


def test_compare_needs_the_account_of_each_server(capsys: pytest.CaptureFixture[str]) -> None:
    with mutant_server() as one, mutant_server() as other:
        assert run("compare", one.url, other.url, *FAST, "--password-b", "other") == 3
        assert f"{other.url}: the server refuses userid 12" in capsys.readouterr().err
        assert run("compare", one.url, other.url, *FAST, "--account-b", "test", "--userid-b", "12") == 0


def wait_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands fetch often, and schedule for now: vendors in this process report at once."""
    build_session = TargetOptions.build_session

    def build_hasty(options: TargetOptions, *arguments: Any) -> ProbeSession:
        session = build_session(options, *arguments)
        session.context.pace = Pace(poll=0.01, report=5, reply=5, schedule=0)
        return session

    monkeypatch.setattr(TargetOptions, "build_session", build_hasty)


def test_the_repeat_line_of_compare_repeats_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMS10692_PASSWORD", "mima")
    monkeypatch.setenv("SMS10692_PASSWORD_B", "other")
    monkeypatch.chdir(tmp_path)
    wait_briefly(monkeypatch)
    expected = tmp_path / "my expected.toml"
    accounts = ("--userid", "12", "--account", "test", "--userid-b", "13", "--account-b", "shop b")
    options = (
        "--budget",
        "50",
        "--allow-fetch",
        "--fetched",
        "all.jsonl",
        "--rate",
        "0",
        "--forbidden-word",
        "代开发票",
    )

    class StoreOfTwo(MemoryStore):
        def __init__(self, *arguments: Any, **values: Any) -> None:
            super().__init__(*arguments, **values)
            self.create_account(Account(userid="13", account="shop b", password="other"))

    changed = Defect(served_profile=build(refusal_form="send"), store=StoreOfTwo)
    with mutant_server() as one, mutant_server(changed) as other:
        words = (
            "compare",
            one.url,
            other.url,
            *accounts,
            *SENDS,
            *options,
            "--signature",
            "云店",
            "--endpoints",
            "all",
        )
        assert run(*words, "--write-expect", expected) == 1
        assert run(*words, "--expect", expected) == 0
        capsys.readouterr()
        expected.write_text("", "utf-8")
        assert run(*words, "--expect", expected) == 1
        lines = {match[1] for match in re.finditer(r"(?m)^ *repeat: +(.*)$", capsys.readouterr().out)}
        assert len(lines) == 1
        (line,) = lines
        assert "mima" not in line
        assert "other" not in line
        assert "10000000030" not in line
        repeated = shlex.split(line.replace("$NUMBER1", "10000000030").replace("$NUMBER2", "13800138000"))
        assert repeated[0] == "sms10692-contract"
        assert run(*repeated[1:]) == 1
        assert lines == {match[1] for match in re.finditer(r"(?m)^ *repeat: +(.*)$", capsys.readouterr().out)}
    assert repeated.count("--allow-send") == 2
    assert {*repeated} >= {*accounts, *options, "--signature", "云店", "--endpoints", "all", "--expect", str(expected)}


def test_each_line_of_what_compare_fetches_names_its_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wait_briefly(monkeypatch)
    file = tmp_path / "fetched.jsonl"
    with mutant_server() as one, mutant_server() as other:
        arguments = (*FAST, *SENDS, "--allow-fetch", "--fetched", file)
        run("compare", one.url, other.url, *arguments)
        labels = [json.loads(line)["server"] for line in file.read_text("utf-8").splitlines()]
        assert {*labels} == {f"A: {one.url}", f"B: {other.url}"}


SECRETS: dict[str, Callable[[ApiRequest], str]] = {
    "the password": lambda request: "mima",
    "the password in base64": lambda request: "bWltYQ==",
    "a correct signature": lambda request: compute_signature("test", "mima", request.fields.get("timestamp", "")),
    "the account": lambda request: "test",
    "the userid": lambda request: "12",
    "a number": lambda request: "13800138000",
    "a number in full width": lambda request: "１３８００１３８０００",
}


def echoing(secret: Callable[[ApiRequest], str], written: set[str]) -> Defect:
    """Return a vendor that repeats a secret in the message of every refusal, and in a header, and refuses any extno."""

    def write(request: ApiRequest) -> str:
        written.add(f"echo-{secret(request)}")
        return f"echo-{secret(request)}"

    def change_text(text: str, request: ApiRequest) -> str:
        if request.fields.get("extno"):
            text = text.replace("Success", "Faild")
        if "Faild" in text or "<error>" in text:
            text = re.sub("<(message|remark)>[^<]*<", lambda match: f"<{match[1]}>{write(request)}<", text)
        return text

    def change_response(request: ApiRequest, response: Response) -> Response:
        parameter = write(request) if secret(request).isascii() else ""
        return response._replace(headers=[("Content-Type", f"text/xml; charset=utf-8; x={parameter}")])

    return Defect(text=change_text, response=change_response)


@pytest.mark.parametrize("name", SECRETS)
def test_nothing_that_is_written_has_a_secret_that_the_vendor_repeats(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets: set[str] = set()
    files = {option: tmp_path / option for option in ("--html", "--junit", "--json", "--write-expect")}
    reports = [word for option, file in files.items() for word in (option, file)]
    with mutant_server() as one, mutant_server(echoing(SECRETS[name], secrets)) as other:
        assert run("learn", other.url, tmp_path / "brand.toml", *FAST, *SENDS) == 0
        assert run("compare", one.url, other.url, *FAST, *SENDS, *reports) == 1
    output = capsys.readouterr()
    texts = [output.out, output.err, *(file.read_text("utf-8") for file in tmp_path.iterdir())]
    written = "\n".join(texts)
    assert written.count("echo-") > 50
    assert {secret for secret in secrets if secret in written} == set()
    assert "echo-" not in re.sub("(?m)^#.*", "", (tmp_path / "brand.toml").read_text("utf-8"))
