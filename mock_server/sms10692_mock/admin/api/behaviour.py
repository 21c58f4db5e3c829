"""Routes about what becomes of messages, and what goes wrong."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import (
    EMPTY,
    AccountFaultPath,
    AccountPath,
    Empty,
    FaultPath,
    blueprint,
    json_response,
)
from sms10692_mock.admin.services import AnomaliesDocument, ControlService
from sms10692_mock.admin.services.behaviour import (
    FaultDocument,
    FaultsDocument,
    NewFault,
    OutcomesDocument,
    RuleDocument,
)


def behaviour_routes(control: ControlService) -> APIBlueprint:
    """The routes for one emulator."""
    api, weather = blueprint("weather"), control.behaviour

    @api.get("/accounts/<userid>/signs", summary="What is out of the ordinary", responses={200: AnomaliesDocument})
    def get_signs(path: AccountPath) -> Response:
        return json_response(control.anomalies(path.userid))

    @api.get("/accounts/<userid>/outcomes", summary="An account's rules", responses={200: OutcomesDocument})
    def get_outcomes(path: AccountPath) -> Response:
        return json_response(weather.delivery_rules(path.userid))

    @api.put("/accounts/<userid>/outcomes", summary="Other rules", responses={200: OutcomesDocument})
    def replace_outcomes(path: AccountPath, body: OutcomesDocument) -> Response:
        return json_response(weather.set_delivery_rules(path.userid, body))

    @api.post("/accounts/<userid>/outcomes", summary="A rule before the others", responses={201: OutcomesDocument})
    def add_rule(path: AccountPath, body: RuleDocument) -> Response:
        return json_response(weather.add_rule(path.userid, body), 201)

    @api.get("/faults", summary="The faults for all", responses={200: FaultsDocument})
    def list_faults() -> Response:
        return json_response(weather.faults(None))

    @api.post("/faults", summary="Let something go wrong for all", responses={201: FaultDocument})
    def add_fault(body: NewFault) -> Response:
        return json_response(weather.add_fault(None, body), 201)

    @api.delete("/faults", summary="Let all go right again", responses={200: Empty})
    def clear_faults() -> Response:
        weather.clear_faults(None)
        return json_response(EMPTY)

    @api.delete("/faults/<fault_id>", summary="Take a fault back", responses={200: Empty})
    def remove_fault(path: FaultPath) -> Response:
        weather.remove_fault(None, path.fault_id)
        return json_response(EMPTY)

    @api.get("/accounts/<userid>/faults", summary="An account's faults", responses={200: FaultsDocument})
    def list_account_faults(path: AccountPath) -> Response:
        return json_response(weather.faults(path.userid))

    @api.post("/accounts/<userid>/faults", summary="Let something go wrong", responses={201: FaultDocument})
    def add_account_fault(path: AccountPath, body: NewFault) -> Response:
        return json_response(weather.add_fault(path.userid, body), 201)

    @api.delete("/accounts/<userid>/faults", summary="Let all go right again", responses={200: Empty})
    def clear_account_faults(path: AccountPath) -> Response:
        weather.clear_faults(path.userid)
        return json_response(EMPTY)

    @api.delete("/accounts/<userid>/faults/<fault_id>", summary="Take a fault back", responses={200: Empty})
    def remove_account_fault(path: AccountFaultPath) -> Response:
        weather.remove_fault(path.userid, path.fault_id)
        return json_response(EMPTY)

    return api
