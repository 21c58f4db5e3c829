"""Routes about health: with details, and for health checks of containers without."""

from typing import Final

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import Responses, blueprint, json_response
from sms10692_mock.admin.services import ControlService, Health, Live, Ready

PROBES: Final = frozenset({"health.check_live", "health.check_ready"})
"""The endpoints that need neither a token nor a known Host."""

_HEALTH: Final[Responses] = {200: Health, 503: Health}
_READY: Final[Responses] = {200: Ready, 503: Ready}


def health_routes(control: ControlService) -> APIBlueprint:
    """The routes for one emulator."""
    api = blueprint("health")

    @api.get("/health", summary="Whether the emulator and its store are there, with details", responses=_HEALTH)
    def get_health() -> Response:
        document = control.health()
        return json_response(document, 200 if document.ready else 503)

    @api.get("/health/live", summary="Whether the process answers; for anybody", responses={200: Live})
    def check_live() -> Response:
        return json_response(Live(live=True))

    @api.get("/health/ready", summary="Whether the store is there; for anybody", responses=_READY)
    def check_ready() -> Response:
        document = Ready(ready=control.health().ready)
        return json_response(document, 200 if document.ready else 503)

    return api
