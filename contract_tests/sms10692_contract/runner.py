"""Runner of the suite: prepares the accounts, runs the checks, and yields a verdict per clause.

The reports are in `report`, the command line in `cli`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from time import perf_counter
from typing import Final

from hypothesis.errors import Flaky

from sms10692_contract.checks import CHECKS
from sms10692_contract.clauses import CLAUSES, Clause
from sms10692_contract.control import ControlApiError, ControlClient
from sms10692_contract.expectations import Mismatch
from sms10692_contract.harness import CheckContext, ShrinkLimitReached, SuiteAccount
from sms10692_contract.http import Address, HttpResponse, TargetUnreachable, send_request
from sms10692_contract.requests import UTF8, WireRequest, build_form
from sms10692_contract.safety import INVALID_SIGN, PermissionMissing, SafetyGuard

_ACCEPTED: Final = b"<returnstatus>Sucess</returnstatus>"


class State(Enum):
    """Result of a clause."""

    HELD = "held"
    FAILED = "failed"
    NOT_EXERCISED = "not exercised"


@dataclass(frozen=True)
class Verdict:
    """Verdict on one clause.

    `why` is the description of a failure, or the reason why the clause was not exercised. `request` shows a failure,
    `preceding` are the requests before it.
    """

    clause: Clause
    state: State
    reason: str = ""
    expected: str = ""
    actual: str = ""
    request: WireRequest | None = None
    preceding: tuple[WireRequest, ...] = ()
    seconds: float = 0.0


def enable_sandbox(address: Address, control: ControlClient, guard: SafetyGuard) -> tuple[SuiteAccount, bool]:
    """Create a temporary account, and permit all its requests if the server accepts its signature.

    Returns the account and whether it was accepted. Raises TargetUnreachable and ControlApiError.
    """
    account = SuiteAccount(*control.create_account())
    response = _query_balance(address, account)
    accepted = _ACCEPTED in response.body
    if accepted:
        guard.userids.add(account.userid)
    return account, accepted


def delete_run_accounts(control: ControlClient, keep: bool) -> str:
    """Delete the accounts of this run unless `keep`. Return a message if any are left, otherwise an empty string."""
    reason = "--keep-accounts"
    if not keep:
        try:
            control.delete_accounts()
        except (TargetUnreachable, ControlApiError) as error:
            reason = str(error)
    return f"accounts left at {control.address.url}: {len(control.userids)} ({reason})" if control.userids else ""


def shares_accounts(address: Address, control: ControlClient) -> bool:
    """Return whether the server knows the accounts of the control API although it does not accept their signature.

    It does if a correct and a wrong signature get different responses, or if it refuses an account of the other profile
    with another document (A14). Only balances are queried. Raises TargetUnreachable and ControlApiError.
    """
    account = SuiteAccount(*control.create_account(profile="manual"))
    if _query_balance(address, account) != _query_balance(address, account, sign=INVALID_SIGN):
        return True
    other = SuiteAccount(*control.create_account(profile="observed"))
    return _query_balance(address, account, sign=INVALID_SIGN) != _query_balance(address, other, sign=INVALID_SIGN)


def _query_balance(address: Address, account: SuiteAccount, **fields: str) -> HttpResponse:
    return send_request(address, build_form(UTF8, account.build_credentials() | {"action": "overage"} | fields))


def run_checks(
    context: CheckContext,
    clauses: Iterable[Clause],
    progress: Callable[[Clause], None] = lambda clause: None,
    cache: dict[str, Verdict] | None = None,
) -> Iterator[Verdict]:
    """Yield a verdict on each clause as soon as its check has ended.

    A check that covers several clauses runs once. `cache` has verdicts by clause id; new verdicts are added to it.
    """
    cache = {} if cache is None else cache
    for clause in clauses:
        progress(clause)
        if clause.id not in cache:
            check = CHECKS[clause.id]
            covered = [other for other in CLAUSES if CHECKS[other.id] is check]
            cache |= {verdict.clause.id: verdict for verdict in _run_check(context, clause, covered)}
            context.delete_accounts()
        yield cache[clause.id]


def _run_check(context: CheckContext, clause: Clause, covered: Sequence[Clause]) -> Iterator[Verdict]:
    """Run the check of `clause`; yield a verdict on every clause that the check covers."""
    missing = context.guard.find_missing_permission(clause.permissions)
    if missing:
        yield from (Verdict(each, State.NOT_EXERCISED, f"needs {missing}") for each in covered)
        return
    started = perf_counter()
    context.start_check()
    try:
        CHECKS[clause.id](context)
    except PermissionMissing as error:
        yield from (Verdict(each, State.NOT_EXERCISED, str(error)) for each in covered)
    except (Mismatch, Flaky, TargetUnreachable, ControlApiError, ShrinkLimitReached) as error:
        failure = _to_mismatch(error, context)
        failed_id = failure.clause or clause.id
        for each in covered:
            if each.id == failed_id:
                yield Verdict(
                    each,
                    State.FAILED,
                    str(failure),
                    failure.expected,
                    failure.actual,
                    failure.request,
                    preceding=tuple(request for request in context.transcript if request is not failure.request),
                    seconds=perf_counter() - started,
                )
            else:
                yield Verdict(each, State.NOT_EXERCISED, f"its check stopped at {failed_id}")
    else:
        yield from (Verdict(each, State.HELD, seconds=perf_counter() - started) for each in covered)


def _to_mismatch(error: BaseException, context: CheckContext) -> Mismatch:
    """Convert an error to a Mismatch. Hypothesis wraps a failure that it could not reproduce."""
    if isinstance(error, Mismatch):
        return error
    if isinstance(error, ShrinkLimitReached):
        return error.best
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            if isinstance(inner, Mismatch):
                return inner
    last = context.transcript[-1] if context.transcript else None
    return Mismatch(
        last, "the same response to the same request" if isinstance(error, Flaky) else "a response", str(error)
    )
