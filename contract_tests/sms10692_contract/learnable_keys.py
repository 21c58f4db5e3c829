"""The keys of a profile that `learn` can read: by which probes, and how the value is read from their responses.

`LEARNABLE` is the table; the documents list it. `NOT_LEARNABLE` are the other keys, each with the reason.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, TypeAlias

from sms10692_contract.expectations import get_message
from sms10692_contract.expected import ParsedResponse
from sms10692_contract.fetch_history import CALL_ITEM, STATUS_ITEM
from sms10692_contract.probes import (
    LONGEST_SIGNATURE,
    MOST_EXTNO_DIGITS,
    PROBES,
    SEND_TIMES,
    NotObserved,
    NotSent,
    ProbeSession,
    expect_answer,
    is_accepted,
)
from sms10692_contract.profiles import FORMAT_TIMES, MANUAL_VALUES, MESSAGES, NO_RECORDS

Sighting: TypeAlias = tuple[Any, tuple[ParsedResponse, ...]]
"""A value, and the responses that show it together."""

Reader: TypeAlias = Callable[[ProbeSession], Iterable[Sighting]]

MAX_TEXT: Final = 200
"""Most characters of a text in a profile."""

FORBIDDEN: Final = "包含非法字符"
"""How `keyword_found` must begin in a profile, and `keyword_clean` may not."""

_EXPRESSIBLE: Final[Mapping[str, Callable[[str], bool]]] = {
    "keyword_found": lambda text: text.startswith(FORBIDDEN),
    "keyword_clean": lambda text: not text.startswith(FORBIDDEN),
}


@dataclass(frozen=True)
class Observation:
    """What was observed of a key: its value, and the responses that show it."""

    key: str
    value: Any
    responses: tuple[ParsedResponse, ...]

    @property
    def grade(self) -> str:
        """S if three or more exchanges show the value, M if two do, W if one does."""
        return {1: "W", 2: "M"}.get(len(self.responses), "S")


@dataclass(frozen=True)
class LearnableKey:
    """A key, or `texts.` and a cause: the probes, and how the value is read, in English and Chinese."""

    key: str
    probes: tuple[str, ...]
    en: str
    zh: str
    read: Reader

    @property
    def permissions(self) -> list[str]:
        """The permissions of all its probes."""
        return sorted({name for probe in self.probes for name in PROBES[probe].permissions}, reverse=True)

    @property
    def clause(self) -> str:
        """The clause about the key."""
        return f"D-{self.key.partition('.')[0].replace('_', '-')}"

    @property
    def manual_value(self) -> Any:
        """The value in the manual's profile."""
        name, _, cause = self.key.partition(".")
        return MESSAGES[cause] if cause else MANUAL_VALUES[name]

    def observe(self, session: ProbeSession) -> Observation:
        """Send the probes and read the value. Raises NotObserved, also if responses contradict each other."""
        sightings = list(self.read(session))
        for response in (each for _, group in sightings for each in group):
            expect_answer(response)
            if session.limit_text and get_message(response) == session.limit_text:
                raise NotObserved("the message is that of a limit")
        session.confirm_refusals()
        if not sightings:
            raise NotObserved("the responses show no value that a profile knows")
        values = list({json.dumps(value, ensure_ascii=False): value for value, _ in sightings}.values())
        if len(values) > 1:
            shown = session.mask(", ".join(map(repr, values)))
            raise NotObserved(f"the responses contradict each other: {shown}")
        (value,) = values
        if isinstance(value, str) and value != self.manual_value:
            if session.contains_secret(value):
                raise NotObserved("the message contains something of the account or of a person, or may contain it")
            if not _is_expressible(self.key, value):
                raise NotObserved(f"a profile cannot have the text {session.mask(value)[:MAX_TEXT]!r}")
        responses = {id(each): each for _, group in sightings for each in group}
        return Observation(self.key, value, tuple(responses.values()))


