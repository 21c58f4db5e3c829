"""Counters of the requests to the vendor's endpoints, of findings, and of failures of the store.

They are numbers of this process since its start. `admin.services.metrics` writes them in Prometheus' format.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from operator import add
from threading import Lock
from typing import Final, Literal, NamedTuple, TypeAlias

Outcome: TypeAlias = Literal["accepted", "refused", "fault", "rejected", "unavailable"]
"""Result of a request: `fault`: an injected fault took part; `rejected`: it did not reach the vendor;
`unavailable`: the store failed."""

OTHER: Final = "other"
"""Operation of requests with an unknown action."""

DURATION_BUCKETS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""Upper bounds of the buckets of the durations, in seconds. A further bucket has the rest."""


class Durations(NamedTuple):
    """Durations of some requests: their sum in seconds, and how many are in each bucket."""

    total: float
    counts: Sequence[int]


_NO_DURATIONS: Final = Durations(0.0, (0,) * (len(DURATION_BUCKETS) + 1))

_MAX_PENDING: Final = 500
"""Durations from which on the pending ones of a series are added to the buckets, which takes about 0.1 ms."""


class RequestMetrics:
    """Counts requests, findings, and failures of the store. All methods may be called from any thread.

    No method calls the store, so the lock is never held across a store call. **Labels are names of the registries
    only**, never text of a client: the number of series is bounded.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._pending: dict[tuple[str, Outcome], list[float]] = {}
        """Durations that are not in `_requests` yet: appending one is faster than finding its bucket."""
        self._requests: dict[tuple[str, Outcome], Durations] = {}
        self._findings: Counter[str] = Counter()
        self._store_errors: Counter[str] = Counter()

    def count_request(self, operation: str, outcome: Outcome, seconds: float) -> None:
        """Count a request. **Part of every send, so it must stay at a microsecond.**"""
        try:
            pending = self._pending[operation, outcome]
        except KeyError:
            pending = self._pending.setdefault((operation, outcome), [])
        pending.append(seconds)
        if len(pending) >= _MAX_PENDING:
            self._add_pending(operation, outcome)

    def _add_pending(self, operation: str, outcome: Outcome) -> None:
        """Add the pending durations of a series to their buckets. Others may append to the list meanwhile."""
        pending = self._pending[operation, outcome]
        with self._lock:
            durations = sorted(pending[: len(pending)])
            del pending[: len(durations)]
            total, counts = self._requests.get((operation, outcome), _NO_DURATIONS)
            ends = [0, *(bisect_right(durations, bound) for bound in DURATION_BUCKETS), len(durations)]
            added = (end - start for start, end in pairwise(ends))
            self._requests[operation, outcome] = Durations(total + sum(durations), tuple(map(add, counts, added)))

    def count_findings(self, codes: Iterable[str]) -> None:
        """Count the findings that a response had in its header X-Mock-Hint."""
        with self._lock:
            self._findings.update(codes)

    def count_store_error(self, interface: Literal["vendor", "control"]) -> None:
        """Count a request that failed because the store was unavailable."""
        with self._lock:
            self._store_errors[interface] += 1

    def requests(self) -> dict[tuple[str, Outcome], Durations]:
        """Return the durations of the requests by operation and outcome."""
        for labels in list(self._pending):
            self._add_pending(*labels)
        with self._lock:
            return dict(self._requests)

    def findings(self) -> dict[str, int]:
        """Return the numbers of findings by code."""
        with self._lock:
            return dict(self._findings)

    def store_errors(self) -> dict[str, int]:
        """Return the numbers of requests that failed because of the store, by interface."""
        with self._lock:
            return dict(self._store_errors)
