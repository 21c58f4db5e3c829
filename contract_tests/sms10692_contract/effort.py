"""The size of a run, as `--effort` chooses it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Effort:
    """Size of a run: examples per property, runs and steps of the state machine, rounds of the concurrency checks.

    `shrink_requests` is the maximum number of requests for shrinking a failure. It is a count and not a time, so that
    the same seed ends with the same failure.
    """

    name: str
    examples: int
    machine_runs: int
    machine_steps: int
    concurrency_rounds: int
    shrink_requests: int

    @property
    def is_thorough(self) -> bool:
        """Whether checks may take minutes, to find what only large or many examples show."""
        return self.examples >= EFFORTS["thorough"].examples


EFFORTS: Final[Mapping[str, Effort]] = {
    effort.name: effort
    for effort in (
        Effort("quick", examples=16, machine_runs=16, machine_steps=25, concurrency_rounds=6, shrink_requests=2000),
        Effort(
            "thorough",
            examples=600,
            machine_runs=450,
            machine_steps=50,
            concurrency_rounds=50,
            shrink_requests=50_000,
        ),
    )
}
