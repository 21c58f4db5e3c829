"""The console's stream of events: a flood is a few of them, and nobody is woken who does not listen.

Here belongs the stream without a socket. On one, it is in `test_console_serving`.
"""

from sms10692_mock.bell import Bell
from sms10692_mock.http.console import live


def test_a_flood_of_rings_is_a_few_events() -> None:
    bell = Bell()
    events = live.events(bell)
    assert next(events).startswith("retry:")
    for _ in range(1000):
        bell.ring()
    assert next(events) == "data: 1000\n\n"
    bell.ring()
    assert next(events) == "data: 1001\n\n"


def test_nobody_is_woken_who_does_not_listen() -> None:
    bell = Bell()
    heard = bell.listen(-1, 0)
    bell.ring()
    assert bell.listen(heard, 0) == heard + 1
    assert bell.listen(heard + 1, 0) == heard + 1
