"""The control address `/_mock`: what `sms10692_mock.admin.services` can do, over HTTP as JSON.

Here belong routes, a file for each subject. Who may call is `http.guard`'s affair.
"""

from flask_openapi3.openapi import OpenAPI

from sms10692_mock.admin.api.accounts import account_routes
from sms10692_mock.admin.api.behaviour import weather_routes
from sms10692_mock.admin.api.clocks import clock_routes
from sms10692_mock.admin.api.health import health_routes
from sms10692_mock.admin.api.messages import traffic_routes
from sms10692_mock.admin.api.requests import request_routes
from sms10692_mock.admin.services import Control

_SUBJECTS = (account_routes, clock_routes, traffic_routes, request_routes, weather_routes, health_routes)


def add_control(app: OpenAPI, control: Control) -> None:
    """Serve the control address of one emulator."""
    for routes_of in _SUBJECTS:
        app.register_api(routes_of(control))
