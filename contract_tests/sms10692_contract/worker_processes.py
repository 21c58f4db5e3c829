"""Worker processes that run the checks of a run against an emulator, so that suite and emulator use several cores.

Each process has accounts of its own and runs one check at a time. The checks of the layout run in the parent, which
merges what the processes have recorded. **Only for runs with temporary accounts: a real account has one queue.**
"""

import os
import signal
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Final, NamedTuple

from sms10692_contract.checks import CHECKS
from sms10692_contract.clauses import BY_ID, Clause
from sms10692_contract.control import ControlApiError, ControlClient
from sms10692_contract.effort import EFFORTS
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import Address, TargetUnreachable
from sms10692_contract.interruptions import INTERRUPTIONS
from sms10692_contract.layout import LAYOUT_CLAUSES, LayoutRecorder
from sms10692_contract.network_errors import TargetStopped
from sms10692_contract.profiles import BrandProfile
from sms10692_contract.runner import CheckRunner, Verdict, find_covered, run_check
from sms10692_contract.safety import SafetyGuard
from sms10692_contract.suite_account import SuiteAccount

_END_TIMEOUT: Final = 10.0
"""Seconds that a process has to delete its accounts when the run is stopped."""


_DEFAULT_JOBS: Final = 3
"""Enough processes that the emulator, which uses one core, is busy most of the time."""


_CHECKS_PER_WORKER: Final = 10
"""Minimum number of checks per process: to start one takes as long as some checks."""


def choose_jobs() -> int:
    """Return the default number of processes: one more than there are cores, because some wait for the emulator."""
    return min((os.cpu_count() or 1) + 1, _DEFAULT_JOBS)


class WorkerFailed(Exception):
    """A worker process failed or ended. The message has its traceback."""


class _WorkerSettings(NamedTuple):
    """What a process needs for a `CheckContext` like the parent's, with `own` as its account."""

    address: Address
    control: Address
    token: str | None
    profile: BrandProfile | None
    own: SuiteAccount
    older: bool
    effort: str
    seed: int
    forbidden_word: str
    keep_accounts: bool


class _CheckResult(NamedTuple):
    """Verdicts of one check, the layout of all responses so far, and the accounts that the process has not deleted."""

    verdicts: list[Verdict]
    layout: LayoutRecorder
    userids: list[str]


class _Worker:
    """A process and the connection to it. `userids` are its accounts, as of its last result."""

    def __init__(self, settings: _WorkerSettings) -> None:
        processes = get_context("spawn")  # a fork would copy locks that other threads hold
        self.connection, child = processes.Pipe()
        self.userids: list[str] = []
        self._process: BaseProcess = processes.Process(target=_work, args=(settings, child), daemon=True)
        self._process.start()
        child.close()

    def stop(self) -> None:
        """Let the process delete its accounts and end; kill the process if this takes too long."""
        self.connection.close()
        self._process.terminate()
        self._process.join(_END_TIMEOUT)
        self._process.kill()
        self._process.join()


class WorkerProcesses:
    """Runs the checks of `clauses` in `count` processes, in any order. Raises WorkerFailed and TargetStopped."""

    def __init__(self, context: CheckContext, clauses: Sequence[Clause], count: int) -> None:
        self._context = context
        self._waiting = deque(_select_checks(clauses))
        self._verdicts: dict[str, list[Verdict]] = {}
        self._workers: dict[Connection, _Worker] = {}
        for _ in range(count):
            worker = _Worker(_build_settings(context))
            self._workers[worker.connection] = worker
            self._assign(worker.connection)

    def run_check(self, context: CheckContext, clause: Clause, covered: Sequence[Clause]) -> list[Verdict]:
        """Return the verdicts of a check as soon as its process has sent them."""
        if clause.id in LAYOUT_CLAUSES:
            return run_check(context, clause, covered)
        while clause.id not in self._verdicts:
            for connection in wait(list(self._workers)):
                assert isinstance(connection, Connection)
                self._receive(connection)
        return self._verdicts.pop(clause.id)

    def stop(self) -> None:
        """End all processes. Their remaining accounts become those of the parent, which deletes them."""
        for worker in self._workers.values():
            worker.stop()
            if self._context.control is not None:
                self._context.control.userids += worker.userids

    def _assign(self, connection: Connection) -> None:
        if self._waiting:
            connection.send(self._waiting.popleft().id)

    def _receive(self, connection: Connection) -> None:
        try:
            clause, result = connection.recv()
        except (EOFError, OSError) as error:
            raise WorkerFailed("a process of the run ended") from error
        if isinstance(result, BaseException):
            raise result
        assert isinstance(result, _CheckResult)
        self._verdicts[clause] = result.verdicts
        self._context.layout.merge(result.layout)
        self._workers[connection].userids = result.userids
        self._assign(connection)


@contextmanager
def start_workers(context: CheckContext, clauses: Sequence[Clause], count: int) -> Iterator[CheckRunner]:
    """Yield a function that runs a check: in one of at most `count` processes, or in this process if one is enough.

    The processes are ended with the block.
    """
    count = min(count, len(_select_checks(clauses)) // _CHECKS_PER_WORKER)
    if count < 2 or not context.is_sandboxed:
        yield run_check
        return
    workers = WorkerProcesses(context, clauses, count)
    try:
        yield workers.run_check
    finally:
        workers.stop()


def _select_checks(clauses: Sequence[Clause]) -> list[Clause]:
    """Return the first clause of each check that a process runs."""
    first = {CHECKS[clause.id]: clause for clause in reversed(clauses) if clause.id not in LAYOUT_CLAUSES}
    return [clause for clause in clauses if first.get(CHECKS[clause.id]) is clause]


def _build_settings(context: CheckContext) -> _WorkerSettings:
    control = context.control
    assert control is not None
    return _WorkerSettings(
        address=context.address,
        control=control.address,
        token=control.token,
        profile=control.profile,
        own=context.create_account(),
        older=context.guard.older,
        effort=context.effort.name,
        seed=context.seed,
        forbidden_word=context.forbidden_word,
        keep_accounts=context.keep_accounts,
    )


def _work(settings: _WorkerSettings, connection: Connection) -> None:
    """Run the checks whose clauses arrive, until the parent closes the connection or sends SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends SIGINT to all processes; the parent ends this one
    INTERRUPTIONS.install()
    control = ControlClient(settings.control, settings.token)
    control.profile = settings.profile
    guard = SafetyGuard(userids={settings.own.userid}, older=settings.older)
    context = CheckContext(
        settings.address,
        settings.own,
        guard,
        control,
        EFFORTS[settings.effort],
        settings.seed,
        settings.forbidden_word,
        settings.keep_accounts,
    )
    with suppress(EOFError, OSError, KeyboardInterrupt):
        try:
            while True:
                clause = connection.recv()
                connection.send((clause, _run_check(context, clause)))
        finally:
            if not settings.keep_accounts:
                with suppress(TargetUnreachable, ControlApiError):
                    control.delete_accounts()


def _run_check(context: CheckContext, clause_id: str) -> _CheckResult | BaseException:
    """Run the check of a clause. An error that ends the run is returned."""
    clause = BY_ID[clause_id]
    try:
        verdicts = run_check(context, clause, find_covered(clause))
    except TargetStopped as error:
        return error
    except Exception:
        return WorkerFailed(traceback.format_exc())
    return _CheckResult(verdicts, context.layout, list(context.control.userids) if context.control else [])
