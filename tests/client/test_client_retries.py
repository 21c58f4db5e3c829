"""A failure to connect is tried again, after pauses that grow; what may have been sent never is."""

from typing import Any

import httpx2
import pytest

from sms10692 import AsyncClient, Client, ConnectionFailed
from sms10692.backoff import backoff_delays
from support.client import EACH_WAY, FlakyTransport

CONNECTING = [httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError]
LATER = [
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
    """The seconds that clients paused, which pass at once."""
    paused: list[float] = []

    async def pause_awaited(client: AsyncClient, seconds: float) -> None:
        paused.append(seconds)

    monkeypatch.setattr(Client, "_pause", lambda client, seconds: paused.append(seconds))
    monkeypatch.setattr(AsyncClient, "_pause", pause_awaited)
    return paused


@EACH_WAY
@pytest.mark.parametrize("error", CONNECTING)
def test_a_failure_to_connect_is_tried_again_as_often_as_asked(send: Any, error: Any) -> None:
    assert send("http://vendor", transport=FlakyTransport(2, error), retries=2).task_id == 100001
    transport = FlakyTransport(2, error)
    with pytest.raises(ConnectionFailed) as raised:
        send("http://vendor", transport=transport, retries=1)
    assert (raised.value.sent, transport.attempts) == (False, 2)
    transport = FlakyTransport(1, error)
    with pytest.raises(ConnectionFailed):
        send("http://vendor", transport=transport)
    assert transport.attempts == 1


@EACH_WAY
@pytest.mark.parametrize("error", LATER)
def test_what_may_have_been_sent_is_never_sent_again(send: Any, error: Any, pauses: list[float]) -> None:
    transport = FlakyTransport(1, error)
    with pytest.raises(ConnectionFailed) as raised:
        send("http://vendor", transport=transport, retries=5)
    assert (raised.value.sent, transport.attempts, pauses) == (True, 1, [])


@EACH_WAY
def test_the_pause_before_each_retry_is_longer_and_none_is_like_anothers(send: Any, pauses: list[float]) -> None:
    with pytest.raises(ConnectionFailed):
        send("http://vendor", transport=FlakyTransport(10, httpx2.ConnectError), retries=4)
    first = pauses.copy()
    assert all(longest / 2 <= pause <= longest for pause, longest in zip(first, (0.5, 1, 2, 4), strict=True))
    with pytest.raises(ConnectionFailed):
        send("http://vendor", transport=FlakyTransport(10, httpx2.ConnectError), retries=4)
    assert pauses[4:] != first


@EACH_WAY
def test_a_pause_that_would_outlast_the_deadline_is_not_begun(send: Any, pauses: list[float]) -> None:
    transport = FlakyTransport(10, httpx2.ConnectError)
    with pytest.raises(ConnectionFailed, match="ConnectError"):
        send("http://vendor", transport=transport, retries=9, total_timeout=0.2)
    assert (transport.attempts, pauses) == (1, [])


def test_pauses_stop_growing_at_half_a_minute() -> None:
    assert max(backoff_delays(100, lambda low, high: high)) == 30.0
    assert list(backoff_delays(0)) == []
