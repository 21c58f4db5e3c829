"""Requests that the vendor accepts, and that will cause trouble: each has its finding, in the hint and in the API.

The hint depends on the check that runs before every response, the API does not, so both are compared.
"""

import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms10692 import protocol
from sms10692_mock.diagnosis import diagnose
from sms10692_mock.diagnosis.numbers import are_plain, check_mobile
from sms10692_mock.diagnosis.pasted import parse_pasted
from sms10692_mock.diagnosis.registry import EXAMPLE_ACCOUNTS, FindingSpec, explain_example, load_registry
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account
from sms10692_mock.domain.api_request import match_endpoint
from sms10692_mock.domain.evidence import REMARKS
from support.diagnosis import FORM, NOW, build_context, build_form, find_suspicion_of, md5
from support.flask_emulator import FlaskEmulator

V2SMS, GBK = protocol.V2SMS, protocol.V2SMS_GBK
HEAD = b"action=send&userid=12&timestamp=20120701231212&sign=5cc68982f55ac74348e3d819f868fbe1&mobile=15023239810"


def timed(time: str) -> bytes:
    return build_form(timestamp=time, sign=md5(f"testmima{time}"))


MULTIPART = "multipart/form-data; boundary=X"


def multipart(filename: str = "") -> bytes:
    fields = {pair.split("=")[0]: pair.split("=")[1] for pair in HEAD.decode().split("&")} | {
        "content": "内容",
        "extno": "1",
    }
    parts = [
        f'--X\r\nContent-Disposition: form-data; name="{name}"'
        f"{f'; filename={filename}' if name == filename else ''}\r\n\r\n{value}\r\n"
        for name, value in fields.items()
    ]
    return ("".join(parts) + "--X--\r\n").encode()


PART_AGAIN = b'--X\r\nContent-Disposition: form-data; name="content"\r\n\r\n2\r\n--X--'

MISTAKES: dict[str, tuple[str, str, dict[str, Any]]] = {
    # Finding code, part of its sentence, request: body, and what differs from a POST of a form
    "raw ampersand": (
        *("habit.text-lost", "'B 100% C D' was lost, because it follows a raw '&' (content ends with 'A')"),
        {"data": HEAD + b"&content=A&B 100% C+D"},
    ),
    "raw percent": (
        *("habit.broken-percent", "A '%' in content is not followed by two hexadecimal digits ('100% of')"),
        {"data": HEAD + b"&content=100% off"},
    ),
    "raw plus": (
        *("habit.plus-as-space", "A raw '+' in content arrives as a space ('1+1=2')"),
        {"data": HEAD + b"&content=1+1=2"},
    ),
    "sent twice": ("habit.repeated-parameter", "content was sent 2 times", {"data": HEAD + b"&content=a&content=b"}),
    "in both places": (
        *("habit.query-and-body", "extno is in the query string and, with another value, in the body; only '2'"),
        {"data": build_form(extno="1"), "query_string": "extno=2"},
    ),
    "pair escaped": (
        *("habit.escaped-pair", "'extno%3D1' is a name and a value escaped together"),
        {"data": HEAD + b"&content=a&extno%3D1"},
    ),
    "compressed": (
        *("habit.compressed-body", "The body is compressed"),
        {"data": b"\x1f\x8b\x08\x00abc", "query_string": HEAD.decode() + "&content=a"},
    ),
    "charset as Content-Encoding": (
        *("habit.content-encoding", "Content-Encoding is 'utf-8', but the body is not compressed"),
        {"data": build_form(), "headers": {"Content-Encoding": "utf-8"}},
    ),
    "gzip as Content-Encoding of a form": (
        *("habit.content-encoding", "Content-Encoding is 'gzip', but the body is not compressed"),
        {"data": build_form(), "headers": {"Content-Encoding": "gzip"}},
    ),
    "URL in a text": (
        *("habit.text-lost", "'b=2&c' was lost, because it follows a raw '&' (content ends with 'ttp://x/?a=1')"),
        {"data": HEAD + b"&content=http://x/?a=1&b=2&c"},
    ),
    "equation in a text": (
        *("habit.text-lost", "'B=C' was lost, because it follows a raw '&' (content ends with 'A')"),
        {"data": HEAD + b"&content=A&B=C"},
    ),
    "escaped equals in a text": (
        *("habit.text-lost", "'b=c' was lost, because it follows a raw '&' (content ends with 'a')"),
        {"data": HEAD + b"&content=a&b%3Dc"},
    ),
    "part sent twice": (
        *("habit.repeated-parameter", "content was sent 2 times"),
        {"data": multipart().replace(b"--X--", PART_AGAIN), "content_type": MULTIPART},
    ),
    "part with a file name": (
        *("habit.part-with-filename", "The part 'extno' has a file name"),
        {"data": multipart(filename="extno"), "content_type": MULTIPART},
    ),
    "12-hour clock and UTC": ("habit.twelve-hour-utc", "UTC on a 12-hour clock", {"data": timed("20120701031212")}),
    "sendTime in UTC": (
        *("habit.send-time-utc", "sendTime is '2012-07-01 15:15:00', 8 hours in the past"),
        {"data": build_form(sendTime="2012-07-01 15:15:00")},
    ),
    "sendTime yesterday": (
        *("habit.send-time-past", "sendTime is '2012-06-29 10:00:00', which is in the past (3 days old)"),
        {"data": build_form(sendTime="2012-06-29 10:00:00")},
    ),
    "another name": (
        *("habit.similar-name", "The parameter 'send_time' is unknown and probably means 'sendTime'"),
        {"data": HEAD + b"&content=a&send_time=2030-01-01+10:00:00"},
    ),
    "undefined in a text": (
        *("text.missing-value", "The text contains 'undefined'"),
        {"data": build_form(content="验证码undefined")},
    ),
    "null in a text": (
        *("text.missing-value", "The text contains 'null'"),
        {"data": build_form(content="您的验证码是null")},
    ),
    "object": ("text.missing-value", "'[object Object]'", {"data": build_form(content="code [object Object]")}),
    "braces": ("text.placeholder", "The text contains '{code}'", {"data": build_form(content="验证码{code}")}),
    "dollar": ("text.placeholder", "The text contains '${code}'", {"data": build_form(content="验证码${code}")}),
    "percent s": ("text.placeholder", "The text contains '%s'", {"data": build_form(content="验证码%s，5分钟")}),
    "numbered": ("text.placeholder", "The text contains '{0}'", {"data": build_form(content="验证码{0}")}),
    "signature in the middle": (
        *("text.signature-in-the-middle", "The signature 【商店】 is in the middle"),
        {"data": build_form(content="您好【商店】欢迎")},
    ),
}  # fmt: skip

