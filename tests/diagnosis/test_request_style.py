"""Tests of request-style warnings, and of findings in general: codes, messages, immutability."""

import re
from dataclasses import FrozenInstanceError
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest

from sms10692 import protocol, signing
from sms10692_mock.diagnosis import CODES, PreviousFetch, diagnose
from sms10692_mock.diagnosis.messages import MESSAGES
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT
from support import client_mistakes
from support.diagnosis import FORM, NOW, build_context, build_form, find_codes, get_findings, md5

OTHER_TIME = build_form(timestamp="20120701231213", sign=md5("testmima20120701231213"))
"""A second after the manual's timestamp, which gets no warning."""
MULTIPART = "multipart/form-data; boundary=X"
PART = b'--X\r\nContent-Disposition: form-data; name="action"\r\n\r\nsend\r\n--X--\r\n'


def test_a_request_of_the_manual_has_no_findings() -> None:
    for endpoint in (protocol.V2SMS, protocol.V2SMS_GBK):
        assert diagnose(build_context(build_form(endpoint), endpoint=endpoint)) == ()
    assert diagnose(build_context(build_form() + b"&rt=json", content_type=f"{FORM}; charset=UTF-8")) == ()
    assert diagnose(build_context(build_form(), query=b"action=send")) == ()  # Q1
    assert (
        diagnose(
            build_context(
                build_form(protocol.V2SMS_GBK), endpoint=protocol.V2SMS_GBK, content_type=f"{FORM};charset=GBK"
            )
        )
        == ()
    )


@pytest.mark.parametrize(
    ("hour", "expected"),
    [
        ("2012-07-01 23:12", []),
        ("2012-07-01 23:22", []),
        ("2012-07-01 23:02:13", []),
        ("2012-07-01 23:23", ["stale"]),
        ("2012-07-01 23:00", ["stale"]),
        ("2012-07-02 11:12", ["twelve-hour"]),
        ("2012-07-01 11:13", ["twelve-hour"]),
        ("2012-07-02 07:12:12", ["utc"]),
        ("2024-02-29 08:00", ["stale"]),
    ],
)
def test_a_timestamp_far_from_the_current_time_gets_a_warning(hour: str, expected: list[str]) -> None:
    now = datetime.fromisoformat(hour).replace(tzinfo=signing.CHINA).timestamp()
    assert find_codes(build_context(OTHER_TIME, now=now), "habit") == expected


@pytest.mark.parametrize(("hours", "expected"), [(0, []), (8, ["utc"]), (3, ["stale"])])
def test_a_client_need_not_follow_the_clock_of_its_account(hours: float, expected: list[str]) -> None:
    """A test moved the account's clock by 100 days; the client signs the time of its machine."""
    late = NOW + hours * 3600
    assert find_codes(build_context(OTHER_TIME, now=late + 100 * 86400, received=late), "habit") == expected


def test_the_message_has_the_age_of_the_timestamp() -> None:
    assert "12 minutes old" in get_findings(build_context(OTHER_TIME, now=NOW + 720))["habit.stale"].sentence
    assert "2 days ahead" in get_findings(build_context(OTHER_TIME, now=NOW - 2 * 86400))["habit.stale"].sentence


def test_a_timestamp_of_another_form_gets_a_warning() -> None:
    body = build_form(timestamp="1341155532", sign=md5("testmima1341155532"))
    assert find_codes(build_context(body), "habit") == ["timestamp-form"]


def test_a_wrong_signature_gets_no_warning_about_the_time() -> None:
    assert find_codes(build_context(build_form(sign=md5("x")), now=NOW + 3600), "habit") == []


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (PART, MULTIPART, ["multipart"]),
        (PART[:-9], MULTIPART, ["multipart-unreadable"]),
        (PART, "multipart/form-data", ["multipart-unreadable"]),
        (b'{"action":"send"}', "application/json", ["json-body"]),
        (b'{"action":"send"}', FORM, ["json-body"]),
        (build_form(), "application/xml", ["content-type"]),
        (build_form(), "", ["content-type"]),
        (build_form(), f"{FORM}; charset=gbk", ["charset-label"]),
        (build_form(), f'{FORM}; charset="utf-8"', []),
        (build_form().replace(b"%E5%86%85%E5%AE%B9", "内容".encode()), FORM, ["unencoded"]),
    ],
)
def test_a_body_that_is_not_a_plain_form_gets_a_warning(body: bytes, content_type: str, expected: list[str]) -> None:
    assert find_codes(build_context(body, content_type=content_type), "habit") == expected


def test_credentials_in_the_query_string_get_a_warning() -> None:
    assert find_codes(build_context(b"", query=build_form(), method="GET"), "habit") == [
        "get",
        "credentials-in-query",
    ]
    assert find_codes(build_context(b"", query=build_form(), content_type=""), "habit") == ["credentials-in-query"]
    assert find_codes(build_context(build_form(), query="content=内容".encode()), "habit") == ["unencoded"]


