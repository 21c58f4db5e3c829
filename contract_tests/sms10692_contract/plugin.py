"""Pytest plugin: `pytest -p sms10692_contract.plugin --pyargs sms10692_contract --target http://HOST:PORT ...`.

Adds the options of the command to pytest and runs each clause as one test of `test_clauses`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from sms10692_contract import report, terminal
from sms10692_contract.account_check import check_account_at_start
from sms10692_contract.clauses import Clause
from sms10692_contract.conclusion import INCONCLUSIVE, conclude
from sms10692_contract.control import ControlApiError, ControlClient
from sms10692_contract.demand import Demand, choose_demand
from sms10692_contract.dry_run import print_dry_run
from sms10692_contract.effort import EFFORTS
from sms10692_contract.escaping import escape_unprintable
from sms10692_contract.expected_differences import (
    ExpectedDifference,
    apply_differences,
    find_gone,
    format_gone,
    load_differences,
    write_differences,
)
from sms10692_contract.fetched_file import FetchedFile, build_default_path
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import Address, TargetUnreachable, parse_address
from sms10692_contract.interruptions import INTERRUPTIONS
from sms10692_contract.network_errors import TargetStopped
from sms10692_contract.options import (
    CHARSETS,
    CREDENTIALS_NEEDED,
    DRY_RUN_WITH_CONTROL,
    ENDPOINTS,
    FORBIDDEN_WORD,
    HELP,
    check_budget,
    check_rate,
    describe_write_error,
    parse_numbers,
)
from sms10692_contract.rate_limit import DEFAULT_RATE
from sms10692_contract.requests import is_encodable
from sms10692_contract.runner import (
    Verdict,
    allow_older_endpoints,
    delete_run_accounts,
    enable_sandbox,
    run_checks,
    shares_accounts,
)
from sms10692_contract.safety import BUDGET_DEFAULT, SafetyGuard
from sms10692_contract.selection import Selection, find_reasons_not_run, parse_selection
from sms10692_contract.suite_account import SuiteAccount


@dataclass
class _Run:
    """What is known at the end of the session. `accepted` are the differences that `--expect` accepts."""

    accepted: list[ExpectedDifference]
    demand: Demand
    verdicts: list[Verdict] = field(default_factory=list)
    message: str = ""
    accounts_left: str = ""


_RUN: Final = pytest.StashKey[_Run]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the command that pytest does not have itself."""
    group = parser.getgroup("sms10692-contract")

    def add(name: str, **attributes: Any) -> None:
        group.addoption(name, **{"help": HELP.get(name)} | attributes)

    add("--target", metavar="URL", help="The server to check: http[s]://HOST:PORT.")
    for name, metavar in (("--userid", "TEXT"), ("--account", "TEXT"), ("--password", "TEXT"), ("--control", "URL")):
        add(name, metavar=metavar)
    add("--control-token", metavar="TOKEN")
    add("--keep-accounts", action="store_true")
    add("--ca", type=Path, metavar="FILE")
    add("--insecure", action="store_true")
    add("--allow-send", action="append", default=[], metavar="NUMBER")
    add("--budget", type=int, default=BUDGET_DEFAULT, metavar="POINTS")
    add("--allow-fetch", action="store_true")
    add("--fetched", type=Path, metavar="FILE")
    add("--rate", type=float, default=DEFAULT_RATE, metavar="NUMBER")
    add("--forbidden-word", default=FORBIDDEN_WORD, metavar="WORD")
    add("--effort", choices=list(EFFORTS), default="quick")
    add("--seed", type=int, default=0, metavar="INTEGER", help="Random seed, to repeat a run. Default: 0.")
    add("--demand", choices=[demand.value for demand in Demand])
    add("--endpoints", choices=list(ENDPOINTS))
    add("--expect", type=Path, metavar="FILE")
    add("--write-expect", type=Path, metavar="FILE")
    add("--dry-run", action="store_true", dest="dry_run")
    add("--only", action="append", default=[], metavar="CLAUSE")
    add("--skip", action="append", default=[], metavar="CLAUSE")
    add("--list", action="store_true", dest="list_clauses")


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """With --list or --dry-run, print clauses or requests instead of running the tests."""
    option = config.getoption
    for name, destination in (("--list", "list_clauses"), ("--dry-run", "dry_run")):
        if option(destination) and option("keyword"):
            raise pytest.UsageError(f"{name} does not support -k: select with --only and --skip")
    if option("list_clauses"):
        guard, has_control = _build_guard(config), bool(option("--control"))
        guard.older |= has_control and option("--endpoints") is None
        reasons = find_reasons_not_run(_parse_selection(config), guard, has_control)
        terminal.write_line(report.format_selection(reasons, report.build_console()))
        return 0
    if option("dry_run"):
        address, own, control = _parse_options(config)
        if control is not None:
            raise pytest.UsageError(DRY_RUN_WITH_CONTROL)
        context = _build_context(config, address, own, _build_guard(config), None)
        print_dry_run(context, _parse_selection(config).get_clauses(), option("--rate"))
        return 0
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests of clauses that --only and --skip do not select."""
    selection = _parse_selection(config)
    deselected = [item for item in items if (clause := _get_clause(item)) and selection.get_exclusion_reason(clause)]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in deselected]


def _get_clause(item: pytest.Item) -> Clause | None:
    """Return the clause that a test checks; None for other tests."""
    callspec = getattr(item, "callspec", None)
    clause = None if callspec is None else callspec.params.get("clause")
    return clause if isinstance(clause, Clause) else None


def pytest_sessionstart(session: pytest.Session) -> None:
    """Check the options, and let signals end the run through the fixtures, which delete the accounts."""
    config = session.config
    _parse_options(config)
    _parse_selection(config)
    _build_guard(config)
    config.stash[_RUN] = _Run(_load_differences(config), _choose_demand(config))
    for name in ("--write-expect", "--fetched"):
        _check_writable(config.getoption(name))
    if config.getoption("numprocesses", None):
        raise pytest.UsageError("-n is not supported: the limits of a run are those of one process")
    INTERRUPTIONS.install()


def pytest_unconfigure() -> None:
    """Restore the signal handlers."""
    INTERRUPTIONS.restore()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report the differences that have gone, why the run is no success, and accounts that could not be deleted."""
    run = config.stash.get(_RUN, None)
    if run is None:
        return
    for gone in find_gone(run.verdicts, run.accepted):
        terminalreporter.write_line(escape_unprintable(format_gone(gone)))
    for message in (run.message, run.accounts_left):
        if message:
            terminalreporter.write_line(escape_unprintable(message))


