"""Keys about what a send may have, and what it costs."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from sms10692_contract.checks.brands.brand_account import DAY, each_profile
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import build_mobiles
from sms10692_contract.expectations import expect, expect_sent, get_message
from sms10692_contract.harness import CheckContext
from sms10692_contract.learnable_keys import (
    MESSAGE,
    LearnableKey,
    ObservedValue,
    find_last,
    get_refusal,
    learn_text,
    read_edge_text,
    show_edge,
)
from sms10692_contract.pace import REPORT_TIMEOUT
from sms10692_contract.probes import (
    MOST_EXTNO_DIGITS,
    SEND_TIMES,
    NotObserved,
    ProbeSession,
    is_accepted,
)
from sms10692_contract.profiles import MANUAL_VALUES
from sms10692_contract.requests import GBK, OLDER_UTF8, STATUS, UTF8
from sms10692_contract.segmentation import count_segments


@checks("D-extno-max-digits")
def _extno_has_at_most_the_digits_of_the_profile(context: CheckContext) -> None:
    for brand in each_profile(context, "extno_max_digits"):
        most = brand.profile["extno_max_digits"]
        for digits in {1, most}:
            expect_sent(brand.send(extno="9" * digits), 1)
        brand.expect_refused(brand.send(extno="9" * (most + 1)), "extno-too-long")


@checks("D-send-time-formats")
def _send_time_has_a_format_of_the_profile(context: CheckContext) -> None:
    for brand in each_profile(context, "send_time_formats"):
        accepted = brand.profile["send_time_formats"]
        due = (brand.now + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
        count = 0
        for name, pattern in SEND_TIMES.items():
            response = brand.send(sendTime=due.strftime(pattern))
            if name in accepted:
                expect_sent(response, 1)
                count += name != "0"
            else:
                cause = "send-time-format"
                if response.get_element("message") == brand.profile.get_message("send-time-no-date"):
                    cause = "send-time-no-date"  # a vendor may say that it is no time of the right format
                brand.expect_refused(response, cause)
        brand.advance(DAY)
        early = brand.fetch(STATUS)
        actual, at_once = len(early.get_items("statusbox")), int("0" in accepted)
        expect(actual == at_once, early, f"{brand.profile.name}: {at_once} reports before sendTime", f"{actual}")
        brand.advance(DAY + REPORT_TIMEOUT)
        late = brand.fetch(STATUS)
        actual = len(late.get_items("statusbox"))
        expect(actual == count, late, f"{brand.profile.name}: {count} reports after sendTime", f"{actual}")


_FEW: Final = 100
"""Numbers that are sent where the profile has no limit, or a higher one in a quick run."""


@checks("D-max-numbers")
def _a_send_has_at_most_the_numbers_of_the_profile(context: CheckContext) -> None:
    for brand in each_profile(context, "max_numbers"):
        most = brand.profile["max_numbers"]
        expect_sent(brand.send(",".join(build_mobiles(min(most or _FEW, _FEW)))), min(most or _FEW, _FEW))
        if most is not None:
            brand.expect_refused(brand.send(",".join(build_mobiles(most + 1))), "too-many-numbers")
        if most is not None and (most <= 10 * _FEW or context.effort.is_thorough):
            expect_sent(brand.send(",".join(build_mobiles(most))), most)


@checks("D-check-words")
def _the_older_endpoints_check_words_as_in_the_profile(context: CheckContext) -> None:
    word = context.forbidden_word
    for brand in each_profile(context, "check_words"):
        checking = {"always": {"", "0", "1"}, "checkContent": {"1"}}[brand.profile["check_words"]]
        for value in ("", "0", "1"):
            content = brand.profile.sign_text(f"代开{word}")
            response = brand.send(endpoint=OLDER_UTF8, content=content, checkContent=value)
            if value in checking:
                brand.expect_refused(response, "forbidden-word", word=word)
            else:
                expect_sent(response, 1)
        response = brand.send(content=brand.profile.sign_text(word))
        brand.expect_refused(response, "forbidden-word", word=word)


PRICES: Final[Mapping[str, Callable[[str], int]]] = {"segment": count_segments, "recipient": lambda text: 1}
"""Price of a text per recipient, by `billing`."""


@checks("D-billing")
def _a_text_costs_as_in_the_profile(context: CheckContext) -> None:
    for brand in each_profile(context, "billing", points=1000):
        points, count = 1000, min(brand.profile["max_numbers"] or 2, 2)
        for length, endpoint in ((70, UTF8), (71, GBK), (135, UTF8)):
            content = brand.profile.sign_text("字" * length)
            points -= count * PRICES[brand.profile["billing"]](content)
            response = brand.send(",".join(build_mobiles(count)), endpoint, content=content)
            actual = response.get_number("remainpoint")
            expect(actual == points, response, f"{brand.profile.name}: remainpoint {points}", f"{actual}")


def _read_extno_max_digits(session: ProbeSession) -> Iterator[ObservedValue]:
    if not session.accepts("send-extno", 1):
        refusal = session.mask(session.play("send-extno", 1).get_element("message"))
        raise NotObserved(f"an extno of one digit is refused: {refusal}")
    usual: int = MANUAL_VALUES["extno_max_digits"]
    most = find_last(lambda digits: session.accepts("send-extno", digits), MOST_EXTNO_DIGITS, usual)
    yield most, show_edge(session, "send-extno", most, most + 1)


def _read_send_time_formats(session: ProbeSession) -> Iterator[ObservedValue]:
    if session.accepts("send-time-text"):
        raise NotObserved("every sendTime is accepted, also abc")
    responses = {name: session.play("send-time", name) for name in SEND_TIMES}
    accepted = [name for name, response in responses.items() if is_accepted(response)]
    if accepted:
        yield accepted, tuple(responses.values())


def _read_max_numbers(session: ProbeSession) -> Iterator[ObservedValue]:
    allowed = len(session.context.guard.numbers)
    if not session.accepts("send-numbers", 1):
        raise NotObserved("a send to one number is refused")
    most = find_last(lambda count: session.accepts("send-numbers", count), allowed, allowed)
    if most == allowed:
        raise NotObserved(f"{most} numbers are accepted; more are not allowed")
    yield most, show_edge(session, "send-numbers", most, most + 1)


def _read_check_words(session: ProbeSession) -> Iterator[ObservedValue]:
    if session.accepts("send-word"):
        raise NotObserved("the forbidden word is accepted at the signed endpoint: see --forbidden-word")
    response = session.play("older-word")
    if is_accepted(response):
        yield "checkContent", (response,)
    elif get_message(response) == get_message(session.play("send-word")):
        yield "always", (response, session.play("send-word"))


def _read_billing(session: ProbeSession) -> Iterator[ObservedValue]:
    responses = session.play("send-short"), session.play("send-long")
    short, long = (session.costs.get((name,)) for name in ("send-short", "send-long"))
    values = {(1, 1): "recipient", (1, 2): "segment"}
    if (short, long) not in values:
        raise NotObserved(f"a short text costs {short} points and one of 71 characters {long}")
    yield values[short or 0, long or 0], responses


def _read_no_date_text(session: ProbeSession) -> Iterator[ObservedValue]:
    formats = [name for name in _SEND_TIME_FORMATS.observe(session).value if "dd" in name]
    if not formats:
        raise NotObserved("no format with a date is accepted")
    response = session.play("send-time-no-date", formats[0])
    yield get_refusal(session, response), (response,)


_EXTNO_MAX_DIGITS: Final = LearnableKey(
    "extno_max_digits",
    ("send-extno",),
    f"the most digits that are accepted, up to {MOST_EXTNO_DIGITS}",
    f"被接受的最多位数，最多试到 {MOST_EXTNO_DIGITS}",
    _read_extno_max_digits,
)

_SEND_TIME_FORMATS: Final = LearnableKey(
    "send_time_formats",
    ("send-time-text", "send-time"),
    "the accepted ones, unless abc is accepted",
    "被接受的格式；若 abc 也被接受则无法判断",
    _read_send_time_formats,
)

_MAX_NUMBERS: Final = LearnableKey(
    "max_numbers",
    ("send-numbers",),
    "the most that are accepted, if not all allowed ones are",
    "被接受的最多个数（允许的号码并非全部被接受时）",
    _read_max_numbers,
)

LEARNABLE: Final[tuple[LearnableKey, ...]] = (
    _EXTNO_MAX_DIGITS,
    _SEND_TIME_FORMATS,
    _MAX_NUMBERS,
    LearnableKey("check_words", ("send-word", "older-word"), "whether it is accepted", "是否被接受", _read_check_words),
    LearnableKey(
        "billing",
        ("send-short", "send-long"),
        "the difference of the balances: 1 and 2 points, or 1 and 1",
        "余额之差：1 点和 2 点，或都是 1 点",
        _read_billing,
    ),
    learn_text("extno-too-long", "send-extno", *MESSAGE, read_edge_text(_EXTNO_MAX_DIGITS, "send-extno", 1)),
    learn_text("send-time-no-date", "send-time-no-date", *MESSAGE, _read_no_date_text),
    learn_text("too-many-numbers", "send-numbers", *MESSAGE, read_edge_text(_MAX_NUMBERS, "send-numbers", 1)),
)

NOT_LEARNABLE: Final[Mapping[str, tuple[str, str]]] = {}
