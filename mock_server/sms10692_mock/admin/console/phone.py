"""Handset: one telephone, with the messages as a person would see them, and a field to answer.

Here belongs that page. What a report or an answer is, and when it is fetched, is `control.traffic`'s affair.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from sms10692_mock.admin.console.layout import (
    build_model,
    form_field,
    form_number,
    render_page,
    selected_account,
    translated_message,
)
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.behaviour import RuleDocument
from sms10692_mock.admin.services.message_documents import NewReply, NewReport
from sms10692_mock.admin.services.schemas import ListQuery

_LOOKED_AT: Final = 300
"""Messages among which the numbers stand that are offered."""

_OFFERED: Final = 12
_SHOWN: Final = 30
_KINDS: Final = ("message", "report", "reply")
"""In the order in which they stand where they have the same moment."""


class _Shown(NamedTuple):
    """One thing on the telephone's screen."""

    moment: str
    kind: Literal["message", "reply", "report"]
    item: Any


def add_phone(pages: Blueprint, control: ControlService) -> None:
    """Add the page."""

    @pages.get("/handset")
    def handset() -> ResponseReturnValue:
        account = selected_account(control)
        numbers = _numbers(control, account.userid)
        mobile = request.args.get("mobile", "").strip() or next(iter(numbers), "")
        rules = control.weather.outcomes(account.userid).rules
        return render_page(
            control,
            "handset",
            account,
            mobile=mobile,
            numbers=numbers,
            thread=_thread(control, account.userid, mobile) if mobile else [],
            rule=next((rule for rule in rules if rule.number == mobile), None),
        )

    @pages.get("/handset/numbers")
    def numbers() -> ResponseReturnValue:
        found = _numbers(control, selected_account(control).userid)
        return Response(
            render_template("handset.numbers.html", numbers=found, mobile=request.args.get("mobile", "").strip())
        )

    @pages.post("/handset/reply")
    def reply() -> ResponseReturnValue:
        userid = selected_account(control).userid
        control.traffic.inject_reply(
            userid, build_model(NewReply, mobile=form_field("mobile"), content=request.form.get("content"))
        )
        return translated_message("handset.said_reply")

    @pages.post("/handset/report")
    def report() -> ResponseReturnValue:
        userid = selected_account(control).userid
        failed = form_field("outcome") == "failed"
        wanted = build_model(
            NewReport,
            mobile=form_field("mobile"),
            task_id=form_number("task_id", whole=True),
            status=20 if failed else 10,
            errorcode=(form_field("code") or "UNDELIV") if failed else None,
            extno=form_field("ext"),
        )
        control.traffic.inject_report(userid, wanted)
        return translated_message("handset.said_report")

    @pages.post("/handset/outcome")
    def outcome() -> ResponseReturnValue:
        userid = selected_account(control).userid
        mobile, wanted = form_field("mobile") or "", form_field("outcome")
        rule = None
        if wanted != "usual":
            code = form_field("code") if wanted == "failed" else None
            rule = build_model(RuleDocument, number=mobile, outcome=wanted, errorcode=code)
        control.weather.set_rule_for_number(userid, mobile, rule)
        return translated_message("handset.said_outcome", mobile=mobile)


def _numbers(control: ControlService, userid: str) -> list[str]:
    lately = control.traffic.messages(userid, build_model(ListQuery, order="desc", limit=_LOOKED_AT)).items
    return list(dict.fromkeys(message.mobile for message in lately))[:_OFFERED]


def _thread(control: ControlService, userid: str, mobile: str) -> list[_Shown]:
    seek = build_model(ListQuery, mobile=mobile, order="desc", limit=_SHOWN)
    traffic = control.traffic
    messages = [_Shown(message.sent, "message", message) for message in traffic.messages(userid, seek).items]
    replies = [_Shown(reply.due, "reply", reply) for reply in traffic.replies(userid, seek).items]
    reports = [
        _Shown(report.due, "report", report) for report in traffic.reports(userid, seek).items if report.injected
    ]
    return _in_order((*messages, *replies, *reports))[-_SHOWN:]


def _in_order(shown: Iterable[_Shown]) -> list[_Shown]:
    return sorted(shown, key=lambda one: (datetime.fromisoformat(one.moment), _KINDS.index(one.kind), one.item.number))
