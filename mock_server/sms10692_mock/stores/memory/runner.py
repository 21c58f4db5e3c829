"""The runner of the memory store: requests run at once, on the thread of the event loop."""

from collections.abc import Callable

from sms10692_mock.domain.store import HandledT, ResultT


class InlineRunner:
    """Runs requests inline."""

    def submit(self, handle: Callable[[], HandledT], finish: Callable[[HandledT], ResultT]) -> ResultT:
        """Run both phases now. See `Runner.submit`."""
        return finish(handle())

    def close(self) -> None:
        """Do nothing: there are no connections."""
