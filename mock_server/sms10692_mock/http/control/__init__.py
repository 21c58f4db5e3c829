"""The control address `/_mock`: what `sms10692_mock.control` can do, over HTTP as JSON.

Here belong routes, a file for each subject. Who may call is `http.guard`'s affair.
"""

from flask_openapi3.openapi import OpenAPI

from sms10692_mock.control import Control
from sms10692_mock.http.control.accounts import account_routes
from sms10692_mock.http.control.clocks import clock_routes
from sms10692_mock.http.control.health import health_routes
from sms10692_mock.http.control.requests import request_routes
from sms10692_mock.http.control.traffic import traffic_routes
from sms10692_mock.http.control.weather import weather_routes

_SUBJECTS = (account_routes, clock_routes, traffic_routes, request_routes, weather_routes, health_routes)


def add_control(app: OpenAPI, control: Control) -> None:
    """Serve the control address of one emulator."""
    for routes_of in _SUBJECTS:
        app.register_api(routes_of(control))
