"""Routes of delivery rules, faults and anomalies."""

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
    DeliveryRulesDocument,
    FaultDocument,
    FaultsDocument,
    NewFault,
    RuleDocument,
)


def behaviour_routes(control: ControlService, is_described: bool) -> APIBlueprint:
    """Build the routes for one emulator."""
    api, behaviour = blueprint("behaviour", is_described), control.behaviour

    @api.get(
        "/accounts/<userid>/anomalies",
        summary="Get the active simulations of an account",
        responses={200: AnomaliesDocument},
    )
    def get_anomalies(path: AccountPath) -> Response:
        return json_response(control.anomalies(path.userid))

    @api.get(
        "/accounts/<userid>/delivery-rules",
        summary="Get the delivery rules of an account",
        responses={200: DeliveryRulesDocument},
    )
    def get_delivery_rules(path: AccountPath) -> Response:
        return json_response(behaviour.delivery_rules(path.userid))

    @api.put(
        "/accounts/<userid>/delivery-rules",
        summary="Replace the delivery rules of an account",
        responses={200: DeliveryRulesDocument},
    )
    def replace_delivery_rules(path: AccountPath, body: DeliveryRulesDocument) -> Response:
        return json_response(behaviour.set_delivery_rules(path.userid, body))

    @api.post(
        "/accounts/<userid>/delivery-rules",
        summary="Add a delivery rule before the others",
        responses={201: DeliveryRulesDocument},
    )
    def add_rule(path: AccountPath, body: RuleDocument) -> Response:
        return json_response(behaviour.add_rule(path.userid, body), 201)

    @api.get("/faults", summary="List the faults for all accounts", responses={200: FaultsDocument})
    def list_faults() -> Response:
        return json_response(behaviour.faults(None))

    @api.post("/faults", summary="Add a fault for all accounts", responses={201: FaultDocument})
    def add_fault(body: NewFault) -> Response:
        return json_response(behaviour.add_fault(None, body), 201)

    @api.delete("/faults", summary="Remove all faults for all accounts", responses={200: Empty})
    def clear_faults() -> Response:
        behaviour.clear_faults(None)
        return json_response(EMPTY)

    @api.delete("/faults/<fault_id>", summary="Remove a fault for all accounts", responses={200: Empty})
    def remove_fault(path: FaultPath) -> Response:
        behaviour.remove_fault(None, path.fault_id)
        return json_response(EMPTY)

    @api.get("/accounts/<userid>/faults", summary="List the faults of an account", responses={200: FaultsDocument})
    def list_account_faults(path: AccountPath) -> Response:
        return json_response(behaviour.faults(path.userid))

    @api.post("/accounts/<userid>/faults", summary="Add a fault for an account", responses={201: FaultDocument})
    def add_account_fault(path: AccountPath, body: NewFault) -> Response:
        return json_response(behaviour.add_fault(path.userid, body), 201)

    @api.delete("/accounts/<userid>/faults", summary="Remove all faults of an account", responses={200: Empty})
    def clear_account_faults(path: AccountPath) -> Response:
        behaviour.clear_faults(path.userid)
        return json_response(EMPTY)

    @api.delete("/accounts/<userid>/faults/<fault_id>", summary="Remove a fault of an account", responses={200: Empty})
    def remove_account_fault(path: AccountFaultPath) -> Response:
        behaviour.remove_fault(path.userid, path.fault_id)
        return json_response(EMPTY)

    return api
