"""Progress of a run on standard error: a bar on a terminal, otherwise a line now and then."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from sms10692_contract import terminal
from sms10692_contract.clauses import Clause

LINE_SECONDS: Final = 30.0
"""Minimum time between two lines."""


class ProgressDisplay(Protocol):
    """Shows how far a run is."""

    def start_clause(self, clause: Clause) -> None:
        """Show that this clause is checked now."""

    def end_clause(self) -> None:
        """Show that a clause has a verdict."""


class _Bar:
    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total)

    def start_clause(self, clause: Clause) -> None:
        self._progress.update(self._task, description=clause.id)

    def end_clause(self) -> None:
        self._progress.advance(self._task)


class Lines:
    """Writes a line when a clause starts and the last line is `LINE_SECONDS` ago. `clock` returns seconds."""

    def __init__(self, total: int, clock: Callable[[], float] = monotonic) -> None:
        self._total = total
        self._done = 0
        self._clock = clock
        self._last = clock()

    def start_clause(self, clause: Clause) -> None:
        now = self._clock()
        if now - self._last >= LINE_SECONDS:
            self._last = now
            terminal.write_message(f"{self._done} of {self._total} clauses checked, now {clause.id}")

    def end_clause(self) -> None:
        self._done += 1


@contextmanager
def show_progress(total: int) -> Iterator[ProgressDisplay]:
    """Show the progress of a run of `total` clauses until the block ends."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield Lines(total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bar(progress, total)
