"""Faults page: presets, injected faults, delivery rules and the clock."""

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from sms10692 import protocol
from sms10692_mock.admin.console.layout import (
    build_model,
    form_field,
    form_number,
    format_time,
    message_response,
    render_page,
    selected_account,
)
from sms10692_mock.admin.console.presets import BY_NAME, PRESETS, disable, enable, is_enabled
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.behaviour import (
    REFUSALS,
    DeliveryRulesDocument,
    NewFault,
    NoSuchFault,
    NoSuchRule,
    RuleDocument,
    TooManyEntries,
)
from sms10692_mock.admin.services.clocks import Advance, ClockSetting, NoPendingEvent
from sms10692_mock.admin.services.schemas import format_iso_time
from sms10692_mock.domain.delivery import OUTCOMES
from sms10692_mock.domain.fault_kinds import FAULT_KINDS
from sms10692_mock.domain.other_messages import OTHER_MESSAGES


def add_faults(pages: Blueprint, control: ControlService) -> None:
    """Add the page and its forms."""
    behaviour, clocks = control.behaviour, control.clocks

    @pages.get("/faults", endpoint="faults")
    def faults_page() -> ResponseReturnValue:
        account = selected_account(control)
        userid = account.userid
        return render_page(
            control,
            "faults",
            account,
            presets=[(preset.name, is_enabled(control, userid, preset)) for preset in PRESETS],
            faults=[
                *(("own", fault, _format_since(fault.since)) for fault in behaviour.active_faults(userid)),
                *(("all", fault, _format_since(fault.since)) for fault in behaviour.active_faults(None)),
            ],
            rules=[
                (name, rule, stored.preset, _format_since(stored.since))
                for name, rule, stored in behaviour.rules_with_names(userid)
            ],
            clock=clocks.get(userid),
            clock_since=_format_since(_clock_since(control, userid)),
            is_own_clock=control.accounts.get(userid).clock is not None,
            withheld=control.accounts.get(userid).withheld_points,
            kinds=FAULT_KINDS,
            outcomes=OUTCOMES,
            operations=[operation.name for operation in protocol.OPERATIONS],
            messages=[*((message, "own") for message in REFUSALS), *OTHER_MESSAGES.items()],
        )

    @pages.post("/faults/preset")
    def toggle_preset() -> ResponseReturnValue:
        userid, preset = selected_account(control).userid, BY_NAME.get(form_field("name") or "")
        if preset is None:
            return message_response("error.invalid", 422, reason="name")
        switch = disable if is_enabled(control, userid, preset) else enable
        return message_response("faults.preset", message=switch(control, userid, preset))

    @pages.post("/faults/fault")
    def add_fault() -> ResponseReturnValue:
        fault = build_model(
            NewFault,
            kind=form_field("kind"),
            operations=request.form.getlist("operations"),
            times=form_number("times", whole=True),
            probability=_probability(),
            seconds=form_number("seconds"),
            seconds_max=form_number("seconds_max"),
            at=form_number("at", whole=True),
            status=form_number("status", whole=True),
            message=form_field("message"),
            charset=form_field("charset"),
        )
        behaviour.add_fault(_scope(control), fault)
        return message_response("faults.started")

    @pages.post("/faults/fault/remove")
    def remove_fault() -> ResponseReturnValue:
        behaviour.remove_fault(_scope(control), form_field("id") or "")
        return message_response("faults.removed")

    @pages.post("/faults/rule")
    def add_rule() -> ResponseReturnValue:
        rule = build_model(
            RuleDocument,
            number=form_field("number"),
            outcome=form_field("outcome"),
            errorcode=form_field("code"),
            delay=form_number("delay"),
            reply=form_field("reply"),
            probability=_probability(),
            times=form_number("times", whole=True),
        )
        behaviour.add_rule(selected_account(control).userid, rule)
        return message_response("faults.started")

    @pages.post("/faults/rule/remove")
    def remove_rule() -> ResponseReturnValue:
        behaviour.remove_rule(selected_account(control).userid, form_field("name") or "")
        return message_response("faults.removed")

    @pages.post("/faults/clock")
    def clock() -> ResponseReturnValue:
        changed = clocks.set(
            _scope(control),
            build_model(ClockSetting, mode=form_field("mode"), speed=form_number("speed"), now=form_field("now")),
        )
        return message_response("faults.clock_changed", now=format_time(changed.now))

    @pages.post("/faults/advance")
    def advance() -> ResponseReturnValue:
        step = build_model(Advance, seconds=form_number("seconds"), to=form_field("to"))
        changed = clocks.advance(_scope(control), step)
        return message_response("faults.clock_changed", now=format_time(changed.now))

    @pages.post("/faults/clear")
    def remove_all() -> ResponseReturnValue:
        account = selected_account(control)
        for userid in (account.userid, None):
            behaviour.clear_faults(userid)
            clocks.set(userid, build_model(ClockSetting, mode="real"))
        behaviour.set_delivery_rules(account.userid, DeliveryRulesDocument())
        control.accounts.restore_points(account.userid)
        return message_response("faults.all_removed")

    @pages.errorhandler(NoPendingEvent)
    def no_pending_event(error: NoPendingEvent) -> ResponseReturnValue:
        return message_response("faults.nothing_scheduled", 409)

    @pages.errorhandler(NoSuchRule)
    def no_such_rule(error: NoSuchRule) -> ResponseReturnValue:
        return message_response("faults.no_such_rule", 404)

    @pages.errorhandler(TooManyEntries)
    def too_many(error: TooManyEntries) -> ResponseReturnValue:
        return message_response("error.invalid", 422, reason=str(error))

    @pages.errorhandler(NoSuchFault)
    def no_such_fault(error: NoSuchFault) -> ResponseReturnValue:
        return message_response("faults.no_such_fault", 404)


def _format_since(since: float) -> str | None:
    return format_iso_time(since) if since else None


def _clock_since(control: ControlService, userid: str) -> float:
    """Return the time since which the clock of an account is changed; 0 if it shows real time."""
    override = control.accounts.get(userid).clock or control.vendor.store.settings().clock
    return override.since if override else 0.0


def _scope(control: ControlService) -> str | None:
    """Return the userid that a form applies to, or None for all accounts."""
    return None if form_field("whose") == "all" else selected_account(control).userid


def _probability() -> Any:
    percent = form_number("percent")
    return None if percent is None else percent / 100