def _is_expressible(key: str, text: str) -> bool:
    is_text = bool(text.strip()) and len(text) <= MAX_TEXT and text.replace("\u3000", " ").isprintable()
    return is_text and (key not in _EXPRESSIBLE or _EXPRESSIBLE[key](text))


# Readers


def _play_each(session: ProbeSession, *names: str) -> Iterator[ParsedResponse]:
    """Yield the responses to those of the probes that can be sent. Raises NotObserved if none can."""
    failure = None
    count = 0
    for name in names:
        try:
            response = session.play(name)
        except NotObserved as error:
            failure = failure or error
            continue
        count += 1
        yield response
    if failure is not None and not count:
        raise failure


def _list_elements(response: ParsedResponse) -> tuple[str, ...]:
    return () if response.document is None else tuple(child.name for child in response.document.children)


def _read_refusal_form(session: ProbeSession) -> Iterator[Sighting]:
    for response in _play_each(session, "overage-empty", "overage-wrong", "keyword-empty"):
        names = _list_elements(response)
        if names[:1] == ("message",) or "payinfo" in names:
            yield "own", (response,)
        elif "taskID" in names:
            yield "send", (response,)


def _find_keyword_form(response: ParsedResponse) -> str | None:
    """Return the form of a response to checkkeyword; None if it has neither."""
    names = _list_elements(response)
    return "message" if names == ("message",) else "status" if "checkCounts" in names else None


def _read_keyword_form(session: ProbeSession) -> Iterator[Sighting]:
    for response in _play_each(session, "keyword-clean", "keyword-word"):
        form = _find_keyword_form(response)
        if form is not None:
            yield form, (response,)


def _get_keyword_text(session: ProbeSession, response: ParsedResponse) -> str:
    """Return the message of a response to checkkeyword. Raises NotObserved if it is a refusal."""
    message = response.get_element("message")
    refusals = _play_each(session, "overage-empty", "overage-wrong", "keyword-empty")
    if _find_keyword_form(response) is None or message in {get_message(refusal) for refusal in refusals}:
        raise NotObserved("the response is that of a refusal, not of checkkeyword")
    return message


def _read_keyword_clean(session: ProbeSession) -> Iterator[Sighting]:
    response = session.play("keyword-clean")
    yield _get_keyword_text(session, response), (response,)


def _read_keyword_found(session: ProbeSession) -> Iterator[Sighting]:
    response = session.play("keyword-word")
    message = _get_keyword_text(session, response)
    if message == session.play("keyword-clean").get_element("message"):
        raise NotObserved("the forbidden word is none there: see --forbidden-word")
    yield message, (response,)


def _read_items(session: ProbeSession) -> Iterator[tuple[ParsedResponse, str]]:
    """Yield the responses with reports and replies, and the name of their items."""
    names = {"reports": STATUS_ITEM, "replies": CALL_ITEM}
    for response in _play_each(session, *names):
        yield response, next(name for name in names.values() if response.get_items(name))


def _read_cdata(session: ProbeSession) -> Iterator[Sighting]:
    for response, _ in _read_items(session):
        for name in ("errorcode", "extno"):
            if response.find_element(name) is not None:
                yield response.get_raw_element(name).startswith("<![CDATA["), (response,)


def _read_receivetime(session: ProbeSession) -> Iterator[Sighting]:
    ambiguous = ""
    for response, name in _read_items(session):
        for item in response.get_items(name):
            forms = _find_time_forms(item.get("receivetime", ""))
            if len(forms) == 1:
                yield forms[0], (response,)
            elif forms:
                ambiguous = f"month, day and hour of the receivetime have two digits: {' or '.join(forms)}"
    if ambiguous:
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
    def read(session: ProbeSession) -> Iterator[Sighting]:
        for response, name in _read_items(session):
            for item in response.get_items(name):
                yield element in item, (response,)

    return read


