"""`SmsVendor`: messages, queues, rules, clock and faults of one account, in process and over a socket.

The emulator as a whole is tested in `test_emulator_control`.
"""

import socket
import threading
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from sms10692 import ConnectionFailed, SmsError, VendorRefusal
from sms10692_mock import (
    AmbiguousCode,
    ControlRefused,
    EmulatorControl,
    MessageNotSent,
    MessageSent,
    MistakeFound,
    SmsVendor,
)
from sms10692_mock.testing import models
from support import handles
from support.handles import NOON, NUMBER, OTHER_NUMBER, open_client
from support.http_client import TIMEOUT, parse_address

emulator = handles.emulator
control = handles.control
vendor = handles.vendor


# Messages


def test_a_message_has_the_values_of_its_send(vendor: SmsVendor) -> None:
    with open_client(vendor) as client:
        sent = client.send([NUMBER, OTHER_NUMBER], "【签名】" + "码" * 70, extno="01")
    first, second = vendor.messages()
    assert (first.mobile, first.content, first.task_id) == (NUMBER, "【签名】" + "码" * 70, sent.task_id)
    assert (first.units, first.segments, first.cost, first.extno) == (74, 2, 2, "01")
    assert (first.endpoint, first.charset, first.errorcode, first.state) == (
        "/v2sms.aspx",
        "utf-8",
        "DELIVRD",
        "waiting",
    )
    assert first.sent.utcoffset() == timedelta(hours=8)
    assert vendor.messages(to=OTHER_NUMBER) == [second]
    assert vendor.messages(text="码码") == [first, second]
    assert vendor.messages(to=OTHER_NUMBER, text="x") == []


def test_wait_message_returns_each_message_once(vendor: SmsVendor) -> None:
    with open_client(vendor) as client:
        sending = threading.Thread(target=client.send, args=([NUMBER], "first"))
        sending.start()
        assert vendor.wait_message(to=NUMBER).content == "first"
        sending.join()
        client.send([OTHER_NUMBER], "second")
        client.send([NUMBER], "third")
    assert vendor.wait_message(text="third").mobile == NUMBER
    assert vendor.wait_message().content == "second"
    with pytest.raises(MessageNotSent, match="no other message was sent within 0 s"):
        vendor.wait_message(timeout=0)


def test_message_not_sent_reports_what_was_sent_and_refused(vendor: SmsVendor) -> None:
    with open_client(vendor) as client:
        client.send([NUMBER], "验证码\n1234")
    with open_client(vendor, password=vendor.password + " ") as wrong_client:
        with pytest.raises(VendorRefusal):
            wrong_client.send([OTHER_NUMBER], "x")
    with pytest.raises(MessageNotSent) as raised:
        vendor.wait_message(to=OTHER_NUMBER, text="x", timeout=0.01)
    text = str(raised.value)
    assert text.startswith(f"no message to {OTHER_NUMBER} with 'x' was sent within 0.01 s\n")
    assert f"to {NUMBER}, task" in text
    assert "验证码\\n1234" in text
    assert "send: refused, 用户名或密码错误\n      signature." in text
    assert vendor.password not in text


def test_wait_code_returns_the_codes_in_the_order_of_their_messages(vendor: SmsVendor) -> None:
    with open_client(vendor) as client:
        client.send([NUMBER], "【示例】欢迎")
        client.send([OTHER_NUMBER], "【示例】您的验证码是 9999")
        sending = threading.Thread(target=client.send, args=([NUMBER], "【示例】您的验证码是 1234，5分钟内有效"))
        sending.start()
        assert vendor.wait_code(NUMBER) == "1234"
        sending.join()
        client.send([NUMBER], "Your code is 204817.")
    assert vendor.wait_code(to=NUMBER) == "204817"
    assert vendor.wait_message(NUMBER).content == "【示例】欢迎"
    assert vendor.wait_code(text="验证码") == "9999"
    with pytest.raises(MessageNotSent, match="no other message was sent"):
        vendor.wait_message(timeout=0)


def test_wait_code_without_a_code_shows_the_texts_that_were_sent(vendor: SmsVendor) -> None:
    with open_client(vendor) as client:
        client.send([NUMBER], "【示例】欢迎 123")
    with pytest.raises(MessageNotSent) as raised:
        vendor.wait_code(NUMBER, timeout=0.01)
    text = str(raised.value)
    assert text.startswith(f"no message with a verification code to {NUMBER} was sent within 0.01 s\n")
    assert f"to {NUMBER}, task" in text
    assert "【示例】欢迎 123" in text


