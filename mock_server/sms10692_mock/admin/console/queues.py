"""Queues page: reports and replies with their states; requeuing fetched items and adding items."""

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
from sms10692_mock.admin.console.list_filters import QUEUE_FILTERS, query_from_url
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.message_documents import NewReply, NewReport, Requeue
from sms10692_mock.admin.services.schemas import ListQuery
from sms10692_mock.domain.records import QueueName


def add_queues(pages: Blueprint, control: ControlService) -> None:
    """Add the page."""

    @pages.get("/queues")
    def queues() -> ResponseReturnValue:
        account, queue = selected_account(control), _selected_queue()
        query, is_filtered = query_from_url(ListQuery, *QUEUE_FILTERS)
        list_items = control.messages.reports if queue == "reports" else control.messages.replies
        page = list_items(account.userid, query)
        if request.headers.get("HX-Target") == "older":
            return Response(render_template("queues.rows.html", queue=queue, items=page))
        return render_page(
            control,
            "queues",
            account,
            queue=queue,
            items=page,
            is_filtered=is_filtered,
            queue_stats=control.messages.queue_stats(account.userid),
        )

    @pages.post("/queues/requeue")
    def requeue() -> ResponseReturnValue:
        userid = selected_account(control).userid
        selection = build_model(Requeue, count=form_number("count", whole=True))
        return message_response(
            "queues.requeued", count=control.messages.requeue(userid, _selected_queue(), selection).requeued
        )

    @pages.post("/queues/inject")
    def inject() -> ResponseReturnValue:
        userid = selected_account(control).userid
        mobile, task_id, seconds = form_field("mobile"), form_number("task_id", whole=True), form_number("seconds")
        ext, status = form_field("ext"), form_number("status", whole=True)
        if _selected_queue() == "reports":
            report = build_model(
                NewReport,
                mobile=mobile,
                task_id=task_id,
                status=status,
                errorcode=form_field("code"),
                extno=ext,
                seconds=seconds,
            )
            control.messages.inject_report(userid, report)
        else:
            content = form_field("content")
            control.messages.inject_reply(
                userid,
                build_model(NewReply, mobile=mobile, task_id=task_id, content=content, extno=ext, seconds=seconds),
            )
        return message_response("queues.added")


def _selected_queue() -> QueueName:
    return "replies" if request.args.get("queue") == "replies" else "reports"
