"""Fuzzing: malformed requests cause no exception and no 5xx; the fuzzer finds defects. `make fuzz` sends more."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from fuzz.corpus import CONTROL_REQUESTS, VENDOR_REQUESTS, FuzzInput
from fuzz.mutators import malformed_control_requests, malformed_requests
from fuzz.oracle import FuzzResponse, check_control_response, check_raw_response, check_vendor_response
from fuzz.run import check_request, fuzz_in_process, fuzz_over_socket
from fuzz.targets import InProcessTarget
from support.emulators import emulator_process
from support.http_client import Address

TARGET = InProcessTarget()


@pytest.mark.slow("Sends hundreds of requests with a diagnosis each.")
@settings(max_examples=300)
@given(malformed_requests())
def test_a_malformed_request_to_an_endpoint_has_a_well_formed_response(request: FuzzInput) -> None:
    assert check_request(TARGET, request, diagnose=False)[0] is None


@pytest.mark.slow("Sends hundreds of requests through Flask.")
@settings(max_examples=100)
@given(malformed_control_requests())
def test_a_malformed_request_to_the_control_api_is_no_server_error(request: FuzzInput) -> None:
    assert check_request(TARGET, request)[0] is None


@pytest.mark.slow("Sends 2400 requests.")
def test_a_run_from_one_seed_finds_no_failure_and_many_kinds_of_responses() -> None:
    stats = fuzz_in_process(7, 2000)
    assert stats.failures == []
    assert stats.requests.total() == 2000
    assert len(stats.novelty_keys) > 100
    assert fuzz_in_process(7, 200).novelty_keys == fuzz_in_process(7, 200).novelty_keys


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with emulator_process("--log-level", "error") as (_, address):
        yield address


@pytest.mark.slow("Sends malformed requests over sockets.")
def test_a_request_malformed_at_the_http_level_is_no_server_error(address: Address) -> None:
    stats = fuzz_over_socket(7, 600, address)
    assert stats.failures == []
    assert stats.responses["socket: 200"] > 50
    assert stats.responses["socket: 400"] > 50


@pytest.mark.parametrize(
    "fuzz_input",
    [*VENDOR_REQUESTS, *CONTROL_REQUESTS],
    ids=lambda request: f"{request.method.decode()} {request.target.decode()}",
)
def test_the_requests_are_valid_before_they_are_changed(fuzz_input: FuzzInput) -> None:
    failure, response = check_request(InProcessTarget(), fuzz_input, diagnose=False)
    assert failure is None
    assert response is not None
    assert response.status < 400 or fuzz_input.target.endswith((b"/x", b"/3", b"/advance", b"/nowhere"))


# The fuzzer finds defects: an emulator that raises, and check_request responses.


class _RaisingTarget(InProcessTarget):
    def send(self, request: FuzzInput, *, diagnose: bool = True) -> FuzzResponse:
        if b"%FF" in request.body:
            raise ValueError("unexpected byte")
        return super().send(request, diagnose=diagnose)


def test_a_run_finds_an_exception_and_the_smallest_request() -> None:
    (failure,) = fuzz_in_process(1, 1000, start_target=_RaisingTarget).failures
    assert "raised ValueError" in failure
    assert failure.count("%FF") == 1
    assert len(failure) < 500


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
def test_a_malformed_vendor_response_is_a_failure(status: int, content_type: str, body: str) -> None:
    assert check_vendor_response(POST, FuzzResponse(status, {"content-type": content_type}, body.encode()))
    right = FuzzResponse(200, {"content-type": "text/xml; charset=utf-8"}, f"{XML}<returnsms></returnsms>".encode())
    assert check_vendor_response(POST, right) is None
    assert check_vendor_response(POST, right._replace(headers=right.headers | {"x-mock-hint": "a\nb"}))
    assert check_vendor_response(POST._replace(method=b"HEAD"), right)


def test_a_control_api_error_without_a_message_is_a_failure() -> None:
    json = {"content-type": "application/json"}
    assert check_control_response(POST, FuzzResponse(200, json, b"{}")) is None
    assert check_control_response(POST, FuzzResponse(404, json, b'{"error": "no"}')) is None
    for response in (
        FuzzResponse(500, json, b'{"error": "no"}'),
        FuzzResponse(404, json, b"{}"),
        FuzzResponse(200, json, b"<html>"),
    ):
        assert check_control_response(POST, response)


def test_bytes_that_are_not_http_or_a_server_error_are_a_failure() -> None:
    assert check_raw_response(b"") is None
    assert check_raw_response(b"HTTP/1.1 400 Bad Request\r\n\r\n") is None
    for received in (
        b"x",
        b"HTTP/1.1 500 Internal Server Error\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nTraceback (most recent",
    ):
        assert check_raw_response(received)
