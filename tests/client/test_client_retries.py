"""Retries: failed connection attempts are repeated after growing delays; requests that may have been sent never."""

from typing import Any

import httpx2
import pytest

from sms10692 import AsyncClient, Client, ConnectionFailed
from sms10692.backoff import backoff_delays
from support.client import EACH_SEND, FlakyTransport

CONNECTION_ERRORS = [httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError]
LATER_ERRORS = [
    httpx2.ReadError,
    httpx2.ReadTimeout,
    httpx2.WriteError,
    httpx2.WriteTimeout,
    httpx2.RemoteProtocolError,
    httpx2.LocalProtocolError,
    httpx2.CloseError,
]


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the delays of the clients, in seconds, and skip them."""
    paused: list[float] = []

    async def record_pause(client: AsyncClient, seconds: float) -> None:
        paused.append(seconds)

    monkeypatch.setattr(Client, "_pause", lambda client, seconds: paused.append(seconds))
    monkeypatch.setattr(AsyncClient, "_pause", record_pause)
    return paused


@EACH_SEND
@pytest.mark.parametrize("error", CONNECTION_ERRORS)
def test_a_failed_connection_attempt_is_repeated_up_to_the_number_of_retries(send: Any, error: Any) -> None:
    assert send("http://vendor", transport=FlakyTransport(2, error), retries=2).task_id == 100001
    transport = FlakyTransport(2, error)
    with pytest.raises(ConnectionFailed) as raised:
        send("http://vendor", transport=transport, retries=1)
    assert (raised.value.maybe_delivered, transport.attempts) == (False, 2)
    transport = FlakyTransport(1, error)
    with pytest.raises(ConnectionFailed):
        send("http://vendor", transport=transport)
    assert transport.attempts == 1


@EACH_SEND
@pytest.mark.parametrize("error", LATER_ERRORS)
def test_a_request_that_may_have_been_sent_is_never_repeated(send: Any, error: Any, pauses: list[float]) -> None:
    transport = FlakyTransport(1, error)
    with pytest.raises(ConnectionFailed) as raised:
        send("http://vendor", transport=transport, retries=5)
    assert (raised.value.maybe_delivered, transport.attempts, pauses) == (True, 1, [])


@EACH_SEND
def test_delays_grow_and_are_random(send: Any, pauses: list[float]) -> None:
    with pytest.raises(ConnectionFailed):
        send("http://vendor", transport=FlakyTransport(10, httpx2.ConnectError), retries=4)
    first = pauses.copy()
    assert all(limit / 2 <= pause <= limit for pause, limit in zip(first, (0.5, 1, 2, 4), strict=True))
    with pytest.raises(ConnectionFailed):
        send("http://vendor", transport=FlakyTransport(10, httpx2.ConnectError), retries=4)
    assert pauses[4:] != first


@EACH_SEND
def test_no_retry_follows_if_its_delay_would_exceed_the_deadline(send: Any, pauses: list[float]) -> None:
    transport = FlakyTransport(10, httpx2.ConnectError)
    with pytest.raises(ConnectionFailed, match="ConnectError"):
        send("http://vendor", transport=transport, retries=9, total_timeout=0.2)
    assert (transport.attempts, pauses) == (1, [])


def test_delays_stop_growing_at_30_seconds() -> None:
    assert max(backoff_delays(100, lambda low, high: high)) == 30.0
    assert list(backoff_delays(0)) == []
