"""Routes about what becomes of messages, and what goes wrong."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import DONE, Nothing, OfAccount, OfAccountsFault, OfFault, json_of, routes
from sms10692_mock.admin.services import Control, SignsDocument
from sms10692_mock.admin.services.behaviour import (
    FaultDocument,
    FaultsDocument,
    NewFault,
    OutcomesDocument,
    RuleDocument,
)


def weather_routes(control: Control) -> APIBlueprint:
    """The routes for one emulator."""
    api, weather = routes("weather"), control.weather

    @api.get("/accounts/<userid>/signs", summary="What is out of the ordinary", responses={200: SignsDocument})
    def get_signs(path: OfAccount) -> Response:
        return json_of(control.signs(path.userid))

    @api.get("/accounts/<userid>/outcomes", summary="An account's rules", responses={200: OutcomesDocument})
    def get_outcomes(path: OfAccount) -> Response:
        return json_of(weather.outcomes(path.userid))

    @api.put("/accounts/<userid>/outcomes", summary="Other rules", responses={200: OutcomesDocument})
    def replace_outcomes(path: OfAccount, body: OutcomesDocument) -> Response:
        return json_of(weather.put_outcomes(path.userid, body))

    @api.post("/accounts/<userid>/outcomes", summary="A rule before the others", responses={201: OutcomesDocument})
    def add_rule(path: OfAccount, body: RuleDocument) -> Response:
        return json_of(weather.add_rule(path.userid, body), 201)

    @api.get("/faults", summary="The faults for all", responses={200: FaultsDocument})
    def list_faults() -> Response:
        return json_of(weather.faults(None))

    @api.post("/faults", summary="Let something go wrong for all", responses={201: FaultDocument})
    def add_fault(body: NewFault) -> Response:
        return json_of(weather.add_fault(None, body), 201)

    @api.delete("/faults", summary="Let all go right again", responses={200: Nothing})
    def clear_faults() -> Response:
        weather.clear_faults(None)
        return json_of(DONE)

    @api.delete("/faults/<fault_id>", summary="Take a fault back", responses={200: Nothing})
    def remove_fault(path: OfFault) -> Response:
        weather.remove_fault(None, path.fault_id)
        return json_of(DONE)

    @api.get("/accounts/<userid>/faults", summary="An account's faults", responses={200: FaultsDocument})
    def list_account_faults(path: OfAccount) -> Response:
        return json_of(weather.faults(path.userid))

    @api.post("/accounts/<userid>/faults", summary="Let something go wrong", responses={201: FaultDocument})
    def add_account_fault(path: OfAccount, body: NewFault) -> Response:
        return json_of(weather.add_fault(path.userid, body), 201)

    @api.delete("/accounts/<userid>/faults", summary="Let all go right again", responses={200: Nothing})
    def clear_account_faults(path: OfAccount) -> Response:
        weather.clear_faults(path.userid)
        return json_of(DONE)

    @api.delete("/accounts/<userid>/faults/<fault_id>", summary="Take a fault back", responses={200: Nothing})
    def remove_account_fault(path: OfAccountsFault) -> Response:
        weather.remove_fault(path.userid, path.fault_id)
        return json_of(DONE)

    return api
