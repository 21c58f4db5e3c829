"""Every text of the console exists in both languages, and the right language is chosen."""

import re

import pytest

from sms10692_mock.admin.console import clause_demo, clauses, i18n
from sms10692_mock.diagnosis import CODES
from sms10692_mock.diagnosis.messages import MESSAGES
from sms10692_mock.diagnosis.translations import chinese_texts
from support.console import CONSOLE
from support.flask_emulator import FlaskEmulator


@pytest.mark.parametrize(
    ("accepted", "query", "language"),
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
def test_the_language_follows_the_browser_unless_it_is_selected(accepted: str, query: str, language: str) -> None:
    emulator = FlaskEmulator()
    page = emulator.http.get(f"/queues{query}", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}"' in page.text
    if "lang=zh" in query:
        assert '<html lang="zh-CN"' in emulator.http.get("/", headers={"Accept-Language": "en"}).text


def test_each_text_is_in_both_languages_with_the_same_values() -> None:
    for key, translations in i18n.texts().items():
        assert set(translations) == set(i18n.LANGUAGES), key
        zh, en = (set(re.findall(r"{(\w+)[^}]*}", translations[language])) for language in ("zh", "en"))
        assert zh == en, key
        assert re.search("[一-鿿]", translations["zh"]), key
        assert not re.search("[一-鿿]", translations["en"]), key


def test_each_text_is_used_and_each_used_text_exists() -> None:
    sources = "\n".join(
        file.read_text("utf-8") for pattern in ("*.py", "templates/*.html") for file in CONSOLE.glob(pattern)
    )
    used = set(
        re.findall(
            r"\b(?:t|translate|message_response|error_page|failure_page)\(\s*(?:control, )?(?:\d+, )?"
            r"[\"']([\w.]+)[\"'](?! ~)",
            sources,
        )
    )
    prefixes = set(re.findall(r"[\"']([\w]+\.(?:\w+_)?)[\"'] ~", sources))
    known = set(i18n.texts())
    assert used <= known
    assert {key for key in known - used if not key.startswith(tuple(prefixes))} == set()
    assert all(any(key.startswith(prefix) for key in known) for prefix in prefixes)


def test_each_finding_has_a_chinese_text_with_the_same_values() -> None:
    assert set(chinese_texts()) == set(CODES)
    for code in CODES:
        assert chinese_texts()[code].count("{}") == MESSAGES[code].count("{}"), code


def test_each_clause_has_a_chinese_text_and_a_demo() -> None:
    for clause in clauses.clauses():
        assert re.search("[一-鿿]", clause.chinese), clause.id
        assert clause.id in clause_demo.load_demos()
    demonstrated = {clause_id for demo in clause_demo.load_demos().values() for clause_id in demo.clauses}
    assert demonstrated == {clause.id for clause in clauses.clauses()}
    assert [reading.number for reading in clauses.readings()] == [f"R{n}" for n in range(1, 23)]
