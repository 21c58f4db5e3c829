"""What the routes of all subjects share: paths, and documents as JSON.

Here belongs the way between `sms10692_mock.control` and flask-openapi3; the routes stand by subject beside this.
"""

from http import HTTPStatus
from typing import Any, Final, TypeAlias

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel

from sms10692_mock.control.documents import Number

PREFIX: Final = "/_mock"

BEARER: Final = "bearer"
"""The name of the token in the description."""

Responses: TypeAlias = dict[str | int | HTTPStatus, type[BaseModel] | dict[Any, Any] | None]
"""What a route may answer, by status."""


class OfAccount(BaseModel):
    """Which account."""

    userid: str


class OfRequest(BaseModel):
    """Which request."""

    number: Number


class OfAccountsRequest(OfAccount):
    """Which request of which account."""

    number: Number


class OfFault(BaseModel):
    """Which fault."""

    fault_id: str


class OfAccountsFault(OfAccount):
    """Which fault of which account."""

    fault_id: str


class Failure(BaseModel):
    """What was wrong with a request."""

    error: str


class Nothing(BaseModel):
    """Nothing to say: it was done."""


_REFUSALS: Final = ("401", "403", "404", "415", "422", "503")
"""No token, not let in, not there, not application/json, not what is asked for, the store is away."""


def routes(subject: str) -> APIBlueprint:
    """A blueprint for one subject."""
    responses: Responses = dict.fromkeys(_REFUSALS, Failure)
    return APIBlueprint(subject, __name__, url_prefix=PREFIX, abp_responses=responses, abp_security=[{}, {BEARER: []}])


def json_of(document: BaseModel, status: int = 200) -> Response:
    """A document as a response."""
    return Response(document.model_dump_json(), status, content_type="application/json")


DONE: Final = Nothing()
