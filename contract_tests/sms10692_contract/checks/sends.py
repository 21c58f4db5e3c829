"""Checks of chapter 1: documents and messages of a send, and the effect of its parameters.

Prices are in `billing`, request encodings in `encodings`.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, TypeAlias

from hypothesis import strategies as st

from sms10692_contract.checks.registry import Check, checks
from sms10692_contract.checks.strategies import (
    BLANK,
    EMPTY_MOBILE_LIST,
    EXTNO,
    INJECTION,
    INJECTIONS,
    INVALID_EXTNO,
    MOBILE,
    MOBILE_COUNT,
    SEND_ACTIONS,
    SEND_ENDPOINT,
    SEND_ENDPOINTS,
    TEXT,
    WRONG_SIGNATURE,
    build_mobiles,
    invalid_actions,
    ordinary_text,
)
from sms10692_contract.expectations import (
    build_mismatch,
    expect,
    expect_accepted,
    expect_document,
    expect_message,
    expect_points,
    expect_sent,
    get_message,
)
from sms10692_contract.expected import (
    ANY_VALUE,
    CHECKKEYWORD,
    EMPTY_CONTENT,
    EMPTY_CREDENTIALS,
    EMPTY_MOBILE,
    EXTNO_PATTERN,
    FORBIDDEN_CONTENT,
    INSUFFICIENT_BALANCE,
    NUMBER_PATTERN,
    OTHER_ERROR,
    SEND_ACCEPTED,
    SEND_REFUSED,
    SQL_INJECTION,
    WORD_FOUND,
    WRONG_CREDENTIALS,
    escape_text,
)
from sms10692_contract.harness import CheckContext, NotExercised
from sms10692_contract.requests import GBK, UTF8
from sms10692_contract.safety import INVALID_SIGN
from sms10692_contract.suite_account import CHINA
from sms10692_contract.target import CLOCK_TOLERANCE, compute_clock_difference

_DATE_TOLERANCE: Final = 2
"""Seconds by which a Date header may be wrong: it has whole seconds, and its response takes time."""


@checks("1.1-utf8")
def _the_utf8_endpoint_reads_and_writes_utf8(context: CheckContext) -> None:
    _check_charset(context, UTF8)


@checks("1.1-gbk")
def _the_gbk_endpoint_reads_and_writes_gbk(context: CheckContext) -> None:
    _check_charset(context, GBK)


def _check_charset(context: CheckContext, endpoint: str) -> None:
    """Check request and response charset: a forbidden word is found only if the text was decoded correctly."""

    def check_found(before: str, after: str) -> None:
        response = context.checkkeyword(context.own, before + context.forbidden_word + after, endpoint)
        message = get_message(response)
        shown = message if message.startswith(WORD_FOUND) else WORD_FOUND  # the word may follow, see 3.3-forbidden
        expect_document(response, CHECKKEYWORD, message=escape_text(shown))

    check_found("代开", "了")
    context.for_all(check_found, TEXT[endpoint], TEXT[endpoint])


@checks("1.3-ok")
def _an_accepted_send_has_the_documented_elements(context: CheckContext) -> None:
    def check_accepted(endpoint: str, count: int, content: str) -> None:
        response = context.send(
            context.create_account(),
            ",".join(build_mobiles(count) if context.is_sandboxed else [context.number]),
            content,
            endpoint,
        )
        expect_accepted(response)
        expect_document(response, SEND_ACCEPTED, remainpoint=ANY_VALUE, task_id=ANY_VALUE, counts=count)
        remaining = response.get_element("remainpoint")
        expect(bool(NUMBER_PATTERN.fullmatch(remaining)), response, "a number in remainpoint", repr(remaining))

    for endpoint in SEND_ENDPOINTS:
        check_accepted(endpoint, 1, "内容")
        context.for_all_if_sandboxed(
            check_accepted, st.just(endpoint), MOBILE_COUNT, ordinary_text(endpoint), examples=context.few_examples
        )


@checks("1.3-taskID")
def _each_send_has_a_task_id_of_its_own(context: CheckContext) -> None:
    account, tasks = context.create_account(), set[str]()
    for _ in range(8 if context.is_sandboxed else 3):
        response = context.send(account)
        task = expect_accepted(response)
        expect(task not in tasks, response, f"a taskID other than {', '.join(sorted(tasks))}")
        tasks.add(task)


@checks("1.3-remainpoint")
def _remainpoint_is_the_balance_after_the_send(context: CheckContext) -> None:
    account = context.create_account(points=1000)

    def check_remaining(endpoint: str) -> None:
        response = context.send(account, endpoint=endpoint)
        expect_accepted(response)
        balance, remaining = context.overage(account, endpoint), expect_points(response, "remainpoint")
        actual = expect_points(balance, "overage")
        expect(actual == remaining, balance, f"overage {remaining}, as remainpoint was")

    check_remaining(UTF8)
    context.for_all_if_sandboxed(check_remaining, SEND_ENDPOINT, examples=context.few_examples)


_ASCENDING_SENDS: Final = (
    *((0, UTF8, 1), (1, GBK, 1), (0, GBK, 2), (1, UTF8, 1)),
    *((0, UTF8, 1), (1, UTF8, 3), (1, GBK, 1), (0, GBK, 1)),
)
"""Index of the account, endpoint and number of recipients: each differs from the send before in another way."""


@checks("R7")
def _task_ids_are_unique_over_all_accounts_and_ascend(context: CheckContext) -> None:
    accounts = context.create_account(), context.create_account()
    tasks: list[int] = []

    def check_ascending(sends: Sequence[tuple[int, str, int]]) -> None:
        for index, endpoint, count in sends:
            numbers = build_mobiles(count) if context.is_sandboxed else [context.number]
            response = context.send(accounts[index], ",".join(numbers), endpoint=endpoint)
            task = expect_sent(response, len(numbers))
            if task in tasks:
                raise build_mismatch(response, "a taskID that no other send has")
            if tasks and task < tasks[-1]:
                raise build_mismatch(response, f"a taskID above {tasks[-1]}")
            tasks.append(task)

    check_ascending(_ASCENDING_SENDS)
    sends = st.lists(st.tuples(st.integers(0, 1), SEND_ENDPOINT, st.integers(1, 3)), min_size=4, max_size=8)
    context.for_all_if_sandboxed(check_ascending, sends, examples=context.few_examples)


FieldsStrategy: TypeAlias = st.SearchStrategy[dict[str, str]]


def _map_to_field(name: str, values: st.SearchStrategy[str]) -> FieldsStrategy:
    return values.map(lambda value: {name: value})


UNMISTAKABLE_INJECTION: Final = "1' or '1'='1' union select 1 -- "
"""A text that a vendor takes for an SQL injection. **It changes nothing if a faulty vendor executes it,** and is one
part long. The manual does not say what an SQL injection is.
"""

HARMLESS_INJECTIONS: Final = (UNMISTAKABLE_INJECTION, "' or '1'='1' --", "1 UNION  SELECT 2", "' or 1=1")
"""The injections that a real vendor receives: none changes a database."""

NEARLY_EMPTY: Final = (
    *("0", "00", "0.0", "false", "False", "null", "NULL", "None", "nil", "undefined", "NaN", "[]", "{}", "-", "."),
    *("&", "=", "%", "+", "?", "#", "&nbsp;", "<>", "，"),
)
"""Texts of some characters that languages and frameworks take for no value."""

REFUSALS: Final[Mapping[str, tuple[str, Sequence[dict[str, str]], FieldsStrategy | None]]] = {
    "1.3-credentials-empty": (EMPTY_CREDENTIALS, [{"userid": "", "sign": ""}], None),
    "1.3-sql": (SQL_INJECTION, [{"content": UNMISTAKABLE_INJECTION}], None),
    "1.3-credentials-wrong": (
        WRONG_CREDENTIALS,
        [{"sign": INVALID_SIGN}],
        _map_to_field("sign", WRONG_SIGNATURE),
    ),
    "1.3-mobile-empty": (EMPTY_MOBILE, [{"mobile": ""}], None),
    "1.3-content-empty": (EMPTY_CONTENT, [{"content": ""}], None),
    "R5-none": (
        EMPTY_MOBILE,
        [{"mobile": mobile} for mobile in (" ", ",", " , ,,")],
        _map_to_field("mobile", EMPTY_MOBILE_LIST),
    ),
    "R8-injections": (
        SQL_INJECTION,
        [{"content": content} for content in INJECTIONS],
        _map_to_field("content", INJECTION),
    ),
    "R9-other": (OTHER_ERROR, [{"extno": "x"}], _map_to_field("extno", INVALID_EXTNO)),
    "R18": (EMPTY_CONTENT, [{"content": " "}], _map_to_field("content", BLANK)),
}
"""By clause: message of 1.3, invalid fields of a send that is refused with this message, and a strategy for more."""


def _is_destructive(fields: Mapping[str, str]) -> bool:
    """Return whether a faulty vendor that executes the content as SQL could lose data or run a program."""
    return fields.get("content", "") in INJECTIONS and fields["content"] not in HARMLESS_INJECTIONS


def _make_refusal_check(message: str, cases: Sequence[dict[str, str]], generated: FieldsStrategy | None) -> Check:
    def check(context: CheckContext) -> None:
        account = context.create_account()

        def check_refused(endpoint: str, fields: dict[str, str]) -> None:
            fields = {"action": "send", "mobile": context.number, "content": "内容"} | fields
            expect_document(context.post(account, endpoint, **fields), SEND_REFUSED, message=message)

        permitted = cases if context.is_sandboxed else [fields for fields in cases if not _is_destructive(fields)]
        for endpoint, fields in context.each_case(
            [(endpoint, fields) for fields in permitted for endpoint in SEND_ENDPOINTS]
        ):
            check_refused(endpoint, fields)
        if generated is not None:
            context.for_all_if_sandboxed(check_refused, SEND_ENDPOINT, generated)

    return check


@checks("R18-short")
def _a_text_that_a_program_may_take_for_empty_is_sent(context: CheckContext) -> None:
    def check_sent(endpoint: str, content: str) -> None:
        account = context.create_account(points=1)
        response = context.send(account, content=content, endpoint=endpoint)
        expect_sent(response, 1)
        remaining = response.get_number("remainpoint")
        expect(remaining == 0, response, "remainpoint 0", f"{remaining}")

    for content in NEARLY_EMPTY:
        for endpoint in SEND_ENDPOINTS:
            check_sent(endpoint, content)
    context.for_all(
        check_sent,
        SEND_ENDPOINT,
        st.builds(str.__add__, BLANK, st.sampled_from(NEARLY_EMPTY)),
        examples=context.few_examples,
    )


for _clause, (_message, _cases, _generated) in REFUSALS.items():
    checks(_clause)(_make_refusal_check(_message, _cases, _generated))


@checks("1.3-forbidden")
def _a_forbidden_word_is_refused_with_the_full_width_colon(context: CheckContext) -> None:
    account = context.create_account()

    def check_refused(endpoint: str, before: str, after: str) -> None:
        response = context.send(account, content=before + context.forbidden_word + after, endpoint=endpoint)
        message = get_message(response)
        shown = message if message.startswith(FORBIDDEN_CONTENT) else FORBIDDEN_CONTENT  # the word may follow
        expect_document(response, SEND_REFUSED, message=escape_text(shown))

    for endpoint in SEND_ENDPOINTS:
        check_refused(endpoint, "代开", "")
        context.for_all_if_sandboxed(check_refused, st.just(endpoint), ordinary_text(endpoint), ordinary_text(endpoint))


@checks("R8-nothing-behind")
def _nothing_follows_the_colon(context: CheckContext) -> None:
    account = context.create_account()
    for endpoint in SEND_ENDPOINTS:
        response = context.send(account, content=f"代开{context.forbidden_word}", endpoint=endpoint)
        expect_document(response, SEND_REFUSED, message=FORBIDDEN_CONTENT)


@checks("1.3-balance")
def _a_send_above_the_balance_is_refused(context: CheckContext) -> None:
    def check_refused(endpoint: str, points: int, excess: int) -> None:
        account = context.create_account(points=points)
        response = context.send(account, ",".join(build_mobiles(points + excess)), endpoint=endpoint)
        expect_document(response, SEND_REFUSED, message=INSUFFICIENT_BALANCE)

    if not context.is_sandboxed:
        _check_small_balance(context)
        return
    for endpoint in SEND_ENDPOINTS:
        check_refused(endpoint, 1, 1)
    context.for_all(check_refused, SEND_ENDPOINT, st.integers(0, 9), st.integers(1, 9))


def _check_small_balance(context: CheckContext) -> None:
    """Try one recipient too many, if the user's account is prepaid and has fewer points than numbers are allowed."""
    response = context.overage(context.own)
    balance, numbers = response.get_number("overage"), sorted(context.guard.numbers)
    if response.get_element("payinfo") != "预付费" or balance is None or not 0 <= balance < len(numbers):
        raise NotExercised(f"the balance is {balance} points; this needs fewer than the {len(numbers)} allowed numbers")
    refused = context.send(context.own, ",".join(numbers[: balance + 1]))
    expect_document(refused, SEND_REFUSED, message=INSUFFICIENT_BALANCE)
    if balance:
        expect_accepted(context.send(context.own, ",".join(numbers[:balance])))


