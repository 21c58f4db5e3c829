"""The control address `/_mock`: what `sms10692_mock.admin.services` can do, over HTTP as JSON.

Here belong routes, a file for each subject. Who may call is `http.guard`'s affair.
"""

from flask_openapi3.openapi import OpenAPI

from sms10692_mock.admin.api.accounts import account_routes
from sms10692_mock.admin.api.behaviour import behaviour_routes
from sms10692_mock.admin.api.clocks import clock_routes
from sms10692_mock.admin.api.health import health_routes
from sms10692_mock.admin.api.messages import message_routes
from sms10692_mock.admin.api.requests import request_routes
from sms10692_mock.admin.services import ControlService

_SUBJECTS = (account_routes, clock_routes, message_routes, request_routes, behaviour_routes, health_routes)


def add_control_api(app: OpenAPI, control: ControlService) -> None:
    """Serve the control address of one emulator."""
    for routes_of in _SUBJECTS:
        app.register_api(routes_of(control))
