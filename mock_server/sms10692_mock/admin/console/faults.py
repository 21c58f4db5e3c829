"""Weather: faults, outcomes and the clock, with sliders, and scenarios at one click.

Here belongs that page. What each brings about is `control.weather`'s and `control.clocks`' affair.
"""

from typing import Any, Final, get_args

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from sms10692 import protocol
from sms10692_mock.admin.console.layout import document, given, number, page, said, shown_account
from sms10692_mock.admin.console.presets import AFTERWARDS, BY_NAME, SCENARIOS, begin, end, is_on
from sms10692_mock.admin.services import Control
from sms10692_mock.admin.services.accounts import Terms
from sms10692_mock.admin.services.behaviour import (
    NewFault,
    NoSuchFault,
    NoSuchRule,
    OutcomesDocument,
    RuleDocument,
    TooManyFaults,
    TooManyRules,
)
from sms10692_mock.admin.services.clocks import Advance, ClockSetting, NothingDue
from sms10692_mock.domain.faults import Kind

_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


def add_weather(pages: Blueprint, control: Control) -> None:
    """Add the page."""
    weather, clocks = control.weather, control.clocks

    @pages.get("/weather", endpoint="weather")
    def weather_page() -> ResponseReturnValue:
        account = shown_account(control)
        userid = account.userid
        return page(
            control,
            "weather",
            account,
            scenarios=[(scenario.name, is_on(control, userid, scenario)) for scenario in SCENARIOS],
            faults=[
                *(("own", fault) for fault in weather.faults(userid).faults),
                *(("all", fault) for fault in weather.faults(None).faults),
            ],
            rules=weather.named_rules(userid),
            clock=clocks.document(userid),
            clock_of_all=clocks.document(None),
            kinds=_KINDS,
            operations=[operation.name for operation in protocol.OPERATIONS],
            messages=sorted({word for one in protocol.OPERATIONS for word in one.messages} - {"", protocol.OK}),
        )

    @pages.post("/weather/scenario")
    def scenario() -> ResponseReturnValue:
        userid, wanted = shown_account(control).userid, BY_NAME.get(given("name") or "")
        if wanted is None:
            return said("said.invalid", 422, what="name")
        if is_on(control, userid, wanted):
            end(control, userid, wanted)
            return said("weather.said_over")
        begin(control, userid, wanted)
        return said("weather.said_begun")

    @pages.post("/weather/fault")
    def add_fault() -> ResponseReturnValue:
        wanted = document(
            NewFault,
            kind=given("kind"),
            operations=request.form.getlist("operations"),
            remaining=number("remaining", whole=True),
            share=_share(),
            seconds=number("seconds"),
            seconds_max=number("seconds_max"),
            at=number("at", whole=True),
            status=number("status", whole=True),
            message=given("message"),
            charset=given("charset"),
        )
        weather.add_fault(_whose(control), wanted)
        return said("weather.said_begun")

    @pages.post("/weather/fault/remove")
    def remove_fault() -> ResponseReturnValue:
        weather.remove_fault(_whose(control), given("id") or "")
        return said("weather.said_over")

    @pages.post("/weather/rule")
    def add_rule() -> ResponseReturnValue:
        wanted = document(
            RuleDocument,
            number=given("number"),
            outcome=given("outcome"),
            errorcode=given("code"),
            delay=number("delay"),
            reply=given("reply"),
            share=_share(),
            remaining=number("remaining", whole=True),
        )
        weather.add_rule(shown_account(control).userid, wanted)
        return said("weather.said_begun")

    @pages.post("/weather/rule/remove")
    def remove_rule() -> ResponseReturnValue:
        weather.remove_rule(shown_account(control).userid, given("name") or "")
        return said("weather.said_over")

    @pages.post("/weather/clock")
    def clock() -> ResponseReturnValue:
        clocks.put(_whose(control), document(ClockSetting, mode=given("mode"), speed=number("speed"), now=given("now")))
        return said("weather.said_clock")

    @pages.post("/weather/advance")
    def advance() -> ResponseReturnValue:
        clocks.advance(_whose(control), document(Advance, seconds=number("seconds"), to=given("to")))
        return said("weather.said_clock")

    @pages.post("/weather/clear")
    def clear_sky() -> ResponseReturnValue:
        account = shown_account(control)
        for userid in (account.userid, None):
            weather.clear_faults(userid)
            clocks.put(userid, document(ClockSetting, mode="real"))
        weather.put_outcomes(account.userid, OutcomesDocument())
        if control.signs(account.userid).points is not None:
            control.accounts.change(account.userid, document(Terms, points=AFTERWARDS))
        return said("weather.said_clear")

    @pages.errorhandler(NothingDue)
    def nothing_due(error: NothingDue) -> ResponseReturnValue:
        return said("weather.said_nothing_due", 409)

    @pages.errorhandler(NoSuchRule)
    def no_such_rule(error: NoSuchRule) -> ResponseReturnValue:
        return said("weather.said_no_rule", 404)

    @pages.errorhandler(TooManyFaults)
    @pages.errorhandler(TooManyRules)
    def too_many(error: TooManyFaults | TooManyRules) -> ResponseReturnValue:
        return said("said.invalid", 422, what=str(error))

    @pages.errorhandler(NoSuchFault)
    def no_such_fault(error: NoSuchFault) -> ResponseReturnValue:
        return said("weather.said_no_fault", 404)


def _whose(control: Control) -> str | None:
    return None if given("whose") == "all" else shown_account(control).userid


def _share() -> Any:
    percent = number("percent")
    return None if percent is None else percent / 100
