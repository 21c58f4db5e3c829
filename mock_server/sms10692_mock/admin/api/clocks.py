"""Routes of the global clock and of the clocks of accounts."""

from typing import Final

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import AccountPath, ErrorBody, Responses, blueprint, json_response
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.clocks import Advance, ClockDocument, ClockSetting

_ADVANCE_RESPONSES: Final[Responses] = {200: ClockDocument, 409: ErrorBody}


def clock_routes(control: ControlService, is_described: bool) -> APIBlueprint:
    """Build the routes for one emulator."""
    api, clocks = blueprint("clocks", is_described), control.clocks

    @api.get("/clock", summary="Get the global clock", responses={200: ClockDocument})
    def get_clock() -> Response:
        return json_response(clocks.get(None))

    @api.put("/clock", summary="Set the global clock", responses={200: ClockDocument})
    def set_clock(body: ClockSetting) -> Response:
        return json_response(clocks.set(None, body))

    @api.post("/clock/advance", summary="Advance the global clock", responses=_ADVANCE_RESPONSES)
    def advance_clock(body: Advance) -> Response:
        return json_response(clocks.advance(None, body))

    @api.get("/accounts/<userid>/clock", summary="Get the clock of an account", responses={200: ClockDocument})
    def get_account_clock(path: AccountPath) -> Response:
        return json_response(clocks.get(path.userid))

    @api.put("/accounts/<userid>/clock", summary="Set the clock of an account", responses={200: ClockDocument})
    def set_account_clock(path: AccountPath, body: ClockSetting) -> Response:
        return json_response(clocks.set(path.userid, body))

    @api.post(
        "/accounts/<userid>/clock/advance", summary="Advance the clock of an account", responses=_ADVANCE_RESPONSES
    )
    def advance_account_clock(path: AccountPath, body: Advance) -> Response:
        return json_response(clocks.advance(path.userid, body))

    return api
