"""What all documents of the control address have in common: strictness, moments, lists.

Here belongs the form of documents. What each subject says stands beside its functions.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, Literal, Protocol, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from sms10692.signing import CHINA
from sms10692_mock.stores.records import Listed, State, Wanted

Thing = TypeVar("Thing", bound="_Numbered")
Document = TypeVar("Document", bound=BaseModel)


class Given(BaseModel):
    """What a caller may say: nothing unknown, nothing of another type."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)


class _Numbered(Protocol):
    @property
    def number(self) -> int: ...


def _encodable(text: str) -> str:
    text.encode()
    return text


Text = Annotated[str, AfterValidator(_encodable), Field(max_length=10_000)]
"""A text of reasonable length, without halves of characters."""

Moment = Annotated[AwareDatetime, Field(strict=False)]
"""A moment with its offset from UTC, ISO 8601."""

Seconds = Annotated[float, Field(ge=0, le=10**10, allow_inf_nan=False)]


def moment_document(moment: float) -> str:
    """A moment in China Standard Time, ISO 8601.

    >>> moment_document(1322835131.0)
    '2011-12-02T22:12:11+08:00'
    """
    return datetime.fromtimestamp(moment, CHINA).isoformat()


class Seek(BaseModel):
    """Which items of a list, and how long to wait for them."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    mobile: str | None = Field(None, description="this number")
    text: str | None = Field(None, description="this text anywhere in it")
    task_id: int | None = Field(None, description="this task")
    state: State | None = Field(None, description="what became of it")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    after: int | None = Field(None, description="`next` of the page before")
    order: Literal["asc", "desc"] = Field("asc", description="the oldest first, or the newest")
    limit: int = Field(100, ge=1, le=1000)
    wait: float = Field(0.0, ge=0, le=60, description="seconds to wait for `count` items")
    count: int = Field(1, ge=1, le=1000)

    def wanted(self) -> Wanted:
        """The same for a store."""
        return Wanted(
            number=self.mobile,
            text=self.text,
            task_id=self.task_id,
            state=self.state,
            since=self.since.timestamp() if self.since else None,
            until=self.until.timestamp() if self.until else None,
            after=self.after,
            newest_first=self.order == "desc",
            limit=max(self.limit, self.count if self.wait else 1),
        )


class ListDocument(BaseModel, Generic[Document]):
    """A page of a list. `next` is the `after` of the next page, if there is one; `dropped` were too old to be kept."""

    items: Sequence[Document]
    next: int | None
    dropped: int


def list_document(page: Listed[Thing], document: Callable[[Thing], Document]) -> ListDocument[Any]:
    """A page of a list as a document."""
    following = page.items[-1].number if page.more else None
    return ListDocument.model_construct(
        items=[document(thing) for thing in page.items], next=following, dropped=page.dropped
    )