def test_an_unknown_parameter_that_another_finding_names_is_not_listed_again() -> None:
    misnamed = build_form().replace(b"sign=", b"Signature=") + b"&taskName=x"
    assert get_findings(build_context(misnamed))["habit.unknown-parameters"].values == ("'taskName'",)
    found = get_findings(build_context(build_form().replace(b"sign=", b"Signature=")))
    assert list(found) == ["signature.misnamed"]
    check = build_form(action="checkkeyword").replace(b"content=", b"words=").replace(b"&mobile=", b"&x=")
    assert "habit.unknown-parameters" not in get_findings(build_context(check.partition(b"&x=")[0] + b"&foo=1"))


def test_an_unknown_parameter_gets_a_warning() -> None:
    assert find_codes(build_context(build_form() + b"&taskName=x"), "habit") == ["unknown-parameters"]
    assert (
        "'taskName'" in get_findings(build_context(build_form() + b"&taskName=x"))["habit.unknown-parameters"].sentence
    )
    many = get_findings(build_context(build_form() + b"".join(b"&p%d=1" % n for n in range(50))))[
        "habit.unknown-parameters"
    ].sentence
    assert many.endswith("'p7', and more.")
    assert find_codes(build_context(build_form() + b"&password=mima"), "habit") == ["clear-credentials"]
    assert find_codes(build_context(build_form() + b"&amp;extno=1"), "habit") == ["entity-between-parameters"]
    fetch = fetch_form(statusNum="10")
    assert find_codes(build_context(fetch, endpoint=protocol.V2CALL_API), "habit") == ["unknown-parameters"]
    assert find_codes(build_context(fetch, endpoint=protocol.V2STATUS_API), "habit") == []


def fetch_form(**fields: str) -> bytes:
    sign = md5("testmima20120701231212")
    return urlencode({"action": "query", "userid": "12", "timestamp": "20120701231212", "sign": sign} | fields).encode()


@pytest.mark.parametrize("endpoint", [protocol.V2STATUS_API, protocol.V2CALL_API], ids=lambda endpoint: endpoint.path)
@pytest.mark.parametrize(
    ("gap", "items", "expected"),
    [
        (30.0, 0, []),
        (29.0, 0, ["polling"]),
        (29.0, 5, ["polling"]),
        (2.0, 0, ["polling", "fetched-after-empty"]),
        (2.0, 1, ["polling"]),
        (2.0, 4000, []),
        (-1.0, 0, []),
    ],
)
def test_frequent_polling_gets_a_warning(
    endpoint: protocol.Endpoint, gap: float, items: int, expected: list[str]
) -> None:
    request = build_context(fetch_form(), endpoint=endpoint, previous=PreviousFetch(NOW - gap, items))
    assert find_codes(request, "habit") == expected


def test_a_fetch_right_after_a_full_response_gets_no_warning() -> None:
    for number, expected in (("10", []), ("0", ["polling"]), ("11", ["polling"]), ("x", ["polling"])):
        body = fetch_form(statusNum=number)
        assert (
            find_codes(
                build_context(body, endpoint=protocol.V2STATUS_API, previous=PreviousFetch(NOW - 1, 10)), "habit"
            )
            == expected
        )


# Findings in general


def test_a_finding_is_immutable() -> None:
    (finding,) = diagnose(build_context(build_form(), method="GET"))
    with pytest.raises(FrozenInstanceError):
        finding.code = "x"  # type: ignore[misc]


@pytest.mark.parametrize("code", CODES)
def test_a_code_begins_with_its_kind_and_has_one_message(code: str) -> None:
    assert re.fullmatch(r"(refusal|signature|password|text|habit|http)\.[a-z0-9]+(-[a-z0-9]+)*", code)
    sentence = MESSAGES[code]
    assert sentence.count("{}") == sentence.count("{") <= 4
    assert sentence.endswith(".")
    assert len(sentence) < 200
    assert DEFAULT_ACCOUNT.password not in sentence


_ON_SOCKETS = [Path(__file__).parents[1] / "end_to_end" / name for name in ("test_bad_requests.py", "test_tls.py")]


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_a_test(code: str) -> None:
    here = Path(__file__)
    tables = [Path(client_mistakes.__file__), here.with_name("mistakes.toml")]
    files = [*tables, *here.parent.glob("test_*.py"), *_ON_SOCKETS]
    tests = "".join(file.read_text("utf-8") for file in files)
    # A finding about a parameter may be tested with the name that it names: "differs password".
    assert re.search(f'"({re.escape(code)}|{code.partition(".")[2]}( [^"]+)?)"', tests)
