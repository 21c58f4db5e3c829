"""Routes about the journal of requests."""

from typing import Final

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import OfAccount, OfAccountsRequest, OfRequest, Responses, json_of, routes
from sms10692_mock.admin.services import Control
from sms10692_mock.admin.services.requests import RequestDocument, WholeRequestDocument
from sms10692_mock.admin.services.schemas import ListDocument, SeekRequests

_LIST: Final[Responses] = {200: ListDocument[RequestDocument]}
_WHOLE: Final[Responses] = {200: WholeRequestDocument}


def request_routes(control: Control) -> APIBlueprint:
    """The routes for one emulator."""
    api, requests = routes("requests"), control.requests

    @api.get("/requests", summary="All requests, of known and unknown userids", responses=_LIST)
    def list_requests(query: SeekRequests) -> Response:
        return json_of(requests.list(None, query))

    @api.get("/requests/<number>", summary="A request, with what was wrong with it", responses=_WHOLE)
    def get_request(path: OfRequest) -> Response:
        return json_of(requests.get(None, path.number))

    @api.get("/accounts/<userid>/requests", summary="An account's requests", responses=_LIST)
    def list_account_requests(path: OfAccount, query: SeekRequests) -> Response:
        return json_of(requests.list(path.userid, query))

    @api.get(
        "/accounts/<userid>/requests/<number>",
        summary="A request of an account, with what was wrong with it",
        responses=_WHOLE,
    )
    def get_account_request(path: OfAccountsRequest) -> Response:
        return json_of(requests.get(path.userid, path.number))

    return api
