"""Presets: common problems that can be switched on and off for one account."""

from typing import Final, NamedTuple

from sms10692_mock.admin.console.layout import build_model, translate
from sms10692_mock.admin.services import ControlService
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


def is_enabled(control: ControlService, userid: str, preset: Preset) -> bool:
    """Whether the preset is on for an account. What was set without it does not count."""
    account = control.accounts.get(userid)
    if preset.points is not None:
        return account.withheld_points is not None
    active = [fault.preset for fault in account.faults] + [rule.preset for rule in account.delivery_rules.rules]
    return preset.name in active


def enable(control: ControlService, userid: str, preset: Preset) -> str:
    """Switch the preset on for an account, and return the sentence that says what it changed."""
    if preset.fault:
        control.behaviour.add_fault(userid, preset.fault, preset.name)
    elif preset.rule:
        control.behaviour.add_rule(userid, preset.rule, preset.name)
    else:
        taken = control.accounts.withhold_points(userid, preset.points or 0)
        return translate("preset.low_balance_did", userid=userid, points=taken, remaining=preset.points)
    return translate(f"preset.{preset.name}_did", userid=userid, fault=_fault_name(preset))


def disable(control: ControlService, userid: str, preset: Preset) -> str:
    """Undo what the preset changed for an account, and nothing else; returns the sentence that says so."""
    if preset.points is not None:
        points = control.accounts.restore_points(userid)
        return translate("preset.low_balance_undone", userid=userid, points=points)
    control.behaviour.remove_preset(userid, preset.name)
    if preset.fault:
        return translate("preset.fault_undone", userid=userid, fault=_fault_name(preset))
    return translate("preset.rule_undone", userid=userid)


def _fault_name(preset: Preset) -> str:
    return translate(f"fault.{preset.fault.kind}") if preset.fault else ""
