"""Tests that run in parallel, each with its own account but the same phone number, text and times.

`parallel_load.run` copies this file and runs it; TEST_COUNT is the number of tests per group.
"""

import os

import httpx2
import pytest

from sms10692 import Client
from sms10692_mock import SmsVendor

NUMBER = "15023239810"


@pytest.mark.sms_vendor(points=10)
@pytest.mark.parametrize("index", range(int(os.environ["TEST_COUNT"])))
def test_an_account_sees_only_its_own_data(sms_vendor: SmsVendor, index: int) -> None:
    sms_vendor.clock.freeze()
    sms_vendor.rule("150", delay=60)
    sms_vendor.fail_next(errorcode=f"CR:{index:04}", to=NUMBER)
    transport = httpx2.HTTPTransport(verify=False)  # Loading the CA certificates takes 30 ms.
    with Client(sms_vendor.url, **sms_vendor.credentials, timeout=60, transport=transport) as client:
        sent = client.send([NUMBER, "15000000000"], f"验证码 {index}")
        assert sms_vendor.wait_message(to=NUMBER, text=f" {index}").task_id == sent.task_id
        assert [message.content for message in sms_vendor.messages()] == [f"验证码 {index}"] * 2
        sms_vendor.reply(NUMBER, f"T{index}")
        assert [(reply.content, reply.task_id) for reply in client.call()] == [(f"T{index}", sent.task_id)]
        assert [report.errorcode for report in client.status()] == [f"CR:{index:04}"]
        sms_vendor.clock.advance(60)
        assert [report.mobile for report in client.status()] == ["15000000000"]
        assert client.overage().overage == 8
    assert sms_vendor.queue_stats().reports.created == 2
    assert len(sms_vendor.requests()) == 5


@pytest.mark.parametrize("index", range(int(os.environ["TEST_COUNT"])))
def test_an_account_is_fresh(sms_vendor: SmsVendor, index: int) -> None:
    assert sms_vendor.balance().messages == 0
    assert sms_vendor.clock.now().year >= 2026


@pytest.mark.parametrize("index", range(int(os.environ["TEST_COUNT"])))
def test_without_a_vendor(index: int) -> None:
    assert isinstance(index, int)
    assert httpx2.__version__
