"""What a client makes of ordinary answers, asked once before the cases.

A case that needs an operation with a problem is not judged: its result is that problem, and no other cause.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sms10692_examine.case_table import VENDOR
from sms10692_examine.driver_protocol import DriverError
from sms10692_examine.exchange import Exchange
from sms10692_examine.observations import Observation, Translated
from sms10692_examine.session import NUMBER, TEXT, Session

UNDERSTANDING: Final = {
    "send": "R-accepted",
    "overage": "R-sucess",
    "checkkeyword": "R-clean-text",
    "status": "R-status-one",
    "call": "R-call-one",
}
"""The case that judges whether the ordinary answer to an operation is understood."""
_REFUSALS: Final = {"send": "Q-parameters", "checkkeyword": "Q-checked-text"}
"""The case that judges the parameters of an operation; for the others it is Q-findings."""
_CREDENTIALS: Final = VENDOR.query_refusals
JUDGED_FROM_BYTES: Final = frozenset(
    {
        "Q-signature",
        "Q-timestamp",
        "Q-24-hours",
        "Q-one-clock",
        "Q-no-password",
        "Q-parameters",
        "Q-post",
        "Q-charset-label",
    }
)
"""Cases about the bytes of a request, which are the same whether the vendor accepts or refuses it."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The problems of ordinary requests by operation, the exchanges, and the emulator's sentences about refusals."""

    problems: Mapping[str, Observation] = field(default_factory=dict)
    exchanges: Sequence[Exchange] = ()
    sentences: Sequence[Translated] = ()


def measure_baseline(session: Session) -> Baseline:
    """Ask for every operation of a configured client once, with a report and a reply waiting.

    Stops at the first error of the driver, which the cases will see too.
    """
    session.vendor.rule(reply="退订")
    session.put_messages([NUMBER])
    problems: dict[str, Observation] = {}
    for operation in session.operations:
        try:
            problem = _find_problem(session, operation)
        except DriverError:
            break
        if problem is not None:
            problems[operation] = problem
    sentences = session.find_sentences() if are_credentials_refused(session.exchanges) else []
    return Baseline(problems, session.exchanges, sentences)


def _find_problem(session: Session, operation: str) -> Observation | None:
    """Ask for an operation, and return why other cases cannot rely on it, or None."""
    fields: dict[str, Any] = {}
    if operation == "send":
        fields = {"mobiles": [NUMBER], "content": TEXT, "sendTime": None, "extno": ""}
    elif operation == "checkkeyword":
        fields = {"content": TEXT}
    before = len(session.exchanges)
    answer = session.driver.ask(operation, session.settings.answer_limit, **fields)
    if answer.kind in ("accepted", "unsupported"):
        return None
    if are_credentials_refused(session.exchanges[before:]):
        return Observation("{} is refused with {}; see {}", operation, VENDOR.credentials_wrong, "Q-signature")
    request = next(iter(session.vendor.requests(last=1)), None)
    if len(session.exchanges) == before or request is None or request.operation != operation:
        return Observation("the vendor recognizes no request of {}; see {}", operation, "Q-actions")
    if request.refusal:
        case = _REFUSALS.get(operation, "Q-findings")
        return Observation("{} is refused with {}; see {}", operation, request.refusal, case)
    case = UNDERSTANDING[operation]
    return Observation("the answer to {} is not understood ({}); see {}", operation, answer, case)


def is_refused_for_credentials(exchange: Exchange) -> bool:
    """Return whether the vendor itself refused a request for its credentials, whatever the client got."""
    return any(text.encode(charset) in exchange.vendor_body for text in _CREDENTIALS for charset in ("utf-8", "gbk"))


def are_credentials_refused(exchanges: Sequence[Exchange]) -> bool:
    """Return whether the vendor was asked, and refused every request for its credentials."""
    asked = [exchange for exchange in exchanges if exchange.is_executed]
    return bool(asked) and all(map(is_refused_for_credentials, asked))