def _read_delivered(session: ProbeSession) -> Iterator[Sighting]:
    response = session.play("reports")
    for item in response.get_items(STATUS_ITEM):
        match item.get("status"), item.get("errorcode"):
            case "DELIVRD", None:
                yield "status-DELIVRD", (response,)
            case "10", "10":
                yield "errorcode-10", (response,)
            case "10", str():
                yield "status-10", (response,)


def _read_empty_queue(session: ProbeSession) -> Iterator[Sighting]:
    for response in _play_each(session, "status-none", "call-none"):
        if not response.raw.body:
            yield "nothing", (response,)
        elif response.document is not None and _list_elements(response) == ():
            yield "root", (response,)
        elif (response.get_element("error"), response.get_element("remark")) == ("5", NO_RECORDS):
            yield "error5", (response,)


def _read_queue_errors(session: ProbeSession) -> Iterator[Sighting]:
    for response in _play_each(session, "status-action", "call-action"):
        number = response.get_number("error")
        if number in (4, 6):
            yield number, (response,)


def _parse_json(response: ParsedResponse) -> dict[str, Any] | None:
    try:
        document = response.raw.json()
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _read_json_switch(session: ProbeSession) -> Iterator[Sighting]:
    for name in ("rt", "dataType"):
        response = session.play(f"overage-{name}")
        if _parse_json(response) is not None:
            yield name, (response,)


def _read_json_form(session: ProbeSession) -> Iterator[Sighting]:
    for response in _play_each(session, "overage-rt", "overage-dataType"):
        document = _parse_json(response) or {}
        if "ReturnStatus" in document and not isinstance(document.get("Overage"), str):
            yield "pascal", (response,)
        elif "returnstatus" in document and all(isinstance(value, str) for value in document.values()):
            yield "lower", (response,)


def _read_line_end(session: ProbeSession) -> Iterator[Sighting]:
    for response in _play_each(session, "overage", "overage-gbk", "overage-empty", "keyword-clean"):
        body = response.raw.body
        feeds, returns = body.count(b"\n"), body.count(b"\r\n")
        if feeds and returns in (0, feeds):
            yield "crlf" if returns else "lf", (response,)


def find_last(accepts: Callable[[int], bool], most: int, usual: int) -> int:
    """Return the largest number up to `most` that is accepted, if all smaller ones are: 1 is. `usual` is tried first.

    >>> tried = []
    >>> find_last(lambda n: tried.append(n) or n <= 10, 20, 10), tried
    (10, [10, 11])
    >>> find_last(lambda n: n <= 7, 20, 10), find_last(lambda n: True, 20, 10)
    (7, 20)
    """
    low, high = 1, most + 1
    guesses = [usual, usual + 1]
    while high - low > 1:
        guess = guesses.pop(0) if guesses else (low + high) // 2
        if low < guess < high:
            low, high = (guess, high) if accepts(guess) else (low, guess)
    return low


def _show_edge(session: ProbeSession, name: str, *values: int) -> tuple[ParsedResponse, ...]:
    """Return the responses to the probes with these values, as far as they were sent."""
    return tuple(session.responses[name, value] for value in values if (name, value) in session.responses)


def _read_extno_max_digits(session: ProbeSession) -> Iterator[Sighting]:
    if not session.accepts("send-extno", 1):
        refusal = session.mask(session.play("send-extno", 1).get_element("message"))
        raise NotObserved(f"an extno of one digit is refused: {refusal}")
    usual: int = MANUAL_VALUES["extno_max_digits"]
    most = find_last(lambda digits: session.accepts("send-extno", digits), MOST_EXTNO_DIGITS, usual)
    yield most, _show_edge(session, "send-extno", most, most + 1)


def _read_send_time_formats(session: ProbeSession) -> Iterator[Sighting]:
    if session.accepts("send-time-text"):
        raise NotObserved("every sendTime is accepted, also abc")
    responses = {name: session.play("send-time", name) for name in SEND_TIMES}
    accepted = [name for name, response in responses.items() if is_accepted(response)]
    if accepted:
        yield accepted, tuple(responses.values())


