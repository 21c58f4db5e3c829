"""Tests of `server.heap_freezer`: stored objects are frozen, garbage is not."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from sms10692_mock.server.heap_freezer import HeapFreezer


@pytest.fixture(autouse=True)
def _restore_gc() -> Iterator[None]:
    thresholds, callbacks = gc.get_threshold(), gc.callbacks[:]
    yield
    gc.set_threshold(*thresholds)
    gc.callbacks[:] = callbacks
    gc.unfreeze()


class InFlight:
    """An object in a reference cycle, like a request that ended with an exception."""

    def __init__(self) -> None:
        self.me = self


def test_a_request_in_flight_during_a_collection_is_freed_and_stored_objects_are_frozen() -> None:
    async def serve() -> None:
        is_idle = False
        freezer = HeapFreezer(asyncio.get_running_loop(), lambda: is_idle)
        freezer.install()
        frozen = gc.get_freeze_count()
        request, kept = InFlight(), [[number] for number in range(10_000)]
        reference = weakref.ref(request)
        await asyncio.sleep(0)  # the appointment of a collection meanwhile
        assert gc.get_freeze_count() <= frozen  # less where frozen objects went otherwise
        del request
        is_idle = True
        freezer.freeze_if_due()
        assert reference() is None
        assert gc.get_freeze_count() > frozen + len(kept) / 2

    asyncio.run(serve())


def test_a_collection_in_an_idle_process_is_followed_by_a_freeze() -> None:
    async def serve() -> None:
        freezer = HeapFreezer(asyncio.get_running_loop(), lambda: True)
        freezer.install()
        frozen = gc.get_freeze_count()
        kept = [[number] for number in range(1000)]
        gc.collect(0)
        await asyncio.sleep(0)
        assert gc.get_freeze_count() > frozen + len(kept) / 2
        before = gc.get_freeze_count()
        freezer.freeze_if_due()  # nothing was collected since
        assert gc.get_freeze_count() <= before

    asyncio.run(serve())
