"""The items that a run has fetched from the queues of the user's account: a repeated one is noticed at any time.

Not for temporary accounts: their checks send one number twice in a task, which gives two equal reports.
"""

from typing import Final

from sms10692_contract.expectations import Mismatch
from sms10692_contract.expected import ParsedResponse

STATUS_ITEM: Final = "statusbox"
CALL_ITEM: Final = "callbox"


class FetchHistory:
    """Fetched items, and the first response for each kind of item that repeats one.

    Items are the same if all their elements are: a person may send the same text twice.
    """

    def __init__(self) -> None:
        self._seen: set[tuple[object, ...]] = set()
        self._repeated: dict[str, Mismatch] = {}

    def record(self, response: ParsedResponse) -> None:
        """Record the items of a response."""
        for name in (STATUS_ITEM, CALL_ITEM):
            for item in response.get_items(name):
                key = (name, *sorted(item.items()))
                if key in self._seen:
                    shown = f"{item.get('mobile')} of task {item.get('taskid')}"
                    self._repeated.setdefault(
                        name, Mismatch(response.request, "no item that was fetched before", f"again {name} {shown}")
                    )
                self._seen.add(key)

    def expect_no_repeated(self, name: str) -> None:
        """Raise Mismatch if an item was fetched twice."""
        if name in self._repeated:
            raise self._repeated[name]
