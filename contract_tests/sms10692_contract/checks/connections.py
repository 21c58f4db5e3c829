"""Checks of connections: what a client's HTTP library does beyond one request per connection (Q17).

Kept connections, pipelining, HEAD, `Expect: 100-continue`, bodies in pieces, HTTP/1.0 and `Connection: close`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle
from random import Random
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.operation_trials import OPERATION, OPERATIONS, VALUES, TrialValues, prepare_trial
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.request_forms import ANY_FORM, RequestForm
from sms10692_contract.checks.strategies import build_mobiles
from sms10692_contract.expectations import expect, expect_keyword, expect_message, expect_sent
from sms10692_contract.expected import WRONG_CREDENTIALS, ParsedResponse
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import HttpResponse
from sms10692_contract.kept_connection import Conversation
from sms10692_contract.pace import REPORT_TIMEOUT
from sms10692_contract.requests import CALL, GBK, STATUS, UTF8, ChunkStyle, Pairs, WireRequest, build_request, keep_open
from sms10692_contract.safety import INVALID_SIGN

_STATUS_200: Final = re.compile(rb"HTTP/1\.[01] 200\b")
_DIVIDED_LINES: Final = 3
"""Line ends at which a request is divided, from its end."""

_MANY: Final = 260
"""Requests on one connection: more than the 100 or 250 after which some servers close it."""

STRICT_SECONDS: Final = 5.0
"""Time within which 100 Continue must come."""

CLOSE_SECONDS: Final = 3.0
"""Time within which a server closes a connection that the client asked to close."""

CLOSING_VALUES: Final = ("Close", "CLOSE", "TE, close", "close, TE", "TE,close", "close , TE", "Keep-Alive, Close")
"""Values of Connection that ask to close it, as HTTP libraries write them (`TE, close`: LWP of Perl)."""

_EXPECT: Final = ("Expect", "100-continue")
_STEPS: Final = st.lists(st.tuples(OPERATION, VALUES), min_size=2, max_size=5)
_FORMS: Final = st.just(RequestForm()) | ANY_FORM.map(lambda form: replace(form, protocol="HTTP/1.1"))


def _build_keyword_request(context: CheckContext, content: str, endpoint: str = UTF8) -> WireRequest:
    fields = context.own.build_credentials() | {"action": "checkkeyword", "content": content}
    return keep_open(build_request(endpoint, body=list(fields.items())))


def _expect_usable(context: CheckContext, conversation: Conversation) -> None:
    """Expect two different responses to two more requests on the connection."""
    for is_found in (True, False):
        request = _build_keyword_request(context, context.forbidden_word if is_found else "内容")
        expect_keyword(conversation.exchange(request), is_found)


@checks("K-kept")
def _each_request_of_a_connection_gets_its_own_answer(context: CheckContext) -> None:
    """Check operations of different accounts on one connection, and that nothing of a request is kept for the next."""

    def check_answers(steps: Sequence[tuple[str, TrialValues]], forms: Sequence[RequestForm]) -> None:
        with context.keep_connection() as conversation:
            pairs = [*context.own.build_credentials().items(), ("action", "overage"), ("rt", "json")]
            response = conversation.exchange(keep_open(build_request(UTF8, body=pairs)))
            expect(response.raw.body.startswith(b"{"), response, "JSON, for rt=json")
            for index, (operation, values) in enumerate(steps):
                trial = prepare_trial(context, operation, values)
                form = forms[index % len(forms)]
                trial.verify(conversation.exchange(keep_open(form.build(trial.endpoint, trial.pairs))))

    every_operation = [(operation, TrialValues(extno="12", hours=3)) for operation in OPERATIONS]
    check_answers([*every_operation, *((operation, TrialValues(limit=0)) for operation in OPERATIONS)], [RequestForm()])
    large = TrialValues(waiting=1000, limit=1000)
    check_answers([(operation, large) for operation in OPERATIONS], [RequestForm()])
    context.for_all(check_answers, _STEPS, st.lists(_FORMS, min_size=1, max_size=3), examples=context.few_examples)


@checks("K-credentials")
def _each_request_of_a_connection_is_authenticated(context: CheckContext) -> None:
    """Check that a connection on which a request was accepted does not vouch for the next one."""
    own, other = context.create_account(points=50), context.create_account(points=60)

    def check_refused(fields: Pairs, endpoint: str, changed: dict[str, str]) -> None:
        with context.keep_connection() as conversation:
            for account, points in ((own, 50), (other, 60)):
                accepted = [*account.build_credentials().items(), ("action", "overage")]
                response = conversation.exchange(keep_open(build_request(UTF8, body=accepted)))
                expect(response.get_number("overage") == points, response, f"the balance {points}")
            pairs = own.build_credentials() | changed | dict(fields)
            pairs = {name: value for name, value in pairs.items() if value}
            response = conversation.exchange(keep_open(build_request(endpoint, body=list(pairs.items()))))
            refused = response.get_element("message") or response.get_element("remark")
            expected = WRONG_CREDENTIALS if all(changed.values()) else "用户名或密码不能为空"
            expect(refused == expected, response, expected)

    for fields, endpoint in (
        ([("action", "overage")], UTF8),
        ([("action", "checkkeyword"), ("content", "内容")], GBK),
        ([("action", "send"), ("mobile", "13000000001"), ("content", "内容")], UTF8),
        ([("action", "query")], STATUS),
        ([("action", "query")], CALL),
    ):
        for changed in ({"sign": INVALID_SIGN}, {"userid": other.userid}, {"sign": ""}, {"timestamp": ""}):
            check_refused(fields, endpoint, changed)


@checks("K-equal")
def _an_equal_request_on_a_connection_is_handled_again(context: CheckContext) -> None:
    """Check the same bytes twice: a send costs twice, reports come once, and every endpoint responds by itself."""
    account = context.create_account(points=10)
    pairs = [*account.build_credentials().items(), ("action", "send"), ("mobile", "13000000001"), ("content", "内容")]
    with context.keep_connection() as conversation:
        tasks = []
        for expected in (9, 8, 7):
            response = conversation.exchange(keep_open(build_request(UTF8, body=pairs)))
            tasks.append(expect_sent(response, 1))
            remaining = response.get_number("remainpoint")
            expect(remaining == expected, response, f"remainpoint {expected}", f"{remaining}")
        expect(len(set(tasks)) == 3, response, "a task for each send", f"{tasks}")
        context.clock.advance(account.userid, REPORT_TIMEOUT)
        pairs = [*account.build_credentials().items(), ("action", "query")]
        for endpoint, tag, expected in ((CALL, "callbox", 0), (STATUS, "statusbox", 3), (STATUS, "statusbox", 0)):
            response = conversation.exchange(keep_open(build_request(endpoint, body=pairs)))
            count = len(response.get_items(tag))
            expect(count == expected, response, f"{expected} items", f"{count}")


@checks("K-pipelined")
def _pipelined_requests_are_answered_in_order(context: CheckContext) -> None:
    def check_answers(
        steps: Sequence[tuple[str, TrialValues]],
        refused: Sequence[bool],
        forms: Sequence[RequestForm] = (RequestForm(),),
    ) -> None:
        """Send the requests of these steps at once, some of them behind a request that is refused."""
        expected: list[tuple[WireRequest, Callable[[ParsedResponse], None]]] = []
        for (operation, values), has_refused, form in zip(steps, cycle(refused), cycle(forms), strict=False):
            trial = prepare_trial(context, operation, values)
            if has_refused:
                pairs = [(name, INVALID_SIGN if name == "sign" else value) for name, value in trial.pairs]
                request = keep_open(RequestForm().build(trial.endpoint, pairs))
                expected.append((request, lambda response: expect_message(response, WRONG_CREDENTIALS)))
            expected.append((keep_open(form.build(trial.endpoint, trial.pairs)), trial.verify))
        with context.keep_connection() as conversation:
            responses = conversation.pipeline([request for request, _ in expected])
            for (_, verify), response in zip(expected, responses, strict=True):
                verify(response)
            _expect_usable(context, conversation)

    every_operation = [(operation, TrialValues(points=POINTS_BY_OPERATION[operation])) for operation in OPERATIONS]
    check_answers(every_operation, [False])
    check_answers(every_operation, [True])
    check_answers(every_operation, [False], [RequestForm(chunk_size=9), RequestForm(method="GET")])
    trailers = ChunkStyle(trailers=("X-A: 0", "X-B: 1"))
    check_answers(every_operation, [False], [RequestForm(chunk_size=9, chunk_style=trailers)])
    many = TrialValues(points=5000, mobiles=tuple(build_mobiles(2000)))
    check_answers([("send", many), ("overage", TrialValues(points=7)), ("send", many)], [False, True])
    refused = st.lists(st.booleans(), min_size=1, max_size=3)
    forms = st.lists(_FORMS, min_size=1, max_size=3)
    context.for_all(check_answers, _STEPS, refused, forms, examples=context.few_examples)


POINTS_BY_OPERATION: Final = {operation: 1000 + index for index, operation in enumerate(OPERATIONS)}
"""Different balances, so that exchanged responses are noticed."""


@checks("K-many")
def _a_connection_answers_many_requests(context: CheckContext) -> None:
    """Check hundreds of requests on one connection. A server may close it if a response says `Connection: close`."""
    random = Random(context.seed)  # noqa: S311 - repeatable from the seed, not secret
    count = _MANY * (4 if context.effort.is_thorough else 1)
    with context.keep_connection() as conversation:
        for index in range(count):
            is_found, endpoint = random.random() < 0.5, random.choice((UTF8, GBK))
            text = f"{index}{context.forbidden_word if is_found else '内容'}"
            response = conversation.exchange(_build_keyword_request(context, text, endpoint))
            expect_keyword(response, is_found)
            if response.raw.connection.lower() == "close":
                break


@checks("K-head")
def _an_answer_to_head_has_no_body(context: CheckContext) -> None:
    """Check GET after HEAD on the same connection: a body after HEAD would be read as the next response.

    HEAD executes a request like GET, so a refused one, a long list of numbers and a fetch of many items are tried too.
    """
    account = context.create_account(points=77)
    balance = [*account.build_credentials().items(), ("action", "overage")]
    many = TrialValues(points=5000, mobiles=tuple(build_mobiles(500)), waiting=300, limit=300)
    for operation in OPERATIONS:
        for values, is_refused in ((TrialValues(), False), (TrialValues(), True), (many, False)):
            trial = prepare_trial(context, operation, values)
            pairs = [(name, INVALID_SIGN if is_refused and name == "sign" else value) for name, value in trial.pairs]
            with context.keep_connection() as conversation:
                for _ in range(2):
                    head = keep_open(build_request(trial.endpoint, query=pairs, method="HEAD"))
                    response = conversation.exchange(head)
                    expect((response.raw.status, response.raw.body) == (200, b""), response, "HTTP 200 and no body")
                    response = conversation.exchange(keep_open(build_request(UTF8, query=balance, method="GET")))
                    expect(response.get_number("overage") == 77, response, "the balance 77 after HEAD")
                _expect_usable(context, conversation)
    for protocol in ("HTTP/1.1", "HTTP/1.0"):  # both responses end the connection
        last = replace(build_request(UTF8, query=balance, method="HEAD"), protocol=protocol)
        with context.keep_connection() as conversation:
            raw = conversation.exchange_to_end(last)
            _, end, body = raw.partition(b"\r\n\r\n")
            unparsed = ParsedResponse(last, HttpResponse(200, "", raw))
            is_head = end != b"" and _STATUS_200.match(raw) is not None
            expect(is_head, unparsed, "the head of a response with HTTP 200", repr(raw[:60]))
            expect(body == b"", unparsed, "nothing behind the head", repr(body))


@checks("K-expect")
def _a_body_need_not_wait_for_100_continue(context: CheckContext) -> None:
    """Check `Expect: 100-continue` of a client that sends the body at once, and of one that waits for a moment only."""

    def check_read(endpoint: str, waits: bool, before: str) -> None:
        with context.keep_connection() as conversation:
            for is_found in (True, False):
                text = before + (context.forbidden_word if is_found else "内容")
                request = _build_keyword_request(context, text, endpoint)
                request = replace(request, headers=(*request.headers, _EXPECT))
                exchange = conversation.exchange_after_continue if waits else conversation.exchange
                expect_keyword(exchange(request), is_found)
            _expect_usable(context, conversation)

    check_read(UTF8, False, "")
    if not context.is_sandboxed:
        return
    check_read(UTF8, True, "")
    text = st.sampled_from(["", "内" * 1000, "a" * 5000])
    context.for_all(check_read, st.sampled_from([UTF8, GBK]), st.booleans(), text, examples=context.few_examples)


@checks("K-continue")
def _each_expected_continue_comes(context: CheckContext) -> None:
    """Check a client that sends no body before 100 Continue, several times on one connection."""

    def check_continued(endpoints: Sequence[str], before: str) -> None:
        with context.keep_connection() as conversation:
            for index, endpoint in enumerate(endpoints):
                text = before + (context.forbidden_word if index % 2 else "内容")
                request = _build_keyword_request(context, text, endpoint)
                request = replace(request, headers=(*request.headers, _EXPECT))
                expect_keyword(conversation.exchange_strictly(request, STRICT_SECONDS), is_found=bool(index % 2))
            _expect_usable(context, conversation)

    check_continued([UTF8, GBK, UTF8], "")
    check_continued([UTF8], "a" * 70_000)
    text = st.sampled_from(["", "内" * 1000, "a" * 70_000])
    context.for_all(
        check_continued,
        st.lists(st.sampled_from([UTF8, GBK]), min_size=1, max_size=4),
        text,
        examples=context.few_examples,
    )


@checks("K-pieces")
def _a_request_may_arrive_in_pieces(context: CheckContext) -> None:
    def check_read(endpoint: str, form: RequestForm, place: int, size: int) -> None:
        """Divide a request near `place` bytes before its end: in its body, its head, or between both."""
        fields = context.own.build_credentials() | {"action": "checkkeyword", "content": f"内{context.forbidden_word}"}
        request = keep_open(form.build(endpoint, list(fields.items())))
        length = len(request.build_head(context.address.netloc)) + len(request.body)
        with context.keep_connection() as conversation:
            sizes = [max(length - place, 1), size, size]
            expect_keyword(conversation.exchange_in_pieces(request, sizes), True)
            _expect_usable(context, conversation)

    def check_divided_line(form: RequestForm, after: bytes) -> None:
        """Divide a request behind each of the last places that end with these bytes."""
        fields = context.own.build_credentials() | {"action": "checkkeyword", "content": context.forbidden_word}
        request = keep_open(form.build(UTF8, list(fields.items())))
        raw = request.build_head(context.address.netloc, context.address.prefix) + request.body
        for place in [place for place in range(1, len(raw)) if raw[:place].endswith(after)][-_DIVIDED_LINES:]:
            with context.keep_connection() as conversation:
                expect_keyword(conversation.exchange_in_pieces(request, [place]), True)

    forms = (RequestForm(), RequestForm(chunk_size=9), RequestForm(spellings=("raw",)), RequestForm(method="GET"))
    if not context.is_sandboxed:
        check_read(UTF8, RequestForm(), 10, 1)
        return
    for form in forms:
        check_read(UTF8, form, 10, 1)
        check_read(GBK, form, 150, 30)
        for after in (b"\r", b"\r\n", b"\r\n\r"):
            check_divided_line(form, after)
    context.for_all(
        check_read,
        st.sampled_from([UTF8, GBK]),
        st.sampled_from(forms),
        st.integers(1, 400),
        st.integers(1, 50),
        examples=min(context.few_examples, 50),
    )


@checks("K-close")
def _a_connection_is_closed_when_the_client_asks(context: CheckContext) -> None:
    """Check `Connection: close` and HTTP/1.0: some clients read until the connection ends, and know no chunks."""
    forms = (
        RequestForm(),
        RequestForm(method="GET"),
        RequestForm(protocol="HTTP/1.0"),
        RequestForm(protocol="HTTP/1.0", method="GET"),
    )
    for form in forms if context.is_sandboxed else forms[::2]:
        for endpoint in (UTF8, GBK) if context.is_sandboxed else (UTF8,):
            pairs = [*context.own.build_credentials().items(), ("action", "checkkeyword")]
            request = form.build(endpoint, [*pairs, ("content", context.forbidden_word)])
            if form.protocol == "HTTP/1.0":
                request = keep_open(request)  # HTTP/1.0 closes without being asked
            with context.keep_connection() as conversation:
                response = conversation.exchange(request)
                expect_keyword(response, True)
                closed = conversation.connection.is_closed_by_server(CLOSE_SECONDS)
                expect(closed, response, f"the connection closed within {CLOSE_SECONDS:g} s", "an open connection")
    for value in CLOSING_VALUES if context.is_sandboxed else ():
        _check_closing_value(context, value)
    _check_kept_http10(context)
    for endpoint in (UTF8, STATUS) if context.is_sandboxed else (UTF8,):
        pairs = [*context.own.build_credentials().items(), ("action", "overage" if endpoint == UTF8 else "query")]
        request = replace(keep_open(build_request(endpoint, body=pairs)), protocol="HTTP/1.0")
        with context.keep_connection() as conversation:
            raw = conversation.exchange_to_end(request)
            head = raw.partition(b"\r\n\r\n")[0].lower()
            unparsed = ParsedResponse(request, HttpResponse(200, "", raw))
            expect(_STATUS_200.match(raw) is not None, unparsed, "a response with HTTP 200", repr(raw[:60]))
            expect(b"\r\ntransfer-encoding" not in head, unparsed, "a response to HTTP/1.0 without chunks", repr(head))


def _check_closing_value(context: CheckContext, value: str) -> None:
    """Check a value of Connection with the option `close`: a list, in any case (RFC 9110, 7.6.1)."""
    request = _build_keyword_request(context, context.forbidden_word)
    with context.keep_connection() as conversation:
        response = conversation.exchange(replace(request, headers=(*request.headers, ("Connection", value))))
        expect_keyword(response, True)
        closed = conversation.connection.is_closed_by_server(CLOSE_SECONDS)
        expect(closed, response, f"the connection closed after Connection: {value}", "an open connection")


def _check_kept_http10(context: CheckContext) -> None:
    """Check a client of HTTP/1.0 that asks to keep the connection: the response says so, or the connection ends.

    Such a client reads to the end of a connection that is not said to be kept.
    """
    for is_found in (True, False):
        request = _build_keyword_request(context, context.forbidden_word if is_found else "内容")
        kept = ("Connection", "keep-alive")
        request = replace(request, protocol="HTTP/1.0", headers=(*request.headers, kept))
        with context.keep_connection() as conversation:
            response = conversation.exchange(request)
            expect_keyword(response, is_found)
            if response.raw.connection.lower() != "keep-alive":
                closed = conversation.connection.is_closed_by_server(CLOSE_SECONDS)
                expect(closed, response, "Connection: keep-alive, or the connection closed", "an open connection")
