"""The console's event stream without a socket: throttling, and no wake-up without a listener."""

from sms10692_mock.admin.console import sse
from sms10692_mock.domain.notifier import ChangeNotifier, deferring
from support.emulators import TIMEOUT


def test_a_flood_of_rings_is_a_few_events() -> None:
    bell = ChangeNotifier()
    events = sse.change_events(bell)
    assert next(events).startswith("retry:")
    for _ in range(1000):
        bell.notify()
    assert next(events) == "data: 1000\n\n"
    bell.notify()
    assert next(events) == "data: 1001\n\n"


def test_nobody_is_woken_who_does_not_listen() -> None:
    bell = ChangeNotifier()
    bell.notify()
    bell.wait_for_change(0, TIMEOUT)  # returns at once: it was rung more often than was heard
    bell.wait_for_change(1, 0)
    assert (bell.changes, bell.waiting) == (1, 0)


def test_a_server_that_waits_itself_gets_empty_pieces_and_what_to_wait_for() -> None:
    bell = ChangeNotifier()
    events = sse.change_events(bell)
    came: list[tuple[str, list[float]]] = []
    for _ in range(5):
        with deferring() as waits:
            came.append((next(events), [wait.seconds for wait in waits]))
    assert came == [
        ("retry: 1000\ndata: 0\n\n", []),
        ("", [2.0]),
        ("data: 0\n\n", []),
        ("", [0.1]),
        ("", [2.0]),
    ]