NUMBERS = {
    "NaN": ("number-missing-value", "'NaN' is the text of a missing value (1 of 1 number)", None),
    "undefined,15023239810": ("number-missing-value", "missing value (1 of 2 numbers)", None),
    "[object Object]": ("number-missing-value", "'[object Object]'", None),
    "None": ("number-missing-value", "'None'", None),
    "{mobile}": ("number-placeholder", "'{mobile}'", None),
    "+8615023239810": ("number-country-code", "'+8615023239810' has a country code", "15023239810"),
    "8615023239810": ("number-country-code", "'8615023239810'", "15023239810"),
    "0086-15023239810": ("number-country-code", "'0086-15023239810'", "15023239810"),
    "0086-150-2323-9810": ("number-country-code", "'0086-150-2323-9810'", "15023239810"),
    "(+86)15023239810": ("number-country-code", "'(+86)15023239810'", "15023239810"),
    "+86 150 2323 9810": ("number-country-code", "'+86 150 2323 9810'", "15023239810"),
    "+15551234567": ("number-foreign", "'+15551234567' is a number of another country", None),
    "1502323981": ("number-length", "'1502323981' has 10 digits (1 of 1 number): a mobile number has 11", None),
    "150232398100": ("number-length", "'150232398100' has 12 digits", None),
    "1502323981013527576163": ("number-joined", "several numbers", "15023239810,13527576163"),
    '["15023239810","13527576163"]': ("number-json", "is part of a JSON array", "15023239810,13527576163"),
    "[15023239810,13527576163]": (
        *("number-json", "'[15023239810' is part of a JSON array (2 of 2 values)"),
        "15023239810,13527576163",
    ),
    "'15023239810'": ("number-quotes", "'15023239810' is in quotation marks", "15023239810"),
    "150 2323 9810": ("number-spaces", "'150 2323 9810' has spaces or hyphens inside", "15023239810"),
    "150-2323-9810": ("number-spaces", "'150-2323-9810'", "15023239810"),
    "15023239810.0": ("number-decimal", "'15023239810.0' is written as a decimal number", "15023239810"),
    "1.5023239810E+10": ("number-exponent", "'1.5023239810E+10' is written with an exponent", None),
    "05718888888": ("number-not-mobile", "'05718888888' does not begin with 1", None),
    "手机号": ("number-not-digits", "'手机号' is no number", None),
    "1502323981O": ("number-not-digits", "'1502323981O' is no number", None),
}  # fmt: skip


