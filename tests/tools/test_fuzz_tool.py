"""Malformed requests: no exception, no 5xx, and every answer well-formed; and the hunt for such finds what it should.

Here belongs a small share, repeatable in CI. `make malformed` asks a million.
"""

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.mutators import CONTROL, REAL, Malformed, malformed, malformed_control
from fuzz.oracle import Answer, wrong_of_bytes, wrong_of_control, wrong_of_page
from fuzz.run import hunt, hunt_over_a_socket, shrunk, wrong
from fuzz.targets import InProcess
from support.emulators import Address, running

UNDER = InProcess()


@settings(max_examples=300)
@given(dice=st.randoms(use_true_random=False))
def test_a_malformed_request_to_a_page_has_a_well_formed_answer(dice: Random) -> None:
    assert wrong(UNDER, malformed(dice), explained=False)[0] is None


@settings(max_examples=100)
@given(dice=st.randoms(use_true_random=False))
def test_a_malformed_request_to_the_control_address_is_no_server_error(dice: Random) -> None:
    assert wrong(UNDER, malformed_control(dice))[0] is None


def test_a_hunt_from_one_seed_finds_nothing_wrong_and_many_kinds_of_answers() -> None:
    found = hunt(7, 2000, control=0.05)
    assert found.wrongs == []
    assert found.asked.total() == 2000
    assert len(found.kinds) > 100
    assert hunt(7, 200).kinds == hunt(7, 200).kinds


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with running("--log-level", "error") as (_, address):
        yield address


def test_what_is_malformed_below_the_pages_is_no_server_error_either(address: Address) -> None:
    found = hunt_over_a_socket(7, 600, address)
    assert found.wrongs == []
    assert found.answers["socket: 200"] > 50
    assert found.answers["socket: 400"] > 50


@pytest.mark.parametrize("one", [*REAL, *CONTROL], ids=lambda one: f"{one.method.decode()} {one.target.decode()}")
def test_the_requests_that_are_changed_are_right_before(one: Malformed) -> None:
    said, answer = wrong(InProcess(), one, explained=False)
    assert said is None
    assert answer is not None
    assert answer.status < 400 or one.target.endswith((b"/x", b"/3", b"/advance", b"/nowhere"))


# That the hunt finds something: an emulator with something wrong in it, and answers that are wrong.


class _Breaks(InProcess):
    def ask(self, one: Malformed, *, explained: bool = True) -> Answer:
        if b"%FF" in one.body:
            raise ValueError("a byte that nobody expected")
        return super().ask(one, explained=explained)


def test_a_hunt_finds_an_emulator_that_breaks_and_shrinks_what_broke_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.run.InProcess", _Breaks)
    assert hunt(1, 2000).wrongs
    one = REAL[0]._replace(body=b"action=send&mobile=1%FF&content=x", headers=())
    assert shrunk(one).body == b"%FF"


XML = '<?xml version="1.0" encoding="utf-8" ?>'
POST = Malformed(b"POST", b"/v2sms.aspx", b"", (), b"")


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (200, "text/xml; charset=utf-8", f"{XML}<returnsms><message>x</message>"),
        (200, "text/xml; charset=utf-8", f"{XML}<returnsms><message>\x01</message></returnsms>"),
        (200, "text/xml; charset=utf-8", f"{XML}<returnsms><text>x</text></returnsms>"),
        (200, "text/xml; charset=utf-8", "<returnsms><message>x</message></returnsms>"),
        (200, "text/xml; charset=latin-1", f"{XML}<returnsms><message>x</message></returnsms>"),
        (200, "text/html; charset=utf-8", "x"),
        (200, "application/json", "{"),
        (200, "application/json", "[]"),
        (400, "text/plain; charset=utf-8", "another sentence\n"),
        (404, "text/plain; charset=utf-8", "the body broke off\n"),
        (500, "text/plain; charset=utf-8", "the body broke off\n"),
    ],
)
def test_an_answer_of_a_page_that_is_not_well_formed_is_wrong(status: int, content_type: str, body: str) -> None:
    assert wrong_of_page(POST, Answer(status, {"content-type": content_type}, body.encode()))
    right = Answer(200, {"content-type": "text/xml; charset=utf-8"}, f"{XML}<returnsms></returnsms>".encode())
    assert wrong_of_page(POST, right) is None
    assert wrong_of_page(POST, right._replace(headers=right.headers | {"x-mock-hint": "a\nb"}))
    assert wrong_of_page(POST._replace(method=b"HEAD"), right)


def test_a_server_error_and_an_error_without_a_word_are_wrong_of_the_control_address() -> None:
    json = {"content-type": "application/json"}
    assert wrong_of_control(POST, Answer(200, json, b"{}")) is None
    assert wrong_of_control(POST, Answer(404, json, b'{"error": "no"}')) is None
    for answer in (Answer(500, json, b'{"error": "no"}'), Answer(404, json, b"{}"), Answer(200, json, b"<html>")):
        assert wrong_of_control(POST, answer)


def test_what_is_no_http_or_a_server_error_is_wrong_over_a_socket() -> None:
    assert wrong_of_bytes(b"") is None
    assert wrong_of_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n") is None
    for received in (
        b"x",
        b"HTTP/1.1 500 Internal Server Error\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nTraceback (most recent",
    ):
        assert wrong_of_bytes(received)
