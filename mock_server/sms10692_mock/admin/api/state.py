"""Routes of the whole state, as a TOML document."""

from typing import Any, Final

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint

from sms10692_mock.admin.api.routing import blueprint, json_response
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.initial_state import InvalidState
from sms10692_mock.admin.services.state import RestoredState, StateService

TOML: Final = "application/toml"

_TEXT: Final[dict[Any, Any]] = {"content": {TOML: {"schema": {"type": "string"}}}}
_BODY: Final[dict[str, Any]] = {"requestBody": {**_TEXT, "required": True}}


def state_routes(control: ControlService, is_described: bool) -> APIBlueprint:
    """Build the routes for one emulator."""
    api, state = blueprint("state", is_described), StateService(control)

    @api.get("/state", summary="Get the whole state, with the passwords of all accounts", responses={200: _TEXT})
    def get_state() -> Response:
        return Response(state.read(), content_type=f"{TOML}; charset=utf-8")

    @api.put(
        "/state",
        summary="Replace the whole state; an invalid document changes nothing",
        responses={200: RestoredState},
        openapi_extensions=_BODY,
    )
    def replace_state() -> Response:
        try:
            source = request.get_data().decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise InvalidState(line, f"the document is not UTF-8 (byte {error.start})") from None
        return json_response(state.replace(source))

    return api
