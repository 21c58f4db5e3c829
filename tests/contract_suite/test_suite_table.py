"""Tests of `fixtures/clauses.toml`: every clause has a check, a source and a group."""

import re
import tomllib
from pathlib import Path

import pytest

from sms10692_contract.checks import CHECKS, exact_layout
from sms10692_contract.clauses import BY_ID, CLAUSES, CONTRACT, FAMILIES, GROUPS, READINGS, Clause, Provenance
from sms10692_contract.report import LEGEND

TOP = Path(__file__).parents[2]


def test_every_clause_has_a_check_and_every_check_a_clause() -> None:
    assert set(CHECKS) == set(BY_ID)
    assert len(CLAUSES) == len(BY_ID)


def test_clauses_need_known_permissions() -> None:
    assert {name for clause in CLAUSES for name in clause.permissions} == {"send", "fetch", "control", "older"}


SOURCES = {
    Provenance.MANUAL: r"[1-5]\.[1-4](, [1-5]\.[1-4])*",
    Provenance.OBSERVED: r"[AQ]\d+",
    Provenance.READING: r"R\d+(, R\d+)*",
    Provenance.OURS: r"(R\d+)?",
}
"""What the source of a clause must look like, by its provenance."""


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.id)
def test_the_source_of_a_clause_is_of_its_provenance(clause: Clause) -> None:
    assert re.fullmatch(SOURCES[clause.provenance], clause.source)
    assert clause.grade in (("S", "M", "W") if clause.provenance is Provenance.OBSERVED else ("",))


def test_an_id_that_begins_with_a_chapter_is_a_clause_of_the_manual() -> None:
    for clause in CLAUSES:
        if clause.id[0].isdigit():
            assert clause.provenance is Provenance.MANUAL
            assert clause.id.startswith(f"{clause.source.partition(',')[0]}-")


def test_the_clauses_of_a_group_have_one_provenance() -> None:
    provenances: dict[str, set[Provenance]] = {group.id: set() for group in GROUPS}
    for clause in CLAUSES:
        provenances[clause.group].add(clause.provenance)
    assert [group for group, found in provenances.items() if len(found) != 1] == ["nothing"]


BEYOND_THE_SUITE = {"R21"}
"""The reading about messages that only the control API injects."""


def test_groups_have_evidence_and_every_reading_is_cited() -> None:
    for group in GROUPS:
        provenance = next((clause.provenance for clause in CLAUSES if clause.group == group.id), None)
        assert bool(group.evidence) is bool(group.evidence_zh)
        assert group.evidence or provenance not in (Provenance.MANUAL, Provenance.OBSERVED)
    choices = [clause for clause in CLAUSES if clause.provenance in (Provenance.READING, Provenance.OURS)]
    cited = {source for clause in choices for source in clause.source.split(", ")}
    readings = re.findall(r"^## (R\d+) ", (TOP / "fixtures" / "readings.md").read_text("utf-8"), re.MULTILINE)
    assert cited - {""} == set(readings) - BEYOND_THE_SUITE


def test_the_clauses_of_the_layout_are_checked_last() -> None:
    """They judge every response of the run."""
    judged = [CHECKS[clause.id].__module__ == exact_layout.__name__ for clause in CLAUSES]
    assert judged == sorted(judged)


def test_the_wheel_contains_the_suite_and_its_table() -> None:
    wheel = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "contract_tests/sms10692_contract" in wheel["packages"]
    assert wheel["force-include"]["fixtures/clauses.toml"] == "sms10692_contract/clauses.toml"
    assert wheel["force-include"]["docs/contract.md"] == "sms10692_contract/contract.md"


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.id)
def test_the_link_of_a_clause_leads_to_a_heading_above_it(clause: Clause) -> None:
    file, _, anchor = clause.link.partition("#")
    headings: list[str] = []
    for line in Path(file).read_text("utf-8").splitlines():
        if line.startswith("## "):
            headings.append(line.removeprefix("## ").lower().replace(" ", "-").replace(".", ""))
        elif line.startswith(f"| {clause.id} |"):
            break
    assert headings[-1] == anchor


def test_the_legend_explains_the_first_letter_of_every_id_and_names_files_that_exist() -> None:
    letters = {clause.id[0] for clause in CLAUSES if not clause.id[0].isdigit()}
    assert letters == set(FAMILIES)
    for letter, meaning in FAMILIES.items():
        assert f"{letter}: {meaning}" in " ".join(LEGEND.split())
    assert str(CONTRACT) in LEGEND
    assert CONTRACT.is_file()
    assert READINGS.is_file()
