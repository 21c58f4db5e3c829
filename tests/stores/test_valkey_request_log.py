"""The request log of the Valkey store: background writes, outages, and the limits of its buffer."""

import weakref
from pathlib import Path
from typing import Any

import pytest

from sms10692_mock.domain.faults import TriggeredFault
from sms10692_mock.domain.records import Limits, LoggedRequest, Query
from sms10692_mock.stores.valkey.store import ValkeyStore
from support import valkey_store
from support.valkey_server import ValkeyServer, start_server, terminating
from support.valkey_store import NEED_SERVERS, eventually, is_available, open_store

pytestmark = NEED_SERVERS

server = valkey_store.server
store = valkey_store.store


def test_the_request_log_is_shared_by_processes(server: ValkeyServer, store: ValkeyStore) -> None:
    with open_store(server, Limits(requests=3)) as other:
        for number in range(1, 6):
            other.log_request(entry(number))
        assert other.requests("12", Query()).evicted == 2
        assert [entry.number for entry in store.requests("12", Query(newest_first=True)).items] == [5, 4, 3]
        assert store.request(4) == entry(4)
        assert store.requests("13", Query()).items == []


def entry(number: int) -> LoggedRequest:
    headers = [("host", "x")]
    return LoggedRequest(
        number,
        1.0,
        2.0,
        0.1,
        "GET",
        "/x",
        b"\xff",
        headers,
        b"",
        "12",
        "send",
        "",
        None,
        200,
        "t",
        b"\xe4",
        (TriggeredFault("truncate", 2),),
    )


def test_the_request_log_is_written_after_an_outage(tmp_path: Path) -> None:
    with terminating(start_server(tmp_path, appendonly="yes")) as server, open_store(server) as store:
        store.log_request(entry(1))
        assert store.request(1) == entry(1)
        port = server.port
        server.terminate()
        store.log_request(entry(2))
        assert store.is_logged(2)
        with terminating(start_server(tmp_path, port, appendonly="yes")) as server, open_store(server) as other:
            assert eventually(lambda: other.request(2) == entry(2))


def test_the_buffer_of_the_request_log_is_limited_by_bytes(tmp_path: Path) -> None:
    class Headers(list[tuple[str, str]]):
        """A list that supports weak references."""

    with (
        terminating(start_server(tmp_path, appendonly="yes")) as server,
        open_store(server, Limits(request_bytes=10_000)) as store,
    ):
        port = server.port
        server.terminate()
        long = entry(1)._replace(body=b"x" * 1000)
        references: list[weakref.ref[Headers]] = []
        for number in range(1, 1001):
            headers = Headers(long.headers)
            references.append(weakref.ref(headers))
            store.log_request(long._replace(number=number, headers=headers))
        assert sum(reference() is not None for reference in references) <= 2 * (10_000 // long.size) + 1, (
            "with what is being written"
        )
        with terminating(start_server(tmp_path, port, appendonly="yes")):
            assert eventually(lambda: is_available(lambda: store.requests(None, Query())))
            kept = store.requests(None, Query())
            assert 0 < len(kept.items) <= 10_000 // long.size
            assert (len(kept.items) + kept.evicted, kept.items[-1].number) == (1000, 1000)


def test_logging_continues_after_an_entry_that_cannot_be_serialized(
    server: ValkeyServer, store: ValkeyStore, caplog: pytest.LogCaptureFixture
) -> None:
    no_text: Any = b""
    store.log_request(entry(1)._replace(method=no_text))
    assert eventually(lambda: "cannot be written to the request log" in caplog.text)
    store.log_request(entry(2))
    with open_store(server) as other:
        assert eventually(lambda: other.request(2) == entry(2))
        assert other.requests(None, Query()).evicted == 1
