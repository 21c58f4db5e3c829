"""The suite as a product: its table, its gate, its command, its reports.

Here belongs what the suite is to whoever runs it. Whether it catches what is wrong is in `test_teeth`.
"""

import os
import re
import ssl
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

import pytest
import trustme

from emulators import running
from faults import FAULTS
from sms10692_contract import report
from sms10692_contract.checks import CHECKS
from sms10692_contract.clauses import BY_ID, CLAUSES, GROUPS
from sms10692_contract.control import Control, ControlRefused
from sms10692_contract.document import pages
from sms10692_contract.gate import NO_SIGN, Gate, NotAllowed
from sms10692_contract.lab import PROFILES, Account, Lab
from sms10692_contract.requests import CALL, GBK, STATUS, UTF8, form, placed
from sms10692_contract.run import State, Verdict, examine, open_gate
from sms10692_contract.target import address_of
from sms10692_mock.billing import parts
from sms10692_mock.calls import Call
from vendors import Fault, served

TOP = Path(__file__).parent.parent
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(str(Path(one).absolute()) for one in sys.path)}
ACCOUNT = Account("7", "shop", "secret")
FEW = replace(PROFILES["quick"], examples=12)


def contract(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command, as a process of its own."""
    command = [sys.executable, "-m", "sms10692_contract", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False, env=environment, timeout=180)


def only(*clauses: str) -> list[str]:
    """The options that choose these clauses."""
    return [word for clause in clauses for word in ("--only", clause)]


# The table


def test_every_clause_has_a_check_and_every_check_a_clause() -> None:
    assert set(CHECKS) == set(BY_ID)
    assert len(CLAUSES) == len(BY_ID)


def test_a_clause_needs_what_there_is_to_allow() -> None:
    assert {need for clause in CLAUSES for need in clause.needs} == {"send", "fetch", "control"}


def test_every_source_is_a_chapter_a_reading_a_shape_or_seen() -> None:
    readings = (TOP / "fixtures" / "readings.md").read_text("utf-8")
    for source in {one for clause in CLAUSES for one in clause.source.split(", ")}:
        assert re.fullmatch(r"[1-5]\.[1-4]|[AQ]\d+", source) or f"## {source} " in readings


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_a_page_that_comes_from_the_table_is_up_to_date(page: Path) -> None:
    assert page.read_text("utf-8") == pages()[page]


def test_every_clause_is_of_a_group_and_only_what_is_not_attempted_has_none() -> None:
    assert {clause.group for clause in CLAUSES} == {group.id for group in GROUPS if group.kind != "not attempted"}


def test_what_is_exact_has_its_evidence_and_every_reading_is_in_the_table() -> None:
    for group in GROUPS:
        assert bool(group.by) is bool(group.by_zh) is (group.kind == "exact")
    chosen_by_us = [group.id for group in GROUPS if group.kind in ("our reading", "our invention")]
    cited = {
        one for clause in CLAUSES if clause.group in chosen_by_us for one in re.findall(r"\bR\d+\b", clause.source)
    }
    readings = re.findall(r"^## (R\d+) ", (TOP / "fixtures" / "readings.md").read_text("utf-8"), re.MULTILINE)
    assert cited == set(readings)


def test_the_wheel_has_the_suite_and_its_table() -> None:
    wheel = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "contract_tests/sms10692_contract" in wheel["packages"]
    assert wheel["force-include"]["fixtures/clauses.toml"] == "sms10692_contract/clauses.toml"


# The gate


class Recorder(BaseHTTPRequestHandler):
    """Answers every request with nothing of use, and keeps what it was asked."""

    kept: ClassVar[list[tuple[str, dict[str, list[str]]]]]

    def respond(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fields = parse_qs(query, keep_blank_values=True, encoding="latin-1")
        fields |= parse_qs(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
        self.kept.append((path, {name.lower().strip(): values for name, values in fields.items()}))
        self.send_response_only(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_POST = respond  # noqa: N815 - the names of the standard library


@contextmanager
def recorded() -> Iterator[tuple[str, list[tuple[str, dict[str, list[str]]]]]]:
    kept: list[tuple[str, dict[str, list[str]]]] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Kept", (Recorder,), {"kept": kept})) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", kept
        finally:
            server.shutdown()
            thread.join()


BLANK = re.compile(r"(?:\s|\xe3\x80\x80|\xa1\xa1)*")
"""White space, the full-width space in the bytes of either page included."""


def is_harmless(path: str, fields: dict[str, list[str]]) -> bool:
    """By what came over the wire: it only asks, or nobody could accept it."""
    if any(
        BLANK.fullmatch(value) or value == NO_SIGN
        for name in ("userid", "timestamp", "sign")
        for value in fields.get(name, [""])
    ):
        return True
    asks = set(fields.get("action", [])) <= {"overage", "checkkeyword"} and "action" in fields
    return asks and path.strip("/").lower().startswith("v2sms")


def test_without_permission_nothing_that_sends_or_fetches_leaves() -> None:
    with recorded() as (url, kept):
        list(examine(Lab(address_of(url), ACCOUNT, Gate(), profile=FEW), CLAUSES))
    readable = [(path, fields) for path, fields in kept if fields.get("action") or fields.get("sign")]
    assert len(readable) > 40
    assert [one for one in readable if not is_harmless(*one)] == []


def test_without_permission_a_vendor_that_answers_is_not_asked_to_send_or_to_hand_over() -> None:
    asked: list[Call] = []

    def keep(call: Call) -> Call:
        asked.append(call)
        return call

    own = Account("12", "test", "mima")
    with served(Fault(call=keep)) as vendor:
        verdicts = list(examine(Lab(address_of(vendor.url), own, Gate(), profile=FEW), CLAUSES))
    assert {verdict.state for verdict in verdicts} == {State.HELD, State.NOT_EXERCISED}
    assert len(asked) > 500
    for call in asked:
        nobodys = call.sign.strip() in ("", NO_SIGN) or not (
            call.userid.strip() and call.timestamp.strip() and call.sign.strip()
        )
        assert nobodys or (call.page.path in (UTF8, GBK) and call.action in ("overage", "checkkeyword")), call


def test_a_check_that_asks_too_much_is_held_back_before_its_bytes_are_made() -> None:
    """Even where the table says by mistake that a clause needs nothing."""
    with recorded() as (url, kept):
        lab = Lab(address_of(url), ACCOUNT, Gate())
        for ask in (lab.send, lab.status, lab.call):
            with pytest.raises(NotAllowed):
                ask(ACCOUNT)
    assert kept == []


CREDENTIALS = ACCOUNT.credentials("20120701231212")
SEND = CREDENTIALS | {"action": "send", "mobile": "13000000001", "content": "内容"}


@pytest.mark.parametrize(
    "request_",
    [
        form(UTF8, SEND),
        form(GBK, SEND | {"action": "Send"}),
        form(UTF8, SEND | {"action": ""}),
        form(UTF8, {name: value for name, value in SEND.items() if name != "action"}),
        form(UTF8, SEND | {"sign": CREDENTIALS["sign"].upper()}),
        form(UTF8, SEND | {"sign": CREDENTIALS["sign"][:16]}),
        form(UTF8, {name.upper(): value for name, value in SEND.items()}),
        placed(UTF8, query=[("action", "overage")], body=list(SEND.items())),
        placed(UTF8, query=[("sign", "")], body=list(SEND.items())),
        form(STATUS, CREDENTIALS | {"action": "query"}),
        form(CALL, CREDENTIALS | {"action": "x"}),
        form(STATUS, CREDENTIALS | {"action": "query", "statusNum": "0"}),
    ],
    ids=lambda request: f"{request.page} {request.body.decode('ascii')[-60:]}",
)
def test_a_request_that_some_vendor_might_act_on_is_held_back(request_: object) -> None:
    with pytest.raises(NotAllowed):
        Gate().check(request_)  # type: ignore[arg-type]


def test_only_the_numbers_that_are_allowed_are_sent_to_and_only_so_many_messages() -> None:
    gate = Gate(frozenset({"13000000001", "13000000002"}), budget=5)
    for mobile in ("13000000003", "13000000001,13000000003", "13000000001，13000000003"):
        with pytest.raises(NotAllowed, match="does not name"):
            gate.check(form(UTF8, SEND | {"mobile": mobile}))
    gate.check(form(UTF8, SEND | {"mobile": "13000000001,13000000002"}))
    gate.check(form(UTF8, SEND | {"content": "字" * 68}))
    gate.check(form(UTF8, SEND))
    assert gate.spent == 5
    with pytest.raises(NotAllowed, match="budget 5 is spent"):
        gate.check(form(UTF8, SEND))
    with pytest.raises(NotAllowed, match="allow-fetch"):
        gate.check(form(STATUS, CREDENTIALS | {"action": "query"}))


def test_control_allows_everything_to_its_own_accounts_only() -> None:
    gate = Gate(userids={"91"})
    gate.check(form(UTF8, SEND | {"userid": "91"}))
    with pytest.raises(NotAllowed):
        gate.check(form(UTF8, SEND))
    with pytest.raises(NotAllowed):
        gate.check(placed(UTF8, query=[("userid", "7")], body=list((SEND | {"userid": "91"}).items())))


def test_the_control_address_of_another_emulator_is_wrong_usage_and_only_balances_were_asked_for() -> None:
    with served() as vendor, recorded() as (url, kept):
        ended = contract(url, "--control", vendor.url, "--seed", "1")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"{vendor.url} is not the control address of {url}" in ended.stderr
    assert 1 <= len(kept) <= 5
    assert {(path, *fields["action"]) for path, fields in kept} == {(UTF8, "overage")}


def test_the_control_address_of_a_like_emulator_is_wrong_usage_too() -> None:
    with served() as vendor, served() as other:
        ended = contract(other.url, "--control", vendor.url)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"{vendor.url} is not the control address of {other.url}" in ended.stderr


def test_an_account_that_is_known_and_not_accepted_allows_nothing() -> None:
    asked: list[Call] = []
    (broken,) = (one for one in FAULTS if one.name == "a signature over password + account")

    def keep(call: Call) -> Call:
        asked.append(call)
        return call

    with served(replace(broken.fault, call=keep)) as vendor:
        ended = contract(vendor.url, "--control", vendor.url, *only("1.2-sign", "1.3-ok", "4.3-nothing"))
    assert ended.returncode == 1
    assert "is not accepted: nothing is sent or fetched" in ended.stderr
    assert "1 of 3 clauses exercised, 0 held, 1 failed" in ended.stdout
    assert {call.action for call in asked} == {"overage"}


# The thorough profile


def test_a_thorough_look_spends_more_than_an_account_is_usually_made_with_and_holds() -> None:
    with served() as vendor:
        address, gate = address_of(vendor.url), Gate()
        control = Control(address)
        own, _ = open_gate(address, control, gate)
        lab = Lab(address, own, gate, control, PROFILES["thorough"])
        verdicts = list(examine(lab, [BY_ID["C-send-fetch"]]))
    assert [verdict.why for verdict in verdicts if verdict.state is not State.HELD] == []


FUZZ = """
#!/bin/sh
echo "$CI $*" >>"$0.asked"
[ "$(wc -l <"$0.asked")" -lt 3 ] || exit {code}
"""


@pytest.mark.parametrize("code", [1, 2, 3])
def test_make_fuzz_goes_on_with_fresh_seeds_until_a_round_is_not_green_and_fails_with_it(
    code: int, tmp_path: Path
) -> None:
    command = tmp_path / "sms10692-contract"
    command.write_text(FUZZ.lstrip().format(code=code), "utf-8")
    command.chmod(0o755)
    ready = tmp_path / "ready"
    make = ["make", "-C", str(TOP), "-o", str(ready), "fuzz", f"READY={ready}", f"BIN={tmp_path}", "URL=http://x"]
    ended = subprocess.run(make, capture_output=True, encoding="utf-8", env=os.environ | {"CI": "1"}, timeout=60)
    assert ended.returncode != 0
    assert f"Error {code}" in ended.stderr
    asked = Path(f"{command}.asked").read_text("utf-8").splitlines()
    assert asked == [" http://x --control http://x --profile thorough"] * 3


# HTTPS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs the certificate of a vendor at 127.0.0.1."""
    return trustme.CA()


@pytest.fixture
def https(authority: trustme.CA) -> Iterator[str]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with served(tls=tls) as vendor:
        yield vendor.url


@pytest.fixture
def ca(authority: trustme.CA, tmp_path: Path) -> str:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    return str(file)


def test_an_https_address_whose_certificate_is_signed_by_the_ca_is_examined(https: str, ca: str) -> None:
    ended = contract(https, "--control", https, "--ca", ca, *only("2.3-found", "1.3-ok", "Q17"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "3 of 3 clauses exercised, 3 held" in ended.stdout


def test_any_certificate_will_do_where_it_was_said(https: str) -> None:
    assert contract(https, "--control", https, "--insecure", *only("2.3-found")).returncode == 0


def test_an_unknown_certificate_is_not_reachable_and_says_what_would_help(https: str) -> None:
    ended = contract(https, "--userid", "12", "--account", "test", "--password", "mima")
    assert (ended.returncode, ended.stdout) == (3, "")
    assert "see --ca and --insecure" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_http_where_https_is_spoken_and_the_reverse_is_not_reachable(https: str) -> None:
    own = ["--userid", "12", "--account", "test", "--password", "mima"]
    assert contract(https.replace("https:", "http:"), *own).returncode == 3
    with served() as vendor:
        assert contract(vendor.url.replace("http:", "https:"), *own).returncode == 3


def test_what_repeats_a_failure_at_an_https_address_trusts_the_same(ca: str, authority: trustme.CA) -> None:
    (broken,) = (one for one in FAULTS if one.name == "Sucess corrected")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with served(broken.fault, tls) as vendor:
        own = ["--userid", "12", "--account", "test", "--password", "mima", "--ca", ca]
        ended = contract(vendor.url, *own, *only("2.3-found"))
        assert ended.returncode == 1
        (line,) = re.findall(r"^  request:  (curl .*)$", ended.stdout, re.MULTILINE)
        pasted = subprocess.run(["/bin/bash", "-c", line], capture_output=True, encoding="utf-8", check=True).stdout
    assert "<returnstatus>Success</returnstatus>" in pasted
    assert f"--ca {ca}" in ended.stdout


def test_a_file_without_certificates_is_wrong_usage(tmp_path: Path) -> None:
    file = tmp_path / "empty.pem"
    file.write_text("", "utf-8")
    ended = contract("https://127.0.0.1:1", "--control", "https://127.0.0.1:1", "--ca", str(file))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "holds no certificates" in ended.stderr


# The command


def test_an_account_with_a_chinese_name_is_examined_as_any_other() -> None:
    with running("--account", "7:商家:secret") as (_, (host, port)):
        own = ["--userid", "7", "--account", "商家", "--password", "secret"]
        ended = contract(f"http://{host}:{port}", *own, *only("1.2-sign", "1.2-sign-wrong", "Q2", "Q5"))
    assert ended.returncode == 0, ended.stdout
    assert "4 of 4 clauses exercised, 4 held" in ended.stdout


def test_with_its_control_address_every_clause_of_the_emulator_is_exercised_and_held(tmp_path: Path) -> None:
    page, junit = tmp_path / "report.html", tmp_path / "report.xml"
    with running() as (_, (host, port)):
        url = f"http://{host}:{port}"
        ended = contract(url, "--control", url, "--html", str(page), "--junit", str(junit))
    assert ended.returncode == 0, ended.stdout
    assert f"{len(CLAUSES)} of {len(CLAUSES)} clauses exercised, {len(CLAUSES)} held" in ended.stdout
    suite = ET.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == (str(len(CLAUSES)), "0", "0")
    assert page.read_text("utf-8").count("<tr class=") == len(CLAUSES)


def test_a_failed_clause_is_shown_with_its_request_and_how_to_repeat_it(tmp_path: Path) -> None:
    (broken,) = (one for one in FAULTS if one.name == "Sucess corrected")
    page, junit = tmp_path / "report.html", tmp_path / "report.xml"
    with served(broken.fault) as vendor:
        own = [vendor.url, "--userid", "12", "--account", "test", "--password", "mima"]
        some = only("2.3-found", "2.3-payinfo", "3.3-forbidden")
        ended = contract(*own, *some, "--seed", "5", "--html", str(page), "--junit", str(junit))
        assert ended.returncode == 1
        (line,) = re.findall(r"^  request:  (curl .*)$", ended.stdout, re.MULTILINE)
        (again,) = re.findall(r"^  again:    sms10692-contract (.*)$", ended.stdout, re.MULTILINE)
        pasted = subprocess.run(["/bin/bash", "-c", line], capture_output=True, encoding="utf-8", check=True).stdout
        assert "<returnstatus>Success</returnstatus>" in pasted
        assert contract(*again.split(), "--password", "mima").returncode == 1
    assert "<returnstatus>Sucess</returnstatus>" in ended.stdout
    assert "2.3-found (2.3)" in ended.stdout
    assert "mima" not in ended.stdout
    suite = ET.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert "curl -sg" in page.read_text("utf-8")


def test_without_permission_the_rest_is_listed_and_not_counted_as_held() -> None:
    free = ["1.3-credentials-empty", "2.3-found", "3.3-forbidden", "4.4-1"]
    needing = [clause.id for clause in CLAUSES if clause.needs]
    with served() as vendor:
        own = [vendor.url, "--userid", "12", "--account", "test", "--password", "mima"]
        ended = contract(*own, *only(*free, *needing))
    assert ended.returncode == 0
    assert f"{len(free)} of {len(free) + len(needing)} clauses exercised, {len(free)} held" in ended.stdout
    assert ended.stdout.count("not exercised") == len(needing)


def test_an_allowed_number_is_sent_to_within_the_budget() -> None:
    with served() as vendor:
        own = [vendor.url, "--userid", "12", "--account", "test", "--password", "mima"]
        needing = [clause.id for clause in CLAUSES if clause.needs]
        ended = contract(*own, *only(*needing), "--allow-send", "15023239810", "--allow-fetch", "--budget", "20")
    possible = sum("control" not in BY_ID[one].needs for one in needing)
    assert ended.returncode == 0, ended.stdout
    assert f"{possible} of {len(needing)} clauses exercised, {possible} held" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["http://127.0.0.1:1", "--userid", "1", "--account", "a", "--password", "b"], 3, "127.0.0.1:1"),
        (["http://127.0.0.1:1", "--control", "http://127.0.0.1:1"], 3, "127.0.0.1:1"),
        (["http://127.0.0.1:1"], 2, "--control"),
        (["http://a..b", "--userid", "1", "--account", "a", "--password", "b"], 2, "a..b is no name of a host"),
        (["http://127.0.0.1:1", "--control", "http://a..b"], 2, "a..b is no name of a host"),
        (["ftp://127.0.0.1", "--userid", "1", "--account", "a", "--password", "b"], 2, "http://HOST:PORT"),
        (["http://127.0.0.1:1", "--only", "nonsense"], 2, "nonsense"),
        (["http://127.0.0.1:1", "--nonsense"], 2, "--nonsense"),
        ([], 2, "HOST:PORT"),
    ],
    ids=str,
)
def test_what_cannot_be_run_is_one_clear_line(arguments: list[str], code: int, said: str) -> None:
    ended = contract(*arguments)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1


