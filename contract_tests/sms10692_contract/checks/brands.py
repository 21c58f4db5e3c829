"""Checks of the profiles of brands: each key of a profile that the emulator knows has the effect that it states (R22).

The expected documents and messages are built from the keys (`profiles`), which the control API tells. Each check runs
for the emulator's own profile, and for others that accounts can have if they differ in its key.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.json_responses import expect_json
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import EXTNO, SEND_ENDPOINTS, build_mobiles
from sms10692_contract.expectations import attribute_to, build_mismatch, expect, expect_sent, format_response
from sms10692_contract.expected import OVERAGE, SEND_ACCEPTED, ParsedResponse
from sms10692_contract.harness import CheckContext, NotExercised
from sms10692_contract.pace import REPORT_TIMEOUT
from sms10692_contract.profiles import FORMAT_TIMES, KEYWORDS, PASSWORD_CHANGED, STATES, BrandProfile
from sms10692_contract.requests import CALL, GBK, OLDER_UTF8, STATUS, UTF8, build_form
from sms10692_contract.safety import INVALID_SIGN
from sms10692_contract.segmentation import count_segments
from sms10692_contract.suite_account import SuiteAccount, build_timestamp, format_timestamp

REPLYING_NUMBER: Final = "10000000030"
FAILING_NUMBER: Final = "10000000020"
DELIVERED_NUMBER: Final = "15023239810"
_DAY: Final = 86_400


@dataclass
class BrandAccount:
    """A temporary account of a profile. Its requests are signed at the time on its clock."""

    context: CheckContext
    profile: BrandProfile
    account: SuiteAccount

    def post(self, endpoint: str, /, **fields: str) -> ParsedResponse:
        """Send a form with the account's credentials, when a profile with limits allows it; `fields` replace them."""
        self.advance(self.pause)
        response = self.post_now(endpoint, **fields)
        if fields.get("sign") == INVALID_SIGN and self.profile["lock_out_after"] is not None:
            self.advance(self.profile["lock_out_seconds"] + 1)
        return response

    def post_now(self, endpoint: str, /, **fields: str) -> ParsedResponse:
        """Send a form at once: the profile may limit requests."""
        credentials = self.account.authenticate(endpoint)
        if "timestamp" in credentials:
            credentials = self.account.build_credentials(self.build_timestamp())
        return self.context.exchange(build_form(endpoint, credentials | fields))

    @property
    def pause(self) -> float:
        """Seconds after which no request before counts."""
        return _find_pause(self.profile)

    def send(self, mobile: str = DELIVERED_NUMBER, endpoint: str = UTF8, **fields: str) -> ParsedResponse:
        """Send a text that the profile accepts."""
        content = self.profile.sign_text("内容")
        return self.post(endpoint, **{"action": "send", "mobile": mobile, "content": content} | fields)

    def fetch(self, endpoint: str) -> ParsedResponse:
        return self.post(endpoint, action="query")

    def advance(self, seconds: float) -> None:
        if not seconds:
            return
        self.context.clock.advance(self.account.userid, seconds)

    def build_timestamp(self, seconds: int = 0) -> str:
        """Return the timestamp of `seconds` ago on the clock of the account, which others may have moved."""
        if not seconds and self.profile["max_clock_skew"] is None:
            return build_timestamp(0)  # any time is accepted, so that the clock need not be read
        return format_timestamp(self.now - timedelta(seconds=seconds))

    @property
    def now(self) -> datetime:
        return self.context.read_clock(self.account)

    def expect_refused(self, response: ParsedResponse, cause: str, action: str = "send", word: str = "") -> None:
        """Expect the refusal of a send, or of another action, for this cause."""
        expected = self.profile.render_refusal(response.request.endpoint, action, cause, word)
        _expect_body(response, expected, f"{self.profile.name}: the refusal for {cause}")


def _find_pause(profile: BrandProfile) -> float:
    windows = {"requests_per_minute": 61, "requests_per_second": 2}
    return next((seconds for key, seconds in windows.items() if profile[key] is not None), 0)


