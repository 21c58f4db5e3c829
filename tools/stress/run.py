"""A storm over one `sms10692-mock serve`, and what came of it in figures.

Here belong the process, who takes part, the measuring, and the drain at the end. What clients do is in `clients`,
whether the books agree in `witnesses`.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from stress import behaviours
from stress.behaviours import PAGES, StressContext
from stress.connections import RawConnection
from stress.oracle import QUEUES, ClientRecord, EmulatorRecord, discrepancies
from support.emulators import TIMEOUT, Address, killed_after

_TOP = Path(__file__).parents[2]
_RESERVE = 10**9
"""Points of an account that is to last."""
_TRIES = 5


class StressSize(NamedTuple):
    """How many of each take part, and the seconds that they pause between rounds, on average."""

    accounts: int = 12
    customers: int = 4
    louts: int = 2
    idlers: int = 500
    waiters: int = 50
    passers_by: int = 3
    pause: float = 0.25
    slow: float = 3.0
    large_pause: float = 5.0
    calm: float = 3.0


SMALL = StressSize(
    accounts=3,
    customers=6,
    louts=3,
    idlers=60,
    waiters=10,
    passers_by=1,
    pause=0.02,
    slow=0.3,
    large_pause=0.05,
    calm=0.0,
)
"""For a share of it that takes seconds."""


@dataclass
class StressResult:
    """What came of a storm. Waits are in milliseconds, memory in MiB."""

    waits: dict[str, list[float]] = field(default_factory=dict)
    tally: dict[str, int] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def wait(self, kind: str, share: float) -> float:
        """The wait that such a share of requests stays below."""
        waits = sorted(self.waits[kind])
        return waits[min(len(waits) - 1, int(len(waits) * share))]


class Served(NamedTuple):
    """The process under the storm, where it listens, and what it wrote to standard error."""

    process: subprocess.Popen[str]
    address: Address
    log: Path

    def memory(self) -> int:
        """MiB that are resident."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 2**20

    def files(self) -> int:
        """Descriptors that are open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))


@contextmanager
def serving(*arguments: str) -> Iterator[Served]:
    """The command as a process of its own, its standard error in a file."""
    command = [sys.executable, "-m", "sms10692_mock", "serve", "--port", "0", *arguments]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("w") as err, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, text=True) as process:
            try:
                with killed_after(process, TIMEOUT):
                    line = process.stdout.readline() if process.stdout else ""
                host, _, port = line.strip().removeprefix("listening on http://").rpartition(":")
                yield Served(process, (host, int(port)), log)
            finally:
                process.kill()


def run_stress(
    size: StressSize, seed: int, seconds: float | None = None, rounds: int = 0, arguments: Sequence[str] = ()
) -> StressResult:
    """Let it storm for so many seconds, or for so many rounds of each client."""
    with serving(*arguments) as served:
        return asyncio.run(_storm(served, size, seed, _ending(seconds, rounds)))


def _ending(seconds: float | None, rounds: int) -> Callable[[], AsyncIterator[int]]:
    until = None if seconds is None else time.monotonic() + seconds

    async def going() -> AsyncIterator[int]:
        number = 0
        while number < rounds if until is None else time.monotonic() < until:
            yield number
            number += 1

    return going


async def _storm(served: Served, size: StressSize, seed: int, rounds: Callable[[], AsyncIterator[int]]) -> StressResult:
    scene, figures = StressContext(served.address, seed, rounds), StressResult()
    ask = RawConnection(served.address)

    async def made(**terms: Any) -> dict[str, Any]:
        document: dict[str, Any] = await scene.controlled(ask, "POST", "/accounts", {"points": _RESERVE} | terms)
        return document

    accounts = [await made() for _ in range(size.accounts)]
    calm, beside, slow, idle, large = [await made() for _ in range(5)]
    for account in accounts:
        path = f"/accounts/{account['userid']}/outcomes"
        await scene.controlled(ask, "PUT", path, {"rules": behaviours.RULES, "seed": seed})
    late = {"kind": "latency", "seconds": size.slow}
    await scene.controlled(ask, "POST", f"/accounts/{slow['userid']}/faults", late)
    ask.close()

    witnesses = {account["userid"]: ClientRecord() for account in accounts}
    if size.calm:
        async with _beside(served, calm, figures, ClientRecord()):
            await asyncio.sleep(size.calm)
        figures.waits = {f"{kind}, before the storm": waits for kind, waits in figures.waits.items()}
    measuring = asyncio.create_task(_measure(served, figures))
    parts: list[Coroutine[Any, Any, None]] = []
    for place, account in enumerate(accounts):
        witness = witnesses[account["userid"]]
        for client, how_many in ((behaviours.normal_client, size.customers), (behaviours.aborting_client, size.louts)):
            names = [f"{client.__name__} {one} of {place}" for one in range(how_many)]
            parts += [client(scene, name, witness, account, size.pause) for name in names]
    idlers = [asyncio.create_task(behaviours.idle_client(scene, f"idler {one}", idle)) for one in range(size.idlers)]
    parts += [behaviours.waiting_reader(scene, f"waiter {one}", slow, size.slow) for one in range(size.waiters)]
    parts += [behaviours.short_lived_account(scene, f"passer-by {one}", size.pause) for one in range(size.passers_by)]
    parts += [
        behaviours.fault_toggler(scene, accounts, size.pause),
        behaviours.list_reader(scene, accounts, size.pause),
        behaviours.large_body_client(scene, large, size.large_pause),
    ]
    async with _beside(served, beside, figures, witnesses.setdefault(beside["userid"], ClientRecord())):
        await asyncio.gather(*parts)
    for task in (measuring, *idlers):
        task.cancel()
    await asyncio.gather(measuring, *idlers, return_exceptions=True)
    await _settle(served, figures)
    for account in [*accounts, beside]:
        witness = witnesses[account["userid"]]
        await _drain(scene, account, witness)
        books = await _books(scene, account)
        figures.complaints += [f"{account['userid']}: {one}" for one in discrepancies(witness, books)]
        scene.tally["messages"] += len(books.messages)
        scene.tally["points"] += books.account["send_total"] - books.account["points"]
        for queue in QUEUES:
            scene.tally[f"{queue} handed out"] += books.queues[queue]["handed_out"]
            scene.tally[f"{queue} received"] += sum(map(len, witness.fetched[queue]))
            scene.tally[f"fetches of {queue} without an answer"] += witness.lost[queue]
        scene.tally["numbers acknowledged"] += len(witness.acknowledged)
        scene.tally["numbers without an answer"] += sum(map(len, witness.unanswered))
        scene.tally["numbers of requests that broke off or were refused"] += len(witness.unsent)
    figures.complaints += scene.wrongs
    figures.tally = dict(sorted(scene.tally.items()))
    said = served.log.read_text("utf-8", "replace")
    figures.complaints += (
        ["the log has a traceback:\n" + said[said.index("Traceback") :][:3000]] if "Traceback" in said else []
    )
    return figures


async def _measure(served: Served, figures: StressResult) -> None:
    while True:
        figures.memory.append(served.memory())
        figures.files.append(served.files())
        await asyncio.sleep(0.5)


async def _settle(served: Served, figures: StressResult) -> None:
    """Descriptors that are open once every client is gone: they are closed within seconds, on a quiet machine."""
    until = time.monotonic() + TIMEOUT
    while served.files() > figures.files[0] and time.monotonic() < until:
        await asyncio.sleep(0.1)
    figures.files.append(served.files())
    figures.memory.append(served.memory())


class _beside:  # noqa: N801 - it is used as a function
    """The client beside, while it storms."""

    def __init__(self, served: Served, account: dict[str, Any], figures: StressResult, witness: ClientRecord) -> None:
        self._served = served
        self._account = account
        self._figures = figures
        self._witness = witness

    async def __aenter__(self) -> None:
        host, port = self._served.address
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
            self._figures.complaints.append("the client beside the storm broke off")
            return
        seen = json.loads(out)
        self._figures.waits |= seen["waits"]
        self._figures.complaints += seen["wrongs"]
        self._witness.acknowledged.update(seen["acknowledged"])
        self._witness.fetched["reports"] += [[(task, mobile) for task, mobile in answer] for answer in seen["fetched"]]


def _stdin(process: asyncio.subprocess.Process) -> asyncio.StreamWriter:
    if process.stdin is None:
        raise AssertionError("it was made with a pipe")
    return process.stdin


async def _drain(scene: StressContext, account: dict[str, Any], witness: ClientRecord) -> None:
    """Fetch until nothing is left, also of what falls due in the next seconds."""
    connection = RawConnection(scene.address)
    await scene.controlled(connection, "POST", f"/accounts/{account['userid']}/clock/advance", {"seconds": 10})
    for queue in PAGES:
        # What does not come in time may come at the next try; only an answer with nothing in it is the end.
        enough = witness.lost[queue] + _TRIES
        while await behaviours.fetch(scene, witness, account, connection, queue, patience=TIMEOUT) != []:
            if witness.lost[queue] >= enough:
                raise AssertionError(f"{queue} of {account['userid']} cannot be fetched any more")
    connection.close()


async def _books(scene: StressContext, account: dict[str, Any]) -> EmulatorRecord:
    connection = RawConnection(scene.address)  # a fresh one: those that nobody used for long are closed
    path = f"/accounts/{account['userid']}"

    async def listed(what: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        after = ""
        while True:
            page = await scene.controlled(connection, "GET", f"{path}/{what}?limit=1000{after}")
            items += page["items"]
            if page["next"] is None:
                return items
            after = f"&after={page['next']}"

    with closing(connection):
        return EmulatorRecord(
            account=await scene.controlled(connection, "GET", path),
            messages=await listed("messages"),
            queues=await scene.controlled(connection, "GET", f"{path}/queues"),
            items={"reports": await listed("reports"), "replies": await listed("replies")},
        )


def figures_in_words(figures: StressResult) -> str:
    """The figures as a table of lines."""
    rows = [(name, f"{count:,}") for name, count in figures.tally.items()]
    for kind, waits in figures.waits.items():
        longest = f"{figures.wait(kind, 0.5):.1f} / {figures.wait(kind, 0.99):.1f} / {max(waits):.1f}"
        rows.append((f"{kind}: {len(waits):,} requests, median / p99 / longest, ms", longest))
    memory, files = figures.memory, figures.files
    half = memory[len(memory) // 2]
    rows += [
        ("memory, MiB: at first / half way / most / at last", f"{memory[0]} / {half} / {max(memory)} / {memory[-1]}"),
        ("open files: at first / most / at last", f"{files[0]} / {max(files)} / {files[-1]}"),
    ]
    return "\n".join(f"  {name:<56} {figure:>12}" for name, figure in rows)
