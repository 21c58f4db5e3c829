"""The request log on the server. A background thread writes entries in batches, so that no response waits."""

import logging
from collections import deque
from collections.abc import Iterator
from threading import Condition, Lock, Thread
from typing import Final, NamedTuple
from urllib.parse import quote

from sms10692_mock.domain.records import Limits, LoggedRequest, Page, Query
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.elapsed_time import sleep
from sms10692_mock.stores.query import matches_request, paginate
from sms10692_mock.stores.valkey import scripts
from sms10692_mock.stores.valkey.script_client import ScriptClient
from sms10692_mock.stores.valkey.serialization import dump_request, load_request

_log: Final = logging.getLogger(__name__)

_BATCH_DELAY: Final = 0.02
"""Seconds for which entries are collected before they are written."""

_MAX_ENTRIES: Final = 200
"""Entries that are written or read with one script, at most."""

_MAX_BYTES: Final = 2 * 1024 * 1024
"""Size of a batch from which no further entry is added."""

_RETRY_AFTER: Final = 0.5
"""Seconds after which a failed write is repeated. Writing an entry twice stores it once."""


_MAX_REJECTIONS: Final = 3
"""Attempts to write a single entry that the server rejects although it accepts other writes."""


class _UnflushedEntry(NamedTuple):
    """A serialized entry. Serialized on the thread of the request: handing the work to a second thread costs more."""

    number: int
    userid: str
    size: int
    serialized: bytes


