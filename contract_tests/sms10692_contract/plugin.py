"""A plugin of pytest: `pytest -p sms10692_contract.plugin --pyargs sms10692_contract --target http://HOST:PORT ...`.

Here belong the command's options once more, in pytest's way. Each clause is then a test, in `test_clauses`.
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

_LEFT: Final = pytest.StashKey[str]()

_CHARSETS: Final = {
    "--userid": "gbk",
    "--account": "utf-8",
    "--password": "utf-8",
    "--control-token": "utf-8",
    "--forbidden": "gbk",
}
"""The charset of each of these options: the userid and the word stand in forms of the GBK page."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the command, but those that pytest has itself."""
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
    """Say at once what is wrong with the options. Let a signal end the run with its fixtures, which delete accounts."""
    _options(session.config)
    INTERRUPTIONS.install()


def pytest_unconfigure() -> None:
    """Leave the signals as they were."""
    INTERRUPTIONS.restore()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which accounts are left."""
    if _LEFT in config.stash:
        terminalreporter.write_line(config.stash[_LEFT])


class _Options(NamedTuple):
    """Whom to examine, as whom, and who can make accounts."""

    address: Address
    own: SuiteAccount
    control: ControlClient | None


def _options(config: pytest.Config) -> _Options:
    """The options as values. Raises UsageError."""
    option = config.getoption
    if not option("--target"):
        raise pytest.UsageError("--target http://HOST:PORT is needed")
    for name, charset in _CHARSETS.items():
        if not is_encodable(option(name) or "", charset):
            raise pytest.UsageError(f"{name}: it cannot be written in {charset}")
    userid, account, password = (option(name) or "" for name in ("--userid", "--account", "--password"))
    if not option("--control") and not (userid and account and password):
        raise pytest.UsageError(CREDENTIALS_NEEDED)
    try:
        address, *turns = (
            parse_address(url).with_tls(option("--ca"), option("--insecure"))
            for url in (option("--target"), option("--control"))
            if url
        )
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    control = ControlClient(turns[0], option("--control-token")) if turns else None
    return _Options(address, SuiteAccount(userid, account, password), control)


@pytest.fixture(scope="session")
def lab(pytestconfig: pytest.Config) -> Iterator[CheckContext]:
    """One run, with the permissions that were given. Ends it where there is nothing to examine."""
    option = pytestconfig.getoption
    address, own, control = _options(pytestconfig)
    gate = SafetyGuard(frozenset(option("--allow-send")), option("--budget"), option("--allow-fetch"))
    keep = option("--keep-accounts")
    profile = EFFORTS[option("--contract-profile")]
    try:
        own = _accepted(address, own, control, gate)
        yield CheckContext(address, own, gate, control, profile, option("--contract-seed"), option("--forbidden"), keep)
    finally:
        left = accounts_left(control, keep) if control is not None else ""
        if left:
            pytestconfig.stash[_LEFT] = escape_unprintable(left)


def _accepted(address: Address, own: SuiteAccount, control: ControlClient | None, gate: SafetyGuard) -> SuiteAccount:
    try:
        if control is None:
            send_request(address, form(UTF8, own.credentials() | {"action": "overage"}))
            return own
        own, accepted = enable_sandbox(address, control, gate)
        if not accepted and not shares_accounts(address, control):
            pytest.exit(f"{control.address.url} is not the control address of {address.url}", returncode=2)
    except TargetUnreachable as error:
        pytest.exit(escape_unprintable(str(error)), returncode=3)
    except ControlRefused as error:
        pytest.exit(escape_unprintable(str(error)), returncode=2)
    return own


@pytest.fixture(scope="session")
def verdict_on(lab: CheckContext) -> Callable[[Clause], Verdict]:
    """The verdict on a clause. A check of several clauses runs once."""
    known: dict[str, Verdict] = {}
    return lambda clause: next(run_checks(lab, [clause], known=known))
