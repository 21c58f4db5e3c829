"""Routes of messages, queues and spending."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import EMPTY, AccountMessagePath, AccountPath, Empty, blueprint, json_response
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.message_documents import (
    EnqueuedReplyDocument,
    EnqueuedReportDocument,
    MessageDocument,
    NewReply,
    NewReport,
    QueuesDocument,
    ReplyDocument,
    ReportDocument,
    Requeue,
    RequeueResult,
    SpendingDocument,
)
from sms10692_mock.admin.services.schemas import ListDocument, ListQuery, MessageQuery


def message_routes(control: ControlService, is_described: bool) -> APIBlueprint:
    """Build the routes for one emulator."""
    api, messages = blueprint("messages", is_described), control.messages

    @api.get(
        "/accounts/<userid>/messages", summary="List sent messages", responses={200: ListDocument[MessageDocument]}
    )
    def list_messages(path: AccountPath, query: MessageQuery) -> Response:
        return json_response(messages.messages(path.userid, query))

    @api.delete("/accounts/<userid>/messages", summary="Delete the messages of an account", responses={200: Empty})
    def delete_messages(path: AccountPath) -> Response:
        messages.delete_all(path.userid)
        return json_response(EMPTY)

    @api.delete("/accounts/<userid>/messages/<number>", summary="Delete a message", responses={200: Empty})
    def delete_message(path: AccountMessagePath) -> Response:
        messages.delete(path.userid, path.number)
        return json_response(EMPTY)

    @api.delete("/messages", summary="Delete the messages of all accounts", responses={200: Empty})
    def delete_all_messages() -> Response:
        messages.delete_of_all_accounts()
        return json_response(EMPTY)

    @api.get("/accounts/<userid>/spending", summary="Get the spending of an account", responses={200: SpendingDocument})
    def get_spending(path: AccountPath) -> Response:
        return json_response(messages.spending(path.userid))

    @api.get(
        "/accounts/<userid>/queue-stats", summary="Get the statistics of both queues", responses={200: QueuesDocument}
    )
    def get_queue_stats(path: AccountPath) -> Response:
        return json_response(messages.queue_stats(path.userid))

    @api.get("/accounts/<userid>/reports", summary="List reports", responses={200: ListDocument[ReportDocument]})
    def list_reports(path: AccountPath, query: ListQuery) -> Response:
        return json_response(messages.reports(path.userid, query))

    @api.post(
        "/accounts/<userid>/reports", summary="Add a report to the queue", responses={201: EnqueuedReportDocument}
    )
    def add_report(path: AccountPath, body: NewReport) -> Response:
        return json_response(messages.inject_report(path.userid, body), 201)

    @api.post("/accounts/<userid>/reports/requeue", summary="Requeue fetched reports", responses={200: RequeueResult})
    def requeue_reports(path: AccountPath, body: Requeue) -> Response:
        return json_response(messages.requeue(path.userid, "reports", body))

    @api.get("/accounts/<userid>/replies", summary="List replies", responses={200: ListDocument[ReplyDocument]})
    def list_replies(path: AccountPath, query: ListQuery) -> Response:
        return json_response(messages.replies(path.userid, query))

    @api.post("/accounts/<userid>/replies", summary="Add a reply to the queue", responses={201: EnqueuedReplyDocument})
    def add_reply(path: AccountPath, body: NewReply) -> Response:
        return json_response(messages.inject_reply(path.userid, body), 201)

    @api.post("/accounts/<userid>/replies/requeue", summary="Requeue fetched replies", responses={200: RequeueResult})
    def requeue_replies(path: AccountPath, body: Requeue) -> Response:
        return json_response(messages.requeue(path.userid, "replies", body))

    return api
