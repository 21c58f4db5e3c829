"""When a request is explained: soon, one after another, and never so that a flood of them slows right ones down.

Here belongs what goes without an explanation. What one says is the affair of `pages`.
"""

import logging
import threading
from concurrent.futures import Executor, Future
from time import thread_time
from typing import Final

from sms10692_mock.app.vendor_app import HandledRequest, VendorApp
from sms10692_mock.server.cpu_budget import CpuBudget
from sms10692_mock.server.http_types import Response

_WAITING: Final = 64

_logger = logging.getLogger(__name__)


class DiagnosisScheduler:
    """Has exchanges explained on a thread, as long as few wait and the allowance lasts."""

    def __init__(self, pages: VendorApp, explaining: Executor) -> None:
        self._pages = pages
        self._explaining = explaining
        self._allowance = CpuBudget()
        self._waiting = 0
        self._lock = threading.Lock()

    def submit(self, exchange: HandledRequest) -> "Future[Response]":
        """The response to come: with a hint, or at once with one of where to ask."""
        with self._lock:
            is_flood = self._waiting >= _WAITING or not self._allowance.has_remaining()
            self._waiting += not is_flood
        future: Future[Response] = Future()
        if is_flood:
            future.set_result(self._pages.add_hint_pointer(exchange))
        else:
            self._explaining.submit(self._explain, exchange, future)
        return future

    def _explain(self, exchange: HandledRequest, future: "Future[Response]") -> None:
        begun = thread_time()
        try:
            if future.set_running_or_notify_cancel():
                future.set_result(self._pages.add_hint(exchange))
                self._pages.log_explanation(exchange)
        except Exception as error:
            if future.done():
                _logger.exception("a request could not be explained in the log")
            else:
                future.set_exception(error)
        finally:
            self._allowance.spend(thread_time() - begun)
            with self._lock:
                self._waiting -= 1
