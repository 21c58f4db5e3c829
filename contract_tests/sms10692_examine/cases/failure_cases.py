"""Cases about failures on the way: the result is unknown, and nothing is sent or lost twice."""

import math
import socket
import threading
import time
from typing import Final

from sms10692_examine.case_table import VENDOR
from sms10692_examine.cases.answers import (
    REPORT,
    answer,
    boxes,
    document,
    respond,
    respond_with,
    sent,
)
from sms10692_examine.cases.registry import case
from sms10692_examine.driver_protocol import Answer
from sms10692_examine.exchange import HttpResponse
from sms10692_examine.session import Session
from sms10692_examine.vendor_proxy import Alteration
from sms10692_examine.verdicts import CaseWarning, expect

_SLOW_REFUSALS: Final = 32
_REFUSAL_SECONDS: Final = 0.4
_HTML: Final = (("Content-Type", "text/html"),)
_ERROR_PAGE: Final = HttpResponse(500, _HTML, b"<html><body><h1>Server Error in '/' Application.</h1></body></html>")
_GATEWAY_PAGE: Final = HttpResponse(502, _HTML, b"<html><body><h1>502 Bad Gateway</h1></body></html>")
_LOGIN_PAGE: Final = HttpResponse(200, _HTML, b"<html><body><h1>Success</h1><form>login</form></body></html>")


_LOST_SENDS: Final = {"refused": "lost-as-refused", "accepted": "lost-as-accepted"}
_LOST_FETCHES: Final = {"refused": "lost-as-refused", "accepted": "lost-as-empty"}
"""What it shows that an operation whose answer was lost is understood so, by the kind of the client's answer."""


def _expect_unknown(session: Session, answer: Answer, sent_count: int = 1) -> None:
    """Expect an unknown result, and that the vendor got the message `sent_count` times."""
    count = len(session.vendor.messages())
    expect(
        count <= 1,
        "one send was asked for, and the vendor has sent {}: the request was repeated",
        count,
        cause="repeated",
    )
    expect(
        answer.kind == "unknown",
        "the client understood: {}; expected unknown, because the vendor may have sent the message",
        answer,
        cause=_LOST_SENDS.get(answer.kind, ""),
    )
    if not count:
        session.rely_on("send")
    expect(count == sent_count, "the vendor has {} messages; expected {}", count, sent_count)


@case("F-refused-connection")
def _a_refused_connection_is_no_success(session: Session) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # without listen: the port refuses, and nobody else can take it
        session.configure(url=f"http://127.0.0.1:{closed.getsockname()[1]}")
        answer = session.send()
    expect(
        answer.kind in ("unknown", "refused"), "nobody answers at the address, and the client understood: {}", answer
    )


def _register_send_failure(name: str, alteration: Alteration, sent_count: int = 1) -> None:
    @case(name)
    def check(session: Session) -> None:
        session.alter(alteration)
        _expect_unknown(session, session.send(), sent_count)


for _name, _alteration in {
    "F-reset": Alteration("connection reset after the send", cut_at=0, reset=True),
    "F-closed": Alteration("connection closed after the send", cut_at=0),
    "F-gateway": Alteration("502 of a gateway after the send", change=lambda _: _GATEWAY_PAGE),
    "F-error-page": Alteration("500 with a page after the send", change=lambda _: _ERROR_PAGE),
    "F-empty-body": Alteration("an empty body after the send", change=lambda response: answer(b"")),
    "F-truncated": Alteration("the answer is cut", raw=lambda response: response.encode()[:-40], close=True),
    "F-login-page": Alteration("a page with HTTP 200", change=lambda _: _LOGIN_PAGE),
    "F-cut-document": Alteration(
        "a complete response with half a document", change=lambda response: answer(response.body[:-60])
    ),
}.items():
    _register_send_failure(_name, _alteration)


@case("F-timeout")
def _a_timeout_is_unknown_and_not_repeated(session: Session) -> None:
    session.alter(Alteration("no answer after the send", cut_at=0, stall=True))
    started = time.monotonic()
    answer = session.send()
    seconds = time.monotonic() - started
    _expect_unknown(session, answer)
    limit = 2 * session.settings.timeout + 2
    expect(
        seconds <= limit,
        "the timeout is {:g} s, and the client gave up after {:.1f} s",
        session.settings.timeout,
        seconds,
        cause="waits",
    )


@case("F-drip")
def _a_slow_answer_ends(session: Session) -> None:
    """Answer byte by byte: each read succeeds, and the whole takes many timeouts."""
    timeout = session.settings.timeout
    session.alter(
        Alteration("one byte at a time", body_seconds=min(8 * timeout, session.settings.answer_limit - 2 * timeout))
    )
    started = time.monotonic()
    answer = session.send()
    seconds = time.monotonic() - started
    count = len(session.vendor.messages())
    if not count:
        session.rely_on("send")
    expect(
        count <= 1,
        "one send was asked for, and the vendor has sent {}: the request was repeated",
        count,
        cause="repeated",
    )
    expect(count == 1, "the vendor has {} messages; expected {}", count, 1)
    expect(answer.kind in ("accepted", "unknown"), "the client understood: {}", answer, cause="lost-as-refused")
    if seconds > 5 * timeout:
        raise CaseWarning(
            "the timeout is {:g} s, and a server that drips held the client for {:.0f} s",
            timeout,
            seconds,
            cause="waits",
        )


