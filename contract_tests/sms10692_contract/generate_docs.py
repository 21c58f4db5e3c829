"""The pages that come from the table of clauses: `python -m sms10692_contract.generate_docs` writes them into the tree.

Here belongs the look of `docs/contract.md`, and of the table of what is exact in both READMEs. A test compares them
with what this writes.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from sms10692_contract.clauses import CLAUSES, GROUPS, Clause, Group

_TREE: Final = Path(__file__).parents[2]

_NEEDS: Final = {"send": "`--allow-send`", "fetch": "`--allow-fetch`", "control": "`--control`"}

_HEAD: Final = """# The contract

Generated from `fixtures/clauses.toml`; do not edit. What `sms10692-contract` examines, in this order. *of* is the
manual's chapter, a reading of `fixtures/readings.md` (R), a shape of requests that clients send (Q), or something seen
in answers of real servers (A). *needs* is what has to be allowed to exercise the clause; where nothing stands, anybody
may always ask it. C: many requests at once. M: any order of requests, beside a model.

| clause | of | what the vendor does | on the wire | needs |
|---|---|---|---|---|
"""

_BEGINS, _ENDS = "<!-- from fixtures/clauses.toml -->\n", "<!-- end -->\n"


class _Language(NamedTuple):
    """What differs between the READMEs beside the sentences of the groups."""

    heads: tuple[str, str, str, str]
    kinds: Mapping[str, str]
    comma: str


ENGLISH: Final = _Language(
    ("", "", "by", "[clauses](docs/contract.md)"),
    {kind: kind for kind in ("exact", "our reading", "our invention", "not attempted")},
    ", ",
)
CHINESE: Final = _Language(
    ("", "", "依据", "[条款](docs/contract.md)"),
    {"exact": "精确一致", "our reading": "我们的解读", "our invention": "我们自拟", "not attempted": "没有做"},
    "、",
)


def contract_page() -> str:
    """The whole of `docs/contract.md`."""
    return _HEAD + "".join(f"| {' | '.join(_cells(clause))} |\n" for clause in CLAUSES)


def _cells(clause: Clause) -> Iterator[str]:
    yield clause.id
    yield clause.source
    yield clause.says.replace("&", "&amp;").replace("<", "&lt;")
    yield f"`{clause.wire.replace('|', '/')}`" if clause.wire else ""
    yield " ".join(_NEEDS[need] for need in clause.needs)


def exactness_table(language: _Language) -> str:
    """The READMEs' table of what is exact, what is our reading, and what is not attempted."""
    rows = [language.heads, ("---",) * 4, *(tuple(_row(group, language)) for group in GROUPS)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(group: Group, language: _Language) -> Iterator[str]:
    own = [clause for clause in CLAUSES if clause.group == group.id]
    yield language.kinds[group.kind]
    yield group.says if language is ENGLISH else group.says_zh
    yield (group.by if language is ENGLISH else group.by_zh) or language.comma.join(_readings(own))
    yield str(len(own) or "")


def _readings(clauses: list[Clause]) -> list[str]:
    cited = {int(number) for clause in clauses for number in re.findall(r"\bR(\d+)\b", clause.source)}
    titles = re.findall(r"^## (R(\d+) .*)$", (_TREE / "fixtures" / "readings.md").read_text("utf-8"), re.MULTILINE)
    anchors = {int(number): re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title, number in titles}
    return [f"[R{number}](fixtures/readings.md#{anchors[number]})" for number in sorted(cited)]


def fill_readme(readme: str, language: _Language) -> str:
    """A README with its table made anew. Raises ValueError where it has no place for it."""
    before, begins, rest = readme.partition(_BEGINS)
    _, ends, after = rest.partition(_ENDS)
    if not (begins and ends):
        raise ValueError(f"no place for the table: {_BEGINS.strip()} to {_ENDS.strip()}")
    return before + begins + exactness_table(language) + ends + after


def rendered_files() -> dict[Path, str]:
    """Each page of the tree as it should be."""
    readmes = {_TREE / "README.md": ENGLISH, _TREE / "README.zh-CN.md": CHINESE}
    made = {file: fill_readme(file.read_text("utf-8"), language) for file, language in readmes.items()}
    return made | {_TREE / "docs" / "contract.md": contract_page()}


if __name__ == "__main__":
    for _file, _text in rendered_files().items():
        _file.write_text(_text, "utf-8")