def test_wait_code_leaves_an_ambiguous_message_to_wait_message(vendor: SmsVendor) -> None:
    with open_client(vendor) as client:
        client.send([NUMBER], "【示例】5566 或 7788")
    for _ in range(2):
        with pytest.raises(
            AmbiguousCode, match="5566, 7788: each could be the verification code in '【示例】5566 或 7788'"
        ):
            vendor.wait_code(NUMBER)
    assert vendor.wait_message(NUMBER).content == "【示例】5566 或 7788"
    with pytest.raises(MessageNotSent):
        vendor.wait_code(NUMBER, timeout=0)


def test_assert_nothing_sent_fails_for_every_message_that_no_wait_returned(vendor: SmsVendor) -> None:
    vendor.assert_nothing_sent()
    with open_client(vendor) as client:
        with pytest.raises(VendorRefusal):
            client.send([NUMBER], "代开发票")
        vendor.assert_nothing_sent()
        client.send([NUMBER, OTHER_NUMBER], "【示例】欢迎")
    with pytest.raises(MessageSent) as raised:
        vendor.assert_nothing_sent()
    lines = str(raised.value).splitlines()
    assert lines[0] == "no message was expected, 2 were sent:"
    assert lines[1].startswith(f"  to {NUMBER}, task ")
    assert lines[1].endswith("): 【示例】欢迎")
    assert any("send: refused, 包含非法字符：" in line for line in lines)
    vendor.assert_nothing_sent(to="13800000000")
    vendor.assert_nothing_sent(text="验证码")
    vendor.wait_message(to=NUMBER)
    vendor.assert_nothing_sent(to=NUMBER)
    with pytest.raises(MessageSent, match=rf"no message to {OTHER_NUMBER} with '欢迎' was expected, 1 was sent:\n"):
        vendor.assert_nothing_sent(OTHER_NUMBER, "欢迎")
    vendor.reset()
    vendor.assert_nothing_sent()


def test_assert_nothing_sent_within_seconds_notices_a_later_message(vendor: SmsVendor) -> None:
    started = monotonic()
    vendor.assert_nothing_sent(within=0.1)
    assert monotonic() - started >= 0.1
    with open_client(vendor) as client:
        sending = threading.Timer(0.05, client.send, ([NUMBER], "late"))
        sending.start()
        with pytest.raises(MessageSent, match="1 was sent"):
            vendor.assert_nothing_sent(within=TIMEOUT)
        sending.join()


def test_assert_no_findings_fails_for_a_mistake_that_the_vendor_accepts(vendor: SmsVendor) -> None:
    with open_client(vendor) as client:
        client.send([NUMBER], "x")
        vendor.assert_no_findings()
    with open_client(vendor, late=timedelta(days=400)) as client:
        client.send([NUMBER], "x")
    with pytest.raises(MistakeFound, match=r"requests without a finding were expected, found habit.stale:\n"):
        vendor.assert_no_findings()


def test_assert_no_findings_fails_for_a_refusal_and_passes_for_what_the_test_demanded(vendor: SmsVendor) -> None:
    vendor.rule("138", "failed")
    with open_client(vendor) as client:
        vendor.fault("status", times=1)
        with pytest.raises(SmsError):
            client.send([NUMBER], "x")
        vendor.fault("vendor_error", "send", message="其他错误", times=1)
        with pytest.raises(VendorRefusal):
            client.send([NUMBER], "x")
        with pytest.raises(VendorRefusal):
            client.send(["10000000008"], "x")
        client.send(["13800000000"], "x")
        vendor.assert_no_findings()
        with pytest.raises(VendorRefusal):
            client.send([NUMBER], "代开发票")
    with pytest.raises(MistakeFound, match=r"found refusal.forbidden-word:\n(.*\n)+.*The text contains"):
        vendor.assert_no_findings()


def test_assert_no_findings_fails_without_a_request(vendor: SmsVendor) -> None:
    with pytest.raises(MistakeFound, match="no request named the account:\n"):
        vendor.assert_no_findings()


def test_control_characters_are_escaped_in_the_report(vendor: SmsVendor) -> None:
    vendor.fail_next("\x1b[2J\n\u202e")
    with open_client(vendor) as client:
        client.send([NUMBER], "x")
    with pytest.raises(MessageNotSent) as raised:
        vendor.wait_message(to=OTHER_NUMBER, timeout=0.01)
    assert "\\x1b[2J\\n\\u202e" in str(raised.value)
    assert all(line.isprintable() for line in str(raised.value).splitlines())


def test_requests_of_unknown_userids_are_reported(vendor: SmsVendor) -> None:
    with open_client(vendor, userid="a\nb") as wrong_client:
        with pytest.raises(VendorRefusal):
            wrong_client.send([NUMBER], "x")
    text = vendor.explain()
    assert "none named this account's userid" in text
    assert "userid 'a\\nb': refused, 用户名或密码错误\n      signature." in text
    assert f"valid for the account with the userid '{vendor.userid}'" in text
    with open_client(vendor) as client:
        client.overage()
    assert "named no known userid" not in vendor.explain()


