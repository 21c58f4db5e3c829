"""Routes about the clock for all, and those of accounts."""

from typing import Final

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import AccountPath, ErrorBody, Responses, blueprint, json_response
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.clocks import Advance, ClockDocument, ClockSetting

_ADVANCED: Final[Responses] = {200: ClockDocument, 409: ErrorBody}


def clock_routes(control: ControlService) -> APIBlueprint:
    """The routes for one emulator."""
    api, clocks = blueprint("clocks"), control.clocks

    @api.get("/clock", summary="The clock for all", responses={200: ClockDocument})
    def get_clock() -> Response:
        return json_response(clocks.get(None))

    @api.put("/clock", summary="Turn the clock for all", responses={200: ClockDocument})
    def set_clock(body: ClockSetting) -> Response:
        return json_response(clocks.set(None, body))

    @api.post("/clock/advance", summary="Put the clock for all forward", responses=_ADVANCED)
    def advance_clock(body: Advance) -> Response:
        return json_response(clocks.advance(None, body))

    @api.get("/accounts/<userid>/clock", summary="An account's clock", responses={200: ClockDocument})
    def get_account_clock(path: AccountPath) -> Response:
        return json_response(clocks.get(path.userid))

    @api.put("/accounts/<userid>/clock", summary="Turn an account's clock", responses={200: ClockDocument})
    def set_account_clock(path: AccountPath, body: ClockSetting) -> Response:
        return json_response(clocks.set(path.userid, body))

    @api.post("/accounts/<userid>/clock/advance", summary="Put an account's clock forward", responses=_ADVANCED)
    def advance_account_clock(path: AccountPath, body: Advance) -> Response:
        return json_response(clocks.advance(path.userid, body))

    return api
