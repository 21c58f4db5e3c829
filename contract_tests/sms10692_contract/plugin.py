"""Pytest plugin: `pytest -p sms10692_contract.plugin --pyargs sms10692_contract --target http://HOST:PORT ...`.

Adds the options of the command to pytest and runs each clause as one test of `test_clauses`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from sms10692_contract.clauses import Clause
from sms10692_contract.control import ControlClient, ControlRefused
from sms10692_contract.escaping import escape_unprintable
from sms10692_contract.harness import EFFORTS, CheckContext, SuiteAccount
from sms10692_contract.http import Address, TargetUnreachable, parse_address, send_request
from sms10692_contract.interruptions import INTERRUPTIONS
from sms10692_contract.requests import UTF8, form, is_encodable
from sms10692_contract.runner import (
    CREDENTIALS_NEEDED,
    Verdict,
    accounts_left,
    enable_sandbox,
    run_checks,
    shares_accounts,
)
from sms10692_contract.safety import BUDGET_DEFAULT, SafetyGuard

_ACCOUNTS_LEFT: Final = pytest.StashKey[str]()

_CHARSETS: Final = {
    "--userid": "gbk",
    "--account": "utf-8",
    "--password": "utf-8",
    "--control-token": "utf-8",
    "--forbidden": "gbk",
}
"""Charset in which an option must be encodable. Userid and forbidden word are also sent to the GBK endpoint."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the command that pytest does not have itself."""
    group = parser.getgroup("sms10692-contract")
    for name in ("--target", "--userid", "--account", "--password", "--control", "--control-token"):
        group.addoption(name)
    group.addoption("--keep-accounts", action="store_true")
    group.addoption("--ca", type=Path)
    group.addoption("--insecure", action="store_true")
    group.addoption("--allow-send", action="append", default=[])
    group.addoption("--budget", type=int, default=BUDGET_DEFAULT)
    group.addoption("--allow-fetch", action="store_true")
    group.addoption("--forbidden", default="发票")
    group.addoption("--contract-profile", choices=list(EFFORTS), default="quick")
    group.addoption("--contract-seed", type=int, default=0)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Check the options, and let signals end the run through the fixtures, which delete the accounts."""
    _options(session.config)
    INTERRUPTIONS.install()


def pytest_unconfigure() -> None:
    """Restore the signal handlers."""
    INTERRUPTIONS.restore()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report accounts that could not be deleted."""
    if _ACCOUNTS_LEFT in config.stash:
        terminalreporter.write_line(config.stash[_ACCOUNTS_LEFT])


class _Options(NamedTuple):
    """Server, account and control API of a run."""

    address: Address
    own: SuiteAccount
    control: ControlClient | None


def _options(config: pytest.Config) -> _Options:
    """Parse the options. Raises UsageError."""
    option = config.getoption
    if not option("--target"):
        raise pytest.UsageError("--target http://HOST:PORT is needed")
    for name, charset in _CHARSETS.items():
        if not is_encodable(option(name) or "", charset):
            raise pytest.UsageError(f"{name}: the value cannot be encoded in {charset}")
    userid, account, password = (option(name) or "" for name in ("--userid", "--account", "--password"))
    if not option("--control") and not (userid and account and password):
        raise pytest.UsageError(CREDENTIALS_NEEDED)
    try:
        address, *control_addresses = (
            parse_address(url).with_tls(option("--ca"), option("--insecure"))
            for url in (option("--target"), option("--control"))
            if url
        )
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    control = ControlClient(control_addresses[0], option("--control-token")) if control_addresses else None
    return _Options(address, SuiteAccount(userid, account, password), control)


@pytest.fixture(scope="session")
def context(pytestconfig: pytest.Config) -> Iterator[CheckContext]:
    """Context of the run, with the permissions of the options. Stops pytest if the server is not reachable."""
    option = pytestconfig.getoption
    address, own, control = _options(pytestconfig)
    guard = SafetyGuard(frozenset(option("--allow-send")), option("--budget"), option("--allow-fetch"))
    keep = option("--keep-accounts")
    profile = EFFORTS[option("--contract-profile")]
    try:
        own = _prepare_account(address, own, control, guard)
        yield CheckContext(
            address, own, guard, control, profile, option("--contract-seed"), option("--forbidden"), keep
        )
    finally:
        left = accounts_left(control, keep) if control is not None else ""
        if left:
            pytestconfig.stash[_ACCOUNTS_LEFT] = escape_unprintable(left)


def _prepare_account(
    address: Address, own: SuiteAccount, control: ControlClient | None, guard: SafetyGuard
) -> SuiteAccount:
    """Return the account for the run. Stops pytest if the server or the control API is wrong."""
    try:
        if control is None:
            send_request(address, form(UTF8, own.credentials() | {"action": "overage"}))
            return own
        own, accepted = enable_sandbox(address, control, guard)
        if not accepted and not shares_accounts(address, control):
            pytest.exit(f"{control.address.url} is not the control API of {address.url}", returncode=2)
    except TargetUnreachable as error:
        pytest.exit(escape_unprintable(str(error)), returncode=3)
    except ControlRefused as error:
        pytest.exit(escape_unprintable(str(error)), returncode=2)
    return own


@pytest.fixture(scope="session")
def run_clause(context: CheckContext) -> Callable[[Clause], Verdict]:
    """Return a function that runs the check of a clause. A check of several clauses runs once."""
    known: dict[str, Verdict] = {}
    return lambda clause: next(run_checks(context, [clause], known=known))
