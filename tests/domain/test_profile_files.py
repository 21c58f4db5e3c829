"""Profile files: what is read, what is refused with its line, and the command `sms10692-mock profile` (R22)."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import click
import pytest

from sms10692_mock.cli import command
from sms10692_mock.diagnosis.service import diagnose_logged
from sms10692_mock.domain.profiles import MANUAL, OBSERVED, PROFILES, Profile
from sms10692_mock.profile_file import KEYS, describe_profile, load_profile, parse_profile, read_profile
from support.emulators import GBK, STATUS, UTF8, WsgiHarness, emulator_server, sign
from support.exchanges import EXCHANGES
from support.http_client import build_request, call_control

BRAND = Path("brand.toml")


def test_a_file_changes_single_keys_of_a_built_in_profile() -> None:
    profile = read_profile('base = "observed"\nextno_max_digits = 5\ntexts.action = "参数错误"\n', BRAND)
    assert (profile.name, profile.extno_max_digits, profile.cdata) == ("brand", 5, True)
    assert profile.texts == {"action": "参数错误"}
    assert read_profile("", BRAND) == Profile(name="brand")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a = 1", "brand.toml:1: a is no key of a profile"),
        ("\n\nextno_max_digits = 99\n", "brand.toml:3: extno_max_digits must be from 1 to 20"),
        ('extno_max_digits = "5"', "brand.toml:1: extno_max_digits Input should be a valid integer"),
        ("cdata = 1", "brand.toml:1: cdata Input should be a valid boolean"),
        ("max_numbers = 0", "brand.toml:1: max_numbers must be from 1 to 1000000"),
        ("max_clock_skew = 1e11", "brand.toml:1: max_clock_skew must be from 0 to 10000000000"),
        ("max_clock_skew = -1", "brand.toml:1: max_clock_skew must be from 0 to 10000000000"),
        ("max_clock_skew = nan", "brand.toml:1: max_clock_skew"),
        ("billing = 'free'", "brand.toml:1: billing Input should be 'segment' or 'recipient'"),
        (
            "cdata = true\ntext_signature = 'top'",
            "brand.toml:2: text_signature Input should be 'optional', 'anywhere', 'front' or",
        ),
        ("[texts]\n\nnope = 'x'", "brand.toml:3: texts.nope"),
        ("[texts]\naction = ''", "brand.toml:2: texts.action must have 1 to 200 printable characters"),
        ("[texts]\naction = '''a\nb'''", "brand.toml:2: texts.action must have 1 to 200 printable characters"),
        ("keyword_found = ''", "brand.toml:1: keyword_found must have 1 to 200 printable characters"),
        ("send_time_formats = []", "brand.toml:1: send_time_formats must have at least one format"),
        ("send_time_formats = ['yyyy']", "brand.toml:1: send_time_formats Input should be 'yyyy-MM-dd HH:mm:ss',"),
        ("base = 'x'", "brand.toml:1: base must be one of manual, observed"),
        ("base = ['x']", "brand.toml:1: base must be one of manual, observed"),
        ("name = 'manual'", "brand.toml:1: name must be a word of at most 40 characters, not manual or observed"),
        ("name = 'a/b'", "brand.toml:1: name must be a word"),
        ("x = [", "brand.toml: Invalid value"),
        ("x = " + "[" * 20_000, "brand.toml: a value is too long or nested too deeply"),
        ("x = " + "1" * 5_000, "brand.toml: a value is too long or nested too deeply"),
        ("keyword_clean = 2011-01-01", "brand.toml: 2011-01-01 is a date"),
        ("keyword_clean = '  '", "brand.toml:1: keyword_clean must have 1 to 200 printable characters"),
        ("keyword_found = '屏蔽词'", "brand.toml:1: keyword_found must begin with 包含"),
        ("[texts]\nfault = 'x'", "brand.toml:2: texts.fault is no refusal of the vendor"),
    ],
)
def test_a_mistake_is_one_error_with_its_line(source: str, message: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is compared below
        read_profile(source, BRAND)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_a_file_that_cannot_be_read_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.toml is neither a file nor one of manual, observed"):
        parse_profile(str(tmp_path / "none.toml"))
    (tmp_path / "gbk.toml").write_bytes('name = "品牌"'.encode("gbk"))
    with pytest.raises(ValueError, match=r"gbk\.toml is not UTF-8 \(byte 10\)"):
        load_profile(tmp_path / "gbk.toml")
    (tmp_path / "bom.toml").write_text('\ufeffname = "品牌"', "utf-8")
    assert load_profile(tmp_path / "bom.toml").name == "品牌"


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_what_is_shown_can_be_read_again(profile: Profile) -> None:
    shown = describe_profile(profile)
    assert list(tomllib.loads(shown)) == ["base", *(name for name in KEYS if getattr(profile, name) is not None)]
    again = read_profile(shown, BRAND)
    assert [getattr(again, name) for name in KEYS] == [getattr(profile, name) for name in KEYS]
    assert read_profile(describe_profile(again), BRAND) == again


def test_every_cause_of_a_refusal_can_have_a_text_of_the_profile() -> None:
    emulator = WsgiHarness(
        profile="texts.balance = '余额 & 不足'\ntexts.reserved-number = '号码'\ntexts.delivery-rule = '规则'\n",
        accounts=["12:test:mima:1"],
    )
    assert "<message>余额 &amp; 不足</message>" in emulator.send(mobile="15023239810,15023239811")
    assert "<message>号码</message>" in emulator.send(mobile="10000000001")


def test_the_texts_of_checkkeyword_are_escaped() -> None:
    emulator = WsgiHarness(profile='keyword_clean = "正常 & <安全>"\n')
    assert "<message>正常 &amp; &lt;安全&gt;</message>" in emulator.post(UTF8, action="checkkeyword", content="x")


def test_the_command_shows_and_checks_profiles(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "brand.toml"
    file.write_text("extno_max_digits = 5\n")

    def run(*arguments: str) -> str:
        command.main(["profile", *arguments], standalone_mode=False)
        return capfd.readouterr().out

    assert run("--check", str(file)) == f"{file}: profile brand is valid\n"
    assert "extno_max_digits = 5\n" in run("--show", str(file))
    schema = json.loads(run("--schema"))
    assert set(schema["properties"]) == {"base", "name", *KEYS}
    assert schema["properties"]["extno_max_digits"]["maximum"] == 20
    assert schema["additionalProperties"] is False
    file.write_text("a = 1\n")
    with pytest.raises(click.ClickException, match=r"brand\.toml:1: a is no key of a profile"):
        run("--check", str(file))
    with pytest.raises(click.UsageError, match="give one of --show, --check and --schema"):
        run()


def test_each_key_has_an_exchange_by_hand() -> None:
    files = (exchange.given.get("profile", "") for exchange in EXCHANGES)
    used = {name for file in files if "=" in file for name in tomllib.loads(file)}
    assert used == set(KEYS)


def test_two_accounts_of_different_profiles_and_a_third_in_one_emulator() -> None:
    profile = 'name = "brand"\nkeyword_clean = "未包含非法字符"\n'
    with emulator_server({"profile": profile, "accounts": ["7:shop:a"]}) as address:
        call_control(address, "PATCH", "/accounts/7", {"profile": "observed"})
        assert call_control(address, "GET", "/accounts/7")["profile"] == "observed"
        assert call_control(address, "GET", "/accounts/12")["profile"] == "brand"


def test_r22_accounts_keep_their_own_profile_in_rules_and_texts() -> None:
    emulator = WsgiHarness(
        profile='text_signature = "front"\nkeyword_clean = "未包含非法字符"\nreceivetime = "slashes"\n'
    )
    other = WsgiHarness()
    for path in (UTF8, GBK):
        assert "<message>其他错误</message>" in emulator.send(path=path)
        assert "<message>ok</message>" in emulator.send(path=path, content="【店】内容")
        assert "<message>ok</message>" in other.send(path=path)
    assert "<receivetime>2011/12/2 22:12:11</receivetime>" in emulator.post(STATUS, action="query")
    assert "<receivetime>2011-12-02 22:12:11</receivetime>" in other.post(STATUS, action="query")
    emulator.store.update_account("12", lambda account: replace(account, profile="manual"))
    assert "<message>ok</message>" in emulator.send()
    assert "<message>没有包含屏蔽词</message>" in emulator.post(UTF8, action="checkkeyword", content="x")


def test_a_profile_text_with_characters_that_gbk_lacks_is_sent_on_both_endpoints() -> None:
    emulator = WsgiHarness(profile='texts.credentials-wrong = "错😀 & <b>"\n')
    body = b"action=overage&userid=12&timestamp=1&sign=0"
    assert "<message>错😀 &amp; &lt;b&gt;</message>" in emulator.send_raw(build_request(UTF8, body)).body.decode()
    gbk = emulator.send_raw(build_request(GBK, body)).body.decode("gbk")
    assert "&amp; &lt;b&gt;</message>" in gbk


def test_a_profile_knows_how_it_differs_from_the_manual() -> None:
    assert MANUAL.differences == frozenset()
    assert OBSERVED.differences == {"refusal_form", "keyword_form", "cdata"}
    assert replace(OBSERVED, cdata=False, max_numbers=1).differences == {"refusal_form", "keyword_form", "max_numbers"}


def test_the_signed_endpoints_change_the_password_only_in_a_profile_that_says_so() -> None:
    new = {"newpwd": "neu", "renewpwd": "neu"}
    manual = WsgiHarness()
    assert manual.post(UTF8, action="changespwd", **new) == (
        '<?xml version="1.0" encoding="utf-8" ?><returnsms>\n <returnstatus>Faild</returnstatus>\n'
        " <message>其他错误</message>\n <remainpoint>0</remainpoint>\n <taskID>0</taskID>\n"
        " <successCounts>0</successCounts></returnsms>"
    )
    emulator = WsgiHarness(profile="signed_changespwd = true")
    assert "<message>ok</message>" in emulator.post(GBK, action="changespwd", **new)
    assert "<message>用户名或密码错误</message>" in emulator.send()
    right = {"sign": sign("test", "neu", "20120701231212")}
    assert "<message>ok</message>" in emulator.send(**right)
    refused = emulator.post(UTF8, action="changespwd", newpwd="a", renewpwd="b", **right)
    assert "<message>其他错误</message></returnsms>" in refused
    entry = emulator.store.request(4)
    assert entry is not None
    assert [finding.code for finding in diagnose_logged(entry, emulator.store)][:1] == ["refusal.new-passwords-differ"]
