"""Checks of mobile: which texts are one number, which are several, and what becomes of each (1.2, R5, R13)."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, NamedTuple

from hypothesis import strategies as st

from sms10692_contract.checks.operation_trials import parse_document
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.request_forms import ANY_FORM, RequestForm
from sms10692_contract.checks.strategies import SEND_ENDPOINT
from sms10692_contract.expectations import expect, expect_sent
from sms10692_contract.harness import CheckContext
from sms10692_contract.pace import REPORT_TIMEOUT
from sms10692_contract.requests import CHARSET, UTF8

VALID: Final = st.integers(10_000_001_000, 19_999_999_999).map(str)
"""Numbers of 11 digits that begin with 1, without the reserved numbers (R5, R13)."""

UNRESERVED: Final = tuple(f"100000000{digits:02}" for digits in (0, 9, 10, 11, 19, 24, 25, 29, 32, 33, 40, 99))
"""Valid numbers beside the reserved ones (R13)."""

SEPARATORS: Final = (";", "，", "；", "、", "|", "/", "\n", "\r\n", " ", "\t", ".", "%2C", "+", "&", ":", "-", "\u3000")
"""Characters that do not separate numbers: only the half-width comma does (1.2)."""

NEAR_MISSES: Final[tuple[Callable[[str], str], ...]] = (
    lambda number: f"+86{number}",
    lambda number: f"86{number}",
    lambda number: f"0086{number}",
    lambda number: f"0{number}",
    lambda number: f"{number}0",
    lambda number: number[:-1],
    lambda number: f"2{number[1:]}",
    lambda number: f"0{number[1:]}",
    lambda number: f"{number[:3]} {number[3:7]} {number[7:]}",
    lambda number: f"{number[:3]}-{number[3:7]}-{number[7:]}",
    lambda number: f"{number[:3]}O{number[4:]}",
    lambda number: "".join(chr(ord(digit) + 0xFEE0) for digit in number),
    lambda number: f"({number})",
    lambda number: f'"{number}"',
    lambda number: f"'{number}",
    lambda number: f"{number}.0",
    lambda number: number.replace(number[5], "x", 1),
    *(lambda number, separator=separator: f"{number}{separator}{number}" for separator in SEPARATORS),
)
"""Texts that are similar to a number or to several and are one invalid number (R5)."""


class Recipient(NamedTuple):
    """A number as it is written in the list, and whether it is valid."""

    number: str
    is_valid: bool
    before: str = ""
    behind: str = ""


_PADDING: Final = st.sampled_from(["", "", " ", "\t", "\r\n", "  ", "\u3000", ",", " ,", "\u3000,"])
_WIDE_PADDINGS: Final = (("", "\u3000"), ("\u3000", ""), ("\u00a0", "\u00a0"), ("\u3000,", ""), ("\u00a0,", ""))
"""What stands before and behind a number in a list that was copied from a document."""

_RECIPIENT: Final = st.builds(
    Recipient, VALID | st.sampled_from(UNRESERVED), st.just(True), _PADDING, _PADDING
) | st.builds(
    lambda number, change, before, behind: Recipient(change(number), False, before, behind),
    VALID,
    st.sampled_from(NEAR_MISSES),
    _PADDING,
    _PADDING,
)
RECIPIENTS: Final = st.lists(_RECIPIENT, min_size=1, max_size=6).flatmap(
    lambda recipients: st.sampled_from([recipients, [*recipients, recipients[0]], [*recipients, recipients[-1]]])
)
"""Lists of valid and invalid numbers, some of them repeated, with blanks and empty numbers between them."""


def _check_recipients(context: CheckContext, endpoint: str, recipients: Sequence[Recipient], form: RequestForm) -> None:
    """Send to the numbers, and check price, order and outcome of all reports."""
    account = context.create_account(points=len(recipients))
    mobile = ",".join(f"{recipient.before}{recipient.number}{recipient.behind}" for recipient in recipients)
    pairs = [*account.build_credentials().items(), ("action", "send"), ("mobile", mobile), ("content", "内容")]
    response = context.exchange(form.build(endpoint, pairs))
    expect_sent(response, len(recipients))
    remaining = response.get_number("remainpoint")
    expect(remaining == 0, response, f"remainpoint 0: {len(recipients)} numbers are charged", f"{remaining}")
    context.clock.advance(account.userid, REPORT_TIMEOUT)
    expected = [(recipient.number, "10" if recipient.is_valid else "20") for recipient in recipients]
    boxes = parse_document(context.status(account)).iter("statusbox")
    actual = [(box.findtext("mobile"), box.findtext("status")) for box in boxes]
    if actual != expected:
        differences = [pair for pair in zip(expected, actual, strict=False) if pair[0] != pair[1]][:3]
        expect(False, response, f"{len(expected)} reports, in order", f"{len(actual)}; differences: {differences}")


@checks("R5-lists")
def _only_the_half_width_comma_separates_numbers(context: CheckContext) -> None:
    """Check lists of valid and invalid numbers in every form, on both endpoints."""
    for change in NEAR_MISSES:
        number = change("13800000001")
        _check_recipients(context, UTF8, [Recipient(number, False), Recipient("13800000002", True)], RequestForm())
    unreserved = [Recipient(number, True) for number in UNRESERVED]
    _check_recipients(context, UTF8, unreserved, RequestForm())
    padded = [Recipient("13800000001", True, *around) for around in _WIDE_PADDINGS]
    _check_recipients(context, UTF8, padded, RequestForm())
    repeated = [Recipient(number, True) for number in ("13800000001", "13800000001", "13800000002", "13800000001")]
    _check_recipients(context, UTF8, repeated, RequestForm())

    def check_list(endpoint: str, recipients: list[Recipient], form: RequestForm) -> None:
        readable = [item for item in recipients if item.number.encode(CHARSET[endpoint], "ignore")]
        _check_recipients(context, endpoint, readable, form)

    context.for_all(check_list, SEND_ENDPOINT, RECIPIENTS, ANY_FORM)


@checks("R5-long")
def _each_of_thousands_of_numbers_has_one_report(context: CheckContext) -> None:
    """Check a long list in which some numbers are invalid and some repeated, at random places."""
    random = Random(context.seed)  # noqa: S311 - repeatable from the seed, not secret
    recipients = []
    for index in range(3500):
        number = str(13_000_000_000 + random.randrange(2000))
        is_valid = index % 97 != 5
        recipients.append(Recipient(number if is_valid else NEAR_MISSES[index % 16](number), is_valid))
    _check_recipients(context, UTF8, recipients, RequestForm())
