"""Routes of profiles."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import AccountPath, blueprint, json_response
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.profiles import ProfileDocument


def profile_routes(control: ControlService, is_described: bool) -> APIBlueprint:
    """Build the routes for one emulator."""
    api, profiles = blueprint("profiles", is_described), control.profiles

    @api.get("/profile", summary="Get the emulator's profile with all keys", responses={200: ProfileDocument})
    def get_profile() -> Response:
        return json_response(profiles.get(None))

    @api.get(
        "/accounts/<userid>/profile",
        summary="Get the profile in force for an account",
        responses={200: ProfileDocument},
    )
    def get_account_profile(path: AccountPath) -> Response:
        return json_response(profiles.get(path.userid))

    return api
