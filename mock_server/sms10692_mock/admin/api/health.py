"""Health routes: one with details, and liveness and readiness probes without."""

from typing import Final

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import Responses, blueprint, json_response
from sms10692_mock.admin.services import ControlService, Health, Live, Ready

PROBES: Final = frozenset({"health.check_live", "health.check_ready"})
"""Endpoints that require neither a token nor an allowed Host."""

_HEALTH: Final[Responses] = {200: Health, 503: Health}
_READY: Final[Responses] = {200: Ready, 503: Ready}


def health_routes(control: ControlService, is_described: bool) -> APIBlueprint:
    """Build the routes for one emulator."""
    api = blueprint("health", is_described)

    @api.get("/health", summary="Health of the emulator and its store, with details", responses=_HEALTH)
    def get_health() -> Response:
        document = control.health()
        return json_response(document, 200 if document.ready else 503)

    @api.get("/health/live", summary="Liveness probe, without a token", responses={200: Live})
    def check_live() -> Response:
        return json_response(Live(live=True))

    @api.get("/health/ready", summary="Readiness probe, without a token", responses=_READY)
    def check_ready() -> Response:
        document = Ready(ready=control.health().ready)
        return json_response(document, 200 if document.ready else 503)

    return api
