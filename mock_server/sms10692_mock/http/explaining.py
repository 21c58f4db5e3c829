"""Why a request was refused, said in the log, by a thread that no answer waits for.

Here belongs when a diagnosis is made. What it finds is the affair of `diagnosis`; how lines get out, of `log`.
"""

import threading
from collections.abc import Callable
from queue import Full, Queue
from typing import Final, NamedTuple

from sms10692_mock.accounts import Account
from sms10692_mock.calls import Call
from sms10692_mock.diagnosis import Asked, diagnose
from sms10692_mock.stores.protocol import Store
from sms10692_mock.wire.forms import Fields

_WAITING: Final = 100
"""Requests that wait to be explained; of a flood of refusals the rest go without."""

_OTHERS: Final = 500


class Refused(NamedTuple):
    """A request that was refused, as it came and as it was understood."""

    method: str
    query: bytes
    content_type: str
    body: bytes
    fields: Fields
    call: Call
    account: Account | None
    now: float


class Explainer:
    """Takes refused requests from any thread, and gives `log` a line for each mistake that it finds in them."""

    def __init__(self, store: Store, log: Callable[[str], None]) -> None:
        self._store = store
        self._log = log
        self._waiting: Queue[Refused] = Queue(_WAITING)
        threading.Thread(target=self._explain_for_ever, name="explaining", daemon=True).start()

    def __call__(self, refused: Refused) -> None:
        """Explain it soon, if not too many wait."""
        try:
            self._waiting.put_nowait(refused)
        except Full:
            return

    def explain(self, refused: Refused) -> list[str]:
        """The lines about a request; none has a password in it."""
        known = (self._store.account(userid) for userid in self._store.userids()[-_OTHERS:])
        asked = Asked(
            method=refused.method,
            query=refused.query,
            content_type=refused.content_type,
            body=refused.body,
            fields=refused.fields,
            call=refused.call,
            account=refused.account,
            others=[account for account in known if account],
            now=refused.now,
        )
        return [f"  {finding.code}: {finding.sentence}" for finding in diagnose(asked)]

    def _explain_for_ever(self) -> None:
        while True:
            for line in self.explain(self._waiting.get()):
                self._log(line)