def _expect_body(response: ParsedResponse, expected: bytes, description: str) -> None:
    if response.raw.body != expected:
        shown = expected.decode("utf-8", "backslashreplace")
        raise build_mismatch(response, f"{description}: {shown!r}", repr(format_response(response.raw)))


def _each_reached(
    context: CheckContext, key: str, find_obstacle: Callable[[BrandProfile], str]
) -> Iterator[BrandAccount]:
    """Yield an account of each profile that differs in a limit, except those whose limit a run does not reach.

    `find_obstacle` returns why, or nothing. The verdict counts the profiles that were left out as cases. Raises
    NotExercised at the end if no profile has a limit that was reached, but some have others.
    """
    obstacles, reached = [], 0
    for brand in _each_profile(context, key):
        limit = brand.profile[key]
        obstacle = find_obstacle(brand.profile)
        if obstacle and limit is not None:
            obstacles.append(f"{key} = {limit} of {brand.profile.name}: {obstacle}")
        elif not obstacle:
            yield brand
            reached += limit is not None
        context.count_case(is_judged=not obstacle)
    if obstacles and not reached:
        raise NotExercised("; ".join(obstacles))


def _each_profile(context: CheckContext, *keys: str, **options: object) -> Iterator[BrandAccount]:
    """Yield an account of the emulator's profile, and of each other that differs from it in one of these keys.

    Raises NotExercised if the control API tells no profile.
    """
    if not context.profiles:
        raise NotExercised("the control API tells no profile")
    own = context.profiles[0]
    for profile in context.profiles:
        if profile is own or any(profile[key] != own[key] for key in keys):
            yield BrandAccount(context, profile, context.create_account(profile=profile.option, **options))


# Refusals and checkkeyword


@checks("D-refusal-form")
def _refusals_have_the_elements_of_the_profile(context: CheckContext) -> None:
    for brand in _each_profile(context, "refusal_form"):
        for endpoint in SEND_ENDPOINTS:
            for action in ("overage", "checkkeyword", "send"):
                fields = {"action": action, "mobile": "1", "content": "内容"}
                brand.expect_refused(brand.post(endpoint, **fields, sign=""), "credentials-empty", action)
                brand.expect_refused(brand.post(endpoint, **fields, sign=INVALID_SIGN), "credentials-wrong", action)


@checks("D-keyword-form")
def _checkkeyword_has_the_elements_of_the_profile(context: CheckContext) -> None:
    for brand in _each_profile(context, "keyword_form"):
        names = [part.split(">")[0] for part in KEYWORDS[brand.profile["keyword_form"]].split("\n <")[1:]]
        for endpoint in SEND_ENDPOINTS:
            response = brand.post(endpoint, action="checkkeyword", content="内容")
            actual = [child.name for child in response.document.children] if response.document else []
            expect(actual == names, response, f"{brand.profile.name}: the elements {names}", f"{actual}")
            if "checkCounts" in names:
                expect(response.get_element("checkCounts") == "内容", response, "checkCounts 内容")


def _check_keyword_message(context: CheckContext, key: str, content: str) -> None:
    for brand in _each_profile(context, key):
        for endpoint in SEND_ENDPOINTS:
            response = brand.post(endpoint, action="checkkeyword", content=content)
            actual, expected = response.get_element("message"), brand.profile[key].strip()
            expect(actual == expected, response, f"{brand.profile.name}: the message {expected!r}", repr(actual))


@checks("D-keyword-clean")
def _a_clean_text_has_the_message_of_the_profile(context: CheckContext) -> None:
    _check_keyword_message(context, "keyword_clean", "内容")


@checks("D-keyword-found")
def _a_forbidden_word_has_the_message_of_the_profile(context: CheckContext) -> None:
    _check_keyword_message(context, "keyword_found", f"代开{context.forbidden_word}")


# Queues


def _move_to_short_date(brand: BrandAccount) -> None:
    """Move the clock to a time whose month, day and hour have one digit."""
    now = brand.now
    brand.advance((datetime(now.year + 1, 2, 3, 4, 5, 6, tzinfo=now.tzinfo) - now).total_seconds())


