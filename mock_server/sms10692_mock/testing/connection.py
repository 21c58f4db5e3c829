"""JSON to and from a control address: over a socket, or through WSGI where the emulator is in this process.

Here belong HTTP and its errors. What is asked is the affair of the others in this package.
"""

import json
from contextlib import closing
from typing import Any, Final
from urllib.parse import urlencode

import httpx2

_PREFIX: Final = "/_mock"
_CONNECT: Final = 5.0
_ANSWER: Final = 30.0
_EXCERPT: Final = 200


class ControlError(Exception):
    """The control address did not do what it was asked."""


class ControlRefused(ControlError):
    """It said no; `status` is that of HTTP."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class ControlUnreachable(ControlError):
    """Nothing answers there, or something that is no control address."""


class Connection:
    """Speaks to the control address of the emulator at `url`, over kept connections.

    What is None is left out of a query or a document. Every method may raise ControlError.
    """

    def __init__(self, url: str, token: str | None = None, transport: httpx2.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        # The transport alone: redirects, cookies and proxies, which a whole client would add, cost a fifth of each
        # request and are of no use here. Certificates are read, for 30 ms, only where there is TLS.
        self._transport = transport or httpx2.HTTPTransport(verify=url.startswith("https:"), trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def get(self, path: str, /, *, wait: float | None = None, **query: Any) -> Any:
        """Look at something, and `wait` so many seconds for it."""
        given = {name: value for name, value in {"wait": wait, **query}.items() if value is not None}
        return self._ask("GET", f"{path}?{urlencode(given)}" if given else path, None, wait or 0.0)

    def do(self, method: str, path: str, /, **document: Any) -> Any:
        """Change something."""
        given = {name: value for name, value in document.items() if value is not None}
        return self._ask(method, path, None if method == "DELETE" else json.dumps(given).encode(), 0.0)

    def _ask(self, method: str, path: str, body: bytes | None, wait: float) -> Any:
        url = f"{self.url}{_PREFIX}{path}"
        headers = self._headers if method == "GET" else {"Content-Type": "application/json", **self._headers}
        seconds = httpx2.Timeout(wait + _ANSWER, connect=_CONNECT).as_dict()
        request = httpx2.Request(method, url, headers=headers, content=body, extensions={"timeout": seconds})
        try:
            with closing(self._transport.handle_request(request)) as response:
                status, content = response.status_code, response.read()
        except httpx2.RequestError as error:
            raise ControlUnreachable(f"no answer from {url}: {str(error) or type(error).__name__}") from error
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        if 200 <= status < 300 and answer is not None:
            return answer
        if isinstance(answer, dict) and "error" in answer:
            raise ControlRefused(status, f"{method} {path}: {answer['error']}")
        excerpt = content[:_EXCERPT].decode("utf-8", "replace")
        raise ControlUnreachable(f"{self.url} has no control address; it answered {status}: {excerpt}")
