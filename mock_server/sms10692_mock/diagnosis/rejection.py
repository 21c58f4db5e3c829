"""Findings about requests that did not reach the vendor: invalid HTTP, broken bodies, methods, other sites."""

from typing import Final

from sms10692_mock.diagnosis.context import Finding, make_finding
from sms10692_mock.diagnosis.messages import MESSAGES
from sms10692_mock.domain.records import LoggedRequest

_EXCERPT: Final = 24
"""Bytes of an invalid request that a finding shows: a phone number or signature rarely begins so early."""


def rejection_findings(entry: LoggedRequest) -> tuple[Finding, ...]:
    """Return the cause for which a request did not reach the vendor; empty if the request did."""
    code = f"http.{entry.rejection}"
    if code not in MESSAGES:
        return ()
    value = ascii(entry.body[:_EXCERPT].decode("latin-1"))[1:-1] if not entry.method else _describe_body(entry)
    return (make_finding(code, value),)


def _describe_body(entry: LoggedRequest) -> str:
    """Return the method, or of an incomplete body the number of bytes received and declared."""
    if not entry.rejection.startswith("body-"):
        return entry.method
    lengths = (value for name, value in entry.headers if name.lower() == "content-length")
    return f"{len(entry.body)} / {next(lengths, '?')}"
