"""Malformed requests: no exception, no 5xx, and every answer well-formed; and the hunt for such finds what it should.

Here belongs a small share, repeatable in CI. `make fuzz` asks a million.
"""

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.mutators import CONTROL, REAL, FuzzInput, malformed, malformed_control
from fuzz.oracle import FuzzAnswer, check_control_response, check_raw_bytes, check_vendor_response
from fuzz.run import fuzz_in_process, fuzz_over_socket, minimise, wrong
from fuzz.targets import InProcessTarget
from support.emulators import Address, emulator_process

UNDER = InProcessTarget()


@settings(max_examples=300)
@given(dice=st.randoms(use_true_random=False))
def test_a_malformed_request_to_a_page_has_a_well_formed_answer(dice: Random) -> None:
    assert wrong(UNDER, malformed(dice), explained=False)[0] is None


@settings(max_examples=100)
@given(dice=st.randoms(use_true_random=False))
def test_a_malformed_request_to_the_control_address_is_no_server_error(dice: Random) -> None:
    assert wrong(UNDER, malformed_control(dice))[0] is None


def test_a_hunt_from_one_seed_finds_nothing_wrong_and_many_kinds_of_answers() -> None:
    found = fuzz_in_process(7, 2000, control=0.05)
    assert found.wrongs == []
    assert found.asked.total() == 2000
    assert len(found.kinds) > 100
    assert fuzz_in_process(7, 200).kinds == fuzz_in_process(7, 200).kinds


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with emulator_process("--log-level", "error") as (_, address):
        yield address


def test_what_is_malformed_below_the_pages_is_no_server_error_either(address: Address) -> None:
    found = fuzz_over_socket(7, 600, address)
    assert found.wrongs == []
    assert found.answers["socket: 200"] > 50
    assert found.answers["socket: 400"] > 50


@pytest.mark.parametrize("one", [*REAL, *CONTROL], ids=lambda one: f"{one.method.decode()} {one.target.decode()}")
def test_the_requests_that_are_changed_are_right_before(one: FuzzInput) -> None:
    said, answer = wrong(InProcessTarget(), one, explained=False)
    assert said is None
    assert answer is not None
    assert answer.status < 400 or one.target.endswith((b"/x", b"/3", b"/advance", b"/nowhere"))


# That the hunt finds something: an emulator with something wrong in it, and answers that are wrong.


class _Breaks(InProcessTarget):
    def ask(self, one: FuzzInput, *, explained: bool = True) -> FuzzAnswer:
        if b"%FF" in one.body:
            raise ValueError("a byte that nobody expected")
        return super().ask(one, explained=explained)


def test_a_hunt_finds_an_emulator_that_breaks_and_shrinks_what_broke_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.run.InProcessTarget", _Breaks)
    assert fuzz_in_process(1, 2000).wrongs
    one = REAL[0]._replace(body=b"action=send&mobile=1%FF&content=x", headers=())
    assert minimise(one).body == b"%FF"


XML = '<?xml version="1.0" encoding="utf-8" ?>'
POST = FuzzInput(b"POST", b"/v2sms.aspx", b"", (), b"")


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
    assert check_vendor_response(POST, FuzzAnswer(status, {"content-type": content_type}, body.encode()))
    right = FuzzAnswer(200, {"content-type": "text/xml; charset=utf-8"}, f"{XML}<returnsms></returnsms>".encode())
    assert check_vendor_response(POST, right) is None
    assert check_vendor_response(POST, right._replace(headers=right.headers | {"x-mock-hint": "a\nb"}))
    assert check_vendor_response(POST._replace(method=b"HEAD"), right)


def test_a_server_error_and_an_error_without_a_word_are_wrong_of_the_control_address() -> None:
    json = {"content-type": "application/json"}
    assert check_control_response(POST, FuzzAnswer(200, json, b"{}")) is None
    assert check_control_response(POST, FuzzAnswer(404, json, b'{"error": "no"}')) is None
    for answer in (
        FuzzAnswer(500, json, b'{"error": "no"}'),
        FuzzAnswer(404, json, b"{}"),
        FuzzAnswer(200, json, b"<html>"),
    ):
        assert check_control_response(POST, answer)


def test_what_is_no_http_or_a_server_error_is_wrong_over_a_socket() -> None:
    assert check_raw_bytes(b"") is None
    assert check_raw_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n") is None
    for received in (
        b"x",
        b"HTTP/1.1 500 Internal Server Error\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nTraceback (most recent",
    ):
        assert check_raw_bytes(received)