class OtherControl(BaseHTTPRequestHandler):
    """What answers every request alike, and is no control address."""

    status: ClassVar[int]
    document: ClassVar[bytes]

    def respond(self) -> None:
        self.send_response_only(self.status)
        self.send_header("Content-Length", str(len(self.document)))
        self.end_headers()
        self.wfile.write(self.document)

    do_GET = do_POST = respond  # noqa: N815 - the names of the standard library


@contextmanager
def other_control(status: int, document: str) -> Iterator[str]:
    kind = type("Other", (OtherControl,), {"status": status, "document": document.encode()})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


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
    with other_control(status, document) as url:
        ended = contract(url, "--control", url)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert "are --control and --control-token right?" in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("document", ["{}", '{"now": "yesterday"}', '{"now": "2012-07-01T23:12:12"}'])
def test_a_clock_that_shows_no_moment_with_its_offset_is_refused(document: str) -> None:
    with other_control(200, document) as url, pytest.raises(ControlRefused, match="was answered with the time"):
        Control(address_of(url)).now("1")


def verdicts_on(fault: Fault, clauses: list[str], seed: int = 1, shrinking: int = 100) -> list[Verdict]:
    """What the quick profile says of a vendor, without long thought about the shortest failure."""
    with served(fault) as vendor:
        address, gate = address_of(vendor.url), Gate()
        control = Control(address)
        own, _ = open_gate(address, control, gate)
        profile = replace(PROFILES["quick"], shrinking=shrinking)
        return list(examine(Lab(address, own, gate, control, profile, seed), [BY_ID[one] for one in clauses]))


