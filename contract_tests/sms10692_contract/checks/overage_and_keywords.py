"""Checks of chapters 2 and 3: the balance and the keyword check. Credentials are in `credentials`.

These requests have no side effects, so they need no permission.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import (
    BLANK,
    CREDENTIAL_NAME,
    SEND_ENDPOINT,
    SEND_ENDPOINTS,
    TEXT,
    WRONG_SIGNATURE,
    near_misses,
)
from sms10692_contract.expectations import expect, expect_document, expect_message
from sms10692_contract.expected import (
    CHECKKEYWORD,
    EMPTY_CREDENTIALS,
    NO_WORD_FOUND,
    OVERAGE,
    OVERAGE_REFUSED,
    WORD_FOUND,
    WRONG_CREDENTIALS,
    ParsedResponse,
)
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import CHARSET, GBK, UTF8
from sms10692_contract.safety import INVALID_SIGN


@checks("2.3-found")
def _the_balance_has_the_documented_layout(context: CheckContext) -> None:
    account = context.create_account()

    def check_layout(endpoint: str, points: int) -> None:
        response = context.overage(context.create_account(points=points), endpoint)
        expect_document(response, OVERAGE, payinfo="预付费", overage=points, send_total=points)

    context.for_all_if_sandboxed(check_layout, SEND_ENDPOINT, st.integers(0, 10**9))
    for endpoint in SEND_ENDPOINTS:
        response = context.overage(account, endpoint)
        payinfo = "后付费" if response.get_element("payinfo") == "后付费" else "预付费"
        numbers = {
            name: response.get_number(element)
            for name, element in (("overage", "overage"), ("send_total", "sendTotal"))
        }
        expect_document(response, OVERAGE, payinfo=payinfo, **numbers)


@checks("2.3-payinfo")
def _payinfo_is_prepaid_or_postpaid(context: CheckContext) -> None:
    for postpaid, payinfo in ((False, "预付费"), (True, "后付费")):
        response = context.overage(context.create_account(postpaid=postpaid))
        expect(response.get_element("payinfo") == payinfo, response, f"payinfo {payinfo}")


_BLANK_CREDENTIAL: Final = st.builds(lambda name, blank: {name: blank}, CREDENTIAL_NAME, BLANK)


_WRONG_SIGN: Final = st.builds(lambda signature: {"sign": signature}, WRONG_SIGNATURE)


def _check_refusals(
    context: CheckContext,
    template: str,
    message: str,
    action: str,
    fixed_cases: Sequence[dict[str, str]],
    generated_cases: st.SearchStrategy[dict[str, str]],
) -> None:
    def check_refused(endpoint: str, invalid_fields: dict[str, str]) -> None:
        response = context.post(context.own, endpoint, **{"action": action, "content": "内容"} | invalid_fields)
        expect_document(response, template, message=message)

    for endpoint in SEND_ENDPOINTS:
        for invalid_fields in fixed_cases:
            check_refused(endpoint, invalid_fields)
    context.for_all(check_refused, SEND_ENDPOINT, generated_cases)


@checks("2.3-credentials-empty")
def _overage_without_a_signature(context: CheckContext) -> None:
    _check_refusals(context, OVERAGE_REFUSED, EMPTY_CREDENTIALS, "overage", [{"sign": ""}], _BLANK_CREDENTIAL)


@checks("2.3-credentials-wrong")
def _overage_with_a_wrong_signature(context: CheckContext) -> None:
    _check_refusals(context, OVERAGE_REFUSED, WRONG_CREDENTIALS, "overage", [{"sign": INVALID_SIGN}], _WRONG_SIGN)


@checks("3.3-forbidden")
def _a_forbidden_word_is_found_without_the_colon(context: CheckContext) -> None:
    def check_found(endpoint: str, before: str) -> None:
        response = context.checkkeyword(context.own, before + context.forbidden_word, endpoint)
        expect_document(response, CHECKKEYWORD, message=WORD_FOUND)

    for endpoint in SEND_ENDPOINTS:
        check_found(endpoint, "代开")
        context.for_all(check_found, st.just(endpoint), TEXT[endpoint])


@checks("3.3-nothing-forbidden")
def _no_forbidden_word_is_found(context: CheckContext) -> None:
    def check_not_found(endpoint: str, content: str) -> None:
        expect_document(context.checkkeyword(context.own, content, endpoint), CHECKKEYWORD, message=NO_WORD_FOUND)

    for endpoint in SEND_ENDPOINTS:
        check_not_found(endpoint, "内容")
    context.for_all(check_not_found, SEND_ENDPOINT, st.text("内容通知1a 。", max_size=70))


@checks("3.3-credentials-empty")
def _checkkeyword_without_a_signature(context: CheckContext) -> None:
    _check_refusals(context, CHECKKEYWORD, EMPTY_CREDENTIALS, "checkkeyword", [{"sign": ""}], _BLANK_CREDENTIAL)


@checks("3.3-credentials-wrong")
def _checkkeyword_with_a_wrong_signature(context: CheckContext) -> None:
    _check_refusals(context, CHECKKEYWORD, WRONG_CREDENTIALS, "checkkeyword", [{"sign": INVALID_SIGN}], _WRONG_SIGN)


@checks("3.2-content")
def _a_word_is_found_anywhere_in_a_text(context: CheckContext) -> None:
    for endpoint in SEND_ENDPOINTS:

        def check_found(before: str, after: str, endpoint: str = endpoint) -> None:
            expect_message(
                context.checkkeyword(context.own, before + context.forbidden_word + after, endpoint), WORD_FOUND
            )

        context.for_all(check_found, TEXT[endpoint], TEXT[endpoint])
        for content in (
            "你好，我不需要",
            context.forbidden_word[:1],
            " ".join(context.forbidden_word),
            context.forbidden_word[::-1],
        ):
            text = content.encode(CHARSET[endpoint]).decode(CHARSET[endpoint])
            if context.forbidden_word not in text:
                expect_message(context.checkkeyword(context.own, text, endpoint), NO_WORD_FOUND)

    def check_not_found(endpoint: str, content: str) -> None:
        text = content.encode(CHARSET[endpoint], "ignore").decode(CHARSET[endpoint])
        expect_message(context.checkkeyword(context.own, text, endpoint), NO_WORD_FOUND)

    if len(context.forbidden_word) > 1:
        context.for_all(check_not_found, SEND_ENDPOINT, near_misses(context.forbidden_word))


@checks("R8-empty")
def _an_empty_text_contains_no_forbidden_word(context: CheckContext) -> None:
    def check_not_found(endpoint: str, blank: str) -> None:
        expect_message(context.checkkeyword(context.own, blank, endpoint), NO_WORD_FOUND)

    check_not_found(UTF8, "")
    context.for_all(check_not_found, SEND_ENDPOINT, BLANK)


def _send_harmless_requests(context: CheckContext) -> Iterator[tuple[ParsedResponse, str]]:
    """Send every kind of request that has no effect and is permitted.

    Yields each response with the charset name of its endpoint.
    """
    for endpoint, label in ((UTF8, "utf-8"), (GBK, "gb2312")):
        responses = [context.overage(context.own, endpoint), context.overage(context.own, endpoint, sign=INVALID_SIGN)]
        responses += [
            context.checkkeyword(context.own, context.forbidden_word, endpoint),
            context.overage(context.own, endpoint, sign=""),
        ]
        if not context.guard.find_missing_permission(["send"]):
            responses += [
                context.send(context.own, endpoint=endpoint, sign=INVALID_SIGN),
                context.send(context.own, endpoint=endpoint, sign=""),
            ]
        yield from ((response, label) for response in responses)
    if not context.guard.find_missing_permission(["fetch"]):
        for response in (
            context.status(context.own, sign=""),
            context.status(context.own, sign=INVALID_SIGN),
            context.call(context.own, sign=INVALID_SIGN),
        ):
            yield response, "utf-8"


@checks("A7")
def _every_response_is_http_200(context: CheckContext) -> None:
    for response, _ in _send_harmless_requests(context):
        expect(response.raw.status == 200, response, "HTTP 200", f"HTTP {response.raw.status}")


@checks("R17-type")
def _every_xml_response_has_its_content_type_and_charset(context: CheckContext) -> None:
    for response, label in _send_harmless_requests(context):
        expected, actual = f"text/xml; charset={label}", response.raw.content_type.lower()
        expect(actual == expected, response, expected, actual)
