"""Generator of `docs/contract.md`, and of the tables of the documents that come from the registries and the clauses.

`make docs` runs it. A test compares the documents with what this module generates.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from sms10692_contract.clauses import CLAUSES, GROUPS, Clause
from sms10692_mock.domain.fault_kinds import FAULT_KINDS
from sms10692_mock.serve_options import OPTIONS
from sms10692_mock.stores.factory import STORES

_TREE: Final = Path(__file__).parents[1]
_ENGLISH, _CHINESE = "", ".zh-CN"

_PERMISSIONS: Final = {"send": "`--allow-send`", "fetch": "`--allow-fetch`", "control": "`--control`"}

_CONTRACT_HEAD: Final = """# The contract

Generated from `fixtures/clauses.toml`; do not edit. The clauses that `sms10692-contract` checks, in this order.
*source* is a chapter of the manual, a reading of `fixtures/readings.md` (R), a shape of request that clients send (Q),
or something observed in responses of real servers (A). *permissions* are the options required to check the clause;
clauses without one can be checked on any server. C: concurrent requests. M: requests in random order, compared with a
model.

| clause | source | what the vendor does | on the wire | permissions |
|---|---|---|---|---|
"""

_EXACTNESS: Final = {
    "exact": "完全一致",
    "our reading": "我们的解读",
    "our invention": "自行设计",
    "not attempted": "未实现",
}
_EXECUTED: Final = {"yes": "是", "no": "否", "never": "从不"}


def _build_option_rows(language: str) -> Iterator[tuple[str, ...]]:
    yield ("option", "default", "meaning") if language == _ENGLISH else ("选项", "默认值", "含义")
    for spec in OPTIONS.values():
        words = "\\|".join(spec.choices) if spec.choices is not None else spec.metavar
        default = "" if spec.given_default is None or spec.given_default is False else str(spec.given_default)
        english = f"{spec.help} {spec.notes}".rstrip() + " Repeatable." * spec.is_repeatable
        chinese = spec.chinese + "可重复。" * spec.is_repeatable
        yield (
            f"`{spec.flag}{f' {words}' if words else ''}`",
            default.removesuffix(".0"),
            chinese if language else english,
        )


def _build_store_rows(language: str) -> Iterator[tuple[str, ...]]:
    yield ("store", "option", "for") if language == _ENGLISH else ("存储", "选项", "用途")
    index, brackets = (0, " ({})") if language == _ENGLISH else (1, "（{}）")
    for store in STORES:
        installation = brackets.format(f"`pip install '.[{store.extra}]'`") if store.extra else ""
        yield store.name[index], f"`--store {store.address}`{installation}", store.purpose[index]


def _build_fault_rows(language: str) -> Iterator[tuple[str, ...]]:
    if language == _ENGLISH:
        yield "fault", "what the client sees", "request executed"
        yield from ((f"`{kind}`", spec.effect.en, spec.executed) for kind, spec in FAULT_KINDS.items())
    else:
        yield "故障", "客户端看到的", "是否处理请求"
        yield from ((f"`{kind}`", spec.effect.zh, _EXECUTED[spec.executed]) for kind, spec in FAULT_KINDS.items())


def _build_exactness_rows(language: str) -> Iterator[tuple[str, ...]]:
    """Yield the rows that say what is exact, what is our reading, and what is not attempted."""
    english = language == _ENGLISH
    yield ("", "", "by" if english else "依据", f"[{'clauses' if english else '条款'}](contract.md)")
    for group in GROUPS:
        clauses = [clause for clause in CLAUSES if clause.group == group.id]
        evidence = (group.evidence if english else group.evidence_zh) or (", " if english else "、").join(
            _link_readings(clauses)
        )
        yield (
            group.kind if english else _EXACTNESS[group.kind],
            group.text if english else group.text_zh,
            evidence.replace("](fixtures/", "](../fixtures/"),
            str(len(clauses) or ""),
        )


def _link_readings(clauses: list[Clause]) -> list[str]:
    """Return Markdown links to the readings that these clauses cite."""
    cited = {int(number) for clause in clauses for number in re.findall(r"\bR(\d+)\b", clause.source)}
    titles = re.findall(r"^## (R(\d+) .*)$", (_TREE / "fixtures" / "readings.md").read_text("utf-8"), re.MULTILINE)
    anchors = {int(number): re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title, number in titles}
    return [f"[R{number}](fixtures/readings.md#{anchors[number]})" for number in sorted(cited)]


def _build_clause_row(clause: Clause) -> tuple[str, ...]:
    return (
        clause.id,
        clause.source,
        clause.text.replace("&", "&amp;").replace("<", "&lt;"),
        f"`{clause.literal.replace('|', '/')}`" if clause.literal else "",
        " ".join(_PERMISSIONS[permission] for permission in clause.permissions),
    )


_TABLES: Final[Mapping[str, tuple[str, Callable[[str], Iterator[tuple[str, ...]]]]]] = {
    "options of serve": ("reference", _build_option_rows),
    "stores": ("how-to", _build_store_rows),
    "faults": ("reference", _build_fault_rows),
    "what is exact": ("reference", _build_exactness_rows),
}
"""Document and rows of each table, by the comment above it."""


def _format_rows(rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def render_files() -> dict[Path, str]:
    """Return the text of each document with its tables, by its path. Raises ValueError if the place is missing."""
    files = {_TREE / "docs" / "contract.md": _CONTRACT_HEAD + _format_rows(map(_build_clause_row, CLAUSES))}
    for title, (name, build_rows) in _TABLES.items():
        for language in (_ENGLISH, _CHINESE):
            file = _TREE / "docs" / f"{name}{language}.md"
            heads, *rows = build_rows(language)
            table = _format_rows([heads, ("---",) * len(heads), *rows])
            before, begin, rest = files.get(file, file.read_text("utf-8")).partition(f"<!-- {title} -->\n")
            _, end, after = rest.partition("<!-- end -->\n")
            if not end:
                raise ValueError(f"{file.name} has no lines <!-- {title} --> and <!-- end -->")
            files[file] = before + begin + table + end + after
    return files


if __name__ == "__main__":
    for _file, _text in render_files().items():
        _file.write_text(_text, "utf-8")
