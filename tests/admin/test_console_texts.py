"""Every text of the console exists in both languages, and the right language is chosen."""

import re

import pytest

from sms10692_mock.admin.console import clause_demo, clauses, finding_texts, i18n
from sms10692_mock.diagnosis import CODES
from sms10692_mock.diagnosis.messages import MESSAGES
from support.console import CONSOLE
from support.flask_emulator import FlaskEmulator


@pytest.mark.parametrize(
    ("accepted", "chosen", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "", "zh-CN"),
        ("zh-TW", "", "zh-CN"),
        ("en-GB,zh;q=0.5", "", "en"),
        ("de", "", "en"),
        ("", "", "en"),
        ("en", "?lang=zh", "zh-CN"),
        ("zh", "?lang=en", "en"),
        ("zh", "?lang=fr", "zh-CN"),
    ],
)
def test_the_language_is_chosen_by_the_browser_and_by_a_switch(accepted: str, chosen: str, language: str) -> None:
    office = FlaskEmulator()
    page = office.http.get(f"/queues{chosen}", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}"' in page.text
    if "lang=zh" in chosen:
        assert '<html lang="zh-CN"' in office.http.get("/", headers={"Accept-Language": "en"}).text


def test_each_text_is_in_both_languages_with_the_same_values() -> None:
    for key, both in i18n.texts().items():
        assert set(both) == set(i18n.LANGUAGES), key
        zh, en = (set(re.findall(r"{(\w+)[^}]*}", both[language])) for language in ("zh", "en"))
        assert zh == en, key
        assert re.search("[一-鿿]", both["zh"]), key
        assert not re.search("[一-鿿]", both["en"]), key


def test_each_text_is_used_and_each_used_text_is_there() -> None:
    sources = "\n".join(
        file.read_text("utf-8") for pattern in ("*.py", "templates/*.html") for file in CONSOLE.glob(pattern)
    )
    named = set(
        re.findall(
            r"\b(?:t|translate|message_response|error_page)\(\s*(?:control, \d+, )?[\"']([\w.]+)[\"'](?! ~)", sources
        )
    )
    begun = set(re.findall(r"[\"']([\w]+\.(?:\w+_)?)[\"'] ~", sources))
    known = set(i18n.texts())
    assert named <= known
    assert {key for key in known - named if not key.startswith(tuple(begun))} == set()
    assert all(any(key.startswith(beginning) for key in known) for beginning in begun)


def test_each_finding_has_a_sentence_in_chinese() -> None:
    assert set(finding_texts.chinese_texts()) == set(CODES)
    for code in CODES:
        assert finding_texts.chinese_texts()[code].count("{}") == MESSAGES[code].count("{}"), code


def test_each_clause_and_reading_is_in_chinese_and_can_be_tried() -> None:
    for clause in clauses.clauses():
        assert re.search("[一-鿿]", clause.chinese), clause.id
        assert clause.id in clause_demo.load_demos()
    assert {one for trial in clause_demo.load_demos().values() for one in trial.clauses} == {
        clause.id for clause in clauses.clauses()
    }
    assert [reading.number for reading in clauses.readings()] == [f"R{n}" for n in range(1, 19)]
