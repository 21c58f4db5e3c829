"""Keys about reports, replies and the responses of their queues."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final

from sms10692_contract.checks.brands.brand_account import (
    DELIVERED_NUMBER,
    FAILING_NUMBER,
    REPLYING_NUMBER,
    each_profile,
    expect_body,
    move_to_short_date,
)
from sms10692_contract.checks.registry import checks
from sms10692_contract.expectations import attribute_to, expect, expect_sent
from sms10692_contract.expected import ParsedResponse
from sms10692_contract.fetch_history import CALL_ITEM, STATUS_ITEM
from sms10692_contract.harness import CheckContext
from sms10692_contract.learnable_keys import OTHER_STATE, LearnableKey, ObservedValue, Reader, list_elements, play_each
from sms10692_contract.pace import REPORT_TIMEOUT
from sms10692_contract.probes import (
    NotSent,
    ProbeSession,
)
from sms10692_contract.profiles import FORMAT_TIMES, NO_RECORDS, STATES
from sms10692_contract.requests import CALL, STATUS


@checks("D-cdata", "D-receivetime", "D-item-extno", "D-item-userid", "D-delivered", "D-empty-queue")
def _items_are_those_of_the_profile(context: CheckContext) -> None:
    for brand in each_profile(context, "cdata", "receivetime", "item_extno", "item_userid", "delivered", "empty_queue"):
        profile, name = brand.profile, brand.profile.name
        move_to_short_date(brand)
        with attribute_to("D-empty-queue"):
            for endpoint in (STATUS, CALL):
                expect_body(brand.fetch(endpoint), profile.render_empty_queue(endpoint), f"{name}: an empty queue")
        for number in (DELIVERED_NUMBER, FAILING_NUMBER, REPLYING_NUMBER):
            expect_sent(brand.send(number, extno="1"), 1)
        brand.advance(REPORT_TIMEOUT)
        for endpoint, item in ((STATUS, "statusbox"), (CALL, "callbox")):
            response = brand.fetch(endpoint)
            element = response.find_element(item)
            names = [child.name for child in element.children] if element else []
            for key, part in (("item_userid", "userid"), ("item_extno", "extno")):
                with attribute_to(f"D-{key.replace('_', '-')}"):
                    verb = "" if profile[key] else "no "
                    expect((part in names) is profile[key], response, f"{name}: items with {verb}{part}", f"{names}")
            with attribute_to("D-delivered"):
                write = STATES[profile["delivered"]]
                states = [write("10", "DELIVRD"), write("20", "UNDELIV"), write("10", "DELIVRD")]
                reported = [(row.get("status", ""), row.get("errorcode")) for row in response.get_items("statusbox")]
                expect(item == "callbox" or reported == states, response, f"{name}: states {states}", f"{reported}")
            with attribute_to("D-receivetime"):
                written = response.get_element("receivetime")
                expect(_is_written(written, profile["receivetime"]), response, f"{name}: a receivetime", repr(written))
            with attribute_to("D-cdata"):
                for part in ("errorcode", "extno"):
                    raw = response.get_raw_element(part)
                    is_cdata = raw.startswith("<![CDATA[")
                    expect(
                        part not in names or is_cdata is profile["cdata"],
                        response,
                        f"{name}: {part} {'in' if profile['cdata'] else 'without'} CDATA",
                        repr(raw),
                    )


def _is_written(text: str, form: str) -> bool:
    """Return whether a time in the first hour of 3 February is written in this form."""
    digits = text.replace("/", "-").replace(" ", "-").replace(":", "-").split("-")
    if len(digits) != 6 or not all(digit.isdecimal() for digit in digits):
        return False
    return FORMAT_TIMES[form](datetime(*map(int, digits))) == text  # type: ignore[arg-type]  # six numbers


@checks("D-queue-errors")
def _the_queues_have_the_errors_of_the_profile(context: CheckContext) -> None:
    for brand in each_profile(context, "queue_errors", points=0):
        for endpoint in (STATUS, CALL):
            brand.expect_refused(brand.post(endpoint, action="x"), "action", "query")
            response = brand.fetch(endpoint)
            if brand.profile["queue_errors"] == 6:
                brand.expect_refused(response, "no-points", "query")
            else:
                expect_body(response, brand.profile.render_empty_queue(endpoint), "an empty queue")


def _read_items(session: ProbeSession) -> Iterator[tuple[ParsedResponse, str]]:
    """Yield the responses with reports and replies, and the name of their items."""
    names = {"reports": STATUS_ITEM, "replies": CALL_ITEM}
    for response in play_each(session, *names):
        yield response, next(name for name in names.values() if response.get_items(name))


def _read_cdata(session: ProbeSession) -> Iterator[ObservedValue]:
    for response, _ in _read_items(session):
        for name in ("errorcode", "extno"):
            if response.find_element(name) is not None:
                yield response.get_raw_element(name).startswith("<![CDATA["), (response,)


def _read_receivetime(session: ProbeSession) -> Iterator[ObservedValue]:
    ambiguous, is_found = "", False
    for response, name in _read_items(session):
        for item in response.get_items(name):
            forms = _find_time_forms(item.get("receivetime", ""))
            if len(forms) == 1:
                is_found = True
                yield forms[0], (response,)
            elif forms:
                ambiguous = f"month, day and hour of the receivetime have two digits: {' or '.join(forms)}"
    if ambiguous and not is_found:
        raise NotSent(ambiguous)


def _find_time_forms(text: str) -> list[str]:
    """Return the values of `receivetime` in whose form a time is written.

    >>> _find_time_forms("2011-12-02 22:12:11"), _find_time_forms("2011-12-12 22:12:11")
    (['padded'], ['padded', 'dashes'])
    """
    parts = text.replace("/", "-").replace(" ", "-").replace(":", "-").split("-")
    if len(parts) != 6 or not all(part.isdecimal() for part in parts):
        return []
    year, month, day, hour, minute, second = map(int, parts)
    with suppress(ValueError):
        time = datetime(year, month, day, hour, minute, second)
        return [form for form, write in FORMAT_TIMES.items() if write(time) == text]
    return []


def _read_item_element(element: str) -> Reader:
    def read(session: ProbeSession) -> Iterator[ObservedValue]:
        for response, name in _read_items(session):
            for item in response.get_items(name):
                yield element in item, (response,)

    return read


def _read_delivered(session: ProbeSession) -> Iterator[ObservedValue]:
    response = session.play("reports")
    for item in response.get_items(STATUS_ITEM):
        match item.get("status"), item.get("errorcode"):
            case "DELIVRD", None:
                yield "status-DELIVRD", (response,)
            case "10", "10":
                yield "errorcode-10", (response,)
            case "10", str():
                yield "status-10", (response,)


def _read_empty_queue(session: ProbeSession) -> Iterator[ObservedValue]:
    for response in play_each(session, "status-none", "call-none"):
        if not response.raw.body:
            yield "nothing", (response,)
        elif response.document is not None and list_elements(response) == ():
            yield "root", (response,)
        elif (response.get_element("error"), response.get_element("remark")) == ("5", NO_RECORDS):
            yield "error5", (response,)


def _read_queue_errors(session: ProbeSession) -> Iterator[ObservedValue]:
    for response in play_each(session, "status-action", "call-action"):
        number = response.get_number("error")
        if number in (4, 6):
            yield number, (response,)


LEARNABLE: Final[tuple[LearnableKey, ...]] = (
    LearnableKey(
        "cdata",
        ("reports", "replies"),
        "whether errorcode and extno begin with <![CDATA[",
        "errorcode、extno 是否以 <![CDATA[ 开头",
        _read_cdata,
    ),
    LearnableKey(
        "receivetime",
        ("reports", "replies"),
        "the form in which the time is written, unless its month, day and hour have two digits",
        "时间的写法；月、日、时都是两位数时无法判断",
        _read_receivetime,
    ),
    LearnableKey("item_extno", ("reports", "replies"), "whether it is there", "是否存在", _read_item_element("extno")),
    LearnableKey(
        "item_userid", ("reports", "replies"), "whether it is there", "是否存在", _read_item_element("userid")
    ),
    LearnableKey(
        "delivered",
        ("reports",),
        "status and errorcode of a delivered message",
        "送达短信的 status 和 errorcode",
        _read_delivered,
    ),
    LearnableKey("empty_queue", ("status-none", "call-none"), "the last response", "最后一个响应", _read_empty_queue),
    LearnableKey("queue_errors", ("status-action", "call-action"), "the error number", "错误号", _read_queue_errors),
)

NOT_LEARNABLE: Final[Mapping[str, tuple[str, str]]] = {
    "texts.no-points": OTHER_STATE,
}
