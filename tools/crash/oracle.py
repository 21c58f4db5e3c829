"""Oracle of the crash test: compares the responses that the clients received with the contents of the store.

The comparison is valid only when no client is sending and every waiting report has been fetched.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from crash.clients import ClientRecord
from sms10692_mock.domain.records import Query, SentMessage
from sms10692_mock.domain.store import Store

ALL = Query(limit=10**9)


class CrashResult(NamedTuple):
    """Counts of one crash test.

    - `sends`, `reports`: acknowledged sends, and their reports
    - `unanswered_sends`, `applied`: sends without a response, and how many of them took effect
    - `unanswered_fetches`: fetches without a response
    - `lost_reports`, `lost_responses`: reports in responses that never arrived, and the number of those responses
    """

    kills: int
    sends: int
    reports: int
    unanswered_sends: int
    applied: int
    unanswered_fetches: int
    lost_reports: int
    lost_responses: int


def compare_records(record: ClientRecord, store: Store, kills: int) -> CrashResult:
    """Compare the records of all clients with the store. Raises AssertionError on any difference."""
    now = 1e11
    stats = store.queue_stats("12", "reports", now)
    messages = store.messages("12", ALL, now).items
    queued = store.reports("12", ALL, now).items

    times_received = Counter(record.received)
    assert not [number for number, times in times_received.items() if times > 1], "a report was fetched twice"

    times_sent = Counter(message.mobile for message in messages)
    times_reported = Counter(item.item.mobile for item in queued)
    assert times_sent == times_reported, "a message does not have exactly one report"
    assert max(times_sent.values(), default=1) == 1, "a number was sent to twice"
    acknowledged = [number for send in record.acknowledged for number in send]
    assert not [number for number in acknowledged if number not in times_sent], "an acknowledged send was lost"

    applied = [send for send in record.unanswered if any(number in times_sent for number in send)]
    assert not [send for send in applied if not all(number in times_sent for number in send)], (
        "a send took effect in part"
    )
    assert len(times_sent) == len(acknowledged) + sum(map(len, applied)), "the store has a message that no client sent"
    assert store.balance("12").points == store.balance("12").total_added - len(messages), (
        "the balance does not match the messages"
    )

    assert stats.created == stats.fetched == len(messages), "a report was never fetched"
    lost = [message for message in messages if message.mobile not in times_received]
    assert not [number for number in times_received if number not in times_sent], (
        "a client received a report of a message that was never sent"
    )
    assert len({message.delivery_state.request for message in lost}) <= len(record.fetches), (
        "more responses were lost than fetches failed"
    )
    _check_lost_responses_are_complete(lost, messages)
    return CrashResult(
        kills=kills,
        sends=len(record.acknowledged),
        reports=len(acknowledged),
        unanswered_sends=len(record.unanswered),
        applied=len(applied),
        unanswered_fetches=len(record.fetches),
        lost_reports=len(lost),
        lost_responses=len({message.delivery_state.request for message in lost}),
    )


def _check_lost_responses_are_complete(lost: Sequence[SentMessage], messages: Sequence[SentMessage]) -> None:
    """Check that whole responses were lost: no report of a lost response arrived."""
    requests = {message.delivery_state.request for message in lost}
    assert None not in requests, "a lost report was never fetched"
    in_lost_responses = [message for message in messages if message.delivery_state.request in requests]
    assert len(in_lost_responses) == len(lost), "a response arrived in part"
