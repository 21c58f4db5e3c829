"""Profile files: what is read, what is refused with its line, and the command `sms10692-mock profile` (R22)."""

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms10692_mock.cli import command
from sms10692_mock.diagnosis.service import diagnose_logged
from sms10692_mock.domain.profiles import KEYS, MANUAL, OBSERVED, PROFILES, Profile
from sms10692_mock.profile_file import (
    build_schema,
    describe_profile,
    format_value,
    load_profile,
    parse_profile,
    read_profile,
)
from sms10692_mock.toml_lines import Place, find_lines
from support.emulators import GBK, STATUS, UTF8, WsgiHarness, emulator_server, sign
from support.exchanges import EXCHANGES, Exchange
from support.http_client import build_request, call_control

TOP = Path(__file__).parents[2]
BRAND = Path("brand.toml")
_NAME = "name must be a text of 1 to 40 printable characters without /"


def test_a_file_changes_single_keys_of_a_built_in_profile() -> None:
    profile = read_profile('base = "observed"\nextno_max_digits = 5\ntexts.action = "参数错误"\n', BRAND)
    assert (profile.name, profile.extno_max_digits, profile.cdata) == ("brand", 5, True)
    assert profile.texts == {"action": "参数错误"}
    assert read_profile("", BRAND) == Profile(name="brand")


