"""The part of the request log that is on the server, and the thread that writes it, so that no response waits."""

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from threading import Event, Thread
from typing import Any, Final
from urllib.parse import quote

from sms10692_mock.domain.records import Limits, LoggedRequest, Page, Query
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.elapsed_time import sleep
from sms10692_mock.stores.query import paginate_requests
from sms10692_mock.stores.valkey import scripts
from sms10692_mock.stores.valkey.script_client import ScriptClient
from sms10692_mock.stores.valkey.serialization import dump_request, load_request

_log: Final = logging.getLogger(__name__)

_BATCH_DELAY: Final = 0.02
"""Seconds for which entries are collected before they are written."""

_RETRY_AFTER: Final = 0.5
"""Seconds after which a failed write is repeated."""

_PAGE_ENTRIES: Final = 200
"""Entries that are read with one script, at most."""

_KEYS: Final = tuple(f"sms10692:{{requests}}:{name}".encode() for name in ("entries", "all", "of_userids", "state"))


class ValkeyRequestLogWriter:
    """A `RequestLogWriter` of the requests of all processes that share the server. Thread-safe."""

    def __init__(self, client: ScriptClient, limits: Limits) -> None:
        self._client = client
        self._limits = limits

    def dump(self, entry: LoggedRequest) -> tuple[Any, ...]:
        return entry.number, _userid_key(entry.userid), entry.size, dump_request(entry)

    def write(self, rows: Sequence[tuple[Any, ...]], lost: int) -> None:
        try:
            self._record(rows, lost)
        except StoreUnavailable as error:
            self._record((), lost + self._record_or_drop_each(rows, error))

    def _record(self, rows: Sequence[tuple[Any, ...]], lost: int) -> None:
        limits, fields = (self._limits.requests, self._limits.request_bytes), chain.from_iterable(rows)
        self._client.run(scripts.RECORD_REQUESTS, _KEYS, *limits, lost, *fields)

    def _record_or_drop_each(self, rows: Sequence[tuple[Any, ...]], error: StoreUnavailable) -> int:
        """Write entries, some of which the server rejects although it accepts other writes. Returns how many it did."""
        self._client.check_writable()
        if not rows:
            raise error
        if len(rows) == 1:
            return self._record_or_drop(rows[0])
        rejected = 0
        middle = len(rows) // 2
        for half in (rows[:middle], rows[middle:]):
            try:
                self._record(half, 0)
            except StoreUnavailable as half_error:
                rejected += self._record_or_drop_each(half, half_error)
        return rejected

    def _record_or_drop(self, row: tuple[Any, ...]) -> int:
        """Write an entry again, or log that the server rejects it. Returns how many were rejected."""
        try:
            self._record([row], 0)
        except StoreUnavailable as error:
            self._client.check_writable()
            number, _, _, document = row
            _log.error(
                "request %d is missing in the request log: the server rejects its %d bytes (%s)",
                number,
                len(document),
                error,
            )
            return 1
        return 0

    def query(self, userid: str | None, query: Query) -> Page[LoggedRequest]:
        evicted, first = self._read_page(userid, query, query.after)
        return paginate_requests(self._read_all(userid, query, first), query, evicted)

    def _read_all(self, userid: str | None, query: Query, entries: list[LoggedRequest]) -> Iterator[LoggedRequest]:
        while entries:
            yield from entries
            entries = self._read_page(userid, query, entries[-1].number)[1]

    def _read_page(self, userid: str | None, query: Query, after: int | None) -> tuple[int, list[LoggedRequest]]:
        arguments = ("" if userid is None else _userid_key(userid), "" if after is None else str(after))
        evicted, serialized = self._client.run(
            scripts.READ_REQUESTS, _KEYS, *arguments, "1" if query.newest_first else "", _PAGE_ENTRIES
        )
        return evicted, [load_request(text) for text in serialized]

    def get(self, number: int) -> LoggedRequest | None:
        text = self._client.run(scripts.READ_REQUEST, _KEYS, number)
        return None if text is None else load_request(text)

    def has(self, number: int) -> bool:
        return bool(self._client.run(scripts.HAS_REQUEST, _KEYS, number))

    def delete(self, number: int) -> bool:
        return bool(self._client.run(scripts.DELETE_REQUEST, _KEYS, number))

    def clear(self) -> None:
        self._client.run(scripts.CLEAR_REQUESTS, _KEYS)


class FlushThread:
    """A daemon thread that flushes the request log soon after `wake`."""

    def __init__(self) -> None:
        self._wake_up = Event()
        self._stopping = Event()
        self._flush: Callable[[], object] = lambda: None
        self._thread = Thread(target=self._run, name="request-log", daemon=True)

    def start(self, flush: Callable[[], object]) -> None:
        self._flush = flush
        self._thread.start()

    def wake(self) -> None:
        if not self._wake_up.is_set():
            self._wake_up.set()

    def stop(self) -> None:
        """Stop the thread after it has flushed the log once more, if the server is available."""
        self._stopping.set()
        self._wake_up.set()
        self._thread.join()

    def _run(self) -> None:
        is_last = False
        while not is_last:
            self._wake_up.wait()
            self._wake_up.clear()
            is_last = self._stopping.is_set()
            sleep(_BATCH_DELAY)
            try:
                self._flush()
            except StoreUnavailable:
                self._wake_up.set()
                self._stopping.wait(_RETRY_AFTER)
            except Exception:
                _log.exception("requests cannot be written to the request log")


def _userid_key(userid: str) -> str:
    """The userid as a prefix of index entries: never empty, and without white space."""
    return "=" + quote(userid, safe="", errors="surrogatepass")
