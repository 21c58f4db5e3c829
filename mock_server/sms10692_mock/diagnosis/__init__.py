"""Diagnosis of one vendor request: why it was refused, or why it will cause trouble at the real vendor.

The entry point is `diagnose`. The package does no I/O. A diagnosis of a wrong signature tries thousands of digests and
takes many milliseconds: run it after the response was sent.
"""

from collections.abc import Callable, Mapping
from typing import Final

from sms10692 import protocol
from sms10692.protocol import Authentication
from sms10692_mock.diagnosis.context import DiagnosisContext, Finding, Kind, PreviousFetch, is_authenticated
from sms10692_mock.diagnosis.messages import CODES
from sms10692_mock.diagnosis.password import password_findings
from sms10692_mock.diagnosis.refusals import fault_findings, refusal_findings
from sms10692_mock.diagnosis.request_style import EXPLAINING_CODES, drop_repeated_names, style_findings
from sms10692_mock.diagnosis.signature import signature_findings
from sms10692_mock.diagnosis.text import text_findings

__all__ = [
    "CODES",
    "DiagnosisContext",
    "Finding",
    "Kind",
    "PreviousFetch",
    "diagnose",
    "is_authenticated",
    "style_findings",
]

_CREDENTIALS_FINDINGS: Final[Mapping[Authentication, Callable[[DiagnosisContext], tuple[Finding, ...]]]] = {
    protocol.SIGNED: signature_findings,
    protocol.PASSWORD: password_findings,
}
"""For each authentication, the function that explains wrong credentials, if there is more to say than that."""


def diagnose(context: DiagnosisContext) -> tuple[Finding, ...]:
    """Return all findings: why a request was refused, its faults, then credentials, text and request-style warnings.

    A finding that explains why parameters are missing or wrong comes before all others. The result is empty for a
    correct request. **No finding contains a password of `context.account` or of `context.others`.**
    """
    explain = _CREDENTIALS_FINDINGS.get(context.request.endpoint.authentication)
    credentials = explain(context) if explain and not context.were_credentials_right else ()
    refusal = refusal_findings(context, is_credentials_explained=bool(credentials))
    faults = fault_findings(context.faults, context.evidence)
    findings = drop_repeated_names((*refusal, *faults, *credentials, *text_findings(context), *style_findings(context)))
    return tuple(sorted(findings, key=lambda finding: finding.code not in EXPLAINING_CODES))
