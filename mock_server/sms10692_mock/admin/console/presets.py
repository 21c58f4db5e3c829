"""Presets: common problems that can be switched on and off for one account."""

from typing import Final, NamedTuple

from sms10692_mock.admin.console.layout import build_model
from sms10692_mock.admin.services import LOW_BALANCE, ControlService
from sms10692_mock.admin.services.accounts import AccountPatch
from sms10692_mock.admin.services.behaviour import NewFault, RuleDocument


class Preset(NamedTuple):
    """A fault, a delivery rule or a balance."""

    name: str
    fault: NewFault | None = None
    rule: RuleDocument | None = None
    points: int | None = None


PRESETS: Final = (
    Preset("down", fault=build_model(NewFault, kind="status", status=503)),
    Preset("truncate", fault=build_model(NewFault, kind="truncate", at=100)),
    Preset("late", rule=build_model(RuleDocument, delay=3600.0)),
    Preset("low_balance", points=1),
)
BY_NAME: Final = {preset.name: preset for preset in PRESETS}

RESTORED_POINTS: Final = 1000
"""Balance of an account after the preset "low_balance" is switched off."""


def is_enabled(control: ControlService, userid: str, preset: Preset) -> bool:
    """Whether the preset is on for an account."""
    if preset.fault:
        return bool(_matching_faults(control, userid, preset.fault))
    if preset.rule:
        rules = control.behaviour.delivery_rules(userid).rules
        return any(_identity(rule) == _identity(preset.rule) for rule in rules)
    return control.anomalies(userid).points is not None


def enable(control: ControlService, userid: str, preset: Preset) -> None:
    """Switch the preset on for an account."""
    if preset.fault:
        control.behaviour.add_fault(userid, preset.fault)
    elif preset.rule:
        control.behaviour.set_rule_for_number(userid, preset.rule.number, preset.rule)
    else:
        control.accounts.update(userid, build_model(AccountPatch, points=preset.points))


def disable(control: ControlService, userid: str, preset: Preset) -> None:
    """Switch the preset off for an account."""
    if preset.fault:
        for fault_id in _matching_faults(control, userid, preset.fault):
            control.behaviour.remove_fault(userid, fault_id)
    elif preset.rule:
        control.behaviour.set_rule_for_number(userid, preset.rule.number, None)
    elif control.vendor.store.balance(userid).points <= LOW_BALANCE:
        control.accounts.update(userid, build_model(AccountPatch, points=RESTORED_POINTS))


def _matching_faults(control: ControlService, userid: str, fault: NewFault) -> list[str]:
    return [
        active.id
        for active in control.behaviour.faults(userid).faults
        if (active.kind, active.status, active.at, active.operations, active.probability)
        == (fault.kind, fault.status, fault.at, [], 1.0)
    ]


def _identity(rule: RuleDocument) -> tuple[str, str, float, float, int | None]:
    return rule.number, rule.outcome, rule.delay, rule.probability, rule.times
