"""What the client costs: reading a page of 4,000 reports beside lxml alone, and building a request.

Here belong figures of this process; what a server does under load is in `__main__`.
"""

import statistics
import time
from collections.abc import Callable

from lxml import etree

from sms10692 import RawResponse, responses
from sms10692.requests import RequestBuilder

BOX = (
    " <statusbox>\n <mobile>{mobile}</mobile>\n <taskid>{task}</taskid>\n <status>10</status>\n"
    " <receivetime>2011-12-02 {time}</receivetime>\n <errorcode>DELIVRD</errorcode>\n <extno>01</extno>\n"
    " </statusbox>\n"
)
PAGE = (
    '<?xml version="1.0" encoding="utf-8" ?><returnsms>\n'
    + "".join(
        BOX.format(mobile=13000000000 + n, task=100001 + n, time=f"{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}")
        for n in range(4000)
    )
    + " </returnsms>"
).encode()


def read_by_the_client() -> None:
    """To frozen reports, each element by its name, dates and numbers as such."""
    responses.parse_reports(RawResponse(200, {}, PAGE))


def read_by_lxml() -> None:
    """To tuples of texts, by position."""
    [tuple(child.text for child in box) for box in etree.fromstring(PAGE)]


def build_and_sign() -> None:
    """A hundred requests: fields, clock, signature, form."""
    calls = RequestBuilder("12", "test", "mima")
    for _ in range(100):
        calls.send(["15023239810", "13527576163"], "【签名】您的验证码是 1234", None, "")


def medians(rounds: int, *works: Callable[[], None]) -> list[float]:
    """Milliseconds of each work, in interleaved rounds."""
    figures: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, some in zip(works, figures, strict=True):
            begun = time.perf_counter()
            work()
            some.append((time.perf_counter() - begun) * 1000)
    return [statistics.median(some) for some in figures]
