"""After a run: fetches what is left in the queues of an account, and compares the records of clients and emulator.

The comparison is valid only when no client of the account is running.
"""

import time
from collections import Counter
from contextlib import closing
from typing import Any

from stress import behaviours
from stress.behaviours import QUEUE_ENDPOINTS, StressContext
from stress.oracle import QUEUES, ClientRecord, EmulatorRecord, discrepancies
from support.http_client import TIMEOUT, RawConnection


async def compare(context: StressContext, account: dict[str, Any], record: ClientRecord) -> Counter[str]:
    """Fetch what is left, add each disagreement to the failures, and return the counts of this account."""
    with closing(context.connect()) as connection:  # A new connection, because the server closes idle ones.
        await _drain(context, connection, account, record)
        emulator = await _read_emulator_record(context, connection, account)
    context.failures += [f"{account['userid']}: {discrepancy}" for discrepancy in discrepancies(record, emulator)]
    counts = Counter(
        {
            "messages": len(emulator.messages),
            "points": emulator.account["send_total"] - emulator.account["points"],
            "numbers acknowledged": len(record.acknowledged),
            "numbers without a response": sum(map(len, record.unanswered)),
            "numbers without a response, sent to": len(emulator.messages) - len(record.acknowledged),
            "numbers of truncated or refused requests": len(record.unsent),
        }
    )
    for queue in QUEUES:
        counts[f"{queue} fetched"] = emulator.queues[queue]["fetched"]
        counts[f"{queue} received"] = sum(map(len, record.fetched[queue]))
        counts[f"fetches of {queue} without a response"] = record.lost[queue]
    return counts


async def _drain(
    context: StressContext, connection: RawConnection, account: dict[str, Any], record: ClientRecord
) -> None:
    """Fetch until both queues are empty. The clock is advanced first, so that scheduled items fall due."""
    await context.control(connection, "POST", f"/accounts/{account['userid']}/clock/advance", {"seconds": 10})
    for queue in QUEUE_ENDPOINTS:
        # A fetch without a response is repeated; only an empty response means that the queue is empty.
        responded = time.monotonic()
        while (items := await behaviours.fetch(context, record, account, connection, queue, timeout=TIMEOUT)) != []:
            if items:
                responded = time.monotonic()
            elif time.monotonic() > responded + TIMEOUT:
                raise AssertionError(f"{queue} of {account['userid']}: no fetch gets a response")


async def _read_emulator_record(
    context: StressContext, connection: RawConnection, account: dict[str, Any]
) -> EmulatorRecord:
    path = f"/accounts/{account['userid']}"

    async def read_all(name: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        after = ""
        while True:
            page = await context.control(connection, "GET", f"{path}/{name}?limit=1000{after}")
            items += page["items"]
            if page["next"] is None:
                return items
            after = f"&after={page['next']}"

    return EmulatorRecord(
        account=await context.control(connection, "GET", path),
        messages=await read_all("messages"),
        queues=await context.control(connection, "GET", f"{path}/queue-stats"),
        items={"reports": await read_all("reports"), "replies": await read_all("replies")},
    )