_CLEAN = "keyword_clean must have 1 to 200 printable characters"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a = 1", "brand.toml:1: a is no key of a profile"),
        (
            "# 一\nextno_max_digit = 5",
            "brand.toml:2: extno_max_digit is no key of a profile; did you mean extno_max_digits?",
        ),
        ("[texts.nope]\nx = 1", "brand.toml:1: texts.nope is no cause of a refusal by the vendor"),
        ("[nope]\nx = 1", "brand.toml:1: nope is no key of a profile"),
        ("\n\nextno_max_digits = 99\n", "brand.toml:3: extno_max_digits must be from 1 to 20"),
        ('extno_max_digits = "5"', "brand.toml:1: extno_max_digits must be a whole number from 1 to 20"),
        ("extno_max_digits = 5.0", "brand.toml:1: extno_max_digits must be a whole number from 1 to 20"),
        ("extno_max_digits = true", "brand.toml:1: extno_max_digits must be a whole number from 1 to 20"),
        ("extno_max_digits.most = 5", "brand.toml:1: extno_max_digits must be a whole number from 1 to 20"),
        ("cdata = 1", "brand.toml:1: cdata must be true or false"),
        ("cdata = []", "brand.toml:1: cdata must be true or false"),
        ("max_numbers = 0", "brand.toml:1: max_numbers must be from 1 to 1000000"),
        (
            "cdata = true\ntext_signature = 'top'",
            'brand.toml:2: text_signature must be "optional", "anywhere", "front" or "end"',
        ),
        ("line_end = ['lf']", 'brand.toml:1: line_end must be "lf" or "crlf"'),
        ("[texts]\n\nnope = 'x'", "brand.toml:3: texts.nope is no cause of a refusal by the vendor"),
        (
            "[texts]\nbalanc = 'x'",
            "brand.toml:2: texts.balanc is no cause of a refusal by the vendor; did you mean balance?",
        ),
        ("cdata = true\ntexts.nope = 'x'", "brand.toml:2: texts.nope is no cause of a refusal by the vendor"),
        ("texts = {action = 'x',\nnope = 'y'}", "brand.toml:"),  # TOML 1.1 allows the line feed
        ("texts = {action = 'x', nope = 'y'}", "brand.toml:1: texts.nope is no cause of a refusal by the vendor"),
        ("texts = 'x'", "brand.toml:1: texts must be a table"),
        ("[texts]\naction = ''", "brand.toml:2: texts.action must have 1 to 200 printable characters"),
        ("[texts]\naction = 5", "brand.toml:2: texts.action must be a text in quotation marks"),
        ("[texts]\naction.x = 'y'", "brand.toml:2: texts.action must be a text in quotation marks"),
        ("[texts]\naction = '''a\nb'''", "brand.toml:2: texts.action must have 1 to 200 printable characters"),
        ("[texts]\nfault = 'x'", "brand.toml:2: texts.fault is no cause of a refusal by the vendor"),
        ("cdata = true\n'keyword_found' = ''", "brand.toml:2: keyword_found must have 1 to 200 printable characters"),
        ("keyword_found = '屏蔽词'", "brand.toml:1: keyword_found must begin with 包含"),
        (
            "keyword_clean = '包含0个屏蔽词'",
            "brand.toml:1: keyword_clean may not begin with 包含, as the message about",
        ),
        (
            "cdata = true\nkeyword_clean = '包含屏蔽词'\nkeyword_found = '包含屏蔽词'",
            "brand.toml:2: keyword_clean may not begin with 包含",
        ),
        ("requests_per_second = 3\nrequests_per_minute = 2", "brand.toml:1: requests_per_second must be at most"),
        (
            "verification_codes_per_3_minutes = 3\nverification_codes_per_day = 2",
            "brand.toml:1: verification_codes_per_3_minutes must be at most verification_codes_per_day, which is 2",
        ),
        ("lock_out_seconds = 60", "brand.toml:1: lock_out_seconds does nothing without lock_out_after"),
        ("lock_out_after = 1\nlock_out_seconds = 0", "brand.toml:2: lock_out_seconds must be from 1 to "),
        ("texts.reserved-number = 'x'", "brand.toml:1: texts.reserved-number is no cause of a refusal by the vendor"),
        ("texts.delivery-rule = 'x'", "brand.toml:1: texts.delivery-rule is no cause of a refusal by the vendor"),
        ("texts.account-deleted = 'x'", "brand.toml:1: texts.account-deleted is no cause of a refusal by the vendor"),
        (
            "[texts]\nsql-injection = '含有{word}'",
            "brand.toml:2: texts.sql-injection may not have {word}, which only forbidden-word has",
        ),
        (
            "texts.forbidden-word = '{word}{word}'",
            "brand.toml:1: texts.forbidden-word may have {word} only once",
        ),
        ("keyword_clean = '  '", f"brand.toml:1: {_CLEAN}"),
        (f"keyword_clean = '{'字' * 201}'", f"brand.toml:1: {_CLEAN}"),
        ("keyword_clean = 2011-01-01", "brand.toml:1: keyword_clean must be a text in quotation marks"),
        ("send_time_formats = []", "brand.toml:1: send_time_formats must have at least one value"),
        ("send_time_formats = 'yyyyMMddHHmmss'", "brand.toml:1: send_time_formats must be a list in square brackets"),
        (
            "send_time_formats = [\n  'yyyyMMddHHmmss',  # ]\n  'yyyy',\n]",
            'brand.toml:3: send_time_formats, value 2, must be "yyyy-MM-dd HH:mm:ss", ',
        ),
        (
            "text_signature_max = 2\ntext_signature_min = 3",
            "brand.toml:2: text_signature_min must be at most text_signature_max, which is 2",
        ),
        ("base = 'x'", "brand.toml:1: base must be manual or observed"),
        ("base = ['x']", "brand.toml:1: base must be manual or observed"),
        ("name = 'manual'", f"brand.toml:1: {_NAME}, and not manual or observed"),
        ("name = 'a/b'", f"brand.toml:1: {_NAME}"),
        ("name = '..'", f"brand.toml:1: {_NAME}"),
        ("name = ' a'", f"brand.toml:1: {_NAME}"),
        ("name = ''", f"brand.toml:1: {_NAME}"),
        ('name = "a\\u200b"', f"brand.toml:1: {_NAME}"),
        (f"name = '{'字' * 41}'", f"brand.toml:1: {_NAME}"),
        ("name = 5", f"brand.toml:1: {_NAME}"),
        ("cdata = true\ncdata = true\n\n", "brand.toml:2: this key or table occurs twice (column "),
        ("[texts]\n[texts]", "brand.toml:2: this key or table occurs twice (column "),
        ("cdata = yes", "brand.toml:1: is not TOML: Invalid value (column 9)"),
        ("cdata", "brand.toml:1: is not TOML: Expected '=' after a key in a key/value pair"),
        ("5 = 5", "brand.toml:1: 5 is no key of a profile"),
        ('"" = 5', "brand.toml:1:  is no key of a profile"),
        ("cdata = true\nx = [", "brand.toml:2: is not TOML: Invalid value"),
        ("x = " + "[" * 20_000, "brand.toml: a value is nested too deeply"),
        ("cdata = true\nx = " + "1" * 5_000, "brand.toml:2: a number has too many digits"),
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
    (tmp_path / "gbk.toml").write_bytes('cdata=1\nname = "品牌"'.encode("gbk"))
    with pytest.raises(ValueError, match=r"gbk\.toml:2: is not UTF-8 \(byte 18\)"):
        load_profile(tmp_path / "gbk.toml")
    (tmp_path / "large.toml").write_text("#" * 10_000_000, "utf-8")
    with pytest.raises(ValueError, match=r"large\.toml is longer than 64 KiB"):
        load_profile(tmp_path / "large.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(click.ClickException, match=r"folder\.toml"):
        command.main(["profile", "--check", str(tmp_path / "folder.toml")], standalone_mode=False)


@pytest.mark.parametrize("source", ['\ufeffname = "品牌"\r\ncdata = true\r\n', 'name = "品牌"\rcdata = true\n'])
def test_a_file_has_a_byte_order_mark_and_any_line_ends(source: str, tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(source.encode())
    assert load_profile(file) == Profile(name="品牌", cdata=True)
    file.write_bytes(f"{source}line_end = 'cr'".encode())
    with pytest.raises(ValueError, match=r'x\.toml:3: line_end must be "lf" or "crlf"$'):
        load_profile(file)


@pytest.mark.parametrize("stem", ["品牌（华东）", "a b", "brand.v2", "=:%#?", "字" * 40])
def test_the_name_of_a_file_is_that_of_the_profile(stem: str, tmp_path: Path) -> None:
    (tmp_path / f"{stem}.toml").write_text("")
    assert parse_profile(str(tmp_path / f"{stem}.toml")) == Profile(name=stem)


@pytest.mark.parametrize("stem", ["manual", "字" * 41, " a", "a\u200b"])
def test_a_file_whose_name_no_profile_can_have_needs_a_line_with_a_name(stem: str, tmp_path: Path) -> None:
    file = tmp_path / f"{stem}.toml"
    file.write_text("cdata = true")
    with pytest.raises(ValueError, match='add a line name = "…", since the name of the file must be a text of 1 to 40'):
        load_profile(file)
    file.write_text('cdata = true\nname = "x"')
    assert load_profile(file) == Profile(name="x", cdata=True)


_SYNTAX = ("[", "]", "{", "}", '"', "'", "=", ".", "\n", ",", "#", "'''")
_WORDS = (
    "base",
    "name",
    "action",
    "forbidden-word",
    "x",
    "true",
    "5",
    "1.5",
    '"front"',
    "[texts]",
    "2011-01-01",
    "nan",
)
_TOKENS = st.lists(st.sampled_from((*KEYS, *_SYNTAX, *_WORDS)), max_size=14)


def _find_error(source: str) -> str:
    """Return the message of the error, or an empty text."""
    try:
        read_profile(source, BRAND)
    except ValueError as error:
        return str(error)
    return ""


@given(_TOKENS.map(" ".join) | st.text(max_size=40))
def test_any_text_is_a_profile_or_one_line_with_file_and_line(source: str) -> None:
    error = _find_error(source.replace("\r", "\n"))
    assert not error or re.fullmatch(r"brand\.toml:\d+: \S.*", error)


_VALUES = st.recursive(
    st.sampled_from(["x", "a.b # ]", '"q\\"', "字"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["k", "m.n", 'ü"', "5"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(_VALUES)
def test_the_line_of_every_key_and_value_is_found(document: object) -> None:
    """Every value of a list is on a line of its own; a table is on one line unless it contains a list."""
    source, expected = "", dict[Place, int]()

    def write(value: object, place: Place) -> None:
        nonlocal source
        expected[place] = source.count("\n") + 1
        if isinstance(value, list):
            source += "[ # ]"
            for index, one in enumerate(value):
                source += "\n"
                write(one, (*place, index))
                source += ","
            source += "\n]"
        elif isinstance(value, dict):
            source += "{"
            for name, one in value.items():
                source += f"{'' if source.endswith('{') else ', '}{json.dumps(name)} = "
                write(one, (*place, name))
            source += "}"
        else:
            source += json.dumps(value)

    source = "\n'first key' = "
    write(document, ("first key",))
    assert tomllib.loads(source) == {"first key": document}
    assert find_lines(source) == expected


def test_the_line_of_keys_in_tables_and_dotted_keys_is_found() -> None:
    source = (
        'a.b = 1\n\n[t."x y"]\nc = """\n[z]\nd = 1"""\n\'e\' . f = 2\n'
        "[[l]]\ng = '''\n'''\n[[l]]\nh = {i = 1, j.k = 2}\n"
    )
    assert "t" in tomllib.loads(source)
    lines = find_lines(source)
    assert {".".join(map(str, place)): line for place, line in lines.items()} == {
        "a": 1,
        "a.b": 1,
        "t": 3,
        "t.x y": 3,
        "t.x y.c": 4,
        "t.x y.e": 7,
        "t.x y.e.f": 7,
        "l": 8,
        "l.0": 8,
        "l.0.g": 9,
        "l.1": 11,
        "l.1.h": 12,
        "l.1.h.i": 12,
        "l.1.h.j": 12,
        "l.1.h.j.k": 12,
    }


def _matches(schema: dict[str, Any], value: Any) -> bool:
    """Validate the keywords of JSON Schema that the schema of profiles uses."""
    kinds: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "integer": int,
        "number": (int, float),
    }
    checks: dict[str, Callable[[Any], bool]] = {
        "type": lambda kind: (
            kind != "null" and isinstance(value, kinds[kind]) and (kind == "boolean" or value is not True)
        ),
        "enum": lambda known: value in known,
        "not": lambda inner: not _matches(inner, value),
        "anyOf": lambda inner: any(_matches(one, value) for one in inner),
        "minLength": lambda least: len(value) >= least,
        "maxLength": lambda most: len(value) <= most,
        "pattern": lambda pattern: re.search(pattern, value) is not None,
        "minItems": lambda least: len(value) >= least,
        "items": lambda inner: all(_matches(inner, one) for one in value),
        "minimum": lambda low: value >= low,
        "maximum": lambda high: value <= high,
        "properties": lambda inner: all(_matches(inner[name], one) for name, one in value.items() if name in inner),
        "additionalProperties": lambda _: set(value) <= set(schema["properties"]),
    }
    described = ("$schema", "title", "description", "default")
    return all(checks[keyword](argument) for keyword, argument in schema.items() if keyword not in described)


@pytest.mark.parametrize(
    ("source", "is_valid"),
    [
        ("", True),
        ('name = "品牌（华东）"\nsend_time_formats = ["yyyy-MM-dd"]\ntexts.balance = "余额"\nmax_numbers = 5', True),
        *(
            (f"{name} = {format_value(getattr(OBSERVED, name))}", True)
            for name in KEYS
            if getattr(OBSERVED, name) is not None
        ),
        ('name = "manual"', False),
        ('name = "a/b"', False),
        ('name = ".."', False),
        (f'name = "{"x" * 41}"', False),
        ("send_time_formats = []", False),
        ('send_time_formats = ["x"]', False),
        ('texts.balance = " "', False),
        ('texts.fault = "x"', False),
        ('texts.nope = "x"', False),
        (f'keyword_clean = "{"x" * 201}"', False),
        ("extno_max_digits = 21", False),
        ("extno_max_digits = true", False),
        ('keyword_found = "包含屏蔽字符"', True),
        ('keyword_found = "屏蔽字符"', False),
        ('keyword_clean = "包含0个屏蔽词"', False),
        ('keyword_clean = "没有　屏蔽词"', True),
        ('texts.forbidden-word = "包含{word}。"', True),
        ('texts.forbidden-word = "{word}{word}"', False),
        ('texts.sql-injection = "{word}"', False),
        ('texts.reserved-number = "x"', False),
        ("cdata = 1", False),
        ("a = 1", False),
    ],
)
def test_the_schema_accepts_exactly_what_is_read(source: str, is_valid: bool) -> None:
    assert _matches(build_schema(), tomllib.loads(source)) is is_valid
    if is_valid:
        read_profile(source, BRAND)
    else:
        with pytest.raises(ValueError, match=r"brand\.toml:1: "):
            read_profile(source, BRAND)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_what_is_shown_can_be_read_again(profile: Profile) -> None:
    shown = describe_profile(profile)
    assert list(tomllib.loads(shown)) == ["base", *(name for name in KEYS if getattr(profile, name) is not None)]
    again = read_profile(shown, BRAND)
    assert [getattr(again, name) for name in KEYS] == [getattr(profile, name) for name in KEYS]
    assert read_profile(describe_profile(again), BRAND) == again


def test_every_cause_of_a_refusal_can_have_a_text_of_the_profile() -> None:
    emulator = WsgiHarness(profile="texts.balance = '余额　& 不足'\n", accounts=["12:test:mima:1"])
    assert "<message>余额　&amp; 不足</message>" in emulator.send(mobile="15023239810,15023239811")


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


_GRADE = re.compile(r": ([SMW])\b(?:-([SMW]))?")


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name)
def test_no_exchange_has_fewer_sources_than_its_key_says(exchange: Exchange) -> None:
    """A key has the grade of its value with the fewest sources."""
    source = exchange.given.get("profile", "")
    found = _GRADE.search(exchange.provenance)
    keys = tomllib.loads(source) if "=" in source else {}
    if len(keys) == 1 and found is not None:
        (name,) = keys
        assert KEYS[name].provenance == "observed"
        assert "WMS".index(min(filter(None, found.groups()), key="WMS".index)) >= "WMS".index(KEYS[name].grade)


def test_keys_of_the_profile_observed_have_the_grades_of_its_clauses() -> None:
    clauses = {one["id"]: one for one in tomllib.loads((TOP / "fixtures/clauses.toml").read_text("utf-8"))["clause"]}
    for name, clause in (("cdata", "A12"), ("keyword_form", "A13"), ("refusal_form", "A14")):
        assert (KEYS[name].provenance, KEYS[name].grade) == (clauses[clause]["provenance"], clauses[clause]["grade"])
    assert {"cdata", "keyword_form", "refusal_form"} == OBSERVED.differences


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


@pytest.mark.parametrize("document", ["docs/profiles.md", "docs/profiles.zh-CN.md"])
def test_the_example_of_the_documents_describes_a_vendor_in_five_lines(document: str) -> None:
    text = (TOP / document).read_text("utf-8")
    source = re.findall("```toml\n(.*?)```", text, re.DOTALL)[0]
    assert len([line for line in source.splitlines() if not line.startswith("#")]) == 5
    emulator = WsgiHarness(profile=source)
    described = re.findall("`content=([^`]*)`[^`]*`([^`]*)`", text.partition("```sh")[0].rpartition("```")[2])
    assert described == [
        ("您好", "短信必须带【】格式签名"),
        ("【店】代开发票", "包含屏蔽词：发票"),
        ("【店】您好&extno=123456", "其他错误"),
    ]
    for sent, refusal in described:
        content, _, extno = sent.partition("&extno=")
        assert f"<message>{refusal}</message>" in emulator.send(content=content, extno=extno)
    assert "<message>ok</message>" in emulator.send(content="【店】您好", extno="12345")
    assert "<checkCounts>您好</checkCounts>" in emulator.post(UTF8, action="checkkeyword", content="您好")
