"""Schedules the diagnosis of refused requests on one thread, within a CPU-time budget.

When too many requests wait or the budget is used up, a request is not diagnosed, and its hint only names the address
of the diagnosis. So a flood of wrong requests does not slow down correct ones.
"""

import logging
import threading
from concurrent.futures import Executor, Future
from time import thread_time
from typing import Final

from sms10692_mock.app.hints import FinishedRequest, HintWriter
from sms10692_mock.server.cpu_budget import CpuBudget
from sms10692_mock.server.http_types import Response

_MAX_QUEUED: Final = 64

_logger = logging.getLogger(__name__)


class DiagnosisScheduler:
    """Adds hints on `executor`, while the queue is short and CPU time is left. Any thread may call it."""

    def __init__(self, hints: HintWriter, executor: Executor) -> None:
        self._hints = hints
        self._executor = executor
        self._budget = CpuBudget()
        self._queued = 0
        self._lock = threading.Lock()

    def submit(self, finished: FinishedRequest) -> "Future[Response]":
        """Return the future of the response with a hint."""
        with self._lock:
            is_overloaded = self._queued >= _MAX_QUEUED or not self._budget.has_remaining()
            self._queued += not is_overloaded
        future: Future[Response] = Future()
        if is_overloaded:
            future.set_result(self._hints.add_pointer(finished))
        else:
            self._executor.submit(self._diagnose, finished, future)
        return future

    def _diagnose(self, finished: FinishedRequest, future: "Future[Response]") -> None:
        begun = thread_time()
        try:
            if future.set_running_or_notify_cancel():
                future.set_result(self._hints.add_hint(finished))
                self._hints.log_explanation(finished)
        except Exception as error:
            if future.done():
                _logger.exception("the diagnosis of a request could not be logged")
            else:
                future.set_exception(error)
        finally:
            self._budget.spend(thread_time() - begun)
            with self._lock:
                self._queued -= 1
