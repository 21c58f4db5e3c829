"""What all documents of the control address have in common: strictness, moments, lists.

Here belongs the form of documents. What each subject says stands beside its functions.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from sms10692_mock.domain.bounds import EARLIEST_TIME, LATEST_TIME, MAX_NUMBER, MAX_SECONDS, MAX_TEXT
from sms10692_mock.domain.clock import to_china_datetime
from sms10692_mock.domain.records import Page, Query, State
from sms10692_mock.stores.query import HasNumber

Row = TypeVar("Row", bound=HasNumber)
Document = TypeVar("Document", bound=BaseModel)


class StrictInput(BaseModel):
    """What a caller may say: nothing unknown, nothing of another type."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)


def _encodable(text: str) -> str:
    text.encode()
    return text


Text = Annotated[str, AfterValidator(_encodable), Field(max_length=MAX_TEXT)]
"""A text of reasonable length, without halves of characters."""

Name = Annotated[str, Field(min_length=1, max_length=MAX_TEXT, pattern=r"\S"), AfterValidator(_encodable)]
"""The same, but not blank. The constraints come first: behind a validator, OpenAPI would not have the pattern."""

_WRITTEN: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*", re.ASCII)


def _written(given: Any) -> Any:
    if not isinstance(given, datetime) and not (isinstance(given, str) and _WRITTEN.fullmatch(given)):
        raise ValueError("a moment is written 2011-12-02T22:12:11+08:00")
    return given


def _on_a_clock(moment: datetime) -> datetime:
    if not EARLIEST_TIME <= moment.timestamp() <= LATEST_TIME:
        raise ValueError("a moment from 1970 to 9000")
    return moment


Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_written), AfterValidator(_on_a_clock)]
"""A moment with its offset from UTC, ISO 8601."""

Seconds = Annotated[float, Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False)]


def _whole(given: Any) -> Any:
    return int(given) if isinstance(given, float) and given.is_integer() else given


INTEGRAL: Final = BeforeValidator(_whole)
"""5.0 is an integer in JSON, and what some languages write."""

Number = Annotated[int, Field(ge=1, le=MAX_NUMBER), INTEGRAL]
"""Of a task, a request, an item."""

Seed = Annotated[int, Field(ge=-MAX_NUMBER, le=MAX_NUMBER), INTEGRAL]
"""What loads dice."""


def format_time(moment: float) -> str:
    """A moment in China Standard Time, ISO 8601.

    >>> moment_document(1322835131.0)
    '2011-12-02T22:12:11+08:00'
    """
    return to_china_datetime(moment).isoformat()


class RequestQuery(BaseModel):
    """Which requests, or items of another list, and how long to wait for them."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    mobile: str | None = Field(None, description="this number")
    text: str | None = Field(None, description="this text anywhere in it")
    task_id: Number | None = Field(None, description="this task")
    since: Moment | None = Field(None, description="sent, due or received then or later")
    until: Moment | None = Field(None, description="sent, due or received then or earlier")
    after: Number | None = Field(None, description="`next` of the page before")
    order: Literal["asc", "desc"] = Field("asc", description="the oldest first, or the newest")
    limit: int = Field(100, ge=1, le=1000)
    wait: float = Field(0.0, ge=0, le=60, description="seconds to wait for `count` items")
    count: int = Field(1, ge=1, le=1000)

    def to_store_query(self) -> Query:
        """The same for a store, which is asked for `count` items too where somebody waits for them."""
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
    """Which items of a list that have a fate, as requests have none."""

    state: State | None = Field(None, description="what became of it")

    def to_store_query(self) -> Query:
        """The same for a store."""
        return super().to_store_query()._replace(state=self.state)


class ListDocument(BaseModel, Generic[Document]):
    """A page of a list. `next` is the `after` of the next page, if there is one.

    `dropped` is how many were too old to be kept; of requests, those of all accounts together.
    """

    items: Sequence[Document]
    next: int | None
    dropped: int


def to_list_document(page: Page[Row], limit: int, document: Callable[[Row], Document]) -> ListDocument[Any]:
    """A page of a list as a document, of `limit` items at most: who waited for more of them looks at the next pages."""
    items, more = page.items[:limit], page.more or len(page.items) > limit
    following = items[-1].number if more else None
    return ListDocument.model_construct(
        items=[document(thing) for thing in items], next=following, dropped=page.dropped
    )
