"""What the clients of one account were told, and whether the emulator's books agree with it.

Here belongs the judgement, as a function of values: nothing is sent or fetched here.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

QueueName: TypeAlias = Literal["reports", "replies"]
Item: TypeAlias = tuple[int, str]
"""A report or a reply: its task, its number. No number is sent to twice."""

ANSWERING = "139"
"""How numbers begin whose handsets answer; all others are silent."""

_BRINGS: dict[QueueName, Callable[[dict[str, Any]], bool]] = {
    "reports": lambda message: message["state"] != "never",
    "replies": lambda message: message["mobile"].startswith(ANSWERING),
}

QUEUES: tuple[QueueName, ...] = ("reports", "replies")


@dataclass
class ClientRecord:
    """What clients know.

    `acknowledged` has the task of each number of a send that was answered `ok`; `unanswered` are sends whose answer
    never came or cannot be read; `unsent` are numbers that must not have been sent to: refused, or of a body that
    broke off. `fetched` are the answers of each queue, `lost` how many fetches had no readable answer.
    """

    acknowledged: dict[str, int] = field(default_factory=dict)
    unanswered: list[tuple[str, ...]] = field(default_factory=list)
    unsent: set[str] = field(default_factory=set)
    fetched: dict[QueueName, list[list[Item]]] = field(default_factory=lambda: {"reports": [], "replies": []})
    lost: dict[QueueName, int] = field(default_factory=lambda: {"reports": 0, "replies": 0})


@dataclass(frozen=True)
class EmulatorRecord:
    """What the control address says of one account, in the end: documents, as they come."""

    account: dict[str, Any]
    messages: Sequence[dict[str, Any]]
    queues: dict[str, dict[str, int]]
    items: dict[QueueName, Sequence[dict[str, Any]]]


def discrepancies(witness: ClientRecord, books: EmulatorRecord) -> list[str]:
    """Where what the clients know and what the emulator says do not agree; nothing, if all is right."""
    return [
        *_of_sends(witness, books),
        *_of_money(books),
        *(one for queue in QUEUES for one in _of(queue, witness, books)),
    ]


def _of_sends(witness: ClientRecord, books: EmulatorRecord) -> Iterator[str]:
    sent = Counter(message["mobile"] for message in books.messages)
    task_of = {message["mobile"]: message["task_id"] for message in books.messages}
    yield from (f"{mobile} was sent to {times} times" for mobile, times in sent.items() if times > 1)
    for mobile, task in witness.acknowledged.items():
        if task_of.get(mobile) != task:
            yield f"{mobile} was acknowledged in task {task}, and is in {task_of.get(mobile)}"
    yield from (f"{mobile} was refused or broke off, and was sent to" for mobile in witness.unsent if mobile in sent)
    for mobiles in witness.unanswered:
        if len({task_of.get(mobile) for mobile in mobiles}) != 1:
            yield f"a send without an answer happened in part: {mobiles}"
    known = witness.acknowledged.keys() | {mobile for mobiles in witness.unanswered for mobile in mobiles}
    yield from (f"{mobile} was sent to, and nobody asked for it" for mobile in sent.keys() - known)


def _of_money(books: EmulatorRecord) -> Iterator[str]:
    spent = books.account["send_total"] - books.account["points"]
    cost = sum(message["cost"] for message in books.messages)
    if spent != cost:
        yield f"the balance lost {spent} points, and the messages cost {cost}"


def _of(queue: QueueName, witness: ClientRecord, books: EmulatorRecord) -> Iterator[str]:
    ledger, items = books.queues[queue], books.items[queue]
    if ledger["created"] != ledger["later"] + ledger["waiting"] + ledger["handed_out"]:
        yield f"the ledger of the {queue} does not add up: {ledger}"
    if ledger["created"] != len(items):
        yield f"the ledger counts {ledger['created']} {queue}, and {len(items)} are there"
    due = Counter(_item(one) for one in books.messages if _BRINGS[queue](one))
    there = Counter(map(_item, items))
    yield from (
        f"of the {queue} {item} was to come once, and is there {there[item]} times"
        for item in (due - there) + (there - due)
    )
    yield from (f"{_item(one)} of the {queue} was never handed out" for one in items if one["state"] != "handed out")
    yield from _of_fetches(queue, items, witness)


def _of_fetches(queue: QueueName, items: Iterable[dict[str, Any]], witness: ClientRecord) -> Iterator[str]:
    received = Counter(item for answer in witness.fetched[queue] for item in answer)
    yield from (f"{item} of the {queue} was received {times} times" for item, times in received.items() if times > 1)
    handed_out: dict[int, list[Item]] = {}
    for one in items:
        if one["state"] == "handed out":
            handed_out.setdefault(one["handed_out_to"], []).append(_item(one))
    whole = {tuple(sorted(answer)) for answer in witness.fetched[queue] if answer}
    missed = {
        request: tuple(sorted(group)) for request, group in handed_out.items() if tuple(sorted(group)) not in whole
    }
    if len(whole) + len(missed) != len(handed_out):
        yield f"{len(whole)} answers with {queue} came, {len(missed)} did not, and {len(handed_out)} were given"
    if len(missed) > witness.lost[queue]:
        yield f"{len(missed)} answers with {queue} never came, and {witness.lost[queue]} fetches had none"
    for request, group in missed.items():
        if any(item in received for item in group):
            yield f"of the {queue} that request {request} took, only a part came"


def _item(document: dict[str, Any]) -> Item:
    return document["task_id"], document["mobile"]
