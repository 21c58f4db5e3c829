"""Why was this request refused, or why will it bite? Findings in words, from all that is known of one request.

Here belongs the way in. No I/O, and nothing that a request must wait for: whoever answers requests may ask later.
"""

from sms10692_mock.diagnosis.context import DiagnosisContext, Finding, Kind, PreviousFetch, is_signed
from sms10692_mock.diagnosis.messages import CODES
from sms10692_mock.diagnosis.request_style import style_findings
from sms10692_mock.diagnosis.signature import signature_findings
from sms10692_mock.diagnosis.text import text_findings

__all__ = ["CODES", "DiagnosisContext", "Finding", "Kind", "PreviousFetch", "diagnose", "is_signed", "style_findings"]


def diagnose(asked: DiagnosisContext) -> tuple[Finding, ...]:
    """What is wrong with a request, the signature first, then the text, then the habits; nothing for a right one.

    No finding holds a password of `account` or of `others`, whatever the request says.
    """
    return (*signature_findings(asked), *text_findings(asked), *style_findings(asked))
