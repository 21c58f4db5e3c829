"""Refusals that only some profiles have (R22): each has its evidence, and the text of the profile."""

import time

import pytest

from sms10692_mock.diagnosis.service import diagnose_logged
from support.emulators import WsgiHarness, get_message
from support.flask_emulator import FlaskEmulator


@pytest.mark.parametrize(
    ("key", "content", "code"),
    [
        ('text_signature = "anywhere"', "x", "text-signature-anywhere"),
        ('text_signature = "front"', "x【店】", "text-signature-front"),
        ('text_signature = "end"', "【店】x", "text-signature-end"),
        ("max_numbers = 1", "【店】", "too-many-numbers"),
        ("text_signature_min = 2", "【店】x", "text-signature-short"),
        ("text_signature_max = 2", "x【一二三】", "text-signature-long"),
        ('text_signature_max = 2\ntext_signature = "end"', "【店】x【一二三】", "text-signature-long"),
        ('text_signature_min = 2\ntext_signature = "anywhere"', "x【】【 】【店】y", "text-signature-short"),
        ('text_signature_min = 2\ntext_signature = "anywhere"', "x【】【 】y", "text-signature-anywhere"),
        ("text_signature_min = 2\ntext_signature_may_be_digits = false", "【12】x【店】", "text-signature-digits"),
        ("text_signature_max = 2", "【一二三】x【四五六】", "text-signature-long"),
        ("text_signature_may_be_digits = false", "【10692】", "text-signature-digits"),
        ("text_signature_may_be_digits = false", "【１２】", "text-signature-digits"),
    ],
)
def test_a_refusal_of_the_profile_has_evidence(key: str, content: str, code: str) -> None:
    emulator = WsgiHarness(profile=f"{key}\ntexts.{code} = '非法'")
    for mobile in ("15023239810,15023239811", "15023239810"):
        is_refused = "," in mobile or code != "too-many-numbers"
        assert ("<message>非法</message>" in emulator.send(mobile=mobile, content=content)) == is_refused
    entry = emulator.store.request(1)
    assert entry is not None
    assert entry.refusal == "非法"
    assert entry.evidence is not None
    assert entry.evidence.code == code
    assert [finding.code for finding in diagnose_logged(entry, emulator.store)][:1] == [f"refusal.{code}"]
    assert "<message>其他错误</message>" in emulator.send(extno="x", content=content)


@pytest.mark.parametrize(
    ("keys", "content"),
    [
        ('text_signature = "anywhere"\ntext_signature_min = 2', "请看【1】项【公司】"),
        ('text_signature = "anywhere"\ntext_signature_min = 2', "【】验证【公司】"),
        ("text_signature_may_be_digits = false", "【12】x【公司】"),
        ("text_signature_may_be_digits = false", "x【12】y"),
        ("text_signature_may_be_digits = false", "【①】x"),
        ("text_signature_max = 2", "【】x"),
        ("text_signature_min = 2", "【 】x"),
        ('text_signature = "front"\ntext_signature_max = 2', "【店】x【一二三】"),
        ("text_signature_min = 2\ntext_signature_max = 3\ntext_signature_may_be_digits = false", "【12】x【公司】"),
    ],
)
def test_one_text_signature_that_fits_is_enough(keys: str, content: str) -> None:
    """Brackets that are blank, or elsewhere than the profile demands, are no signature."""
    assert get_message(WsgiHarness(profile=keys).send(content=content)) == "ok"


def test_brackets_without_an_end_are_read_in_time_that_grows_with_the_text() -> None:
    emulator = WsgiHarness(profile='text_signature = "anywhere"')
    started = time.process_time()
    assert get_message(emulator.send(content="【" + "字" * 100_000)) == "其他错误"
    assert time.process_time() - started < 5


ACCOUNT = {"userid": "12", "account": "test", "password": "mima"}


@pytest.mark.parametrize(
    ("key", "fields", "sentence", "chinese"),
    [
        (
            'send_time_formats = ["yyyyMMddHHmmss", "yyyy-MM-dd"]',
            {"sendTime": "2026-12-30 10:00:00"},
            "sendTime is '2026-12-30 10:00:00'; expected yyyyMMddHHmmss, yyyy-MM-dd: write it like 20101024090810.",
            "sendTime 是“2026-12-30 10:00:00”，格式应为 yyyyMMddHHmmss, yyyy-MM-dd，例如 20101024090810。",
        ),
        (
            "extno_max_digits = 5",
            {"extno": "123456"},
            "extno has 6 digits; at most 5 are allowed: shorten it.",
            "extno 有 6 位，最多 5 位：请缩短。",
        ),
        (
            'text_signature = "front"',
            {},
            "The text does not begin with a 【signature】, which the profile demands: add the signature of the brand.",
            "内容开头没有【签名】，而当前配置要求有：请加上签名。",
        ),
        (
            "text_signature_min = 3",
            {"content": "【店】"},
            "The 【signature】 '店' has 1 character, and the profile wants at least 3: use a longer signature.",
            "【签名】“店”有 1 个字，当前配置至少 3 个：请换一个较长的签名。",
        ),
        (
            "text_signature_max = 1",
            {"content": "【小店】"},
            "The 【signature】 '小店' has 2 characters, and the profile allows at most 1: use a shorter signature.",
            "【签名】“小店”有 2 个字，当前配置最多 1 个：请换一个较短的签名。",
        ),
        (
            "max_numbers = 1",
            {"mobile": "15023239810,15023239811"},
            "The request has 2 numbers; the profile allows 1: divide the numbers among several requests.",
            "一次提交了 2 个号码，当前配置最多 1 个：请分几次提交。",
        ),
    ],
)
def test_the_findings_of_a_refusal_name_the_profile_and_the_key(
    key: str, fields: dict[str, str], sentence: str, chinese: str
) -> None:
    emulator = FlaskEmulator(profile=["manual", f'name = "某品牌"\n{key}'], account_profile=["12:某品牌"])
    assert "<message>其他错误</message>" in emulator.send(ACCOUNT, **fields)
    name = key.partition(" ")[0]
    english = [
        sentence,
        f"This rule is that of the profile '某品牌', from its key(s) {name}: compare them with what the",
    ]
    for language, expected in (("en", english), ("zh", [chinese, f"这条规则来自品牌配置“某品牌”的键 {name}"])):
        logged = emulator.control("GET", f"requests/1?lang={language}")["diagnosis"][:2]
        assert [finding["code"] for finding in logged][1] == "refusal.profile-rule"
        assert all(one["sentence"].startswith(start) for one, start in zip(logged, expected, strict=True)), logged


