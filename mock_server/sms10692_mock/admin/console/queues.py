"""Queues: the reports and the replies, what waits of them and what was handed out, and to whom.

Here belongs that page: looking, handing out again, putting something in.
"""

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
from sms10692_mock.admin.console.list_filters import query_from_url
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.message_documents import NewReply, NewReport, Requeue
from sms10692_mock.domain.records import QueueName


def add_queues(pages: Blueprint, control: ControlService) -> None:
    """Add the page."""

    @pages.get("/queues")
    def queues() -> ResponseReturnValue:
        account, queue = selected_account(control), _queue()
        seek, is_filtered = query_from_url("mobile", "text", "state")
        look = control.traffic.reports if queue == "reports" else control.traffic.replies
        found = look(account.userid, seek)
        if request.headers.get("HX-Target") == "older":
            return Response(render_template("queues.rows.html", queue=queue, items=found))
        return render_page(
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
        userid = selected_account(control).userid
        wanted = build_model(Requeue, count=form_number("count", whole=True))
        return translated_message("queues.said_rewound", count=control.traffic.rewind(userid, _queue(), wanted).rewound)

    @pages.post("/queues/inject")
    def inject() -> ResponseReturnValue:
        userid = selected_account(control).userid
        mobile, task_id, seconds = form_field("mobile"), form_number("task_id", whole=True), form_number("seconds")
        ext, status = form_field("ext"), form_number("status", whole=True)
        if _queue() == "reports":
            wanted = build_model(
                NewReport,
                mobile=mobile,
                task_id=task_id,
                status=status,
                errorcode=form_field("code"),
                extno=ext,
                seconds=seconds,
            )
            control.traffic.inject_report(userid, wanted)
        else:
            content = form_field("content")
            control.traffic.inject_reply(
                userid,
                build_model(NewReply, mobile=mobile, task_id=task_id, content=content, extno=ext, seconds=seconds),
            )
        return translated_message("queues.said_injected")


def _queue() -> QueueName:
    return "replies" if request.args.get("queue") == "replies" else "reports"
