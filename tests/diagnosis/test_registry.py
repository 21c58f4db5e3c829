"""Every finding code has a meaning in both languages, and an example that triggers it."""

import re
from urllib.parse import unquote

import pytest

from sms10692_mock.diagnosis import CODES, diagnose
from sms10692_mock.diagnosis.registry import FindingSpec, explain_example, load_registry, load_remedies
from sms10692_mock.diagnosis.signed_text_candidates import _MISSING_VALUES, SigningInputs, candidates
from sms10692_mock.diagnosis.translations import _load_table, in_chinese, translate
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.profiles import KEYS
from support.diagnosis import NOW, TIMESTAMP, build_context, build_form, find_english, get_findings

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
    *("no-points", "too-many-verification-codes", "too-many-requests", "locked-out"),
    *("store-unavailable", "new-password-unusable", "polling", "fetched-after-empty"),
}
"""Codes of kinds other than "http" that depend on the state of the emulator. Other tests trigger them."""

EXAMPLES = [spec for spec in load_registry().values() if spec.example]


@pytest.mark.parametrize("spec", EXAMPLES, ids=lambda spec: spec.code)
def test_the_example_of_a_code_triggers_it(spec: FindingSpec) -> None:
    assert spec.code in [finding.code for finding in explain_example(spec).findings]


@pytest.mark.parametrize("spec", EXAMPLES, ids=lambda spec: spec.code)
def test_the_chinese_sentences_of_an_example_have_no_english_words(spec: FindingSpec) -> None:
    known = unquote(spec.example) + " ".join((*_MISSING_VALUES, *KEYS, "manual"))
    for finding in explain_example(spec).findings:
        assert find_english(translate(finding, "zh"), known) == []


@pytest.mark.parametrize("timestamp", [TIMESTAMP, "abc"])
def test_every_detail_of_a_wrong_signature_exists_in_chinese(timestamp: str) -> None:
    other = Account("7", "shop", "geheim")
    inputs = SigningInputs("ä b", "<p'", "12", timestamp, [("content", "x")], (other,), NOW)
    details = {(code, detail) for code, detail, _ in candidates(inputs)}
    assert len(details) > 100
    for code, detail in details:
        assert find_english(in_chinese(code, detail), " ".join(_MISSING_VALUES)) == [], code


def test_a_value_of_a_client_is_never_translated() -> None:
    body = build_form(extno="2 hours old", sendTime="a tab behind timestamp")
    for finding in diagnose(build_context(body)._replace(evidence=Evidence("extno-not-digits", ("2 hours old",)))):
        assert "2 hours old" in translate(finding, "zh")
    similar = get_findings(build_context(build_form().replace(b"sign=", b"signature=")))["signature.misnamed"]
    assert translate(similar, "zh") == "参数名和接口文档不一样：'signature' 应为“sign”。"


def test_every_phrase_has_a_value_for_each_place_in_chinese() -> None:
    for english, chinese in _load_table()["phrases"].items():
        assert "{" not in chinese.format(*("x" for _ in range(english.count("{}"))))


def test_each_code_has_an_example_unless_it_depends_on_more_than_a_request() -> None:
    assert list(load_registry()) == list(CODES)
    without = {spec.code for spec in load_registry().values() if not spec.example}
    assert {code.partition(".")[2] for code in without if not code.startswith("http.")} == WITHOUT_EXAMPLE


def test_each_remedy_has_code_in_each_language() -> None:
    for name, remedy in load_remedies().items():
        assert list(remedy) == ["en", "zh", *LANGUAGES], name
        assert re.search("[一-鿿]", remedy["zh"])
    assert {spec.remedy for spec in load_registry().values()} == {"", *load_remedies()}
