"""The client of the control API and its transports: shared by threads, with clear errors.

The methods that use them are tested in `test_emulator_control`.
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
from support.http_client import closed_port, read_request

emulator = handles.emulator


def test_a_remote_emulator_has_no_wsgi(emulator: Emulator) -> None:
    with EmulatorControl(emulator.url + "/") as control, control.account() as vendor:
        assert vendor.url == emulator.url
        with pytest.raises(RuntimeError, match="runs in another process"):
            _ = vendor.wsgi


def test_a_document_of_another_version_is_reported() -> None:
    def other_version(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"faults": [{"id": "1"}]}']

    with EmulatorControl("http://localhost", wsgi=other_version) as control:
        with pytest.raises(ControlError, match="Fault has no field 'kind': install the same version"):
            control.faults()


def test_an_unreachable_emulator_is_reported() -> None:
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}"
        with EmulatorControl(url) as control, pytest.raises(ControlUnreachable, match=url):
            control.health()
    with pytest.raises(ValueError, match="not a base URL"):
        EmulatorControl("127.0.0.1:10692")


def test_a_server_without_control_api_is_reported() -> None:
    def other_server(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"<html>It works!</html>"]

    with EmulatorControl("http://localhost", wsgi=other_server) as control:
        with pytest.raises(ControlUnreachable, match="no control API; the response was 200: <html>It works"):
            control.health()


def test_a_token_is_sent() -> None:
    authorizations = []

    def record_authorization(environ: Any, start_response: Any) -> list[bytes]:
        authorizations.append(environ["HTTP_AUTHORIZATION"])
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b"{}"]

    with EmulatorControl("http://localhost", "s3cret", wsgi=record_authorization) as control:
        control.health()
        control.clear_faults()
    assert authorizations == ["Bearer s3cret"] * 2


def test_a_closed_connection_is_reopened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:

        def respond_and_close() -> None:
            with listener.accept()[0] as connection:
                read_request(connection)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        with EmulatorControl(f"http://127.0.0.1:{listener.getsockname()[1]}") as control:
            for _ in range(3):
                responded = thread.submit(respond_and_close)
                assert control.health() == {}
                responded.result()


@pytest.mark.parametrize("transport", ["WSGI", "socket"])
@pytest.mark.parametrize("record_mode", ["none", "all"])
def test_control_requests_are_not_recorded_by_vcr(
    emulator: Emulator, tmp_path: Path, transport: str, record_mode: str
) -> None:
    cassette = tmp_path / "cassette.yaml"
    with vcr.use_cassette(str(cassette), record_mode=record_mode):
        with EmulatorControl(emulator.url, wsgi=emulator.wsgi if transport == "WSGI" else None) as control:
            with control.account() as vendor:
                vendor.fail_next()
                assert vendor.messages() == []
    assert not cassette.exists()


def test_the_wsgi_transport_conforms_to_pep_3333(emulator: Emulator) -> None:
    with EmulatorControl("http://localhost", wsgi=validator(emulator.wsgi)) as control:
        with control.account() as vendor:
            vendor.fail_next()
            assert vendor.messages(text="短信 &") == []


def test_a_server_without_keep_alive_is_supported(emulator: Emulator) -> None:
    def http_1_0(environ: Any, start_response: Any) -> Any:
        return emulator.wsgi(environ, start_response)

    with make_server("127.0.0.1", 0, http_1_0) as server, ThreadPoolExecutor(1) as thread:  # HTTP/1.0
        served = thread.submit(server.serve_forever, 0.01)
        with EmulatorControl(f"http://127.0.0.1:{server.server_port}") as control:
            assert control.health() == control.health()
        server.shutdown()
        served.result()


def test_a_token_with_a_line_end_is_rejected(emulator: Emulator) -> None:
    with EmulatorControl(emulator.url, "s3cret\r\nX: y") as control, pytest.raises(ValueError, match="line end"):
        control.health()


def test_a_client_is_thread_safe(emulator: Emulator) -> None:
    with EmulatorControl(emulator.url) as control, ThreadPoolExecutor(8) as threads:
        vendors = list(threads.map(lambda points: control.account(points=points), range(40)))
        assert [vendor.balance().points for vendor in vendors] == list(range(40))
        list(threads.map(SmsVendor.close, vendors))
        assert not {vendor.userid for vendor in vendors} & set(control.userids())