@checks("D-cdata", "D-receivetime", "D-item-extno", "D-item-userid", "D-delivered", "D-empty-queue")
def _items_are_those_of_the_profile(context: CheckContext) -> None:
    for brand in _each_profile(
        context, "cdata", "receivetime", "item_extno", "item_userid", "delivered", "empty_queue"
    ):
        profile, name = brand.profile, brand.profile.name
        _move_to_short_date(brand)
        with attribute_to("D-empty-queue"):
            for endpoint in (STATUS, CALL):
                _expect_body(brand.fetch(endpoint), profile.render_empty_queue(endpoint), f"{name}: an empty queue")
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


@checks("D-line-end")
def _lines_end_as_in_the_profile(context: CheckContext) -> None:
    for brand in _each_profile(context, "line_end"):
        ends = {"lf": "LF", "crlf": "CR LF"}[brand.profile["line_end"]]
        for response in (
            *(brand.post(endpoint, action="overage") for endpoint in SEND_ENDPOINTS),
            brand.post(STATUS, action="x"),
        ):
            body = response.raw.body
            actual = "CR LF" if body.count(b"\r\n") == body.count(b"\n") else "LF" if b"\r" not in body else "mixed"
            expect(actual == ends, response, f"{brand.profile.name}: lines that end with {ends}", actual)


# Sends


@checks("D-extno-max-digits")
def _extno_has_at_most_the_digits_of_the_profile(context: CheckContext) -> None:
    for brand in _each_profile(context, "extno_max_digits"):
        most = brand.profile["extno_max_digits"]
        for digits in {1, most}:
            expect_sent(brand.send(extno="9" * digits), 1)
        brand.expect_refused(brand.send(extno="9" * (most + 1)), "extno-too-long")


_WRITTEN: Final[Mapping[str, str]] = {
    "yyyy-MM-dd HH:mm:ss": "%Y-%m-%d %H:%M:%S",
    "yyyyMMddHHmmss": "%Y%m%d%H%M%S",
    "yyyy/MM/dd HH:mm:ss": "%Y/%m/%d %H:%M:%S",
    "yyyy-MM-dd HH:mm": "%Y-%m-%d %H:%M",
    "yyyy-MM-dd": "%Y-%m-%d",
    "0": "0",
}
"""Formats of sendTime that profiles know, as `strftime` writes them."""


@checks("D-send-time-formats")
def _send_time_has_a_format_of_the_profile(context: CheckContext) -> None:
    for brand in _each_profile(context, "send_time_formats"):
        accepted = brand.profile["send_time_formats"]
        due = (brand.now + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
        count = 0
        for name, pattern in _WRITTEN.items():
            response = brand.send(sendTime=due.strftime(pattern))
            if name in accepted:
                expect_sent(response, 1)
                count += name != "0"
            else:
                cause = "send-time-format"
                if response.get_element("message") == brand.profile.get_message("send-time-no-date"):
                    cause = "send-time-no-date"  # a vendor may say that it is no time of the right format
                brand.expect_refused(response, cause)
        brand.advance(_DAY)
        early = brand.fetch(STATUS)
        actual, at_once = len(early.get_items("statusbox")), int("0" in accepted)
        expect(actual == at_once, early, f"{brand.profile.name}: {at_once} reports before sendTime", f"{actual}")
        brand.advance(_DAY + REPORT_TIMEOUT)
        late = brand.fetch(STATUS)
        actual = len(late.get_items("statusbox"))
        expect(actual == count, late, f"{brand.profile.name}: {count} reports after sendTime", f"{actual}")


_FEW: Final = 100
"""Numbers that are sent where the profile has no limit, or a higher one in a quick run."""


@checks("D-max-numbers")
def _a_send_has_at_most_the_numbers_of_the_profile(context: CheckContext) -> None:
    for brand in _each_profile(context, "max_numbers"):
        most = brand.profile["max_numbers"]
        expect_sent(brand.send(",".join(build_mobiles(min(most or _FEW, _FEW)))), min(most or _FEW, _FEW))
        if most is not None:
            brand.expect_refused(brand.send(",".join(build_mobiles(most + 1))), "too-many-numbers")
        if most is not None and (most <= 10 * _FEW or context.effort.is_thorough):
            expect_sent(brand.send(",".join(build_mobiles(most))), most)


_SIGNED: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "内容": ("no signature", frozenset({"optional"})),
    "【签名店】内容": ("a signature in front", frozenset({"optional", "anywhere", "front"})),
    "内容【签名店】": ("a signature at the end", frozenset({"optional", "anywhere", "end"})),
    "内【签名店】容": ("a signature in the middle", frozenset({"optional", "anywhere"})),
    "【】内容【】": ("empty signatures", frozenset({"optional"})),
}
"""Texts, what they have, and the values of `text_signature` with which they are accepted."""


