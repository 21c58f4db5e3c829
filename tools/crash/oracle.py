"""Both sides of a crash: what clients were told, and what the store says that it did.

Here belongs the balance. It is drawn when nobody sends any more and all that waited was fetched.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from crash.clients import ClientRecord
from sms10692_mock.domain.records import Message, Query
from sms10692_mock.domain.store import Store

ALL = Query(limit=10**9)


class CrashResult(NamedTuple):
    """What came of it, in numbers.

    `sends` were acknowledged, and `reports` are theirs; of `unanswered_sends`, `done` were done all the same. `lost`
    reports went out in answers that never arrived, to `lost_in` of the `unanswered_fetches`.
    """

    kills: int
    sends: int
    reports: int
    unanswered_sends: int
    done: int
    unanswered_fetches: int
    lost: int
    lost_in: int


def compare_records(notes: ClientRecord, store: Store, kills: int) -> CrashResult:
    """Draw the balance. Raises AssertionError where both sides do not agree."""
    now = 1e11
    ledger = store.queue_stats("12", "reports", now)
    messages = store.messages("12", ALL, now).items
    queued = store.reports("12", ALL, now).items

    times_received = Counter(notes.received)
    assert not [number for number, times in times_received.items() if times > 1], "handed out twice"

    times_sent = Counter(message.mobile for message in messages)
    times_reported = Counter(one.item.mobile for one in queued)
    assert times_sent == times_reported, "each message has one report"
    assert max(times_sent.values(), default=1) == 1, "done twice"
    acknowledged = [number for send in notes.acknowledged for number in send]
    assert not [number for number in acknowledged if number not in times_sent], "acknowledged and forgotten"

    done = [send for send in notes.unanswered if any(number in times_sent for number in send)]
    assert not [send for send in done if not all(number in times_sent for number in send)], "done by halves"
    assert len(times_sent) == len(acknowledged) + sum(map(len, done)), "nobody sent it"
    assert store.balance("12").points == store.balance("12").charged_up - len(messages), "charged what was sent"

    assert ledger.created == ledger.handed_out == len(messages), "nothing waits any more"
    lost = [message for message in messages if message.mobile not in times_received]
    assert not [number for number in times_received if number not in times_sent], "received what was never sent"
    assert len({message.delivery_state.request for message in lost}) <= len(notes.fetches), (
        "lost in an answer that arrived"
    )
    _were_handed_out_together(lost, messages)
    return CrashResult(
        kills=kills,
        sends=len(notes.acknowledged),
        reports=len(acknowledged),
        unanswered_sends=len(notes.unanswered),
        done=len(done),
        unanswered_fetches=len(notes.fetches),
        lost=len(lost),
        lost_in=len({message.delivery_state.request for message in lost}),
    )


def _were_handed_out_together(lost: Sequence[Message], messages: Sequence[Message]) -> None:
    """What was lost was lost by whole answers: an answer that arrived was whole."""
    requests = {message.delivery_state.request for message in lost}
    assert None not in requests, "lost and never handed out"
    with_them = [message for message in messages if message.delivery_state.request in requests]
    assert len(with_them) == len(lost), "half an answer arrived"