def prices_asked_for(seed: int) -> tuple[str, list[str]]:
    """Why R6-parts fails for a vendor that overcharges lengths no fixed case has, and the texts it was asked about."""
    texts: list[str] = []

    def price(text: str) -> int:
        texts.append(text)
        return parts(text) + (len(text) % 5 == 3)

    (verdict,) = verdicts_on(Fault(billing=price), ["R6-parts"], seed)
    assert verdict.state is State.FAILED
    return verdict.why, texts


def test_a_run_is_repeated_by_its_seed_and_by_no_other() -> None:
    assert prices_asked_for(3) == prices_asked_for(3)
    assert prices_asked_for(3)[1] != prices_asked_for(4)[1]


@pytest.mark.parametrize("shrinking", [0, 200])
def test_a_failure_is_made_shorter_for_so_many_requests(shrinking: int) -> None:
    asked: list[Call] = []
    failed_at: list[int] = []

    def keep(call: Call) -> Call:
        asked.append(call)
        return call

    def price(text: str) -> int:
        if len(text) % 5 == 3 and not failed_at:
            failed_at.append(len(asked))
        return parts(text) + (len(text) % 5 == 3)

    verdicts_on(Fault(call=keep, billing=price), ["R6-parts"], 1, shrinking)
    assert len(asked) - failed_at[0] <= shrinking


