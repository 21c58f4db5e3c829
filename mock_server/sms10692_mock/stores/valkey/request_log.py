"""The journal in the server: written behind the answers, in batches, so that none waits for it.

Here belongs when entries are written, and reading them again. What an entry says is made in `http`.
"""

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

_GATHERED: Final = 0.02
"""Seconds in which entries gather before they are written."""

_TOGETHER: Final = 200
_TOGETHER_BYTES: Final = 2 * 1024 * 1024

_TRY_AGAIN: Final = 0.5
"""Seconds after which what could not be written is tried again. What is written twice is there once."""


_TRIES: Final = 3
"""How often an entry is tried alone that a server refuses while it takes everything else."""


class _UnflushedEntry(NamedTuple):
    """An entry as it is written. Packed by whoever answers: a second thread at work on it would cost more."""

    number: int
    userid: str
    size: int
    packed: bytes


class ValkeyRequestLog:
    """The last requests to all processes that share the server, of all and of each userid.

    What cannot be written yet waits, but not more of it than is kept anyhow.
    """

    def __init__(self, nodes: ScriptClient, limits: Limits) -> None:
        self._nodes = nodes
        self._limits = limits
        self._pending: deque[_UnflushedEntry] = deque()
        self._pending_bytes = 0
        self._lost = 0
        self._together = _TOGETHER
        """How many entries are written at once: fewer after a failure, to find the one that is refused."""
        self._refusals = 0
        self._changed = Condition(Lock())
        self._writing = Lock()
        self._writer: Thread | None = None
        self._ended = False

    def record(self, entry: LoggedRequest) -> None:
        try:
            pending = _UnflushedEntry(entry.number, _userid(entry.userid), entry.size, dump_request(entry))
        except Exception:
            _log.exception("a request cannot be written into the journal")
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
                    self._writer = Thread(target=self._write_on, name="journal", daemon=True)
                    self._writer.start()
                self._changed.notify()

    def close(self) -> None:
        """Write what is left, as far as it can be, and no more."""
        with self._changed:
            self._ended = True
            self._changed.notify()
            writer = self._writer
        if writer is not None:
            writer.join()

    def _write_on(self) -> None:
        while not self._ended:
            with self._changed:
                while not self._pending and not self._ended:
                    self._changed.wait()
            sleep(_GATHERED)
            try:
                self._write()
            except StoreUnavailable:
                with self._changed:
                    if not self._ended:
                        self._changed.wait(_TRY_AGAIN)
            except Exception:
                _log.exception("requests cannot be written into the journal")

    def _write(self) -> None:
        """Write all that is there now, in this thread. What the server does not take is lost, and logged.

        Raises StoreUnavailable where the server is away.
        """
        with self._writing:
            while batch := self._batch():
                lost = self._lost
                try:
                    arguments: list[bytes | str | int] = [self._limits.requests, self._limits.request_bytes, lost]
                    for pending in batch:
                        arguments += pending
                    self._nodes.run(scripts.RECORD, _KEYS, *arguments)
                except StoreUnavailable as error:
                    self._refused(batch, error)
                except Exception:
                    self._done_with(batch, lost=-len(batch))
                    raise
                else:
                    self._done_with(batch, lost)
                    self._together = min(2 * self._together, _TOGETHER)
                    self._refusals = 0

    def _refused(self, batch: list[_UnflushedEntry], error: StoreUnavailable) -> None:
        """Try fewer next time; give up an entry that is refused again and again. Raises where the server is away."""
        self._nodes.check_writable()
        if len(batch) > 1:
            self._together = max(1, len(batch) // 2)
            return
        self._refusals += 1
        if self._refusals < _TRIES:
            raise error
        (pending,) = batch
        self._done_with(batch, lost=-1)
        self._refusals = 0
        _log.error(
            "request %d is not in the request log: the server does not take its %d bytes (%s)",
            pending.number,
            len(pending.packed),
            error,
        )

    def _batch(self) -> list[_UnflushedEntry]:
        batch: list[_UnflushedEntry] = []
        together = 0
        with self._changed:
            for pending in self._pending:
                if len(batch) >= self._together or together > _TOGETHER_BYTES:
                    break
                batch.append(pending)
                together += pending.size
        return batch

    def _done_with(self, batch: list[_UnflushedEntry], lost: int) -> None:
        """These need not be written any more, as far as they are still here; so many that were lost are told."""
        numbers = {pending.number for pending in batch}
        with self._changed:
            self._lost -= lost
            while self._pending and self._pending[0].number in numbers:
                self._pending_bytes -= self._pending.popleft().size

    def query(self, userid: str | None, wanted: Query) -> Page[LoggedRequest]:
        """Those of a userid, or all, that are wanted."""
        self._write()
        dropped, first = self._read(userid, wanted, wanted.after)
        return paginate(self._all(userid, wanted, first), wanted, matches_request, dropped)

    def _all(self, userid: str | None, wanted: Query, entries: list[LoggedRequest]) -> Iterator[LoggedRequest]:
        while entries:
            yield from entries
            entries = self._read(userid, wanted, entries[-1].number)[1]

    def _read(self, userid: str | None, wanted: Query, after: int | None) -> tuple[int, list[LoggedRequest]]:
        arguments = ("" if userid is None else _userid(userid), "" if after is None else str(after))
        dropped, texts = self._nodes.run(
            scripts.READ_JOURNAL, _KEYS, *arguments, "1" if wanted.newest_first else "", _TOGETHER
        )
        return dropped, [load_request(text) for text in texts]

    def get(self, number: int) -> LoggedRequest | None:
        self._write()
        text = self._nodes.run(scripts.READ_ENTRY, _KEYS, number)
        return None if text is None else load_request(text)

    def is_logged(self, number: int) -> bool:
        """Whether it is here or there, which is asked without reading it."""
        with self._changed:
            if any(pending.number == number for pending in reversed(self._pending)):
                return True
        return bool(self._nodes.run(scripts.HAS_ENTRY, _KEYS, number))

    def clear(self) -> None:
        """Begin anew; numbers go on."""
        with self._changed:
            self._pending.clear()
            self._pending_bytes = self._lost = 0
        with self._writing:
            self._nodes.run(scripts.FORGET_JOURNAL, _KEYS)


_KEYS: Final = tuple(f"sms10692:{{journal}}:{name}".encode() for name in ("entries", "all", "of_userids", "state"))


def _userid(userid: str) -> str:
    """The userid in front of its entries: not empty, and without white space."""
    return "=" + quote(userid, safe="", errors="surrogatepass")
