"""An HTTP request of the client and its response, as bytes."""

import http.client
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import unquote_to_bytes

Credentials: TypeAlias = Mapping[str, str]
"""userid, account and password."""

_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as received: `head` with its empty line, and `body` without its transfer coding."""

    head: bytes
    body: bytes

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode("latin-1")

    @property
    def target(self) -> bytes:
        words = self.head.split(b"\r\n", 1)[0].split(b" ")
        return words[1] if len(words) > 1 else b""

    @property
    def path(self) -> str:
        return self.target.partition(b"?")[0].decode("latin-1")

    def header(self, name: str) -> str:
        """Return the first value of a header, or an empty string."""
        wanted = name.lower().encode()
        for line in self.head.split(b"\r\n")[1:]:
            found, _, value = line.partition(b":")
            if found.strip().lower() == wanted:
                return value.strip().decode("latin-1")
        return ""

    def parameters(self) -> list[tuple[str, bytes]]:
        """Return the parameters of the query string and of an URL-encoded body: names, and values as bytes."""
        query = self.target.partition(b"?")[2]
        is_form = not self.header("Content-Type") or self.header("Content-Type").lower().startswith(_FORM)
        return [*_split(query), *(_split(self.body) if is_form else ())]


def _split(form: bytes) -> Iterator[tuple[str, bytes]]:
    for pair in form.split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            yield (
                unquote_to_bytes(name.replace(b"+", b" ")).decode("utf-8", "replace"),
                unquote_to_bytes(value.replace(b"+", b" ")),
            )


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response: status line and headers of the vendor, and the body without its transfer coding."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def encode(self) -> bytes:
        """Return the response with a Content-Length, as bytes."""
        kept = [
            (name, value) for name, value in self.headers if name.lower() not in ("content-length", "transfer-encoding")
        ]
        lines = [
            f"HTTP/1.1 {self.status} {http.client.responses.get(self.status, '')}",
            *(f"{name}: {value}" for name, value in kept),
        ]
        return "\r\n".join([*lines, f"Content-Length: {len(self.body)}", "", ""]).encode("latin-1") + self.body


@dataclass(slots=True)
class Exchange:
    """A request, and the bytes that the client got for it; `alteration` says what was changed on the way.

    `vendor_body` is what the vendor answered, without its head; empty if the vendor was not asked. `started` and
    `ended` are monotonic times in seconds: when the request was read, and when the whole response was sent, which is
    infinite until then.
    """

    request: HttpRequest
    response: bytes = b""
    alteration: str = ""
    is_executed: bool = True
    vendor_body: bytes = b""
    started: float = field(default_factory=time.monotonic)
    ended: float = math.inf
