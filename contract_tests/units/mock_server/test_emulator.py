"""What a test holds of an emulator does what it says, in this process as over a socket, and ends when it is told to.

Here belong `Emulator`, `EmulatorControl` and `SmsVendor`. Their fixture is in test_pytest_plugin.
"""

import errno
import gc
import inspect
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import httpx2
import pytest
from pydantic import BaseModel

import figures
from emulators import PATIENCE, ask, nobody_there, received
from sms10692 import Client, Refused, Unreachable
from sms10692_mock import ControlRefused, ControlUnreachable, Emulator, EmulatorControl, NotSent, Options, SmsVendor
from sms10692_mock.accounts import MANUALS_OWN, Account, account_from
from sms10692_mock.control import accounts, requests, traffic, weather
from sms10692_mock.control.seeds import seed_in
from sms10692_mock.dialects import OBSERVED
from sms10692_mock.faults import Kind
from sms10692_mock.http import in_thread
from sms10692_mock.testing import values
from sms10692_mock.testing.connection import ControlError
from sms10692_mock.testing.place import Place

NUMBER, OTHER = "15023239810", "13527576163"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(params=["in this process", "over a socket"])
def control(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[EmulatorControl]:
    if request.param == "in this process":
        yield emulator.control
    else:
        with EmulatorControl(emulator.url) as control:
            yield control


@pytest.fixture
def vendor(control: EmulatorControl) -> Iterator[SmsVendor]:
    with control.account() as vendor:
        yield vendor


def client(
    vendor: SmsVendor, *, userid: str | None = None, account: str | None = None, password: str | None = None
) -> Client:
    """A client of this account, or of one that is not quite it; it reads no certificates."""
    return Client(
        vendor.url,
        userid=userid or vendor.userid,
        account=account or vendor.account,
        password=password or vendor.password,
        transport=httpx2.HTTPTransport(verify=False),
        timeout=PATIENCE,
    )


# Where it is, and that it ends


def test_it_answers_on_a_socket_and_without_one_as_the_same_vendor(emulator: Emulator) -> None:
    with emulator.account(points=3) as vendor:
        with client(vendor) as there:
            there.send([NUMBER], "内容")
        transport = httpx2.WSGITransport(app=vendor.wsgi)
        with Client(vendor.url, **vendor.credentials, transport=transport) as here:
            assert here.overage().overage == 2
        assert [message.mobile for message in vendor.messages()] == [NUMBER]


def test_several_at_once_know_nothing_of_each_other() -> None:
    with Emulator() as one, Emulator(Options(dialect=OBSERVED)) as other:
        assert one.url != other.url
        assert [emulator.control.health()["dialect"] for emulator in (one, other)] == ["manual", "observed"]
        vendor = one.account()
        with pytest.raises(ControlRefused, match=vendor.userid):
            other.control.known(vendor.userid)


def test_one_after_the_other_ends_at_once_and_leaves_nothing_behind() -> None:
    with Emulator():
        pass  # what is only made once
    before = _what_is_held()
    ends = [_end() for _ in range(8)]
    assert any(is_refused for _, is_refused in ends), "a free port may be somebody else's at once, but not each time"
    assert min(took for took, _ in ends) < 0.02 or not figures.ARE_ASSERTED, ends
    until = time.monotonic() + PATIENCE
    while not all(now <= then for now, then in zip(_what_is_held(), before, strict=True)):
        assert time.monotonic() < until, (before, _what_is_held())
        time.sleep(0.01)  # a thread of an earlier test may come and go


def _what_is_held() -> tuple[int, int]:
    """How many threads and open files there are."""
    gc.collect()
    files = Path("/proc/self/fd")
    return threading.active_count(), len(list(files.iterdir())) if files.exists() else 0


def _end() -> tuple[float, bool]:
    """How long one takes to end, and whether whoever then connects is refused."""
    with Emulator() as emulator:
        with emulator.account() as vendor, client(vendor) as there:
            there.overage()
        address = _address(emulator)
        begun = time.perf_counter()
    took = time.perf_counter() - begun
    with socket.socket() as connection:
        connection.settimeout(PATIENCE)
        return took, connection.connect_ex(address) == errno.ECONNREFUSED


@pytest.mark.parametrize(
    "waiting", ["for an answer", "with half a head", "with half a body", "for a message", "for events"]
)
def test_it_ends_though_somebody_is_still_waiting(waiting: str, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        with socket.socket() as connection:
            connection.settimeout(PATIENCE)
            with Emulator() as emulator:
                emulator.control.fault("hang", "overage")
                connection.connect(_address(emulator))
                connection.sendall(_WAITING[waiting])
                _until_heard(emulator, waiting)
            with suppress(ConnectionResetError):  # an end as well
                assert connection.recv(4) in {b"", b"HTTP" if waiting in {"for a message", "for events"} else b""}
    assert capfd.readouterr() == ("", "")


def _until_heard(emulator: Emulator, waiting: str) -> None:
    """Until the emulator knows of whoever waits: he is in its journal, or at its bell, or before somebody answered."""
    until = time.monotonic() + PATIENCE
    while (waiting == "for an answer" and not emulator.control.requests()) or (
        waiting in {"for a message", "for events"} and not emulator._bell._waiting
    ):
        assert time.monotonic() < until
        time.sleep(0.001)
    assert ask(_address(emulator), b"GET /v2sms.aspx?action=checkkeyword HTTP/1.1\r\nHost: x\r\n\r\n").status == 200


_HEAD = b"POST /v2sms.aspx HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n"
_WAITING = {
    "for an answer": _HEAD + b"\r\naction=overage&",
    "with half a head": _HEAD,
    "with half a body": _HEAD + b"\r\naction",
    "for events": b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "for a message": b"GET /_mock/accounts/12/messages?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


def _address(emulator: Emulator) -> tuple[str, int]:
    host, _, port = emulator.url.removeprefix("http://").rpartition(":")
    return host, int(port)


def test_it_can_be_entered_again() -> None:
    emulator = Emulator()
    with emulator:
        first = emulator.account()
    with emulator, client(emulator.control.known(first.userid)) as there:
        assert there.overage().overage == 1000


def test_outside_of_with_it_says_so() -> None:
    emulator = Emulator()
    with pytest.raises(RuntimeError, match="with Emulator"):
        emulator.account()
    with emulator:
        pass
    with pytest.raises(RuntimeError, match="with Emulator"):
        _ = emulator.url


def test_a_thread_that_cannot_begin_is_no_thread_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError("no server today")

    monkeypatch.setattr(in_thread, "Server", broken)
    with pytest.raises(RuntimeError) as raised, Emulator():
        pass
    assert "no server today" in str(raised.value.__cause__)


# What was sent


def test_a_message_says_what_was_sent(vendor: SmsVendor) -> None:
    with client(vendor) as there:
        sent = there.send([NUMBER, OTHER], "【签名】" + "码" * 70, extno="01")
    first, second = vendor.messages()
    assert (first.mobile, first.content, first.task_id) == (NUMBER, "【签名】" + "码" * 70, sent.task_id)
    assert (first.units, first.parts, first.cost, first.extno) == (74, 2, 2, "01")
    assert (first.page, first.charset, first.errorcode, first.state) == ("/v2sms.aspx", "utf-8", "DELIVRD", "waiting")
    assert first.sent.utcoffset() == timedelta(hours=8)
    assert vendor.messages(to=OTHER) == [second]
    assert vendor.messages(text="码码") == [first, second]
    assert vendor.messages(to=OTHER, text="x") == []


def test_an_awaited_message_comes_as_soon_as_it_is_sent_and_once(vendor: SmsVendor) -> None:
    with client(vendor) as there:
        sending = threading.Thread(target=there.send, args=([NUMBER], "first"))
        sending.start()
        assert vendor.wait_message(to=NUMBER).content == "first"
        sending.join()
        there.send([OTHER], "second")
        there.send([NUMBER], "third")
    assert vendor.wait_message(text="third").mobile == NUMBER
    assert vendor.wait_message().content == "second"
    with pytest.raises(NotSent, match="no other message was sent within 0 s"):
        vendor.wait_message(timeout=0)


def test_a_message_that_does_not_come_is_an_error_that_says_what_did(vendor: SmsVendor) -> None:
    with client(vendor) as there:
        there.send([NUMBER], "验证码\n1234")
    with client(vendor, password=vendor.password + " ") as wrong:
        with pytest.raises(Refused):
            wrong.send([OTHER], "x")
    with pytest.raises(NotSent) as raised:
        vendor.wait_message(to=OTHER, text="x", timeout=0.01)
    said = str(raised.value)
    assert said.startswith(f"no message to {OTHER} with 'x' was sent within 0.01 s\n")
    assert f"to {NUMBER}, task" in said
    assert "验证码\\n1234" in said
    assert "send: refused, 用户名或密码错误\n      signature." in said
    assert vendor.password not in said


def test_a_client_with_a_wrong_userid_is_found(vendor: SmsVendor) -> None:
    with client(vendor, userid="a\nb") as wrong:
        with pytest.raises(Refused):
            wrong.send([NUMBER], "x")
    said = vendor.explain()
    assert "none named this account's userid" in said
    assert "userid 'a\\nb': refused, 用户名或密码错误\n      signature." in said
    assert f"the account with the userid '{vendor.userid}' made this signature" in said
    with client(vendor) as there:
        there.overage()
    assert "named no known userid" not in vendor.explain()


def test_requests_come_with_their_diagnosis(vendor: SmsVendor) -> None:
    with client(vendor, account=vendor.account.upper()) as wrong:
        with pytest.raises(Refused):
            wrong.overage()
    with client(vendor) as there:
        there.overage()
    refused, answered = vendor.requests()
    assert (refused.operation, refused.refusal, answered.refusal) == ("overage", "用户名或密码错误", "")
    assert [finding.kind for finding in refused.diagnosis] == ["signature"]
    assert refused.fields["userid"] == vendor.userid
    assert "<overage>1000<" in answered.answer_text
    assert vendor.requests(last=1) == [answered]
    assert vendor.requests(last=0) == []


# What becomes of it


def test_the_next_fails_and_the_one_after_it_does_not(vendor: SmsVendor) -> None:
    vendor.fail_next("MK:0001")
    vendor.fail_next("MK:0002", count=2, to=OTHER)
    with client(vendor) as there:
        there.send([NUMBER, NUMBER, OTHER, OTHER, OTHER], "x")
        assert [report.errorcode for report in there.status()] == [
            "MK:0001",
            "DELIVRD",
            "MK:0002",
            "MK:0002",
            "DELIVRD",
        ]


def test_rules_hold_until_they_are_cleared(vendor: SmsVendor) -> None:
    vendor.rule("150", "silent")
    vendor.rule(OTHER, delay=5, reply="T", share=1.0, remaining=3)
    assert [(rule.number, rule.outcome, rule.delay, rule.reply) for rule in vendor.outcomes()] == [
        (OTHER, "delivered", 5.0, "T"),
        ("150", "silent", 0.0, None),
    ]
    with client(vendor) as there:
        there.send([NUMBER], "x")
    assert vendor.messages()[0].state == "never"
    vendor.clear_outcomes(seed=1)
    assert vendor.outcomes() == []


def test_a_reply_answers_the_last_task_and_a_report_belongs_to_it(vendor: SmsVendor) -> None:
    with client(vendor) as there:
        sent = there.send([NUMBER], "x", extno="7")
        there.status()
        vendor.reply(NUMBER, "T")
        vendor.reply(OTHER, "later", task_id=5, extno="9", seconds=60)
        vendor.report(NUMBER, 20)
        vendor.report(NUMBER, 10, "EXTRA", task_id=5)
        assert [(reply.content, reply.task_id, reply.extno) for reply in there.call()] == [("T", sent.task_id, "7")]
        assert [(report.errorcode, report.task_id) for report in there.status()] == [
            ("UNDELIV", sent.task_id),
            ("EXTRA", 5),
        ]
    assert [(reply.content, reply.state) for reply in vendor.replies()] == [("T", "handed out"), ("later", "later")]
    fetch = vendor.requests(last=1)[0]
    assert {report.handed_out_to for report in vendor.reports()[1:]} == {fetch.number}


def test_what_was_handed_out_may_wait_again(vendor: SmsVendor) -> None:
    with client(vendor) as there:
        there.send([NUMBER, "10000000030"], "x")
        assert (len(there.status()), len(there.call())) == (2, 1)
        assert vendor.rewind_reports(1) == 1
        assert vendor.ledger().reports == values.Ledger(created=2, later=0, waiting=1, handed_out=1, forgotten=0)
        assert [report.mobile for report in there.status()] == ["10000000030"]
        assert vendor.rewind_replies(since=datetime.now(UTC) - timedelta(minutes=5)) == 1
        assert vendor.ledger().replies.waiting == 1


def test_an_account_is_charged_up_and_has_its_terms(control: EmulatorControl) -> None:
    with control.account(points=0, postpaid=False, may_read_reports=False, dialect="observed") as vendor:
        standing = vendor.standing()
        assert (standing.points, standing.may_read_reports, standing.dialect) == (0, False, "observed")
        assert vendor.charge(7).send_total == 7
        assert vendor.change(may_read_reports=True, dialect="manual").dialect == "manual"
        with client(vendor) as there:
            assert there.overage().overage == 7
            assert list(there.status()) == []


def test_a_reset_account_begins_anew_with_the_same_credentials(vendor: SmsVendor) -> None:
    vendor.clock.freeze(NOON)
    vendor.fault("empty")
    vendor.fail_next()
    with client(vendor) as there:
        vendor.clear_faults()
        there.send([NUMBER], "x")
        vendor.wait_message()
        vendor.reset()
        assert (vendor.messages(), vendor.outcomes(), vendor.faults()) == ([], [], [])
        there.send([NUMBER], "y")
    assert vendor.wait_message().content == "y"
    assert vendor.messages()[0].errorcode == "DELIVRD"
    assert vendor.clock.now() > NOON


# Clock and faults


def test_its_clock_is_its_own(control: EmulatorControl, vendor: SmsVendor) -> None:
    control.clock.freeze(NOON)
    assert control.clock.now() == NOON
    assert vendor.clock.now() > NOON
    assert vendor.clock.real() == NOON  # as the emulator's
    assert control.clock.real() > NOON


def test_a_clock_stands_is_put_forward_and_runs(vendor: SmsVendor) -> None:
    clock = vendor.clock
    assert clock.freeze(NOON) == NOON
    assert clock.now() == NOON
    assert clock.advance(60) == NOON + timedelta(minutes=1)
    assert clock.advance(timedelta(hours=1)) == NOON + timedelta(hours=1, minutes=1)
    vendor.reply(NUMBER, "T", seconds=30)
    assert clock.advance_to_next() == NOON + timedelta(hours=1, minutes=1, seconds=30)
    with pytest.raises(ControlRefused, match="nothing waits") as raised:
        clock.advance_to_next()
    assert raised.value.status == 409
    assert NOON <= clock.set(NOON, speed=100.0) < NOON + timedelta(hours=1)
    assert clock.now() > NOON


def test_a_fault_strikes_until_it_is_removed(vendor: SmsVendor) -> None:
    fault = vendor.fault("close", "overage", remaining=5)
    with client(vendor) as there:
        with pytest.raises(Unreachable):
            there.overage()
        there.checkkeyword("x")
        (left,) = vendor.faults()
        assert (left.id, left.kind, left.operations, left.remaining) == (fault.id, "close", ("overage",), 4)
        vendor.remove_fault(fault)
        there.overage()
        vendor.fault("message", message="其他错误")
        with pytest.raises(Refused):
            there.send([NUMBER], "x")
        vendor.clear_faults()
        there.send([NUMBER], "x")
    assert "spoilt by a fault: close" in vendor.explain()


# The emulator as a whole


def test_what_is_turned_for_all_is_turned_back_by_a_reset() -> None:
    with Emulator() as emulator:
        control = emulator.control
        first, words = control.account(), control.keywords()
        control.forbid(["x"])
        control.fault("empty")
        control.clock.freeze(NOON)
        assert control.keywords() == ["x"]
        control.reset()
        assert (control.keywords(), control.faults()) == (words, [])
        assert control.clock.now() > NOON
        first.close()  # it is gone, which is what was wanted
        with pytest.raises(ControlRefused):
            first.standing()


def test_an_account_of_the_emulators_own_is_held_and_stays(emulator: Emulator) -> None:
    with emulator.control.known("12") as manuals:
        assert manuals.credentials == {"userid": "12", "account": "test", "password": MANUALS_OWN.password}
        with client(manuals) as there:
            there.send([NUMBER], "x")
        assert manuals.wait_message(to=NUMBER).content == "x"
        manuals.reset()
    assert emulator.control.known("12").standing().messages == 0


@pytest.mark.parametrize("userid", ["商户", "q?1", "100%", "%2F", "a b#c"])
def test_an_account_is_held_whatever_is_in_its_userid(userid: str) -> None:
    with Emulator(Options(accounts=(Account(userid, "shop", "geheim"),))) as emulator:
        with EmulatorControl(emulator.url) as from_afar:
            for control in (emulator.control, from_afar):
                vendor = control.known(userid)
                assert vendor.userid == userid
                assert vendor.standing().points == 1000
                assert vendor.clock.now().tzinfo is not None


@pytest.mark.parametrize("userid", ["a/b", "..", "."])
def test_an_account_that_no_address_could_name_is_none(userid: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no part of an address"):
        account_from(f"{userid}:shop:geheim")
    seed = tmp_path / "seed.toml"
    seed.write_text(f'[[accounts]]\nuserid = "{userid}"\naccount = "shop"\npassword = "geheim"\n')
    with pytest.raises(ValueError, match="no part of an address"):
        seed_in(seed)


def test_half_a_character_is_in_no_userid_and_in_no_number(control: EmulatorControl, vendor: SmsVendor) -> None:
    with pytest.raises(ControlRefused, match="no account"):
        control.known("\ud800")
    assert vendor.messages(to="\ud800") == []


def test_what_runs_elsewhere_has_no_wsgi(emulator: Emulator) -> None:
    with EmulatorControl(emulator.url + "/") as control, control.account() as vendor:
        assert vendor.url == emulator.url
        with pytest.raises(RuntimeError, match="runs elsewhere"):
            _ = vendor.wsgi


def test_a_password_is_in_no_repr(vendor: SmsVendor) -> None:
    assert vendor.userid in repr(vendor)
    assert vendor.password not in repr(vendor)


# Errors


def test_a_wrong_wish_is_refused_in_words(vendor: SmsVendor) -> None:
    with pytest.raises(ControlRefused, match="needs seconds") as raised:
        vendor.fault("latency")
    assert raised.value.status == 422
    with pytest.raises(ControlRefused, match="timezone"):
        vendor.clock.freeze(datetime(2026, 1, 1))


def test_a_document_of_another_version_is_said() -> None:
    def of_another_version(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"faults": [{"id": "1"}]}']

    with EmulatorControl("http://localhost", wsgi=of_another_version) as control:
        with pytest.raises(ControlError, match="no 'kind' of a Fault: it is of another version"):
            control.faults()


def test_nobody_there_is_said() -> None:
    with nobody_there() as port:
        url = f"http://127.0.0.1:{port}"
        with EmulatorControl(url) as control, pytest.raises(ControlUnreachable, match=url):
            control.health()
    with pytest.raises(ValueError, match="no address"):
        EmulatorControl("127.0.0.1:10692")


def test_something_else_there_is_said() -> None:
    def somebody(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"<html>It works!</html>"]

    with EmulatorControl("http://localhost", wsgi=somebody) as control:
        with pytest.raises(ControlUnreachable, match="no control address; it answered 200: <html>It works"):
            control.health()


def test_a_token_is_sent() -> None:
    seen = []

    def guarded(environ: Any, start_response: Any) -> list[bytes]:
        seen.append(environ["HTTP_AUTHORIZATION"])
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b"{}"]

    with EmulatorControl("http://localhost", "s3cret", wsgi=guarded) as control:
        control.health()
        control.clear_faults()
    assert seen == ["Bearer s3cret"] * 2


def test_a_connection_that_was_closed_meanwhile_is_opened_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:

        def answer_and_hang_up() -> None:
            with listener.accept()[0] as connection:
                received(connection)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        with EmulatorControl(f"http://127.0.0.1:{listener.getsockname()[1]}") as control:
            for _ in range(3):
                answered = thread.submit(answer_and_hang_up)
                assert control.health() == {}
                answered.result()


def test_many_threads_may_share_it(emulator: Emulator) -> None:
    with EmulatorControl(emulator.url) as control, ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda points: control.account(points=points), range(40)))
        assert [vendor.standing().points for vendor in made] == list(range(40))
        list(threads.map(SmsVendor.close, made))
        assert not {vendor.userid for vendor in made} & set(control.userids())


# The names are those of the control address


@pytest.mark.parametrize(
    ("value", "document"),
    [
        (values.Message, traffic.MessageDocument),
        (values.Report, traffic.ReportDocument),
        (values.Reply, traffic.ReplyDocument),
        (values.Ledger, traffic.LedgerDocument),
        (values.Queues, traffic.QueuesDocument),
        (values.Rule, weather.RuleDocument),
        (values.Fault, weather.FaultDocument),
        (values.Finding, requests.FindingDocument),
    ],
)
def test_a_value_has_the_names_of_its_document(value: type[Any], document: type[BaseModel]) -> None:
    assert [field.name for field in fields(value)] == list(document.model_fields)


@pytest.mark.parametrize(
    ("value", "document"),
    [(values.Request, requests.WholeRequestDocument), (values.Standing, accounts.AccountDocument)],
)
def test_a_value_has_names_of_its_document(value: type[Any], document: type[BaseModel]) -> None:
    assert {field.name for field in fields(value)} <= document.model_fields.keys()


@pytest.mark.parametrize(
    ("method", "document"),
    [
        (Place.fault, weather.NewFault),
        (SmsVendor.rule, weather.RuleDocument),
        (EmulatorControl.account, accounts.NewAccount),
        (Emulator.account, accounts.NewAccount),
    ],
)
def test_whatever_may_be_wished_can_be_wished(method: Any, document: type[BaseModel]) -> None:
    assert set(inspect.signature(method).parameters) - {"self"} == document.model_fields.keys() - {"own_clock"}


def test_the_kinds_of_faults_are_the_emulators() -> None:
    assert get_args(values.FaultKind) == get_args(Kind)
    assert get_args(values.OperationName) == get_args(weather.OperationName)


def test_an_account_has_the_name_that_was_wished() -> None:
    with Emulator() as emulator:
        vendor = emulator.account(account="商家")
        assert vendor.account == "商家"
        with client(vendor) as own:
            assert own.overage().overage == 1000
