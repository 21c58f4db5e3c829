"""The profile in force, over the control API."""

from dataclasses import fields

from sms10692_mock.domain.profiles import Profile
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