@checks("D-text-signature")
def _a_text_has_the_signature_of_the_profile(context: CheckContext) -> None:
    for brand in _each_profile(context, "text_signature"):
        place = brand.profile["text_signature"]
        for content, (_, accepting) in _SIGNED.items():
            for endpoint in SEND_ENDPOINTS:
                response = brand.send(endpoint=endpoint, content=content)
                if place in accepting:
                    expect_sent(response, 1)
                else:
                    brand.expect_refused(response, f"text-signature-{place}")


_LENGTHS: Final = (1, 2, 3, 5, 8, 9, 20)


def _check_signatures(context: CheckContext, key: str) -> None:
    """Send texts with signatures of several lengths, at the limits of the profile and beyond."""
    for brand in _each_profile(context, key):
        limits = {brand.profile[name] for name in ("text_signature_min", "text_signature_max")} - {None}
        lengths = {length + more for length in limits for more in (-1, 0, 1)} | {*_LENGTHS} if limits else {1, 20}
        for length in sorted(lengths - {0}):
            content = _SIGNING[brand.profile["text_signature"]]("名" * length)
            response = brand.send(content=content)
            if length < (brand.profile["text_signature_min"] or 1):
                brand.expect_refused(response, "text-signature-short")
            elif length > (brand.profile["text_signature_max"] or length):
                brand.expect_refused(response, "text-signature-long")
            else:
                expect_sent(response, 1)


_SIGNING: Final[Mapping[str, Callable[[str], str]]] = {
    "optional": lambda signature: f"【{signature}】内容",
    "anywhere": lambda signature: f"内【{signature}】容",
    "front": lambda signature: f"【{signature}】内容",
    "end": lambda signature: f"内容【{signature}】",
}
"""Texts with a signature, by `text_signature`."""


@checks("D-text-signature-min")
def _a_signature_is_not_too_short(context: CheckContext) -> None:
    _check_signatures(context, "text_signature_min")


@checks("D-text-signature-max")
def _a_signature_is_not_too_long(context: CheckContext) -> None:
    _check_signatures(context, "text_signature_max")


@checks("D-text-signature-may-be-digits")
def _a_signature_of_digits_is_as_in_the_profile(context: CheckContext) -> None:
    for brand in _each_profile(context, "text_signature_may_be_digits"):
        length = brand.profile["text_signature_max"] or brand.profile["text_signature_min"] or 4
        response = brand.send(content=_SIGNING[brand.profile["text_signature"]]("1" * length))
        if brand.profile["text_signature_may_be_digits"]:
            expect_sent(response, 1)
        else:
            brand.expect_refused(response, "text-signature-digits")


@checks("D-check-words")
def _the_older_endpoints_check_words_as_in_the_profile(context: CheckContext) -> None:
    word = context.forbidden_word
    for brand in _each_profile(context, "check_words"):
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


_PRICES: Final[Mapping[str, Callable[[str], int]]] = {"segment": count_segments, "recipient": lambda text: 1}
"""Price of a text per recipient, by `billing`."""


@checks("D-billing")
def _a_text_costs_as_in_the_profile(context: CheckContext) -> None:
    for brand in _each_profile(context, "billing", points=1000):
        points, count = 1000, min(brand.profile["max_numbers"] or 2, 2)
        for length, endpoint in ((70, UTF8), (71, GBK), (135, UTF8)):
            content = brand.profile.sign_text("字" * length)
            points -= count * _PRICES[brand.profile["billing"]](content)
            response = brand.send(",".join(build_mobiles(count)), endpoint, content=content)
            actual = response.get_number("remainpoint")
            expect(actual == points, response, f"{brand.profile.name}: remainpoint {points}", f"{actual}")


