"""Runs cases: several at once, each driver process in a thread of its own."""

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import Final

from sms10692_examine.baseline import (
    JUDGED_FROM_BYTES,
    Baseline,
    are_credentials_refused,
    is_refused_for_credentials,
    measure_baseline,
)
from sms10692_examine.case_table import VENDOR, CaseText, load_cases
from sms10692_examine.cases import failure_cases, once_cases, request_cases, response_cases
from sms10692_examine.cases.registry import CASES
from sms10692_examine.driver_process import DriverProcess
from sms10692_examine.driver_protocol import DriverError
from sms10692_examine.leftover_processes import RUN_VARIABLE, kill_leftover_processes
from sms10692_examine.observations import Observation, join_texts
from sms10692_examine.session import Session
from sms10692_examine.settings import Settings
from sms10692_examine.verdicts import STATES, State, Verdict
from sms10692_examine.visible_text import make_visible
from sms10692_mock import Emulator

CASE_MODULES: Final = (request_cases, response_cases, failure_cases, once_cases)
"""Importing these modules fills the registry."""


@dataclass(slots=True)
class RunResult:
    """Verdicts in the order of the table, the client's name, and the seconds that its runtime takes to start."""

    verdicts: list[Verdict]
    client: str = ""
    start_seconds: float = 0.0
    refused: Observation | None = None
    """What to mend first: the vendor refused every request of the run for its credentials."""


class _Worker:
    """A thread's driver, started again whenever it has ended."""

    def __init__(self, settings: Settings, emulator: Emulator, baseline: Baseline, run_id: str) -> None:
        self._baseline = baseline
        self._environment = {"TZ": settings.timezone, RUN_VARIABLE: run_id}
        self._settings = settings
        self._emulator = emulator
        self._drivers: list[DriverProcess] = []
        self._is_killed = False
        self.client = ""
        self.start_seconds = 0.0

    def start(self) -> DriverProcess:
        if self._is_killed:
            raise DriverError("the run was interrupted")
        driver = DriverProcess(self._settings.command, self._environment)
        self._drivers.append(driver)
        return driver

    def close(self) -> None:
        for driver in self._drivers:
            driver.close()
        self._drivers.clear()

    def kill(self) -> None:
        """End the drivers at once, from another thread."""
        self._is_killed = True
        for driver in list(self._drivers):
            driver.kill()

    def run(self, case: CaseText) -> Verdict:
        """Run a case. Every error of the driver is a failed case, and ends the driver."""
        started = time.monotonic()
        try:
            driver = next((driver for driver in self._drivers if driver.is_running), None) or self.start()
        except DriverError as error:
            return Verdict(
                case,
                State.FAILED,
                make_visible(str(error)),
                make_visible(error.in_chinese()),
                seconds=time.monotonic() - started,
            )
        driver.forget_stderr()
        session = Session(self._emulator, self._settings, driver, self.start, self._baseline.problems)
        state, observed, observed_zh, cause, stderr = State.PASSED, "", "", "", ""
        try:
            with session:
                answer = session.configure()
                self.client = make_visible(str(answer.document.get("client") or self.client))
                self.start_seconds = self.start_seconds or session.driver.start_seconds
                CASES[case.id](session)
                session.driver.check_quiet()
        except tuple(STATES) as error:
            state, observed, observed_zh, cause = STATES[type(error)], str(error), error.in_chinese(), error.cause
        except DriverError as error:
            state, observed, observed_zh, cause = State.FAILED, str(error), error.in_chinese(), error.cause
        if state is not State.PASSED:
            stderr = session.driver.stderr
        if state is State.FAILED or not session.driver.is_running:
            self.close()  # an answer may still come, and would be taken for that of the next case
        seconds = time.monotonic() - started
        exchanges, accounts = tuple(session.exchanges), tuple(session.accounts)
        observed, observed_zh, stderr = map(make_visible, (observed, observed_zh, stderr))
        return Verdict(case, state, observed, observed_zh, exchanges, stderr, seconds, cause=cause, accounts=accounts)


