"""Checks of the readings of `fixtures/readings.md`, except those about encodings, prices and queues."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import (
    BLANK,
    CREDENTIAL_NAME,
    EMPTY_MOBILE_LIST,
    HARMLESS_TEXT,
    INJECTION,
    INVALID_EXTNO,
    INVALID_MOBILE,
    INVALID_SEND_TIME,
    MOBILE,
    MOBILE_COUNT,
    PAST_SEND_TIME,
    SEND_ENDPOINT,
    TEXT,
    any_timestamp,
    build_mobiles,
)
from sms10692_contract.expectations import expect, expect_document, expect_message, expect_sent, get_message
from sms10692_contract.expected import (
    CHECKKEYWORD,
    EMPTY_CONTENT,
    EMPTY_CREDENTIALS,
    EMPTY_MOBILE,
    FORBIDDEN_CONTENT,
    INSUFFICIENT_BALANCE,
    INVALID_PARAMETER,
    NO_WORD_FOUND,
    OTHER_ERROR,
    QUEUES_DENIED,
    SEND_REFUSED,
    SQL_INJECTION,
    WORD_FOUND,
    WRONG_CREDENTIALS,
    ParsedResponse,
    escape_text,
)
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import CALL, FORM, GBK, STATUS, UTF8, build_form, escape_unicode, replace_body
from sms10692_contract.safety import INVALID_SIGN

ECHO: Final = CHECKKEYWORD.replace(" <message>", " <returnstatus>Success</returnstatus>\n <message>").replace(
    "</message>", "</message>\n <checkCounts>{text}</checkCounts>"
)
"""Response of newer servers to checkkeyword (A13). It repeats the text, which shows how the text was decoded."""


@checks("R1-send")
def _a_send_is_checked_in_this_order(context: CheckContext) -> None:
    """Start with every mistake in one send, and correct the reported mistake step by step."""
    account = context.create_account(points=0)
    credentials = account.credentials()
    for endpoint in (UTF8, GBK):
        wrong = credentials | {
            "action": "send",
            "sign": "",
            "content": f"' or {context.forbidden}",
            "mobile": ",",
            "extno": "x",
        }
        steps: tuple[tuple[str, dict[str, str]], ...] = (
            (EMPTY_CREDENTIALS, {"sign": INVALID_SIGN}),
            (SQL_INJECTION, {"content": ""}),
            (WRONG_CREDENTIALS, {"sign": credentials["sign"]}),
            (EMPTY_MOBILE, {"mobile": "15023239810"}),
            (EMPTY_CONTENT, {"content": context.forbidden}),
            (FORBIDDEN_CONTENT, {"content": "内容"}),
            (OTHER_ERROR, {"extno": ""}),
            (INSUFFICIENT_BALANCE, {}),
        )
        for message, correction in steps:
            expect_message(context.exchange(build_form(endpoint, wrong)), message)
            wrong |= correction

    def check_first_mistake(endpoint: str, injected: bool, mistakes: Mapping[str, bool]) -> None:
        """A send with any combination of mistakes is refused for the first of them."""
        content = "' or 1=1" if injected else " "
        content += context.forbidden if mistakes[FORBIDDEN_CONTENT] else "" if mistakes[EMPTY_CONTENT] else "内容"
        fields = credentials | {"action": "send", "mobile": "15023239810", "content": content}
        fields |= {"sign": INVALID_SIGN} if mistakes[WRONG_CREDENTIALS] else {}
        fields |= {"timestamp": ""} if mistakes[EMPTY_CREDENTIALS] else {}
        fields |= {"mobile": ","} if mistakes[EMPTY_MOBILE] else {}
        fields |= {"extno": "x"} if mistakes[OTHER_ERROR] else {}
        found = {**mistakes, SQL_INJECTION: injected, INSUFFICIENT_BALANCE: True}
        found[EMPTY_CONTENT] = not content.strip()
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
            context.exchange(build_form(endpoint, fields)), next(message for message in order if found[message])
        )

    kinds = st.fixed_dictionaries(
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
    context.for_all(check_first_mistake, SEND_ENDPOINT, st.booleans(), kinds)


@checks("R1-queues")
def _the_queues_are_checked_in_this_order(context: CheckContext) -> None:
    account, allowed = context.create_account(may_read_reports=False), context.create_account()
    for endpoint in (STATUS, CALL):
        expect_message(context.post(account, endpoint, action="x", sign=""), EMPTY_CREDENTIALS)
        expect_message(context.post(account, endpoint, action="x", sign=INVALID_SIGN), WRONG_CREDENTIALS)
        expect_message(context.post(account, endpoint, action="x", statusNum="0"), QUEUES_DENIED)
        expect_message(context.post(allowed, endpoint, action="x"), INVALID_PARAMETER)

    def check_first_mistake(endpoint: str, empty: bool, wrong: bool, forbidden: bool) -> None:
        fields = {"action": "x"} | ({"sign": INVALID_SIGN} if wrong else {}) | ({"timestamp": ""} if empty else {})
        order = (
            (empty, EMPTY_CREDENTIALS),
            (wrong, WRONG_CREDENTIALS),
            (forbidden, QUEUES_DENIED),
            (True, INVALID_PARAMETER),
        )
        response = context.post(account if forbidden else allowed, endpoint, **fields)
        expect_message(response, next(message for holds_, message in order if holds_))

    context.for_all(check_first_mistake, st.sampled_from([STATUS, CALL]), st.booleans(), st.booleans(), st.booleans())


@checks("R2-blank")
def _a_blank_credential_is_empty(context: CheckContext) -> None:
    for name in ("userid", "timestamp", "sign"):
        for blank in ("", " ", "\t\r\n", "\u3000"):
            response = context.exchange(
                build_form(UTF8, context.own.credentials() | {"action": "overage", name: blank})
            )
            expect_message(response, EMPTY_CREDENTIALS)
        left = {key: value for key, value in context.own.credentials().items() if key != name}
        expect_message(context.exchange(build_form(UTF8, left | {"action": "overage"})), EMPTY_CREDENTIALS)

    def empty(endpoint: str, name: str, blank: str) -> None:
        response = context.exchange(
            build_form(endpoint, context.own.credentials() | {"action": "overage", name: blank})
        )
        expect_message(response, EMPTY_CREDENTIALS)

    context.for_all(empty, SEND_ENDPOINT, CREDENTIAL_NAME, BLANK)


@checks("R4")
def _the_signature_is_over_utf8_and_on_the_gbk_page_over_gbk_too(context: CheckContext) -> None:
    def signed(endpoint: str, charset: str, timestamp: str) -> None:
        accepted = endpoint == GBK or charset == "utf-8" or timestamp.isascii()
        response = context.exchange(
            build_form(endpoint, context.own.credentials(timestamp, charset) | {"action": "overage"})
        )
        expect(
            get_message(response) == ("" if accepted else WRONG_CREDENTIALS),
            response,
            "accepted" if accepted else WRONG_CREDENTIALS,
        )

    for endpoint in (UTF8, GBK):
        for charset in ("utf-8", "gbk"):
            signed(endpoint, charset, "昨天")
    context.for_all(signed, SEND_ENDPOINT, st.sampled_from(["utf-8", "gbk"]), any_timestamp(GBK))


@checks("Q14")
def _a_chinese_account_name_is_signed_over_its_utf8_bytes(context: CheckContext) -> None:
    def signed(name: str) -> None:
        account = context.create_account(account=name)
        for endpoint in (UTF8, GBK):
            response = context.overage(account, endpoint)
            expect(get_message(response) == "", response, "accepted")
            expect_message(context.overage(replace(account, account=f"{name}家"), endpoint), WRONG_CREDENTIALS)

    signed("商家")
    context.for_all(signed, st.text("商家客户abc", min_size=1, max_size=6), examples=context.few_examples)


@checks("R5-trimmed")
def _white_space_around_numbers_is_dropped(context: CheckContext) -> None:
    account = context.create_account()
    response = context.send(account, " 15023239810 ,, ,\t13527576163,")
    expect_sent(response, 2)
    actual = [item.get("mobile") for item in context.fetch_reports(account, 2)]
    expect(actual == ["15023239810", "13527576163"], response, "reports of both numbers", f"{actual}")
    expect_sent(context.send(account, "15023239810，13527576163"), 1)

    def check_split(fields: list[tuple[str, str, str]]) -> None:
        account = context.create_account()
        mobiles = [number for _, number, _ in fields]
        response = context.send(account, ",".join(f"{before}{number}{after}" for before, number, after in fields))
        expect_sent(response, len(mobiles))
        actual = [item.get("mobile") for item in context.fetch_reports(account, len(mobiles))]
        expect(actual == mobiles, response, f"reports of {mobiles}", f"{actual}")

    blanks = st.text(" \t,", max_size=3)
    context.for_all(
        check_split, st.lists(st.tuples(blanks, MOBILE, blanks), min_size=1, max_size=4), examples=context.few_examples
    )


@checks("R5-none")
def _no_number_left_is_empty(context: CheckContext) -> None:
    account = context.create_account()

    def check_refused(endpoint: str, mobile: str) -> None:
        response = context.post(account, endpoint, action="send", mobile=mobile, content="内容")
        expect_message(response, EMPTY_MOBILE)

    for mobile in (" ", ",", " , ,,"):
        check_refused(UTF8, mobile)
    context.for_all(check_refused, SEND_ENDPOINT, EMPTY_MOBILE_LIST)


@checks("R5-no-handset")
def _what_is_no_mobile_number_is_charged_and_not_delivered(context: CheckContext) -> None:
    def check_undelivered(number: str) -> None:
        account = context.create_account(points=5)
        response = context.send(account, number)
        expect_sent(response, 1)
        expect(response.get_number("remainpoint") == 4, response, "remainpoint 4")
        actual = [
            (item.get("mobile"), item.get("status"), item.get("errorcode"))
            for item in context.fetch_reports(account, 1)
        ]
        expect(actual == [(number, "20", "UNDELIV")], response, f"{number} reported 20, UNDELIV", f"{actual}")

    for number in ("10086", "25023239810", "150232398100", "+8615023239810", "1502323981x"):
        check_undelivered(number)
    context.for_all(check_undelivered, INVALID_MOBILE, examples=context.few_examples)


@checks("R8-injections")
def _an_injection_is_refused(context: CheckContext) -> None:
    account = context.create_account()
    injections = ("x'AND y", "a'--", "';", "1 UNION  SELECT 2", "x;drop table t", ";Delete", ";insert", ";update")

    def check_refused(endpoint: str, content: str) -> None:
        expect_message(context.send(account, content=content, endpoint=endpoint), SQL_INJECTION)

    for content in (*injections, "exec(1)", "xp_cmdshell", "'or 1"):
        check_refused(UTF8, content)
    context.for_all(check_refused, SEND_ENDPOINT, INJECTION, examples=2 * context.effort.examples)


@checks("R8-ordinary")
def _an_ordinary_sentence_is_no_injection(context: CheckContext) -> None:
    account = context.create_account()
    sentences = (
        "Please select a seat",
        "update: the union will select",
        "it's ours",
        "'order'",
        "drop in; update later",
    )

    def sent(endpoint: str, content: str) -> None:
        expect_sent(context.send(account, content=content, endpoint=endpoint), 1)

    for content in (*sentences, "exp_date", "executive"):
        sent(UTF8, content)
    context.for_all(sent, SEND_ENDPOINT, HARMLESS_TEXT)


@checks("R9-extno")
def _any_other_extno_is_refused(context: CheckContext) -> None:
    account = context.create_account()

    def check_refused(extno: str) -> None:
        expect_message(context.send(account, extno=extno), OTHER_ERROR)

    for extno in ("01234567890", "1a", "-1", "１", " 1", "1\n"):
        check_refused(extno)
    context.for_all(check_refused, INVALID_EXTNO)

    def sent(blank: str) -> None:
        expect_sent(context.send(account, extno=blank), 1)

    context.for_all(sent, BLANK)


@checks("R9-sendTime")
def _any_other_send_time_is_refused(context: CheckContext) -> None:
    account = context.create_account()

    def check_refused(send_time: str) -> None:
        expect_message(context.send(account, sendTime=send_time), OTHER_ERROR)

    others = ("2011-02-30 09:08:10", "2010-10-24", "2010-10-24T09:08:10", "20101024090810", "2010-1-4 9:08:10")
    for send_time in (*others, "2010-10-24 24:00:00", "0000-01-01 00:00:00", "明天"):
        check_refused(send_time)
    context.for_all(check_refused, INVALID_SEND_TIME, examples=2 * context.effort.examples)


@checks("R9-past")
def _a_past_send_time_is_now(context: CheckContext) -> None:
    def sent(send_time: str) -> None:
        account = context.create_frozen_account()
        started = f"{context.read_clock(account):%Y-%m-%d %H:%M:%S}"
        response = context.send(account, sendTime=send_time)
        expect_sent(response, 1)
        reports = context.fetch_reports(account, 1)
        actual = reports[0].get("receivetime", "") if reports else "no report"
        expect(started <= actual < "9", response, f"a report of {started} or after", actual)

    sent("2010-10-24 09:08:10")
    context.for_all(sent, PAST_SEND_TIME, examples=context.few_examples)


@checks("R9-charged")
def _a_scheduled_message_is_charged_at_once(context: CheckContext) -> None:
    def check_charged(minutes: int, count: int) -> None:
        account = context.create_frozen_account(points=10)
        due = context.read_clock(account) + timedelta(minutes=minutes)
        response = context.send(account, ",".join(build_mobiles(count)), sendTime=f"{due:%Y-%m-%d %H:%M:%S}")
        expect_sent(response, count)
        actual, left = (response.get_number("remainpoint"), context.query_balance(account)), 10 - count
        expect(actual == (left, left), response, f"{left} points left at once", f"{actual}")

    check_charged(3 * 24 * 60, 1)
    context.for_all(check_charged, st.integers(1, 60 * 24 * 400), MOBILE_COUNT, examples=context.few_examples)


@checks("R12")
def _receivetime_of_a_scheduled_message_is_its_time(context: CheckContext) -> None:
    def check_receivetime(seconds: int) -> None:
        account = context.create_frozen_account()
        due = context.read_clock(account).replace(microsecond=0) + timedelta(seconds=seconds)
        response = context.send(account, sendTime=f"{due:%Y-%m-%d %H:%M:%S}")
        expect_sent(response, 1)
        context.clock.advance(account.userid, seconds + 200)
        actual = context.status(account).get_element("receivetime")
        allowed = {f"{due + timedelta(seconds=late):%Y-%m-%d %H:%M:%S}" for late in range(180)}
        expect(
            actual in allowed, response, f"a receivetime of {due:%Y-%m-%d %H:%M:%S} in China, or a little later", actual
        )

    check_receivetime(7 * 3600)
    context.for_all(check_receivetime, st.integers(60, 86400 * 400), examples=context.few_examples)


@checks("R13-refusals")
def _eight_numbers_refuse_the_send(context: CheckContext) -> None:
    messages = (
        EMPTY_CREDENTIALS,
        SQL_INJECTION,
        WRONG_CREDENTIALS,
        EMPTY_MOBILE,
        EMPTY_CONTENT,
        FORBIDDEN_CONTENT,
        INSUFFICIENT_BALANCE,
        OTHER_ERROR,
    )
    account = context.create_account(points=0)

    def check_refused(before: list[str], digits: list[int]) -> None:
        fields = [*before, *(f"1000000000{digit}" for digit in digits)]
        expect_document(context.send(account, ",".join(fields)), SEND_REFUSED, message=messages[digits[0] - 1])

    for digit in range(1, 9):
        check_refused(["15023239810"], [digit, 8])
    digits = st.lists(st.integers(1, 8), min_size=1, max_size=3)
    context.for_all(check_refused, st.lists(MOBILE, max_size=3), digits, examples=context.few_examples)


@checks("R13-silent")
def _one_number_is_never_reported(context: CheckContext) -> None:
    account = context.create_account()
    response = context.send(account, "10000000022")
    expect_sent(response, 1)
    context.clock.advance(account.userid, 365 * 86400)
    expect("<statusbox>" not in context.status(account).text, response, "no report in a year", "a report")


@checks("R13-late")
def _one_number_is_reported_30_seconds_late(context: CheckContext) -> None:
    account = context.create_frozen_account()
    response = context.send(account, "10000000023,13000000001")
    expect_sent(response, 2)
    first = context.status(account)
    if first.get_items("statusbox"):
        context.clock.advance(account.userid, 28)
        early = context.status(account)
        expect("<statusbox>" not in early.text, early, "no report of 10000000023 in the first 28 seconds")
    actual = [*first.get_items("statusbox"), *context.fetch_reports(account, 2 - len(first.get_items("statusbox")))]
    expect(
        [item.get("mobile") for item in actual] == ["13000000001", "10000000023"],
        response,
        "10000000023 last",
        f"{actual}",
    )


@checks("R17-unencodable")
def _what_gbk_lacks_is_a_decimal_reference(context: CheckContext) -> None:
    account = context.create_account(dialect="observed")
    pairs = account.credentials() | {"action": "checkkeyword", "content": "CONTENT"}
    response = context.exchange(build_form(GBK, pairs | {"content": "好ˉ"}))
    expect(response.get_element("checkCounts") == "好ˉ", response, "checkCounts 好ˉ")
    request = build_form(GBK, pairs)
    body = request.body.replace(b"CONTENT", b"%80%ud83d%ude00")
    response = context.exchange(replace_body(request, body, FORM))
    expect(response.get_element("checkCounts") == "&#8364;&#128512;", response, "checkCounts &#8364;&#128512;")

    def check_echo(text: str) -> None:
        request = build_form(GBK, pairs)
        response = context.exchange(replace_body(request, request.body.replace(b"CONTENT", escape_unicode(text)), FORM))
        _expect_echo(response, escape_text(text))

    context.for_all(check_echo, TEXT[UTF8])


def _expect_echo(response: ParsedResponse, text: str) -> None:
    message = get_message(response)
    expect_document(response, ECHO, message=message, text=text)


@checks("R17-escapes")
def _markup_in_a_text_is_escaped(context: CheckContext) -> None:
    account = context.create_account(dialect="observed")
    response = context.checkkeyword(account, "<a>&\"'\r\n")
    expect(
        "<checkCounts>&lt;a&gt;&amp;\"'&#13;\n</checkCounts>" in response.text,
        response,
        "&lt;a&gt;&amp;\"'&#13; and a line feed",
    )
    response = context.checkkeyword(account, "a\x00b\x0bc")
    expect(
        response.get_element("checkCounts") == "abc",
        response,
        "checkCounts abc, without the characters that XML does not allow",
    )

    def check_echo(endpoint: str, text: str) -> None:
        _expect_echo(context.checkkeyword(account, text, endpoint), escape_text(text))

    context.for_all(check_echo, SEND_ENDPOINT, st.text("<>&\"'\r\n\t\x00\x0b\x1fa内;#", max_size=12))


@checks("R18")
def _a_text_of_white_space_is_empty(context: CheckContext) -> None:
    account = context.create_account()

    def check_refused(endpoint: str, content: str) -> None:
        expect_message(context.send(account, content=content, endpoint=endpoint), EMPTY_CONTENT)

    context.for_all(check_refused, SEND_ENDPOINT, BLANK)


@checks("A13")
def _newer_servers_answer_checkkeyword_with_the_text(context: CheckContext) -> None:
    account = context.create_account(dialect="observed")

    def check_echo(endpoint: str, before: str, word: str, after: str) -> None:
        text = before + word + after
        message = WORD_FOUND if word else NO_WORD_FOUND
        expect_document(context.checkkeyword(account, text, endpoint), ECHO, message=message, text=escape_text(text))

    for endpoint in (UTF8, GBK):
        check_echo(endpoint, "内容", "", "")
        texts = TEXT[endpoint]
        context.for_all(check_echo, st.just(endpoint), texts, st.sampled_from(["", context.forbidden]), texts)


@checks("A14")
def _newer_servers_refuse_overage_in_the_elements_of_send(context: CheckContext) -> None:
    response = context.overage(context.create_account(dialect="observed"), sign=INVALID_SIGN)
    expect_document(response, SEND_REFUSED, message=WRONG_CREDENTIALS)


@checks("A12")
def _newer_servers_have_errorcode_and_extno_in_cdata(context: CheckContext) -> None:
    account = context.create_account(dialect="observed")
    task = expect_sent(context.send(account, extno="01"), 1)
    response = context.fetch_due_reports(account, task)
    item = (response.get_items("statusbox") or [{}])[0]
    actual = item.get("errorcode"), item.get("extno")
    expect(actual == ("<![CDATA[DELIVRD]]>", "<![CDATA[01]]>"), response, "errorcode and extno in CDATA")