@case("F-redirect")
def _a_redirect_does_not_carry_the_credentials_away(session: Session) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        connections: list[object] = []
        watcher = threading.Thread(target=_count_connections, args=(other, connections), daemon=True)
        watcher.start()
        location = f"http://localhost:{other.getsockname()[1]}/v2sms.aspx"
        moved = HttpResponse(307, (("Location", location),), b"")
        session.alter(Alteration("redirect to another host", is_executed=False, change=lambda _: moved))
        answer = session.send()
        other.shutdown(socket.SHUT_RDWR)
        watcher.join()
    expect(not connections, "the client followed a redirect to another host, with the signature or the password")
    expect(answer.kind in ("unknown", "refused"), "the vendor redirected, and the client understood: {}", answer)


def _count_connections(listener: socket.socket, connections: list[object]) -> None:
    """Accept and close connections until the listener is shut down."""
    while True:
        try:
            connection, address = listener.accept()
        except OSError:
            return  # the listener was shut down
        connection.close()
        connections.append(address)


@case("F-stops-when-empty")
def _sending_stops_when_the_balance_is_too_small(session: Session) -> None:
    """Refuse every send for its balance, and count the requests for 5,000 numbers that begin after the first refusal.

    A client may have several requests on the way at once: the first refusals are slow, so that all of these have begun.
    """
    message = VENDOR.balance_too_small
    content = sent(returnstatus="Faild", message=message, remainpoint="0", taskID="0", successCounts="0")
    for _ in range(_SLOW_REFUSALS):
        respond(session, content, body_seconds=_REFUSAL_SECONDS)
    respond(session, content, is_once=False)
    answer = session.send(*(str(13_800_000_000 + index) for index in range(5000)))
    refused = min((exchange.ended for exchange in session.exchanges), default=math.inf)
    count = sum(exchange.started > refused for exchange in session.exchanges)
    expect(
        answer.kind == "refused", "every request was refused with {}, and the client understood: {}", message, answer
    )
    expect(count <= 2, "the client sent {} requests after the first was refused for the balance", count)


@case("F-refusal-is-final")
def _a_refusal_is_not_repeated(session: Session) -> None:
    content = sent(
        returnstatus="Faild", message=VENDOR.credentials_wrong, remainpoint="0", taskID="0", successCounts="0"
    )
    respond(session, content, is_once=False)
    answer = session.send()
    expect(answer.kind == "refused", "the client understood: {}", answer)
    count = len(session.exchanges)
    expect(
        count == 1,
        "a refused request was sent {} times; repeated wrong signatures lock accounts at some vendors",
        count,
    )


def _register_fetch_failure(name: str, operation: str, alteration: Alteration) -> None:
    @case(name)
    def check(session: Session) -> None:
        session.require(operation)
        session.vendor.rule(reply="退订")
        session.put_messages(["13800000001"])
        session.alter(alteration, operation)
        answer = session.ask(operation)
        expect(
            answer.kind == "unknown",
            "the fetched items were lost, and the client understood: {}; expected unknown, so that somebody looks for "
            "them",
            answer,
            cause=_LOST_FETCHES.get(answer.kind, ""),
        )


for _operation in ("status", "call"):
    _register_fetch_failure(f"F-{_operation}-lost", _operation, Alteration("connection closed", cut_at=0))
    _register_fetch_failure(
        f"F-{_operation}-page", _operation, Alteration("500 with a page", change=lambda _: _ERROR_PAGE)
    )
    _register_fetch_failure(
        f"F-{_operation}-login", _operation, Alteration("a page with HTTP 200", change=lambda _: _LOGIN_PAGE)
    )
    _register_fetch_failure(
        f"F-{_operation}-cut", _operation, Alteration("the body is cut", change=lambda got: answer(got.body[:-30]))
    )
    _register_fetch_failure(f"F-{_operation}-timeout", _operation, Alteration("no answer", cut_at=0, stall=True))


@case("F-status-cut-item")
def _a_cut_item_is_reported(session: Session) -> None:
    """Cut a complete response in the middle of its third report: the loss is reported, whatever was processed."""
    session.require("status")
    text = document(boxes("status", [{**REPORT, "mobile": str(13_800_000_000 + index)} for index in range(3)]))
    cut = text[: text.rindex("<receivetime>") + 8]
    respond_with(session, answer(cut.encode()), "status")
    understood = session.ask("status")
    expect(
        understood.kind == "unknown",
        "the third of 3 reports is cut, and the client understood: {}",
        understood,
        cause="lost-as-refused" if understood.kind == "refused" else "",
    )
    mobiles = [item["mobile"] for item in understood.items]
    whole = [str(13_800_000_000 + index) for index in range(2)]
    expect(mobiles in (whole[: len(mobiles)], []), "reports of {} were processed", mobiles)


@case("F-after-failure")
def _the_client_works_after_a_failure(session: Session) -> None:
    session.alter(Alteration("connection reset after the send", cut_at=0, reset=True))
    session.send()
    answer = session.send("13800000002")
    session.expect_accepted(answer, "after a failed send the next one was understood as: {}", answer)
    count = len(session.vendor.messages(to="13800000002"))
    expect(count == 1, "the second message was sent {} times", count)


@case("F-closed-idle-connection")
def _a_connection_that_the_server_closed_is_no_reason_to_send_twice(session: Session) -> None:
    """Close a kept connection silently after a send; the next send goes through once, or is unknown."""
    session.send()
    session.alter(Alteration("kept connection closed without an answer", cut_at=0, reset=True))
    answer = session.send("13800000002")
    count = len(session.vendor.messages(to="13800000002"))
    expect(
        count <= 1,
        "one send was asked for, and the vendor has sent {}: the request was repeated",
        count,
        cause="repeated",
    )
    expect(answer.kind == "unknown", "the client understood: {}", answer, cause=_LOST_SENDS.get(answer.kind, ""))