@checks("D-max-clock-skew")
def _a_timestamp_differs_at_most_as_in_the_profile(context: CheckContext) -> None:
    for brand in _each_profile(context, "max_clock_skew"):
        most = brand.profile["max_clock_skew"]
        account, age = brand.account, _DAY if most is None else most + 60
        for seconds, is_accepted in ((0, True), (age, most is None), (-age, most is None)):
            _expect_timestamp(brand, brand.build_timestamp(round(seconds)), "timestamp-skew", is_accepted)
        _expect_timestamp(brand, "1341155532", "timestamp-format", most is None)
        if context.guard.older:
            fields = account.build_password_credentials() | {"action": "overage"}
            response = context.exchange(build_form(OLDER_UTF8, fields))
            expect(response.get_element("returnstatus") == "Sucess", response, "the balance: there is no timestamp")


def _expect_timestamp(brand: BrandAccount, timestamp: str, cause: str, is_accepted: bool) -> None:
    fields = brand.account.build_credentials(timestamp) | {"action": "overage"}
    response = brand.context.exchange(build_form(UTF8, fields))
    if is_accepted:
        status = response.get_element("returnstatus")
        expect(status == "Sucess", response, f"{brand.profile.name}: the timestamp {timestamp} accepted", status)
    else:
        brand.expect_refused(response, cause, "overage")


# Messages


@checks("D-texts")
def _each_cause_has_the_message_of_the_profile(context: CheckContext) -> None:
    word = context.forbidden_word
    for brand in _each_profile(context, "texts", points=2):
        sign, most = brand.profile.sign_text, brand.profile["extno_max_digits"]
        causes: Mapping[str, dict[str, str]] = {
            "credentials-empty": {"sign": ""},
            "sql-injection": {"content": "' or 1=1"},
            "credentials-wrong": {"sign": INVALID_SIGN},
            "mobile-empty": {"mobile": ","},
            "content-empty": {"content": " "},
            "forbidden-word": {"content": sign(f"代开{word}")},
            "extno-too-long": {"extno": "1" * (most + 1)},
            "extno-not-digits": {"extno": "x"},
            "send-time-format": {"sendTime": "tomorrow"},
            "action": {"action": "Send"},
            "balance": {"mobile": ",".join(build_mobiles(3))},
        }
        for cause, fields in causes.items():
            if cause == "balance" and (brand.profile["max_numbers"] or 3) < 3:
                continue
            for endpoint in SEND_ENDPOINTS:
                brand.expect_refused(brand.send(endpoint=endpoint, **fields), cause, word=word)
        for endpoint in (STATUS, CALL):
            query = {"action": "query"}
            for cause, fields in (
                ("credentials-empty", {"sign": ""}),
                ("credentials-wrong", {"sign": INVALID_SIGN}),
                ("action", {"action": "x"}),
            ):
                brand.expect_refused(brand.post(endpoint, **query | fields), cause, "query")
        for cause, value in (("status-num", "x"), ("status-num-zero", "0")):
            brand.expect_refused(brand.post(STATUS, action="query", statusNum=value), cause, "query")
    for brand in _each_profile(context, "texts", can_read_queues=False):
        for endpoint, cause in ((STATUS, "queues-not-allowed"), (CALL, "replies-not-allowed")):
            brand.expect_refused(brand.fetch(endpoint), cause, "query")


@checks("D-nobody")
def _requests_of_nobody_are_answered_in_the_profile_of_the_emulator(context: CheckContext) -> None:
    for brand in _each_profile(context):
        for action, endpoint in (("overage", UTF8), ("checkkeyword", GBK), ("query", STATUS), ("query", CALL)):
            fields = brand.account.build_credentials() | {"action": action, "content": "内容", "userid": ""}
            response = context.exchange(build_form(endpoint, fields), is_raw=True)
            brand.expect_refused(response, "credentials-empty", action)


# Queues, JSON, changespwd


