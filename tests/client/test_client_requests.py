"""Requests of a client: timestamps, time zones, endpoints and charsets that the exchanges do not cover.

The settings of a client are tested in `test_client_settings`.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest

from sms10692 import CHINA, Client, UnencodableText
from sms10692_mock.admin.app import create_app
from support.client import BODY, SETTINGS, FlakyTransport, send_async
from support.emulators import sign


def send_fields(**options: Any) -> dict[str, str]:
    """Send a text; return the form fields of the request, and its path as `path`."""
    received: list[httpx2.Request] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        received.append(request)
        return httpx2.Response(200, content=BODY)

    mobiles = options.pop("mobiles", "15023239810,13527576163")
    arguments = {name: options.pop(name) for name in ("send_time", "extno") if name in options}
    with Client("http://vendor/brand/", **SETTINGS, transport=httpx2.MockTransport(respond), **options) as client:
        client.send(mobiles, "内容", **arguments)
    fields = parse_qs(received[0].content.decode(), keep_blank_values=True)
    return {name: value for name, (value,) in fields.items()} | {"path": received[0].url.path}


def test_the_clock_is_read_once_for_timestamp_and_signature() -> None:
    times = [datetime(2012, 7, 1, 15, 12, 12, tzinfo=UTC) + timedelta(seconds=n) for n in range(5)]
    readings = iter(times)
    fields = send_fields(clock=lambda: next(readings))
    assert fields["timestamp"] == "20120701231212"
    assert fields["sign"] == sign("test", "mima", "20120701231212") == "5cc68982f55ac74348e3d819f868fbe1"
    assert next(readings) == times[1]


@pytest.mark.parametrize(
    ("mobiles", "sent"),
    [
        ("15023239810,13527576163,15023239810", "15023239810,13527576163"),
        (["15023239810", "13527576163", "15023239810", "10000000030"], "15023239810,13527576163,10000000030"),
        (["15023239810,13527576163", "13527576163"], "15023239810,13527576163"),
        (["15023239810", "15023239811"], "15023239810,15023239811"),
        ("15023239810, 15023239810 ,13527576163", "15023239810,13527576163"),
        (["15023239810\n", " 15023239810"], "15023239810"),
        ([], ""),
    ],
)
def test_a_number_that_is_given_twice_is_sent_to_once(mobiles: Any, sent: str) -> None:
    assert send_fields(mobiles=mobiles)["mobile"] == sent


def test_a_clock_without_time_zone_raises_value_error() -> None:
    with pytest.raises(ValueError, match="time zone"):
        send_fields(clock=lambda: datetime(2012, 7, 1))


def test_send_time_is_converted_to_china_standard_time() -> None:
    new_york = timezone(timedelta(hours=-5))
    assert (
        send_fields(send_time=datetime(2010, 10, 23, 20, 8, 10, tzinfo=new_york))["sendTime"] == "2010-10-24 09:08:10"
    )
    assert send_fields(send_time=datetime(2010, 10, 24, 9, 8, 10, tzinfo=CHINA))["sendTime"] == "2010-10-24 09:08:10"
    assert send_fields()["sendTime"] == ""


def test_a_send_time_without_time_zone_raises_value_error() -> None:
    with pytest.raises(ValueError, match="time zone"):
        send_fields(send_time=datetime(2010, 10, 24, 9, 8, 10))


def test_an_address_may_have_a_path_prefix() -> None:
    assert send_fields()["path"] == "/brand/v2sms.aspx"
    assert send_fields(charset="gbk")["path"] == "/brand/v2smsGBK.aspx"


@pytest.mark.parametrize(
    ("charset", "text", "positions"),
    [
        ("gbk", "签名 😀 验证码 é한", ((3, "😀"), (10, "한"))),
        ("utf-8", "a\ud800b", ((1, "\ud800"),)),
    ],
)
def test_a_text_that_the_charset_cannot_encode_is_not_sent(charset: Any, text: str, positions: Any) -> None:
    transport = FlakyTransport(0, httpx2.ReadError)
    with Client("http://vendor", **SETTINGS, charset=charset, transport=transport) as client:
        for request in (lambda: client.send(["15023239810"], text), lambda: client.checkkeyword(text)):
            with pytest.raises(UnencodableText) as raised:
                request()
            assert (raised.value.text, raised.value.positions) == (text, positions)
            assert all(f"at index {index}" in str(raised.value) for index, _ in positions)
    assert transport.attempts == 0


def test_the_gbk_endpoint_accepts_the_euro_sign() -> None:
    app = create_app()
    with Client("http://vendor", **SETTINGS, charset="gbk", transport=httpx2.WSGITransport(app)) as client:
        assert client.send(["15023239810"], "5 €").success_counts == 1


def test_the_async_client_accepts_a_wsgi_transport() -> None:
    assert send_async("http://vendor", transport=httpx2.WSGITransport(create_app())).task_id == 100001


def test_several_threads_may_share_a_client() -> None:
    with Client("http://vendor", **SETTINGS, transport=httpx2.WSGITransport(create_app())) as client:
        with ThreadPoolExecutor(8) as threads:
            task_ids = list(threads.map(lambda number: client.send([str(number)], "x").task_id, range(100)))
        assert sorted(task_ids) == list(range(100001, 100101))
        assert client.overage().overage == 900