class _Options(NamedTuple):
    """Server, account and control API of a run."""

    address: Address
    own: SuiteAccount
    control: ControlClient | None


def _parse_options(config: pytest.Config) -> _Options:
    """Parse the options. Raises UsageError."""
    option = config.getoption
    if not option("--target"):
        raise pytest.UsageError("--target http://HOST:PORT is needed")
    for name, charset in CHARSETS.items():
        if not is_encodable(option(name) or "", charset):
            raise pytest.UsageError(f"{name}: the value cannot be encoded in {charset}")
    userid, account, password = (option(name) or "" for name in ("--userid", "--account", "--password"))
    if not option("--control") and not (userid and account and password):
        raise pytest.UsageError(CREDENTIALS_NEEDED)
    try:
        check_rate(option("--rate"))
        address, *control_addresses = (
            parse_address(url).with_tls(option("--ca"), option("--insecure"))
            for url in (option("--target"), option("--control"))
            if url
        )
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    control = ControlClient(control_addresses[0], option("--control-token")) if control_addresses else None
    return _Options(address, SuiteAccount(userid, account, password), control)


def _choose_demand(config: pytest.Config) -> Demand:
    return choose_demand(config.getoption("--demand"), bool(config.getoption("--control")))


def _load_differences(config: pytest.Config) -> list[ExpectedDifference]:
    """Load the file of --expect. Raises UsageError."""
    file: Path | None = config.getoption("--expect")
    try:
        return [] if file is None else load_differences(file)
    except (ValueError, OSError) as error:
        raise pytest.UsageError(escape_unprintable(f"--expect: {error}")) from error


def _check_writable(file: Path | None) -> None:
    """Raise UsageError if a file that the run will write cannot be written."""
    try:
        if file is not None:
            report.check_writable(file)
    except OSError as error:
        raise pytest.UsageError(escape_unprintable(describe_write_error(file or "", error))) from error


