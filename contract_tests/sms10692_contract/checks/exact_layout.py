"""Checks of the exact layout, and of how numbers are written (A1 to A10, R6, R17).

They judge every response of the run that `layout` has recorded. **Their clauses are the last of the table**, so that
all other checks have sent their requests before.
"""

from sms10692_contract import layout
from sms10692_contract.checks.registry import Check, checks
from sms10692_contract.harness import CheckContext, NotExercised
from sms10692_contract.request_limits import EnoughRequests, LimitReached
from sms10692_contract.requests import GBK, UTF8
from sms10692_contract.safety import INVALID_SIGN, PermissionMissing


def _make_check(clause: str) -> Check:
    def check(context: CheckContext) -> None:
        missing = "no response had what this clause is about"
        if clause not in context.layout.seen:
            try:
                _request_every_document(context)
            except EnoughRequests:
                pass  # what came is judged
            except (LimitReached, NotExercised, PermissionMissing) as error:
                missing = str(error)
        difference = context.layout.get_difference(clause)
        if difference is not None:
            raise difference
        if clause not in context.layout.seen:
            raise NotExercised(missing)

    return check


def _request_every_document(context: CheckContext) -> None:
    """Request one document of each kind that the permissions allow."""
    if not context.is_sandboxed:
        _request_permitted_documents(context)
        return
    account = context.create_account()
    for endpoint in (UTF8, GBK):
        context.overage(account, endpoint)
        context.overage(account, endpoint, sign="")
        context.checkkeyword(account, context.forbidden_word, endpoint)
        context.overage(account, endpoint, sign=INVALID_SIGN)
        context.send(account, "15023239810,10000000031", endpoint=endpoint, extno="01")
        context.send(account, endpoint=endpoint, content="")
    context.clock.advance(account.userid, 180)
    for fetch in (context.status, context.call):
        for fields in ({"sign": ""}, {"sign": INVALID_SIGN}, {}, {}):  # two refusals, the items, an empty queue
            fetch(account, **fields)


def _request_permitted_documents(context: CheckContext) -> None:
    """Request a balance, a refusal, a keyword check, and what the permissions allow."""
    context.overage(context.own, GBK)
    context.overage(context.own, sign="")
    context.checkkeyword(context.own, context.forbidden_word)
    if context.can_send:
        context.send(context.own, content="")
    for fetch in (context.status, context.call) if context.can_fetch else ():
        fetch(context.own)
    if context.can_send and context.can_fetch:
        response = context.send(context.own)
        if response.get_element("returnstatus") == "Success":
            context.fetch_task_reports(context.own, response.get_element("taskID"), 1)  # last: they may be late


for _clause in layout.LAYOUT_CLAUSES:
    checks(_clause)(_make_check(_clause))
