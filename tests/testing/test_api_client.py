"""The way from a test to the control address: many may share it, and what is wrong at its other end is said.

Here belong `testing.carriers` and `testing.connection`. What is asked over them is in `test_emulator_control`.
"""

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from wsgiref.simple_server import make_server
from wsgiref.validate import validator

import pytest
import vcr

from sms10692_mock import ControlUnreachable, Emulator, EmulatorControl, SmsVendor
from sms10692_mock.testing.api_client import ControlError
from support import handles
from support.emulators import closed_port, read_response

emulator = handles.emulator


def test_what_runs_elsewhere_has_no_wsgi(emulator: Emulator) -> None:
    with EmulatorControl(emulator.url + "/") as control, control.account() as vendor:
        assert vendor.url == emulator.url
        with pytest.raises(RuntimeError, match="runs elsewhere"):
            _ = vendor.wsgi


def test_a_document_of_another_version_is_said() -> None:
    def of_another_version(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"faults": [{"id": "1"}]}']

    with EmulatorControl("http://localhost", wsgi=of_another_version) as control:
        with pytest.raises(ControlError, match="no 'kind' of a Fault: it is of another version"):
            control.faults()


def test_nobody_there_is_said() -> None:
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}"
        with EmulatorControl(url) as control, pytest.raises(ControlUnreachable, match=url):
            control.health()
    with pytest.raises(ValueError, match="no address"):
        EmulatorControl("127.0.0.1:10692")


def test_something_else_there_is_said() -> None:
    def somebody(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"<html>It works!</html>"]

    with EmulatorControl("http://localhost", wsgi=somebody) as control:
        with pytest.raises(ControlUnreachable, match="no control address; it answered 200: <html>It works"):
            control.health()


def test_a_token_is_sent() -> None:
    seen = []

    def guarded(environ: Any, start_response: Any) -> list[bytes]:
        seen.append(environ["HTTP_AUTHORIZATION"])
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b"{}"]

    with EmulatorControl("http://localhost", "s3cret", wsgi=guarded) as control:
        control.health()
        control.clear_faults()
    assert seen == ["Bearer s3cret"] * 2


def test_a_connection_that_was_closed_meanwhile_is_opened_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:

        def answer_and_hang_up() -> None:
            with listener.accept()[0] as connection:
                read_response(connection)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        with EmulatorControl(f"http://127.0.0.1:{listener.getsockname()[1]}") as control:
            for _ in range(3):
                answered = thread.submit(answer_and_hang_up)
                assert control.health() == {}
                answered.result()


@pytest.mark.parametrize("way", ["by call", "over a socket"])
@pytest.mark.parametrize("record_mode", ["none", "all"])
def test_what_a_test_asks_is_no_part_of_a_cassette(
    emulator: Emulator, tmp_path: Path, way: str, record_mode: str
) -> None:
    cassette = tmp_path / "cassette.yaml"
    with vcr.use_cassette(str(cassette), record_mode=record_mode):
        with EmulatorControl(emulator.url, wsgi=emulator.wsgi if way == "by call" else None) as control:
            with control.account() as vendor:
                vendor.fail_next()
                assert vendor.messages() == []
    assert not cassette.exists()


def test_by_call_it_asks_as_wsgi_demands(emulator: Emulator) -> None:
    with EmulatorControl("http://localhost", wsgi=validator(emulator.wsgi)) as control:
        with control.account() as vendor:
            vendor.fail_next()
            assert vendor.messages(text="短信 &") == []


def test_a_server_that_does_not_keep_connections_is_asked_again(emulator: Emulator) -> None:
    def closing(environ: Any, start_response: Any) -> Any:
        return emulator.wsgi(environ, start_response)

    with make_server("127.0.0.1", 0, closing) as server, ThreadPoolExecutor(1) as thread:  # HTTP/1.0
        served = thread.submit(server.serve_forever, 0.01)
        with EmulatorControl(f"http://127.0.0.1:{server.server_port}") as control:
            assert control.health() == control.health()
        server.shutdown()
        served.result()


def test_a_token_with_a_line_end_is_no_second_header(emulator: Emulator) -> None:
    with EmulatorControl(emulator.url, "s3cret\r\nX: y") as control, pytest.raises(ValueError, match="line end"):
        control.health()


def test_many_threads_may_share_it(emulator: Emulator) -> None:
    with EmulatorControl(emulator.url) as control, ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda points: control.account(points=points), range(40)))
        assert [vendor.balance().points for vendor in made] == list(range(40))
        list(threads.map(SmsVendor.close, made))
        assert not {vendor.userid for vendor in made} & set(control.userids())
