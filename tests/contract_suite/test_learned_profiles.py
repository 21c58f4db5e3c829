"""What `learn` reads from an emulator is the profile that the emulator has, key by key, and it does no harm."""

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sms10692_contract.checks.brands import BY_KEY, LEARNABLE, NOT_LEARNABLE
from sms10692_contract.checks.brands.credentials import CLOCK_SKEWS
from sms10692_contract.learned_profile import render_learned
from sms10692_contract.learning import LearnedKeys, learn_keys
from sms10692_contract.probes import PROBES
from sms10692_contract.profiles import MANUAL_VALUES, get_manual_message
from sms10692_contract.safety import SafetyGuard
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.profiles import KEYS, MANUAL, Profile
from sms10692_mock.profile_file import build_schema, read_profile, to_plain
from sms10692_mock.server.http_types import Response
from support.mutant_vendor import Defect
from support.probe_sessions import build, session_with


def learn(profile: Profile) -> tuple[LearnedKeys, str]:
    """Learn the keys of a vendor with this profile; return them, and the file."""
    with session_with(profile) as session:
        keys = learn_keys(session)
        assert session.stopped is None
        return keys, render_learned(session, keys, date(2031, 2, 3))


def get_value(profile: Profile, key: str) -> Any:
    """Return the value of a key of a profile, or of a text, as `learn` has it."""
    name, _, cause = key.partition(".")
    if cause:
        texts: Mapping[Any, str] = profile.texts
        return texts.get(cause, get_manual_message(cause))
    return to_plain(getattr(profile, name))


ALWAYS = {
    learnable.key
    for learnable in LEARNABLE
    if not learnable.key.startswith(("texts.text-signature", "texts.too-many", "texts.extno-too", "texts.timestamp"))
} - {"max_numbers"}
"""Keys that are observed whatever the profile is; a limit must exist before its text is seen."""


def expect_learned(profile: Profile) -> LearnedKeys:
    keys, text = learn(profile)
    learned = {key: each.value for key, each in keys.observed.items()}
    expected = ALWAYS - {"cdata"} if not profile.item_extno and profile.delivered == "status-DELIVRD" else ALWAYS
    assert {*learned} >= expected, {key: keys.missing[key] for key in expected - {*learned}}
    assert learned == {key: get_value(profile, key) for key in learned}
    written = read_profile(text, Path("learned.toml"))
    assert {key: get_value(written, key) for key in learned} == learned
    return keys


_VALUES_BY_HAND: Mapping[str, tuple[Any, ...]] = {
    "keyword_clean": ("未包含非法字符", "内容正常"),
    "keyword_found": ("包含非法字符：发票", "包含非法字符"),
    "extno_max_digits": (1, 2, 5, 9, 10, 11, 19, 20),
    "send_time_formats": (
        ["yyyyMMddHHmmss"],
        ["yyyy-MM-dd HH:mm:ss", "0"],
        ["yyyy/MM/dd HH:mm:ss", "yyyy-MM-dd HH:mm", "yyyy-MM-dd"],
    ),
    "max_numbers": (1, 2, 4),
    "text_signature_min": (2, 3, 4),
    "text_signature_max": (4, 5, 8, 18, 19),
    "max_clock_skew": tuple(map(float, CLOCK_SKEWS)),
}


def derive_values(key: str) -> tuple[Any, ...]:
    """Return the values of a key by its type: each of a list of values, or what is not the manual's."""
    kind = get_type_hints(Profile)[key]
    if kind is bool:
        return (not getattr(MANUAL, key),)
    assert get_origin(kind) is Literal, f"{key} needs a row in _VALUES_BY_HAND"
    return get_args(kind)


VALUES: Mapping[str, tuple[Any, ...]] = {
    key: _VALUES_BY_HAND.get(key) or derive_values(key) for key in BY_KEY if "." not in key
}
"""Values of each key that `learn` must tell apart."""


@pytest.mark.parametrize(
    ("key", "value"), [pytest.param(key, value, id=f"{key}-{value}") for key in VALUES for value in VALUES[key]]
)
def test_each_value_of_a_key_is_learned(key: str, value: Any) -> None:
    with session_with(build(**{key: value})) as session:
        keys = learn_keys(session, [BY_KEY[key]])
    assert keys.missing == {}
    assert keys.observed[key].value == value


def test_one_unambiguous_time_shows_how_times_are_written() -> None:
    def change(text: str, request: ApiRequest) -> str:
        return re.sub("(?<=<receivetime>)[^<]+", "2031-10-12 10:00:01", text) if "<callbox>" in text else text

    with session_with(build(receivetime="dashes"), Defect(text=change)) as session:
        assert BY_KEY["receivetime"].observe(session).value == "dashes"


def test_the_table_has_every_key_and_every_cause_of_a_refusal() -> None:
    names = {key.partition(".")[0] for key in (*BY_KEY, *NOT_LEARNABLE)}
    assert names == {*KEYS} == {*MANUAL_VALUES}
    causes = {key.partition(".")[2] for key in (*BY_KEY, *NOT_LEARNABLE)} - {""}
    assert causes == {*build_schema()["properties"]["texts"]["properties"]}


