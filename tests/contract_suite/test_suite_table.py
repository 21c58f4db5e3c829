"""Tests of `fixtures/clauses.toml`: every clause has a check, a source and a group."""

import re
import tomllib
from pathlib import Path

from sms10692_contract.checks import CHECKS
from sms10692_contract.clauses import BY_ID, CLAUSES, GROUPS

TOP = Path(__file__).parents[2]


def test_every_clause_has_a_check_and_every_check_a_clause() -> None:
    assert set(CHECKS) == set(BY_ID)
    assert len(CLAUSES) == len(BY_ID)


def test_clauses_need_known_permissions() -> None:
    assert {name for clause in CLAUSES for name in clause.permissions} == {"send", "fetch", "control"}


def test_every_source_is_a_chapter_a_reading_a_request_shape_or_an_observation() -> None:
    readings = (TOP / "fixtures" / "readings.md").read_text("utf-8")
    for source in {source for clause in CLAUSES for source in clause.source.split(", ")}:
        assert re.fullmatch(r"[1-5]\.[1-4]|[AQ]\d+", source) or f"## {source} " in readings


def test_every_clause_has_a_group_and_every_attempted_group_a_clause() -> None:
    assert {clause.group for clause in CLAUSES} == {group.id for group in GROUPS if group.kind != "not attempted"}


def test_exact_groups_have_evidence_and_every_reading_is_cited() -> None:
    for group in GROUPS:
        assert bool(group.evidence) is bool(group.evidence_zh) is (group.kind == "exact")
    chosen_by_us = [group.id for group in GROUPS if group.kind in ("our reading", "our invention")]
    cited = {
        reading
        for clause in CLAUSES
        if clause.group in chosen_by_us
        for reading in re.findall(r"\bR\d+\b", clause.source)
    }
    readings = re.findall(r"^## (R\d+) ", (TOP / "fixtures" / "readings.md").read_text("utf-8"), re.MULTILINE)
    assert cited == set(readings)


def test_the_wheel_contains_the_suite_and_its_table() -> None:
    wheel = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "contract_tests/sms10692_contract" in wheel["packages"]
    assert wheel["force-include"]["fixtures/clauses.toml"] == "sms10692_contract/clauses.toml"
