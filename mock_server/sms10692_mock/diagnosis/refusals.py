"""Findings about refusals: the evidence of the check that refused a request, as a finding.

**Each evidence code has a message `refusal.…`**, so that no refusal is without a finding. Two codes are refined here,
because only the received fields tell whether a parameter was empty, missing or misnamed.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from sms10692 import protocol
from sms10692_mock.diagnosis.context import DiagnosisContext, Finding, make_finding
from sms10692_mock.domain.evidence import Evidence, EvidenceCode

_MOBILE, _CONTENT = (name.lower() for name in protocol.SEND.parameters[:2])
_LISTED_NAMES: Final = 8

_EXPLAINED_BY_CREDENTIALS: Final = frozenset[EvidenceCode]({"credentials-empty", "credentials-wrong"})
"""Evidence that the findings about the credentials explain, if there are any."""

_Refinement: TypeAlias = Callable[[DiagnosisContext, Evidence], Finding]


def refusal_findings(context: DiagnosisContext, *, is_credentials_explained: bool) -> tuple[Finding, ...]:
    """Return the finding of the check that refused the request; empty if the request was not refused.

    `is_credentials_explained`: there are findings about the credentials already.
    """
    evidence = context.evidence
    if evidence is None or (is_credentials_explained and evidence.code in _EXPLAINED_BY_CREDENTIALS):
        return ()
    refine = _REFINEMENTS.get(evidence.code, _make_finding)
    return (refine(context, evidence),)


def _make_finding(context: DiagnosisContext, evidence: Evidence) -> Finding:
    values = (str(value) if isinstance(value, int) else context.show(value) for value in evidence.values)
    return make_finding(f"refusal.{evidence.code}", *values)


def _refine_action(context: DiagnosisContext, evidence: Evidence) -> Finding:
    endpoint, action = context.request.endpoint, context.request.action
    words = ", ".join(operation.action for operation in endpoint.operations)
    if not action.strip():
        return make_finding("refusal.action-missing", words)
    return make_finding("refusal.action", context.show(action), words)


def _refine_missing(name: str) -> _Refinement:
    def refine(context: DiagnosisContext, evidence: Evidence) -> Finding:
        if name in context.fields:
            return _make_finding(context, evidence)
        received = [context.quote(one) for one in context.fields if one not in _KNOWN_NAMES] or list(context.fields)
        return make_finding(f"refusal.{name}-missing", ", ".join(received[:_LISTED_NAMES]))

    return refine


_KNOWN_NAMES: Final = frozenset(name.lower() for name in (*protocol.SIGNED.parameters, *protocol.SEND.parameters))

_REFINEMENTS: Final[Mapping[EvidenceCode, _Refinement]] = {
    "action": _refine_action,
    "mobile-empty": _refine_missing(_MOBILE),
    "content-empty": _refine_missing(_CONTENT),
}
