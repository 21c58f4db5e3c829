"""After a storm the books agree with what the clients were told; and whoever judges that would notice if not.

Here belongs a share that takes seconds, from a fixed seed. `make stress` goes on for ten minutes, and measures.
"""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from stress.oracle import ClientRecord, EmulatorRecord, discrepancies
from stress.run import SMALL, run_stress


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="it counts open files, which only Linux lists there")
def test_after_a_storm_every_acknowledged_send_has_its_reports_exactly_once() -> None:
    figures = run_stress(SMALL, seed=1, rounds=8)
    assert figures.complaints == []
    assert figures.files[-1] <= figures.files[0]
    for some in ("numbers acknowledged", "reports received", "replies received", "faults", "clients that hung up"):
        assert figures.tally[some] > 3, some
    for some in ("requests without a whole answer", "large requests", "slow answers", "accounts closed in the middle"):
        assert figures.tally[some] > 0, some


# The judgement

WITNESS = ClientRecord(
    acknowledged={"13000000001": 7, "13000000002": 7, "13900000003": 8},
    unanswered=[("13000000004", "13000000005"), ("13000000006",)],
    unsent={"13000000007"},
    fetched={"reports": [[(7, "13000000001"), (7, "13000000002")], []], "replies": [[(8, "13900000003")]]},
    lost={"reports": 1, "replies": 0},
)


def _message(mobile: str, task_id: int) -> dict[str, Any]:
    return {"mobile": mobile, "task_id": task_id, "cost": 1, "state": "handed out"}


def _item(mobile: str, task_id: int, request: int) -> dict[str, Any]:
    return {"mobile": mobile, "task_id": task_id, "state": "handed out", "handed_out_to": request}


def _ledger(handed_out: int) -> dict[str, int]:
    return {"created": handed_out, "later": 0, "waiting": 0, "handed_out": handed_out, "forgotten": 0}


BOOKS = EmulatorRecord(
    account={"send_total": 100, "points": 95},
    messages=[
        *(_message("13000000001", 7), _message("13000000002", 7), _message("13900000003", 8)),
        *(_message("13000000004", 9), _message("13000000005", 9)),
    ],
    queues={"reports": _ledger(5), "replies": _ledger(1)},
    items={
        "reports": [
            *(_item("13000000001", 7, 20), _item("13000000002", 7, 20)),
            *(_item("13900000003", 8, 21), _item("13000000004", 9, 21), _item("13000000005", 9, 21)),
        ],
        "replies": [_item("13900000003", 8, 22)],
    },
)


def test_right_books_bring_no_complaint() -> None:
    assert discrepancies(WITNESS, BOOKS) == []


WRONG: list[Callable[[ClientRecord, EmulatorRecord], object]] = [
    lambda witness, books: witness.acknowledged.update({"13000000099": 7}),
    lambda witness, books: witness.acknowledged.update({"13000000001": 8}),
    lambda witness, books: witness.unsent.add("13000000004"),
    lambda witness, books: witness.unanswered.append(("13000000001", "13000000098")),
    lambda witness, books: witness.unanswered.pop(0),
    lambda witness, books: witness.fetched["reports"].append([(7, "13000000001")]),
    lambda witness, books: witness.fetched["reports"][0].pop(),
    lambda witness, books: witness.fetched["replies"].clear(),
    lambda witness, books: witness.lost.update({"reports": 0}),
    lambda witness, books: books.account.update({"points": 94}),
    lambda witness, books: books.queues["reports"].update({"waiting": 1}),
    lambda witness, books: books.queues["replies"].update({"created": 2, "handed_out": 2}),
    lambda witness, books: books.items["reports"][4].update({"state": "waiting"}),
    lambda witness, books: books.items["reports"][4].update({"mobile": "13000000004"}),
    lambda witness, books: books.items["replies"][0].update({"mobile": "13000000004"}),
    lambda witness, books: books.messages[0].update({"mobile": "13000000002"}),
]


@pytest.mark.parametrize("change", WRONG, ids=range(len(WRONG)))
def test_what_does_not_agree_brings_a_complaint(change: Callable[[ClientRecord, EmulatorRecord], object]) -> None:
    witness, books = deepcopy(WITNESS), deepcopy(BOOKS)
    change(witness, books)
    assert discrepancies(witness, books)