@checks("D-queue-errors")
def _the_queues_have_the_errors_of_the_profile(context: CheckContext) -> None:
    for brand in _each_profile(context, "queue_errors", points=0):
        for endpoint in (STATUS, CALL):
            brand.expect_refused(brand.post(endpoint, action="x"), "action", "query")
            response = brand.fetch(endpoint)
            if brand.profile["queue_errors"] == 6:
                brand.expect_refused(response, "no-points", "query")
            else:
                _expect_body(response, brand.profile.render_empty_queue(endpoint), "an empty queue")


@checks("D-signed-changespwd")
def _the_signed_endpoints_have_changespwd_as_in_the_profile(context: CheckContext) -> None:
    for brand in _each_profile(context, "signed_changespwd"):
        own = brand.account
        for endpoint, password in zip(SEND_ENDPOINTS, ("xin-mima", "xin-mimb"), strict=True):
            fields = {"action": "changespwd", "newpwd": password, "renewpwd": password}
            response = brand.post(endpoint, **fields)
            if brand.profile["signed_changespwd"]:
                changed = brand.profile.render(PASSWORD_CHANGED, endpoint, status="Success", message="ok")
                _expect_body(response, changed, f"{brand.profile.name}: the password changed")
                brand.account = replace(own, password=password)
            else:
                brand.expect_refused(response, "action", "changespwd")
            balance = brand.post(endpoint, action="overage")
            expect(balance.get_element("returnstatus") == "Sucess", balance, "the balance, with the present password")


@checks("D-json-switch")
def _json_is_asked_for_as_in_the_profile(context: CheckContext) -> None:
    for brand in _each_profile(context, "json_switch"):
        for switch in ("rt", "dataType"):
            for endpoint, action in ((UTF8, "overage"), (GBK, "checkkeyword"), (STATUS, "query")):
                response = brand.post(endpoint, action=action, content="内容", **{switch: "json"})
                kind = response.raw.content_type.partition(";")[0]
                expected = "application/json" if switch == brand.profile["json_switch"] else "text/xml"
                expect(kind == expected, response, f"{brand.profile.name}: {switch}=json: {expected}", kind)


@checks("D-json-form")
def _json_has_the_form_of_the_profile(context: CheckContext) -> None:
    for brand in _each_profile(context, "json_form", points=1000):
        profile, switch = brand.profile, {brand.profile["json_switch"]: "json"}
        balance = {"ReturnStatus": "Sucess", "Message": "", "Payinfo": "预付费", "Overage": 1000, "SendTotal": 1000}
        for endpoint in SEND_ENDPOINTS:
            expect_json(brand.post(endpoint, action="overage", **switch), profile.write_json(balance))
            response = brand.post(endpoint, action="overage", sign=INVALID_SIGN, **switch)
            expect_json(response, profile.build_json_refusal(endpoint, "overage", "credentials-wrong"))
        for endpoint in (STATUS, CALL):
            response = brand.post(endpoint, action="query", sign="", **switch)
            expect_json(response, profile.build_json_refusal(endpoint, "query", "credentials-empty"))


# Limits

_MOST_REQUESTS: Final = 60
"""Requests in a row that a quick run sends, to find a limit or that there is none."""


def _describe_excess(limit: int | None, most: int) -> str:
    """Return why a run does not reach a limit; empty if it does, or there is none."""
    return f"a run reaches {most}" if limit is not None and limit > most else ""


def _check_rate(context: CheckContext, key: str, seconds: int) -> None:
    """Send as many requests as the profile allows in so many seconds, one more, and one afterwards."""
    for brand in _each_reached(context, key, lambda profile: _describe_excess(profile[key], 10 * _MOST_REQUESTS)):
        most = brand.profile[key]
        shorter = brand.profile["requests_per_second"] if key == "requests_per_minute" else None
        count = _MOST_REQUESTS if context.effort.is_thorough else 20
        context.clock.freeze(brand.account.userid)
        brand.advance(120)
        for index in range(count if most is None else most):
            if shorter and index and index % shorter == 0:
                brand.advance(1)
            response = brand.post_now(UTF8, action="overage")
            status = response.get_element("returnstatus")
            allowed = f"{brand.profile.name}: request {index + 1} of {most or 'any number'} accepted"
            if most is None and any(brand.profile[name] is not None for name in _RATES):
                break  # another limit of the profile refuses the next ones
            expect(status == "Sucess", response, allowed, status)
        else:
            if most is not None:
                brand.expect_refused(brand.post_now(UTF8, action="overage"), "too-many-requests", "overage")
                brand.advance(seconds + 1)
                response = brand.post_now(UTF8, action="overage")
                expect(response.get_element("returnstatus") == "Sucess", response, f"accepted after {seconds} s")


