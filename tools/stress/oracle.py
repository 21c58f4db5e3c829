"""Oracle of the stress and crash tests: compares the records of the clients and of the emulator, for one account."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

QueueName: TypeAlias = Literal["reports", "replies"]
Item: TypeAlias = tuple[int, str]
"""A report or reply: (task id, phone number). Each phone number is sent to once only."""

REPLYING_PREFIX = "139"
"""Prefix of the phone numbers that reply to each message; no other number replies."""

_CREATES_ITEM: dict[QueueName, Callable[[dict[str, Any]], bool]] = {
    "reports": lambda message: message["state"] != "unreported",
    "replies": lambda message: message["mobile"].startswith(REPLYING_PREFIX),
}

QUEUES: tuple[QueueName, ...] = ("reports", "replies")

KEEP_ALL_OPTIONS = ("--max-messages", str(10**9), "--max-history-mib", str(10**6))
"""Options of the emulator with which nothing is evicted before it is compared."""


@dataclass
class ClientRecord:
    """What the clients of one account know.

    - `acknowledged`: phone number to task id, for sends whose response was `ok`
    - `unanswered`: the numbers of each send whose response did not arrive or is unreadable
    - `unsent`: numbers that must not have been sent to, because the send was refused or its body was truncated
    - `fetched`: the items of each response, per queue
    - `lost`: the number of fetches without a readable response, per queue
    """

    acknowledged: dict[str, int] = field(default_factory=dict)
    unanswered: list[tuple[str, ...]] = field(default_factory=list)
    unsent: set[str] = field(default_factory=set)
    fetched: dict[QueueName, list[list[Item]]] = field(default_factory=lambda: {"reports": [], "replies": []})
    lost: dict[QueueName, int] = field(default_factory=lambda: {"reports": 0, "replies": 0})


@dataclass(frozen=True)
class EmulatorRecord:
    """The control API's documents about one account, read after the run."""

    account: dict[str, Any]
    messages: Sequence[dict[str, Any]]
    queues: dict[str, dict[str, int]]
    items: dict[QueueName, Sequence[dict[str, Any]]]


def discrepancies(clients: ClientRecord, emulator: EmulatorRecord) -> list[str]:
    """Return a description of each disagreement between the two records; an empty list if they agree."""
    return [
        *_check_sends(clients, emulator),
        *_check_balance(emulator),
        *(discrepancy for queue in QUEUES for discrepancy in _check_queue(queue, clients, emulator)),
    ]


def _check_sends(clients: ClientRecord, emulator: EmulatorRecord) -> Iterator[str]:
    sent = Counter(message["mobile"] for message in emulator.messages)
    task_ids = {message["mobile"]: message["task_id"] for message in emulator.messages}
    yield from (f"{mobile} was sent to {times} times" for mobile, times in sent.items() if times > 1)
    for mobile, task in clients.acknowledged.items():
        if task_ids.get(mobile) != task:
            yield f"{mobile} was acknowledged in task {task}, and is recorded in task {task_ids.get(mobile)}"
    yield from (
        f"{mobile} was sent to, although its request was refused or truncated"
        for mobile in clients.unsent
        if mobile in sent
    )
    for mobiles in clients.unanswered:
        if len({task_ids.get(mobile) for mobile in mobiles}) != 1:
            yield f"a send without a response took effect in part: {mobiles}"
    known = clients.acknowledged.keys() | {mobile for mobiles in clients.unanswered for mobile in mobiles}
    yield from (f"{mobile} was sent to, and no client requested it" for mobile in sent.keys() - known)


def _check_balance(emulator: EmulatorRecord) -> Iterator[str]:
    spent = emulator.account["send_total"] - emulator.account["points"]
    cost = sum(message["cost"] for message in emulator.messages)
    if not spent == cost == len(emulator.messages):
        yield f"{len(emulator.messages)} messages of one segment cost {cost}, and the balance decreased by {spent}"


def _check_queue(queue: QueueName, clients: ClientRecord, emulator: EmulatorRecord) -> Iterator[str]:
    stats, items = emulator.queues[queue], emulator.items[queue]
    if stats["created"] != stats["scheduled"] + stats["waiting"] + stats["fetched"]:
        yield f"the queue stats of the {queue} do not add up: {stats}"
    if stats["created"] != len(items):
        yield f"the queue stats count {stats['created']} {queue}, and {len(items)} exist"
    expected = Counter(_to_item(message) for message in emulator.messages if _CREATES_ITEM[queue](message))
    existing = Counter(map(_to_item, items))
    yield from (
        f"{queue}: {item} is expected once, and exists {existing[item]} times"
        for item in (expected - existing) + (existing - expected)
    )
    yield from (f"{queue}: {_to_item(item)} was never fetched" for item in items if item["state"] != "fetched")
    yield from _check_fetches(queue, items, clients)


def _check_fetches(queue: QueueName, items: Iterable[dict[str, Any]], clients: ClientRecord) -> Iterator[str]:
    received = Counter(item for response in clients.fetched[queue] for item in response)
    yield from (f"{queue}: {item} was received {times} times" for item, times in received.items() if times > 1)
    fetched: dict[int, list[Item]] = {}
    for item in items:
        if item["state"] == "fetched":
            fetched.setdefault(item["fetched_by_request"], []).append(_to_item(item))
    complete = {tuple(sorted(response)) for response in clients.fetched[queue] if response}
    missed = {
        request: tuple(sorted(group)) for request, group in fetched.items() if tuple(sorted(group)) not in complete
    }
    if len(complete) + len(missed) != len(fetched):
        yield f"{queue}: {len(complete)} responses arrived, {len(missed)} did not, and {len(fetched)} were sent"
    if len(missed) > clients.lost[queue]:
        yield f"{queue}: {len(missed)} responses never arrived, but only {clients.lost[queue]} fetches failed"
    for request, group in missed.items():
        if any(item in received for item in group):
            yield f"{queue}: only a part of the response to request {request} arrived"


def _to_item(document: dict[str, Any]) -> Item:
    return document["task_id"], document["mobile"]
