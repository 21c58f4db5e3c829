"""TLS: certificates of the environment are used, and the deadline also covers handshakes and encrypted responses."""

import gc
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from sms10692 import ConnectionFailed
from support.client import BODY, EACH_SEND
from support.http_client import TIMEOUT, read_request
from support.raw_servers import encode_response

AUTHORITY = trustme.CA()


@contextmanager
def tls_server(response: bytes, drip: bytes = b"") -> Iterator[str]:
    """Run a TLS server for one request. It sends `response`, then repeats `drip` until the client disconnects."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("localhost").configure_cert(context)
    stopped = threading.Event()

    def serve() -> None:
        try:
            connection, _ = listener.accept()
            with connection, context.wrap_socket(connection, server_side=True) as secure:
                secure.settimeout(TIMEOUT)
                read_request(secure)
                secure.sendall(response)
                while drip and not stopped.wait(0.02):
                    secure.sendall(drip)
        except OSError:
            pass  # the client disconnected

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://localhost:{listener.getsockname()[1]}"
        stopped.set()
    thread.join(TIMEOUT)


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    file = str(tmp_path / "ca.pem")
    AUTHORITY.cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", file)
    return file


@EACH_SEND
def test_a_certificate_signed_by_ssl_cert_file_is_trusted(send: Any, trusted: str) -> None:
    with tls_server(encode_response(BODY)) as url:
        assert send(f"{url}/v2sms.aspx").task_id == 100001


@EACH_SEND
def test_the_error_for_an_untrusted_certificate_names_the_certificate_settings(
    send: Any, trusted: str, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(trusted)
    with tls_server(encode_response(BODY)) as url, pytest.raises(ConnectionFailed) as raised:
        send(url)
    assert not raised.value.maybe_delivered
    assert "certificate verify failed" in str(raised.value)
    assert f"SSL_CERT_FILE is '{trusted}'" in str(raised.value)


@EACH_SEND
def test_a_slow_response_head_over_tls_ends_at_the_deadline(send: Any, trusted: str) -> None:
    with tls_server(b"HTTP/1.1 200 OK\r\nX: ", b"x") as url, pytest.raises(ConnectionFailed) as raised:
        send(url, timeout=TIMEOUT, total_timeout=0.5)
    assert raised.value.maybe_delivered
    assert "no complete response within 0.5 s" in str(raised.value)


@pytest.mark.slow("Waits for deadlines.")
@EACH_SEND
def test_an_unanswered_handshake_ends_at_the_deadline(send: Any, trusted: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ConnectionFailed) as raised:
        send(f"https://localhost:{silent.getsockname()[1]}", timeout=TIMEOUT, total_timeout=0.5)
    assert not raised.value.maybe_delivered
    assert "no complete response within 0.5 s" in str(raised.value)
    gc.collect()  # reports a connection left open as a ResourceWarning, which fails the test