@checks("1.2-mobile")
def _numbers_are_split_at_the_half_width_comma(context: CheckContext) -> None:
    def check_split(mobiles: list[str]) -> None:
        account = context.create_account()
        response = context.send(account, ",".join(mobiles))
        task = expect_accepted(response)
        counts = response.get_element("successCounts")
        expect(counts == str(len(mobiles)), response, f"successCounts {len(mobiles)}", counts)
        reports = context.fetch_task_reports(account, task, len(mobiles))
        reported = [item.get("mobile", "") for item in reports]
        expect(sorted(reported) == sorted(mobiles), response, f"reports of {mobiles}", f"reports of {reported}")

    if context.is_sandboxed:
        context.for_all(check_split, st.lists(MOBILE, min_size=1, max_size=6, unique=True))
    else:
        check_split(context.pick_numbers(2))


@checks("1.2-sendTime-empty")
def _an_empty_send_time_means_now(context: CheckContext) -> None:
    account = context.create_account()
    response = context.send(account, sendTime="")
    reports = context.fetch_task_reports(account, expect_accepted(response), 1)
    expect(len(reports) == 1, response, "a report without delay", "none")


@checks("1.2-sendTime")
def _a_scheduled_message_is_not_reported_before_its_time(context: CheckContext) -> None:
    def check_scheduled(minutes: int) -> None:
        account = context.create_frozen_account()
        due = context.read_clock(account) + timedelta(minutes=minutes)
        response = context.send(account, sendTime=due.strftime("%Y-%m-%d %H:%M:%S"))
        expect_sent(response, 1)
        context.clock.advance(account.userid, minutes * 60 - 2)
        early = context.status(account)
        expect(not early.get_items("statusbox"), early, f"no report before {due:%H:%M:%S}")
        context.clock.advance(account.userid, 4)
        late = context.fetch_reports(account, 1)
        expect(len(late) == 1, response, f"a report after {due:%H:%M:%S}", "none")

    if context.is_sandboxed:
        context.for_all(check_scheduled, st.integers(2, 60 * 24 * 400), examples=context.few_examples)
    else:
        _check_scheduled_in_real_time(context)


