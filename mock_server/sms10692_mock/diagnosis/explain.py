"""Explanation of a request that was not sent: what the vendor would refuse, and every other finding.

Nothing is stored, no queue is read and no point is charged.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

from sms10692 import protocol, signing
from sms10692.protocol import Operation
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import parse_fields
from sms10692_mock.diagnosis import diagnose
from sms10692_mock.diagnosis.context import REDACTED, DiagnosisContext, Finding, is_authenticated, make_finding
from sms10692_mock.diagnosis.password import UNKNOWN_USERID
from sms10692_mock.diagnosis.pasted import PastedRequest
from sms10692_mock.diagnosis.refusals import refusal_findings
from sms10692_mock.diagnosis.rejection import explain_unknown_path, find_joined_parameters
from sms10692_mock.diagnosis.request_style import EXPLAINING_CODES
from sms10692_mock.diagnosis.signature import find_signed_text
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ALLOWED_METHODS, ApiRequest, match_endpoint, parse_request
from sms10692_mock.domain.billing import PRICINGS
from sms10692_mock.domain.delivery import RESERVED_NUMBERS
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.evidence_texts import EVIDENCE
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.profiles import MANUAL, Profile, apply_profile
from sms10692_mock.domain.results import Refusal
from sms10692_mock.domain.validation import (
    ValidationContext,
    build_refusal,
    find_refusal,
    find_unchecked_word,
    get_rules,
)


class ExpectedSignature(NamedTuple):
    """The text that should have been signed, with the password masked, and its MD5.

    `received_text` is the text that was signed in its place, masked too; empty if it is not known.
    """

    signed_text: str
    md5: str
    received_text: str


class Explanation(NamedTuple):
    """What is known about a request without sending it.

    `refusal` is the message with which the vendor would refuse it, or empty. `is_signature_checked` is False if no
    account with the request's userid is known: then whether the signature is right is unknown. `expected` is None
    unless the signature is wrong. `profile` is the name of the profile whose rules count.
    """

    method: str
    path: str
    operation: Operation | None
    refusal: str
    findings: Sequence[Finding]
    is_signature_checked: bool
    expected: ExpectedSignature | None
    profile: str = ""


def explain(
    pasted: PastedRequest,
    find_account: Callable[[str], Account | None],
    others: Sequence[Account],
    keywords: Keywords,
    clock: Callable[[Account | None], float],
    *,
    profile_of: Callable[[Account | None], Profile] = lambda account: MANUAL,
    get_points: Callable[[Account], int] | None = None,
) -> Explanation:
    """Explain a request as the vendor would process it now.

    `find_account` returns the account with a userid. `others` are accounts to compare a wrong signature with; if there
    are none, a userid without an account is no mistake. `clock` returns the time on the clock of an account,
    `profile_of` its profile, and `get_points` its balance; without it the balance is not checked.
    """
    problems = tuple(make_finding(code, *values) for code, *values in pasted.problems)
    if pasted.method not in ALLOWED_METHODS:
        problems += (make_finding("http.method", ascii(pasted.method[:16])[1:-1]),)
    endpoint = match_endpoint(pasted.path)
    if endpoint is None:
        unknown = (*problems, explain_unknown_path(pasted.path))
        joined = find_joined_parameters(pasted.path)
        if joined is None:
            return Explanation(pasted.method, pasted.path, None, "", unknown, False, None)
        path, query = joined
        repaired = pasted._replace(path=path, query=quote(query, "%&=+").encode(), problems=())
        rest = explain(repaired, find_account, others, keywords, clock, profile_of=profile_of, get_points=get_points)
        return rest._replace(refusal="", findings=(*unknown, *rest.findings))
    content_type = next((value for name, value in pasted.headers if name.lower() == "content-type"), "")
    fields = parse_fields(pasted.query, content_type, pasted.body, DECODERS[endpoint.charset])
    request = parse_request(endpoint, fields)
    account = find_account(request.userid)
    now, profile, are_known = clock(account), profile_of(account), bool(others) or account is not None
    request = apply_profile(request, profile)
    # Without any known account, credentials count as right.
    validation = ValidationContext(request, account, keywords, now, profile)
    refusal = find_refusal(validation, () if are_known else ("credentials-wrong",)) or _find_reserved(request, profile)
    if refusal is None and account is not None and not account.postpaid and get_points is not None:
        refusal = _check_balance(request, profile, get_points(account))
    context = DiagnosisContext(
        method=pasted.method,
        query=pasted.query,
        content_type=content_type,
        body=pasted.body,
        fields=fields,
        request=request,
        account=account,
        others=others,
        now=now,
        evidence=refusal.evidence if refusal else find_unchecked_word(validation),
        headers=pasted.headers,
    )
    findings = diagnose(context)
    if not are_known:  # then every userid looks unknown
        findings = tuple(finding for finding in findings if finding.code not in UNKNOWN_USERID)
    return Explanation(
        pasted.method,
        endpoint.path,
        request.operation,
        refusal.message if refusal else "",
        sorted(
            (*problems, *findings, *_find_further(context, findings, validation)),
            key=lambda finding: finding.kind == "habit" and finding in problems,
        ),
        account is not None,
        expected_signature(context),
        profile.name,
    )


def _find_further(
    context: DiagnosisContext, findings: Sequence[Finding], validation: ValidationContext
) -> Iterator[Finding]:
    """Yield what else the vendor would refuse if the first mistake were mended: the rules that do not depend on it."""
    if context.evidence is None or any(finding.code in EXPLAINING_CODES for finding in findings):
        return
    found = {context.evidence.code, *_OF_CREDENTIALS}
    checked = (
        validation,
        validation._replace(request=validation.request._replace(extno="")),
    )  # the rule sees one of two
    for each in checked:
        for _, check in get_rules(each.request.operation, each.profile):
            evidence = check(each)
            if evidence is not None and evidence.code not in found:
                found.add(evidence.code)
                yield from refusal_findings(context._replace(evidence=evidence), is_credentials_explained=False)


_OF_CREDENTIALS: Final = frozenset(code for code in EVIDENCE if code.startswith(("credentials-", "timestamp-")))


def _find_reserved(request: ApiRequest, profile: Profile) -> Refusal | None:
    if request.operation is protocol.SEND:
        for number in map(str.strip, request.mobile.split(",")):
            outcome = RESERVED_NUMBERS.get(number)
            if outcome is not None and outcome.refusal is not None:
                return build_refusal(outcome.refusal, Evidence("reserved-number", (number,)), profile)
    return None


def _check_balance(request: ApiRequest, profile: Profile, points: int) -> Refusal | None:
    count, price = request.count_numbers(), PRICINGS[profile.billing](request.content)
    if request.operation is not protocol.SEND or price * count <= points:
        return None
    return build_refusal(
        protocol.BALANCE_TOO_SMALL, Evidence("balance", (price * count, count, price, points)), profile
    )


def expected_signature(context: DiagnosisContext) -> ExpectedSignature | None:
    """Return what the account should have signed, or None if the signature is right or the account unknown.

    **Show it only to the owner of the emulator**: a signature is valid for every action.
    """
    account, authentication = context.account, context.request.endpoint.authentication
    if account is None or authentication is not protocol.SIGNED or is_authenticated(context, account):
        return None
    timestamp = context.request.credentials[1]
    if not timestamp.strip():
        return None
    try:
        md5 = signing.sign(account.account, account.password, timestamp)
    except UnicodeEncodeError:
        return None
    signed_text = context.show(f"{account.account}{REDACTED}{timestamp}")
    return ExpectedSignature(signed_text, md5, find_signed_text(context))
