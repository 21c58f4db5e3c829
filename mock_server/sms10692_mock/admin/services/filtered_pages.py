"""Filters that the stores do not have, such as "has findings": pages of a store are read until enough rows match."""

from collections.abc import Callable
from typing import Final, TypeVar

from sms10692_mock.domain.records import Page, Query
from sms10692_mock.stores.query import HasNumber

_ROWS_PER_READ: Final = 100
"""Rows that are read at least at a time."""

ROWS_PER_PAGE: Final = 5000
"""Rows of which a page is selected at most, so that a filter that matches few of many rows takes limited time."""

Row = TypeVar("Row", bound=HasNumber)


def read_matching(read_page: Callable[[Query], Page[Row]], query: Query, matches: Callable[[Row], bool]) -> Page[Row]:
    """Read the first rows that match, at most `query.limit`, of the next `ROWS_PER_PAGE` rows.

    `more` says whether the store has further rows, and `last_read` after which they follow.
    """
    found: list[Row] = []
    for _ in range(0, ROWS_PER_PAGE, max(query.limit, _ROWS_PER_READ)):
        page = read_page(query._replace(limit=max(query.limit, _ROWS_PER_READ)))
        for index, row in enumerate(page.items):
            if matches(row):
                found.append(row)
                if len(found) == query.limit:
                    return Page(found, page.more or index + 1 < len(page.items), page.evicted)
        if not page.more:
            return Page(found, more=False, evicted=page.evicted)
        query = query._replace(after=page.items[-1].number)
    return Page(found, more=True, evicted=page.evicted, last_read=query.after)
