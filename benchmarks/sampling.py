"""Measurements in interleaved rounds, and their median with its spread.

Here belongs how a figure is made of several. Whoever else works on the machine then slows all of them alike.
"""

import statistics
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

Measured = TypeVar("Measured")


class Median(NamedTuple):
    """The median of some rounds, and the least and the most of them."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{number(self.median)} ({number(self.least)}–{number(self.most)})"


def number(value: float) -> str:
    """Four figures or fewer: no measurement here is better."""
    if value != value:
        return "?"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def figure(values: list[float]) -> Median:
    """Of some rounds."""
    return Median(statistics.median(values), min(values), max(values))


def interleave(rounds: int, measures: Mapping[str, Callable[[], Measured]]) -> dict[str, list[Measured]]:
    """What each measured in every round, one after another in each."""
    measured: dict[str, list[Measured]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            measured[name].append(measure())
    return measured


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown: the first column are words, all others numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
