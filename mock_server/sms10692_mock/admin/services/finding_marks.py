"""Marks of requests with findings, for lists. A list is read again and again, and a long request takes 100 ms."""

from collections import OrderedDict
from threading import Lock

from sms10692_mock.diagnosis.service import has_findings
from sms10692_mock.domain.records import LoggedRequest
from sms10692_mock.domain.store import Store


class FindingMarks:
    """Remembers which of the last `limit` requests have findings. Thread-safe: no lock is held during a diagnosis."""

    def __init__(self, store: Store, limit: int) -> None:
        self._store = store
        self._limit = limit
        self._marks: OrderedDict[int, bool] = OrderedDict()
        self._lock = Lock()

    def is_marked(self, request: LoggedRequest) -> bool:
        """Return whether a request has findings."""
        number = request.number
        with self._lock:
            if number in self._marks:
                return self._marks[number]
        mark = has_findings(request, self._store)
        with self._lock:
            self._marks[number] = mark
            if len(self._marks) > self._limit:
                self._marks.popitem(last=False)
        return mark

    def is_number_marked(self, number: int) -> bool:
        """Return whether the request with this number has findings; False if the request is not logged."""
        with self._lock:
            if number in self._marks:
                return self._marks[number]
        request = self._store.request(number)
        return request is not None and self.is_marked(request)
