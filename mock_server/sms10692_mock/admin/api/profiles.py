"""Routes of profiles."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import (
    EMPTY,
    AccountPath,
    Empty,
    ErrorBody,
    ProfilePath,
    blueprint,
    json_response,
)
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.profiles import NewProfile, ProfileDocument, ProfilesDocument


def profile_routes(control: ControlService, is_described: bool) -> APIBlueprint:
    """Build the routes for one emulator."""
    api, profiles = blueprint("profiles", is_described), control.profiles

    @api.get("/profile", summary="Get the emulator's profile with all keys", responses={200: ProfileDocument})
    def get_profile() -> Response:
        return json_response(profiles.in_force(None))

    @api.get("/accounts/<userid>/profile", summary="Get the profile of an account", responses={200: ProfileDocument})
    def get_account_profile(path: AccountPath) -> Response:
        return json_response(profiles.in_force(path.userid))

    @api.get("/profiles", summary="List the names of the profiles", responses={200: ProfilesDocument})
    def list_profiles() -> Response:
        return json_response(profiles.list())

    @api.get("/profiles/<name>", summary="Get a profile with all keys", responses={200: ProfileDocument})
    def get_named_profile(path: ProfilePath) -> Response:
        return json_response(profiles.get(path.name))

    @api.put("/profiles/<name>", summary="Add or replace a profile", responses={200: ProfileDocument, 409: ErrorBody})
    def put_profile(path: ProfilePath, body: NewProfile) -> Response:
        return json_response(profiles.put(path.name, body))

    @api.delete("/profiles/<name>", summary="Remove an added profile", responses={200: Empty, 409: ErrorBody})
    def remove_profile(path: ProfilePath) -> Response:
        profiles.remove(path.name)
        return json_response(EMPTY)

    return api
