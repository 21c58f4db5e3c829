"""Handset: one telephone, with the messages as a person would see them, and a field to answer.

Here belongs that page. What a report or an answer is, and when it is fetched, is `control.traffic`'s affair.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from sms10692_mock.admin.console.layout import document, given, number, page, said, shown_account
from sms10692_mock.admin.services import Control
from sms10692_mock.admin.services.behaviour import RuleDocument
from sms10692_mock.admin.services.message_documents import NewReply, NewReport
from sms10692_mock.admin.services.schemas import Seek

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


def add_handset(pages: Blueprint, control: Control) -> None:
    """Add the page."""

    @pages.get("/handset")
    def handset() -> ResponseReturnValue:
        account = shown_account(control)
        numbers = _numbers(control, account.userid)
        mobile = request.args.get("mobile", "").strip() or next(iter(numbers), "")
        rules = control.weather.outcomes(account.userid).rules
        return page(
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
        found = _numbers(control, shown_account(control).userid)
        return Response(
            render_template("handset.numbers.html", numbers=found, mobile=request.args.get("mobile", "").strip())
        )

    @pages.post("/handset/reply")
    def reply() -> ResponseReturnValue:
        userid = shown_account(control).userid
        control.traffic.put_reply(
            userid, document(NewReply, mobile=given("mobile"), content=request.form.get("content"))
        )
        return said("handset.said_reply")

    @pages.post("/handset/report")
    def report() -> ResponseReturnValue:
        userid = shown_account(control).userid
        failed = given("outcome") == "failed"
        wanted = document(
            NewReport,
            mobile=given("mobile"),
            task_id=number("task_id", whole=True),
            status=20 if failed else 10,
            errorcode=(given("code") or "UNDELIV") if failed else None,
            extno=given("ext"),
        )
        control.traffic.put_report(userid, wanted)
        return said("handset.said_report")

    @pages.post("/handset/outcome")
    def outcome() -> ResponseReturnValue:
        userid = shown_account(control).userid
        mobile, wanted = given("mobile") or "", given("outcome")
        rule = None
        if wanted != "usual":
            code = given("code") if wanted == "failed" else None
            rule = document(RuleDocument, number=mobile, outcome=wanted, errorcode=code)
        control.weather.rule_number(userid, mobile, rule)
        return said("handset.said_outcome", mobile=mobile)


def _numbers(control: Control, userid: str) -> list[str]:
    lately = control.traffic.messages(userid, document(Seek, order="desc", limit=_LOOKED_AT)).items
    return list(dict.fromkeys(message.mobile for message in lately))[:_OFFERED]


def _thread(control: Control, userid: str, mobile: str) -> list[_Shown]:
    seek = document(Seek, mobile=mobile, order="desc", limit=_SHOWN)
    traffic = control.traffic
    messages = [_Shown(message.sent, "message", message) for message in traffic.messages(userid, seek).items]
    replies = [_Shown(reply.due, "reply", reply) for reply in traffic.replies(userid, seek).items]
    reports = [
        _Shown(report.due, "report", report) for report in traffic.reports(userid, seek).items if report.injected
    ]
    return _in_order((*messages, *replies, *reports))[-_SHOWN:]


def _in_order(shown: Iterable[_Shown]) -> list[_Shown]:
    return sorted(shown, key=lambda one: (datetime.fromisoformat(one.moment), _KINDS.index(one.kind), one.item.number))
