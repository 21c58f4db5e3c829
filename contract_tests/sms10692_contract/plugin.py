"""A plugin of pytest: `pytest -p sms10692_contract.plugin --pyargs sms10692_contract --target http://HOST:PORT ...`.

Here belong the command's options once more, in pytest's way. Each clause is then a test, in `test_clauses`.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from sms10692_contract.clauses import Clause
from sms10692_contract.control import Control
from sms10692_contract.gate import BUDGET_DEFAULT, Gate
from sms10692_contract.lab import PROFILES, Account, Lab
from sms10692_contract.run import Verdict, examine, knows, open_gate
from sms10692_contract.target import address_of


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the command, but those that pytest has itself."""
    group = parser.getgroup("sms10692-contract")
    for name in ("--target", "--userid", "--account", "--password", "--control", "--control-token"):
        group.addoption(name)
    group.addoption("--ca", type=Path)
    group.addoption("--insecure", action="store_true")
    group.addoption("--allow-send", action="append", default=[])
    group.addoption("--budget", type=int, default=BUDGET_DEFAULT)
    group.addoption("--allow-fetch", action="store_true")
    group.addoption("--forbidden", default="发票")
    group.addoption("--contract-profile", choices=list(PROFILES), default="quick")
    group.addoption("--contract-seed", type=int, default=0)


@pytest.fixture(scope="session")
def lab(pytestconfig: pytest.Config) -> Lab:
    """One run, with the permissions that were given."""
    option = pytestconfig.getoption
    if not option("--target"):
        raise pytest.UsageError("--target http://HOST:PORT is needed")
    ca, insecure = option("--ca"), option("--insecure")
    address = address_of(option("--target")).trusting(ca, insecure)
    gate = Gate(frozenset(option("--allow-send")), option("--budget"), option("--allow-fetch"))
    userid, account, password = (option(name) or "" for name in ("--userid", "--account", "--password"))
    own = Account(userid, account, password)
    control = None
    if option("--control"):
        control = Control(address_of(option("--control")).trusting(ca, insecure), option("--control-token"))
        own, accepted = open_gate(address, control, gate)
        if not accepted and not knows(address, control):
            pytest.exit(f"{control.address.url} is not the control address of {address.url}", returncode=2)
    profile = PROFILES[option("--contract-profile")]
    return Lab(address, own, gate, control, profile, option("--contract-seed"), option("--forbidden"))


@pytest.fixture(scope="session")
def verdict_on(lab: Lab) -> Callable[[Clause], Verdict]:
    """The verdict on a clause. A check of several clauses runs once."""
    known: dict[str, Verdict] = {}
    return lambda clause: next(examine(lab, [clause], known=known))
