"""Tests of the signature diagnosis: every known mistake gets its code, and a correct signature gets none.

The wrong signatures are computed with hashlib from the manual's account, independently of the product.
"""

import hashlib
from datetime import datetime
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms10692 import protocol, signing
from sms10692_mock.diagnosis import CODES
from sms10692_mock.diagnosis.context import is_signed
from sms10692_mock.diagnosis.signed_text_candidates import GENERATORS, OTHERS_TRIED, SigningInputs, candidates
from sms10692_mock.domain.accounts import Account
from support.client_mistakes import RIGHT, SIGNS, A, P, T, U, shift_timestamp
from support.diagnosis import FORM, NOW, OTHERS, build_context, build_form, find_codes, get_findings, md5


@pytest.mark.parametrize(("code", "sign"), SIGNS.values(), ids=SIGNS)
def test_a_wrong_signature_gets_its_code(code: str, sign: str) -> None:
    assert find_codes(build_context(build_form(sign=sign)), "signature") == [code]


def test_two_mistakes_in_one_signature_are_both_reported() -> None:
    assert find_codes(build_context(build_form(sign=md5(P + A + T).upper())), "signature") == [
        "order",
        "upper-case",
    ]
    assert find_codes(build_context(build_form(sign=md5(A + md5(P) + T)[8:24])), "signature") == [
        "hashed-password",
        "sixteen-digits",
    ]
    assert find_codes(build_context(build_form(sign=md5("x").upper())), "signature") == [
        "upper-case",
        "unexplained",
    ]
    assert find_codes(build_context(build_form(sign=md5("x")[:20])), "signature") == [
        "not-32-digits",
        "unexplained",
    ]


def test_the_message_contains_the_detail() -> None:
    def sentence(sign: str, code: str) -> str:
        return get_findings(build_context(build_form(sign=sign)))[f"signature.{code}"].sentence

    assert "password, account, timestamp" in sentence(md5(P + A + T), "order")
    assert "3 s later" in sentence(md5(A + P + shift_timestamp(seconds=3)), "seconds-off")
    assert "1 min 0 s earlier" in sentence(md5(A + P + shift_timestamp(minutes=-1)), "minutes-off")
    assert "a line feed behind password" in sentence(md5(f"{A}{P}\n{T}"), "line-end")
    assert "SHA256" in sentence(hashlib.sha256((A + P + T).encode()).hexdigest(), "another-hash")
    assert "userid '7'" in sentence(md5(f"{A}geheim-shop{T}"), "another-password")


def test_the_hash_of_an_unexplained_signature_is_named() -> None:
    findings = get_findings(build_context(build_form(sign=hashlib.sha1(b"x").hexdigest())))
    assert list(findings) == ["signature.another-hash", "signature.unexplained"]
    assert findings["signature.another-hash"].sentence == "The signature was made with SHA1: use MD5."


def test_a_digest_written_as_numbers_gets_its_code() -> None:
    signs = {shift_timestamp(seconds=n): md5(A + P + shift_timestamp(seconds=n)) for n in range(300)}
    for timestamp, sign in signs.items():
        unpadded_bytes = "".join(f"{byte:x}" for byte in bytes.fromhex(sign))
        if sign.startswith("0"):
            assert find_codes(
                build_context(build_form(timestamp=timestamp, sign=f"{int(sign, 16):x}")), "signature"
            ) == ["zeros-lost"]
            assert find_codes(build_context(build_form(timestamp=timestamp, sign=unpadded_bytes)), "signature") == [
                "zeros-lost"
            ]
        if sign.startswith("f"):
            negative = f"{int(sign, 16) - (1 << 128):x}"
            assert find_codes(build_context(build_form(timestamp=timestamp, sign=negative)), "signature") == [
                "as-number"
            ]
    assert {sign[0] for sign in signs.values()} >= {"0", "f"}


# The timestamp that was sent


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("1341155532", "timestamp-differs"),
        ("1341155532123", "timestamp-differs"),
        ("2012-07-01 23:12:12", "timestamp-differs"),
        ("2012/07/01 23:12:12", "timestamp-differs"),
        ("201207012312", "seconds-off"),
        ("20120701111212", "timestamp-twelve-hour"),
        ("20120701151212", "timestamp-utc"),
        ("20200101000000", "manuals-timestamp"),
        ("constant", "manuals-timestamp"),
    ],
)
def test_a_sent_timestamp_other_than_the_signed_one_gets_its_code(sent: str, code: str) -> None:
    shop = Account("7", "shop", "geheim-shop")
    body = build_form(userid="7", timestamp=sent, sign=md5(f"shopgeheim-shop{T}"))
    assert find_codes(build_context(body, account=shop, others=()), "signature") == [code]


