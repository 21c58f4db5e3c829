"""Tests of `tools/mutation`: its lists of tests and of equivalent mutants agree with the code."""

import difflib
import re

import pytest

from mutation.run import FIRST_STAGE, LATER_STAGES, TOP, EquivalentMutant, contains_code, find_modules, load_equivalents

EQUIVALENTS = load_equivalents()
EACH_EQUIVALENT = pytest.mark.parametrize(
    "equivalent", EQUIVALENTS, ids=[f"{row.file}: {row.changed}" for row in EQUIVALENTS]
)


@EACH_EQUIVALENT
def test_the_original_code_of_an_equivalent_mutant_exists(equivalent: EquivalentMutant) -> None:
    assert contains_code(equivalent.file, equivalent.original)


@EACH_EQUIVALENT
def test_an_equivalent_mutant_changes_one_operator_or_number(equivalent: EquivalentMutant) -> None:
    original, changed = (re.findall(r"\w+|[^\w\s()]+|[()]", code) for code in equivalent[1:3])
    edits = difflib.SequenceMatcher(None, original, changed, autojunk=False).get_opcodes()
    ((_, start, end, changed_start, changed_end),) = (edit for edit in edits if edit[0] != "equal")
    assert 1 <= max(end - start, changed_end - changed_start) <= 2


def test_no_equivalent_mutant_is_listed_twice() -> None:
    assert len({row[:3] for row in EQUIVALENTS}) == len(EQUIVALENTS)


@pytest.mark.parametrize("test", sorted({test for stage in (*FIRST_STAGE.values(), *LATER_STAGES) for test in stage}))
def test_a_test_of_a_stage_exists(test: str) -> None:
    path, _, function = test.partition("::")
    assert (TOP / path).exists()
    assert not function or f"def {function}(" in (TOP / path).read_text("utf-8")


@pytest.mark.parametrize("file", FIRST_STAGE)
def test_a_file_with_a_first_stage_exists(file: str) -> None:
    assert find_modules([file]) == [file]
