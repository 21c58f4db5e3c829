"""The proxy before the emulator announces the end of a connection that it closes at the client's wish."""

import socket
from urllib.parse import urlsplit

import pytest

from sms10692_examine.cases.answers import answer, document
from sms10692_examine.vendor_proxy import Alteration, VendorProxy
from sms10692_mock import Emulator

ALTERATIONS = {
    "vendor": None,
    "case": Alteration("answer of the case", is_executed=False, change=lambda _: answer(document("").encode())),
}


@pytest.mark.parametrize("kind", ALTERATIONS)
@pytest.mark.parametrize("header", ["Connection: close\r\n", ""])
def test_a_last_response_says_close(kind: str, header: str) -> None:
    with Emulator() as emulator, VendorProxy(emulator.url) as proxy:
        if (alteration := ALTERATIONS[kind]) is not None:
            proxy.alter(alteration)
        address = urlsplit(proxy.url)
        with socket.create_connection((address.hostname, address.port), 10) as connection:
            request = f"POST /v2statusApi.aspx HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n{header}\r\n"
            connection.sendall(request.encode())
            received = connection.recv(65536)
            while b"</returnsms>" not in received:
                received += connection.recv(65536)
            assert received.startswith(b"HTTP/1.1 200 ")
            assert (b"\r\nConnection: close\r\n" in received) is bool(header)
            if header:
                assert connection.recv(1) == b""
