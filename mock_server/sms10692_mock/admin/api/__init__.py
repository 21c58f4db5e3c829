"""Control API below `/_mock`: `sms10692_mock.admin.services` over HTTP, as JSON.

One module of routes for each subject. `AccessPolicy` decides which requests are allowed.
"""

from flask_openapi3.openapi import OpenAPI

from sms10692_mock.admin.api.accounts import account_routes
from sms10692_mock.admin.api.behaviour import behaviour_routes
from sms10692_mock.admin.api.clocks import clock_routes
from sms10692_mock.admin.api.health import health_routes
from sms10692_mock.admin.api.messages import message_routes
from sms10692_mock.admin.api.metrics import metrics_routes
from sms10692_mock.admin.api.profiles import profile_routes
from sms10692_mock.admin.api.requests import request_routes
from sms10692_mock.admin.api.state import state_routes
from sms10692_mock.admin.services import ControlService

_ROUTES = (
    account_routes,
    clock_routes,
    message_routes,
    request_routes,
    behaviour_routes,
    profile_routes,
    health_routes,
    metrics_routes,
    state_routes,
)


def add_control_api(app: OpenAPI, control: ControlService, is_described: bool = False) -> None:
    """Add the control API of one emulator to the application, on request with its OpenAPI description."""
    for build_routes in _ROUTES:
        app.register_api(build_routes(control, is_described))