def test_a_clause_that_shares_its_check_with_a_failed_one_is_not_counted_as_held() -> None:
    (broken,) = (one for one in FAULTS if one.name == "reports never leave the queue")
    verdicts = verdicts_on(broken.fault, ["M-once", "M-lost"])
    assert report.summary(verdicts) == "1 of 2 clauses exercised, 0 held, 1 failed"
    assert [verdict.state for verdict in verdicts] == [State.FAILED, State.NOT_EXERCISED]


def under_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The suite as tests, in an empty folder."""
    command = [sys.executable, "-m", "pytest", "-p", "sms10692_contract.plugin", "-p", "no:cacheprovider"]
    command += ["--pyargs", "sms10692_contract", "-q", "-k", "2.3-found or 2.3-payinfo", *options]
    alone = ENVIRONMENT | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # importing the others takes longer than the clauses
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", env=alone, timeout=60)


@pytest.mark.parametrize("fault", ["", "Sucess corrected"])
def test_pytest_runs_each_clause_as_a_test(fault: str, tmp_path: Path) -> None:
    faults = {one.name: one.fault for one in FAULTS}
    with served(faults.get(fault)) as vendor:
        ended = under_pytest(tmp_path, "--target", vendor.url, "--control", vendor.url)
    assert ended.returncode == (1 if fault else 0), ended.stdout + ended.stderr
    assert ("request:  curl" in ended.stdout) is bool(fault)


def test_pytest_examines_with_credentials_too_and_skips_what_needs_permission(tmp_path: Path) -> None:
    with served() as vendor:
        own = ["--userid", "12", "--account", "test", "--password", "mima"]
        ended = under_pytest(tmp_path, "--target", vendor.url, *own)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "1 passed, 1 skipped" in ended.stdout


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--target", "http://127.0.0.1:1"], 4, "--userid, --account and --password are needed, or --control"),
        (["--target", "http://127.0.0.1:1", "--control", "http://127.0.0.1:1"], 3, "http://127.0.0.1:1"),
    ],
)
def test_pytest_runs_nothing_where_it_was_not_told_whom_to_examine_and_as_whom(
    options: list[str], code: int, said: str, tmp_path: Path
) -> None:
    ended = under_pytest(tmp_path, *options)
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert said in ended.stdout + ended.stderr
    assert "failed" not in ended.stdout