@pytest.fixture(scope="module")
def emulator() -> FlaskEmulator:
    """Emulator at the time of the manual's timestamp."""
    emulator = FlaskEmulator(replaced_options={"accounts": (DEFAULT_ACCOUNT,)})
    emulator.now = NOW
    return emulator


def diagnose_sent(emulator: FlaskEmulator, **request: Any) -> dict[str, dict[str, Any]]:
    """Send an accepted request. Returns the findings by code, which must be those of the hint."""
    response = emulator.http.post("/v2sms.aspx", **{"content_type": FORM} | request)
    assert "<message>ok<" in response.text
    (entry,) = emulator.control("GET", "requests?order=desc&limit=1")["items"]
    findings = emulator.control("GET", f"requests/{entry['number']}")["diagnosis"]
    hint = response.headers.get("X-Mock-Hint", "")
    assert [finding["code"] for finding in findings if f"{finding['code']}: " not in hint] == []
    return {finding["code"]: finding for finding in findings}


@pytest.mark.parametrize(("code", "part", "request_arguments"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_reported(
    emulator: FlaskEmulator, code: str, part: str, request_arguments: dict[str, Any]
) -> None:
    assert part in diagnose_sent(emulator, **request_arguments)[code]["sentence"]


@pytest.mark.parametrize("mobile", NUMBERS)
def test_a_value_that_is_no_number_gets_its_own_message(emulator: FlaskEmulator, mobile: str) -> None:
    code, part, meant = NUMBERS[mobile]
    findings = diagnose_sent(emulator, data=build_form(mobile=mobile))
    assert list(findings) == [f"text.{code}"]
    assert part in findings[f"text.{code}"]["sentence"]
    assert findings[f"text.{code}"]["meant"] == meant


def test_a_raw_plus_before_a_number_is_named(emulator: FlaskEmulator) -> None:
    findings = diagnose_sent(emulator, data=HEAD.replace(b"mobile=", b"mobile=+86") + b"&content=a")
    assert "'8615023239810' has a country code" in findings["text.number-country-code"]["sentence"]


@pytest.mark.parametrize(
    ("body", "name", "meant"),
    [
        (b"phone=15023239810&content=a", "phone", "mobile"),
        (b"to=15023239810&content=a", "to", "mobile"),
        (b"mobile=15023239810&msg=a", "msg", "content"),
        (b"mobile=15023239810&contnet=a", "contnet", "content"),
    ],
)
def test_a_parameter_with_a_similar_name_is_named_with_the_right_name(body: bytes, name: str, meant: str) -> None:
    form = HEAD.replace(b"&mobile=15023239810", b"") + b"&" + body
    (finding,) = [one for one in diagnose(build_context(form)) if one.code == "habit.similar-name"]
    assert finding.values == (name, meant)


def test_one_mistake_has_one_finding() -> None:
    form = HEAD.replace(b"&mobile=", b"&phone=") + b"&content=http://x/?a=1&b=2"
    codes = [one.code for one in diagnose(build_context(form))]
    assert sorted(codes) == ["habit.similar-name", "habit.text-lost"]


SIGN = "5cc68982f55ac74348e3d819f868fbe1"
ACCOUNT = Account("12", "test", "ge&heim+1%zz")
VALID = f"action=overage&userid=12&timestamp=20120701231212&sign={md5('testge&heim+1%zz20120701231212')}"
SHORTENED = HEAD.decode().partition("&sign=")[0]
SECRET_REQUESTS = {
    "escaped pair": (SHORTENED + f"&sign%3D{SIGN}", ""),
    "escaped pair in capitals": (SHORTENED + f"&Sign%3d{SIGN.upper()}", ""),
    "text after the signature": (HEAD.decode() + f"&content=a&sign={SIGN}&x", ""),
    "part of a signature": (SHORTENED + f"&sign={SIGN}&{SIGN[:16]}", ""),
    "in query and body": (HEAD.decode() + "&content=a", f"sign={SIGN}"),
    "with another signature in the body": (HEAD.decode().replace(SIGN, "x" * 32), f"sign={SIGN}"),
    "broken escape in the signature": (SHORTENED + f"&sign={SIGN}%zz", ""),
    "plus in the signature": (SHORTENED + f"&sign={SIGN}+%20", ""),
    "repeated": (HEAD.decode() + f"&sign={SIGN}&content=a", ""),
    "in the text": (HEAD.decode() + f"&content={SIGN}&{SIGN}", ""),
    "as a number": (HEAD.decode().replace("mobile=", f"mobile={SIGN},[{SIGN}],") + "&content=a", ""),
    "in another parameter": (HEAD.decode() + f"&content=a&extno={SIGN}&sendTime={SIGN}&token={SIGN}", ""),
    "as userid": (f"action=overage&userid={SIGN}&timestamp={SIGN}&sign={SIGN}", ""),
    "as action": (f"action={SIGN}&userid=12&timestamp=20120701231212&sign={SIGN}", ""),
    "password with a raw ampersand": (VALID + "&password=ge&heim%2B1%25zz", ""),
    "password after a raw ampersand of a text": (VALID + "&content=my+password:ge&heim%2B1%25zz", ""),
    "password with three raw characters": (VALID + "&content=x+ge&heim+1%zz", ""),
    "escaped password": (VALID + "&password%3Dge%26heim%2B1%25zz", ""),
    "escaped password in a text": (VALID + "&content%3Dge%26heim%2B1%25zz", ""),
    "raw password": (VALID + "&pwd=ge%26heim+1%zz", "pwd=heim"),
    "password of no account": (VALID + "&passwd=ge&heim&pass=heim=2&password%3Dheim", "password=heim3&x"),
    "password with another name": (VALID + "&content=a&Password[]=heim&zz&amp;pwd=heim+%zz", ""),
}


@pytest.mark.parametrize("with_account", [True, False], ids=["account", "public"])
@pytest.mark.parametrize(("body", "query"), SECRET_REQUESTS.values(), ids=SECRET_REQUESTS)
def test_no_finding_shows_a_signature_or_a_password(body: str, query: str, with_account: bool) -> None:
    for first, second in ((body, query), (query, body)):
        context = build_context(first.encode(), query=second.encode(), account=ACCOUNT if with_account else None)
        for finding in diagnose(context):
            shown = f"{finding.sentence} {finding.values} {finding.meant}".lower()
            for secret in (SIGN[:8], SIGN[-8:], SIGN[12:20], VALID[-8:]):
                assert secret not in shown, finding
            if with_account or "content" not in body:  # in a text, only the account's password is known
                assert "heim" not in shown, finding


@pytest.mark.parametrize("spec", [one for one in load_registry().values() if one.example], ids=lambda one: one.code)
def test_no_finding_of_an_example_shows_a_secret(spec: FindingSpec) -> None:
    signs = re.findall("[0-9a-f]{32}", spec.example.lower())
    secrets = [*signs, *(account.password for account in EXAMPLE_ACCOUNTS if account.password != "secret")]
    for finding in explain_example(spec).findings:
        shown = f"{finding.sentence} {finding.values} {finding.meant}".lower()
        assert [secret for secret in secrets if secret in shown] == []


def test_a_name_with_brackets_is_explained() -> None:
    form = HEAD.replace(b"mobile=", b"mobile[]=") + b"&content=a"
    (finding,) = [one for one in diagnose(build_context(form)) if one.code == "habit.bracket-name"]
    assert finding.values == ("mobile[]", "mobile")


def test_a_json_body_beside_a_query_string_is_not_called_unencoded() -> None:
    body, query = '{"content":"内容"}'.encode(), HEAD + b"&content=a"
    codes = {one.code for one in diagnose(build_context(body, query=query, content_type="application/json"))}
    assert codes == {"habit.json-body", "habit.credentials-in-query"}


def test_a_group_of_digits_is_no_list_of_numbers() -> None:
    assert [code for code, _, _ in check_mobile("150 2323 9810")] == ["text.number-spaces"]
    assert [code for code, _, _ in check_mobile("15023239810 13527576163")] == ["text.mobile-separator"]


def test_the_manuals_example_has_no_finding_at_any_time(emulator: FlaskEmulator) -> None:
    emulator.now = NOW + 14 * 365 * 86400
    assert diagnose_sent(emulator, data=build_form()) == {}
    emulator.now = NOW


@given(st.lists(st.text('0123456789, 86+-[]"xé', max_size=14), max_size=4).map(",".join))
def test_numbers_that_pass_the_check_before_the_response_have_no_finding(mobile: str) -> None:
    if are_plain(mobile):
        assert list(check_mobile(mobile)) == []


def test_many_numbers_are_checked_as_one_text() -> None:
    assert are_plain(",".join(["15023239810"] * 5000))
    assert not are_plain(",".join(["15023239810"] * 5000 + ["1502323981"]))
    assert not are_plain(urlencode({"a": "15023239810"}))


@pytest.mark.parametrize("spec", [one for one in load_registry().values() if one.example], ids=lambda one: one.code)
def test_an_example_with_a_finding_of_an_accepted_request_is_suspicious(spec: FindingSpec) -> None:
    pasted = parse_pasted(spec.example)
    explanation = explain_example(spec)
    # What the vendor itself remarks is diagnosed without this check: see test_word_remark.
    remarks = {f"habit.{code}" for code in REMARKS}
    kinds = {finding.kind for finding in explanation.findings if finding.code not in remarks}
    endpoint = match_endpoint(pasted.path)
    if endpoint is not None and not explanation.refusal and kinds & {"text", "habit"}:
        content_type = next((value for name, value in pasted.headers if name.lower() == "content-type"), "")
        context = build_context(
            pasted.body,
            endpoint=endpoint,
            method=pasted.method,
            query=pasted.query,
            content_type=content_type,
            headers=pasted.headers,
        )
        assert find_suspicion_of(context) in (("text",) if "text" in kinds else ("style", "text"))


@pytest.mark.parametrize("form", [build_form(), build_form(extno="01", content="您好，1234")])
def test_a_correct_send_is_not_suspicious(form: bytes) -> None:
    assert find_suspicion_of(build_context(form)) == ""


OLDER_SEND = "action=send&userid=12&account=test&password=mima&mobile=15023239810&content="


@pytest.mark.parametrize(
    ("form", "suspicion"),
    [
        ("【商店】您的验证码是1234，退订回T", ""),
        ("您的验证码是1234&sendTime=&extno=", ""),
        ("您的验证码是1234&checkContent=1&taskName=a&countNumber=1&mobileNumber=1&telephoneNumber=0", ""),
        ("您的验证码是1234&checkContent=1&taskName=a%", "style"),
        ("您的验证码是1234&checkContent=1&note=a", "style"),
        ("您的验证码是1234&note=a", "style"),
        ("【", ""),
        ("【 】您好", "text"),
        ("【】您好", "text"),
        ("【NULL】", ""),
        ("【商店】NULL", "text"),
        ("“【商店】您好”", "text"),
        ("鎮ㄥソ", "text"),
    ],
)
def test_the_check_before_the_response_of_an_older_endpoint(form: str, suspicion: str) -> None:
    body = quote(f"{OLDER_SEND}{form}", safe="=&%").encode()
    assert find_suspicion_of(build_context(body, endpoint=protocol.SMS)) == suspicion


@pytest.mark.parametrize(
    ("mobile", "suspicion"),
    [
        ("15023239810", ""),
        ("15023239810,13527576163", ""),
        ("15023239810%2C13527576163", ""),
        ("25023239810", "text"),
        ("1502323981", "text"),
        ("%EF%BC%91%EF%BC%95%EF%BC%90%EF%BC%92%EF%BC%93%EF%BC%92%EF%BC%93%EF%BC%99%EF%BC%98%EF%BC%91%EF%BC%90", "text"),
    ],
)
def test_the_numbers_are_checked_before_the_response(mobile: str, suspicion: str) -> None:
    form = build_form(mobile="NUMBERS").replace(b"NUMBERS", mobile.encode())
    assert find_suspicion_of(build_context(form)) == suspicion


@pytest.mark.parametrize("content", ["您好", "A & B = ？"], ids=["usual", "unusual"])
@pytest.mark.parametrize(
    ("timestamp", "is_usual"),
    [
        ("20120630235900", True),
        ("20120701000200", True),
        ("20120631000000", False),
        ("20120630245900", False),
        ("20120630236000", False),
        ("2012063023590", False),
        ("201206302359000", False),
    ],
)
def test_a_time_that_does_not_exist_is_suspicious_near_midnight(timestamp: str, is_usual: bool, content: str) -> None:
    before_midnight = NOW - 86_400 + 45 * 60
    context = build_context(build_form(timestamp=timestamp, content=content), now=before_midnight)
    assert find_suspicion_of(context) == ("" if is_usual else "style")
