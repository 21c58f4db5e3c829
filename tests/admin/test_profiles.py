"""The profile in force, over the control API."""

from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click
import pytest

from sms10692 import protocol
from sms10692_mock.admin.services.accounts import AccountService
from sms10692_mock.admin.services.profiles import NewProfile, ProfileService
from sms10692_mock.app.vendor_app import VendorApp, VendorRequest
from sms10692_mock.cli import command
from sms10692_mock.domain.profiles import OBSERVED, Profile
from sms10692_mock.domain.records import Settings
from sms10692_mock.emulator import Emulator
from sms10692_mock.profile_file import parse_profiles
from sms10692_mock.startup import InvalidOption, open_vendor
from sms10692_mock.stores.serialization import dump_settings, load_settings
from sms10692_mock.testing.api_client import ControlRefused
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


BRANDS = ['name = "甲（华东）"\nextno_max_digits = 5\n', 'name = "乙"\nbase = "observed"\n']


def test_an_account_has_any_loaded_profile_and_the_emulators_again() -> None:
    emulator = FlaskEmulator(profile=BRANDS)
    assert emulator.control("GET", "health")["profile"] == "甲（华东）"
    own = emulator.control("POST", "accounts", {"profile": "乙"})
    assert (own["profile"], own["own_profile"]) == ("乙", "乙")
    path = f"accounts/{own['userid']}"
    assert emulator.control("GET", f"{path}/profile")["keys"]["cdata"]["value"] is True
    for again in (None, ""):
        emulator.control("PATCH", path, {"profile": "observed"})
        changed = emulator.control("PATCH", path, {"profile": again})
        assert (changed["profile"], changed["own_profile"]) == ("甲（华东）", None)
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


def test_a_profile_put_at_run_time_applies_from_the_next_request_on() -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    added = emulator.control("PUT", "profiles/某 品牌", {"base": "observed", "text_signature": "front"})
    assert (added["name"], added["keys"]["cdata"]["value"]) == ("某 品牌", True)
    assert emulator.control("GET", "profiles") == {"names": ["manual", "observed", "某 品牌"], "default": "manual"}
    assert "<message>ok<" in emulator.send(account)
    emulator.control("PATCH", path, {"profile": "某 品牌"})
    assert "<message>其他错误<" in emulator.send(account)
    texts = {"text-signature-end": "非法签名"}
    emulator.control("PUT", "profiles/某 品牌", {"text_signature": "end", "texts": texts, "max_numbers": None})
    assert "<message>非法签名<" in emulator.send(account)
    assert "<message>ok<" in emulator.send(account, content="内容【店】")
    assert emulator.control("GET", "profiles/某 品牌")["keys"]["texts"]["value"] == texts
    assert emulator.control("DELETE", "profiles/某 品牌") == {}
    assert "<message>ok<" in emulator.send(account)
    assert emulator.control("GET", path)["profile"] == "manual"
    emulator.control("PUT", "profiles/某 品牌", {"text_signature": "end"})
    emulator.control("POST", "reset")
    assert emulator.control("GET", "profiles")["names"] == ["manual", "observed"]


_NAME = "name must be a text of 1 to 40 printable characters without /"


@pytest.mark.parametrize(
    ("name", "document", "refusal"),
    [
        ("x", {"extno_max_digits": 99}, (422, "extno_max_digits must be from 1 to 20")),
        ("x", {"extno_max_digit": 9}, (422, "extno_max_digit is no key of a profile; did you mean extno_max_digits?")),
        ("x", {"texts": {"nope": "x"}}, (422, "texts.nope is no cause of a refusal by the vendor")),
        ("x", {"cdata": None}, (422, "cdata must be true or false")),
        ("x", {"name": "y"}, (422, "name must be x, as in the path, or be left out")),
        ("x", {"base": "乙"}, (422, "base must be manual or observed")),
        (
            "x" * 41,
            {},
            (422, "name must be a text of 1 to 40 printable characters without /, and not manual or observed"),
        ),
        ("乙", {}, (409, "the profile 乙 is built in or was loaded at the start: choose another name")),
    ],
)
def test_a_profile_with_a_mistake_is_not_put(name: str, document: dict[str, Any], refusal: tuple[int, str]) -> None:
    emulator = FlaskEmulator(profile=["manual", BRANDS[1]])
    assert emulator.refusal("PUT", f"profiles/{name}", json=document) == refusal
    assert emulator.control("GET", "profiles")["names"] == ["manual", "observed", "乙"]


def test_a_whole_number_of_a_profile_may_have_a_decimal_point_in_json() -> None:
    emulator = FlaskEmulator()
    values = {"max_numbers": 5069.0, "extno_max_digits": 18.0, "max_clock_skew": 300.0}
    keys = emulator.control("PUT", "profiles/brand", values)["keys"]
    assert [repr(keys[name]["value"]) for name in values] == ["5069", "18", "300"]
    assert emulator.refusal("PUT", "profiles/brand", json={"max_numbers": 1.5}) == (
        422,
        "max_numbers must be a whole number from 1 to 1000000",
    )


