"""Checks of userid, timestamp and sign (1.2, R2, R4, Q13, Q14)."""

from dataclasses import replace
from itertools import cycle
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import (
    BLANK,
    CREDENTIAL_NAME,
    SEND_ENDPOINT,
    SEND_ENDPOINTS,
    TIMESTAMP_AGE,
    WRONG_SIGNATURE,
    any_timestamp,
)
from sms10692_contract.expectations import expect, expect_document, expect_message, get_message
from sms10692_contract.expected import (
    CHECKKEYWORD,
    EMPTY_CREDENTIALS,
    ERRORSTATUS,
    OVERAGE_REFUSED,
    SEND_REFUSED,
    WRONG_CREDENTIALS,
)
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import CALL, GBK, STATUS, UTF8, build_form, compute_signature
from sms10692_contract.safety import INVALID_SIGN
from sms10692_contract.suite_account import build_timestamp

NOBODY: Final = "no-customer-of-any-vendor-has-this-userid"
"""A userid that no account can have."""

OPERATIONS: Final = (
    (UTF8, SEND_REFUSED, "send"),
    (GBK, SEND_REFUSED, "send"),
    (UTF8, OVERAGE_REFUSED, "overage"),
    (GBK, OVERAGE_REFUSED, "overage"),
    (UTF8, CHECKKEYWORD, "checkkeyword"),
    (GBK, CHECKKEYWORD, "checkkeyword"),
    (STATUS, ERRORSTATUS, "query"),
    (CALL, ERRORSTATUS, "query"),
)
"""Endpoint, document of a refusal and action of each operation."""


@checks("1.2-sign")
def _the_signature_is_over_account_password_timestamp(context: CheckContext) -> None:
    def check_accepted(endpoint: str, seconds: int) -> None:
        response = context.exchange(
            build_form(
                endpoint, context.create_account().build_credentials(build_timestamp(seconds)) | {"action": "overage"}
            )
        )
        expect(
            get_message(response) == "" and bool(response.get_element("overage")),
            response,
            "a signature that is accepted",
        )

    check_accepted(UTF8, 0)
    context.for_all(check_accepted, SEND_ENDPOINT, TIMESTAMP_AGE)


@checks("1.2-sign-wrong")
def _any_other_signature_is_refused(context: CheckContext) -> None:
    own, timestamp = context.own, build_timestamp(0)
    correct = compute_signature(own.account, own.password, timestamp)
    wrong_signatures = {
        "the signature in upper case": correct.upper(),
        "a signature over password + account + timestamp": compute_signature(own.password, own.account, timestamp),
        "its first 16 digits": correct[:16],
        "its first 31 digits": correct[:31],
        "the signature with one more digit": f"{correct}0",
        "a signature with the correct first 8 digits": correct[:8] + INVALID_SIGN[8:],
        "a signature with the correct last 8 digits": INVALID_SIGN[:24] + correct[24:],
        "a signature over timestamp + account + password": compute_signature(timestamp, own.account, own.password),
        "a signature over account + timestamp + password": compute_signature(own.account, timestamp, own.password),
        "a signature over account + password": compute_signature(own.account, own.password, ""),
        "a signature over another timestamp": compute_signature(own.account, own.password, build_timestamp(1)),
        "the signature over another password": compute_signature(own.account, f"{own.password}x", timestamp),
    }
    cases = zip(cycle(SEND_ENDPOINTS), wrong_signatures.items(), strict=False)
    for endpoint, (description, signature) in context.each_case(list(cases), 2):
        response = context.overage(own, endpoint, timestamp=timestamp, sign=signature)
        expect(get_message(response) == WRONG_CREDENTIALS, response, f"用户名或密码错误, because sign is {description}")

    if context.can_send:
        response = context.send(own, timestamp=timestamp, sign=correct.upper())
        expect_message(response, WRONG_CREDENTIALS)
    for fetch in (context.status, context.call) if context.can_fetch else ():
        expect_message(fetch(own, timestamp=timestamp, sign=correct.upper()), WRONG_CREDENTIALS)

    def check_changed_digit(index: int, digit: str) -> None:
        signature = correct[:index] + digit + correct[index + 1 :]
        if signature != correct:
            expect_message(context.overage(own, timestamp=timestamp, sign=signature), WRONG_CREDENTIALS)

    context.for_all_if_sandboxed(check_changed_digit, st.integers(0, 31), st.sampled_from("0123456789abcdefABCDEF"))

    def check_wrong_signature(endpoint: str, signature: str) -> None:
        expect_message(context.overage(own, endpoint, sign=signature), WRONG_CREDENTIALS)

    context.for_all_if_sandboxed(check_wrong_signature, SEND_ENDPOINT, WRONG_SIGNATURE)

    def check_partial_signature(endpoint: str, seconds: int, start: int, end: int) -> None:
        timestamp = build_timestamp(seconds)
        signature = compute_signature(own.account, own.password, timestamp)[start:end]
        expect_message(context.overage(own, endpoint, timestamp=timestamp, sign=signature), WRONG_CREDENTIALS)

    context.for_all_if_sandboxed(check_partial_signature, SEND_ENDPOINT, TIMESTAMP_AGE, st.just(0), st.integers(1, 31))
    context.for_all_if_sandboxed(check_partial_signature, SEND_ENDPOINT, TIMESTAMP_AGE, st.integers(1, 31), st.just(32))


