"""Common parts of all control API routes: blueprints, path parameters, JSON responses."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from sms10692_mock.admin.openapi import operation_id
from sms10692_mock.admin.services.schemas import Number

PREFIX: Final = "/_mock"

BEARER: Final = "bearer"
"""Name of the token's security scheme in the OpenAPI description."""

Responses: TypeAlias = dict[str | int | HTTPStatus, type[BaseModel] | dict[Any, Any] | None]
"""Response models of a route, by status."""


class AccountPath(BaseModel):
    """Path parameters of an account."""

    userid: str


class RequestPath(BaseModel):
    """Path parameters of a request."""

    number: Number


class AccountRequestPath(AccountPath):
    """Path parameters of a request of an account."""

    number: Number


class AccountMessagePath(AccountPath):
    """Path parameters of a sent message, by its number in the list."""

    number: Number


class FaultPath(BaseModel):
    """Path parameters of a fault."""

    fault_id: str


class AccountFaultPath(AccountPath):
    """Path parameters of a fault of an account."""

    fault_id: str


class ProfilePath(BaseModel):
    """Path parameters of a profile."""

    name: str


class ErrorBody(BaseModel):
    """Error message."""

    error: str


class Empty(BaseModel):
    """Empty result of a successful request."""


_ERROR_STATUSES: Final = ("401", "403", "404", "415", "422", "503")
"""No token, access denied, not found, not application/json, invalid input, store unavailable."""


_TAGS: Final[Mapping[str, Tag]] = {
    "accounts": Tag(name="Accounts", description="Create, change, reset and delete accounts; the forbidden words."),
    "messages": Tag(
        name="Messages and queues",
        description="The messages that an account sent, their cost, and its queues of reports and replies.",
    ),
    "requests": Tag(
        name="Requests", description="The request log: every request to the vendor's endpoints, with a diagnosis."
    ),
    "behaviour": Tag(name="Outcomes and faults", description="Delivery rules and injected faults."),
    "profiles": Tag(name="Profiles", description="How the vendor of a brand differs from the manual, key by key."),
    "clocks": Tag(name="Clocks", description="The global clock, and the clocks of accounts."),
    "health": Tag(name="Health", description="For health checks."),
    "state": Tag(name="State", description="The whole state as a document, to save and to restore."),
    "metrics": Tag(name="Metrics", description="For Prometheus."),
}
"""Tags of the OpenAPI description, by subject."""


def blueprint(subject: str, is_described: bool) -> APIBlueprint:
    """Create a blueprint for one subject. Operation ids are derived from the names of the route functions.

    With `is_described` the schemas of its routes are built too, which takes longer than everything else.
    """
    responses: Responses = dict.fromkeys(_ERROR_STATUSES, ErrorBody)
    return APIBlueprint(
        subject,
        __name__,
        url_prefix=PREFIX,
        abp_tags=[_TAGS[subject]],
        abp_responses=responses,
        abp_security=[{}, {BEARER: []}],
        operation_id_callback=operation_id,
        doc_ui=is_described,
    )


def json_response(document: BaseModel, status: int = 200) -> Response:
    """Build a JSON response from a model."""
    return Response(document.model_dump_json(), status, content_type="application/json")


EMPTY: Final = Empty()
