"""Cases about the requests of a client: signature, charset, parameters, numbers and times."""

import base64
import hashlib
import re
import time
from datetime import datetime, timedelta, timezone
from typing import Final
from urllib.parse import quote, quote_plus
from zoneinfo import ZoneInfo

from sms10692_examine.baseline import is_refused_for_credentials
from sms10692_examine.case_table import VENDOR
from sms10692_examine.cases.registry import case
from sms10692_examine.driver_protocol import Answer
from sms10692_examine.exchange import HttpRequest
from sms10692_examine.findings import find_codes
from sms10692_examine.observations import Observation, Translated, join_texts
from sms10692_examine.session import NUMBER, TEXT, Session
from sms10692_examine.verdicts import CaseFailed, CaseWarning, NotJudged, NotSupported, expect

_MIN_REQUESTS: Final = 25
_LONGER_THAN_A_SECOND: Final = 1.2
_AFTERNOON: Final = 15
_COMMON_HOURS: Final = range(1, 13)
"""Hours that a 12-hour clock shows as a 24-hour clock does."""
_NEAR_SECONDS: Final = 5
"""Most seconds between two readings of the clock for one request."""
_SHOWN: Final = 80
"""Longest text that a verdict shows whole."""

CHINA: Final = timezone(timedelta(hours=8))
_CLOCK_TOLERANCE: Final = 90.0
"""Seconds between the timestamp of a request and the time of its arrival: a slow start is no wrong clock."""


def expect_text(session: Session, content: str, *others: str) -> None:
    """Send a text, and expect that exactly this text, or one of the others, arrives once."""
    answer = session.send(content=content)
    messages = session.vendor.messages()
    if not messages:
        session.rely_on("send")
        kind = CaseWarning if answer.kind == "refused" else CaseFailed
        raise kind("no message arrived for the text {}; the client understood: {}", _shorten(content), answer)
    expect(len(messages) == 1, "{} messages arrived for one send", len(messages))
    arrived = messages[0].content
    expect(arrived in (content, *others), "the text {} arrived as {}", _shorten(content), _shorten(arrived))
    session.expect_accepted(answer, "the message arrived, and the client understood: {}", answer)


def _shorten(text: str) -> str:
    return repr(text) if len(text) <= _SHOWN else f"{text[:20]!r}… ({len(text)} characters)"


def _register_text(name: str, content: str, *others: str) -> None:
    case(name)(lambda session: expect_text(session, content, *others))


for _name, _text in {
    "Q-ampersand": "【商店】A&B&mobile=1",
    "Q-plus": "【商店】C+D=100",
    "Q-percent": "【商店】100% %41 %E4%BD",
    "Q-equals": "【商店】a=b=",
    "Q-hash": "【商店】第#1号#",
    "Q-semicolon": "【商店】甲;乙;",
    "Q-quote": '【商店】他说“好”"',
    "Q-spaces": "【商店】 甲  乙 丙",
    "Q-question": "【商店】好吗?a/b\\c",
    "Q-entity": "【商店】&amp;lt;b&gt;",
    "Q-chinese": "【商店】您的验证码是1234，五分钟内有效。",
}.items():
    _register_text(_name, _text)


@case("Q-newline")
def _line_ends_arrive(session: Session) -> None:
    expect_text(session, "【商店】第一行\n第二行", "【商店】第一行\r\n第二行")


@case("Q-long")
def _a_long_text_arrives_whole(session: Session) -> None:
    session.use_account(points=100_000)
    expect_text(session, "【商店】" + "".join(chr(0x4E00 + index % 900) for index in range(1996)))


