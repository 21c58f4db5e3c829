"""That something happened, told to open pages as it happens: a stream of server-sent events.

Here belongs how often. What a page shows then, it asks for again.
"""

from collections.abc import Iterator
from typing import Final

from flask import Blueprint, Response

from sms10692_mock.admin.services import ControlService
from sms10692_mock.domain.notifier import ChangeNotifier, is_deferring, pause

PAUSE: Final = 0.1
"""Seconds from one event to the next, at least."""

_IN_A_FLOOD: Final = 1.0
"""Seconds at most: who sees thousands a second reads none of them, and whoever sends them shall not notice."""

_READABLE: Final = 500
"""Requests a second; the pause grows with what there was beside it."""

_EVEN_SO: Final = 2.0
"""Seconds after which an event comes though nothing happened: reports fall due, and others may share the store."""


def add_event_stream(pages: Blueprint, control: ControlService) -> None:
    """Add the stream."""

    @pages.get("/live")
    def live() -> Response:
        headers = {"X-Accel-Buffering": "no"}
        return Response(change_events(control.bell), mimetype="text/event-stream", headers=headers)


def change_events(bell: ChangeNotifier) -> Iterator[str]:
    """Events without end, one at once."""
    heard = bell.changes
    yield f"retry: 1000\ndata: {heard}\n\n"
    while True:
        bell.wait_for_change(heard, _EVEN_SO)
        if is_deferring():
            yield ""  # the server waits, and not this thread
        now = bell.changes
        yield f"data: {now}\n\n"
        heard, before = now, heard
        # Nobody who sends is kept: between two events the bell finds nobody waiting.
        pause(min(_IN_A_FLOOD, PAUSE + (now - before) / _READABLE))
        if is_deferring():
            yield ""