def _parse_selection(config: pytest.Config) -> Selection:
    """Parse --only and --skip. Raises UsageError."""
    try:
        return parse_selection(config.getoption("--only"), config.getoption("--skip"))
    except ValueError as error:
        raise pytest.UsageError(escape_unprintable(str(error))) from error


def _build_guard(config: pytest.Config) -> SafetyGuard:
    """Return the permissions of the options. Raises UsageError."""
    option = config.getoption
    try:
        numbers, budget = parse_numbers(option("--allow-send")), check_budget(option("--budget"))
    except ValueError as error:
        raise pytest.UsageError(escape_unprintable(str(error))) from error
    return SafetyGuard(frozenset(numbers), budget, option("--allow-fetch"), older=option("--endpoints") == "all")


def _build_context(
    config: pytest.Config, address: Address, own: SuiteAccount, guard: SafetyGuard, control: ControlClient | None
) -> CheckContext:
    option = config.getoption
    effort, seed, word = EFFORTS[option("--effort")], option("--seed"), option("--forbidden-word")
    return CheckContext(address, own, guard, control, effort, seed, word, option("--keep-accounts"))


@pytest.fixture(scope="session")
def context(pytestconfig: pytest.Config) -> Iterator[CheckContext]:
    """Context of the run, with the permissions of the options. Stops pytest if the server is not reachable."""
    option = pytestconfig.getoption
    address, own, control = _parse_options(pytestconfig)
    guard = _build_guard(pytestconfig)
    keep = option("--keep-accounts")
    try:
        own = _prepare_account(address, own, control, guard, option("--endpoints"))
        context = _build_context(pytestconfig, address, own, guard, control)
        if control is None:
            context.limit_requests(option("--rate"))
            if option("--allow-fetch"):
                context.fetched = FetchedFile(option("--fetched") or build_default_path(date.today()))
            _check_account(context)
        yield context
    finally:
        left = delete_run_accounts(control, keep) if control is not None else ""
        if left:
            pytestconfig.stash[_RUN].accounts_left = left


def _prepare_account(
    address: Address, own: SuiteAccount, control: ControlClient | None, guard: SafetyGuard, endpoints: str | None
) -> SuiteAccount:
    """Return the account for the run. Stops pytest if the server or the control API is wrong."""
    try:
        if control is None:
            return own
        own, accepted = enable_sandbox(address, control, guard)
        if not accepted and not shares_accounts(address, control):
            pytest.exit(f"{control.address.url} is not the control API of {address.url}", returncode=2)
        allow_older_endpoints(endpoints, control, guard)
    except TargetUnreachable as error:
        pytest.exit(escape_unprintable(str(error)), returncode=3)
    except ControlApiError as error:
        pytest.exit(escape_unprintable(str(error)), returncode=2)
    return own


def _check_account(context: CheckContext) -> None:
    """Stop pytest if the server cannot be reached or refuses the account."""
    try:
        refusal = check_account_at_start(context)
    except TargetUnreachable as error:
        pytest.exit(escape_unprintable(str(error)), returncode=3)
    if refusal is not None:
        pytest.exit(escape_unprintable(str(refusal)), returncode=3)


@pytest.fixture(scope="session")
def run_clause(context: CheckContext, pytestconfig: pytest.Config) -> Callable[[Clause], Verdict]:
    """Return a function that runs the check of a clause. A check of several clauses runs once."""
    cache: dict[str, Verdict] = {}
    session = pytestconfig.stash[_RUN]

    def run(clause: Clause) -> Verdict:
        try:
            verdict = next(run_checks(context, [clause], cache=cache, demand=session.demand))
        except TargetStopped as error:
            pytest.exit(escape_unprintable(str(error)), returncode=INCONCLUSIVE)
        (verdict,) = apply_differences([verdict], session.accepted)
        session.verdicts.append(verdict)
        return verdict

    return run


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the file of --write-expect. End with exit code 3 if responses were lost or no clause was exercised."""
    config = session.config
    if _RUN not in config.stash:
        return
    run, file = config.stash[_RUN], config.getoption("--write-expect")
    if file is not None and run.verdicts:
        try:
            write_differences(run.verdicts, run.accepted, file, date.today())
        except OSError as error:
            run.message = describe_write_error(file, error)
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
            return
    if run.verdicts and exitstatus == pytest.ExitCode.OK:
        code, run.message = conclude(run.verdicts, run.demand)
        session.exitstatus = code
