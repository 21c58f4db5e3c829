"""`EmulatorControl`: changes for all accounts, and access to each account.

One account is tested in `test_sms_vendor`, the transport in `test_api_client`.
"""

from pathlib import Path

import pytest

from sms10692_mock import ControlRefused, Emulator, EmulatorControl, Options, SmsVendor
from sms10692_mock.admin.services.initial_state import load_initial_state
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account, parse_account
from support import handles
from support.handles import NOON, NUMBER, open_client

emulator = handles.emulator
control = handles.control
vendor = handles.vendor


def test_a_reset_restores_words_faults_and_clock() -> None:
    with Emulator() as emulator:
        control = emulator.control
        vendor, forbidden_words = control.account(), control.forbidden_words()
        control.set_forbidden_words(["x"])
        control.fault("empty_body")
        control.clock.freeze(NOON)
        assert control.forbidden_words() == ["x"]
        control.reset()
        assert (control.forbidden_words(), control.faults()) == (forbidden_words, [])
        assert control.clock.now() > NOON
        vendor.close()  # the account is deleted already, so this does nothing
        with pytest.raises(ControlRefused):
            vendor.balance()


def test_a_configured_account_is_accessible_and_not_deleted(emulator: Emulator) -> None:
    with emulator.control.get_account("12") as manual_account:
        assert manual_account.credentials == {"userid": "12", "account": "test", "password": DEFAULT_ACCOUNT.password}
        with open_client(manual_account) as client:
            client.send([NUMBER], "x")
        assert manual_account.wait_message(to=NUMBER).content == "x"
        manual_account.reset()
    assert emulator.control.get_account("12").balance().messages == 0


@pytest.mark.parametrize("userid", ["商户", "q?1", "100%", "%2F", "a b#c"])
def test_a_userid_may_contain_special_characters(userid: str) -> None:
    with Emulator(Options(accounts=(Account(userid, "shop", "geheim"),))) as emulator:
        with EmulatorControl(emulator.url) as remote:
            for control in (emulator.control, remote):
                vendor = control.get_account(userid)
                assert vendor.userid == userid
                assert vendor.balance().points == 1000
                assert vendor.clock.now().tzinfo is not None


@pytest.mark.parametrize("userid", ["a/b", "..", "."])
def test_a_userid_that_no_url_can_contain_is_rejected(userid: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be part of a URL path"):
        parse_account(f"{userid}:shop:geheim")
    state_file = tmp_path / "state.toml"
    state_file.write_text(f'[[accounts]]\nuserid = "{userid}"\naccount = "shop"\npassword = "geheim"\n')
    with pytest.raises(ValueError, match="cannot be part of a URL path"):
        load_initial_state(state_file)


def test_an_account_has_the_requested_name() -> None:
    with Emulator() as emulator:
        vendor = emulator.account(account="商家")
        assert vendor.account == "商家"
        with open_client(vendor) as client:
            assert client.overage().overage == 1000


def test_a_lone_surrogate_matches_no_userid_and_no_number(control: EmulatorControl, vendor: SmsVendor) -> None:
    with pytest.raises(ControlRefused, match="no account"):
        control.get_account("\ud800")
    assert vendor.messages(to="\ud800") == []
