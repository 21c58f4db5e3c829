"""The two endpoints for health checks of containers: is the process alive, and is its store available?

They are answered before access control and without Flask or its threads: for any Host, without a token, without
details.
"""

import asyncio
import json
from collections.abc import Awaitable, Mapping
from typing import Final

from sms10692_mock.server.http_types import Response
from sms10692_mock.stores.probe import DEADLINE, StoreProbe

LIVE: Final = "/_mock/health/live"
READY: Final = "/_mock/health/ready"
_METHODS: Final = ("GET", "HEAD")


class HealthProbes:
    """Answers both endpoints on the event loop."""

    def __init__(self, store: StoreProbe) -> None:
        self._store = store

    def respond(self, method: str, path: str) -> Response | Awaitable[Response] | None:
        """Return the response or an awaitable of it; None for any other path."""
        if path not in (LIVE, READY):
            return None
        if method not in _METHODS:
            return _json_response(405, {"error": "a health check is a GET or HEAD"}, Allow=", ".join(_METHODS))
        return _json_response(200, {"live": True}) if path == LIVE else self._check_ready()

    async def _check_ready(self) -> Response:
        check = asyncio.wrap_future(self._store.start())
        try:
            # Shielded, because concurrent requests share one check.
            is_ready = not await asyncio.wait_for(asyncio.shield(check), DEADLINE)
        except TimeoutError:
            is_ready = False
        return _json_response(200 if is_ready else 503, {"ready": is_ready})


def _json_response(status: int, document: Mapping[str, bool | str], **extra_headers: str) -> Response:
    body = json.dumps(document, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **extra_headers,
    }
    return Response(status, list(headers.items()), body)
