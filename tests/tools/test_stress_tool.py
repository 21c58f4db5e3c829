"""Stress test: after a small run the records of clients and emulator agree, and the oracle finds each disagreement.

`make stress` runs for ten minutes and measures latency.
"""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from stress.oracle import ClientRecord, EmulatorRecord, discrepancies
from stress.run import SMALL, run_stress


@pytest.mark.slow("Runs all kinds of clients against an emulator process.")
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are counted in /proc, which only Linux has")
def test_after_a_stress_run_every_acknowledged_send_has_its_reports_exactly_once() -> None:
    result = run_stress(SMALL, seed=1, rounds=8)
    assert result.failures == []
    assert result.open_files[-1] <= result.open_files[0]
    for name in ("numbers acknowledged", "reports received", "replies received", "faults", "connections closed early"):
        assert result.counts[name] > 3, name
    for name in (
        "requests without a complete response",
        "large requests",
        "slow responses",
        "accounts deleted while in use",
    ):
        assert result.counts[name] > 0, name


# The oracle

CLIENT_RECORD = ClientRecord(
    acknowledged={"13000000001": 7, "13000000002": 7, "13900000003": 8},
    unanswered=[("13000000004", "13000000005"), ("13000000006",)],
    unsent={"13000000007"},
    fetched={"reports": [[(7, "13000000001"), (7, "13000000002")], []], "replies": [[(8, "13900000003")]]},
    lost={"reports": 1, "replies": 0},
)


def _message(mobile: str, task_id: int) -> dict[str, Any]:
    return {"mobile": mobile, "task_id": task_id, "cost": 1, "state": "fetched"}


def _item(mobile: str, task_id: int, request: int) -> dict[str, Any]:
    return {"mobile": mobile, "task_id": task_id, "state": "fetched", "fetched_by_request": request}


def _queue_stats(fetched: int) -> dict[str, int]:
    return {"created": fetched, "scheduled": 0, "waiting": 0, "fetched": fetched, "evicted": 0}


EMULATOR_RECORD = EmulatorRecord(
    account={"send_total": 100, "points": 95},
    messages=[
        *(_message("13000000001", 7), _message("13000000002", 7), _message("13900000003", 8)),
        *(_message("13000000004", 9), _message("13000000005", 9)),
    ],
    queues={"reports": _queue_stats(5), "replies": _queue_stats(1)},
    items={
        "reports": [
            *(_item("13000000001", 7, 20), _item("13000000002", 7, 20)),
            *(_item("13900000003", 8, 21), _item("13000000004", 9, 21), _item("13000000005", 9, 21)),
        ],
        "replies": [_item("13900000003", 8, 22)],
    },
)


def test_records_that_agree_have_no_discrepancy() -> None:
    assert discrepancies(CLIENT_RECORD, EMULATOR_RECORD) == []


DISAGREEMENTS: list[Callable[[ClientRecord, EmulatorRecord], object]] = [
    lambda clients, emulator: clients.acknowledged.update({"13000000099": 7}),
    lambda clients, emulator: clients.acknowledged.update({"13000000001": 8}),
    lambda clients, emulator: clients.unsent.add("13000000004"),
    lambda clients, emulator: clients.unanswered.append(("13000000001", "13000000098")),
    lambda clients, emulator: clients.unanswered.pop(0),
    lambda clients, emulator: clients.fetched["reports"].append([(7, "13000000001")]),
    lambda clients, emulator: clients.fetched["reports"][0].pop(),
    lambda clients, emulator: clients.fetched["replies"].clear(),
    lambda clients, emulator: clients.lost.update({"reports": 0}),
    lambda clients, emulator: emulator.account.update({"points": 94}),
    lambda clients, emulator: emulator.queues["reports"].update({"waiting": 1}),
    lambda clients, emulator: emulator.queues["replies"].update({"created": 2, "fetched": 2}),
    lambda clients, emulator: emulator.items["reports"][4].update({"state": "waiting"}),
    lambda clients, emulator: emulator.items["reports"][4].update({"mobile": "13000000004"}),
    lambda clients, emulator: emulator.items["replies"][0].update({"mobile": "13000000004"}),
    lambda clients, emulator: emulator.messages[0].update({"mobile": "13000000002"}),
]


@pytest.mark.parametrize("change", DISAGREEMENTS, ids=range(len(DISAGREEMENTS)))
def test_records_that_disagree_have_a_discrepancy(change: Callable[[ClientRecord, EmulatorRecord], object]) -> None:
    clients, emulator = deepcopy(CLIENT_RECORD), deepcopy(EMULATOR_RECORD)
    change(clients, emulator)
    assert discrepancies(clients, emulator)