def _read_codes(emulator: FlaskEmulator, number: int) -> list[str]:
    return [finding["code"] for finding in emulator.control("GET", f"requests/{number}")["diagnosis"]]


def test_a_rule_that_the_profile_has_in_common_with_the_manual_is_not_named_as_the_profiles() -> None:
    emulator = FlaskEmulator(profile='check_words = "always"\nextno_max_digits = 10\ncdata = true')
    emulator.send(ACCOUNT, extno="12345678901")
    emulator.send(ACCOUNT, content="代开发票")
    emulator.http.post("/sms.aspx", data=ACCOUNT | {"action": "send", "mobile": "15023239810", "content": "代开发票"})
    codes = [
        [finding["code"] for finding in emulator.control("GET", f"requests/{number}")["diagnosis"]]
        for number in (1, 2, 3)
    ]
    assert codes[0][0] == "refusal.extno-too-long"
    assert codes[1][0] == "refusal.forbidden-word"
    assert ["refusal.profile-rule" in found for found in codes] == [False, False, True]


def test_a_send_time_in_a_format_of_the_brand_is_no_mistake_and_one_of_the_past_is() -> None:
    emulator = FlaskEmulator(profile='send_time_formats = ["yyyyMMddHHmmss", "0"]')
    for sent in ("20111203221211", "0", "20111201221211"):
        assert "<message>ok</message>" in emulator.send(ACCOUNT, content="您好", sendTime=sent)
    codes = [
        [finding["code"] for finding in emulator.control("GET", f"requests/{number}")["diagnosis"]]
        for number in (1, 2, 3)
    ]
    assert ["habit.send-time-past" in found for found in codes] == [False, False, True]
    assert emulator.control("GET", "requests/3")["has_findings"]
    assert "<message>其他错误</message>" in emulator.send(ACCOUNT, content="您好", sendTime="20110230221211")
    assert _read_codes(emulator, 4)[0] == "refusal.send-time-no-date"


def test_the_finding_of_an_unknown_action_lists_those_of_the_profile() -> None:
    emulator = FlaskEmulator(profile="signed_changespwd = true")
    emulator.send(ACCOUNT, action="Changespwd", newpwd="neu", renewpwd="neu")
    findings = emulator.control("GET", "requests/1")["diagnosis"]
    assert findings[0]["sentence"] == (
        "action is 'Changespwd'; this endpoint supports send, overage, checkkeyword, changespwd: send one of these "
        "words exactly."
    )
    assert not any("newpwd" in finding["sentence"] for finding in findings)


@pytest.mark.parametrize(
    ("profile", "sent", "other"),
    [("manual", "dataType", "rt"), ('json_switch = "dataType"', "rt", "dataType")],
)
def test_a_parameter_that_asks_for_json_elsewhere_is_a_finding(profile: str, sent: str, other: str) -> None:
    emulator = FlaskEmulator(profile=profile)
    assert emulator.send(ACCOUNT, **{other: "json"}).startswith("{")
    assert emulator.send(ACCOUNT, **{sent: "json"}).startswith("<?xml")
    assert "habit.json-parameter" not in _read_codes(emulator, 1)
    assert emulator.control("GET", "requests/2")["has_findings"]
    found = {one["code"]: one["sentence"] for one in emulator.control("GET", "requests/2")["diagnosis"]}
    assert found["habit.json-parameter"] == (
        f"{sent}=json does not ask for JSON in this profile, so the response is XML: read XML, or compare the "
        "parameter with the vendor's document."
    )


def test_a_form_with_a_signature_is_explained_for_a_signed_endpoint() -> None:
    emulator = FlaskEmulator(profile="signed_changespwd = true")
    form = (
        "action=changespwd&userid=12&timestamp=20120701231212&sign=5cc68982f55ac74348e3d819f868fbe1"
        "&newpwd=neu&renewpwd=neu"
    )
    explained = emulator.control("POST", "explain", {"request": form})
    assert (explained["path"], explained["operation"], explained["refusal"]) == ("/v2sms.aspx", "changespwd", "")
