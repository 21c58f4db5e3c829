"""One run of the suite: clause after clause, to a verdict on each.

Here belong how the gate is opened, in what order clauses are examined, and what counts as held, failed, not
exercised. How that is shown is the affair of `report`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from time import perf_counter
from typing import Final

from hypothesis.errors import Flaky

from sms10692_contract.checks import CHECKS
from sms10692_contract.clauses import CLAUSES, Clause
from sms10692_contract.control import ControlClient, ControlRefused
from sms10692_contract.harness import CheckContext, Mismatch, ShrinkLimitReached, SuiteAccount
from sms10692_contract.http import Address, RawAnswer, TargetUnreachable, send_request
from sms10692_contract.requests import UTF8, WireRequest, form
from sms10692_contract.safety import INVALID_SIGN, PermissionMissing, SafetyGuard

CREDENTIALS_NEEDED: Final = "--userid, --account and --password are needed, or --control"

_ACCEPTED: Final = b"<returnstatus>Sucess</returnstatus>"


class State(Enum):
    """What became of a clause."""

    HELD = "held"
    FAILED = "failed"
    NOT_EXERCISED = "not exercised"


@dataclass(frozen=True)
class Verdict:
    """On one clause. `why` says what would have exercised it, or what a failure was."""

    clause: Clause
    state: State
    why: str = ""
    expected: str = ""
    got: str = ""
    request: WireRequest | None = None
    preceding: tuple[WireRequest, ...] = ()
    seconds: float = 0.0


def enable_sandbox(address: Address, control: ControlClient, gate: SafetyGuard) -> tuple[SuiteAccount, bool]:
    """Make a throw-away account, and allow everything if the address accepts it; the account, and whether it did.

    Raises NoAnswer and ControlRefused.
    """
    account = SuiteAccount(*control.make_account())
    answer = _asked(address, account)
    accepted = _ACCEPTED in answer.body
    if accepted:
        gate.userids.add(account.userid)
    return account, accepted


def accounts_left(control: ControlClient, keep: bool) -> str:
    """Delete the accounts that were made in this run, unless they are to be kept. Return a message if any are left."""
    why = "--keep-accounts"
    if not keep:
        try:
            control.delete_accounts()
        except (TargetUnreachable, ControlRefused) as error:
            why = str(error)
    return f"accounts left at {control.address.url}: {len(control.userids)} ({why})" if control.userids else ""


def shares_accounts(address: Address, control: ControlClient) -> bool:
    """Whether the address knows accounts made at the control address, though it does not accept them.

    It does if it answers the right signature otherwise than a wrong one, or, where it takes no signature at all, if it
    refuses an account of the other dialect in other words (A14). Nothing is asked but balances. Raises NoAnswer and
    ControlRefused.
    """
    account = SuiteAccount(*control.make_account(dialect="manual"))
    if _asked(address, account) != _asked(address, account, sign=INVALID_SIGN):
        return True
    other = SuiteAccount(*control.make_account(dialect="observed"))
    return _asked(address, account, sign=INVALID_SIGN) != _asked(address, other, sign=INVALID_SIGN)


def _asked(address: Address, account: SuiteAccount, **wrong: str) -> RawAnswer:
    return send_request(address, form(UTF8, account.credentials() | {"action": "overage"} | wrong))


def select(only: Sequence[str]) -> Iterator[Clause]:
    """The clauses of these ids, or all."""
    return (clause for clause in CLAUSES if not only or clause.id in only)


def run_checks(
    lab: CheckContext,
    clauses: Iterable[Clause],
    progress: Callable[[Clause], None] = lambda clause: None,
    known: dict[str, Verdict] | None = None,
) -> Iterator[Verdict]:
    """A verdict on each clause, as it comes. A check of several clauses runs once; `known` are verdicts had before."""
    known = {} if known is None else known
    for clause in clauses:
        progress(clause)
        if clause.id not in known:
            check = CHECKS[clause.id]
            together = [one for one in CLAUSES if CHECKS[one.id] is check]
            known |= {verdict.clause.id: verdict for verdict in _verdicts(lab, clause, together)}
            lab.delete_accounts()
        yield known[clause.id]


def _verdicts(lab: CheckContext, clause: Clause, together: Sequence[Clause]) -> Iterator[Verdict]:
    lacking = lab.guard.missing_permission(clause.needs)
    if lacking:
        yield from (Verdict(one, State.NOT_EXERCISED, f"needs {lacking}") for one in together)
        return
    started = perf_counter()
    lab.begin_check()
    try:
        CHECKS[clause.id](lab)
    except PermissionMissing as held_back:
        yield from (Verdict(one, State.NOT_EXERCISED, str(held_back)) for one in together)
    except (Mismatch, Flaky, TargetUnreachable, ControlRefused, ShrinkLimitReached) as error:
        failure = _mismatch(error, lab)
        failed = failure.clause or clause.id
        before = tuple(request for request in lab.transcript if request is not failure.request)
        for one in together:
            if one.id == failed:
                seconds = perf_counter() - started
                request = failure.request
                yield Verdict(one, State.FAILED, str(failure), failure.expected, failure.got, request, before, seconds)
            else:
                yield Verdict(one, State.NOT_EXERCISED, f"its check stopped at {failed}")
    else:
        yield from (Verdict(one, State.HELD, seconds=perf_counter() - started) for one in together)


def _mismatch(error: BaseException, lab: CheckContext) -> Mismatch:
    """The mismatch in an error: Hypothesis wraps one that it saw only once."""
    if isinstance(error, Mismatch):
        return error
    if isinstance(error, ShrinkLimitReached):
        return error.best
    if isinstance(error, BaseExceptionGroup):
        for inside in error.exceptions:
            if isinstance(inside, Mismatch):
                return inside
    last = lab.transcript[-1] if lab.transcript else None
    return Mismatch(
        last, "the same answer to the same request" if isinstance(error, Flaky) else "an answer", str(error)
    )
