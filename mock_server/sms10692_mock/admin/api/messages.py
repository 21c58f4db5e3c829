"""Routes about messages and queues."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import AccountPath, blueprint, json_response
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.message_documents import (
    EnqueuedReply,
    EnqueuedReport,
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
from sms10692_mock.admin.services.schemas import ListDocument, ListQuery


def message_routes(control: ControlService) -> APIBlueprint:
    """The routes for one emulator."""
    api, traffic = blueprint("traffic"), control.messages

    @api.get("/accounts/<userid>/messages", summary="What was sent", responses={200: ListDocument[MessageDocument]})
    def list_messages(path: AccountPath, query: ListQuery) -> Response:
        return json_response(traffic.messages(path.userid, query))

    @api.get("/accounts/<userid>/charges", summary="What was charged lately", responses={200: SpendingDocument})
    def get_charges(path: AccountPath) -> Response:
        return json_response(traffic.spending(path.userid))

    @api.get("/accounts/<userid>/queues", summary="Both queues in numbers", responses={200: QueuesDocument})
    def get_queues(path: AccountPath) -> Response:
        return json_response(traffic.queue_stats(path.userid))

    @api.get("/accounts/<userid>/reports", summary="The reports", responses={200: ListDocument[ReportDocument]})
    def list_reports(path: AccountPath, query: ListQuery) -> Response:
        return json_response(traffic.reports(path.userid, query))

    @api.post("/accounts/<userid>/reports", summary="Put a report into the queue", responses={201: EnqueuedReport})
    def add_report(path: AccountPath, body: NewReport) -> Response:
        return json_response(traffic.inject_report(path.userid, body), 201)

    @api.post("/accounts/<userid>/reports/rewind", summary="Hand out again", responses={200: RequeueResult})
    def rewind_reports(path: AccountPath, body: Requeue) -> Response:
        return json_response(traffic.requeue(path.userid, "reports", body))

    @api.get("/accounts/<userid>/replies", summary="The replies", responses={200: ListDocument[ReplyDocument]})
    def list_replies(path: AccountPath, query: ListQuery) -> Response:
        return json_response(traffic.replies(path.userid, query))

    @api.post("/accounts/<userid>/replies", summary="Answer as a handset", responses={201: EnqueuedReply})
    def add_reply(path: AccountPath, body: NewReply) -> Response:
        return json_response(traffic.inject_reply(path.userid, body), 201)

    @api.post("/accounts/<userid>/replies/rewind", summary="Hand out again", responses={200: RequeueResult})
    def rewind_replies(path: AccountPath, body: Requeue) -> Response:
        return json_response(traffic.requeue(path.userid, "replies", body))

    return api
