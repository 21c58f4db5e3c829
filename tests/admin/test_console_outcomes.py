"""The console names and takes each outcome that a delivery rule can have, and shows the messages of a phone."""

import pytest

from sms10692_mock.admin.console.i18n import LANGUAGES, Language, text
from sms10692_mock.domain.delivery import OUTCOMES, OutcomeName
from support.console import CONSOLE_HEADERS
from support.flask_emulator import FlaskEmulator


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_outcome_can_be_chosen_and_is_shown(outcome: OutcomeName, language: Language) -> None:
    emulator = FlaskEmulator()
    emulator.send(emulator.control("GET", "accounts/12"), mobile="15023239810")
    phone = emulator.http.get(f"/phone?lang={language}").text
    assert f'value="{outcome}"> {text(language, f"phone.{outcome}")}</label>' in phone
    form = {"number": "150", "outcome": outcome}
    assert emulator.http.post("/faults/rule", data=form, headers=CONSOLE_HEADERS).status_code == 200
    faults = emulator.http.get("/faults").text
    assert f'<option value="{outcome}">{text(language, f"faults.outcome_{outcome}")}</option>' in faults
    assert f"<bdi>150</bdi></strong> → {text(language, f'faults.outcome_{outcome}')}" in faults
    (rule,) = emulator.control("GET", "accounts/12/delivery-rules")["rules"]
    assert (rule["outcome"], rule["errorcode"]) == (outcome, OUTCOMES[outcome].errorcode)


def test_a_phone_shows_its_message_as_received() -> None:
    emulator = FlaskEmulator()
    emulator.send(emulator.control("GET", "accounts/12"), mobile="15023239810", content="hello")
    received = emulator.http.get("/phone").text.partition('<div class="bubble in">')[2].partition("</div>")[0]
    assert "hello" in received
