"""Checks of chapters 2 and 3: the balance and the keyword check. Includes the signature (1.2).

These requests have no side effects, so they need no permission.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import (
    BLANKS,
    CREDENTIAL,
    NO_SIGNATURE,
    PAGE,
    PAGES,
    RECENT,
    TEXT,
    near_misses,
)
from sms10692_contract.expectations import expect, expect_document, expect_message, get_message
from sms10692_contract.expected import (
    CHECKKEYWORD,
    EMPTY,
    FOUND,
    NOT_FOUND,
    OVERAGE,
    OVERAGE_REFUSED,
    WRONG,
    ParsedResponse,
)
from sms10692_contract.harness import CheckContext, current_timestamp
from sms10692_contract.requests import CHARSET, GBK, UTF8, form, sign
from sms10692_contract.safety import INVALID_SIGN


@checks("1.2-sign")
def _the_signature_is_over_account_password_timestamp(context: CheckContext) -> None:
    def signed(page: str, seconds: int) -> None:
        response = context.exchange(
            form(page, context.account().credentials(current_timestamp(seconds)) | {"action": "overage"})
        )
        expect(
            get_message(response) == "" and bool(response.element("overage")), response, "a signature that is accepted"
        )

    signed(UTF8, 0)
    context.for_all(signed, PAGE, RECENT)


@checks("1.2-sign-wrong")
def _any_other_signature_is_refused(context: CheckContext) -> None:
    own, stamp = context.own, current_timestamp(0)
    right = sign(own.account, own.password, stamp)
    others = {
        "the signature in upper case": right.upper(),
        "the first 16 digits of it": right[:16],
        "the first 31 digits of it": right[:31],
        "the signature and a digit more": f"{right}0",
        "a signature that begins alike": right[:8] + INVALID_SIGN[8:],
        "a signature that ends alike": INVALID_SIGN[:24] + right[24:],
        "a signature over password + account + timestamp": sign(own.password, own.account, stamp),
        "a signature over timestamp + account + password": sign(stamp, own.account, own.password),
        "a signature over account + timestamp + password": sign(own.account, stamp, own.password),
        "a signature over account + password": sign(own.account, own.password, ""),
        "a signature over another timestamp": sign(own.account, own.password, current_timestamp(1)),
        "the signature over another password": sign(own.account, f"{own.password}x", stamp),
    }
    for description, signature in others.items():
        response = context.overage(own, timestamp=stamp, sign=signature)
        expect(get_message(response) == WRONG, response, f"用户名或密码错误, because sign is {description}")

    def changed(index: int, digit: str) -> None:
        signature = right[:index] + digit + right[index + 1 :]
        if signature != right:
            expect_message(context.overage(own, timestamp=stamp, sign=signature), WRONG)

    context.for_all(changed, st.integers(0, 31), st.sampled_from("0123456789abcdefABCDEF"))

    def other(page: str, signature: str) -> None:
        expect_message(context.overage(own, page, sign=signature), WRONG)

    context.for_all(other, PAGE, NO_SIGNATURE)

    def part(page: str, seconds: int, start: int, end: int) -> None:
        timestamp = current_timestamp(seconds)
        signature = sign(own.account, own.password, timestamp)[start:end]
        expect_message(context.overage(own, page, timestamp=timestamp, sign=signature), WRONG)

    context.for_all(part, PAGE, RECENT, st.just(0), st.integers(1, 31))
    context.for_all(part, PAGE, RECENT, st.integers(1, 31), st.just(32))


@checks("1.2-userid")
def _another_userid_is_refused(context: CheckContext) -> None:
    own = context.account()  # the newest account, so that a vendor that always picks the last one fails here

    def check_refused(userid: str) -> None:
        # A vendor that treats userids as numbers may accept 012 for 12.
        if userid.lstrip("0") != own.userid.lstrip("0"):
            expect_message(context.overage(own, userid=userid), WRONG)

    for userid in (f"{own.userid}0", f"{own.userid}x", "no-such-userid"):
        check_refused(userid)
    context.for_all(check_refused, st.integers(1, 99999).map(str) | st.text("abcx-_0", min_size=1, max_size=6))


@checks("2.3-found")
def _the_balance_has_the_documented_layout(context: CheckContext) -> None:
    account = context.account()

    def known(page: str, points: int) -> None:
        response = context.overage(context.account(points=points), page)
        expect_document(response, OVERAGE, payinfo="预付费", overage=points, send_total=points)

    context.for_all_if_sandboxed(known, PAGE, st.integers(0, 10**9))
    for page in PAGES:
        response = context.overage(account, page)
        payinfo = "后付费" if response.element("payinfo") == "后付费" else "预付费"
        found = {
            name: response.number(element) for name, element in (("overage", "overage"), ("send_total", "sendTotal"))
        }
        expect_document(response, OVERAGE, payinfo=payinfo, **found)


@checks("2.3-payinfo")
def _payinfo_is_prepaid_or_postpaid(context: CheckContext) -> None:
    for postpaid, payinfo in ((False, "预付费"), (True, "后付费")):
        response = context.overage(context.account(postpaid=postpaid))
        expect(response.element("payinfo") == payinfo, response, f"payinfo {payinfo}")


_BLANK: Final = st.builds(lambda name, blank: {name: blank}, CREDENTIAL, BLANKS)
_UNSIGNED: Final = st.builds(lambda signature: {"sign": signature}, NO_SIGNATURE)


def _check_refusals(
    context: CheckContext,
    template: str,
    message: str,
    action: str,
    first: Sequence[dict[str, str]],
    others: st.SearchStrategy[dict[str, str]],
) -> None:
    def check_refused(page: str, wrong: dict[str, str]) -> None:
        response = context.post(context.own, page, **{"action": action, "content": "内容"} | wrong)
        expect_document(response, template, message=message)

    for page in PAGES:
        for wrong in first:
            check_refused(page, wrong)
    context.for_all(check_refused, PAGE, others)


@checks("2.3-credentials-empty")
def _overage_without_a_signature(context: CheckContext) -> None:
    _check_refusals(context, OVERAGE_REFUSED, EMPTY, "overage", [{"sign": ""}], _BLANK)


@checks("2.3-credentials-wrong")
def _overage_with_a_wrong_signature(context: CheckContext) -> None:
    _check_refusals(context, OVERAGE_REFUSED, WRONG, "overage", [{"sign": INVALID_SIGN}], _UNSIGNED)


@checks("3.3-forbidden")
def _a_forbidden_word_is_found_without_the_colon(context: CheckContext) -> None:
    def found(page: str, before: str) -> None:
        response = context.checkkeyword(context.own, before + context.forbidden, page)
        expect_document(response, CHECKKEYWORD, message=FOUND)

    for page in PAGES:
        found(page, "代开")
        context.for_all(found, st.just(page), TEXT[page])


@checks("3.3-nothing-forbidden")
def _no_forbidden_word_is_found(context: CheckContext) -> None:
    def nothing(page: str, content: str) -> None:
        expect_document(context.checkkeyword(context.own, content, page), CHECKKEYWORD, message=NOT_FOUND)

    for page in PAGES:
        nothing(page, "内容")
    context.for_all(nothing, PAGE, st.text("内容通知1a 。", max_size=70))


@checks("3.3-credentials-empty")
def _checkkeyword_without_a_signature(context: CheckContext) -> None:
    _check_refusals(context, CHECKKEYWORD, EMPTY, "checkkeyword", [{"sign": ""}], _BLANK)


@checks("3.3-credentials-wrong")
def _checkkeyword_with_a_wrong_signature(context: CheckContext) -> None:
    _check_refusals(context, CHECKKEYWORD, WRONG, "checkkeyword", [{"sign": INVALID_SIGN}], _UNSIGNED)


@checks("3.2-content")
def _a_word_is_found_wherever_it_stands(context: CheckContext) -> None:
    for page in PAGES:

        def found(before: str, after: str, page: str = page) -> None:
            expect_message(context.checkkeyword(context.own, before + context.forbidden + after, page), FOUND)

        context.for_all(found, TEXT[page], TEXT[page])
        for content in ("你好，我不需要", context.forbidden[:1], " ".join(context.forbidden), context.forbidden[::-1]):
            text = content.encode(CHARSET[page]).decode(CHARSET[page])
            if context.forbidden not in text:
                expect_message(context.checkkeyword(context.own, text, page), NOT_FOUND)

    def missed(page: str, content: str) -> None:
        text = content.encode(CHARSET[page], "ignore").decode(CHARSET[page])
        expect_message(context.checkkeyword(context.own, text, page), NOT_FOUND)

    if len(context.forbidden) > 1:
        context.for_all(missed, PAGE, near_misses(context.forbidden))


@checks("R8-empty")
def _an_empty_text_holds_no_forbidden_word(context: CheckContext) -> None:
    def nothing(page: str, blank: str) -> None:
        expect_message(context.checkkeyword(context.own, blank, page), NOT_FOUND)

    nothing(UTF8, "")
    context.for_all(nothing, PAGE, BLANKS)


def _harmless_responses(context: CheckContext) -> Iterator[tuple[ParsedResponse, str]]:
    """Yield responses of every kind that needs no permission, each with the charset name of its endpoint."""
    for page, label in ((UTF8, "utf-8"), (GBK, "gb2312")):
        responses = [context.overage(context.own, page), context.overage(context.own, page, sign=INVALID_SIGN)]
        responses += [
            context.checkkeyword(context.own, context.forbidden, page),
            context.overage(context.own, page, sign=""),
        ]
        responses += [
            context.send(context.own, page=page, sign=INVALID_SIGN),
            context.send(context.own, page=page, sign=""),
        ]
        yield from ((response, label) for response in responses)
    for response in (
        context.status(context.own, sign=""),
        context.status(context.own, sign=INVALID_SIGN),
        context.call(context.own, sign=INVALID_SIGN),
    ):
        yield response, "utf-8"


@checks("A7")
def _every_response_is_http_200(context: CheckContext) -> None:
    for response, _ in _harmless_responses(context):
        expect(response.raw.status == 200, response, "HTTP 200", f"HTTP {response.raw.status}")


@checks("R17-type")
def _every_xml_response_has_its_content_type_and_charset(context: CheckContext) -> None:
    for response, label in _harmless_responses(context):
        expected, actual = f"text/xml; charset={label}", response.raw.content_type.lower()
        expect(actual == expected, response, expected, actual)
