"""Tests of `fixtures/clauses.toml`: every clause has a check, a source and a group."""

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

from sms10692_contract.checks import CHECKS, exact_layout
from sms10692_contract.clauses import (
    BY_ID,
    CLAUSES,
    CONTRACT,
    FAMILIES,
    GROUPS,
    READINGS,
    Clause,
    Provenance,
    count_observed,
    parse_clause,
)
from sms10692_contract.report import LEGEND, get_properties

TOP = Path(__file__).parents[2]


def test_every_clause_has_a_check_and_every_check_a_clause() -> None:
    assert set(CHECKS) == set(BY_ID)
    assert len(CLAUSES) == len(BY_ID)


OBSERVED = {"date": date(2026, 11, 30), "server": "a v2 server, IIS 8.5", "server_zh": "v2 服务器，IIS 8.5"}


def test_an_observation_is_a_date_and_a_kind_of_server_without_a_host() -> None:
    clause = parse_clause({"id": "x", "group": "y", "provenance": "manual", "text": "z", "last_observed": OBSERVED})
    assert clause.observed == "2026-11-30, a v2 server, IIS 8.5"
    assert ("last_observed", clause.observed) in get_properties(clause)
    for seen in (clause.last_observed for clause in CLAUSES if clause.last_observed is not None):
        assert seen.server.strip()
        assert seen.server_zh.strip()
        assert not re.search(r"://|\d+\.\d+\.\d+\.\d+|\w\.(?:com|cn|net)\b", seen.server + seen.server_zh)


def test_what_no_run_has_confirmed_is_said_so() -> None:
    clause = BY_ID["1.1-utf8"]
    confirmed = count_observed()
    assert (clause.observed == "never") == (clause.last_observed is None)
    assert ("last_observed", clause.observed) in get_properties(clause)
    assert f"Confirmed at a real server: {confirmed} of {len(CLAUSES)} clauses." in LEGEND
    for file, sentence in (
        ("contract.md", f"clause held: {confirmed} of {len(CLAUSES)} clauses have one"),
        ("contract.zh-CN.md", f"{len(CLAUSES)} 条中有 {confirmed} 条"),
    ):
        text = (TOP / "docs" / file).read_text("utf-8")
        assert sentence in text
        rows = re.findall(r"^\| [\w.-]+ \|.* \| (\S[^|]*) \|$", text, re.MULTILINE)
        assert sum(row in ("never", "从未") for row in rows) == len(CLAUSES) - confirmed


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
