"""JSON to and from a control address.

Here belong documents and errors. How bytes get there is in `carriers`, what is asked in the others of this package.
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from sms10692_mock.testing.transport import Transport, TransportError

_PREFIX: Final = "/_mock"
_ANSWER: Final = 30.0
"""Seconds for an answer, beside those that were asked to wait."""
_EXCERPT: Final = 200

_HALVES: Final = "surrogatepass"
"""Halves of characters are asked for too: it is for the emulator to say that there is no such thing."""


def account_path(userid: str) -> str:
    """Where an account is, whatever is in its userid; what can be no path of one leads to nothing.

    >>> account_path("12"), account_path("q?1")
    ('/accounts/12', '/accounts/q%3F1')
    """
    return f"/accounts/{quote(userid, safe='', errors=_HALVES)}"


class ControlError(Exception):
    """The control address did not do what it was asked."""


class ControlRefused(ControlError):
    """It said no; `status` is that of HTTP."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class ControlUnreachable(ControlError):
    """Nothing answers there, or something that is no control address."""


class ControlApi:
    """Speaks to the control address of the emulator at `url`, with its `token` if it wants one.

    `url` may be a function that makes the emulator listen, and is called when the address is first asked for.
    What is None is left out of a query or a document. Every method may raise ControlError.
    """

    def __init__(self, url: str | Callable[[], str], token: str | None, carrier: Transport) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._carrier = carrier

    @property
    def url(self) -> str:
        """The address."""
        if not isinstance(self._url, str):
            self._url = self._url()
        return self._url

    @property
    def name(self) -> str:
        """The emulator in a message, which does not make it listen."""
        return self._url if isinstance(self._url, str) else "the emulator in this process"

    def close(self) -> None:
        """Close what is open."""
        self._carrier.close()

    def get(self, path: str, /, *, wait: float | None = None, **query: Any) -> Any:
        """Look at something, and `wait` so many seconds for it."""
        given = {name: value for name, value in {"wait": wait, **query}.items() if value is not None}
        query_string = urlencode(given, errors=_HALVES)
        return self._ask("GET", f"{path}?{query_string}" if given else path, b"", wait or 0.0)

    def send(self, method: str, path: str, /, **document: Any) -> Any:
        """Change something."""
        given = {name: value for name, value in document.items() if value is not None}
        return self._ask(method, path, b"" if method == "DELETE" else json.dumps(given).encode(), 0.0)

    def _ask(self, method: str, path: str, body: bytes, wait: float) -> Any:
        try:
            status, content = self._carrier.request(method, _PREFIX + path, self._headers, body, wait + _ANSWER)
        except TransportError as error:
            raise ControlUnreachable(f"no answer from {self.name}{_PREFIX}: {error}") from error.__cause__
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        if isinstance(answer, dict):
            if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
                return answer
            if "error" in answer:
                raise ControlRefused(status, f"{method} {path}: {answer['error']}")
        excerpt = content[:_EXCERPT].decode("utf-8", "replace")
        raise ControlUnreachable(f"{self.name} has no control address; it answered {status}: {excerpt}")
