"""Generator of the documents derived from `fixtures/clauses.toml`: `python -m sms10692_contract.generate_docs`.

Writes `docs/contract.md`, and the table "What is exact" in `docs/reference.md` and `docs/reference.zh-CN.md`. A test
compares the files in the tree with what this module generates.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from sms10692_contract.clauses import CLAUSES, GROUPS, Clause, Group

_TREE: Final = Path(__file__).parents[2]

_PERMISSIONS: Final = {"send": "`--allow-send`", "fetch": "`--allow-fetch`", "control": "`--control`"}

_HEAD: Final = """# The contract

Generated from `fixtures/clauses.toml`; do not edit. The clauses that `sms10692-contract` checks, in this order.
*source* is a chapter of the manual, a reading of `fixtures/readings.md` (R), a shape of request that clients send (Q),
or something observed in responses of real servers (A). *permissions* are the options required to check the clause;
clauses without one can be checked on any server. C: concurrent requests. M: requests in random order, compared with a
model.

| clause | source | what the vendor does | on the wire | permissions |
|---|---|---|---|---|
"""

_BEGIN_MARKER, _END_MARKER = "<!-- from fixtures/clauses.toml -->\n", "<!-- end -->\n"


class _Language(NamedTuple):
    """Column headings and other words of the table in one language, without the texts of the groups."""

    heads: tuple[str, str, str, str]
    kinds: Mapping[str, str]
    comma: str


ENGLISH: Final = _Language(
    ("", "", "by", "[clauses](contract.md)"),
    {kind: kind for kind in ("exact", "our reading", "our invention", "not attempted")},
    ", ",
)
CHINESE: Final = _Language(
    ("", "", "依据", "[条款](contract.md)"),
    {"exact": "精确一致", "our reading": "我们的解读", "our invention": "自行设计", "not attempted": "未实现"},
    "、",
)


def build_contract_page() -> str:
    """Return the text of `docs/contract.md`."""
    return _HEAD + "".join(f"| {' | '.join(_build_cells(clause))} |\n" for clause in CLAUSES)


def _build_cells(clause: Clause) -> Iterator[str]:
    yield clause.id
    yield clause.source
    yield clause.text.replace("&", "&amp;").replace("<", "&lt;")
    yield f"`{clause.literal.replace('|', '/')}`" if clause.literal else ""
    yield " ".join(_PERMISSIONS[permission] for permission in clause.permissions)


def build_exactness_table(language: _Language) -> str:
    """Return the reference's table of what is exact, what is our reading, and what is not attempted."""
    rows = [language.heads, ("---",) * 4, *(tuple(_build_row(group, language)) for group in GROUPS)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _build_row(group: Group, language: _Language) -> Iterator[str]:
    own = [clause for clause in CLAUSES if clause.group == group.id]
    yield language.kinds[group.kind]
    yield group.text if language is ENGLISH else group.text_zh
    evidence = (group.evidence if language is ENGLISH else group.evidence_zh) or language.comma.join(
        _link_readings(own)
    )
    yield evidence.replace("](fixtures/", "](../fixtures/")
    yield str(len(own) or "")


def _link_readings(clauses: list[Clause]) -> list[str]:
    """Return Markdown links to the readings that these clauses cite."""
    cited = {int(number) for clause in clauses for number in re.findall(r"\bR(\d+)\b", clause.source)}
    titles = re.findall(r"^## (R(\d+) .*)$", (_TREE / "fixtures" / "readings.md").read_text("utf-8"), re.MULTILINE)
    anchors = {int(number): re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title, number in titles}
    return [f"[R{number}](fixtures/readings.md#{anchors[number]})" for number in sorted(cited)]


def fill_reference(reference: str, language: _Language) -> str:
    """Return the reference with a new table. Raises ValueError if the markers of the table are missing."""
    before, begin, rest = reference.partition(_BEGIN_MARKER)
    _, end, after = rest.partition(_END_MARKER)
    if not (begin and end):
        raise ValueError(
            f"no place for the table: the lines {_BEGIN_MARKER.strip()} and {_END_MARKER.strip()} are missing"
        )
    return before + begin + build_exactness_table(language) + end + after


def render_files() -> dict[Path, str]:
    """Return the text of each generated document, by its path."""
    references = {_TREE / "docs" / "reference.md": ENGLISH, _TREE / "docs" / "reference.zh-CN.md": CHINESE}
    filled = {file: fill_reference(file.read_text("utf-8"), language) for file, language in references.items()}
    return filled | {_TREE / "docs" / "contract.md": build_contract_page()}


if __name__ == "__main__":
    for _file, _text in render_files().items():
        _file.write_text(_text, "utf-8")
