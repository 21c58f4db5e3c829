"""The console's event stream without a socket: throttling, and no wake-up without a listener."""

from sms10692_mock.admin.console import sse
from sms10692_mock.domain.notifier import ChangeNotifier, deferring
from support.http_client import TIMEOUT


def test_many_notifications_become_few_events() -> None:
    notifier = ChangeNotifier()
    events = sse.change_events(notifier)
    assert next(events).startswith("retry:")
    for _ in range(1000):
        notifier.notify()
    assert next(events) == "data: 1000\n\n"
    notifier.notify()
    assert next(events) == "data: 1001\n\n"


def test_a_change_is_counted_when_no_thread_waits() -> None:
    notifier = ChangeNotifier()
    notifier.notify()
    notifier.wait_for_change(0, TIMEOUT)  # returns at once, because there is a change after number 0
    notifier.wait_for_change(1, 0)
    assert (notifier.changes, notifier.waiting) == (1, 0)


def test_a_deferring_server_gets_empty_chunks_and_the_waits_between_them() -> None:
    notifier = ChangeNotifier()
    events = sse.change_events(notifier)
    received: list[tuple[str, list[float]]] = []
    for _ in range(5):
        with deferring() as waits:
            received.append((next(events), [wait.seconds for wait in waits]))
    assert received == [
        ("retry: 1000\ndata: 0\n\n", []),
        ("", [2.0]),
        ("data: 0\n\n", []),
        ("", [0.1]),
        ("", [2.0]),
    ]
