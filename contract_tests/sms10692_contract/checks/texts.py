"""Checks of texts: a forbidden word at any place, in every form of request; special characters in reports (R8, R17)."""

from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.operation_trials import (
    TEXT_OPERATIONS,
    TROUBLESOME,
    VALUES,
    TrialValues,
    parse_document,
    prepare_trial,
)
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.request_forms import ANY_FORM, PLAIN_FORMS, RequestForm
from sms10692_contract.checks.strategies import SEND_ENDPOINT, SEND_ENDPOINTS, random_case
from sms10692_contract.expectations import expect, expect_keyword, expect_sent, get_message
from sms10692_contract.expected import FORBIDDEN_CONTENT
from sms10692_contract.harness import CheckContext
from sms10692_contract.pace import REPORT_TIMEOUT
from sms10692_contract.requests import CHARSET, GBK, UTF8, is_encodable

PLACES: Final = (
    0,
    1,
    66,
    67,
    69,
    70,
    133,
    134,
    139,
    140,
    200,
    255,
    256,
    300,
    499,
    511,
    999,
    1023,
    1024,
    2047,
    4095,
    8191,
)
"""Numbers of characters before a forbidden word: around the edges of segments and of usual buffers."""

REPLY_LENGTHS: Final = (1, 67, 70, 71, 134, 135, 140, 160, 255, 256, 500, 1001)
"""Lengths of replies: around the edges of segments and of usual columns of databases."""

LONG_PLACES: Final = (16_383, 65_535)

FILLERS: Final = ("内", "a", " ", "\n", "\r\n", "。", "<b>", "&", "é", "😀", "内a", "\t", "0", "'", "-", "\u3000")


def _list_fillers(word: str) -> tuple[str, ...]:
    """Return what may stand around a forbidden word, also its own beginnings: a search must begin again within them."""
    return *FILLERS, *(word[:length] for length in range(1, len(word)))


def _build_filler(filler: str, length: int) -> str:
    return (filler * length)[:length]


@checks("R8-places")
def _a_forbidden_word_is_found_at_any_place(context: CheckContext) -> None:
    """Check words across the edge of segments and buffers, and texts that lack one character of the word."""
    word = context.forbidden_word
    fillers = _list_fillers(word)

    def check_found(endpoint: str, place: int, shift: int, filler: str, after: int) -> None:
        length = max(place - shift, 0)
        filler = filler.encode(CHARSET[endpoint], "ignore").decode(CHARSET[endpoint]) or "内"
        before, behind = _build_filler(filler, length), _build_filler(filler, after)
        expect_keyword(context.checkkeyword(context.own, before + word + behind, endpoint), is_found=True)
        if len(word) > 1:
            broken = f"{before}{word[:1]}{filler}{word[1:]}{behind}"
            expect_keyword(context.checkkeyword(context.own, broken, endpoint), is_found=word in broken)

    if not context.is_sandboxed:
        check_found(UTF8, 69, 1 if len(word) > 1 else 0, "内", 0)
        return
    for index, place in enumerate(PLACES):
        check_found(SEND_ENDPOINTS[index % 2], place, 1 if len(word) > 1 else 0, FILLERS[index % 2], 0)
    for filler in fillers:
        for endpoint in SEND_ENDPOINTS:
            check_found(endpoint, 3, 0, filler, 2)
    context.for_all(
        check_found,
        SEND_ENDPOINT,
        st.sampled_from(PLACES) | st.integers(0, 1500),
        st.integers(0, len(word)),
        st.sampled_from(fillers),
        st.integers(0, 100),
    )
    for place in LONG_PLACES:
        check_found(UTF8, place, 0, "a", 3)
        check_found(GBK, place + 1, 1, "a", 3)


@checks("R8-places-send")
def _a_send_with_a_forbidden_word_at_any_place_is_refused(context: CheckContext) -> None:
    account, word = context.create_account(), context.forbidden_word
    fillers = _list_fillers(word)

    def check_answer(endpoint: str, content: str) -> None:
        response = context.send(account, content=content, endpoint=endpoint)
        if word not in content:
            expect_sent(response, 1)
            return
        message = get_message(response)
        expect(message.startswith(FORBIDDEN_CONTENT), response, f"the message {FORBIDDEN_CONTENT!r}", repr(message))

    def check_refused(endpoint: str, place: int, shift: int, filler: str, after: int) -> None:
        filler = filler.encode(CHARSET[endpoint], "ignore").decode(CHARSET[endpoint]) or "内"
        filler = filler.replace("'", "内")
        before, behind = _build_filler(filler, max(place - shift, 0)), _build_filler(filler, after)
        check_answer(endpoint, before + word + behind)
        if len(word) > 1:
            check_answer(endpoint, f"{before}{word[:1]}{filler}{word[1:]}{behind}")

    for index, place in enumerate(PLACES):
        check_refused(SEND_ENDPOINTS[index % 2], place, 1 if len(word) > 1 else 0, "内", 0)
    for index, filler in enumerate(fillers):
        check_refused(SEND_ENDPOINTS[index % 2], 3, 0, filler, 2)
    context.for_all(
        check_refused,
        SEND_ENDPOINT,
        st.sampled_from(PLACES) | st.integers(0, 1500),
        st.integers(0, len(word)),
        st.sampled_from(fillers),
        st.integers(0, 100),
    )
    for place in LONG_PLACES:
        check_refused(UTF8, place, 0, "a", 3)