def _check_scheduled_in_real_time(context: CheckContext) -> None:
    """Schedule by the server's clock as its Date headers show it; without them by the own one, with a tolerance."""
    response = context.overage(context.own)
    difference = compute_clock_difference(response.raw, context.run_clock.now())
    tolerance = CLOCK_TOLERANCE if difference is None else _DATE_TOLERANCE
    ahead = timedelta(seconds=difference or 0)
    due = context.run_clock.now().astimezone(CHINA) - ahead + timedelta(seconds=context.pace.schedule + tolerance)
    response = context.send(context.own, sendTime=f"{due:%Y-%m-%d %H:%M:%S}")
    task = expect_accepted(response)
    for _ in context.poll(context.pace.schedule):
        early = context.status(context.own)
        is_reported = any(item.get("taskid") == task for item in early.get_items("statusbox"))
        if context.run_clock.now().astimezone(CHINA) - ahead < due - timedelta(seconds=tolerance):
            expect(not is_reported, early, f"no report of task {task} before {due:%H:%M:%S}")
        elif is_reported:
            return
    for _ in context.poll(tolerance):
        if context.run_clock.now().astimezone(CHINA) - ahead >= due:
            break
    reports = context.fetch_task_reports(context.own, task, 1)
    expect(len(reports) == 1, response, f"a report of task {task} after {due:%H:%M:%S}", "none")


