"""Routes about messages and queues."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import OfAccount, json_of, routes
from sms10692_mock.admin.services import Control
from sms10692_mock.admin.services.message_documents import (
    ChargesDocument,
    EnqueuedReply,
    EnqueuedReport,
    MessageDocument,
    NewReply,
    NewReport,
    QueuesDocument,
    ReplyDocument,
    ReportDocument,
    Rewind,
    RewoundDocument,
)
from sms10692_mock.admin.services.schemas import ListDocument, Seek


def traffic_routes(control: Control) -> APIBlueprint:
    """The routes for one emulator."""
    api, traffic = routes("traffic"), control.traffic

    @api.get("/accounts/<userid>/messages", summary="What was sent", responses={200: ListDocument[MessageDocument]})
    def list_messages(path: OfAccount, query: Seek) -> Response:
        return json_of(traffic.messages(path.userid, query))

    @api.get("/accounts/<userid>/charges", summary="What was charged lately", responses={200: ChargesDocument})
    def get_charges(path: OfAccount) -> Response:
        return json_of(traffic.charges(path.userid))

    @api.get("/accounts/<userid>/queues", summary="Both queues in numbers", responses={200: QueuesDocument})
    def get_queues(path: OfAccount) -> Response:
        return json_of(traffic.queues(path.userid))

    @api.get("/accounts/<userid>/reports", summary="The reports", responses={200: ListDocument[ReportDocument]})
    def list_reports(path: OfAccount, query: Seek) -> Response:
        return json_of(traffic.reports(path.userid, query))

    @api.post("/accounts/<userid>/reports", summary="Put a report into the queue", responses={201: EnqueuedReport})
    def add_report(path: OfAccount, body: NewReport) -> Response:
        return json_of(traffic.put_report(path.userid, body), 201)

    @api.post("/accounts/<userid>/reports/rewind", summary="Hand out again", responses={200: RewoundDocument})
    def rewind_reports(path: OfAccount, body: Rewind) -> Response:
        return json_of(traffic.rewind(path.userid, "reports", body))

    @api.get("/accounts/<userid>/replies", summary="The replies", responses={200: ListDocument[ReplyDocument]})
    def list_replies(path: OfAccount, query: Seek) -> Response:
        return json_of(traffic.replies(path.userid, query))

    @api.post("/accounts/<userid>/replies", summary="Answer as a handset", responses={201: EnqueuedReply})
    def add_reply(path: OfAccount, body: NewReply) -> Response:
        return json_of(traffic.put_reply(path.userid, body), 201)

    @api.post("/accounts/<userid>/replies/rewind", summary="Hand out again", responses={200: RewoundDocument})
    def rewind_replies(path: OfAccount, body: Rewind) -> Response:
        return json_of(traffic.rewind(path.userid, "replies", body))

    return api
