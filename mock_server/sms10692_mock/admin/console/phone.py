"""Phone page: a simulated phone that shows its messages and can reply to them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from sms10692_mock.admin.console.layout import (
    build_model,
    form_field,
    form_number,
    message_response,
    render_page,
    selected_account,
)
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.behaviour import RuleDocument
from sms10692_mock.admin.services.message_documents import NewReply, NewReport
from sms10692_mock.admin.services.schemas import MessageQuery
from sms10692_mock.domain.delivery import OUTCOMES

_SEARCHED_MESSAGES: Final = 300
"""Newest messages that are searched for numbers."""

_MAX_NUMBERS: Final = 12
_MAX_BUBBLES: Final = 30
_KINDS: Final = ("message", "report", "reply")
"""Order of bubbles with the same time."""


class _Bubble(NamedTuple):
    """One entry of the conversation."""

    time: str
    kind: Literal["message", "reply", "report"]
    item: Any


def add_phone(pages: Blueprint, control: ControlService) -> None:
    """Add the page and its forms."""

    @pages.get("/phone")
    def phone() -> ResponseReturnValue:
        account = selected_account(control)
        numbers = _recent_numbers(control, account.userid)
        mobile = request.args.get("mobile", "").strip() or next(iter(numbers), "")
        rules = control.behaviour.delivery_rules(account.userid).rules
        return render_page(
            control,
            "phone",
            account,
            mobile=mobile,
            numbers=numbers,
            conversation=_conversation(control, account.userid, mobile) if mobile else [],
            outcomes=OUTCOMES,
            rule=next((rule for rule in rules if rule.number == mobile), None),
        )

    @pages.get("/phone/numbers")
    def numbers() -> ResponseReturnValue:
        recent = _recent_numbers(control, selected_account(control).userid)
        return Response(
            render_template("phone.numbers.html", numbers=recent, mobile=request.args.get("mobile", "").strip())
        )

    @pages.post("/phone/reply")
    def reply() -> ResponseReturnValue:
        userid = selected_account(control).userid
        control.messages.inject_reply(
            userid, build_model(NewReply, mobile=form_field("mobile"), content=request.form.get("content"))
        )
        return message_response("phone.reply_added")

    @pages.post("/phone/report")
    def report() -> ResponseReturnValue:
        userid = selected_account(control).userid
        failed = form_field("outcome") == "failed"
        new_report = build_model(
            NewReport,
            mobile=form_field("mobile"),
            task_id=form_number("task_id", whole=True),
            status=20 if failed else 10,
            errorcode=(form_field("code") or "UNDELIV") if failed else None,
            extno=form_field("ext"),
        )
        control.messages.inject_report(userid, new_report)
        return message_response("phone.report_added")

    @pages.post("/phone/outcome")
    def outcome() -> ResponseReturnValue:
        userid = selected_account(control).userid
        mobile, selected = form_field("mobile") or "", form_field("outcome")
        rule = None
        if selected != "usual":
            code = form_field("code") if selected == "failed" else None
            rule = build_model(RuleDocument, number=mobile, outcome=selected, errorcode=code)
        control.behaviour.set_rule_for_number(userid, mobile, rule)
        return message_response("phone.rule_saved", mobile=mobile)


def _recent_numbers(control: ControlService, userid: str) -> list[str]:
    query = build_model(MessageQuery, order="desc", limit=_SEARCHED_MESSAGES)
    messages = control.messages.messages(userid, query).items
    return list(dict.fromkeys(message.mobile for message in messages))[:_MAX_NUMBERS]


def _conversation(control: ControlService, userid: str, mobile: str) -> list[_Bubble]:
    """Return the newest messages to the number, replies from it and manually added reports, oldest first."""
    query = build_model(MessageQuery, mobile=mobile, order="desc", limit=_MAX_BUBBLES)
    service = control.messages
    messages = [_Bubble(message.sent, "message", message) for message in service.messages(userid, query).items]
    replies = [_Bubble(reply.due, "reply", reply) for reply in service.replies(userid, query).items]
    reports = [
        _Bubble(report.due, "report", report) for report in service.reports(userid, query).items if report.injected
    ]
    return _sort_by_time((*messages, *replies, *reports))[-_MAX_BUBBLES:]


def _sort_by_time(bubbles: Iterable[_Bubble]) -> list[_Bubble]:
    return sorted(
        bubbles,
        key=lambda bubble: (datetime.fromisoformat(bubble.time), _KINDS.index(bubble.kind), bubble.item.number),
    )
