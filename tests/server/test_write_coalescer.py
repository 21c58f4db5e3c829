"""`http.outbox`: answers keep their order, and where there are many they wait for each other."""

import asyncio
from typing import Any, cast

from sms10692_mock.server.write_coalescer import WriteCoalescer


class Wire:
    """What is written to it, and that it was closed."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.closed = True


def put(outbox: WriteCoalescer, wire: Wire, *many: bytes, last: bool = False) -> None:
    for data in many:
        outbox.write(cast(Any, wire), data, last)


def test_few_answers_are_written_at_once_and_many_at_the_end_of_a_turn() -> None:
    async def turns() -> None:
        outbox, wire = WriteCoalescer(asyncio.get_running_loop()), Wire()
        put(outbox, wire, b"a", b"b", b"c", b"d")
        assert wire.written == [b"a", b"b", b"c", b"d"], "the turn before had none"
        await asyncio.sleep(0)
        put(outbox, wire, b"e")
        assert wire.written == [b"a", b"b", b"c", b"d"]
        await asyncio.sleep(0)
        put(outbox, wire, b"f")
        assert wire.written == [b"a", b"b", b"c", b"d", b"e", b"f"], "the turn before had one"

    asyncio.run(turns())


def test_the_last_answer_closes_and_nothing_comes_behind_it() -> None:
    async def turns() -> None:
        outbox, wire = WriteCoalescer(asyncio.get_running_loop()), Wire()
        put(outbox, wire, b"a", b"b", b"c", b"d")
        await asyncio.sleep(0)
        put(outbox, wire, b"e", last=True)
        put(outbox, wire, b"f")
        assert not wire.closed
        outbox.flush()
        assert wire.closed
        assert wire.written[-1] == b"e"

    asyncio.run(turns())