@case("Q-missing-character")
def _characters_that_the_charset_lacks_are_not_replaced(session: Session) -> None:
    """Send an emoji and a character that GBK lacks: only the GBK page is a reason to refuse them."""
    content = "【商店】恭喜😀鿏"
    if session.settings.charset == "utf-8":
        expect_text(session, content)
        return
    answer = session.send(content=content)
    messages = session.vendor.messages()
    arrived = [message.content for message in messages]
    expect(arrived in ([], [content]), "the text {!r} arrived as {}", content, arrived)
    if not messages:
        expect(answer.kind in ("refused", "unknown"), "nothing was sent, and the client understood: {}", answer)


@case("Q-timestamp")
def _the_timestamp_is_the_time_in_china(session: Session) -> None:
    _require_signed(session)
    session.send()
    _, difference = _read_timestamp(session)
    expect(
        abs(difference) <= _CLOCK_TOLERANCE,
        "the timestamp differs from the time in China by {:+.2f} h{}",
        difference / 3600,
        _name_clock(difference, session.settings.timezone),
    )


def _name_clock(difference: float, zone: str) -> Observation:
    """Return which clock it is that differs from the time in China by these seconds, or an empty text."""
    china = datetime.now(CHINA)
    clocks = {
        "UTC": Observation(": it is the time of UTC"),
        zone: Observation(": it is the time of the zone {}, in which the driver runs", zone),
    }
    for name, clock in clocks.items():
        offset = china.astimezone(ZoneInfo(name)).utcoffset()
        if offset is not None and abs(offset.total_seconds() - 8 * 3600 - difference) <= _CLOCK_TOLERANCE:
            return clock
    return Observation("")


@case("Q-24-hours")
def _the_timestamp_has_a_24_hour_clock(session: Session) -> None:
    """Ask for a timestamp of an hour at which a 12-hour clock differs: on a clock moved by the client, or now."""
    _require_signed(session)
    now = datetime.now(CHINA)
    hours = (_AFTERNOON - now.hour) % 24 if "clock" in session.claims else 0
    if not hours and now.hour in _COMMON_HOURS:
        raise NotJudged("it is {:%H:%M} in China; a 12-hour clock is seen from 13:00 on, or with the claim clock", now)
    if hours:
        session.vendor.clock.advance(hours * 3600)
        session.configure(clock_offset=hours * 3600)
    session.send()
    timestamp, difference = _read_timestamp(session, hours * 3600)
    expect(
        abs(difference) <= _CLOCK_TOLERANCE, "the timestamp is {}; the hour is {}", timestamp, (now.hour + hours) % 24
    )


def _require_signed(session: Session) -> None:
    if session.settings.authentication != "signed":
        raise NotSupported("the older endpoints have no timestamp")


def _read_timestamp(session: Session, offset: float = 0) -> tuple[str, float]:
    """Return the timestamp of the last request, and the seconds by which it differs from the time in China."""
    timestamp = session.last_fields().get("timestamp", "")
    try:
        if not re.fullmatch("[0-9]{14}", timestamp):  # strptime reads 1796072000 too
            raise ValueError(timestamp)
        time = datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=CHINA)
    except ValueError as error:
        raise CaseFailed(
            "the timestamp is {!r}; expected yyyyMMddHHmmss, 14 digits", timestamp, cause="timestamp-format"
        ) from error
    return timestamp, (time - datetime.now(CHINA)).total_seconds() - offset


@case("Q-one-clock")
def _timestamp_and_signature_are_of_the_same_second(session: Session) -> None:
    """Ask again and again for longer than a second, so that a second ends between two readings of the clock.

    Judged by the signatures alone: what the client makes of the answers is the matter of other cases.
    """
    _require_signed(session)
    started, count = time.monotonic(), 0
    while count < _MIN_REQUESTS or time.monotonic() - started < _LONGER_THAN_A_SECOND:
        count += 1
        if "overage" in session.operations:
            session.ask("overage")
        else:
            session.send(content=f"{TEXT}{count:03}")
    refused = [exchange for exchange in session.exchanges if is_refused_for_credentials(exchange)]
    for exchange in refused:
        _expect_one_second(session, exchange.request)
    if refused:
        raise NotJudged(
            "{} of {} requests were refused with {}, and not for two readings of the clock; see {}",
            len(refused),
            len(session.exchanges),
            VENDOR.credentials_wrong,
            "Q-signature",
        )