def test_the_signature_of_the_manuals_example_is_recognized() -> None:
    assert find_codes(build_context(build_form(timestamp="20200101000000")), "signature") == ["manuals-timestamp"]
    assert find_codes(build_context(build_form(userid="7"), account=OTHERS[0], others=()), "signature") == [
        "manuals-example"
    ]


def test_a_signature_of_the_current_time_is_recognized_for_any_sent_timestamp() -> None:
    sign = md5(f"{A}{P}20240229080001")
    now = datetime(2024, 2, 29, 8, 0, 3, tzinfo=signing.CHINA).timestamp()
    assert find_codes(build_context(build_form(timestamp="constant", sign=sign), now=now), "signature") == [
        "another-moment"
    ]
    assert find_codes(build_context(build_form(sign=sign), now=now), "signature") == ["another-moment"]


@given(timestamp=st.text(max_size=20) | st.from_regex(r"[0-9]{8,17}", fullmatch=True), sign=st.text(max_size=50))
def test_any_timestamp_and_sign_can_be_diagnosed(timestamp: str, sign: str) -> None:
    get_findings(build_context(build_form(timestamp=timestamp, sign=sign)))


@pytest.mark.parametrize("timestamp", ["00010101000000", "99991231235959", "9999999999", "19700101000000", "٢" * 14])
def test_an_extreme_timestamp_can_be_diagnosed(timestamp: str) -> None:
    assert find_codes(build_context(build_form(timestamp=timestamp, sign=md5("x"))), "signature") == ["unexplained"]


# The parameters


def form_without(*names: str, **replacements: str) -> bytes:
    sent = {"action": "send", "userid": "12", "timestamp": T, "sign": RIGHT, "mobile": "15023239810", "content": "x"}
    return urlencode({name: value for name, value in sent.items() if name not in names} | replacements).encode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"action=send&userid=12&timestamp=20120701231212&sign =" + RIGHT.encode(), ["sign-space"]),
        (b"action=send&userid=12&timestamp=20120701231212&sign+=" + RIGHT.encode(), ["sign-space"]),
        (b"userid=12&timestamp=20120701231212&sign%20=" + md5(P + A + T).encode(), ["sign-space", "order"]),
        (b"userid=12&timestamp=20120701231212&%20sign=" + RIGHT.encode(), ["name-space"]),
        (b"userid =12&timestamp=20120701231212&sign=" + RIGHT.encode(), ["name-space"]),
        (b"userid=12&amp;timestamp=20120701231212&amp;sign=" + RIGHT.encode(), ["name-entity", "name-entity"]),
        (form_without("sign", signature=RIGHT), ["misnamed"]),
        (form_without("userid", user_id="12"), ["misnamed"]),
        (form_without("timestamp", time=T), ["misnamed"]),
        (form_without("sign"), ["absent"]),
        (form_without("sign", sign="  "), ["blank"]),
        (form_without("sign", "userid"), ["absent", "absent"]),
        (form_without("sign", "timestamp", account=A, password=P), ["clear-credentials"]),
        (form_without("sign", "timestamp", "userid", account=A, password=P), ["absent", "clear-credentials"]),
        (form_without(sign=T, timestamp=RIGHT), ["swapped"]),
        (form_without(userid="test"), ["account-as-userid"]),
        (form_without(userid=" 12 "), ["userid-space"]),
        (form_without(userid="12\n"), ["userid-space"]),
        (form_without(userid="012"), ["userid-form"]),
        (form_without(userid="１２"), ["userid-form"]),
        (form_without(userid="q3"), ["userid-form", "manuals-example"]),
        (form_without(userid="999"), ["userid-of-another"]),
        (form_without(userid="999", sign=md5("x")), ["userid-unknown"]),
        (form_without(userid="mima", sign=md5("x")), ["userid-unknown"]),
    ],
)
def test_a_missing_or_wrong_parameter_gets_its_code(body: bytes, expected: list[str]) -> None:
    findings = [f for f in get_findings(build_context(body)).values() if f.kind == "signature"]
    assert len(findings) == len(set(findings))
    assert sorted(set(expected)) == sorted({f.code.removeprefix("signature.") for f in findings})


# Accounts with non-ASCII characters, or characters that an encoding changes


CHINESE = Account("5", "商店", "密 码&")


@pytest.mark.parametrize(
    ("code", "raw"),
    [
        ("gbk", f"商店密 码&{T}".encode("gbk")),
        ("utf-16", f"商店密 码&{T}".encode("utf-16-le")),
        ("big5", f"商店密 码&{T}".encode("big5", "replace")),
        ("letters-lost", f"??? ?&{T}".encode()),
        ("url-encoded", quote(f"商店密 码&{T}", safe="").encode()),
        ("url-encoded", f"商店{quote('密 码&', safe='')}{T}".encode()),
        ("url-encoded", f"{quote_plus('商店密 码&')}{T}".encode()),
        ("entities", f"商店密 码&amp;{T}".encode()),
        ("encoded-twice", f"商店密 码&{T}".encode().decode("latin-1").encode()),
    ],
)
def test_a_chinese_account_signed_in_another_encoding_gets_its_code(code: str, raw: bytes) -> None:
    assert find_codes(build_context(build_form(userid="5", sign=md5(raw)), account=CHINESE), "signature") == [code]


