"""Every finding code has a meaning in both languages, and an example that triggers it."""

import re

import pytest

from sms10692_mock.diagnosis import CODES
from sms10692_mock.diagnosis.registry import FindingSpec, explain_example, load_registry, load_remedies

LANGUAGES = ["curl", "Python", "PHP", "Java", "C#", "Node", "Go"]
WITHOUT_EXAMPLE = {
    *(
        "account-deleted",
        "credentials-empty",
        "credentials-changed",
        "credentials-wrong",
        "delivery-rule",
        "fault",
        "fault-unlimited",
    ),
    *("store-unavailable", "polling", "fetched-after-empty"),
}
"""Codes of kinds other than "http" that depend on the state of the emulator. Other tests trigger them."""

EXAMPLES = [spec for spec in load_registry().values() if spec.example]


@pytest.mark.parametrize("spec", EXAMPLES, ids=lambda spec: spec.code)
def test_the_example_of_a_code_triggers_it(spec: FindingSpec) -> None:
    assert spec.code in [finding.code for finding in explain_example(spec).findings]


def test_each_code_has_an_example_unless_it_depends_on_more_than_a_request() -> None:
    assert list(load_registry()) == list(CODES)
    without = {spec.code for spec in load_registry().values() if not spec.example}
    assert {code.partition(".")[2] for code in without if not code.startswith("http.")} == WITHOUT_EXAMPLE


def test_each_remedy_has_code_in_each_language() -> None:
    for name, remedy in load_remedies().items():
        assert list(remedy) == ["en", "zh", *LANGUAGES], name
        assert re.search("[一-鿿]", remedy["zh"])
    assert {spec.remedy for spec in load_registry().values()} == {"", *load_remedies()}
