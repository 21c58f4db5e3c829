"""Reader of pasted requests that also checks the head of raw HTTP, with the parser of the server."""

from sms10692_mock.diagnosis.pasted import PastedRequest, parse_pasted
from sms10692_mock.diagnosis.rejection import rejection_findings
from sms10692_mock.domain.records import LoggedRequest
from sms10692_mock.server.bad_request import BadRequest
from sms10692_mock.server.http1_head import parse_head


def read_pasted(text: str) -> PastedRequest:
    """Parse a request in any of the known forms, and add the mistake in its head as a problem. Raises NotARequest."""
    pasted = parse_pasted(text)
    if not pasted.head:
        return pasted
    try:
        parse_head(pasted.head)
    except BadRequest as error:
        found = [(finding.code, *finding.values) for finding in rejection_findings(_build_entry(pasted.head, error))]
        codes = {code for code, *_ in found}
        return pasted._replace(problems=(*found, *(one for one in pasted.problems if one[0] not in codes)))
    return pasted


def _build_entry(head: bytes, error: BadRequest) -> LoggedRequest:
    """Build the entry that the request log would have."""
    return LoggedRequest(
        *(0, 0.0, 0.0, 0.0, "", "", b"", (), head, "", "", "", None, error.status, "", str(error).encode()),
        rejection=error.cause,
    )
