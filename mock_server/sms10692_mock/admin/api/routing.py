"""What the routes of all subjects share: paths, and documents as JSON.

Here belongs the way between `sms10692_mock.admin.services` and flask-openapi3; the routes stand by subject beside this.
"""

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
"""The name of the token in the description."""

Responses: TypeAlias = dict[str | int | HTTPStatus, type[BaseModel] | dict[Any, Any] | None]
"""What a route may answer, by status."""


class AccountPath(BaseModel):
    """Which account."""

    userid: str


class RequestPath(BaseModel):
    """Which request."""

    number: Number


class AccountRequestPath(AccountPath):
    """Which request of which account."""

    number: Number


class FaultPath(BaseModel):
    """Which fault."""

    fault_id: str


class AccountFaultPath(AccountPath):
    """Which fault of which account."""

    fault_id: str


class ErrorBody(BaseModel):
    """What was wrong with a request."""

    error: str


class Empty(BaseModel):
    """Nothing to say: it was done."""


_REFUSALS: Final = ("401", "403", "404", "415", "422", "503")
"""No token, not let in, not there, not application/json, not what is asked for, the store is away."""


_TAGS: Final[Mapping[str, Tag]] = {
    "accounts": Tag(name="Accounts", description="Make, change, reset and delete accounts; the forbidden words."),
    "traffic": Tag(
        name="Messages and queues",
        description="What an account sent and what it cost, and its queues of reports and replies.",
    ),
    "requests": Tag(name="Requests", description="The request log: each request to the vendor's endpoints, diagnosed."),
    "weather": Tag(name="Outcomes and faults", description="What becomes of messages, and what goes wrong."),
    "clocks": Tag(name="Clocks", description="The clock of all accounts, and those of single ones."),
    "health": Tag(name="Health", description="For health checks."),
}
"""Of the description, by subject."""


def blueprint(subject: str) -> APIBlueprint:
    """A blueprint for one subject. The functions of its routes give the operations their ids."""
    responses: Responses = dict.fromkeys(_REFUSALS, ErrorBody)
    return APIBlueprint(
        subject,
        __name__,
        url_prefix=PREFIX,
        abp_tags=[_TAGS[subject]],
        abp_responses=responses,
        abp_security=[{}, {BEARER: []}],
        operation_id_callback=operation_id,
    )


def json_response(document: BaseModel, status: int = 200) -> Response:
    """A document as a response."""
    return Response(document.model_dump_json(), status, content_type="application/json")


EMPTY: Final = Empty()
