"""Tests of `server.write_coalescer`: writes keep their order, and many are delayed to the end of the iteration."""

import asyncio
from typing import Any, cast

from sms10692_mock.server.write_coalescer import WriteCoalescer


class RecordingTransport:
    """A transport that records what is written, and whether it was closed."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.closed = True


def write(coalescer: WriteCoalescer, transport: RecordingTransport, *responses: bytes, last: bool = False) -> None:
    for data in responses:
        coalescer.write(cast(Any, transport), data, last)


def test_few_writes_are_immediate_and_many_are_delayed_to_the_end_of_the_iteration() -> None:
    async def turns() -> None:
        coalescer, transport = WriteCoalescer(asyncio.get_running_loop()), RecordingTransport()
        write(coalescer, transport, b"a", b"b", b"c", b"d")
        assert transport.written == [b"a", b"b", b"c", b"d"], "the turn before had none"
        await asyncio.sleep(0)
        write(coalescer, transport, b"e")
        assert transport.written == [b"a", b"b", b"c", b"d"]
        await asyncio.sleep(0)
        write(coalescer, transport, b"f")
        assert transport.written == [b"a", b"b", b"c", b"d", b"e", b"f"], "the turn before had one"

    asyncio.run(turns())


def test_the_last_write_closes_the_connection_and_later_writes_are_dropped() -> None:
    async def turns() -> None:
        coalescer, transport = WriteCoalescer(asyncio.get_running_loop()), RecordingTransport()
        write(coalescer, transport, b"a", b"b", b"c", b"d")
        await asyncio.sleep(0)
        write(coalescer, transport, b"e", last=True)
        write(coalescer, transport, b"f")
        assert not transport.closed
        coalescer.flush()
        assert transport.closed
        assert transport.written[-1] == b"e"

    asyncio.run(turns())