_RATES: Final = ("requests_per_second", "requests_per_minute")


@checks("D-requests-per-second")
def _requests_of_a_second_are_limited_as_in_the_profile(context: CheckContext) -> None:
    _check_rate(context, "requests_per_second", 1)


@checks("D-requests-per-minute")
def _requests_of_a_minute_are_limited_as_in_the_profile(context: CheckContext) -> None:
    _check_rate(context, "requests_per_minute", 60)


def _try_wrong_credentials(brand: BrandAccount, count: int) -> None:
    for _ in range(count):
        brand.advance(brand.pause)
        brand.expect_refused(brand.post_now(UTF8, action="overage", sign=INVALID_SIGN), "credentials-wrong", "overage")
    brand.advance(brand.pause)


def _expect_balance(brand: BrandAccount, description: str) -> None:
    response = brand.post_now(UTF8, action="overage")
    expect(response.get_element("returnstatus") == "Sucess", response, f"{brand.profile.name}: {description}")


def _find_obstacle_to_lock(profile: BrandProfile) -> str:
    most, pause = profile["lock_out_after"], _find_pause(profile)
    if most is not None and pause * most >= profile["lock_out_seconds"]:
        return "a lock ends while requests are limited"
    return _describe_excess(most, _MOST_REQUESTS)


@checks("D-lock-out-after")
def _wrong_credentials_lock_an_account_as_in_the_profile(context: CheckContext) -> None:
    for brand in _each_reached(context, "lock_out_after", _find_obstacle_to_lock):
        most = brand.profile["lock_out_after"]
        context.clock.freeze(brand.account.userid)
        _try_wrong_credentials(brand, 8 if most is None else most - 1)
        _expect_balance(brand, "accepted: the account is not locked")
        if most is not None:
            _try_wrong_credentials(brand, most)
            brand.expect_refused(brand.post_now(UTF8, action="overage"), "locked-out", "overage")


@checks("D-lock-out-seconds")
def _a_lock_lasts_as_long_as_in_the_profile(context: CheckContext) -> None:
    for brand in _each_reached(context, "lock_out_seconds", _find_obstacle_to_lock):
        most, seconds = brand.profile["lock_out_after"], brand.profile["lock_out_seconds"]
        context.clock.freeze(brand.account.userid)
        if most is None:
            _try_wrong_credentials(brand, 1)
            _expect_balance(brand, "accepted: the account is not locked")
            continue
        _try_wrong_credentials(brand, most)
        brand.advance(seconds - brand.pause - 2)
        brand.expect_refused(brand.post_now(UTF8, action="overage"), "locked-out", "overage")
        brand.advance(3 + brand.pause)
        _expect_balance(brand, f"accepted {seconds} s after the lock")


def _check_codes(context: CheckContext, key: str, seconds: int, step: int) -> None:
    """Send as many codes to a number as the profile allows in so many seconds, `step` seconds apart, and one more."""
    both = ("verification_codes_per_3_minutes", "verification_codes_per_day")

    def find_obstacle(profile: BrandProfile) -> str:
        limit, others = profile[key], [profile[name] for name in both if profile[name] is not None]
        if limit is not None and step == 1 and min(others) < limit:
            return "the limit of a day is lower"
        if (limit or 5) + 5 > (profile["requests_per_minute"] or math.inf):
            return "requests are limited to fewer"
        return _describe_excess(profile[key], _MOST_REQUESTS)

    for brand in _each_reached(context, key, find_obstacle):
        most = brand.profile[key]
        limits = [brand.profile[name] for name in both]
        allowed = min(5 if limit is None else limit for limit in limits) if step == 1 else most or 5
        context.clock.freeze(brand.account.userid)
        for _ in range(allowed):
            expect_sent(_send_code(brand, DELIVERED_NUMBER, "验证码1234", step), 1)
        if most != allowed:
            continue
        brand.expect_refused(_send_code(brand, DELIVERED_NUMBER, "验证码1234", step), "too-many-verification-codes")
        expect_sent(_send_code(brand, REPLYING_NUMBER, "验证码1234", step), 1)
        expect_sent(_send_code(brand, DELIVERED_NUMBER, "内容", step), 1)
        brand.advance(seconds)
        expect_sent(_send_code(brand, DELIVERED_NUMBER, "验证码1234", step), 1)


