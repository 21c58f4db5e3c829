"""Benchmark of the client, in process: parsing 4,000 reports, compared with lxml alone, and building requests."""

import statistics
import time
from collections.abc import Callable

from lxml import etree

from sms10692 import RawResponse, responses
from sms10692.requests import RequestBuilder

ITEM = (
    " <statusbox>\n <mobile>{mobile}</mobile>\n <taskid>{task}</taskid>\n <status>10</status>\n"
    " <receivetime>2011-12-02 {time}</receivetime>\n <errorcode>DELIVRD</errorcode>\n <extno>01</extno>\n"
    " </statusbox>\n"
)
RESPONSE = (
    '<?xml version="1.0" encoding="utf-8" ?><returnsms>\n'
    + "".join(
        ITEM.format(mobile=13000000000 + n, task=100001 + n, time=f"{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}")
        for n in range(4000)
    )
    + " </returnsms>"
).encode()


def parse_with_client() -> None:
    """Parse to reports, with dates and integers converted."""
    responses.parse_reports(RawResponse(200, {}, RESPONSE))


def parse_with_lxml() -> None:
    """Parse to tuples of texts, by position."""
    [tuple(child.text for child in item) for item in etree.fromstring(RESPONSE)]


def build_and_sign() -> None:
    """Build a hundred requests: fields, clock, signature, form."""
    builder = RequestBuilder("12", "test", "mima")
    for _ in range(100):
        builder.send(["15023239810", "13527576163"], "【签名】您的验证码是 1234", None, "")


def measure_medians(rounds: int, *functions: Callable[[], None]) -> list[float]:
    """Return the median time of each function in milliseconds, over interleaved rounds."""
    samples: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for function, times in zip(functions, samples, strict=True):
            started = time.perf_counter()
            function()
            times.append((time.perf_counter() - started) * 1000)
    return [statistics.median(times) for times in samples]
