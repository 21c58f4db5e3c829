"""Runs the stress test against one `sms10692-mock serve` process.

Steps: create the accounts, run all clients at once while memory and open files are sampled, and compare the records of
clients and emulator (`comparison`).
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from stress import behaviours
from stress.behaviours import StressContext
from stress.comparison import compare
from stress.oracle import KEEP_ALL_OPTIONS, ClientRecord
from support.emulators import emulator_process
from support.http_client import TIMEOUT, Address

_TOP = Path(__file__).parents[2]
_AMPLE_POINTS = 10**9
"""Points of an account that must not run out of points."""


class StressSize(NamedTuple):
    """Numbers of accounts and clients, and mean seconds between two rounds of a client.

    `normal` and `aborting` are numbers per account. `slow` is the delay of slow responses; `baseline` is how long the
    probe runs alone before the other clients start.
    """

    accounts: int = 12
    normal: int = 4
    aborting: int = 2
    idle: int = 500
    waiting: int = 50
    short_lived: int = 3
    pause: float = 0.25
    slow: float = 3.0
    large_pause: float = 5.0
    baseline: float = 3.0


SMALL = StressSize(
    accounts=3,
    normal=6,
    aborting=3,
    idle=60,
    waiting=10,
    short_lived=1,
    pause=0.02,
    slow=0.3,
    large_pause=0.05,
    baseline=0.0,
)
"""A run that takes seconds."""


@dataclass
class StressResult:
    """Results of a run.

    `latencies` are the probe's, in milliseconds, by kind of request. `memory` (MiB) and `open_files` are samples over
    time. `failures` describes everything that was wrong.
    """

    latencies: dict[str, list[float]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)
    open_files: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def percentile(self, kind: str, fraction: float) -> float:
        """Return the latency that this fraction of the requests stays below."""
        latencies = sorted(self.latencies[kind])
        return latencies[min(len(latencies) - 1, int(len(latencies) * fraction))]


class StressedEmulator(NamedTuple):
    """The emulator under test, its address, and the file with its standard error."""

    process: subprocess.Popen[str]
    address: Address
    log: Path

    def memory(self) -> int:
        """Return the resident memory in MiB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 2**20

    def open_files(self) -> int:
        """Return the number of open file descriptors."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))


def run_stress(
    size: StressSize, seed: int, seconds: float | None = None, rounds: int = 0, arguments: Sequence[str] = ()
) -> StressResult:
    """Run for `seconds`, or for `rounds` rounds of each client if `seconds` is None."""
    deadline = None if seconds is None else time.monotonic() + seconds

    def continues(number: int) -> bool:
        return number < rounds if deadline is None else time.monotonic() < deadline

    options = (*KEEP_ALL_OPTIONS, *arguments)
    with tempfile.NamedTemporaryFile("w") as log, emulator_process(*options, log=log) as (process, address):
        emulator = StressedEmulator(process, address, Path(log.name))
        return asyncio.run(_run_clients(emulator, size, StressContext(lambda: address, seed, continues)))


async def _run_clients(emulator: StressedEmulator, size: StressSize, context: StressContext) -> StressResult:
    result, connection = StressResult(), context.connect()

    async def create_account(**settings: Any) -> dict[str, Any]:
        document: dict[str, Any] = await context.control(
            connection, "POST", "/accounts", {"points": _AMPLE_POINTS} | settings
        )
        return document

    accounts = [await create_account() for _ in range(size.accounts)]
    baseline, probe, slow, idle, large = [await create_account() for _ in range(5)]
    for account in accounts:
        path = f"/accounts/{account['userid']}/delivery-rules"
        await context.control(connection, "PUT", path, {"rules": behaviours.DELIVERY_RULES, "seed": context.seed})
    late = {"kind": "latency", "seconds": size.slow}
    await context.control(connection, "POST", f"/accounts/{slow['userid']}/faults", late)
    connection.close()

    records = {account["userid"]: ClientRecord() for account in accounts}
    if size.baseline:
        async with _ProbeProcess(emulator, baseline, result, ClientRecord()):
            await asyncio.sleep(size.baseline)
        result.latencies = {f"{kind}, baseline": latencies for kind, latencies in result.latencies.items()}
    measuring = asyncio.create_task(_measure(emulator, result))
    clients: list[Coroutine[Any, Any, None]] = []
    for index, account in enumerate(accounts):
        record = records[account["userid"]]
        for client, count in ((behaviours.normal_client, size.normal), (behaviours.aborting_client, size.aborting)):
            names = [f"{client.__name__} {number} of {index}" for number in range(count)]
            clients += [client(context, name, record, account, size.pause) for name in names]
    idle_tasks = [
        asyncio.create_task(behaviours.idle_client(context, f"idle client {number}", idle))
        for number in range(size.idle)
    ]
    clients += [
        behaviours.waiting_reader(context, f"waiting reader {number}", slow, size.slow)
        for number in range(size.waiting)
    ]
    clients += [
        behaviours.short_lived_account(context, f"short-lived account {number}", size.pause)
        for number in range(size.short_lived)
    ]
    clients += [
        behaviours.fault_toggler(context, accounts, size.pause),
        behaviours.list_reader(context, accounts, size.pause),
        behaviours.large_body_client(context, large, size.large_pause),
    ]
    async with _ProbeProcess(emulator, probe, result, records.setdefault(probe["userid"], ClientRecord())):
        await asyncio.gather(*clients)
    for task in (measuring, *idle_tasks):
        task.cancel()
    await asyncio.gather(measuring, *idle_tasks, return_exceptions=True)
    await _settle(emulator, result)
    for account in [*accounts, probe]:
        context.counts += await compare(context, account, records[account["userid"]])
    result.failures += context.failures
    result.counts = dict(sorted(context.counts.items()))
    log = emulator.log.read_text("utf-8", "replace")
    result.failures += (
        ["the log has a traceback:\n" + log[log.index("Traceback") :][:3000]] if "Traceback" in log else []
    )
    return result


async def _measure(emulator: StressedEmulator, result: StressResult) -> None:
    while True:
        result.memory.append(emulator.memory())
        result.open_files.append(emulator.open_files())
        await asyncio.sleep(0.5)


async def _settle(emulator: StressedEmulator, result: StressResult) -> None:
    """Wait until the emulator has closed the connections of all clients, then sample once more."""
    deadline = time.monotonic() + TIMEOUT
    while emulator.open_files() > result.open_files[0] and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    result.open_files.append(emulator.open_files())
    result.memory.append(emulator.memory())


class _ProbeProcess:
    """Async context manager that runs the probe, and adds its result to the run's result at exit."""

    def __init__(
        self, emulator: StressedEmulator, account: dict[str, Any], result: StressResult, record: ClientRecord
    ) -> None:
        self._emulator = emulator
        self._account = account
        self._result = result
        self._record = record

    async def __aenter__(self) -> None:
        host, port = self._emulator.address
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "stress.probe", host, str(port)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(str(_TOP / folder) for folder in ("tests", "tools"))},
        )
        _stdin(self._process).write(json.dumps(self._account).encode() + b"\n")

    async def __aexit__(self, *raised: object) -> None:
        _stdin(self._process).close()
        out, _ = await self._process.communicate()
        if self._process.returncode:
            self._result.failures.append("the probe process failed")
            return
        probed = json.loads(out)
        self._result.latencies |= probed["latencies"]
        self._result.failures += probed["failures"]
        self._record.acknowledged.update(probed["acknowledged"])
        self._record.fetched["reports"] += [[(task, mobile) for task, mobile in answer] for answer in probed["fetched"]]


def _stdin(process: asyncio.subprocess.Process) -> asyncio.StreamWriter:
    if process.stdin is None:
        raise AssertionError("the process was started with a pipe")
    return process.stdin


def format_result(result: StressResult) -> str:
    """Format the result, one line per number."""
    rows = [(name, f"{count:,}") for name, count in result.counts.items()]
    for kind, latencies in result.latencies.items():
        summary = f"{result.percentile(kind, 0.5):.1f} / {result.percentile(kind, 0.99):.1f} / {max(latencies):.1f}"
        rows.append((f"{kind}: {len(latencies):,} requests, median / p99 / max, ms", summary))
    memory, files = result.memory, result.open_files
    half = memory[len(memory) // 2]
    rows += [
        ("memory, MiB: start / middle / max / end", f"{memory[0]} / {half} / {max(memory)} / {memory[-1]}"),
        ("open files: start / max / end", f"{files[0]} / {max(files)} / {files[-1]}"),
    ]
    return "\n".join(f"  {name:<56} {value:>12}" for name, value in rows)