def _expect_one_second(session: Session, request: HttpRequest) -> None:
    """Expect that the signature of a refused request is not that of another second near its timestamp."""
    values = {name.lower(): value.decode("latin-1") for name, value in request.parameters()}
    timestamp, sign = values.get("timestamp", ""), values.get("sign", "")
    try:
        stamped = datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=CHINA)
    except ValueError:
        return  # Q-timestamp judges that
    secret = str(session.vendor.credentials["account"]) + str(session.vendor.credentials["password"])
    for seconds in range(-_NEAR_SECONDS, _NEAR_SECONDS + 1):
        other = f"{stamped + timedelta(seconds=seconds):%Y%m%d%H%M%S}"
        signed = hashlib.md5((secret + other).encode(), usedforsecurity=False).hexdigest()
        expect(
            signed != sign or other == timestamp,
            "the timestamp is {}, and sign is that of {}: the clock was read twice",
            timestamp,
            other,
        )


@case("Q-signature")
def _the_signature_is_correct(session: Session) -> None:
    _require_signed(session)
    session.send()
    if is_refused_for_credentials(session.last_exchange()):
        raise CaseFailed(
            "the vendor answered {}. {}",
            VENDOR.credentials_wrong,
            join_texts(session.find_sentences()),
            cause="signature",
        )
    sign = session.last_fields().get("sign", "")
    expect(re.fullmatch("[0-9a-f]{32}", sign) is not None, "sign is {!r}; expected 32 lower-case digits", sign)


@case("Q-no-password")
def _the_password_is_not_sent(session: Session) -> None:
    _require_signed(session)
    session.send()
    raw = b"".join(exchange.request.head + exchange.request.body for exchange in session.exchanges)
    expect(bool(raw), "the client sent no request")
    for part in ("password", "account"):
        secret = str(session.vendor.credentials[part])
        for form in {secret, quote(secret), quote_plus(secret), base64.b64encode(secret.encode()).decode()}:
            if form.encode() in raw:
                kind = CaseFailed if part == "password" else CaseWarning
                raise kind("the {} is in the request, although it is signed", part)


@case("Q-chinese-account")
def _a_chinese_account_name_is_signed(session: Session) -> None:
    session.use_account(account="商店内", password="密码Mima1")
    answer = session.send()
    if not session.vendor.messages():
        session.rely_on("send")
        raise CaseFailed("an account with a Chinese name and password was refused: {}", answer)


@case("Q-special-password")
def _a_password_with_reserved_characters_works(session: Session) -> None:
    session.use_account(account="a+b", password="p&w=d+1%41 x")
    answer = session.send()
    if not session.vendor.messages():
        session.rely_on("send")
        raise CaseFailed("an account with reserved characters was refused: {}", answer)


@case("Q-one-number")
def _one_number_gets_one_message(session: Session) -> None:
    _expect_numbers(session, [NUMBER])


@case("Q-100-numbers")
def _a_hundred_numbers_get_one_message_each(session: Session) -> None:
    _expect_numbers(session, [str(13_800_000_000 + index) for index in range(100)])


@case("Q-5000-numbers")
def _thousands_of_numbers_get_one_message_each(session: Session) -> None:
    session.use_account(points=100_000)
    _expect_numbers(session, [str(13_800_000_000 + index) for index in range(5000)])