@checks("1.2-userid")
def _another_userid_is_refused(context: CheckContext) -> None:
    own = context.create_account()  # the newest account, so that a vendor that always picks the last one fails here

    def check_refused(userid: str) -> None:
        # A vendor that treats userids as numbers may accept 012 for 12.
        if userid.lstrip("0") != own.userid.lstrip("0"):
            response = context.overage(own, userid=userid)
            status = response.get_element("returnstatus")
            expect(status == "Faild", response, f"Faild, because the signature is not of userid {userid}", repr(status))

    # At a real vendor a number could be the userid of a customer.
    check_refused(f"{own.userid}0" if context.is_sandboxed else NOBODY)
    context.for_all_if_sandboxed(check_refused, st.integers(1, 99999).map(str))


@checks("R2-userid")
def _an_unknown_userid_is_wrong(context: CheckContext) -> None:
    own = context.create_account()

    def check_refused(userid: str) -> None:
        expect_message(context.overage(own, userid=userid), WRONG_CREDENTIALS)

    for userid in (f"{own.userid}x", "no-such-userid"):
        check_refused(userid)
    context.for_all_if_sandboxed(check_refused, st.text("abcx-_", min_size=1, max_size=6))
    context.for_all_if_sandboxed(check_refused, st.integers(1, 99999).map(lambda digits: f"{own.userid}{digits}"))


@checks("R2-blank")
def _a_blank_credential_is_empty(context: CheckContext) -> None:
    for name in ("userid", "timestamp", "sign"):
        for blank in ("", " ", "\t\r\n", "\u3000"):
            response = context.exchange(
                build_form(UTF8, context.own.build_credentials() | {"action": "overage", name: blank})
            )
            expect_message(response, EMPTY_CREDENTIALS)
        other_fields = {key: value for key, value in context.own.build_credentials().items() if key != name}
        expect_message(context.exchange(build_form(UTF8, other_fields | {"action": "overage"})), EMPTY_CREDENTIALS)

    def check_empty(endpoint: str, name: str, blank: str) -> None:
        response = context.exchange(
            build_form(endpoint, context.own.build_credentials() | {"action": "overage", name: blank})
        )
        expect_message(response, EMPTY_CREDENTIALS)

    context.for_all(check_empty, SEND_ENDPOINT, CREDENTIAL_NAME, BLANK)

    def check_operation(endpoint: str, template: str, action: str, name: str, blank: str) -> None:
        # The signature is always invalid, so that no vendor can act on the request.
        fields = {"action": action, "mobile": "1", "content": "' or 1=1", "sign": INVALID_SIGN} | {name: blank}
        expect_document(
            context.post(context.own, endpoint, **fields),
            template,
            message=EMPTY_CREDENTIALS,
            error=1,
            remark=EMPTY_CREDENTIALS,
        )

    if context.is_sandboxed:
        for operation in OPERATIONS:
            context.for_all(
                check_operation, *map(st.just, operation), CREDENTIAL_NAME, BLANK, examples=context.few_examples
            )


@checks("R4")
def _the_signature_is_over_utf8_and_on_the_gbk_endpoint_over_gbk_too(context: CheckContext) -> None:
    def check_charset(endpoint: str, charset: str, timestamp: str) -> None:
        is_accepted = endpoint == GBK or charset == "utf-8" or timestamp.isascii()
        response = context.exchange(
            build_form(endpoint, context.own.build_credentials(timestamp, charset) | {"action": "overage"})
        )
        expect(
            get_message(response) == ("" if is_accepted else WRONG_CREDENTIALS),
            response,
            "accepted" if is_accepted else WRONG_CREDENTIALS,
        )

    for endpoint in (UTF8, GBK):
        for charset in ("utf-8", "gbk"):
            check_charset(endpoint, charset, "昨天")
    context.for_all(check_charset, SEND_ENDPOINT, st.sampled_from(["utf-8", "gbk"]), any_timestamp(GBK))


@checks("Q14")
def _a_chinese_account_name_is_signed_over_its_utf8_bytes(context: CheckContext) -> None:
    def check_accepted(name: str) -> None:
        account = context.create_account(account=name)
        for endpoint in (UTF8, GBK):
            response = context.overage(account, endpoint)
            expect(get_message(response) == "", response, "accepted")
            expect_message(context.overage(replace(account, account=f"{name}家"), endpoint), WRONG_CREDENTIALS)

    check_accepted("商家")
    context.for_all(check_accepted, st.text("商家客户abc", min_size=1, max_size=6), examples=context.few_examples)


@checks("Q13")
def _a_timestamp_may_be_old_or_have_another_form(context: CheckContext) -> None:
    for timestamp in ("1341155532", "1341155532123", "20120701111212", "201207012312"):
        response = context.exchange(build_form(UTF8, context.own.build_credentials(timestamp) | {"action": "overage"}))
        expect(response.get_element("returnstatus") == "Sucess", response, f"the timestamp {timestamp} accepted")


@checks("R3")
def _a_timestamp_is_any_text_over_which_the_signature_is_right(context: CheckContext) -> None:
    def check_accepted(timestamp: str, endpoint: str = UTF8) -> None:
        response = context.exchange(
            build_form(endpoint, context.own.build_credentials(timestamp) | {"action": "overage"})
        )
        expect(
            get_message(response) == "" and bool(response.get_element("overage")),
            response,
            "a timestamp that is accepted",
        )

    check_accepted("1")
    context.for_all(check_accepted, st.integers(1, 10**16).map(str))
    for endpoint in SEND_ENDPOINTS:
        context.for_all(check_accepted, any_timestamp(endpoint), st.just(endpoint))
