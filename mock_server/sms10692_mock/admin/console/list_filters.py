"""List filters: from the query string of a page's URL to a `ListQuery`."""

from typing import Any, Final, TypeVar

from flask import request

from sms10692_mock.admin.services.schemas import ListQuery, MessageQuery, RequestLogQuery
from sms10692_mock.domain.bounds import MAX_NUMBER

PAGE_SIZE: Final = 50
"""Rows of a list that a page shows at a time."""

NO_OPERATION: Final = "none"
"""Value of the filter for requests without a known operation."""

MESSAGE_FILTERS: Final = ("mobile", "text", "task_id", "state", "has_findings")
QUEUE_FILTERS: Final = ("mobile", "text", "state")
REQUEST_FILTERS: Final = ("text", "refused", "has_findings", "operation", "endpoint")
"""Filters of the pages, by their names in the URL."""

_INTEGER_FILTERS: Final = frozenset({"task_id"})


_FLAGS: Final = ("has_findings", "refused")

Model = TypeVar("Model", ListQuery, MessageQuery, RequestLogQuery)


def query_from_url(model: type[Model], *names: str) -> tuple[Model, bool]:
    """Build the query for the newest rows that match the named filters, and tell whether any filter is set.

    An invalid number is replaced by `MAX_NUMBER`, which no row has, so the list is empty.
    """
    filters: dict[str, Any] = {}
    for name in names:
        value = request.args.get(name, "").strip()
        if value:
            if name in _FLAGS:
                filters[name] = True
                continue
            if name == "operation" and value == NO_OPERATION:
                value = ""
            filters[name] = (_parse_number(value) or MAX_NUMBER) if name in _INTEGER_FILTERS else value
    after = _parse_number(request.args.get("after", ""))
    return model(**filters, after=after, order="desc", limit=PAGE_SIZE), bool(filters)


def _parse_number(text: str) -> int | None:
    """Parse a number from 1 to `MAX_NUMBER`; None if the text is anything else.

    >>> _parse_number("100001"), _parse_number("0"), _parse_number("-1"), _parse_number("²"), _parse_number("9" * 5000)
    (100001, None, None, None, None)
    """
    digits = text if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_NUMBER)) else "0"
    return int(digits) if 1 <= int(digits) <= MAX_NUMBER else None
