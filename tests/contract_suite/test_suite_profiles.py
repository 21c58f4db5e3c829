"""Tests of the suite against emulators and accounts of several profiles: it learns each and examines accordingly."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from sms10692_contract.clauses import BY_ID, CLAUSES, Clause
from sms10692_contract.control import ControlClient
from sms10692_contract.effort import Effort
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.profiles import MANUAL_VALUES
from sms10692_contract.runner import State, Verdict, allow_older_endpoints, enable_sandbox, run_checks
from sms10692_contract.safety import SafetyGuard
from sms10692_contract.suite_account import SuiteAccount
from sms10692_mock.domain.profiles import KEYS, MANUAL, PROFILES, Profile
from sms10692_mock.profile_file import to_plain
from support.contract_cli import run_contract, select
from support.emulators import emulator_process
from support.mutant_vendor import Defect, mutant_server
from support.mutants.brands import IGNORED
from support.probe_sessions import build

BRIEF = Effort("brief", examples=4, machine_runs=8, machine_steps=15, concurrency_rounds=2, shrink_requests=0)
BRAND_CLAUSES = [clause for clause in CLAUSES if clause.id.startswith("D-")]

EVERY_KEY = replace(
    MANUAL,
    name="every-key",
    **{ignored.key: ignored.value for ignored in IGNORED if ignored.key != "texts"},
    texts={
        "credentials-empty": "缺少参数",
        "credentials-wrong": "sign参数错误",
        "sql-injection": "非法内容",
        "mobile-empty": "没有号码",
        "content-empty": "没有内容",
        "forbidden-word": "包含屏蔽词：{word}",
        "extno-too-long": "扩展子号只能是数字",
        "extno-not-digits": "扩展子号只能是数字",
        "send-time-format": "时间格式错误",
        "action": "参数错误",
        "balance": "余额<&>",
        "text-signature-end": "短信必须带【】格式签名",
        "text-signature-short": "非法签名",
        "too-many-requests": "请稍后再试",
        "locked-out": "帐号已锁定",
        "replies-not-allowed": "该用户不允许查看短信回复",
    },
)
OTHER_VALUES = replace(
    MANUAL,
    name="other-values",
    receivetime="dashes",
    delivered="status-DELIVRD",
    empty_queue="nothing",
    extno_max_digits=20,
    text_signature="end",
    max_numbers=1,
    texts={"credentials-empty": "参数错误", "credentials-wrong": "参数错误"},
)
SHORTEST_SIGNATURE = replace(MANUAL, name="shortest-signature", text_signature="front", text_signature_min=4)
LONGEST_SIGNATURE = replace(MANUAL, name="longest-signature", text_signature_max=2)


@contextmanager
def examined(profile: Profile) -> Iterator[CheckContext]:
    """Serve a correct emulator of this profile, and yield the context of a run against it."""
    with mutant_server(Defect(profile=profile)) as vendor:
        address, guard = parse_address(vendor.url), SafetyGuard()
        control = ControlClient(address)
        own, accepted = enable_sandbox(address, control, guard)
        assert accepted
        allow_older_endpoints(None, control, guard)
        yield CheckContext(address, own, guard, control, BRIEF)
        assert vendor.errors == []


def describe_others(verdicts: list[Verdict]) -> list[str]:
    return [f"{each.clause.id}: {each.reason}" for each in verdicts if each.state is not State.HELD]


@pytest.mark.parametrize(
    "profile",
    [*PROFILES.values(), EVERY_KEY, OTHER_VALUES, SHORTEST_SIGNATURE, LONGEST_SIGNATURE],
    ids=lambda profile: profile.name,
)
def test_an_emulator_does_what_its_profile_says(profile: Profile) -> None:
    with examined(profile) as context:
        assert describe_others(list(run_checks(context, BRAND_CLAUSES))) == []


@pytest.mark.slow("Runs every clause of the suite.")
@pytest.mark.parametrize("profile", [PROFILES["observed"], EVERY_KEY], ids=lambda profile: profile.name)
def test_every_clause_is_held_whatever_the_profile_of_the_emulator(profile: Profile) -> None:
    with examined(profile) as context:
        assert describe_others(list(run_checks(context, CLAUSES))) == []


def test_the_profiles_of_an_emulator_are_learnt_from_its_control_api() -> None:
    with examined(EVERY_KEY) as context:
        learnt = {profile.name: profile for profile in context.profiles}
    assert list(learnt) == ["every-key", "manual", "observed"]
    for profile in (EVERY_KEY, *PROFILES.values()):
        assert learnt[profile.name].values == {name: to_plain(getattr(profile, name)) for name in KEYS}


def test_two_emulators_of_different_profiles_are_examined_in_one_process() -> None:
    clauses = [BY_ID[name] for name in ("D-texts", "D-json-form", "D-receivetime", "2.3-credentials-empty", "R2-blank")]
    with examined(EVERY_KEY) as one, examined(OTHER_VALUES) as other:
        for clause in clauses:
            for context in (one, other):
                assert describe_others(list(run_checks(context, [clause]))) == []


def test_the_suite_knows_every_key_of_a_profile() -> None:
    assert {name: to_plain(getattr(MANUAL, name)) for name in KEYS} == MANUAL_VALUES


def test_every_key_has_a_clause_of_its_provenance_and_grade() -> None:
    expected = {f"D-{name.replace('_', '-')}": (spec.provenance, spec.grade) for name, spec in KEYS.items()}
    actual = {clause.id: (str(clause.provenance), clause.grade) for clause in BRAND_CLAUSES}
    assert {name: actual[name] for name in expected} == expected
    assert {*actual} - {*expected} == {"D-nobody", "D-documents"}


def test_every_key_has_a_vendor_that_ignores_it() -> None:
    assert {ignored.key for ignored in IGNORED} == {*KEYS}


def test_the_profile_that_sets_every_key_does() -> None:
    names = {field.name for field in fields(Profile) if "key" in field.metadata}
    assert names == EVERY_KEY.differences


def test_a_control_api_without_profiles_leaves_their_clauses_out() -> None:
    def hide(clauses: list[Clause]) -> list[Verdict]:
        with examined(MANUAL) as context:
            assert context.control is not None
            context.control.profile = None
            return list(run_checks(context, clauses))

    (verdict,) = hide([BY_ID["D-cdata"]])
    assert (verdict.state, verdict.reason) == (State.NOT_EXERCISED, "the control API tells no profile")


def test_the_clock_of_the_emulator_may_differ_from_the_clock_of_the_suite() -> None:
    profile = replace(MANUAL, name="strict", max_clock_skew=300, requests_per_minute=30)
    with examined(profile) as context:
        assert context.control is not None
        created = context.create_account

        def create_ahead(**options: Any) -> SuiteAccount:
            account = created(**options)
            context.clock.advance(account.userid, 3600)
            return account

        context.create_account = create_ahead  # type: ignore[method-assign]  # moves the clock of each account
        clauses = [BY_ID[name] for name in ("D-max-clock-skew", "D-requests-per-minute", "D-documents")]
        assert describe_others(list(run_checks(context, clauses))) == []


@pytest.mark.parametrize("limit", ["requests_per_second", "requests_per_minute"])
def test_timestamps_are_examined_at_the_rate_of_the_profile(limit: str) -> None:
    changed: dict[str, Any] = {limit: 1, "max_clock_skew": 300.0}
    with examined(replace(MANUAL, name="slow", **changed)) as context:
        assert describe_others(list(run_checks(context, [BY_ID["D-max-clock-skew"]]))) == []


def test_a_timestamp_of_now_is_never_refused_for_its_age() -> None:
    with pytest.raises(ValueError, match="max_clock_skew"):
        build(max_clock_skew=0)


@pytest.mark.parametrize(
    ("key", "limit", "most"),
    [
        ("verification_codes_per_day", 100, 60),
        ("verification_codes_per_3_minutes", 61, 60),
        ("lock_out_after", 61, 60),
        ("requests_per_minute", 1000, 600),
    ],
)
def test_a_limit_that_no_run_reaches_is_not_held(key: str, limit: int, most: int) -> None:
    changed: dict[str, Any] = {key: limit}
    with examined(replace(MANUAL, name="generous", **changed)) as context:
        (verdict,) = run_checks(context, [BY_ID[f"D-{key.replace('_', '-')}"]])
    assert verdict.state is State.NOT_EXERCISED
    assert verdict.reason == f"{key} = {limit} of generous: a run reaches {most}"


def test_a_limit_behind_a_lower_one_is_not_held() -> None:
    profile = replace(
        MANUAL, name="both", verification_codes_per_3_minutes=8, verification_codes_per_day=4, requests_per_minute=20
    )
    names = ("D-verification-codes-per-3-minutes", "D-verification-codes-per-day")
    with examined(profile) as context:
        verdicts = [next(iter(run_checks(context, [BY_ID[name]]))) for name in names]
    assert [verdict.state for verdict in verdicts] == [State.NOT_EXERCISED, State.HELD]
    assert "verification_codes_per_3_minutes = 8 of both: the limit of a day is lower" in verdicts[0].reason


@pytest.mark.slow("Starts an emulator, and runs the command.")
def test_the_command_examines_accounts_of_all_profiles_of_an_emulator(tmp_path: Path) -> None:
    files = tmp_path / "one.toml", tmp_path / "other.toml"
    files[0].write_text('text_signature = "end"\nline_end = "crlf"\n[texts]\ncredentials-empty = "缺少参数"\n', "utf-8")
    files[1].write_text('text_signature = "front"\nextno_max_digits = 5\ndelivered = "errorcode-10"\n', "utf-8")
    options = [option for file in files for option in ("--profile", str(file))]
    with emulator_process(*options) as (_, (host, port)):
        url = f"http://{host}:{port}"
        control = ControlClient(parse_address(url))
        assert control.read_profile_names() == ["manual", "observed", "one", "other"]
        ids = [clause.id for clause in BRAND_CLAUSES]
        completed = run_contract(url, "--control", url, *select(*ids, "2.3-credentials-empty", "1.3-ok"))
    assert completed.returncode == 0, completed.stdout
    assert f"{len(ids) + 2} of {len(ids) + 2} clauses exercised, {len(ids) + 2} held" in completed.stdout
