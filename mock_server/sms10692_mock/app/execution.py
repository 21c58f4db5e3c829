"""Deferred execution of vendor requests: batched with other requests, on a thread, or with a diagnosis first.

`dispatch` decides which of these a request needs.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import nullcontext
from functools import partial
from typing import Final

from sms10692.protocol import Endpoint
from sms10692_mock.app.diagnosis_scheduler import DiagnosisScheduler
from sms10692_mock.app.vendor_app import HandledRequest, VendorApp, VendorRequest
from sms10692_mock.server.batch_runner import BatchRunner
from sms10692_mock.server.http_types import Response
from sms10692_mock.server.thread_pools import ThreadPools, run_in_threadpool

INLINE_LIMIT: Final = 16 * 1024
"""Bytes of query and body up to which a send takes well under a millisecond."""

_MAX_LARGE: Final = 4
"""Larger requests that are processed concurrently. Each may take a hundred times its size in memory, and a core."""


class DeferredExecution:
    """Runs requests that are not answered inline. Create and use it on the thread of a running event loop."""

    def __init__(self, vendor_app: VendorApp, threads: ThreadPools, diagnosis: DiagnosisScheduler) -> None:
        self._vendor_app = vendor_app
        self._threads = threads
        self._diagnosis = diagnosis
        self._large_slots = asyncio.Semaphore(_MAX_LARGE)
        self._loop_executor = vendor_app.loop_executor(threads.vendor)
        self._batch_runner = BatchRunner[HandledRequest](threads.vendor, vendor_app.batch_transaction)

    def close(self) -> None:
        """Close the connections of the store's event-loop executor."""
        if self._loop_executor is not None:
            self._loop_executor.close()

    async def run_batched(self, endpoint: Endpoint, request: VendorRequest) -> Response:
        """Handle a request that is fast except for the store: pipelined on the loop, or batched on a thread."""
        if self._loop_executor is not None:
            handled = await self._loop_executor.submit(partial(self._vendor_app.handle_without_hint, endpoint, request))
        else:
            handled = await self._batch_runner.submit(partial(self._vendor_app.begin, endpoint, request))
        return await self._add_hint(handled)

    async def run_in_thread(self, endpoint: Endpoint, request: VendorRequest) -> Response:
        """Handle a slow request on a thread of its own."""
        length = len(request.query) + len(request.body)
        async with self._large_slots if length > INLINE_LIMIT else nullcontext():
            handled = await run_in_threadpool(
                self._threads.vendor, self._vendor_app.handle_without_hint, endpoint, request
            )
        return await self._add_hint(handled)

    async def log_rejected(self, endpoint: Endpoint, request: VendorRequest, response: Response) -> Response:
        """Log a request that the vendor does not get, on a thread. Returns `response`."""
        return await run_in_threadpool(self._threads.vendor, self._vendor_app.log_rejected, endpoint, request, response)

    def run_with_diagnosis(self, handled: HandledRequest) -> Awaitable[Response]:
        """Return the response with a hint, for a request with a `pending_hint`."""
        return asyncio.wrap_future(self._diagnosis.submit(handled))

    async def _add_hint(self, handled: HandledRequest) -> Response:
        return handled.response if handled.pending_hint is None else await self.run_with_diagnosis(handled)