def test_every_probe_that_a_key_names_exists() -> None:
    assert {probe for learnable in LEARNABLE for probe in learnable.probes} <= {*PROBES}


TEXTS = st.text("参数不正确请求过失败abcXYZ0189 ,.:：，。！-_<>&'\"\\#", min_size=1, max_size=20).filter(
    lambda text: text == text.strip() and "验证码" not in text
)
LEARNED_CAUSES = sorted(key.removeprefix("texts.") for key in BY_KEY if key.startswith("texts."))
SENTENCES: st.SearchStrategy[dict[str, str]] = st.dictionaries(st.sampled_from(LEARNED_CAUSES), TEXTS, max_size=6)


def draw_keys() -> st.SearchStrategy[dict[str, Any]]:
    keys = {key: st.sampled_from(values) for key, values in VALUES.items()}
    return st.fixed_dictionaries({}, optional={**keys, "texts": SENTENCES})


@pytest.mark.slow("Learns a dozen profiles.")
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(draw_keys())
def test_what_is_learned_from_a_vendor_with_any_profile_is_that_profile(keys: dict[str, Any]) -> None:
    expect_learned(build(**keys))


def test_what_is_learned_from_the_manual_differs_from_it_in_nothing() -> None:
    keys = expect_learned(MANUAL)
    assert {key for key, each in keys.observed.items() if each.value != BY_KEY[key].manual_value} == set()


def test_the_file_is_a_profile_that_says_the_same() -> None:
    _, text = learn(build(cdata=True, text_signature="front", texts={"mobile-empty": 'no "number"'}))
    document = tomllib.loads(text)
    assert (document["cdata"], document["texts"]) == (True, {"mobile-empty": 'no "number"'})
    assert "# text_signature_min = (no limit)" in text
    assert "\ncdata = true  # M, exchange " in text
    assert "\n# lock_out_after: it would lock the account\n" in text


OTHER_ERROR = (
    "<returnsms><returnstatus>Faild</returnstatus><message>其他错误</message><remainpoint>0</remainpoint>"
    "<taskID>0</taskID><successCounts>0</successCounts></returnsms>"
)
LOCKED = "<returnsms><message>用户名或密码错误</message></returnsms>"


@pytest.mark.parametrize("document", [OTHER_ERROR, LOCKED])
def test_the_text_of_a_refusal_is_no_text_of_checkkeyword(document: str) -> None:
    def change(text: str, request: ApiRequest) -> str:
        return document if request.fields.get("action") == "checkkeyword" else text

    with session_with(MANUAL, Defect(text=change), SafetyGuard()) as session:
        keys = learn_keys(session)
    for key in ("keyword_clean", "keyword_found"):
        assert keys.missing[key] == "the response is that of a refusal, not of checkkeyword"


REFUSED_SEND = (
    "<returnsms><returnstatus>Faild</returnstatus><message>{}</message><remainpoint>0</remainpoint>"
    "<taskID>0</taskID><successCounts>0</successCounts></returnsms>"
)


@pytest.mark.parametrize("text", ["对不起，您当前要发送的量大于您当前余额", "该号码今日已达上限"])
@pytest.mark.parametrize("accepted", [1, 2, 3, 5, 8, 13])
def test_a_limit_of_sends_is_no_value_of_a_key(text: str, accepted: int) -> None:
    """A vendor that is like the manual, except that it accepts so many sends only."""
    sent = 0

    def refuse(document: str, request: ApiRequest) -> str:
        nonlocal sent
        if request.fields.get("action") != "send":
            return document
        sent += "Success" in document
        return REFUSED_SEND.format(text) if sent > accepted else document

    guard = SafetyGuard(frozenset(["13000000001"]), 500)
    with session_with(MANUAL, Defect(text=refuse), guard) as session:
        keys = learn_keys(session)
    assert {key: each.value for key, each in keys.observed.items() if each.value != BY_KEY[key].manual_value} == {}
    assert str(session.stopped) == f"the server refuses a send that it accepted before: {text}"
    assert "该号码" not in str({key: each.value for key, each in keys.observed.items()})


def answer_forbidden(response: Response) -> Response:
    return response._replace(status=403)


def answer_nonsense(response: Response) -> Response:
    return response._replace(body=b"<html>too many")


@pytest.mark.parametrize(
    ("change", "reason"),
    [(answer_forbidden, "HTTP 403 instead of a response"), (answer_nonsense, "the response is no document")],
)
def test_what_is_no_response_of_the_vendor_is_no_refusal(change: Callable[[Response], Response], reason: str) -> None:
    def respond(request: ApiRequest, response: Response) -> Response:
        return change(response) if len(request.fields.get("extno", "")) > 5 else response

    with session_with(MANUAL, Defect(response=respond)) as session:
        keys = learn_keys(session, [BY_KEY["extno_max_digits"]])
    assert keys.missing == {"extno_max_digits": reason}
