"""The two addresses for health checks of containers: whether the process answers, and whether its store does.

They are answered before the guard and without Flask or its threads: for any Host, without a token, with no details.
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


class Probes:
    """Answers both on the event loop."""

    def __init__(self, store: StoreProbe) -> None:
        self._store = store

    def answer(self, method: str, path: str) -> Response | Awaitable[Response] | None:
        """The answer, or what to await for it; None where it is another path."""
        if path not in (LIVE, READY):
            return None
        if method not in _METHODS:
            return _response(405, {"error": "a health check is a GET or HEAD"}, Allow=", ".join(_METHODS))
        return _response(200, {"live": True}) if path == LIVE else self._ready()

    async def _ready(self) -> Response:
        check = asyncio.wrap_future(self._store.start())
        try:
            # Shielded: others may share the check.
            is_ready = not await asyncio.wait_for(asyncio.shield(check), DEADLINE)
        except TimeoutError:
            is_ready = False
        return _response(200 if is_ready else 503, {"ready": is_ready})


def _response(status: int, document: Mapping[str, bool | str], **more: str) -> Response:
    body = json.dumps(document, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **more,
    }
    return Response(status, list(headers.items()), body)
