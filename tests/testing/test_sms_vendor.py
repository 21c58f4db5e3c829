"""What a test holds of one account says what was sent and what became of it, and turns its clock and its faults.

Here belongs `SmsVendor`, in this process as over a socket. All accounts at once are in `test_emulator_control`.
"""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from sms10692 import ConnectionFailed, VendorRefusal
from sms10692_mock import ControlRefused, EmulatorControl, MessageNotSent, SmsVendor
from sms10692_mock.testing import models
from support import handles
from support.handles import NOON, NUMBER, OTHER, client

emulator = handles.emulator
control = handles.control
vendor = handles.vendor


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
    with pytest.raises(MessageNotSent, match="no other message was sent within 0 s"):
        vendor.wait_message(timeout=0)


def test_a_message_that_does_not_come_is_an_error_that_says_what_did(vendor: SmsVendor) -> None:
    with client(vendor) as there:
        there.send([NUMBER], "验证码\n1234")
    with client(vendor, password=vendor.password + " ") as wrong:
        with pytest.raises(VendorRefusal):
            wrong.send([OTHER], "x")
    with pytest.raises(MessageNotSent) as raised:
        vendor.wait_message(to=OTHER, text="x", timeout=0.01)
    said = str(raised.value)
    assert said.startswith(f"no message to {OTHER} with 'x' was sent within 0.01 s\n")
    assert f"to {NUMBER}, task" in said
    assert "验证码\\n1234" in said
    assert "send: refused, 用户名或密码错误\n      signature." in said
    assert vendor.password not in said


def test_an_errorcode_moves_no_cursor_of_the_terminal(vendor: SmsVendor) -> None:
    vendor.fail_next("\x1b[2J\n\u202e")
    with client(vendor) as there:
        there.send([NUMBER], "x")
    with pytest.raises(MessageNotSent) as raised:
        vendor.wait_message(to=OTHER, timeout=0.01)
    assert "\\x1b[2J\\n\\u202e" in str(raised.value)
    assert all(line.isprintable() for line in str(raised.value).splitlines())


def test_a_client_with_a_wrong_userid_is_found(vendor: SmsVendor) -> None:
    with client(vendor, userid="a\nb") as wrong:
        with pytest.raises(VendorRefusal):
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
        with pytest.raises(VendorRefusal):
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


def test_a_password_is_in_no_repr(vendor: SmsVendor) -> None:
    assert vendor.userid in repr(vendor)
    assert vendor.password not in repr(vendor)


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
        first = there.send([NUMBER], "x")
        sent = there.send([NUMBER], "x", extno="7")
        there.status()
        reply = vendor.reply(NUMBER, "T")
        assert (reply.task_id, reply.extno, reply.state) == (sent.task_id, "7", "waiting")
        with pytest.raises(ControlRefused, match=f"has sent nothing to {OTHER}"):
            vendor.reply(OTHER, "T")
        assert vendor.reply(OTHER, "later", task_id=first.task_id, extno="9", seconds=60).state == "later"
        assert vendor.report(NUMBER, 20).extno == "7"
        vendor.report(NUMBER, 10, "EXTRA", task_id=first.task_id)
        assert [(reply.content, reply.task_id, reply.extno) for reply in there.call()] == [("T", sent.task_id, "7")]
        assert [(report.errorcode, report.task_id) for report in there.status()] == [
            ("UNDELIV", sent.task_id),
            ("EXTRA", first.task_id),
        ]
    assert [(reply.content, reply.state) for reply in vendor.replies()] == [("T", "handed out"), ("later", "later")]
    fetch = vendor.requests(last=1)[0]
    assert {report.handed_out_to for report in vendor.reports()[2:]} == {fetch.number}


def test_what_was_handed_out_may_wait_again(vendor: SmsVendor) -> None:
    with client(vendor) as there:
        there.send([NUMBER, "10000000030"], "x")
        assert (len(there.status()), len(there.call())) == (2, 1)
        assert vendor.requeue_reports(1) == 1
        assert vendor.queue_stats().reports == models.Ledger(created=2, later=0, waiting=1, handed_out=1, forgotten=0)
        assert [report.mobile for report in there.status()] == ["10000000030"]
        assert vendor.requeue_replies(since=datetime.now(UTC) - timedelta(minutes=5)) == 1
        assert vendor.queue_stats().replies.waiting == 1


def test_an_account_is_charged_up_and_has_its_terms(control: EmulatorControl) -> None:
    with control.account(points=0, postpaid=False, may_read_reports=False, dialect="observed") as vendor:
        standing = vendor.balance()
        assert (standing.points, standing.may_read_reports, standing.dialect) == (0, False, "observed")
        assert vendor.top_up(7).send_total == 7
        assert vendor.change(may_read_reports=True, dialect="manual").dialect == "manual"
        with client(vendor) as there:
            assert there.overage().overage == 7
            assert list(there.status()) == []


def test_an_account_has_the_userid_that_a_test_chose_and_another_password_from_then_on(
    control: EmulatorControl,
) -> None:
    with control.account(userid="77", account="shop", password="first") as vendor:
        assert vendor.credentials == {"userid": "77", "account": "shop", "password": "first"}
        with pytest.raises(ControlRefused, match="there is an account of the userid 77"):
            control.account(userid="77")
        before = client(vendor)
        assert vendor.change(password="second", points=3).points == 3
        with before, pytest.raises(VendorRefusal):
            before.overage()
        with client(vendor) as there:
            assert there.overage().overage == 3


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
    with client(vendor) as there:
        there.send(NUMBER, "x")
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
        with pytest.raises(ConnectionFailed):
            there.overage()
        there.checkkeyword("x")
        (left,) = vendor.faults()
        assert (left.id, left.kind, left.operations, left.remaining) == (fault.id, "close", ("overage",), 4)
        vendor.remove_fault(fault)
        there.overage()
        vendor.fault("message", message="其他错误")
        with pytest.raises(VendorRefusal):
            there.send([NUMBER], "x")
        vendor.clear_faults()
        there.send([NUMBER], "x")
    assert "spoilt by a fault: close" in vendor.explain()


def test_a_wrong_wish_is_refused_in_words(vendor: SmsVendor) -> None:
    with pytest.raises(ControlRefused, match="needs seconds") as raised:
        vendor.fault("latency")
    assert raised.value.status == 422
    with pytest.raises(ControlRefused, match="timezone"):
        vendor.clock.freeze(datetime(2026, 1, 1))
