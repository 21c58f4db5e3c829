"""Checks of the order in which a request is validated (R1): the first mistake decides the message."""

from collections.abc import Mapping

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import (
    SEND_ENDPOINT,
)
from sms10692_contract.expectations import expect_message
from sms10692_contract.expected import (
    EMPTY_CONTENT,
    EMPTY_CREDENTIALS,
    EMPTY_MOBILE,
    FORBIDDEN_CONTENT,
    INSUFFICIENT_BALANCE,
    INVALID_PARAMETER,
    OTHER_ERROR,
    QUEUES_DENIED,
    SQL_INJECTION,
    WRONG_CREDENTIALS,
)
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import CALL, GBK, STATUS, UTF8, build_form
from sms10692_contract.safety import INVALID_SIGN


@checks("R1-send")
def _a_send_is_checked_in_this_order(context: CheckContext) -> None:
    """Start with every mistake in one send, and correct the reported mistake step by step."""
    account = context.create_account(points=0)
    credentials = account.build_credentials()
    for endpoint in (UTF8, GBK):
        request_fields = credentials | {
            "action": "send",
            "sign": "",
            "content": f"' or {context.forbidden_word}",
            "mobile": ",",
            "extno": "x",
        }
        steps: tuple[tuple[str, dict[str, str]], ...] = (
            (EMPTY_CREDENTIALS, {"sign": INVALID_SIGN}),
            (SQL_INJECTION, {"content": ""}),
            (WRONG_CREDENTIALS, {"sign": credentials["sign"]}),
            (EMPTY_MOBILE, {"mobile": "15023239810"}),
            (EMPTY_CONTENT, {"content": context.forbidden_word}),
            (FORBIDDEN_CONTENT, {"content": "内容"}),
            (OTHER_ERROR, {"extno": ""}),
            (INSUFFICIENT_BALANCE, {}),
        )
        for message, correction in steps:
            expect_message(context.exchange(build_form(endpoint, request_fields)), message)
            request_fields |= correction

    def check_first_mistake(endpoint: str, injected: bool, mistakes: Mapping[str, bool]) -> None:
        """A send with any combination of mistakes is refused for the first of them."""
        content = "' or 1=1" if injected else " "
        content += context.forbidden_word if mistakes[FORBIDDEN_CONTENT] else "" if mistakes[EMPTY_CONTENT] else "内容"
        fields = credentials | {"action": "send", "mobile": "15023239810", "content": content}
        fields |= {"sign": INVALID_SIGN} if mistakes[WRONG_CREDENTIALS] else {}
        fields |= {"timestamp": ""} if mistakes[EMPTY_CREDENTIALS] else {}
        fields |= {"mobile": ","} if mistakes[EMPTY_MOBILE] else {}
        fields |= {"extno": "x"} if mistakes[OTHER_ERROR] else {}
        present = {**mistakes, SQL_INJECTION: injected, INSUFFICIENT_BALANCE: True}
        present[EMPTY_CONTENT] = not content.strip()
        order = (
            EMPTY_CREDENTIALS,
            SQL_INJECTION,
            WRONG_CREDENTIALS,
            EMPTY_MOBILE,
            EMPTY_CONTENT,
            FORBIDDEN_CONTENT,
            OTHER_ERROR,
            INSUFFICIENT_BALANCE,
        )
        expect_message(
            context.exchange(build_form(endpoint, fields)), next(message for message in order if present[message])
        )

    mistake_flags = st.fixed_dictionaries(
        {
            message: st.booleans()
            for message in (
                EMPTY_CREDENTIALS,
                WRONG_CREDENTIALS,
                EMPTY_MOBILE,
                EMPTY_CONTENT,
                FORBIDDEN_CONTENT,
                OTHER_ERROR,
            )
        }
    )
    context.for_all(check_first_mistake, SEND_ENDPOINT, st.booleans(), mistake_flags)


@checks("R1-queues")
def _the_queues_are_checked_in_this_order(context: CheckContext) -> None:
    denied, allowed = context.create_account(can_read_queues=False), context.create_account()
    for endpoint in (STATUS, CALL):
        expect_message(context.post(denied, endpoint, action="x", sign=""), EMPTY_CREDENTIALS)
        expect_message(context.post(denied, endpoint, action="x", sign=INVALID_SIGN), WRONG_CREDENTIALS)
        expect_message(context.post(denied, endpoint, action="x", statusNum="0"), QUEUES_DENIED)
        expect_message(context.post(allowed, endpoint, action="x"), INVALID_PARAMETER)

    def check_first_mistake(endpoint: str, has_empty_credentials: bool, has_wrong_sign: bool, is_denied: bool) -> None:
        fields = (
            {"action": "x"}
            | ({"sign": INVALID_SIGN} if has_wrong_sign else {})
            | ({"timestamp": ""} if has_empty_credentials else {})
        )
        order = (
            (has_empty_credentials, EMPTY_CREDENTIALS),
            (has_wrong_sign, WRONG_CREDENTIALS),
            (is_denied, QUEUES_DENIED),
            (True, INVALID_PARAMETER),
        )
        response = context.post(denied if is_denied else allowed, endpoint, **fields)
        expect_message(response, next(message for applies, message in order if applies))

    context.for_all(check_first_mistake, st.sampled_from([STATUS, CALL]), st.booleans(), st.booleans(), st.booleans())
