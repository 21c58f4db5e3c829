"""Every kind of fault in the registry has an effect and texts, and works in the control API and the console."""

import re
from contextlib import suppress
from html import unescape
from typing import get_args

import pytest

from sms10692_mock.admin.console.i18n import LANGUAGES, Language, text
from sms10692_mock.app.fault_injection import INJECTORS
from sms10692_mock.domain.fault_kinds import FAULT_KINDS, FaultKind
from support.console import CONSOLE_HEADERS
from support.emulators import STATUS
from support.faults import FAULTS, PARAMETERS
from support.flask_emulator import FlaskEmulator

EACH_KIND = pytest.mark.parametrize("kind", FAULT_KINDS)
EACH_LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture(scope="module")
def shared_emulator() -> FlaskEmulator:
    return FlaskEmulator()


@pytest.fixture
def emulator(shared_emulator: FlaskEmulator) -> FlaskEmulator:
    shared_emulator.control("POST", "reset")
    return shared_emulator


def test_each_kind_has_a_row_and_an_injector() -> None:
    assert get_args(FaultKind) == tuple(FAULT_KINDS) == tuple(INJECTORS)


@EACH_KIND
def test_both_languages_describe_the_effect_with_the_same_names(kind: FaultKind) -> None:
    effect = FAULT_KINDS[kind].effect
    assert re.search("[一-鿿]", effect.zh)
    assert effect.en.isascii()
    names, chinese_names = (re.findall(r"`\w+`", description) for description in effect)
    assert sorted(names) == sorted(chinese_names)


def test_the_schema_describes_each_kind(emulator: FlaskEmulator) -> None:
    schemas = emulator.control("GET", "openapi.json")["components"]["schemas"]
    kind = schemas["NewFault"]["properties"]["kind"]
    assert kind["enum"] == list(FAULT_KINDS)
    for name, spec in FAULT_KINDS.items():
        assert f"{name}: {spec.effect.en}." in kind["description"]


@EACH_KIND
@pytest.mark.parametrize("apply", [None, False, True])
def test_the_vendor_executes_a_request_as_the_kind_or_the_fault_says(
    emulator: FlaskEmulator, kind: FaultKind, apply: bool | None
) -> None:
    spec = FAULT_KINDS[kind]
    document = FAULTS[kind] | {} if apply is None else FAULTS[kind] | {"apply": apply}
    if apply and spec.executed == "never":
        assert emulator.refusal("POST", "faults", json=document)[0] == 422
        return
    fault = emulator.control("POST", "faults", document)
    assert fault["apply"] == (spec.executed == "yes" if apply is None else apply)
    assert fault["operations"] == list(spec.operations)


@EACH_LANGUAGE
@EACH_KIND
def test_the_console_adds_and_shows_a_fault_of_each_kind(
    emulator: FlaskEmulator, kind: FaultKind, language: Language
) -> None:
    parameter = FAULT_KINDS[kind].parameter
    form = emulator.http.get(f"/faults?lang={language}").text
    assert f'<option value="{kind}">{text(language, f"fault.{kind}")}</option>' in form
    fields = re.findall(
        r'<div data-with="([a-z_ ]*)"><label for="\w+">.*?</label><\w+ id="\w+"[^>]* name="(\w+)"', form
    )
    assert [name for kinds, name in fields if kind in kinds.split()] == ([parameter] if parameter else [])
    added = emulator.http.post("/faults/fault", data=FAULTS[kind], headers=CONSOLE_HEADERS)
    assert added.status_code == 200
    entry = unescape(emulator.http.get("/faults").text).partition('class="entries"')[2].partition("</ul>")[0]
    assert text(language, f"fault.{kind}") in entry
    assert (str(PARAMETERS[parameter]) if parameter else "") in entry


@EACH_LANGUAGE
@EACH_KIND
def test_the_console_shows_the_fault_of_a_request(emulator: FlaskEmulator, kind: FaultKind, language: Language) -> None:
    emulator.control("POST", "faults", FAULTS[kind])
    with suppress(TimeoutError, ConnectionResetError):
        emulator.http.post(STATUS, data={"action": "query", "userid": "12"})
    label = text(language, "requests.fault", kind=text(language, f"fault.{kind}"))
    (request,) = emulator.control("GET", "requests")["items"]
    for path in ("/requests", f"/requests/{request['number']}"):
        assert label in unescape(emulator.http.get(f"{path}?lang={language}").text)
