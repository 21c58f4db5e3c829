"""The table of the clauses is complete, and what is made of it is up to date.

Here belongs `fixtures/clauses.toml`: each clause with its check, its source and its group. Whether the checks catch
what is wrong is in `test_teeth`.
"""

import re
import tomllib
from pathlib import Path

import pytest

from sms10692_contract.checks import CHECKS
from sms10692_contract.clauses import BY_ID, CLAUSES, GROUPS
from sms10692_contract.generate_docs import rendered_files

TOP = Path(__file__).parents[2]


def test_every_clause_has_a_check_and_every_check_a_clause() -> None:
    assert set(CHECKS) == set(BY_ID)
    assert len(CLAUSES) == len(BY_ID)


def test_a_clause_needs_what_there_is_to_allow() -> None:
    assert {need for clause in CLAUSES for need in clause.needs} == {"send", "fetch", "control"}


def test_every_source_is_a_chapter_a_reading_a_shape_or_seen() -> None:
    readings = (TOP / "fixtures" / "readings.md").read_text("utf-8")
    for source in {one for clause in CLAUSES for one in clause.source.split(", ")}:
        assert re.fullmatch(r"[1-5]\.[1-4]|[AQ]\d+", source) or f"## {source} " in readings


@pytest.mark.parametrize("page", rendered_files(), ids=lambda page: page.name)
def test_a_page_that_comes_from_the_table_is_up_to_date(page: Path) -> None:
    assert page.read_text("utf-8") == rendered_files()[page]


def test_every_clause_is_of_a_group_and_only_what_is_not_attempted_has_none() -> None:
    assert {clause.group for clause in CLAUSES} == {group.id for group in GROUPS if group.kind != "not attempted"}


def test_what_is_exact_has_its_evidence_and_every_reading_is_in_the_table() -> None:
    for group in GROUPS:
        assert bool(group.by) is bool(group.by_zh) is (group.kind == "exact")
    chosen_by_us = [group.id for group in GROUPS if group.kind in ("our reading", "our invention")]
    cited = {
        one for clause in CLAUSES if clause.group in chosen_by_us for one in re.findall(r"\bR\d+\b", clause.source)
    }
    readings = re.findall(r"^## (R\d+) ", (TOP / "fixtures" / "readings.md").read_text("utf-8"), re.MULTILINE)
    assert cited == set(readings)


def test_the_wheel_has_the_suite_and_its_table() -> None:
    wheel = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "contract_tests/sms10692_contract" in wheel["packages"]
    assert wheel["force-include"]["fixtures/clauses.toml"] == "sms10692_contract/clauses.toml"
