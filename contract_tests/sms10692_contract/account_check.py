"""Whether the server accepts the account of the user: at the start of a run, and after an unexpected response.

If it does not, every clause would fail for the same reason, so the run ends and names the reason once.
"""

from typing import Final

from sms10692_contract.expected import EMPTY_CREDENTIALS, WRONG_CREDENTIALS
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import HttpResponse, TargetUnreachable
from sms10692_contract.masking import mask_excerpt
from sms10692_contract.network_errors import ConnectionLost, TargetStopped, decode_text, mentions_clock, mentions_lock
from sms10692_contract.requests import compute_signature
from sms10692_contract.suite_account import build_timestamp
from sms10692_contract.target import CLOCK_TOLERANCE, compute_clock_difference

_TEXT_LIMIT: Final = 200


def check_account_at_start(context: CheckContext) -> TargetStopped | None:
    """Query the balance. Return why the run cannot start; None if it can.

    A server that refuses the correct signature and accepts a wrong one is checked too: its clauses show the fault.
    Raises TargetUnreachable if the server cannot be reached.
    """
    try:
        response = context.query_outside_of_checks(context.own.build_credentials(), may_be_absent=True)
    except ConnectionLost as error:
        raise TargetUnreachable(error.cause) from error
    except TargetStopped as error:
        return error
    if response is None:
        return TargetStopped("the limits of the run leave no request")
    context.is_accepted = not _is_refused(response) and b"<" in response.body
    if not _is_refused(response):
        return None
    if context.limits:
        context.limits.count_correct_signatures_as_wrong()
    if _accepts_wrong_signature(context):
        return None
    return TargetStopped(_describe_refusal(context, response))


def expect_account_accepted(context: CheckContext, actual: str) -> None:
    """Raise TargetStopped if the server accepted the account at the start and no longer does.

    `actual` describes an unexpected response. The account is queried only if the response may be a refusal of it.
    """
    is_ordinary = "<returnsms" in actual and WRONG_CREDENTIALS not in actual
    if not context.is_accepted or (is_ordinary and not mentions_lock(HttpResponse(200, "", actual.encode()))):
        return
    response = context.probe_account()
    if response is None:
        return
    if _is_refused(response) or b"<" not in response.body:
        wrong = f", after {context.limits.wrong} wrong signatures" if context.limits else ""
        raise TargetStopped(
            f"the server no longer accepts userid {context.own.userid}{wrong}: is the account locked?"
            f" Its response: {_excerpt(response)}"
        )


def _is_refused(response: HttpResponse) -> bool:
    """Return whether a response to a query of the balance refuses the account."""
    text = decode_text(response)
    if WRONG_CREDENTIALS in text or EMPTY_CREDENTIALS in text:
        return True
    return (mentions_lock(response) or mentions_clock(response)) and b"Suc" not in response.body


def _accepts_wrong_signature(context: CheckContext) -> bool:
    own, timestamp = context.own, build_timestamp(0)
    correct = compute_signature(own.account, own.password, timestamp)
    other_order = compute_signature(own.password, own.account, timestamp)
    for sign in (correct.upper(), correct[8:24], other_order):
        credentials = {"userid": own.userid, "timestamp": timestamp, "sign": sign}
        response = context.query_outside_of_checks(credentials)
        if response is not None and not _is_refused(response):
            return True
    return False


def _describe_refusal(context: CheckContext, response: HttpResponse) -> str:
    userid, quoted = context.own.userid, f"Its response: {_excerpt(response)}"
    difference = compute_clock_difference(response, context.run_clock.now())
    if difference is not None and abs(difference) > CLOCK_TOLERANCE:
        side = "ahead of" if difference > 0 else "behind"
        return (
            f"the server refuses the account {userid}: the clock of this machine is {_format_duration(difference)}"
            f" {side} the server's. {quoted}"
        )
    if mentions_clock(response):
        return f"the server refuses the timestamp {build_timestamp(0)} of this machine: is its clock right? {quoted}"
    if mentions_lock(response):
        return f"the server refuses userid {userid}: is the account locked? {quoted}"
    return f"the server refuses userid {userid}: is the account or the password wrong, or a clock? {quoted}"


def _format_duration(seconds: float) -> str:
    minutes, _ = divmod(round(abs(seconds)), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _excerpt(response: HttpResponse) -> str:
    text = mask_excerpt(decode_text(response), _TEXT_LIMIT)
    return text or f"HTTP {response.status} without text"