def test_a_tls_handshake_during_the_test_is_reported(control: EmulatorControl) -> None:
    with control.account() as vendor:
        with socket.create_connection(parse_address(vendor.url)) as connection:
            connection.sendall(b"\x16\x03\x01\x02\x00")
            assert connection.recv(100)
        assert "bytes that are no HTTP request: HTTP 400\n      http.tls: A TLS handshake came" in vendor.explain()


def test_requests_of_deleted_accounts_are_not_reported(control: EmulatorControl) -> None:
    with control.account(points=0) as earlier, open_client(earlier) as client:
        with pytest.raises(VendorRefusal):
            client.send([NUMBER], "x")
    with control.account() as vendor:
        text = vendor.explain()
        assert "requests: none named this account's userid\nmessages:" in text
        with open_client(vendor, userid="99") as wrong_client:
            with pytest.raises(VendorRefusal):
                wrong_client.overage()
        text = vendor.explain()
        assert "requests that named no known userid:" in text
        assert "userid '99': refused" in text
        assert earlier.userid not in text


def test_requests_come_with_their_diagnosis(vendor: SmsVendor) -> None:
    with open_client(vendor, account=vendor.account.upper()) as wrong_client:
        with pytest.raises(VendorRefusal):
            wrong_client.overage()
    with open_client(vendor) as client:
        client.overage()
    refused, accepted = vendor.requests()
    assert (refused.operation, refused.refusal, accepted.refusal) == ("overage", "用户名或密码错误", "")
    assert [finding.kind for finding in refused.diagnosis] == ["signature"]
    assert refused.fields["userid"] == vendor.userid
    assert "<overage>1000<" in accepted.response_text
    assert vendor.requests(last=1) == [accepted]
    assert vendor.requests(last=0) == []


def test_repr_has_no_password(vendor: SmsVendor) -> None:
    assert vendor.userid in repr(vendor)
    assert vendor.password not in repr(vendor)


# Delivery and queues


def test_fail_next_fails_the_next_messages_only(vendor: SmsVendor) -> None:
    vendor.fail_next("MK:0001")
    vendor.fail_next("MK:0002", count=2, to=OTHER_NUMBER)
    with open_client(vendor) as client:
        for number in (NUMBER, NUMBER, OTHER_NUMBER, OTHER_NUMBER, OTHER_NUMBER):
            client.send([number], "x")
        assert [report.errorcode for report in client.status()] == [
            "MK:0001",
            "DELIVRD",
            "MK:0002",
            "MK:0002",
            "DELIVRD",
        ]


def test_rules_apply_until_they_are_cleared(vendor: SmsVendor) -> None:
    vendor.rule("150", "unreported")
    vendor.rule(OTHER_NUMBER, delay=5, reply="T", probability=1.0, times=3)
    assert [(rule.number, rule.outcome, rule.delay, rule.reply) for rule in vendor.delivery_rules()] == [
        (OTHER_NUMBER, "delivered", 5.0, "T"),
        ("150", "unreported", 0.0, None),
    ]
    with open_client(vendor) as client:
        client.send([NUMBER], "x")
    assert vendor.messages()[0].state == "unreported"
    vendor.clear_delivery_rules(seed=1)
    assert vendor.delivery_rules() == []


def test_an_added_reply_or_report_belongs_to_the_last_task(vendor: SmsVendor) -> None:
    with open_client(vendor) as client:
        first = client.send([NUMBER], "x")
        sent = client.send([NUMBER], "x", extno="7")
        client.status()
        reply = vendor.reply(NUMBER, "T")
        assert (reply.task_id, reply.extno, reply.state) == (sent.task_id, "7", "waiting")
        with pytest.raises(ControlRefused, match=f"has sent nothing to {OTHER_NUMBER}"):
            vendor.reply(OTHER_NUMBER, "T")
        assert vendor.reply(OTHER_NUMBER, "later", task_id=first.task_id, extno="9", seconds=60).state == "scheduled"
        assert vendor.report(NUMBER, 20).extno == "7"
        vendor.report(NUMBER, 10, "EXTRA", task_id=first.task_id)
        assert [(reply.content, reply.task_id, reply.extno) for reply in client.call()] == [("T", sent.task_id, "7")]
        assert [(report.errorcode, report.task_id) for report in client.status()] == [
            ("UNDELIV", sent.task_id),
            ("EXTRA", first.task_id),
        ]
    assert [(reply.content, reply.state) for reply in vendor.replies()] == [("T", "fetched"), ("later", "scheduled")]
    fetch = vendor.requests(last=1)[0]
    assert {report.fetched_by_request for report in vendor.reports()[2:]} == {fetch.number}


