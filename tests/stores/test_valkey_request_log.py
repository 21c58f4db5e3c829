"""The journal on a server: written beside the answers, also when the server was away, and read by every process.

Here belongs what waits to be written. What every store keeps of requests is in `test_stores` and
`test_stores_limits`.
"""

import weakref
from pathlib import Path
from typing import Any

import pytest

from sms10692_mock.domain.records import Limits, LoggedRequest, Query
from sms10692_mock.stores.valkey.store import ValkeyStore
from support import valkey_store
from support.valkey_server import ValkeyServer, ended, start_server
from support.valkey_store import NEED_SERVERS, eventually, store_on, works

pytestmark = NEED_SERVERS

server = valkey_store.server
store = valkey_store.store


def test_the_journal_of_one_process_is_read_in_another(server: ValkeyServer, store: ValkeyStore) -> None:
    with store_on(server, Limits(requests=3)) as other:
        for number in range(1, 6):
            other.log_request(entry(number))
        assert other.requests("12", Query()).dropped == 2
        assert [one.number for one in store.requests("12", Query(newest_first=True)).items] == [5, 4, 3]
        assert store.request(4) == entry(4)
        assert store.requests("13", Query()).items == []


def entry(number: int) -> LoggedRequest:
    headers = [("host", "x")]
    return LoggedRequest(
        number, 1.0, 2.0, 0.1, "GET", "/x", b"\xff", headers, b"", "12", "send", "", None, 200, "t", b"\xe4", ("cut",)
    )


def test_the_journal_is_written_when_the_server_is_back(tmp_path: Path) -> None:
    with ended(start_server(tmp_path, appendonly="yes")) as server, store_on(server) as store:
        store.log_request(entry(1))
        assert store.request(1) == entry(1)
        port = server.port
        server.terminate()
        store.log_request(entry(2))
        assert store.is_logged(2)
        with ended(start_server(tmp_path, port, appendonly="yes")) as server, store_on(server) as other:
            assert eventually(lambda: other.request(2) == entry(2))


def test_what_waits_for_the_server_to_be_back_has_so_many_bytes_at_most(tmp_path: Path) -> None:
    class Headers(list[tuple[str, str]]):
        """A list that can be watched."""

    with (
        ended(start_server(tmp_path, appendonly="yes")) as server,
        store_on(server, Limits(request_bytes=10_000)) as store,
    ):
        port = server.port
        server.terminate()
        long = entry(1)._replace(body=b"x" * 1000)
        watched: list[weakref.ref[Headers]] = []
        for number in range(1, 1001):
            headers = Headers(long.headers)
            watched.append(weakref.ref(headers))
            store.log_request(long._replace(number=number, headers=headers))
        assert sum(one() is not None for one in watched) <= 2 * (10_000 // long.size) + 1, "with what is being written"
        with ended(start_server(tmp_path, port, appendonly="yes")):
            assert eventually(lambda: works(lambda: store.requests(None, Query())))
            kept = store.requests(None, Query())
            assert 0 < len(kept.items) <= 10_000 // long.size
            assert (len(kept.items) + kept.dropped, kept.items[-1].number) == (1000, 1000)


def test_the_journal_is_written_on_after_an_entry_that_cannot_be(
    server: ValkeyServer, store: ValkeyStore, caplog: pytest.LogCaptureFixture
) -> None:
    no_text: Any = b""
    store.log_request(entry(1)._replace(method=no_text))
    assert eventually(lambda: "cannot be written to the request log" in caplog.text)
    store.log_request(entry(2))
    with store_on(server) as other:
        assert eventually(lambda: other.request(2) == entry(2))
        assert other.requests(None, Query()).dropped == 1