def _read_max_numbers(session: ProbeSession) -> Iterator[Sighting]:
    allowed = len(session.context.guard.numbers)
    if not session.accepts("send-numbers", 1):
        raise NotObserved("a send to one number is refused")
    most = find_last(lambda count: session.accepts("send-numbers", count), allowed, allowed)
    if most == allowed:
        raise NotObserved(f"{most} numbers are accepted; more are not allowed")
    yield most, _show_edge(session, "send-numbers", most, most + 1)


def _read_text_signature(session: ProbeSession) -> Iterator[Sighting]:
    if session.find_place() == "none":
        yield "optional", (session.play("send-text", "none"),)
        return
    responses = {place: session.play("send-text", place) for place in ("none", "front", "end", "middle")}
    places = tuple(place for place, response in responses.items() if is_accepted(response))
    values = {("front",): "front", ("end",): "end", ("front", "end", "middle"): "anywhere"}
    if places in values:
        yield values[places], tuple(responses.values())


def _find_signature_length(session: ProbeSession) -> int:
    """Return a number of characters of which the server accepts any signature. Raises NotObserved."""
    lengths = dict.fromkeys((len(session.signature), 3, 2, 6, 8, 1))
    length = next((each for each in lengths if session.accepts("send-signature", each)), None)
    if length is None:
        raise NotObserved("no signature of these lengths is accepted")
    if not session.accepts("send-signature-other", length):
        raise NotObserved(f"the signature {session.get_signature(length)} is accepted, and another one is not")
    return length


def _read_signature_min(session: ProbeSession) -> Iterator[Sighting]:
    good = _find_signature_length(session)
    if session.accepts("send-signature", 1):
        yield None, _show_edge(session, "send-signature", 1)
        return
    fewer = find_last(lambda count: session.accepts("send-signature", good - count + 1), good, good)
    least = good - fewer + 1
    yield least, _show_edge(session, "send-signature", least, least - 1)


def _read_signature_max(session: ProbeSession) -> Iterator[Sighting]:
    good = _find_signature_length(session)
    longer = find_last(
        lambda count: session.accepts("send-signature", good + count - 1),
        LONGEST_SIGNATURE - good + 1,
        LONGEST_SIGNATURE - good + 1,
    )
    most = good + longer - 1
    if most == LONGEST_SIGNATURE:
        yield None, _show_edge(session, "send-signature", most)
        return
    yield most, _show_edge(session, "send-signature", most, most + 1)


def _read_signature_digits(session: ProbeSession) -> Iterator[Sighting]:
    length = _find_signature_length(session)
    response = session.play("send-signature-digits", length)
    yield is_accepted(response), (response, session.play("send-signature-other", length))


def _read_check_words(session: ProbeSession) -> Iterator[Sighting]:
    if session.accepts("send-word"):
        raise NotObserved("the forbidden word is accepted at the signed endpoint: see --forbidden-word")
    response = session.play("older-word")
    if is_accepted(response):
        yield "checkContent", (response,)
    elif get_message(response) == get_message(session.play("send-word")):
        yield "always", (response, session.play("send-word"))


def _read_billing(session: ProbeSession) -> Iterator[Sighting]:
    responses = session.play("send-short"), session.play("send-long")
    short, long = (session.costs.get((name,)) for name in ("send-short", "send-long"))
    values = {(1, 1): "recipient", (1, 2): "segment"}
    if (short, long) not in values:
        raise NotObserved(f"a short text costs {short} points and one of 71 characters {long}")
    yield values[short or 0, long or 0], responses


OLD: Final = 30 * 86_400
"""Age in seconds of a timestamp that no vendor with a limit accepts."""

CLOCK_SKEWS: Final = (60, 300, 600, 900, 1800, 3600, 86_400)
"""Values of `max_clock_skew` that are told apart: the nearest one above what is accepted."""