def test_gbk_is_correct_at_the_gbk_endpoint_even_with_another_mistake() -> None:
    endpoint = protocol.V2SMS_GBK
    for sign, expected in (
        (md5(f"商店密 码&{T}".encode("gbk")), []),
        (md5(f"密 码&商店{T}".encode("gbk")), ["order"]),
        (md5(f"商店密 码&{T}".encode("gbk")).upper(), ["upper-case"]),
    ):
        body = build_form(endpoint, userid="5", sign=sign)
        assert find_codes(build_context(body, endpoint=endpoint, account=CHINESE), "signature") == expected
    both = build_context(build_form(userid="5", sign=md5(f"密 码&商店{T}".encode("gbk"))), account=CHINESE)
    assert find_codes(both, "signature") == ["order", "gbk"]


@pytest.mark.parametrize("name", ["商😀", "😀"])
def test_a_gbk_signature_with_a_character_that_gbk_lacks_has_a_finding(name: str) -> None:
    account, endpoint = Account("5", name, "密码"), protocol.V2SMS_GBK
    sign = md5(f"{name}密码{T}".encode("gbk", "replace"))
    context = build_context(build_form(endpoint, userid="5", sign=sign), endpoint=endpoint, account=account)
    assert not is_signed(context, account, T, sign)
    assert find_codes(context, "signature") != []


def test_trimmed_white_space_of_an_account_gets_its_code() -> None:
    spaced = OTHERS[2]
    body = build_form(userid="Q3", sign=md5(f"spacedgeheim spaced{T}"))
    assert find_codes(build_context(body, account=spaced, others=()), "signature") == ["trimmed"]


# Correct signatures


VISIBLE = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)


@given(name=VISIBLE, password=VISIBLE, time=st.datetimes(datetime(1971, 1, 1), datetime(8999, 1, 1)))
def test_a_correct_signature_has_no_findings(name: str, password: str, time: datetime) -> None:
    account = Account("12", name, password)
    timestamp = signing.format_timestamp(time.replace(tzinfo=signing.CHINA))
    for endpoint in protocol.ENDPOINTS[:2]:
        body = urlencode({"userid": "12", "timestamp": timestamp, "sign": md5(name + password + timestamp)}).encode()
        assert find_codes(build_context(body, endpoint=endpoint, account=account), "signature") == []


def test_the_manuals_example_has_no_findings() -> None:
    body = f"action=send&userid=12&timestamp={T}&sign=5cc68982f55ac74348e3d819f868fbe1".encode()
    assert find_codes(build_context(body), "signature") == []
    assert find_codes(build_context(b"", query=body, method="GET"), "signature") == []


@given(
    account=st.builds(Account, st.just("12"), VISIBLE, VISIBLE),
    timestamp=st.sampled_from([T, "", "1341155532", "20240229080001"]),
    content=st.text(),
)
def test_the_correct_text_is_never_a_candidate(account: Account, timestamp: str, content: str) -> None:
    inputs = SigningInputs(account.account, account.password, "12", timestamp, (("content", content),), OTHERS, NOW)
    correct_text = f"{account.account}{account.password}{timestamp}"
    for code, _, text in candidates(inputs):
        assert text != correct_text
        assert code in CODES


def test_a_diagnosis_computes_a_bounded_number_of_digests() -> None:
    many = tuple(Account(str(n), f"a{n}", f"p{n}") for n in range(10_000))
    parameters = (("content", "内容"), ("mobile", "1"))
    inputs = SigningInputs(A, P, U, T, parameters, many, NOW, (*parameters, ("action", "send"), ("extno", "")))
    assert 4_000 < sum(1 for _ in candidates(inputs)) < 7_000
    assert sum(1 for _ in GENERATORS[-1](inputs)) == 3 * OTHERS_TRIED


def test_a_password_in_any_part_of_a_request_is_redacted() -> None:
    body = build_form(userid="mima", content="geheim-shop &amp; mima") + b"&geheim-shop=1&mima=mima"
    shown = get_findings(build_context(body, content_type=f"{FORM}; charset=mima"))
    assert shown["text.entities"].meant == "*** & ***"
    assert shown["habit.unknown-parameters"].sentence.count("***") == 2
    assert shown["habit.charset-label"].sentence.count("***") == 1
    assert "mima" not in str(shown)
