"""Interleaved sampling, medians with their range, and Markdown tables.

Interleaved rounds spread the influence of other processes evenly over all measurements.
"""

import statistics
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

Measured = TypeVar("Measured")


class Median(NamedTuple):
    """Median of several rounds, with minimum and maximum."""

    median: float
    minimum: float
    maximum: float

    def __str__(self) -> str:
        return f"{format_number(self.median)} ({format_number(self.minimum)}–{format_number(self.maximum)})"


def format_number(value: float) -> str:
    """Format a number with as many digits as the measurements are precise: about three, all digits from 100 on."""
    if value != value:
        return "?"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def summarize(values: list[float]) -> Median:
    """Return the median of several rounds."""
    return Median(statistics.median(values), min(values), max(values))


def interleave(rounds: int, measures: Mapping[str, Callable[[], Measured]]) -> dict[str, list[Measured]]:
    """Run all measurements once per round, one after another; return the results of each by name."""
    results: dict[str, list[Measured]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            results[name].append(measure())
    return results


def format_table(head: list[str], rows: list[list[str]]) -> str:
    """Format a Markdown table whose first column is text and whose other columns are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
