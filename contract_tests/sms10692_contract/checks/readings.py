"""The readings: what the manual leaves open, as `fixtures/readings.md` has it.

Here belong those that are no matter of placing parameters, of money or of the queues.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import (
    BLANKS,
    COUNT,
    CREDENTIAL,
    HANDSET,
    INJECTIONS,
    NO_EXTNO,
    NO_HANDSET,
    NO_INJECTIONS,
    NO_SEND_TIME,
    PAGE,
    PAST,
    TEXT,
    UNKNOWN_USERIDS,
    any_timestamp,
    numbers,
)
from sms10692_contract.expected import (
    CHECKKEYWORD,
    EMPTY,
    FORBIDDEN,
    FOUND,
    NO_CONTENT,
    NO_MOBILE,
    NOT_ALLOWED,
    NOT_FOUND,
    OTHER,
    PARAMETER,
    SEND_REFUSED,
    SQL,
    TOO_MUCH,
    WRONG,
    ParsedAnswer,
    escaped,
)
from sms10692_contract.harness import CheckContext, expect, expect_document, expect_message, expect_sent, message_of
from sms10692_contract.requests import CALL, FORM, GBK, STATUS, UTF8, form, unicode_escapes, with_body
from sms10692_contract.safety import INVALID_SIGN

ECHO: Final = CHECKKEYWORD.replace(" <message>", " <returnstatus>Success</returnstatus>\n <message>").replace(
    "</message>", "</message>\n <checkCounts>{text}</checkCounts>"
)
"""A13: what newer servers answer to checkkeyword; it shows how a text was read, and how it is written."""


@checks("R1-send")
def _a_send_is_checked_in_this_order(lab: CheckContext) -> None:
    """A send with everything wrong; what it is refused for is put right, step by step."""
    account = lab.account(points=0)
    right = account.credentials()
    for page in (UTF8, GBK):
        wrong = right | {"action": "send", "sign": "", "content": f"' or {lab.forbidden}", "mobile": ",", "extno": "x"}
        steps: tuple[tuple[str, dict[str, str]], ...] = (
            (EMPTY, {"sign": INVALID_SIGN}),
            (SQL, {"content": ""}),
            (WRONG, {"sign": right["sign"]}),
            (NO_MOBILE, {"mobile": "15023239810"}),
            (NO_CONTENT, {"content": lab.forbidden}),
            (FORBIDDEN, {"content": "内容"}),
            (OTHER, {"extno": ""}),
            (TOO_MUCH, {}),
        )
        for message, put_right in steps:
            expect_message(lab.ask(form(page, wrong)), message)
            wrong |= put_right

    def first_of(page: str, injected: bool, faults: Mapping[str, bool]) -> None:
        """Any of these things wrong: it is refused for the first of them."""
        content = "' or 1=1" if injected else " "
        content += lab.forbidden if faults[FORBIDDEN] else "" if faults[NO_CONTENT] else "内容"
        given = right | {"action": "send", "mobile": "15023239810", "content": content}
        given |= {"sign": INVALID_SIGN} if faults[WRONG] else {}
        given |= {"timestamp": ""} if faults[EMPTY] else {}
        given |= {"mobile": ","} if faults[NO_MOBILE] else {}
        given |= {"extno": "x"} if faults[OTHER] else {}
        found = {**faults, SQL: injected, TOO_MUCH: True}
        found[NO_CONTENT] = not content.strip()
        order = (EMPTY, SQL, WRONG, NO_MOBILE, NO_CONTENT, FORBIDDEN, OTHER, TOO_MUCH)
        expect_message(lab.ask(form(page, given)), next(message for message in order if found[message]))

    kinds = st.fixed_dictionaries(
        {message: st.booleans() for message in (EMPTY, WRONG, NO_MOBILE, NO_CONTENT, FORBIDDEN, OTHER)}
    )
    lab.for_all(first_of, PAGE, st.booleans(), kinds)


@checks("R1-queues")
def _the_queues_are_checked_in_this_order(lab: CheckContext) -> None:
    account, allowed = lab.account(may_read_reports=False), lab.account()
    for page in (STATUS, CALL):
        expect_message(lab.post(account, page, action="x", sign=""), EMPTY)
        expect_message(lab.post(account, page, action="x", sign=INVALID_SIGN), WRONG)
        expect_message(lab.post(account, page, action="x", statusNum="0"), NOT_ALLOWED)
        expect_message(lab.post(allowed, page, action="x"), PARAMETER)

    def first_of(page: str, empty: bool, wrong: bool, forbidden: bool) -> None:
        given = {"action": "x"} | ({"sign": INVALID_SIGN} if wrong else {}) | ({"timestamp": ""} if empty else {})
        order = ((empty, EMPTY), (wrong, WRONG), (forbidden, NOT_ALLOWED), (True, PARAMETER))
        answer = lab.post(account if forbidden else allowed, page, **given)
        expect_message(answer, next(message for holds_, message in order if holds_))

    lab.for_all(first_of, st.sampled_from([STATUS, CALL]), st.booleans(), st.booleans(), st.booleans())


@checks("R2-blank")
def _a_blank_credential_is_empty(lab: CheckContext) -> None:
    for name in ("userid", "timestamp", "sign"):
        for blank in ("", " ", "\t\r\n", "\u3000"):
            answer = lab.ask(form(UTF8, lab.own.credentials() | {"action": "overage", name: blank}))
            expect_message(answer, EMPTY)
        left = {key: value for key, value in lab.own.credentials().items() if key != name}
        expect_message(lab.ask(form(UTF8, left | {"action": "overage"})), EMPTY)

    def empty(page: str, name: str, blank: str) -> None:
        answer = lab.ask(form(page, lab.own.credentials() | {"action": "overage", name: blank}))
        expect_message(answer, EMPTY)

    lab.for_all(empty, PAGE, CREDENTIAL, BLANKS)


@checks("R4")
def _the_signature_is_over_utf8_and_on_the_gbk_page_over_gbk_too(lab: CheckContext) -> None:
    def signed(page: str, charset: str, timestamp: str) -> None:
        accepted = page == GBK or charset == "utf-8" or timestamp.isascii()
        answer = lab.ask(form(page, lab.own.credentials(timestamp, charset) | {"action": "overage"}))
        expect(message_of(answer) == ("" if accepted else WRONG), answer, "accepted" if accepted else WRONG)

    for page in (UTF8, GBK):
        for charset in ("utf-8", "gbk"):
            signed(page, charset, "昨天")
    lab.for_all(signed, PAGE, st.sampled_from(["utf-8", "gbk"]), any_timestamp(GBK))


@checks("Q14")
def _a_chinese_account_name_is_signed_over_its_utf8_bytes(lab: CheckContext) -> None:
    def signed(name: str) -> None:
        account = lab.account(account=name)
        for page in (UTF8, GBK):
            answer = lab.overage(account, page)
            expect(message_of(answer) == "", answer, "accepted")
            expect_message(lab.overage(replace(account, account=f"{name}家"), page), WRONG)

    signed("商家")
    lab.for_all(signed, st.text("商家客户abc", min_size=1, max_size=6), examples=lab.few_examples)


@checks("R5-trimmed")
def _white_space_around_numbers_is_dropped(lab: CheckContext) -> None:
    account = lab.account()
    answer = lab.send(account, " 15023239810 ,, ,\t13527576163,")
    expect_sent(answer, 2)
    told = [box.get("mobile") for box in lab.reports(account, 2)]
    expect(told == ["15023239810", "13527576163"], answer, "reports of both numbers", f"{told}")
    expect_sent(lab.send(account, "15023239810，13527576163"), 1)

    def split(given: list[tuple[str, str, str]]) -> None:
        account = lab.account()
        wanted = [number for _, number, _ in given]
        answer = lab.send(account, ",".join(f"{before}{number}{after}" for before, number, after in given))
        expect_sent(answer, len(wanted))
        told = [box.get("mobile") for box in lab.reports(account, len(wanted))]
        expect(told == wanted, answer, f"reports of {wanted}", f"{told}")

    blanks = st.text(" \t,", max_size=3)
    lab.for_all(split, st.lists(st.tuples(blanks, HANDSET, blanks), min_size=1, max_size=4), examples=lab.few_examples)


@checks("R5-none")
def _no_number_left_is_empty(lab: CheckContext) -> None:
    account = lab.account()

    def refused(page: str, mobile: str) -> None:
        answer = lab.post(account, page, action="send", mobile=mobile, content="内容")
        expect_message(answer, NO_MOBILE)

    for mobile in (" ", ",", " , ,,"):
        refused(UTF8, mobile)
    lab.for_all(refused, PAGE, UNKNOWN_USERIDS)


@checks("R5-no-handset")
def _what_is_no_mobile_number_is_charged_and_not_delivered(lab: CheckContext) -> None:
    def undelivered(number: str) -> None:
        account = lab.account(points=5)
        answer = lab.send(account, number)
        expect_sent(answer, 1)
        expect(answer.number("remainpoint") == 4, answer, "remainpoint 4")
        told = [(box.get("mobile"), box.get("status"), box.get("errorcode")) for box in lab.reports(account, 1)]
        expect(told == [(number, "20", "UNDELIV")], answer, f"{number} reported 20, UNDELIV", f"{told}")

    for number in ("10086", "25023239810", "150232398100", "+8615023239810", "1502323981x"):
        undelivered(number)
    lab.for_all(undelivered, NO_HANDSET, examples=lab.few_examples)


@checks("R8-injections")
def _an_injection_is_refused(lab: CheckContext) -> None:
    account = lab.account()
    injections = ("x'AND y", "a'--", "';", "1 UNION  SELECT 2", "x;drop table t", ";Delete", ";insert", ";update")

    def refused(page: str, content: str) -> None:
        expect_message(lab.send(account, content=content, page=page), SQL)

    for content in (*injections, "exec(1)", "xp_cmdshell", "'or 1"):
        refused(UTF8, content)
    lab.for_all(refused, PAGE, INJECTIONS, examples=2 * lab.profile.examples)


@checks("R8-ordinary")
def _an_ordinary_sentence_is_no_injection(lab: CheckContext) -> None:
    account = lab.account()
    sentences = (
        "Please select a seat",
        "update: the union will select",
        "it's ours",
        "'order'",
        "drop in; update later",
    )

    def sent(page: str, content: str) -> None:
        expect_sent(lab.send(account, content=content, page=page), 1)

    for content in (*sentences, "exp_date", "executive"):
        sent(UTF8, content)
    lab.for_all(sent, PAGE, NO_INJECTIONS)


@checks("R9-extno")
def _any_other_extno_is_refused(lab: CheckContext) -> None:
    account = lab.account()

    def refused(extno: str) -> None:
        expect_message(lab.send(account, extno=extno), OTHER)

    for extno in ("01234567890", "1a", "-1", "１", " 1", "1\n"):
        refused(extno)
    lab.for_all(refused, NO_EXTNO)

    def sent(blank: str) -> None:
        expect_sent(lab.send(account, extno=blank), 1)

    lab.for_all(sent, BLANKS)


@checks("R9-sendTime")
def _any_other_send_time_is_refused(lab: CheckContext) -> None:
    account = lab.account()

    def refused(send_time: str) -> None:
        expect_message(lab.send(account, sendTime=send_time), OTHER)

    others = ("2011-02-30 09:08:10", "2010-10-24", "2010-10-24T09:08:10", "20101024090810", "2010-1-4 9:08:10")
    for send_time in (*others, "2010-10-24 24:00:00", "0000-01-01 00:00:00", "明天"):
        refused(send_time)
    lab.for_all(refused, NO_SEND_TIME, examples=2 * lab.profile.examples)


@checks("R9-past")
def _a_past_send_time_is_now(lab: CheckContext) -> None:
    def sent(send_time: str) -> None:
        account = lab.frozen_account()
        started = f"{lab.now(account):%Y-%m-%d %H:%M:%S}"
        answer = lab.send(account, sendTime=send_time)
        expect_sent(answer, 1)
        reports = lab.reports(account, 1)
        told = reports[0].get("receivetime", "") if reports else "no report"
        expect(started <= told < "9", answer, f"a report of {started} or after", told)

    sent("2010-10-24 09:08:10")
    lab.for_all(sent, PAST, examples=lab.few_examples)


@checks("R9-charged")
def _a_scheduled_message_is_charged_at_once(lab: CheckContext) -> None:
    def charged(minutes: int, count: int) -> None:
        account = lab.frozen_account(points=10)
        due = lab.now(account) + timedelta(minutes=minutes)
        answer = lab.send(account, ",".join(numbers(count)), sendTime=f"{due:%Y-%m-%d %H:%M:%S}")
        expect_sent(answer, count)
        told, left = (answer.number("remainpoint"), lab.balance(account)), 10 - count
        expect(told == (left, left), answer, f"{left} points left at once", f"{told}")

    charged(3 * 24 * 60, 1)
    lab.for_all(charged, st.integers(1, 60 * 24 * 400), COUNT, examples=lab.few_examples)


@checks("R12")
def _receivetime_of_a_scheduled_message_is_its_time(lab: CheckContext) -> None:
    def told_at(seconds: int) -> None:
        account = lab.frozen_account()
        due = lab.now(account).replace(microsecond=0) + timedelta(seconds=seconds)
        answer = lab.send(account, sendTime=f"{due:%Y-%m-%d %H:%M:%S}")
        expect_sent(answer, 1)
        lab.clock.advance(account.userid, seconds + 200)
        told = lab.status(account).element("receivetime")
        allowed = {f"{due + timedelta(seconds=late):%Y-%m-%d %H:%M:%S}" for late in range(180)}
        expect(told in allowed, answer, f"a receivetime of {due:%Y-%m-%d %H:%M:%S} in China, or a little later", told)

    told_at(7 * 3600)
    lab.for_all(told_at, st.integers(60, 86400 * 400), examples=lab.few_examples)


@checks("R13-refusals")
def _eight_numbers_refuse_the_send(lab: CheckContext) -> None:
    messages = (EMPTY, SQL, WRONG, NO_MOBILE, NO_CONTENT, FORBIDDEN, TOO_MUCH, OTHER)
    account = lab.account(points=0)

    def refused(before: list[str], places: list[int]) -> None:
        given = [*before, *(f"1000000000{place}" for place in places)]
        expect_document(lab.send(account, ",".join(given)), SEND_REFUSED, message=messages[places[0] - 1])

    for place in range(1, 9):
        refused(["15023239810"], [place, 8])
    places = st.lists(st.integers(1, 8), min_size=1, max_size=3)
    lab.for_all(refused, st.lists(HANDSET, max_size=3), places, examples=lab.few_examples)


@checks("R13-silent")
def _one_number_is_never_reported(lab: CheckContext) -> None:
    account = lab.account()
    answer = lab.send(account, "10000000022")
    expect_sent(answer, 1)
    lab.clock.advance(account.userid, 365 * 86400)
    expect("<statusbox>" not in lab.status(account).text, answer, "no report in a year", "a report")


@checks("R13-late")
def _one_number_is_reported_30_seconds_late(lab: CheckContext) -> None:
    account = lab.frozen_account()
    answer = lab.send(account, "10000000023,13000000001")
    expect_sent(answer, 2)
    first = lab.status(account)
    if first.boxes("statusbox"):
        lab.clock.advance(account.userid, 28)
        early = lab.status(account)
        expect("<statusbox>" not in early.text, early, "no report of 10000000023 in the first 28 seconds")
    told = [*first.boxes("statusbox"), *lab.reports(account, 2 - len(first.boxes("statusbox")))]
    expect([box.get("mobile") for box in told] == ["13000000001", "10000000023"], answer, "10000000023 last", f"{told}")


@checks("R17-unencodable")
def _what_gbk_lacks_is_a_decimal_reference(lab: CheckContext) -> None:
    account = lab.account(dialect="observed")
    pairs = account.credentials() | {"action": "checkkeyword", "content": "CONTENT"}
    answer = lab.ask(form(GBK, pairs | {"content": "好ˉ"}))
    expect(answer.element("checkCounts") == "好ˉ", answer, "checkCounts 好ˉ")
    request = form(GBK, pairs)
    body = request.body.replace(b"CONTENT", b"%80%ud83d%ude00")
    answer = lab.ask(with_body(request, body, FORM))
    expect(answer.element("checkCounts") == "&#8364;&#128512;", answer, "checkCounts &#8364;&#128512;")

    def echoed(text: str) -> None:
        request = form(GBK, pairs)
        answer = lab.ask(with_body(request, request.body.replace(b"CONTENT", unicode_escapes(text)), FORM))
        _echoed(answer, escaped(text))

    lab.for_all(echoed, TEXT[UTF8])


def _echoed(answer: ParsedAnswer, text: str) -> None:
    message = message_of(answer)
    expect_document(answer, ECHO, message=message, text=text)


@checks("R17-escapes")
def _markup_in_a_text_is_escaped(lab: CheckContext) -> None:
    account = lab.account(dialect="observed")
    answer = lab.checkkeyword(account, "<a>&\"'\r\n")
    expect(
        "<checkCounts>&lt;a&gt;&amp;\"'&#13;\n</checkCounts>" in answer.text,
        answer,
        "&lt;a&gt;&amp;\"'&#13; and a line feed",
    )
    answer = lab.checkkeyword(account, "a\x00b\x0bc")
    expect(answer.element("checkCounts") == "abc", answer, "checkCounts abc: the rest is no XML")

    def echoed(page: str, text: str) -> None:
        _echoed(lab.checkkeyword(account, text, page), escaped(text))

    lab.for_all(echoed, PAGE, st.text("<>&\"'\r\n\t\x00\x0b\x1fa内;#", max_size=12))


@checks("R18")
def _a_text_of_white_space_is_empty(lab: CheckContext) -> None:
    account = lab.account()

    def refused(page: str, content: str) -> None:
        expect_message(lab.send(account, content=content, page=page), NO_CONTENT)

    lab.for_all(refused, PAGE, BLANKS)


@checks("A13")
def _newer_servers_answer_checkkeyword_with_the_text(lab: CheckContext) -> None:
    account = lab.account(dialect="observed")

    def echoed(page: str, before: str, word: str, after: str) -> None:
        text = before + word + after
        message = FOUND if word else NOT_FOUND
        expect_document(lab.checkkeyword(account, text, page), ECHO, message=message, text=escaped(text))

    for page in (UTF8, GBK):
        echoed(page, "内容", "", "")
        texts = TEXT[page]
        lab.for_all(echoed, st.just(page), texts, st.sampled_from(["", lab.forbidden]), texts)


@checks("A14")
def _newer_servers_refuse_overage_in_the_elements_of_send(lab: CheckContext) -> None:
    answer = lab.overage(lab.account(dialect="observed"), sign=INVALID_SIGN)
    expect_document(answer, SEND_REFUSED, message=WRONG)


@checks("A12")
def _newer_servers_have_errorcode_and_extno_in_cdata(lab: CheckContext) -> None:
    account = lab.account(dialect="observed")
    task = expect_sent(lab.send(account, extno="01"), 1)
    answer = lab.fetch_due_reports(account, task)
    box = (answer.boxes("statusbox") or [{}])[0]
    told = box.get("errorcode"), box.get("extno")
    expect(told == ("<![CDATA[DELIVRD]]>", "<![CDATA[01]]>"), answer, "errorcode and extno in CDATA")