@checks("1.2-extno")
def _an_extno_of_up_to_ten_digits_is_returned(context: CheckContext) -> None:
    def check_returned(extno: str) -> None:
        account = context.create_account()
        response = context.send(account, "10000000030" if context.is_sandboxed else "", extno=extno)
        is_refused = response.get_element("returnstatus") == "Faild" and not context.is_sandboxed
        if is_refused and extno == extnos[0] and not context.balance.cannot_pay(response.request):
            raise NotExercised("a send with an extno is refused: perhaps the channel has no extno (1.2)")
        task = expect_accepted(response)
        items = context.fetch_task_reports(account, task, 1)
        if context.is_sandboxed:
            items += context.fetch_replies(account, 1)
        else:
            items += [item for item in context.call(account).get_items("callbox") if item.get("taskid") == task]
        for item in items:
            expect(item.get("extno") == extno, response, f"extno {extno}", f"extno {item.get('extno')!r}")

    extnos = "01", "0123456789"
    for extno in extnos:
        check_returned(extno)
    context.for_all_if_sandboxed(check_returned, EXTNO)


@checks("1.2-extno-invalid")
def _no_report_has_an_extno_of_eleven_digits_or_letters(context: CheckContext) -> None:
    """A vendor may refuse the send, or send without the extno or with a part of it."""
    account = context.create_account()
    for extno in ("12345678901", "12a"):
        response = context.send(account, extno=extno)
        if response.get_element("returnstatus") == "Success":
            for item in context.fetch_task_reports(account, expect_accepted(response), 1):
                actual = item.get("extno", "")
                expect(bool(EXTNO_PATTERN.fullmatch(actual)), response, "no report with this extno", f"extno {actual}")


@checks("1.2-action")
def _another_action_sends_nothing(context: CheckContext) -> None:
    account = context.create_account()
    for endpoint in SEND_ENDPOINTS if context.is_sandboxed else (UTF8,):
        response = context.send(account, endpoint=endpoint, action="nothing")
        expect(response.get_element("returnstatus") != "Success", response, "no accepted send")


@checks("R10-action")
def _the_action_is_case_sensitive(context: CheckContext) -> None:
    account = context.create_account()

    def check_refused(endpoint: str, action: str) -> None:
        response = context.send(account, endpoint=endpoint, action=action)
        expect_document(response, SEND_REFUSED, message=OTHER_ERROR)

    for action in ("Send", "send ", "sends", ""):
        check_refused(UTF8, action)
    context.for_all(check_refused, SEND_ENDPOINT, invalid_actions(*SEND_ACTIONS))
    invalid = {"sign": INVALID_SIGN}
    expect_message(context.send(account, action="sends", **invalid), WRONG_CREDENTIALS)
    expect_message(context.send(account, action="sends", **invalid, timestamp=""), EMPTY_CREDENTIALS)
