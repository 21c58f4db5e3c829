"""An emulator that is killed under load, started again, killed again; and the ledger at the end.

Here belong the rounds and what must hold after them. Where the emulator keeps what happens is an argument.
"""

import http.client
import random
import threading
import time
from dataclasses import dataclass

from crashing.clients import CLIENTS, Memory, fetch
from emulators import running
from sms10692_mock.stores.opening import open_store
from sms10692_mock.stores.records import Limits, Wanted

POINTS = 10**9
KEPT = 10**8


@dataclass(frozen=True)
class Figures:
    """What happened, in numbers."""

    kills: int
    acknowledged: int
    unanswered_sends: int
    unanswered_but_accepted: int
    reports: int
    handed_out_unseen: int
    fetches_unseen: int
    unanswered_fetches: int


def killed(store: str, kills: int, seed: int, *options: str) -> tuple[Memory, list[str]]:
    """Let clients work on an emulator that is killed so many times; what they remember, and what they were refused."""
    dice = random.Random(seed)  # noqa: S311 - the same each time, not secret
    memory = Memory()
    given = ("--store", store, "--account", f"12:test:mima:{POINTS}", "--keep-messages", str(KEPT))
    for _ in range(kills):
        with running(*given, "--log-level", "error", *options) as (process, address):
            threads = [threading.Thread(target=client, args=(address, memory), daemon=True) for client in CLIENTS]
            for thread in threads:
                thread.start()
            time.sleep(dice.uniform(0.05, 0.7))
            process.kill()
            for thread in threads:
                thread.join(20)
            assert not any(thread.is_alive() for thread in threads)
    with running(*given, "--log-level", "error", *options) as (_, address):
        connection = http.client.HTTPConnection(*address, timeout=30)
        while fetch(connection, memory):
            pass
        connection.close()
    return memory, memory.refusals


def examined(store: str, memory: Memory, kills: int) -> Figures:
    """What happened, in numbers. Raises AssertionError where a promise was broken."""
    kept = open_store(store, Limits(messages=KEPT, handed_out=KEPT), time.time)
    try:
        now = time.time() + 1
        ledger, standing = kept.ledger("12", "reports", now), kept.standing("12")
        queued = kept.reports("12", Wanted(limit=KEPT), now).items
        messages = kept.messages("12", Wanted(limit=KEPT), now).items
    finally:
        kept.release()
    accepted = {str(message.task.task_id): list(message.task.numbers) for message in messages}
    in_ledger = {(str(one.item.task_id), one.item.mobile): one.fate for one in queued}
    seen = set(memory.reports)

    assert memory.refusals == []
    assert len(seen) == len(memory.reports), "a report was handed out twice"
    for task, numbers in memory.acknowledged.items():
        assert accepted.get(task) == numbers, "an acknowledged send is not kept as it was sent"
    unanswered = [accepted_numbers for task, accepted_numbers in accepted.items() if task not in memory.acknowledged]
    assert all(numbers in memory.unanswered_sends for numbers in unanswered), "half a send, or one that nobody sent"
    everything = {(task, number) for task, numbers in accepted.items() for number in numbers}
    assert in_ledger.keys() == everything, "a send without its reports, or reports without their send"
    assert len(queued) == len(everything), "a report is in the queue twice"
    assert ledger.created == ledger.waiting + ledger.handed_out + ledger.later == len(everything)
    assert (ledger.waiting, ledger.later) == (0, 0), "the last fetches left something"
    assert standing.points == POINTS - len(everything), "what was charged is not what was sent"
    assert seen <= everything, "a report of what nobody sent"

    unseen = everything - seen
    fetches_of_seen = {in_ledger[one].request for one in seen}
    fetches_unseen = {in_ledger[one].request for one in unseen}
    assert not fetches_of_seen & fetches_unseen, "part of an answer was lost"
    assert len(fetches_unseen) <= memory.unanswered_fetches, "an answer that was not in flight was lost"
    return Figures(
        kills=kills,
        acknowledged=len(memory.acknowledged),
        unanswered_sends=len(memory.unanswered_sends),
        unanswered_but_accepted=len(unanswered),
        reports=len(memory.reports),
        handed_out_unseen=len(unseen),
        fetches_unseen=len(fetches_unseen),
        unanswered_fetches=memory.unanswered_fetches,
    )
