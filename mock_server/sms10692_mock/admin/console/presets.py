"""Scenarios: what goes wrong in practice, each at one click, for one account.

Here belongs which there are, as data, and whether one is on. What a fault or a rule brings about is decided elsewhere.
"""

from typing import Final, NamedTuple

from sms10692_mock.admin.console.layout import build_model
from sms10692_mock.admin.services import LOW_BALANCE, ControlService
from sms10692_mock.admin.services.accounts import AccountPatch
from sms10692_mock.admin.services.behaviour import NewFault, RuleDocument


class Preset(NamedTuple):
    """A fault, or a rule for every number, or a balance."""

    name: str
    fault: NewFault | None = None
    rule: RuleDocument | None = None
    points: int | None = None


PRESETS: Final = (
    Preset("down", fault=build_model(NewFault, kind="status", status=503)),
    Preset("cut", fault=build_model(NewFault, kind="cut", at=100)),
    Preset("late", rule=build_model(RuleDocument, delay=3600.0)),
    Preset("gone", points=1),
)
BY_NAME: Final = {scenario.name: scenario for scenario in PRESETS}

RESTORED_POINTS: Final = 1000
"""Points that an account has when its balance is no longer nearly gone."""


def is_enabled(control: ControlService, userid: str, scenario: Preset) -> bool:
    """Whether an account is in it."""
    if scenario.fault:
        return bool(_faults(control, userid, scenario.fault))
    if scenario.rule:
        rules = control.weather.outcomes(userid).rules
        return any(_essence(rule) == _essence(scenario.rule) for rule in rules)
    return control.anomalies(userid).points is not None


def enable(control: ControlService, userid: str, scenario: Preset) -> None:
    """Bring an account into it."""
    if scenario.fault:
        control.weather.add_fault(userid, scenario.fault)
    elif scenario.rule:
        control.weather.set_rule_for_number(userid, scenario.rule.number, scenario.rule)
    else:
        control.accounts.change(userid, build_model(AccountPatch, points=scenario.points))


def disable(control: ControlService, userid: str, scenario: Preset) -> None:
    """Bring an account out of it."""
    if scenario.fault:
        for fault_id in _faults(control, userid, scenario.fault):
            control.weather.remove_fault(userid, fault_id)
    elif scenario.rule:
        control.weather.set_rule_for_number(userid, scenario.rule.number, None)
    elif control.vendor.store.balance(userid).points <= LOW_BALANCE:
        control.accounts.change(userid, build_model(AccountPatch, points=RESTORED_POINTS))


def _faults(control: ControlService, userid: str, fault: NewFault) -> list[str]:
    return [
        one.id
        for one in control.weather.faults(userid).faults
        if (one.kind, one.status, one.at, one.operations, one.share) == (fault.kind, fault.status, fault.at, [], 1.0)
    ]


def _essence(rule: RuleDocument) -> tuple[str, str, float, float, int | None]:
    return rule.number, rule.outcome, rule.delay, rule.share, rule.remaining
