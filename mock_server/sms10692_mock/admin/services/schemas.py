"""Common building blocks of the control API's models: strict input, times, numbers, lists and their queries."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from sms10692_mock.diagnosis.translations import Language
from sms10692_mock.domain.bounds import EARLIEST_TIME, LATEST_TIME, MAX_NUMBER, MAX_SECONDS, MAX_TEXT
from sms10692_mock.domain.clock import to_china_datetime
from sms10692_mock.domain.records import Page, Query, State
from sms10692_mock.stores.query import HasNumber

Row = TypeVar("Row", bound=HasNumber)
Document = TypeVar("Document", bound=BaseModel)

_MAX_SHOWN_NAME: Final = 60
"""Characters of an unknown field name that an error message shows."""


def _printable(name: object) -> str:
    """Shorten a name, and escape lone surrogates, which no response can carry."""
    return str(name)[:_MAX_SHOWN_NAME].encode("utf-8", "backslashreplace").decode()


class StrictInput(BaseModel):
    """Base of input models: rejects unknown fields, names the known ones, and does not convert types."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _reject_unknown_fields(cls, value: Any) -> Any:
        unknown = [name for name in value if name not in cls.model_fields] if isinstance(value, dict) else []
        if unknown:
            raise PydanticCustomError(
                "unknown_field",
                "there is no field {name}; the fields are {known}",
                {"name": _printable(unknown[0]), "known": ", ".join(cls.model_fields)},
            )
        return value


def encodable(text: str) -> str:
    """Return the text. Raises ValueError if it has a lone surrogate."""
    text.encode()
    return text


Text = Annotated[str, AfterValidator(encodable), Field(max_length=MAX_TEXT)]
"""A text of limited length, without lone surrogates."""

Name = Annotated[str, Field(min_length=1, max_length=MAX_TEXT, pattern=r"\S"), AfterValidator(encodable)]
"""A text that is not blank. The constraints precede the validator, so that OpenAPI shows the pattern."""

_TIME_PATTERN: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*", re.ASCII)


def _check_time_format(value: Any) -> Any:
    if not isinstance(value, datetime) and not (isinstance(value, str) and _TIME_PATTERN.fullmatch(value)):
        raise ValueError("a time must have the form 2011-12-02T22:12:11+08:00")
    return value


def _check_time_range(time: datetime) -> datetime:
    if not EARLIEST_TIME <= time.timestamp() <= LATEST_TIME:
        raise ValueError("a time must be from 1970 to 9000")
    return time


Timestamp = Annotated[
    AwareDatetime, Field(strict=False), BeforeValidator(_check_time_format), AfterValidator(_check_time_range)
]
"""A time with an offset from UTC, in ISO 8601."""

Seconds = Annotated[float, Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False)]


def _to_int(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


INTEGRAL: Final = BeforeValidator(_to_int)
"""Accepts 5.0 as an integer: it is one in JSON, and some languages write it so."""

Number = Annotated[int, Field(ge=1, le=MAX_NUMBER), INTEGRAL]
"""Number of a task, a request or an item."""

Seed = Annotated[int, Field(ge=-MAX_NUMBER, le=MAX_NUMBER), INTEGRAL]
"""Seed of the random numbers."""


def format_iso_time(time: float) -> str:
    """Format a timestamp in China Standard Time, in ISO 8601.

    >>> format_iso_time(1322835131.0)
    '2011-12-02T22:12:11+08:00'
    """
    return to_china_datetime(time).isoformat()


class RequestQuery(BaseModel):
    """Query parameters of a list: filters, page, and how long to wait for items."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    mobile: str | None = Field(None, description="only this number")
    text: str | None = Field(None, description="only items that contain this text")
    task_id: Number | None = Field(None, description="only this task")
    since: Timestamp | None = Field(None, description="sent, due or received at this time or later")
    until: Timestamp | None = Field(None, description="sent, due or received at this time or earlier")
    after: Number | None = Field(None, description="`next` of the previous page")
    order: Literal["asc", "desc"] = Field("asc", description="asc: oldest first; desc: newest first")
    limit: int = Field(100, ge=1, le=1000)
    wait: float = Field(0.0, ge=0, le=60, description="seconds to wait for `count` items")
    count: int = Field(1, ge=1, le=1000)

    def to_store_query(self) -> Query:
        """Convert to a store query. A waiting query reads at least `count` items."""
        return Query(
            number=self.mobile,
            text=self.text,
            task_id=self.task_id,
            since=self.since.timestamp() if self.since else None,
            until=self.until.timestamp() if self.until else None,
            after=self.after,
            newest_first=self.order == "desc",
            limit=max(self.limit, self.count if self.wait else 1),
        )


class ListQuery(RequestQuery):
    """Query parameters of a list whose items have a delivery state."""

    state: State | None = Field(None, description="only items in this state")

    def to_store_query(self) -> Query:
        """Convert to a store query."""
        return super().to_store_query()._replace(state=self.state)


class LanguageQuery(BaseModel):
    """The language of findings."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    lang: Language = Field("en", description="language of the sentences of the diagnosis")


class RequestLogQuery(RequestQuery):
    """Query parameters of the request log."""

    refused: bool = Field(False, description="only requests that the vendor refused, or that did not reach it")
    has_findings: bool = Field(False, description="only requests with findings")
    operation: str | None = Field(None, description="only this operation; empty: requests without a known one")
    endpoint: str | None = Field(None, description="only requests to the endpoint with this path")
    demos: bool | None = Field(
        None, description="true: only requests that “Try it” on the console's contract page sent; false: all others"
    )


class MessageQuery(ListQuery):
    """Query parameters of the list of messages."""

    has_findings: bool = Field(False, description="only messages whose request has findings")


class ListDocument(BaseModel, Generic[Document]):
    """A page of a list. `next` is the value of `after` for the next page, or null.

    With a filter such as `has_findings`, a page ends after 5,000 rows that were searched: it may be empty although
    `next` has a value.

    `evicted` is the number of items that are no longer kept; for requests, it counts all accounts together.
    """

    items: Sequence[Document]
    next: int | None
    evicted: int


def to_list_document(page: Page[Row], limit: int, to_document: Callable[[Row], Document]) -> ListDocument[Any]:
    """Convert a page to a document of at most `limit` items. Further items that were read go to the next page."""
    items, is_cut = page.items[:limit], len(page.items) > limit
    if is_cut or (page.more and page.last_read is None):
        next_number: int | None = items[-1].number
    else:
        next_number = page.last_read
    return ListDocument.model_construct(
        items=[to_document(row) for row in items], next=next_number, evicted=page.evicted
    )
