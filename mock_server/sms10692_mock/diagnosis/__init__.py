"""Why was this request refused, or why will it bite? Findings in words, from all that is known of one request.

Here belongs the way in. No I/O, and nothing that a request must wait for: whoever answers requests may ask later.
"""

from sms10692_mock.diagnosis.context import Asked, Fetch, Finding, Kind, is_signed
from sms10692_mock.diagnosis.messages import CODES
from sms10692_mock.diagnosis.request_style import habit_findings
from sms10692_mock.diagnosis.signature import signature_findings
from sms10692_mock.diagnosis.text import text_findings

__all__ = ["CODES", "Asked", "Fetch", "Finding", "Kind", "diagnose", "habit_findings", "is_signed"]


def diagnose(asked: Asked) -> tuple[Finding, ...]:
    """What is wrong with a request, the signature first, then the text, then the habits; nothing for a right one.

    No finding holds a password of `account` or of `others`, whatever the request says.
    """
    return (*signature_findings(asked), *text_findings(asked), *habit_findings(asked))
