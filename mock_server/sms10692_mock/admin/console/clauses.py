"""The clauses of the contract and our readings of it, as the console shows them.

Here belong the tables as values: `fixtures/clauses.toml` and `fixtures/readings.md`, of which copies are in the wheel
(the clauses' beside the suite, which is always installed with this), and their Chinese, which is `clauses.zh.toml`.
What is sent to try a clause is in `trials`.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from markupsafe import Markup, escape

Kind: TypeAlias = Literal["exact", "reading", "seen"]

_HERE: Final = Path(__file__).parent
_READING: Final = re.compile(r"\bR\d+\b")


class Clause(NamedTuple):
    """One clause: `source` is the manual's chapter or a reading, `wire` the exact text where there is one.

    `kind` is exact where the manual itself says so, reading where it is our choice, seen where real servers or clients
    showed it. `readings` are the numbers of those that it rests on.
    """

    id: str
    source: str
    english: str
    chinese: str
    wire: str
    kind: Kind
    group: str
    readings: Sequence[str]


class Reading(NamedTuple):
    """One reading: a place where the manual is silent, what the emulator does there, and on what evidence."""

    number: str
    english: str
    chinese: str
    text: Markup


@cache
def clauses() -> Sequence[Clause]:
    """All clauses, in the order of the table."""
    rows = tomllib.loads(_shipped("clauses.toml"))["clause"]
    chinese = _chinese()["clause"]
    return tuple(
        Clause(
            row["id"],
            row["source"],
            row["says"],
            chinese.get(row["id"], row["says"]),
            row.get("wire", ""),
            _kind(row["source"]),
            _group(row["id"], row["source"]),
            _READING.findall(row["source"]),
        )
        for row in rows
    )


@cache
def readings() -> Sequence[Reading]:
    """All readings, by number."""
    chinese = _chinese()["reading"]
    parts = re.split(r"^## (R\d+) (.*)$", _shipped("readings.md"), flags=re.MULTILINE)[1:]
    return tuple(
        Reading(number, title, chinese.get(number, title), _marked_up(text.strip()))
        for number, title, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    )


def _kind(source: str) -> Kind:
    if _READING.search(source):
        return "reading"
    return "exact" if source[0].isdigit() else "seen"


def _group(clause: str, source: str) -> str:
    return {"Q": "requests", "R": "readings", "C": "crowds", "M": "orders"}.get(
        clause[0], "observed" if source[0] == "A" else source[0]
    )


def _marked_up(text: str) -> Markup:
    """The little of Markdown that the readings use."""
    html = str(escape(re.sub(r"(?<!\n)\n(?!\n)", " ", text)))
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", html)
    return Markup(re.sub(r"\*([^*]+)\*", r"<em>\1</em>", html))  # noqa: S704 - escaped first


def _shipped(name: str) -> str:
    folders = (_HERE, _HERE.parents[2] / "sms10692_contract", _HERE.parents[3] / "fixtures")
    return next(folder / name for folder in folders if (folder / name).is_file()).read_text("utf-8")


def _chinese() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files(__package__) / "clauses.zh.toml").read_text("utf-8"))
