"""Server-sent events: notify open pages of changes, at a limited rate.

An event carries no data of an account. The page requests its live part again when an event arrives.
"""

from collections.abc import Iterator
from typing import Final

from flask import Blueprint, Response

from sms10692_mock.admin.services import ControlService
from sms10692_mock.domain.notifier import ChangeNotifier, is_deferring, pause

MIN_INTERVAL: Final = 0.1
"""Minimum seconds between two events."""

_MAX_INTERVAL: Final = 1.0
"""Maximum seconds between two events under load: frequent events would slow the requests down."""

_RATE: Final = 500
"""Notifications since the previous event that lengthen the interval by one second."""

_KEEPALIVE: Final = 2.0
"""Seconds after which an event is sent without a notification: reports become due, and other processes may change the
store."""


def add_event_stream(pages: Blueprint, control: ControlService) -> None:
    """Add the stream `/live`."""

    @pages.get("/live")
    def live() -> Response:
        headers = {"X-Accel-Buffering": "no"}
        return Response(change_events(control.notifier), mimetype="text/event-stream", headers=headers)


def change_events(notifier: ChangeNotifier) -> Iterator[str]:
    """Yield events without end, the first one at once.

    An empty string is yielded where the server should wait instead of this thread (see `is_deferring`).
    """
    seen = notifier.changes
    yield f"retry: 1000\ndata: {seen}\n\n"
    while True:
        notifier.wait_for_change(seen, _KEEPALIVE)
        if is_deferring():
            yield ""
        latest = notifier.changes
        yield f"data: {latest}\n\n"
        previous, seen = seen, latest
        # The generator does not wait on the notifier during the interval, so notifications stay cheap for senders.
        pause(min(_MAX_INTERVAL, MIN_INTERVAL + (latest - previous) / _RATE))
        if is_deferring():
            yield ""