def _expect_numbers(session: Session, mobiles: list[str]) -> None:
    answer = session.send(*mobiles)
    arrived = sorted(message.mobile for message in session.vendor.messages())
    if not arrived:
        session.rely_on("send")
    if answer.kind == "refused" and not arrived:
        raise CaseWarning("the client refuses {} numbers: {}", len(mobiles), answer, cause="client-refuses")
    if arrived != sorted(mobiles):
        missing, extra = set(mobiles) - set(arrived), set(arrived) - set(mobiles)
        raise CaseFailed(
            "of {} numbers {} got nothing, {} messages were repeated, and {} went to other numbers {}; the client "
            "understood: {}",
            len(mobiles),
            len(missing),
            len(arrived) - len(set(arrived)),
            len(extra),
            sorted(extra)[:3],
            answer,
            cause="repeated" if len(arrived) > len(mobiles) == 1 else "numbers-lost" if len(mobiles) == 1 else "",
        )
    session.expect_accepted(answer, "every message arrived, and the client understood: {}", answer)
    counts = answer.document.get("successCounts")
    expect(counts in (None, len(mobiles)), "successCounts is {}; {} numbers were sent to", counts, len(mobiles))


@case("Q-repeated-number")
def _a_number_given_twice_is_no_error(session: Session) -> None:
    answer = session.send(NUMBER, NUMBER)
    count = len(session.vendor.messages())
    if answer.kind != "refused":
        session.expect_accepted(answer, "the client understood: {}", answer)
    if answer.kind == "accepted" and count > 1:
        raise CaseWarning("a number given twice gets the text twice, and is charged twice")


@case("Q-send-time")
def _send_time_has_the_format_of_the_manual(session: Session) -> None:
    _expect_send_time(session, "15:04:05", "+08:00", 0)


@case("Q-send-time-zone")
def _send_time_is_converted_to_china_time(session: Session) -> None:
    _expect_send_time(session, "07:04:05", "+00:00", 8)


def _expect_send_time(session: Session, time: str, zone: str, hours: int) -> None:
    """Ask for a send at a time of the day after tomorrow with a zone, and expect it in China, `hours` later."""
    day = datetime.now(CHINA).date() + timedelta(days=2)
    asked = datetime.fromisoformat(f"{day}T{time}{zone}")
    answer = session.send(send_time=asked.isoformat())
    sent = session.last_fields().get("sendtime", "")
    wanted = f"{day} {int(time[:2]) + hours:02}{time[2:]}"
    expect(
        sent == wanted,
        "sendTime is {!r}; expected {!r} for {}",
        sent,
        wanted,
        asked.isoformat(),
        cause="" if sent else "ignored",
    )
    session.expect_accepted(answer, "the client understood: {}", answer)


@case("Q-no-send-time")
def _a_send_without_time_is_sent_at_once(session: Session) -> None:
    session.send()
    fields = session.last_fields()
    expect(
        not fields.get("sendtime"), "sendTime is {!r}; expected empty or none for a send now", fields.get("sendtime")
    )
    if not session.vendor.messages():
        session.rely_on("send")
        raise CaseFailed("the vendor did not get the message")


@case("Q-extno")
def _an_extno_keeps_its_zeros(session: Session) -> None:
    answer = session.send(extno="0102")
    extno = session.last_fields().get("extno", "")
    expect(extno == "0102", "extno 0102 arrived as {!r}", extno, cause="" if extno else "ignored")
    session.expect_accepted(answer, "the client understood: {}", answer)


@case("Q-no-extno")
def _no_extno_is_sent_as_empty(session: Session) -> None:
    session.send()
    extno = session.last_fields().get("extno", "")
    expect(extno == "", "extno is {!r}; expected empty or none", extno)


