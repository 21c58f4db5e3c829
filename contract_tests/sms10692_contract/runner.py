"""Runner of the suite: prepares the accounts, runs the checks, and yields a verdict per clause.

The reports are in `report`, the command line in `run_command`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from time import perf_counter
from typing import Final, TypeAlias

from hypothesis.errors import Flaky

from sms10692_contract.account_check import expect_account_accepted
from sms10692_contract.checks import CHECKS
from sms10692_contract.clauses import CLAUSES, Clause, Provenance
from sms10692_contract.control import ControlApiError, ControlClient
from sms10692_contract.demand import Demand
from sms10692_contract.expectations import Mismatch, SendRefused
from sms10692_contract.harness import CheckContext, NotExercised, ShrinkLimitReached
from sms10692_contract.http import Address, HttpResponse, TargetUnreachable, send_request
from sms10692_contract.masking import shorten
from sms10692_contract.network_errors import ConnectionLost
from sms10692_contract.profiles import MANUAL
from sms10692_contract.request_limits import EnoughRequests, LimitReached
from sms10692_contract.requests import OLDER_ENDPOINTS, UTF8, WireRequest, build_form, mask_request
from sms10692_contract.safety import INVALID_SIGN, PermissionMissing, SafetyGuard
from sms10692_contract.suite_account import SuiteAccount

VARYING: Final = "once; when the request was repeated, the response was as expected"
"""Remark on a failure that did not occur again."""

_ACCEPTED: Final = b"<returnstatus>Sucess</returnstatus>"


class State(Enum):
    """Result of a clause.

    `DIFFERS` is a failure that the demand of the run does not include, `EXPECTED` one that the user accepts.
    `NOT_JUDGED` means that responses were lost on the way.
    """

    HELD = "held"
    FAILED = "failed"
    DIFFERS = "differs"
    EXPECTED = "expected"
    NOT_EXERCISED = "not exercised"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Verdict:
    """Verdict on one clause.

    `reason` is the description of a failure, or the reason why the clause was not exercised. `request` shows a failure,
    `preceding` are the requests before it. Failures with the same `cause` have one cause. `cases` is which
    cases were judged if the limits of the run did not allow all: "n of m cases", or "its first requests only".
    """

    clause: Clause
    state: State
    reason: str = ""
    expected: str = ""
    actual: str = ""
    request: WireRequest | None = None
    preceding: tuple[WireRequest, ...] = ()
    seconds: float = 0.0
    cause: str = ""
    cases: str = ""

    @property
    def is_deviation(self) -> bool:
        """Whether the clause does not hold, demanded or not."""
        return self.state in (State.FAILED, State.DIFFERS, State.EXPECTED)


CheckRunner: TypeAlias = Callable[[CheckContext, Clause, Sequence[Clause]], list[Verdict]]
"""Runs the check of a clause, as `run_check` does."""


def enable_sandbox(address: Address, control: ControlClient, guard: SafetyGuard) -> tuple[SuiteAccount, bool]:
    """Create a temporary account, and permit all its requests if the server accepts its signature.

    Returns the account and whether it was accepted. Raises TargetUnreachable and ControlApiError.
    """
    account = SuiteAccount(*control.create_account())
    control.learn_profile()
    if control.profile is not None and control.profile.name != MANUAL.name:
        account = SuiteAccount(*control.create_account())  # now of the manual's profile
    response = _query_balance(address, account)
    accepted = _ACCEPTED in response.body
    if accepted:
        guard.userids.add(account.userid)
    return account, accepted


def allow_older_endpoints(choice: str | None, control: ControlClient | None, guard: SafetyGuard) -> None:
    """Allow the older endpoints if the user has chosen all endpoints, or none and the emulator serves them.

    Raises TargetUnreachable and ControlApiError.
    """
    serves = choice is None and control is not None and control.read_endpoints() >= OLDER_ENDPOINTS
    guard.older = choice == "all" or serves


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


def find_covered(clause: Clause) -> list[Clause]:
    """Return the clauses that the check of a clause covers."""
    return [other for other in CLAUSES if CHECKS[other.id] is CHECKS[clause.id]]


def run_checks(
    context: CheckContext,
    clauses: Iterable[Clause],
    progress: Callable[[Clause], None] = lambda clause: None,
    cache: dict[str, Verdict] | None = None,
    demand: Demand = Demand.ALL,
    check_runner: CheckRunner | None = None,
) -> Iterator[Verdict]:
    """Yield a verdict on each clause as soon as its check has ended.

    A check that covers several clauses runs once, with `check_runner` or `run_check`. `cache` has verdicts by clause
    id; new verdicts are added to it. A clause that is beyond the demand cannot fail; it differs.
    """
    check_runner = check_runner or run_check
    cache = {} if cache is None else cache
    for clause in clauses:
        progress(clause)
        if clause.id not in cache:
            verdicts = check_runner(context, clause, find_covered(clause))
            cache |= {verdict.clause.id: verdict for verdict in verdicts}
        verdict = cache[clause.id]
        if verdict.state is State.FAILED and not demand.includes(clause):
            verdict = cache[clause.id] = replace(verdict, state=State.DIFFERS)
        yield verdict


def run_check(context: CheckContext, clause: Clause, covered: Sequence[Clause]) -> list[Verdict]:
    """Run the check of `clause`; return a verdict on every clause that the check covers. Delete its accounts.

    If a response is lost, the check is repeated with new accounts where that costs nothing. Raises TargetStopped if the
    server went away, or no longer accepts the account.
    """
    try:
        verdicts = list(_run_check_once(context, clause, covered))
    except ConnectionLost as lost:
        return _judge_lost_response(lost, context, clause, covered)
    finally:
        context.delete_accounts()
    for verdict in verdicts:
        if verdict.state is State.FAILED and not context.is_sandboxed:
            expect_account_accepted(context, verdict.actual)
    return verdicts


def _judge_lost_response(
    lost: ConnectionLost, context: CheckContext, clause: Clause, covered: Sequence[Clause]
) -> list[Verdict]:
    """Return the verdicts of a check that lost a response."""
    if context.is_sandboxed:
        context.delete_accounts()
        try:
            return list(_run_check_once(context, clause, covered))
        except ConnectionLost as again:
            if again.is_like(lost):
                context.probe_account()
                failure = Mismatch(again.request, "a response", f"none, twice: {again.cause}")
                return [
                    build_failure(each, failure, context, 0)
                    if each is clause
                    else Verdict(each, State.NOT_EXERCISED, f"its check stopped at {clause.id}")
                    for each in covered
                ]
            lost = again
    context.probe_account()
    return [Verdict(each, State.NOT_JUDGED, context.mask_text(str(lost))) for each in covered]


def _run_check_once(context: CheckContext, clause: Clause, covered: Sequence[Clause]) -> Iterator[Verdict]:
    """Run the check of `clause`; yield a verdict on every clause that the check covers. May raise ConnectionLost."""
    missing = context.guard.find_missing_permission(clause.permissions)
    if missing:
        yield from (Verdict(each, State.NOT_EXERCISED, f"needs {missing}") for each in covered)
        return
    started = perf_counter()
    is_harmless = {"older"}.issuperset(clause.permissions)
    context.start_check(is_harmless, clause.provenance is Provenance.MANUAL)
    try:
        CHECKS[clause.id](context)
    except (PermissionMissing, NotExercised, LimitReached, EnoughRequests, ConnectionLost) as error:
        seconds = perf_counter() - started
        # A failure that was found before, while it was made smaller or repeated, counts.
        if context.best_failure is not None:
            yield from _fail(context.best_failure, context, clause, covered, seconds)
        elif isinstance(error, ConnectionLost):
            raise
        elif isinstance(error, EnoughRequests):
            cases = context.describe_cases() or "its first requests only"
            yield from (Verdict(each, State.HELD, seconds=seconds, cases=cases) for each in covered)
        else:
            yield from (Verdict(each, State.NOT_EXERCISED, context.mask_text(str(error))) for each in covered)
    except (Mismatch, Flaky, TargetUnreachable, ControlApiError, ShrinkLimitReached) as error:
        if isinstance(error, SendRefused) and error.request and context.balance.cannot_pay(error.request):
            reason = f"the balance is {context.balance.points} points"
            yield from (Verdict(each, State.NOT_EXERCISED, reason) for each in covered)
            return
        yield from _fail(_to_mismatch(error, context), context, clause, covered, perf_counter() - started)
    else:
        seconds, cases = perf_counter() - started, context.describe_cases()
        yield from (Verdict(each, State.HELD, seconds=seconds, cases=cases) for each in covered)


def _fail(
    failure: Mismatch, context: CheckContext, clause: Clause, covered: Sequence[Clause], seconds: float
) -> Iterator[Verdict]:
    """Yield the verdicts of a check that failed: the other clauses that it covers were not exercised."""
    failed_id = failure.clause or clause.id
    for each in covered:
        if each.id == failed_id:
            yield build_failure(each, failure, context, seconds)
        else:
            yield Verdict(each, State.NOT_EXERCISED, f"its check stopped at {failed_id}")


_TEXT_LIMIT: Final = 4000
_CAUSE_LIMIT: Final = 200
"""Maximum number of characters of a text, and of a cause, in a report."""


def build_failure(clause: Clause, failure: Mismatch, context: CheckContext, seconds: float) -> Verdict:
    """Return the verdict on a failed clause, masked and shortened in this order."""
    mask = context.mask_text
    expected, actual = (shorten(mask(text), _TEXT_LIMIT) for text in (failure.expected, failure.actual))
    requests = (failure.request, *_find_preceding(failure, context))
    request, *preceding = (
        request if request is None or context.is_sandboxed else mask_request(request) for request in requests
    )
    return Verdict(
        clause,
        State.FAILED,
        f"expected {expected}; got {actual}",
        expected,
        actual,
        request,
        tuple(each for each in preceding if each is not None),
        seconds,
        shorten(mask(failure.cause), _CAUSE_LIMIT),
    )


def _find_preceding(failure: Mismatch, context: CheckContext) -> tuple[WireRequest, ...]:
    """Return the requests before the failed one; none if it was sent by an earlier check."""
    if failure.request not in context.transcript:
        return ()
    return tuple(request for request in context.transcript if request is not failure.request)


def _to_mismatch(error: BaseException, context: CheckContext) -> Mismatch:
    """Convert an error to a Mismatch. Hypothesis raises Flaky for a failure that it could not reproduce."""
    if isinstance(error, Mismatch):
        return error
    if isinstance(error, ShrinkLimitReached):
        return error.best
    if isinstance(error, Flaky) and context.best_failure is not None:
        best = context.best_failure
        varying = Mismatch(best.request, best.expected, f"{best.actual}\n({VARYING})")
        varying.clause = best.clause
        return varying
    last = context.transcript[-1] if context.transcript else None
    if isinstance(error, Flaky):
        return Mismatch(last, "the same responses to the same requests", "other responses than before")
    return Mismatch(last, "a response", str(error))