def test_fetched_items_can_be_requeued(vendor: SmsVendor) -> None:
    with open_client(vendor) as client:
        client.send([NUMBER, "10000000030"], "x")
        assert (len(client.status()), len(client.call())) == (2, 1)
        assert vendor.requeue_reports(1) == 1
        assert vendor.queue_stats().reports == models.QueueCounts(
            created=2, scheduled=0, waiting=1, fetched=1, evicted=0
        )
        assert [report.mobile for report in client.status()] == ["10000000030"]
        assert vendor.requeue_replies(since=datetime.now(UTC) - timedelta(minutes=5)) == 1
        assert vendor.queue_stats().replies.waiting == 1


def test_points_and_settings_of_an_account_can_be_changed(control: EmulatorControl) -> None:
    with control.account(points=0, postpaid=False, can_read_queues=False, profile="observed") as vendor:
        balance = vendor.balance()
        assert (balance.points, balance.can_read_queues, balance.profile) == (0, False, "observed")
        assert vendor.top_up(7).send_total == 7
        assert vendor.change(can_read_queues=True, profile="manual").profile == "manual"
        with open_client(vendor) as client:
            assert client.overage().overage == 7
            assert list(client.status()) == []


def test_userid_and_password_can_be_chosen_and_changed(
    control: EmulatorControl,
) -> None:
    with control.account(userid="77", account="shop", password="first") as vendor:
        assert vendor.credentials == {"userid": "77", "account": "shop", "password": "first"}
        with pytest.raises(ControlRefused, match="an account with the userid 77 exists already"):
            control.account(userid="77")
        before = open_client(vendor)
        assert vendor.change(password="second", points=3).points == 3
        with before, pytest.raises(VendorRefusal):
            before.overage()
        with open_client(vendor) as client:
            assert client.overage().overage == 3


def test_a_reset_clears_everything_but_the_credentials(vendor: SmsVendor) -> None:
    vendor.clock.freeze(NOON)
    vendor.fault("empty_body")
    vendor.fail_next()
    with open_client(vendor) as client:
        vendor.clear_faults()
        client.send([NUMBER], "x")
        vendor.wait_message()
        vendor.reset()
        assert (vendor.messages(), vendor.delivery_rules(), vendor.faults()) == ([], [], [])
        client.send([NUMBER], "y")
    assert vendor.wait_message().content == "y"
    assert vendor.messages()[0].errorcode == "DELIVRD"
    assert vendor.clock.now() > NOON


# Clock and faults


def test_an_account_has_its_own_clock(control: EmulatorControl, vendor: SmsVendor) -> None:
    control.clock.freeze(NOON)
    assert control.clock.now() == NOON
    assert vendor.clock.now() > NOON
    assert vendor.clock.real() == NOON  # the real time of an account clock is the emulator's clock
    assert control.clock.real() > NOON


def test_a_clock_is_frozen_advanced_and_run(vendor: SmsVendor) -> None:
    clock = vendor.clock
    assert clock.freeze(NOON) == NOON
    assert clock.now() == NOON
    assert clock.advance(60) == NOON + timedelta(minutes=1)
    assert clock.advance(timedelta(hours=1)) == NOON + timedelta(hours=1, minutes=1)
    with open_client(vendor) as client:
        client.send(NUMBER, "x")
    vendor.reply(NUMBER, "T", seconds=30)
    assert clock.advance_to_next() == NOON + timedelta(hours=1, minutes=1, seconds=30)
    with pytest.raises(ControlRefused, match="no report or reply is scheduled") as raised:
        clock.advance_to_next()
    assert raised.value.status == 409
    assert NOON <= clock.set(NOON, speed=100.0) < NOON + timedelta(hours=1)
    assert clock.now() > NOON


def test_a_fault_applies_until_it_is_removed(vendor: SmsVendor) -> None:
    fault = vendor.fault("disconnect", "overage", times=5)
    with open_client(vendor) as client:
        with pytest.raises(ConnectionFailed):
            client.overage()
        client.checkkeyword("x")
        (active,) = vendor.faults()
        assert (active.id, active.kind, active.operations, active.times) == (fault.id, "disconnect", ("overage",), 4)
        vendor.remove_fault(fault)
        client.overage()
        vendor.fault("vendor_error", message="其他错误")
        with pytest.raises(VendorRefusal):
            client.send([NUMBER], "x")
        vendor.clear_faults()
        client.send([NUMBER], "x")
    assert "injected faults: disconnect" in vendor.explain()


def test_an_invalid_argument_is_rejected_with_a_reason(vendor: SmsVendor) -> None:
    with pytest.raises(ControlRefused, match="requires seconds") as raised:
        vendor.fault("latency")
    assert raised.value.status == 422
    with pytest.raises(ControlRefused, match="timezone"):
        vendor.clock.freeze(datetime(2026, 1, 1))
