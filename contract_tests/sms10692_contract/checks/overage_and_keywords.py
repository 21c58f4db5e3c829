"""Checks of chapters 2 and 3: the balance and the keyword check. Credentials are in `credentials`.

These requests have no side effects, so they need no permission.
"""

from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import (
    BLANK,
    SEND_ENDPOINT,
    SEND_ENDPOINTS,
    TEXT,
    WRONG_SIGNATURE,
    near_misses,
)
from sms10692_contract.expectations import expect, expect_document, expect_keyword
from sms10692_contract.expected import (
    ANY_VALUE,
    CHECKKEYWORD,
    EMPTY_CREDENTIALS,
    NO_WORD_FOUND,
    NUMBER_PATTERN,
    OVERAGE,
    OVERAGE_REFUSED,
    WORD_FOUND,
    WRONG_CREDENTIALS,
)
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import CHARSET, UTF8
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
        expect_document(response, OVERAGE, payinfo=payinfo, overage=ANY_VALUE, send_total=ANY_VALUE)
        for name in ("overage", "sendTotal"):
            text = response.get_element(name)
            expect(bool(NUMBER_PATTERN.fullmatch(text)), response, f"a number in {name}", repr(text))


@checks("2.3-payinfo")
def _payinfo_is_prepaid_or_postpaid(context: CheckContext) -> None:
    for postpaid, payinfo in ((False, "预付费"), (True, "后付费")):
        response = context.overage(context.create_account(postpaid=postpaid))
        expect(response.get_element("payinfo") == payinfo, response, f"payinfo {payinfo}")


EMPTY: Final = {"userid": "", "sign": ""}
"""Fields that every vendor takes for empty credentials. One empty credential, or a blank one, is R2."""

WRONG: Final = {"sign": INVALID_SIGN}
"""Fields that every vendor takes for wrong credentials."""


def _check_refusals(
    context: CheckContext, template: str, action: str, message: str, invalid_fields: dict[str, str]
) -> None:
    """Expect a refusal at both endpoints.

    Without a sandbox a wrong signature is tried at one endpoint, and overage and checkkeyword try it at different ones.
    """

    def check_refused(endpoint: str, fields: dict[str, str]) -> None:
        response = context.post(context.own, endpoint, **{"action": action, "content": "内容"} | fields)
        expect_document(response, template, message=message)

    endpoints = SEND_ENDPOINTS if action == "overage" else SEND_ENDPOINTS[::-1]
    for endpoint in context.each_case(endpoints, 1 if invalid_fields == WRONG else None):
        check_refused(endpoint, invalid_fields)
    if invalid_fields == WRONG:
        context.for_all_if_sandboxed(
            lambda endpoint, signature: check_refused(endpoint, {"sign": signature}), SEND_ENDPOINT, WRONG_SIGNATURE
        )


@checks("2.3-credentials-empty")
def _overage_without_credentials(context: CheckContext) -> None:
    _check_refusals(context, OVERAGE_REFUSED, "overage", EMPTY_CREDENTIALS, EMPTY)


@checks("2.3-credentials-wrong")
def _overage_with_a_wrong_signature(context: CheckContext) -> None:
    _check_refusals(context, OVERAGE_REFUSED, "overage", WRONG_CREDENTIALS, WRONG)


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
    context.for_all(check_not_found, SEND_ENDPOINT, st.text("内容通知1a 。", max_size=70).map("内{}".format))


@checks("3.3-credentials-empty")
def _checkkeyword_without_credentials(context: CheckContext) -> None:
    _check_refusals(context, CHECKKEYWORD, "checkkeyword", EMPTY_CREDENTIALS, EMPTY)


@checks("3.3-credentials-wrong")
def _checkkeyword_with_a_wrong_signature(context: CheckContext) -> None:
    _check_refusals(context, CHECKKEYWORD, "checkkeyword", WRONG_CREDENTIALS, WRONG)


@checks("3.2-content")
def _a_word_is_found_at_any_place_of_a_text(context: CheckContext) -> None:
    word, filler = context.forbidden_word, "您好，这是一条普通的通知短信，请注意查收。"
    cases = (
        filler + word + filler,
        word + filler * 5,
        filler * 5 + word,
        filler * 5,
        filler * 30 + word + filler * 30,
        word,
    )
    for text in context.each_case(cases):
        expect_keyword(context.checkkeyword(context.own, text), is_found=word in text)


@checks("R8-word")
def _a_word_is_a_substring_of_any_text(context: CheckContext) -> None:
    for endpoint in SEND_ENDPOINTS:

        def check_found(before: str, after: str, endpoint: str = endpoint) -> None:
            expect_keyword(
                context.checkkeyword(context.own, before + context.forbidden_word + after, endpoint), is_found=True
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
                expect_keyword(context.checkkeyword(context.own, text, endpoint), is_found=False)

    def check_not_found(endpoint: str, content: str) -> None:
        text = content.encode(CHARSET[endpoint], "ignore").decode(CHARSET[endpoint])
        expect_keyword(context.checkkeyword(context.own, text, endpoint), is_found=False)

    if len(context.forbidden_word) > 1:
        context.for_all(check_not_found, SEND_ENDPOINT, near_misses(context.forbidden_word))


@checks("R8-empty")
def _an_empty_text_contains_no_forbidden_word(context: CheckContext) -> None:
    def check_not_found(endpoint: str, blank: str) -> None:
        expect_keyword(context.checkkeyword(context.own, blank, endpoint), is_found=False)

    check_not_found(UTF8, "")
    context.for_all(check_not_found, SEND_ENDPOINT, BLANK)
