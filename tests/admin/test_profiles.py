"""The profile in force, over the control API."""

from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from sms10692 import protocol
from sms10692_mock.app.vendor_app import VendorApp, VendorRequest
from sms10692_mock.domain.profiles import Profile
from sms10692_mock.profile_file import parse_profiles
from sms10692_mock.startup import InvalidOption, open_vendor
from support.emulators import CREDENTIALS, build_options
from support.flask_emulator import FlaskEmulator


def test_every_key_of_the_profile_is_told_with_its_origin() -> None:
    document = FlaskEmulator().control("GET", "profile")
    assert document["name"] == "manual"
    assert list(document["keys"]) == [field.name for field in fields(Profile) if "key" in field.metadata]
    assert document["keys"]["cdata"] == {
        "value": False,
        "manual": False,
        "provenance": "observed",
        "grade": "S",
        "meaning": "Whether errorcode and extno of reports and replies are CDATA.",
    }
    assert document["keys"]["send_time_formats"]["value"] == ["yyyy-MM-dd HH:mm:ss"]
    assert document["keys"]["max_numbers"]["value"] is None


def test_an_account_tells_its_own_profile() -> None:
    emulator = FlaskEmulator()
    own = emulator.control("POST", "accounts", {"profile": "observed"})["userid"]
    document = emulator.control("GET", f"accounts/{own}/profile")
    assert (document["name"], document["keys"]["cdata"]["value"]) == ("observed", True)
    assert emulator.control("GET", "accounts/12/profile")["name"] == "manual"
    assert emulator.refusal("GET", "accounts/nobody/profile")[0] == 404


BRANDS = ['name = "甲 华东"\nextno_max_digits = 5\n', 'name = "乙"\nbase = "observed"\n']


def test_an_account_has_any_loaded_profile_and_the_emulators_again() -> None:
    emulator = FlaskEmulator(profile=BRANDS)
    assert emulator.control("GET", "health")["profile"] == "甲 华东"
    own = emulator.control("POST", "accounts", {"profile": "乙"})
    assert (own["profile"], own["own_profile"]) == ("乙", "乙")
    path = f"accounts/{own['userid']}"
    assert emulator.control("GET", f"{path}/profile")["keys"]["cdata"]["value"] is True
    for again in (None, ""):
        emulator.control("PATCH", path, {"profile": "observed"})
        changed = emulator.control("PATCH", path, {"profile": again})
        assert (changed["profile"], changed["own_profile"]) == ("甲 华东", None)
    assert emulator.control("PATCH", path, {"points": 3})["own_profile"] is None


def test_an_unknown_profile_is_refused_with_the_known_ones_and_changes_nothing() -> None:
    emulator = FlaskEmulator(profile=BRANDS[1])
    for method, path in (("POST", "accounts"), ("PATCH", "accounts/12")):
        refusal = emulator.refusal(method, path, json={"profile": "nope", "points": 3})
        assert refusal == (422, "profile: no profile is called 'nope'; there are manual, observed, 乙")
    assert emulator.control("GET", "accounts/12")["points"] == 1000


def test_a_stored_profile_that_is_not_loaded_falls_back_with_one_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = f"sqlite:{tmp_path / 'data.db'}"
    first = build_options(profile=["manual", BRANDS[1]], store=store, account_profile=["12:乙"])
    open_vendor(first).store.close()
    vendor = open_vendor(build_options(store=store))
    try:
        application = VendorApp(vendor, first)
        account = vendor.store.account("12")
        assert account is not None
        for _ in range(3):
            response = application.respond(
                protocol.V2CALL_API, VendorRequest("GET", urlencode(CREDENTIALS).encode(), "", b"")
            )
            assert response.status == 200
        assert vendor.profile_of(account).name == "manual"
        assert [record.getMessage() for record in caplog.records] == [
            "the stored profile 乙 is not loaded: accounts that have it get manual"
        ]
    finally:
        vendor.store.close()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"account_profile": ["12:nope"]}, "account 12: no profile is called 'nope'; there are manual, observed"),
        ({"account_profile": ["13:observed"]}, "no account has the userid 13"),
    ],
)
def test_an_option_with_an_unknown_profile_or_userid_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption) as raised:
        build_options(**given)
    assert (str(raised.value), raised.value.flag) == (message, "--account-profile")


def test_an_initial_state_with_an_unknown_profile_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state.toml"
    file.write_text('[[accounts]]\nuserid = "7"\naccount = "a"\npassword = "b"\nprofile = "乙"\n', "utf-8")
    with pytest.raises(InvalidOption, match="account 7: no profile is called"):
        build_options(initial_state=str(file))
    (loaded,) = [
        account
        for account in build_options(initial_state=str(file), profile=["manual", BRANDS[1]]).accounts
        if account.userid == "7"
    ]
    assert loaded.profile == "乙"


def test_two_profiles_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two profiles are called observed"):
        parse_profiles(["observed", "manual", "observed"])
