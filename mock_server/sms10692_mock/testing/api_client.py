"""`ControlApi`: a JSON client of the control API.

`transport` sends the bytes; the other modules of this package define what is requested.
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from sms10692_mock.testing.transport import Transport, TransportError

_PREFIX: Final = "/_mock"
_RESPONSE_TIMEOUT: Final = 30.0
"""Seconds to wait for a response, in addition to the wait that the request asks for."""
_EXCERPT: Final = 200

_SURROGATES: Final = "surrogatepass"
"""Lone surrogates are sent too: the emulator decides that no such item exists."""


def account_path(userid: str) -> str:
    """Return the path of an account below the control API, with every character of the userid escaped.

    >>> account_path("12"), account_path("q?1")
    ('/accounts/12', '/accounts/q%3F1')
    """
    return f"/accounts/{quote(userid, safe='', errors=_SURROGATES)}"


class ControlError(Exception):
    """A request to the control API failed."""


class ControlRefused(ControlError):
    """The control API rejected a request; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ControlUnreachable(ControlError):
    """There is no response, or the response is not one of a control API."""


class ControlApi:
    """Client of the control API of the emulator at `url`, with its `token` if one is required.

    `url` may be a function that makes the emulator listen; it is called when the URL is first needed. Arguments that
    are None are left out of the query or the document. Every method may raise ControlError. Thread-safe if the
    transport is.
    """

    def __init__(self, url: str | Callable[[], str], token: str | None, transport: Transport) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._transport = transport

    @property
    def url(self) -> str:
        """The base URL of the emulator."""
        if not isinstance(self._url, str):
            self._url = self._url()
        return self._url

    @property
    def name(self) -> str:
        """A name of the emulator for messages. Reading this does not make the emulator listen."""
        return self._url if isinstance(self._url, str) else "the emulator in this process"

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def get(self, path: str, /, *, wait: float | None = None, **query: Any) -> Any:
        """Send a GET request. `wait` is the time in seconds for which the emulator may wait for a result."""
        parameters = {name: value for name, value in {"wait": wait, **query}.items() if value is not None}
        query_string = urlencode(parameters, errors=_SURROGATES)
        return self._request("GET", f"{path}?{query_string}" if parameters else path, b"", wait or 0.0)

    def send(self, method: str, path: str, /, **document: Any) -> Any:
        """Send a request that changes something."""
        parameters = {name: value for name, value in document.items() if value is not None}
        return self._request(method, path, b"" if method == "DELETE" else json.dumps(parameters).encode(), 0.0)

    def _request(self, method: str, path: str, body: bytes, wait: float) -> Any:
        try:
            status, content = self._transport.request(
                method, _PREFIX + path, self._headers, body, wait + _RESPONSE_TIMEOUT
            )
        except TransportError as error:
            raise ControlUnreachable(f"no response from {self.name}{_PREFIX}: {error}") from error.__cause__
        try:
            response = json.loads(content)
        except ValueError:
            response = None
        if isinstance(response, dict):
            if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
                return response
            if "error" in response:
                raise ControlRefused(status, f"{method} {path}: {response['error']}")
        excerpt = content[:_EXCERPT].decode("utf-8", "replace")
        raise ControlUnreachable(f"{self.name} has no control API; the response was {status}: {excerpt}")
