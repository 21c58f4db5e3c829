"""Weather: faults, outcomes and the clock, with sliders, and scenarios at one click.

Here belongs that page. What each brings about is `control.weather`'s and `control.clocks`' affair.
"""

from typing import Any, Final, get_args

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from sms10692 import protocol
from sms10692_mock.admin.console.layout import (
    build_model,
    form_field,
    form_number,
    render_page,
    selected_account,
    translated_message,
)
from sms10692_mock.admin.console.presets import BY_NAME, PRESETS, RESTORED_POINTS, disable, enable, is_enabled
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import AccountPatch
from sms10692_mock.admin.services.behaviour import (
    NewFault,
    NoSuchFault,
    NoSuchRule,
    OutcomesDocument,
    RuleDocument,
    TooManyFaults,
    TooManyRules,
)
from sms10692_mock.admin.services.clocks import Advance, ClockSetting, NoPendingEvent
from sms10692_mock.domain.faults import Kind

_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


def add_faults(pages: Blueprint, control: ControlService) -> None:
    """Add the page."""
    weather, clocks = control.weather, control.clocks

    @pages.get("/weather", endpoint="weather")
    def weather_page() -> ResponseReturnValue:
        account = selected_account(control)
        userid = account.userid
        return render_page(
            control,
            "weather",
            account,
            scenarios=[(scenario.name, is_enabled(control, userid, scenario)) for scenario in PRESETS],
            faults=[
                *(("own", fault) for fault in weather.faults(userid).faults),
                *(("all", fault) for fault in weather.faults(None).faults),
            ],
            rules=weather.rules_with_ids(userid),
            clock=clocks.document(userid),
            clock_of_all=clocks.document(None),
            kinds=_KINDS,
            operations=[operation.name for operation in protocol.OPERATIONS],
            messages=sorted({word for one in protocol.OPERATIONS for word in one.messages} - {"", protocol.OK}),
        )

    @pages.post("/weather/scenario")
    def scenario() -> ResponseReturnValue:
        userid, wanted = selected_account(control).userid, BY_NAME.get(form_field("name") or "")
        if wanted is None:
            return translated_message("said.invalid", 422, what="name")
        if is_enabled(control, userid, wanted):
            disable(control, userid, wanted)
            return translated_message("weather.said_over")
        enable(control, userid, wanted)
        return translated_message("weather.said_begun")

    @pages.post("/weather/fault")
    def add_fault() -> ResponseReturnValue:
        wanted = build_model(
            NewFault,
            kind=form_field("kind"),
            operations=request.form.getlist("operations"),
            remaining=form_number("remaining", whole=True),
            share=_share(),
            seconds=form_number("seconds"),
            seconds_max=form_number("seconds_max"),
            at=form_number("at", whole=True),
            status=form_number("status", whole=True),
            message=form_field("message"),
            charset=form_field("charset"),
        )
        weather.add_fault(_whose(control), wanted)
        return translated_message("weather.said_begun")

    @pages.post("/weather/fault/remove")
    def remove_fault() -> ResponseReturnValue:
        weather.remove_fault(_whose(control), form_field("id") or "")
        return translated_message("weather.said_over")

    @pages.post("/weather/rule")
    def add_rule() -> ResponseReturnValue:
        wanted = build_model(
            RuleDocument,
            number=form_field("number"),
            outcome=form_field("outcome"),
            errorcode=form_field("code"),
            delay=form_number("delay"),
            reply=form_field("reply"),
            share=_share(),
            remaining=form_number("remaining", whole=True),
        )
        weather.add_rule(selected_account(control).userid, wanted)
        return translated_message("weather.said_begun")

    @pages.post("/weather/rule/remove")
    def remove_rule() -> ResponseReturnValue:
        weather.remove_rule(selected_account(control).userid, form_field("name") or "")
        return translated_message("weather.said_over")

    @pages.post("/weather/clock")
    def clock() -> ResponseReturnValue:
        clocks.put(
            _whose(control),
            build_model(ClockSetting, mode=form_field("mode"), speed=form_number("speed"), now=form_field("now")),
        )
        return translated_message("weather.said_clock")

    @pages.post("/weather/advance")
    def advance() -> ResponseReturnValue:
        clocks.advance(_whose(control), build_model(Advance, seconds=form_number("seconds"), to=form_field("to")))
        return translated_message("weather.said_clock")

    @pages.post("/weather/clear")
    def clear_sky() -> ResponseReturnValue:
        account = selected_account(control)
        for userid in (account.userid, None):
            weather.clear_faults(userid)
            clocks.put(userid, build_model(ClockSetting, mode="real"))
        weather.put_outcomes(account.userid, OutcomesDocument())
        if control.anomalies(account.userid).points is not None:
            control.accounts.change(account.userid, build_model(AccountPatch, points=RESTORED_POINTS))
        return translated_message("weather.said_clear")

    @pages.errorhandler(NoPendingEvent)
    def nothing_due(error: NoPendingEvent) -> ResponseReturnValue:
        return translated_message("weather.said_nothing_due", 409)

    @pages.errorhandler(NoSuchRule)
    def no_such_rule(error: NoSuchRule) -> ResponseReturnValue:
        return translated_message("weather.said_no_rule", 404)

    @pages.errorhandler(TooManyFaults)
    @pages.errorhandler(TooManyRules)
    def too_many(error: TooManyFaults | TooManyRules) -> ResponseReturnValue:
        return translated_message("said.invalid", 422, what=str(error))

    @pages.errorhandler(NoSuchFault)
    def no_such_fault(error: NoSuchFault) -> ResponseReturnValue:
        return translated_message("weather.said_no_fault", 404)


def _whose(control: ControlService) -> str | None:
    return None if form_field("whose") == "all" else selected_account(control).userid


def _share() -> Any:
    percent = form_number("percent")
    return None if percent is None else percent / 100