@case("Q-parameters")
def _only_known_parameters_are_sent(session: Session) -> None:
    """Compare the parameters of a send with the table of the manual, spelling and case included."""
    try:
        session.send(extno="1")
    except NotSupported:  # without extno there are fewer parameters to judge
        session.send()
    names = [name for name, _ in session.last_request().parameters()]
    if not names or "multipart" in session.last_request().header("Content-Type"):
        raise NotJudged("the request has no URL-encoded body")
    known = {*VENDOR.send_parameters, "rt"}
    if session.settings.authentication == "signed":
        known |= set(VENDOR.signed_parameters)
    else:
        known |= {*VENDOR.password_parameters, *VENDOR.old_send_parameters}
    by_lower = {name.lower(): name for name in known}
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise CaseWarning("sent twice: {}", ", ".join(repeated))
    missing = {"action", "mobile", "content"} - {name.lower() for name in names}
    expect(not missing, "not sent: {}", ", ".join(sorted(missing)))
    for name in names:
        if name not in known:
            meant = by_lower.get(name.lower())
            if meant is None:
                raise CaseWarning("the parameter {!r} is not in the manual", name)
            raise CaseWarning("the parameter {!r} is spelt {} in the manual", name, meant)


@case("Q-post")
def _requests_are_posts(session: Session) -> None:
    session.send()
    request = session.last_request()
    if request.method != "POST":
        raise CaseWarning("the request is a {}: numbers and texts stand in logs of servers and proxies", request.method)
    query = [name for name, _ in request.parameters() if name + "=" in request.target.decode("latin-1")]
    if {"content", "mobile", "sign", "password"} & {name.lower() for name in query}:
        raise CaseWarning("the query string of the POST has {}", ", ".join(query))


@case("Q-length")
def _the_content_length_is_counted_in_bytes(session: Session) -> None:
    answer = session.send(content="【商店】汉字汉字汉字")
    if not session.vendor.messages():
        session.rely_on("send")
        raise CaseFailed("no message arrived; the client understood: {}", answer)
    expect(session.vendor.messages()[0].content == "【商店】汉字汉字汉字", "the text was cut")


@case("Q-charset-label")
def _the_page_decides_the_charset(session: Session) -> None:
    """Look at the bytes of the content: they have the charset of the page, whatever the header says."""
    session.send(content=TEXT)
    request = session.last_request()
    values = [value for name, value in request.parameters() if name.lower() == "content"]
    if not values:
        raise NotJudged("the request has no URL-encoded content")
    charset = "gbk" if session.settings.charset == "gb2312" else "utf-8"
    expect(values[-1] == TEXT.encode(charset), "the bytes of content are {!r}, not {}", values[-1], charset.upper())


@case("Q-findings")
def _the_emulator_has_no_finding(session: Session) -> None:
    """Ask for every operation once, and expect no finding about a request."""
    session.send()
    for operation in ("overage", "status", "call"):
        if operation in session.operations:
            session.ask(operation)
    if "checkkeyword" in session.operations:
        session.ask("checkkeyword", content=TEXT)
    codes = list(find_codes(session.emulator, session.vendor))
    if codes:
        english = "; ".join(f"{found.code}: {found.sentence}" for found in codes)
        chinese = "；".join(f"{found.code}：{found.sentence.in_chinese()}" for found in codes)
        raise CaseWarning("{}", Translated(english, chinese))


@case("Q-actions")
def _each_operation_calls_its_page_and_action(session: Session) -> None:
    """Ask for every operation, and compare page and action with the manual, whatever the client understands."""
    for operation in session.operations:
        answer = _ask_simple(session, operation)
        requests = session.vendor.requests(last=1)
        expect(bool(requests), "{} reached no page of the vendor; the client understood: {}", operation, answer)
        expect(
            requests[0].operation == operation,
            "{} was sent as {}",
            operation,
            requests[0].operation or Observation("no operation"),
        )


def _ask_simple(session: Session, operation: str) -> Answer:
    if operation == "send":
        return session.send()
    return session.ask(operation, **({"content": TEXT} if operation == "checkkeyword" else {}))


@case("Q-checked-text")
def _a_checked_text_arrives_unchanged(session: Session) -> None:
    content = "【商店】A&B+C 100% 甲"
    session.ask("checkkeyword", content=content)
    arrived = session.last_fields("checkkeyword").get("content")
    expect(arrived == content, "the text {!r} arrived as {!r}", content, arrived)