class ValkeyRequestLog:
    """The last requests of all processes that share the server, up to the limits. Thread-safe.

    Entries that cannot be written yet stay in a buffer, which obeys the same limits. Entries of the buffer are lost if
    the process is killed.
    """

    def __init__(self, client: ScriptClient, limits: Limits) -> None:
        self._client = client
        self._limits = limits
        self._pending: deque[_UnflushedEntry] = deque()
        self._pending_bytes = 0
        self._lost = 0
        self._batch_size = _MAX_ENTRIES
        """Entries per batch: reduced after a failure, to find the entry that is rejected."""
        self._rejections = 0
        self._changed = Condition(Lock())
        self._write_lock = Lock()
        self._writer: Thread | None = None
        self._is_closed = False

    def record(self, entry: LoggedRequest) -> None:
        try:
            pending = _UnflushedEntry(entry.number, _userid_key(entry.userid), entry.size, dump_request(entry))
        except Exception:
            _log.exception("request %d cannot be written to the request log", entry.number)
            with self._changed:
                self._lost += 1
            return
        with self._changed:
            was_empty = not self._pending
            self._pending.append(pending)
            self._pending_bytes += pending.size
            while len(self._pending) > self._limits.requests or self._pending_bytes > self._limits.request_bytes:
                self._pending_bytes -= self._pending.popleft().size
                self._lost += 1
            if was_empty:
                if self._writer is None:
                    self._writer = Thread(target=self._run_writer, name="request-log", daemon=True)
                    self._writer.start()
                self._changed.notify()

    def close(self) -> None:
        """Stop the writer thread after it has written the buffer, if the server is available."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
            writer = self._writer
        if writer is not None:
            writer.join()

    def _run_writer(self) -> None:
        while not self._is_closed:
            with self._changed:
                while not self._pending and not self._is_closed:
                    self._changed.wait()
            sleep(_BATCH_DELAY)
            try:
                self._write()
            except StoreUnavailable:
                with self._changed:
                    if not self._is_closed:
                        self._changed.wait(_RETRY_AFTER)
            except Exception:
                _log.exception("requests cannot be written to the request log")

    def _write(self) -> None:
        """Write the buffer on this thread. An entry that the server rejects is dropped and logged.

        Raises StoreUnavailable if the server is unavailable.
        """
        with self._write_lock:
            while batch := self._next_batch():
                lost = self._lost
                try:
                    arguments: list[bytes | str | int] = [self._limits.requests, self._limits.request_bytes, lost]
                    for entry in batch:
                        arguments += entry
                    self._client.run(scripts.RECORD_REQUESTS, _KEYS, *arguments)
                except StoreUnavailable as error:
                    self._on_rejected(batch, error)
                except Exception:
                    self._remove(batch, lost=-len(batch))
                    raise
                else:
                    self._remove(batch, lost)
                    self._batch_size = min(2 * self._batch_size, _MAX_ENTRIES)
                    self._rejections = 0

    def _on_rejected(self, batch: list[_UnflushedEntry], error: StoreUnavailable) -> None:
        """Halve the batch size, or drop a single entry after repeated attempts.

        Raises StoreUnavailable as `_write` does.
        """
        self._client.check_writable()
        if len(batch) > 1:
            self._batch_size = max(1, len(batch) // 2)
            return
        self._rejections += 1
        if self._rejections < _MAX_REJECTIONS:
            raise error
        (entry,) = batch
        self._remove(batch, lost=-1)
        self._rejections = 0
        _log.error(
            "request %d is missing in the request log: the server rejects its %d bytes (%s)",
            entry.number,
            len(entry.serialized),
            error,
        )

    def _next_batch(self) -> list[_UnflushedEntry]:
        batch: list[_UnflushedEntry] = []
        size = 0
        with self._changed:
            for entry in self._pending:
                if len(batch) >= self._batch_size or size > _MAX_BYTES:
                    break
                batch.append(entry)
                size += entry.size
        return batch

    def _remove(self, batch: list[_UnflushedEntry], lost: int) -> None:
        """Remove entries from the buffer, and subtract the losses that were reported to the server."""
        numbers = {entry.number for entry in batch}
        with self._changed:
            self._lost -= lost
            while self._pending and self._pending[0].number in numbers:
                self._pending_bytes -= self._pending.popleft().size

    def query(self, userid: str | None, query: Query) -> Page[LoggedRequest]:
        """One page of the requests of a userid, or of all, that match. Writes the buffer first."""
        self._write()
        dropped, first = self._read_page(userid, query, query.after)
        return paginate(self._read_all(userid, query, first), query, matches_request, dropped)

    def _read_all(self, userid: str | None, query: Query, entries: list[LoggedRequest]) -> Iterator[LoggedRequest]:
        while entries:
            yield from entries
            entries = self._read_page(userid, query, entries[-1].number)[1]

    def _read_page(self, userid: str | None, query: Query, after: int | None) -> tuple[int, list[LoggedRequest]]:
        arguments = ("" if userid is None else _userid_key(userid), "" if after is None else str(after))
        dropped, serialized = self._client.run(
            scripts.READ_REQUESTS, _KEYS, *arguments, "1" if query.newest_first else "", _MAX_ENTRIES
        )
        return dropped, [load_request(text) for text in serialized]

    def get(self, number: int) -> LoggedRequest | None:
        self._write()
        text = self._client.run(scripts.READ_REQUEST, _KEYS, number)
        return None if text is None else load_request(text)

    def is_logged(self, number: int) -> bool:
        """Whether a request is in the buffer or on the server."""
        with self._changed:
            if any(entry.number == number for entry in reversed(self._pending)):
                return True
        return bool(self._client.run(scripts.HAS_REQUEST, _KEYS, number))

    def clear(self) -> None:
        """Delete all entries. Request numbers are not reset."""
        with self._changed:
            self._pending.clear()
            self._pending_bytes = self._lost = 0
        with self._write_lock:
            self._client.run(scripts.CLEAR_REQUESTS, _KEYS)


_KEYS: Final = tuple(f"sms10692:{{journal}}:{name}".encode() for name in ("entries", "all", "of_userids", "state"))


def _userid_key(userid: str) -> str:
    """The userid as a prefix of index entries: never empty, and without white space."""
    return "=" + quote(userid, safe="", errors="surrogatepass")
