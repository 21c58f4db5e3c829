"""Queues: the reports and the replies, what waits of them and what was handed out, and to whom.

Here belongs that page: looking, handing out again, putting something in.
"""

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from sms10692_mock.admin.console.layout import document, given, number, page, said, shown_account
from sms10692_mock.admin.console.list_filters import seek_of
from sms10692_mock.admin.services import Control
from sms10692_mock.admin.services.message_documents import NewReply, NewReport, Rewind
from sms10692_mock.domain.records import QueueName


def add_queues(pages: Blueprint, control: Control) -> None:
    """Add the page."""

    @pages.get("/queues")
    def queues() -> ResponseReturnValue:
        account, queue = shown_account(control), _queue()
        seek, is_filtered = seek_of("mobile", "text", "state")
        look = control.traffic.reports if queue == "reports" else control.traffic.replies
        found = look(account.userid, seek)
        if request.headers.get("HX-Target") == "older":
            return Response(render_template("queues.rows.html", queue=queue, items=found))
        return page(
            control,
            "queues",
            account,
            queue=queue,
            items=found,
            is_filtered=is_filtered,
            ledgers=control.traffic.queues(account.userid),
        )

    @pages.post("/queues/rewind")
    def rewind() -> ResponseReturnValue:
        userid = shown_account(control).userid
        wanted = document(Rewind, count=number("count", whole=True))
        return said("queues.said_rewound", count=control.traffic.rewind(userid, _queue(), wanted).rewound)

    @pages.post("/queues/inject")
    def inject() -> ResponseReturnValue:
        userid = shown_account(control).userid
        mobile, task_id, seconds = given("mobile"), number("task_id", whole=True), number("seconds")
        ext, status = given("ext"), number("status", whole=True)
        if _queue() == "reports":
            wanted = document(
                NewReport,
                mobile=mobile,
                task_id=task_id,
                status=status,
                errorcode=given("code"),
                extno=ext,
                seconds=seconds,
            )
            control.traffic.put_report(userid, wanted)
        else:
            content = given("content")
            control.traffic.put_reply(
                userid,
                document(NewReply, mobile=mobile, task_id=task_id, content=content, extno=ext, seconds=seconds),
            )
        return said("queues.said_injected")


def _queue() -> QueueName:
    return "replies" if request.args.get("queue") == "replies" else "reports"