def _read_max_clock_skew(session: ProbeSession) -> Iterator[Sighting]:
    oldest = session.play("timestamp", OLD)
    if is_accepted(oldest):
        yield None, (oldest,)
        return
    edges = [(low + high) // 2 for low, high in pairwise(CLOCK_SKEWS)]
    index = find_last(
        lambda count: session.accepts("timestamp", edges[count - 2]), len(CLOCK_SKEWS), len(CLOCK_SKEWS) // 2 + 1
    )
    shown = [edges[at] for at in (index - 2, index - 1) if 0 <= at < len(edges)]
    yield float(CLOCK_SKEWS[index - 1]), (oldest, *_show_edge(session, "timestamp", *shown))


# Texts of refusals


def _read_text(name: str, *arguments: str | int) -> Reader:
    def read(session: ProbeSession) -> Iterator[Sighting]:
        response = session.play(name, *arguments)
        yield _get_refusal(session, response), (response,)

    return read


def _get_refusal(session: ProbeSession, response: ParsedResponse) -> str:
    """Return the message of a refusal, with `{word}` for the forbidden word. Raises NotObserved if it is none."""
    message = get_message(response)
    if is_accepted(response) or not message:
        raise NotObserved("the request is not refused with a message")
    if any(name in _REPEATABLE and len(value) > 1 and value in message for name, value in response.request.pairs):
        raise NotObserved("the message repeats what was sent, which a profile cannot say")
    return message


_REPEATABLE: Final = ("extno", "sendTime", "statusNum", "mobile", "userid", "account", "password", "sign")
"""Parameters whose value some vendors repeat in the message of a refusal."""


def _read_word_text(session: ProbeSession) -> Iterator[Sighting]:
    response = session.play("send-word")
    message, word = _get_refusal(session, response), session.context.forbidden_word
    yield message.replace(word, "{word}") if message.count(word) == 1 else message, (response,)


def _read_edge_text(key: str, name: str, offset: int) -> Reader:
    """Return a reader of the text with which the first value beyond a limit is refused."""

    def read(session: ProbeSession) -> Iterator[Sighting]:
        edge = BY_KEY[key].observe(session).value
        response = None if edge is None else session.responses.get((name, edge + offset))
        if response is None:
            raise NotObserved("no limit was found")
        yield _get_refusal(session, response), (response,)

    return read


def _read_place_text(place: str) -> Reader:
    def read(session: ProbeSession) -> Iterator[Sighting]:
        if BY_KEY["text_signature"].observe(session).value != place:
            raise NotObserved("this place is not demanded")
        response = session.play("send-text", "none")
        yield _get_refusal(session, response), (response,)

    return read


def _read_digits_text(session: ProbeSession) -> Iterator[Sighting]:
    response = session.play("send-signature-digits", _find_signature_length(session))
    yield _get_refusal(session, response), (response,)


def _read_no_date_text(session: ProbeSession) -> Iterator[Sighting]:
    formats = [name for name in BY_KEY["send_time_formats"].observe(session).value if "dd" in name]
    if not formats:
        raise NotObserved("no format with a date is accepted")
    response = session.play("send-time-no-date", formats[0])
    yield _get_refusal(session, response), (response,)


def _read_skew_text(session: ProbeSession) -> Iterator[Sighting]:
    response = session.play("timestamp", OLD)
    yield _get_refusal(session, response), (response,)


_SIGNATURES: Final = ("send-text", "send-signature", "send-signature-other")


def _text(cause: str, probe: str, en: str, zh: str, read: Reader | None = None) -> LearnableKey:
    return LearnableKey(f"texts.{cause}", (probe,), en, zh, read or _read_text(probe))


_MESSAGE: Final = "the message", "提示的文字"

LEARNABLE: Final = (
    LearnableKey(
        "refusal_form",
        ("overage-empty", "overage-wrong", "keyword-empty"),
        "their elements: payinfo or message alone is own, taskID is send",
        "其元素：有 payinfo 或只有 message 为 own，有 taskID 为 send",
        _read_refusal_form,
    ),
    LearnableKey(
        "keyword_form",
        ("keyword-clean", "keyword-word"),
        "their elements: message alone, or checkCounts too",
        "其元素：只有 message，或还有 checkCounts",
        _read_keyword_form,
    ),
    LearnableKey("keyword_clean", ("keyword-clean",), *_MESSAGE, _read_keyword_clean),
    LearnableKey("keyword_found", ("keyword-word",), *_MESSAGE, _read_keyword_found),
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
    LearnableKey(
        "json_switch",
        ("overage-rt", "overage-dataType"),
        "which of them is answered in JSON",
        "哪一个得到 JSON 响应",
        _read_json_switch,
    ),
    LearnableKey("json_form", ("overage-rt", "overage-dataType"), "its keys and values", "其键和值", _read_json_form),
    LearnableKey(
        "line_end",
        ("overage", "overage-gbk", "overage-empty", "keyword-clean"),
        "the line ends, if all are the same",
        "换行（须全部相同）",
        _read_line_end,
    ),
    LearnableKey(
        "extno_max_digits",
        ("send-extno",),
        f"the most digits that are accepted, up to {MOST_EXTNO_DIGITS}",
        f"被接受的最多位数，最多试到 {MOST_EXTNO_DIGITS}",
        _read_extno_max_digits,
    ),
    LearnableKey(
        "send_time_formats",
        ("send-time-text", "send-time"),
        "the accepted ones, unless abc is accepted",
        "被接受的格式；若 abc 也被接受则无法判断",
        _read_send_time_formats,
    ),
    LearnableKey(
        "max_numbers",
        ("send-numbers",),
        "the most that are accepted, if not all allowed ones are",
        "被接受的最多个数（允许的号码并非全部被接受时）",
        _read_max_numbers,
    ),
    LearnableKey("text_signature", ("send-text",), "which of them are accepted", "哪些被接受", _read_text_signature),
    LearnableKey(
        "text_signature_min",
        _SIGNATURES,
        "the fewest characters that are accepted",
        "被接受的最少字数",
        _read_signature_min,
    ),
    LearnableKey(
        "text_signature_max",
        _SIGNATURES,
        f"the most characters that are accepted; no limit if {LONGEST_SIGNATURE} are",
        f"被接受的最多字数；{LONGEST_SIGNATURE} 个字被接受即为不限",
        _read_signature_max,
    ),
    LearnableKey(
        "text_signature_may_be_digits",
        (*_SIGNATURES, "send-signature-digits"),
        "whether it is accepted",
        "是否被接受",
        _read_signature_digits,
    ),
    LearnableKey("check_words", ("send-word", "older-word"), "whether it is accepted", "是否被接受", _read_check_words),
    LearnableKey(
        "billing",
        ("send-short", "send-long"),
        "the difference of the balances: 1 and 2 points, or 1 and 1",
        "余额之差：1 点和 2 点，或都是 1 点",
        _read_billing,
    ),
    LearnableKey(
        "max_clock_skew",
        ("timestamp",),
        f"whether 30 days are accepted; if not, the nearest of {', '.join(map(str, CLOCK_SKEWS))}",
        f"是否接受 30 天前的；不接受时取最接近的 {'、'.join(map(str, CLOCK_SKEWS))}",
        _read_max_clock_skew,
    ),
    _text("credentials-empty", "overage-empty", *_MESSAGE),
    _text("credentials-wrong", "overage-wrong", *_MESSAGE),
    _text("timestamp-skew", "timestamp", *_MESSAGE, _read_skew_text),
    _text("mobile-empty", "send-mobile-empty", *_MESSAGE),
    _text("content-empty", "send-content-empty", *_MESSAGE),
    _text("sql-injection", "send-sql", *_MESSAGE),
    _text("forbidden-word", "send-word", *_MESSAGE, _read_word_text),
    _text("action", "send-action", *_MESSAGE),
    _text("extno-not-digits", "send-extno-letters", *_MESSAGE),
    _text("extno-too-long", "send-extno", *_MESSAGE, _read_edge_text("extno_max_digits", "send-extno", 1)),
    _text("send-time-format", "send-time-text", *_MESSAGE),
    _text("send-time-no-date", "send-time-no-date", *_MESSAGE, _read_no_date_text),
    _text("too-many-numbers", "send-numbers", *_MESSAGE, _read_edge_text("max_numbers", "send-numbers", 1)),
    _text("text-signature-anywhere", "send-text", *_MESSAGE, _read_place_text("anywhere")),
    _text("text-signature-front", "send-text", *_MESSAGE, _read_place_text("front")),
    _text("text-signature-end", "send-text", *_MESSAGE, _read_place_text("end")),
    _text(
        "text-signature-short",
        "send-signature",
        *_MESSAGE,
        _read_edge_text("text_signature_min", "send-signature", -1),
    ),
    _text(
        "text-signature-long", "send-signature", *_MESSAGE, _read_edge_text("text_signature_max", "send-signature", 1)
    ),
    _text("text-signature-digits", "send-signature-digits", *_MESSAGE, _read_digits_text),
    _text("status-num", "status-num", *_MESSAGE),
    _text("status-num-zero", "status-num-zero", *_MESSAGE),
)
"""All keys that can be learned, in the order in which they are. **Queues are emptied before anything is sent.**"""

BY_KEY: Final = {learnable.key: learnable for learnable in LEARNABLE}

_MANY: Final = (
    "it would take more requests, or messages to one phone, than a real account should send",
    ("需要的请求或发给同一手机的短信太多，不适合真实账号"),
)
_LOCKS: Final = "it would lock the account", "会锁定账号"
_PASSWORD: Final = "no request may change the password of a real account", "不得修改真实账号的密码"
_STATE: Final = "the account would have to be in another state", "账号须处于另一状态"

NOT_LEARNABLE: Final[Mapping[str, tuple[str, str]]] = {
    "signed_changespwd": _PASSWORD,
    "requests_per_second": _MANY,
    "requests_per_minute": _MANY,
    "lock_out_after": _LOCKS,
    "lock_out_seconds": _LOCKS,
    "verification_codes_per_3_minutes": _MANY,
    "verification_codes_per_day": _MANY,
    "texts.balance": _STATE,
    "texts.no-points": _STATE,
    "texts.queues-not-allowed": _STATE,
    "texts.replies-not-allowed": _STATE,
    "texts.locked-out": _LOCKS,
    "texts.too-many-requests": _MANY,
    "texts.too-many-verification-codes": _MANY,
    "texts.timestamp-format": ("a vendor may count it as a wrong signature", "厂商可能把它算作签名错误"),
    "texts.new-password-empty": _PASSWORD,
    "texts.new-passwords-differ": _PASSWORD,
}
"""The other keys, with the reason in English and Chinese."""

EMPTYING: Final = ("status-none", "call-none")
"""Probes that come first: they take what earlier messages left in the queues."""


@dataclass(frozen=True)
class LearnedKeys:
    """What was observed of each key, and why the others were not."""

    observed: Mapping[str, Observation]
    missing: Mapping[str, str]


def learn_keys(session: ProbeSession, keys: Iterable[LearnableKey] = LEARNABLE) -> LearnedKeys:
    """Read each key. Nothing is sent or fetched that the guard of the session does not allow."""
    for name in EMPTYING:
        with suppress(NotObserved):
            session.play(name)
    observed, missing = {}, {}
    for learnable in keys:
        try:
            observed[learnable.key] = learnable.observe(session)
        except NotObserved as error:
            missing[learnable.key] = session.mask(str(error))
    for key, each in [*observed.items()] if session.limit_text else []:
        if any(get_message(response) == session.limit_text for response in each.responses):
            del observed[key]
            missing[key] = "the message is that of a limit"
    return LearnedKeys(observed, missing)
