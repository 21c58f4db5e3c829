"""What a test holds of a whole emulator turns it for all, and finds each of its accounts.

Here belongs `EmulatorControl`. What is held of one account is in `test_sms_vendor`, the way to an emulator that is
elsewhere in `test_control_connection`.
"""

from pathlib import Path

import pytest

from sms10692_mock import ControlRefused, Emulator, EmulatorControl, Options, SmsVendor
from sms10692_mock.admin.services.initial_state import load_initial_state
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account, parse_account
from support import handles
from support.handles import NOON, NUMBER, client

emulator = handles.emulator
control = handles.control
vendor = handles.vendor


def test_what_is_turned_for_all_is_turned_back_by_a_reset() -> None:
    with Emulator() as emulator:
        control = emulator.control
        first, words = control.account(), control.keywords()
        control.set_forbidden_words(["x"])
        control.fault("empty")
        control.clock.freeze(NOON)
        assert control.keywords() == ["x"]
        control.reset()
        assert (control.keywords(), control.faults()) == (words, [])
        assert control.clock.now() > NOON
        first.close()  # it is gone, which is what was wanted
        with pytest.raises(ControlRefused):
            first.balance()


def test_an_account_of_the_emulators_own_is_held_and_stays(emulator: Emulator) -> None:
    with emulator.control.get_account("12") as manuals:
        assert manuals.credentials == {"userid": "12", "account": "test", "password": DEFAULT_ACCOUNT.password}
        with client(manuals) as there:
            there.send([NUMBER], "x")
        assert manuals.wait_message(to=NUMBER).content == "x"
        manuals.reset()
    assert emulator.control.get_account("12").balance().messages == 0


@pytest.mark.parametrize("userid", ["商户", "q?1", "100%", "%2F", "a b#c"])
def test_an_account_is_held_whatever_is_in_its_userid(userid: str) -> None:
    with Emulator(Options(accounts=(Account(userid, "shop", "geheim"),))) as emulator:
        with EmulatorControl(emulator.url) as from_afar:
            for control in (emulator.control, from_afar):
                vendor = control.get_account(userid)
                assert vendor.userid == userid
                assert vendor.balance().points == 1000
                assert vendor.clock.now().tzinfo is not None


@pytest.mark.parametrize("userid", ["a/b", "..", "."])
def test_an_account_that_no_address_could_name_is_none(userid: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no part of an address"):
        parse_account(f"{userid}:shop:geheim")
    seed = tmp_path / "seed.toml"
    seed.write_text(f'[[accounts]]\nuserid = "{userid}"\naccount = "shop"\npassword = "geheim"\n')
    with pytest.raises(ValueError, match="no part of an address"):
        load_initial_state(seed)


def test_an_account_has_the_name_that_was_wished() -> None:
    with Emulator() as emulator:
        vendor = emulator.account(account="商家")
        assert vendor.account == "商家"
        with client(vendor) as own:
            assert own.overage().overage == 1000


def test_half_a_character_is_in_no_userid_and_in_no_number(control: EmulatorControl, vendor: SmsVendor) -> None:
    with pytest.raises(ControlRefused, match="no account"):
        control.get_account("\ud800")
    assert vendor.messages(to="\ud800") == []
