"""Route of the metrics."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import blueprint
from sms10692_mock.admin.services import ControlService


def metrics_routes(control: ControlService, is_described: bool) -> APIBlueprint:
    """Build the route for one emulator."""
    api = blueprint("metrics", is_described)

    @api.get(
        "/metrics",
        summary="Get metrics in Prometheus' text format",
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    def get_metrics() -> Response:
        text, content_type = control.metrics.render()
        return Response(text, content_type=content_type)

    return api
