"""Routes of the request log."""

from typing import Final

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import (
    EMPTY,
    AccountPath,
    AccountRequestPath,
    Empty,
    RequestPath,
    Responses,
    blueprint,
    json_response,
)
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.requests import ExplanationDocument, PastedText, RequestDetail, RequestDocument
from sms10692_mock.admin.services.schemas import LanguageQuery, ListDocument, RequestLogQuery

_LIST: Final[Responses] = {200: ListDocument[RequestDocument]}
_EXPLANATION: Final[Responses] = {200: ExplanationDocument}
_DETAIL: Final[Responses] = {200: RequestDetail}


def request_routes(control: ControlService, is_described: bool) -> APIBlueprint:
    """Build the routes for one emulator."""
    api, requests = blueprint("requests", is_described), control.requests

    @api.get("/requests", summary="List requests of all userids, also of unknown ones", responses=_LIST)
    def list_requests(query: RequestLogQuery) -> Response:
        return json_response(requests.list(None, query))

    @api.get("/requests/<number>", summary="Get a request with its diagnosis", responses=_DETAIL)
    def get_request(path: RequestPath, query: LanguageQuery) -> Response:
        return json_response(requests.get(None, path.number, query.lang))

    @api.delete("/requests", summary="Delete the requests of all userids", responses={200: Empty})
    def delete_requests() -> Response:
        requests.delete_all()
        return json_response(EMPTY)

    @api.delete("/requests/<number>", summary="Delete a request", responses={200: Empty})
    def delete_request(path: RequestPath) -> Response:
        requests.delete(path.number)
        return json_response(EMPTY)

    @api.get("/accounts/<userid>/requests", summary="List requests of an account", responses=_LIST)
    def list_account_requests(path: AccountPath, query: RequestLogQuery) -> Response:
        return json_response(requests.list(path.userid, query))

    @api.get(
        "/accounts/<userid>/requests/<number>",
        summary="Get a request of an account with its diagnosis",
        responses=_DETAIL,
    )
    def get_account_request(path: AccountRequestPath, query: LanguageQuery) -> Response:
        return json_response(requests.get(path.userid, path.number, query.lang))

    @api.post(
        "/explain", summary="Explain a request that was not sent: nothing is stored or charged", responses=_EXPLANATION
    )
    def explain(body: PastedText, query: LanguageQuery) -> Response:
        return json_response(requests.explain(body, query.lang))

    return api
