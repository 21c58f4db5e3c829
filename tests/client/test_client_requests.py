"""What a client asks is what its caller meant: the moment, the text, the page; or it is not asked at all.

Here belong the fields of requests that no exchange shows. What a client is made with is in `test_client_settings`.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest

from sms10692 import CHINA, Client, UnencodableText
from sms10692_mock.admin.app import create_app
from support.client import BODY, SETTINGS, FlakyTransport, send_and_await
from support.emulators import sign


def said(**options: Any) -> dict[str, str]:
    """The fields of a send, and its path."""
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, content=BODY)

    arguments = {name: options.pop(name) for name in ("send_time", "extno") if name in options}
    with Client("http://vendor/brand/", **SETTINGS, transport=httpx2.MockTransport(answer), **options) as vendor:
        vendor.send("15023239810,13527576163", "内容", **arguments)
    fields = parse_qs(asked[0].content.decode(), keep_blank_values=True)
    return {name: value for name, (value,) in fields.items()} | {"path": asked[0].url.path}


def test_timestamp_and_signature_come_from_one_reading_of_the_clock() -> None:
    moments = [datetime(2012, 7, 1, 15, 12, 12, tzinfo=UTC) + timedelta(seconds=n) for n in range(5)]
    readings = iter(moments)
    fields = said(clock=lambda: next(readings))
    assert fields["timestamp"] == "20120701231212"
    assert fields["sign"] == sign("test", "mima", "20120701231212") == "5cc68982f55ac74348e3d819f868fbe1"
    assert next(readings) == moments[1]


def test_a_clock_of_no_zone_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="time zone"):
        said(clock=lambda: datetime(2012, 7, 1))


def test_send_time_is_written_in_china_standard_time() -> None:
    new_york = timezone(timedelta(hours=-5))
    assert said(send_time=datetime(2010, 10, 23, 20, 8, 10, tzinfo=new_york))["sendTime"] == "2010-10-24 09:08:10"
    assert said(send_time=datetime(2010, 10, 24, 9, 8, 10, tzinfo=CHINA))["sendTime"] == "2010-10-24 09:08:10"
    assert said()["sendTime"] == ""


def test_a_send_time_of_no_zone_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="time zone"):
        said(send_time=datetime(2010, 10, 24, 9, 8, 10))


def test_an_address_may_have_a_path_before_the_page() -> None:
    assert said()["path"] == "/brand/v2sms.aspx"
    assert said(charset="gbk")["path"] == "/brand/v2smsGBK.aspx"


@pytest.mark.parametrize(
    ("charset", "text", "places"),
    [
        ("gbk", "签名 😀 验证码 é한", ((3, "😀"), (10, "한"))),
        ("utf-8", "a\ud800b", ((1, "\ud800"),)),
    ],
)
def test_a_text_that_the_page_cannot_carry_is_not_sent(charset: Any, text: str, places: Any) -> None:
    transport = FlakyTransport(0, httpx2.ReadError)
    with Client("http://vendor", **SETTINGS, charset=charset, transport=transport) as vendor:
        for call in (lambda: vendor.send(["15023239810"], text), lambda: vendor.checkkeyword(text)):
            with pytest.raises(UnencodableText) as raised:
                call()
            assert (raised.value.text, raised.value.positions) == (text, places)
            assert all(f"at index {index}" in str(raised.value) for index, _ in places)
    assert transport.attempts == 0


def test_the_gbk_page_carries_the_euro_sign() -> None:
    app = create_app()
    with Client("http://vendor", **SETTINGS, charset="gbk", transport=httpx2.WSGITransport(app)) as vendor:
        assert vendor.send(["15023239810"], "5 €").success_counts == 1


def test_the_async_client_calls_a_wsgi_application_too() -> None:
    assert send_and_await("http://vendor", transport=httpx2.WSGITransport(create_app())).task_id == 100001


def test_several_threads_may_share_a_client() -> None:
    with Client("http://vendor", **SETTINGS, transport=httpx2.WSGITransport(create_app())) as vendor:
        with ThreadPoolExecutor(8) as threads:
            tasks = list(threads.map(lambda number: vendor.send([str(number)], "x").task_id, range(100)))
        assert sorted(tasks) == list(range(100001, 100101))
        assert vendor.overage().overage == 900