def test_an_unknown_or_loaded_profile_is_not_removed_and_the_number_of_added_ones_is_limited() -> None:
    emulator = FlaskEmulator()
    assert emulator.refusal("DELETE", "profiles/x") == (404, "there is no profile x")
    assert emulator.refusal("GET", "profiles/x") == (404, "there is no profile x")
    assert emulator.refusal("DELETE", "profiles/manual")[0] == 409
    for number in range(100):
        emulator.control("PUT", f"profiles/{number}", {})
    assert emulator.refusal("PUT", "profiles/x", json={}) == (422, "there are 100 added profiles already")
    assert emulator.control("PUT", "profiles/7", {"cdata": True})["keys"]["cdata"]["value"] is True


def test_a_stored_profile_is_known_after_a_restart_with_every_key(tmp_path: Path) -> None:
    store = f"sqlite:{tmp_path / 'data.db'}"
    every = {"texts": {"balance": "余额不足"}, "send_time_formats": ["yyyyMMddHHmmss", "0"], "line_end": "crlf"}
    for is_first in (True, False):
        vendor = open_vendor(build_options(store=store))
        try:
            service = ProfileService(vendor, AccountService(vendor, build_options()))
            if is_first:
                written = service.put("x", NewProfile.model_validate(every | {"max_numbers": 5, "cdata": True}))
            assert service.get("x") == written
        finally:
            vendor.store.close()
    profile = replace(OBSERVED, name="y", texts={"balance": "x"}, max_numbers=None)
    assert load_settings(dump_settings(Settings(profiles=(profile,)))).profiles == (profile,)


def test_a_profile_is_put_by_a_test() -> None:
    with Emulator() as emulator:
        profile = emulator.control.put_profile("某品牌", base="observed", extno_max_digits=5)
        assert (profile.name, profile.keys["extno_max_digits"], profile.keys["cdata"]) == ("某品牌", 5, True)
        with emulator.account(profile="某品牌") as vendor:
            assert vendor.profile() == profile
            emulator.control.remove_profile("某品牌")
            assert vendor.profile().name == "manual"
        with pytest.raises(ControlRefused, match="cdata must be true or false"):
            emulator.control.put_profile("某品牌", cdata=5)


SEND = (
    "action=send&userid=12&timestamp=20120701231212&sign=5cc68982f55ac74348e3d819f868fbe1&mobile=15023239810&content=x"
)


def test_a_pasted_request_is_explained_under_any_profile() -> None:
    emulator = FlaskEmulator(profile=["manual", f'{BRANDS[0]}texts.extno-too-long = "扩展子号只能是数字"'])
    emulator.control("POST", "accounts", {"userid": "7", "profile": "甲（华东）"})
    pasted = {"request": f"{SEND}&extno=123456"}
    assert emulator.control("POST", "explain", pasted)["refusal"] == ""
    for chosen in ({"profile": "甲（华东）"}, {"userid": "7"}):
        explained = emulator.control("POST", "explain", pasted | chosen)
        assert (explained["refusal"], explained["profile"]) == ("扩展子号只能是数字", "甲（华东）")
        assert [finding["code"] for finding in explained["diagnosis"]][:2] == [
            "refusal.extno-too-long",
            "refusal.profile-rule",
        ]
    emulator.control("PATCH", "accounts/12", {"profile": "甲（华东）"})
    assert emulator.control("POST", "explain", pasted)["refusal"] == "扩展子号只能是数字"
    assert emulator.control("POST", "explain", pasted | {"profile": "observed"})["refusal"] == ""
    assert emulator.refusal("POST", "explain", json=pasted | {"profile": "x"})[0] == 422
    assert emulator.refusal("POST", "explain", json=pasted | {"userid": "x"})[0] == 404


def test_the_command_explains_under_a_profile(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    file = tmp_path / "某品牌.toml"
    file.write_text('send_time_formats = ["yyyyMMddHHmmss"]\n', "utf-8")

    def explain(*arguments: str) -> str:
        with suppress(SystemExit):
            command.main(["explain", *arguments, f"{SEND}&sendTime=20990101101010"], standalone_mode=False)
        return capfdbinary.readouterr().out.decode()

    assert "send-time" not in explain("--profile", str(file))
    assert "refusal.send-time-format: sendTime is '20990101101010'; expected yyyy-MM-dd HH:mm:ss" in explain()
    file.write_text("send_time_format = []\n", "utf-8")
    with pytest.raises(click.BadParameter, match=r"某品牌\.toml:1: send_time_format is no key of a profile"):
        explain("--profile", str(file))