def _check_driver(settings: Settings, emulator: Emulator, run_id: str) -> Baseline:
    """Start and configure the driver, and ask for each operation once. Raises DriverError with its standard error."""
    worker = _Worker(settings, emulator, Baseline(), run_id)
    try:
        driver = worker.start()
        try:
            with Session(emulator, settings, driver, worker.start) as session:
                session.configure()
                return measure_baseline(session)
        except DriverError as error:
            raise DriverError("{}\n{}", error, driver.stderr.strip(), cause=error.cause) from error
    finally:
        worker.close()


def select_cases(only: Sequence[str]) -> list[CaseText]:
    """Return the cases of the table, or those that `only` names: an id, a group, or the beginning of ids.

    Raises ValueError for an entry that selects nothing.
    """
    cases = list(load_cases().values())
    selected = set()
    for entry in only:
        matching = {case.id for case in cases if entry in (case.id, case.group)} or {
            case.id for case in cases if case.id.startswith(f"{entry}-")
        }
        if not matching:
            raise ValueError(f"no case {entry!r}; see --list")
        selected |= matching
    return [case for case in cases if not only or case.id in selected]


def run_cases(
    settings: Settings, cases: Sequence[CaseText], on_verdict: Callable[[Verdict], None] = lambda verdict: None
) -> RunResult:
    """Run cases against the client that `settings` name; `on_verdict` is called in their order of completion.

    Raises DriverError if the driver does not answer its first request, and DriverNotStarted if there is none. **An
    exception, such as KeyboardInterrupt, ends all drivers.**
    """
    run_id = secrets.token_hex(8)
    try:
        return _run_cases(settings, cases, on_verdict, run_id)
    finally:
        kill_leftover_processes(run_id)


def _run_cases(
    settings: Settings, cases: Sequence[CaseText], on_verdict: Callable[[Verdict], None], run_id: str
) -> RunResult:
    pending = deque(cases)
    lock = threading.Lock()
    verdicts: dict[str, Verdict] = {}
    workers: list[_Worker] = []

    def take_cases() -> Iterator[CaseText]:
        while True:
            with lock:
                if not pending:
                    return
                case = pending.popleft()
            yield case

    def work(emulator: Emulator) -> None:
        worker = _Worker(settings, emulator, baseline, run_id)
        with lock:
            workers.append(worker)
        try:
            for case in take_cases():
                verdict = worker.run(case)
                with lock:
                    verdicts[case.id] = verdict
                    on_verdict(verdict)
        finally:
            worker.close()

    count = max(1, min(settings.jobs, len(cases)))
    with Emulator() as emulator:
        emulator.url  # noqa: B018 - starts serving, before the threads
        baseline = _check_driver(settings, emulator, run_id)
        with ThreadPoolExecutor(count) as pool:
            try:
                for future in as_completed([pool.submit(work, emulator) for _ in range(count)]):
                    future.result()
            except BaseException:
                # The pool waits for its threads, which would run the remaining cases first.
                pending.clear()
                for worker in workers:
                    worker.kill()
                raise
    ordered = [verdicts[case.id] for case in cases]
    client = next((worker.client for worker in workers if worker.client), "")
    result = RunResult(ordered, client, max((worker.start_seconds for worker in workers), default=0.0))
    _withdraw_verdicts(result, baseline)
    return result


def _withdraw_verdicts(result: RunResult, baseline: Baseline) -> None:
    """Judge no case by requests that the vendor refused for their credentials, if it refused every one of the run."""
    exchanges = [*baseline.exchanges, *(exchange for verdict in result.verdicts for exchange in verdict.exchanges)]
    if not are_credentials_refused(exchanges):
        return
    count = sum(map(is_refused_for_credentials, exchanges))
    result.refused = Observation(
        "the vendor refused all {} requests with {}: nothing else can be judged before this is mended. {}",
        count,
        VENDOR.credentials_wrong,
        join_texts(baseline.sentences),
    )
    reason = Observation("the vendor refused every request with {}", VENDOR.credentials_wrong)
    result.verdicts = [
        replace(verdict, state=State.NOT_JUDGED, observed=str(reason), observed_zh=reason.in_chinese(), cause="")
        if verdict.state is not State.NOT_SUPPORTED
        and verdict.case.id not in JUDGED_FROM_BYTES
        and are_credentials_refused(verdict.exchanges)
        else verdict
        for verdict in result.verdicts
    ]
