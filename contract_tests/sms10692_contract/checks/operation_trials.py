"""Operation trials: for each operation a request whose result shows whether each of its parameters was read exactly.

`prepare_trial` creates an account and what the operation needs, and returns the parameters and a function that checks
the response and its effects. How the request is written and sent is up to the caller.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice
from typing import Final, NamedTuple, TypeAlias
from xml.etree import ElementTree as ET

from hypothesis import strategies as st

from sms10692_contract.checks.strategies import MOBILE, build_mobiles
from sms10692_contract.expectations import (
    build_mismatch,
    expect,
    expect_keyword,
    expect_sent,
    get_message,
)
from sms10692_contract.expected import FORBIDDEN_CONTENT, ParsedResponse
from sms10692_contract.harness import CheckContext
from sms10692_contract.pace import REPORT_TIMEOUT
from sms10692_contract.requests import (
    CALL,
    CHARSET,
    GBK,
    OLDER_CALL,
    OLDER_ENDPOINTS,
    OLDER_GBK,
    OLDER_STATUS,
    OLDER_UTF8,
    STATUS,
    UTF8,
    Pairs,
)
from sms10692_contract.segmentation import count_segments
from sms10692_contract.suite_account import SuiteAccount

POINTS: Final = 1000
REPLYING_NUMBER: Final = "10000000030"
ESCAPED_REPLY_NUMBER: Final = "10000000031"
"""Reserved numbers that reply (R13), the second one with markup."""


@dataclass(frozen=True)
class TrialValues:
    """Values of the parameters of a trial; each operation uses those that it has.

    `points` distinguishes accounts. `is_forbidden`: the text contains a forbidden word. `hours` until sendTime, 0 is
    without. `waiting` items are in the queue. `omits_empty`: an empty optional parameter is absent.
    """

    points: int = POINTS
    content: str = "内容"
    is_forbidden: bool = False
    mobiles: tuple[str, ...] = ("15023239810",)
    extno: str = ""
    hours: int = 0
    limit: int = 2
    waiting: int = 3
    omits_empty: bool = True


class Trial(NamedTuple):
    """A request, and the check of its response and effects."""

    endpoint: str
    pairs: Pairs
    verify: Callable[[ParsedResponse], None]


Operation: TypeAlias = Callable[[CheckContext, TrialValues], Trial]


def prepare_trial(context: CheckContext, operation: str, values: TrialValues) -> Trial:
    """Prepare a trial of an operation of `OPERATIONS` or `OLDER_OPERATIONS`."""
    return _ALL_OPERATIONS[operation](context, values)


def _build_pairs(account: SuiteAccount, endpoint: str, **fields: str) -> list[tuple[str, str]]:
    return list((account.authenticate(endpoint) | fields).items())


def _omit_empty(fields: dict[str, str], values: TrialValues) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value or not values.omits_empty}


def _prepare_overage(endpoint: str) -> Operation:
    def prepare(context: CheckContext, values: TrialValues) -> Trial:
        account = context.create_account(points=values.points)

        def verify(response: ParsedResponse) -> None:
            expect(
                response.get_number("overage") == values.points and get_message(response) == "",
                response,
                f"the balance {values.points}",
            )

        return Trial(endpoint, _build_pairs(account, endpoint, action="overage"), verify)

    return prepare


def _prepare_checkkeyword(endpoint: str) -> Operation:
    def prepare(context: CheckContext, values: TrialValues) -> Trial:
        """Prepare a check of a text. An account of the profile `observed` shows the text that was read (A13)."""
        account = context.create_account(profile="observed")
        text = _build_text(context, values, endpoint)

        def verify(response: ParsedResponse) -> None:
            expect_keyword(response, values.is_forbidden)
            actual = parse_document(response).findtext("checkCounts", "")
            expect(actual == text, response, f"checkCounts {text!r}", repr(actual))

        return Trial(endpoint, _build_pairs(account, endpoint, action="checkkeyword", content=text), verify)

    return prepare


def _prepare_send(endpoint: str) -> Operation:
    def prepare(context: CheckContext, values: TrialValues) -> Trial:
        account = context.create_account(points=values.points)
        text = _build_text(context, values, endpoint)
        fields = {"action": "send", "mobile": ",".join(values.mobiles), "content": text}
        if endpoint in OLDER_ENDPOINTS:
            fields["checkContent"] = "1"
        optional = {"extno": values.extno, "sendTime": ""}
        if values.hours:
            due = context.read_clock(account) + timedelta(hours=values.hours)
            optional["sendTime"] = f"{due:%Y-%m-%d %H:%M:%S}"
        fields |= _omit_empty(optional, values)
        cost = len(values.mobiles) * count_segments(text)

        def verify(response: ParsedResponse) -> None:
            if values.is_forbidden:
                message = get_message(response)
                expect(message.startswith(FORBIDDEN_CONTENT), response, f"the message {FORBIDDEN_CONTENT!r}")
                balance = context.query_balance(account)
                expect(balance == values.points, response, f"{values.points} points as before", f"{balance}")
                return
            task = expect_sent(response, len(values.mobiles))
            remaining = response.get_number("remainpoint")
            expected = values.points - cost
            expect(remaining == expected, response, f"remainpoint {expected}", f"{remaining}")
            _verify_items(context, account, values, response, task)

        return Trial(endpoint, _build_pairs(account, endpoint, **fields), verify)

    return prepare


def _verify_items(
    context: CheckContext, account: SuiteAccount, values: TrialValues, response: ParsedResponse, task: int
) -> None:
    """Check the reports of a send, and its replies, each with number, task and extno."""
    if values.hours:
        context.clock.advance(account.userid, REPORT_TIMEOUT)
        early = context.status(account)
        expect(early.get_items("statusbox") == [], response, "no report before sendTime", "a report")
    context.clock.advance(account.userid, values.hours * 3600 + REPORT_TIMEOUT)
    expected = [(number, str(task), values.extno) for number in values.mobiles]
    reports = context.status(account).get_items("statusbox")
    actual = [(item.get("mobile"), item.get("taskid"), item.get("extno")) for item in reports]
    expect(actual == expected, response, f"reports {expected}", f"{actual}")
    expected = [item for item in expected if item[0] == REPLYING_NUMBER]
    if expected:
        replies = context.call(account).get_items("callbox")
        actual = [(item.get("mobile"), item.get("taskid"), item.get("extno")) for item in replies]
        expect(actual == expected, response, f"replies {expected}", f"{actual}")


def _prepare_queue(context: CheckContext, numbers: list[str]) -> SuiteAccount:
    """Create an account with a waiting report, and if the number replies a reply, of each number."""
    account = context.create_account()
    expect_sent(context.send(account, ",".join(numbers)), len(numbers))
    context.clock.advance(account.userid, REPORT_TIMEOUT)
    return account


def _prepare_status(endpoint: str) -> Operation:
    def prepare(context: CheckContext, values: TrialValues) -> Trial:
        numbers = build_mobiles(values.waiting)
        account = _prepare_queue(context, numbers)

        def verify(response: ParsedResponse) -> None:
            first = values.limit or values.waiting
            actual = [item.get("mobile") for item in response.get_items("statusbox")]
            expect(actual == numbers[:first], response, f"reports of {numbers[:first]}", f"{actual}")
            rest = [item.get("mobile") for item in context.status(account).get_items("statusbox")]
            expect(rest == numbers[first:], response, f"reports of {numbers[first:]} afterwards", f"{rest}")

        fields = _omit_empty({"statusNum": str(values.limit or "")}, values)
        return Trial(endpoint, _build_pairs(account, endpoint, action="query", **fields), verify)

    return prepare


def _prepare_call(endpoint: str) -> Operation:
    def prepare(context: CheckContext, values: TrialValues) -> Trial:
        numbers = list(islice(cycle((REPLYING_NUMBER, ESCAPED_REPLY_NUMBER)), values.waiting))
        account = _prepare_queue(context, numbers)

        def verify(response: ParsedResponse) -> None:
            actual = [item.get("mobile") for item in response.get_items("callbox")]
            expect(actual == numbers, response, f"replies of {numbers}", f"{actual}")

        return Trial(endpoint, _build_pairs(account, endpoint, action="query"), verify)

    return prepare


OPERATIONS: Final[Mapping[str, Operation]] = {
    "overage": _prepare_overage(UTF8),
    "overage on the GBK endpoint": _prepare_overage(GBK),
    "checkkeyword": _prepare_checkkeyword(UTF8),
    "checkkeyword on the GBK endpoint": _prepare_checkkeyword(GBK),
    "send": _prepare_send(UTF8),
    "send on the GBK endpoint": _prepare_send(GBK),
    "status": _prepare_status(STATUS),
    "call": _prepare_call(CALL),
}
"""All operations on all endpoints of the manual."""

OLDER_OPERATIONS: Final[Mapping[str, Operation]] = {
    "overage on the older endpoint": _prepare_overage(OLDER_UTF8),
    "overage on the older GBK endpoint": _prepare_overage(OLDER_GBK),
    "checkkeyword on the older endpoint": _prepare_checkkeyword(OLDER_UTF8),
    "checkkeyword on the older GBK endpoint": _prepare_checkkeyword(OLDER_GBK),
    "send on the older endpoint": _prepare_send(OLDER_UTF8),
    "send on the older GBK endpoint": _prepare_send(OLDER_GBK),
    "status on the older endpoint": _prepare_status(OLDER_STATUS),
    "call on the older endpoint": _prepare_call(OLDER_CALL),
}
"""The same operations on the older endpoints (R19)."""

_ALL_OPERATIONS: Final = {**OPERATIONS, **OLDER_OPERATIONS}

OPERATION: Final = st.sampled_from(list(OPERATIONS))
TEXT_OPERATIONS: Final = [name for name in OPERATIONS if name.startswith(("checkkeyword", "send"))]


def _build_text(context: CheckContext, values: TrialValues, endpoint: str) -> str:
    """Return the text of a trial without what the charset of the endpoint lacks, with or without a forbidden word."""
    text = values.content.encode(CHARSET[endpoint], "ignore").decode(CHARSET[endpoint])
    text = text.replace(context.forbidden_word, "通知")
    return text + context.forbidden_word + text[:3] if values.is_forbidden else text


# Values

TROUBLESOME: Final = [
    "=",
    "&",
    "+",
    "%",
    ";",
    "#",
    "?",
    "/",
    "<",
    ">",
    '"',
    "\\",
    "内",
    "容",
    "é",
    "€",
    "😀",
    "𠮷",
    "﹏",
    "a",
    "Z",
    "0",
    "%41",
    "%u5185",
    "&amp;",
    "，",
    "\u3000",
    "\r\n",
    "\n",
    "\t",
]
"""Characters and sequences that a wrong decoder changes."""

TROUBLESOME_TEXT: Final = st.builds(
    lambda pieces, end: " ".join(pieces) + end,
    st.lists(st.sampled_from(TROUBLESOME), min_size=1, max_size=8),
    st.sampled_from(["内", "。", "x"]),
)

_EDGE_TEXT: Final = st.builds(
    lambda text, length: (text + "内容" * length)[:length], TROUBLESOME_TEXT, st.sampled_from([70, 71, 134, 135])
).map(lambda text: text if text.strip() == text else f"内{text[1:-1]}容")
"""Texts at the edge between two prices: one character more or less changes the price."""

VALUES: Final = st.builds(
    TrialValues,
    points=st.integers(200, 10**6),
    content=_EDGE_TEXT | TROUBLESOME_TEXT,
    is_forbidden=st.booleans(),
    mobiles=st.lists(MOBILE | st.just(REPLYING_NUMBER), min_size=1, max_size=4).map(tuple),
    extno=st.just("") | st.text("0123456789", min_size=1, max_size=10),
    hours=st.sampled_from([0, 0, 3]),
    limit=st.integers(0, 3),
    omits_empty=st.booleans(),
)
"""Values of all parameters."""


def parse_document(response: ParsedResponse) -> ET.Element:
    """Parse the body of a response as XML, in the charset that it declares. Raises Mismatch if it is malformed."""
    body = response.raw.body
    declared = re.match(rb"""\s*<\?xml[^>]*encoding=["']([A-Za-z0-9_-]+)["']""", body)
    charset = declared[1].decode() if declared else "utf-8"
    try:
        text = body.decode("gbk" if charset.lower() in ("gb2312", "gbk") else charset)
        # Expat knows no GBK: the document is decoded here, and its declaration removed.
        return ET.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text.removeprefix("\ufeff")))
    except (ET.ParseError, UnicodeDecodeError, LookupError) as error:
        raise build_mismatch(response, f"XML in {charset}, as declared", f"{error}") from error