@checks("R8-forms")
def _a_forbidden_word_is_found_in_every_form(context: CheckContext) -> None:
    """Check every kind of form with both operations on both endpoints, and any values of the other parameters."""

    def check_found(operation: str, values: TrialValues, form: RequestForm) -> None:
        trial = prepare_trial(context, operation, values)
        trial.verify(context.exchange(form.build(trial.endpoint, trial.pairs)))

    forbidden = VALUES.map(lambda values: TrialValues(**vars(values) | {"is_forbidden": True}))
    schedules = (
        TrialValues(is_forbidden=True),
        TrialValues(is_forbidden=True, hours=3),
        TrialValues(is_forbidden=True, extno="12"),
        TrialValues(is_forbidden=True, mobiles=("13000000001", "13000000002")),
    )
    for operation in TEXT_OPERATIONS:
        for form in PLAIN_FORMS:
            check_found(operation, schedules[0], form)
        for values in schedules[1:] if operation.startswith("send") else ():
            check_found(operation, values, RequestForm())
        context.for_all(check_found, st.just(operation), forbidden, ANY_FORM, examples=context.few_examples)


@checks("R8-each-word")
def _each_forbidden_word_is_found_in_any_case(context: CheckContext) -> None:
    """Check every word that the control API shows, or the one that the user named."""
    known = context.control.read_forbidden_words() if context.control is not None else []
    words = [word for word in known if word.strip()] or [context.forbidden_word]

    def check_found(endpoint: str, spelled: str, before: str) -> None:
        if is_encodable(spelled, CHARSET[endpoint]):
            response = context.checkkeyword(context.own, before + spelled, endpoint)
            expect_keyword(response, is_found=True)

    for word in words[:50]:
        for endpoint in SEND_ENDPOINTS:
            for spelled in {word, word.upper(), word.lower()} if word.isascii() else {word}:
                check_found(endpoint, spelled, "内")
    generated = st.sampled_from(words).flatmap(_random_ascii_case)
    before = st.text("内a ", max_size=3)
    context.for_all_if_sandboxed(check_found, SEND_ENDPOINT, generated, before, examples=context.few_examples)


def _random_ascii_case(word: str) -> st.SearchStrategy[str]:
    """Randomize the case of the ASCII letters of a word."""
    return st.tuples(*(random_case(char) if char.isascii() else st.just(char) for char in word)).map("".join)


_ODD_CHARACTERS: Final = (
    "'",
    '"',
    "<",
    ">",
    "&",
    "&amp;",
    "&#13;",
    "]]>",
    "😀",
    "𠮷",
    "é",
    "€",
    "内",
    "0",
    " x",
    "\\",
    "%41",
)


@checks("R17-numbers")
def _special_characters_of_a_number_are_reported_unchanged(context: CheckContext) -> None:
    """Check with invalid numbers, which reports repeat (R5). The form of the entities does not matter."""

    def check_reported(endpoint: str, pieces: list[str], form: RequestForm) -> None:
        account = context.create_account()
        number = "1" + "".join(pieces).encode(CHARSET[endpoint], "ignore").decode(CHARSET[endpoint]) + "x"
        pairs = [*account.build_credentials().items(), ("action", "send"), ("mobile", number), ("content", "内容")]
        response = context.exchange(form.build(endpoint, pairs))
        expect_sent(response, 1)
        context.clock.advance(account.userid, REPORT_TIMEOUT)
        fetched = context.status(account)
        actual = [element.text for element in parse_document(fetched).iter("mobile")]
        expect(actual == [number], fetched, f"a report of the number {number!r}", f"{actual}")

    for endpoint in SEND_ENDPOINTS:
        check_reported(endpoint, list(_ODD_CHARACTERS), RequestForm())
    pieces = st.lists(st.sampled_from([*_ODD_CHARACTERS, *TROUBLESOME]), min_size=1, max_size=6)
    forms = st.sampled_from(PLAIN_FORMS)
    context.for_all(check_reported, SEND_ENDPOINT, pieces, forms, examples=context.few_examples)


@checks("R17-replies")
def _a_reply_of_any_text_is_returned_whole(context: CheckContext) -> None:
    def check_replies(contents: list[str], extno: str) -> None:
        """Let a phone reply with these texts, and fetch all of them at once."""
        account = context.create_account()
        task = str(expect_sent(context.send(account, "13000000001", extno=extno), 1))
        for content in contents:
            context.clock.enqueue_reply(account.userid, "13000000001", content)
        response = context.call(account)
        expected = [("13000000001", task, content, extno) for content in contents]
        actual = [
            tuple(box.findtext(name, "") for name in ("mobile", "taskid", "content", "extno"))
            for box in parse_document(response).iter("callbox")
        ]
        if actual != expected:
            differences = [pair for pair in zip(expected, actual, strict=False) if pair[0] != pair[1]][:2]
            expect(False, response, f"{len(expected)} replies, in order", f"{len(actual)}; differences: {differences}")

    for length in REPLY_LENGTHS:
        check_replies(["字" * length, "a" * length + "。"], "01")
    check_replies([f"内{piece}容" for piece in TROUBLESOME] + [f"{piece} 1" for piece in TROUBLESOME], "")
    pieces = st.lists(st.sampled_from([*TROUBLESOME, "字" * 67, "\r"]), min_size=1, max_size=6)
    contents = st.lists(pieces.map(lambda pieces: "内" + "".join(pieces) + "容"), min_size=1, max_size=4)
    context.for_all(check_replies, contents, st.sampled_from(["", "0", "0123456789"]), examples=context.few_examples)
