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


@EACH_LANGUAGE
def test_the_console_suggests_messages_with_their_provenance(emulator: FlaskEmulator, language: Language) -> None:
    form = emulator.http.get(f"/faults?lang={language}").text
    manual, two, one = (text(language, f"faults.seen_{seen}") for seen in ("own", "M", "W"))
    for message, seen in (
        ("参数不正确", manual),
        ("对不起，您当前要发送的量大于您当前余额", manual),
        ("sign参数错误", two),
        ("短信必须带【】格式签名", two),
        ("非法签名", two),
        ("扩展子号只能是数字", two),
        ("参数错误", one),
    ):
        assert f'<option value="{message}">{seen}</option>' in form
    assert '<input id="message" list="messages" name="message"' in form
    assert '<option value="ok">' not in form


def test_every_suggested_message_can_be_injected(emulator: FlaskEmulator) -> None:
    _, _, rest = emulator.http.get("/faults").text.partition('<datalist id="messages">')
    suggestions = re.findall('<option value="([^"]+)">', rest.partition("</datalist>")[0])
    assert len(suggestions) > 15
    for message in suggestions:
        form = {"kind": "vendor_error", "message": message, "operations": "call", "times": "1", "whose": "all"}
        assert emulator.http.post("/faults/fault", data=form, headers=CONSOLE_HEADERS).status_code == 200
        response = emulator.http.post("/callApi.aspx", data={"action": "query"}).text
        assert f"<remark>{message}</remark>" in response