def _send_code(brand: BrandAccount, mobile: str, text: str, step: int) -> ParsedResponse:
    """Send a text `step` seconds after the one before."""
    brand.advance(step)
    return brand.post_now(UTF8, action="send", mobile=mobile, content=brand.profile.sign_text(text))


@checks("D-verification-codes-per-3-minutes")
def _codes_of_three_minutes_are_limited_as_in_the_profile(context: CheckContext) -> None:
    _check_codes(context, "verification_codes_per_3_minutes", 180, 1)


@checks("D-verification-codes-per-day")
def _codes_of_a_day_are_limited_as_in_the_profile(context: CheckContext) -> None:
    _check_codes(context, "verification_codes_per_day", 86_400, 181)


# Everything else


@checks("D-documents")
def _everything_else_is_as_in_the_manual(context: CheckContext) -> None:
    """Compare every document of an account byte for byte with what its keys demand."""

    def check_documents(option: str | None, endpoint: str, text: str, extno: str, count: int) -> None:
        profile = next(each for each in context.profiles if each.option == option)
        brand = BrandAccount(context, profile, context.create_account(profile=option, points=1000))
        count = min(count, profile["max_numbers"] or count)
        numbers = [DELIVERED_NUMBER, REPLYING_NUMBER, FAILING_NUMBER][:count]
        content = profile.sign_text(f"内{text}")
        extno = extno[: profile["extno_max_digits"]]
        _move_to_short_date(brand)
        context.clock.freeze(brand.account.userid)
        response = brand.send(",".join(numbers), endpoint, content=content, extno=extno)
        task, time = response.get_element("taskID"), brand.now.replace(microsecond=0)
        left = 1000 - count * _PRICES[profile["billing"]](content)
        accepted = profile.render(SEND_ACCEPTED, endpoint, remainpoint=left, task_id=task, counts=count)
        _expect_body(response, accepted, f"{profile.name}: an accepted send")
        balance = profile.render(OVERAGE, endpoint, payinfo="预付费", overage=left, send_total=1000)
        _expect_body(brand.post(endpoint, action="overage"), balance, f"{profile.name}: the balance")
        found = profile.render_keyword(endpoint, False, content)
        response = brand.post(endpoint, action="checkkeyword", content=content)
        _expect_body(response, found, f"{profile.name}: checkkeyword")
        brand.advance(REPORT_TIMEOUT)
        states = {FAILING_NUMBER: (20, "UNDELIV")}
        rows = []
        for number in numbers:
            status, errorcode = states.get(number, (10, "DELIVRD"))
            row = {"userid": brand.account.userid, "mobile": number, "taskid": task, "status": status}
            rows.append(row | {"errorcode": errorcode, "extno": extno, "content": "T", "receivetime": time})
        replies = [row for row in rows if row["mobile"] == REPLYING_NUMBER]
        for page, item, expected in ((STATUS, "statusbox", rows), (CALL, "callbox", replies)):
            document = profile.render_items(page, item, expected) if expected else profile.render_empty_queue(page)
            _expect_body(brand.fetch(page), document, f"{profile.name}: the items")

    if not context.profiles:
        raise NotExercised("the control API tells no profile")
    for profile in context.profiles:
        for endpoint in SEND_ENDPOINTS:
            check_documents(profile.option, endpoint, "容", "01", 3)
    options = st.sampled_from([profile.option for profile in context.profiles])
    texts = st.text("内容a1 ，<&\r\n字", max_size=150).map(str.strip)
    context.for_all(
        check_documents,
        options,
        st.sampled_from(SEND_ENDPOINTS),
        texts,
        EXTNO,
        st.integers(1, 3),
        examples=context.few_examples,
    )
