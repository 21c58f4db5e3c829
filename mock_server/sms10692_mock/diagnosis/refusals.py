"""Findings about refusals and faults: the evidence of the check that refused a request, as a finding.

**Each evidence code has a sentence in `domain.evidence`**, so that no refusal is without a finding. Some codes are
refined here, because only the context tells whether a parameter was empty, missing or misnamed, or an account was
changed since.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from sms10692 import protocol
from sms10692_mock.diagnosis.context import DiagnosisContext, Finding, is_authenticated, make_finding
from sms10692_mock.diagnosis.form_syntax import find_sent_names
from sms10692_mock.diagnosis.parameter_names import KNOWN_NAMES
from sms10692_mock.domain.evidence import REMARKS, Evidence
from sms10692_mock.domain.evidence_texts import EVIDENCE, EvidenceCode
from sms10692_mock.domain.faults import TriggeredFault

_MOBILE, _CONTENT = (name.lower() for name in protocol.SEND.parameters[:2])
_LISTED_NAMES: Final = 8

_EXPLAINED_BY_CREDENTIALS: Final = frozenset[EvidenceCode]({"credentials-empty", "credentials-wrong"})
"""Evidence that the findings about the credentials explain, if there are any."""

_FAULTS: Final = frozenset[EvidenceCode]({"fault", "fault-unlimited"})

_Refinement: TypeAlias = Callable[[DiagnosisContext, Evidence], Finding]


def refusal_findings(context: DiagnosisContext, *, is_credentials_explained: bool) -> tuple[Finding, ...]:
    """Return the finding of the check that refused the request, and one that names the profile if the rule is its own.

    It is empty without evidence; evidence of an accepted request gives a remark.
    `is_credentials_explained`: there are findings about the credentials already.
    """
    evidence = context.evidence
    if evidence is None or (is_credentials_explained and evidence.code in _EXPLAINED_BY_CREDENTIALS):
        return ()
    finding = _REFINEMENTS.get(evidence.code, _make_finding)(context, evidence)
    if not evidence.profile or not _is_rule_of_profile(context, evidence):
        return (finding,)
    keys = ", ".join(EVIDENCE[evidence.code].keys)
    return finding, make_finding("refusal.profile-rule", context.show(evidence.profile), keys)


def _is_rule_of_profile(context: DiagnosisContext, evidence: Evidence) -> bool:
    """Whether a rule in which the profile differs from the manual refused, not one that both have."""
    request = context.request
    return evidence.code != "forbidden-word" or not (request.wants_word_check or not request.endpoint.send_parameters)


def fault_findings(faults: Sequence[TriggeredFault], evidence: Evidence | None = None) -> tuple[Finding, ...]:
    """Return a finding for each fault that was triggered, except for that with which `evidence` explains a refusal."""
    explained = evidence.values[0] if evidence is not None and evidence.code in _FAULTS else None
    return tuple(
        make_finding("http.fault-unlimited", kind) if left is None else make_finding("http.fault", kind, str(left))
        for kind, left in faults
        if kind != explained
    )


def _make_finding(context: DiagnosisContext, evidence: Evidence) -> Finding:
    values = (str(value) if isinstance(value, int) else context.show(value) for value in evidence.values)
    return make_finding(f"refusal.{evidence.code}", *values)


def _refine_action(context: DiagnosisContext, evidence: Evidence) -> Finding:
    endpoint, action = context.request.endpoint, context.request.action
    words = str(evidence.values[1])  # those of the profile
    if not action.strip():
        return make_finding("refusal.action-missing", words)
    lower = action.strip().lower()
    elsewhere = [
        (operation.action, each.path)
        for each in protocol.ENDPOINTS
        for operation in each.operations
        if operation.action.lower() == lower and each.authentication is endpoint.authentication
    ]
    if elsewhere and endpoint.path not in [path for _, path in elsewhere]:
        word, paths = elsewhere[0][0], ", ".join(path for _, path in elsewhere)
        return make_finding("refusal.action-elsewhere", context.show(action), words, word, paths)
    return make_finding("refusal.action", context.show(action), words)


def _refine_credentials(context: DiagnosisContext, evidence: Evidence) -> Finding:
    """Say whether the account accepts the credentials by now, and at which endpoint."""
    endpoint, account = context.request.endpoint, context.account
    *names, last = endpoint.authentication.parameters
    is_accepted = account is not None and is_authenticated(context, account)
    code = "refusal.credentials-changed" if is_accepted else "refusal.credentials-wrong"
    return make_finding(code, ", ".join(names), last, endpoint.path)


def _refine_missing(name: str) -> _Refinement:
    def refine(context: DiagnosisContext, evidence: Evidence) -> Finding:
        if name in context.fields:
            return _make_finding(context, evidence)
        sent = find_sent_names(context)
        unknown = [context.quote(sent.get(one, one)) for one in context.fields if one not in KNOWN_NAMES]
        received = unknown or list(context.fields)
        return make_finding(f"refusal.{name}-missing", ", ".join(received[:_LISTED_NAMES]))

    return refine


def _make_remark(context: DiagnosisContext, evidence: Evidence) -> Finding:
    return make_finding(f"habit.{evidence.code}", *(context.show(str(value)) for value in evidence.values))


_REFINEMENTS: Final[Mapping[EvidenceCode, _Refinement]] = {
    **dict.fromkeys(REMARKS, _make_remark),
    "action": _refine_action,
    "credentials-wrong": _refine_credentials,
    "mobile-empty": _refine_missing(_MOBILE),
    "content-empty": _refine_missing(_CONTENT),
}
