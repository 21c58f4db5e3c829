"""Clauses and numbered readings of the contract, loaded for the console.

Sources: `fixtures/clauses.toml` and `fixtures/readings.md`, copies of which are in the wheel (the clauses in the
package of the contract suite, which is always installed too), and the Chinese texts in `clauses.zh.toml`. Clauses of
keys of profiles have theirs in `clauses.toml`.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

from markupsafe import Markup, escape

_PACKAGE_FOLDER: Final = Path(__file__).parent
_READING_NUMBER: Final = re.compile(r"\bR\d+\b")


class Observation(NamedTuple):
    """When a real server was last seen to do what a clause says, and what kind of server it was."""

    date: str
    english: str
    chinese: str


class ClauseCard(NamedTuple):
    """One clause of the contract, as the console shows it.

    `source` names a chapter of the manual, a reading or an observation. `literal` is the literal text on the wire, or
    empty. `provenance` is "manual" (the manual says so), "observed" (at real servers or clients; `grade` is its
    strength), "reading" (our interpretation) or "ours". `readings` are the numbers of the readings that the clause
    rests on. `last_observed` is None if no run at a real server has confirmed the clause.
    """

    id: str
    source: str
    english: str
    chinese: str
    literal: str
    provenance: str
    grade: str
    group: str
    readings: Sequence[str]
    last_observed: Observation | None


class Reading(NamedTuple):
    """One reading: where the manual is silent, what the emulator does, and the evidence for it."""

    number: str
    english: str
    chinese: str
    text: Markup


@cache
def clauses() -> Sequence[ClauseCard]:
    """Load all clauses, in the order of the table."""
    rows = tomllib.loads(_read_shipped("clauses.toml"))["clause"]
    chinese = _load_chinese()["clause"]
    return tuple(
        ClauseCard(
            row["id"],
            row.get("source", ""),
            row["text"],
            row.get("text_zh") or chinese.get(row["id"], row["text"]),
            row.get("literal", ""),
            row["provenance"],
            row.get("grade", ""),
            _group(row["id"]),
            _READING_NUMBER.findall(row.get("source", "")),
            _parse_observation(row.get("last_observed")),
        )
        for row in rows
    )


def _parse_observation(row: Mapping[str, Any] | None) -> Observation | None:
    return None if row is None else Observation(row["date"].isoformat(), row["server"], row["server_zh"])


@cache
def readings() -> Sequence[Reading]:
    """Load all readings, in the order of their numbers."""
    chinese = _load_chinese()["reading"]
    parts = re.split(r"^## (R\d+) (.*)$", _read_shipped("readings.md"), flags=re.MULTILINE)[1:]
    return tuple(
        Reading(number, title, chinese.get(number, title), _render_markdown(text.strip()))
        for number, title, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    )


def _group(clause: str) -> str:
    """Return the group of a clause on the page: its chapter, or the group of its kind of id."""
    groups = {
        "Q": "requests",
        "R": "readings",
        "C": "crowds",
        "M": "orders",
        "A": "observed",
        "L": "layout",
        "E": "older",
        "D": "brands",
    }
    groups |= dict.fromkeys("NBOTPS", "model") | dict.fromkeys("FK", "requests")
    return groups.get(clause[0], clause[0])


def _render_markdown(text: str) -> Markup:
    """Render the subset of Markdown that the readings use: code and emphasis."""
    html = str(escape(re.sub(r"(?<!\n)\n(?!\n)", " ", text)))
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", html)
    return Markup(re.sub(r"\*([^*]+)\*", r"<em>\1</em>", html))  # noqa: S704 - escaped first


def _read_shipped(name: str) -> str:
    folders = (
        _PACKAGE_FOLDER,
        _PACKAGE_FOLDER.parents[2] / "sms10692_contract",
        _PACKAGE_FOLDER.parents[3] / "fixtures",
    )
    return next(folder / name for folder in folders if (folder / name).is_file()).read_text("utf-8")


def _load_chinese() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files(__package__) / "clauses.zh.toml").read_text("utf-8"))
