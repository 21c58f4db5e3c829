"""A recorded exchange as a folder, in the format of `fixtures/exchanges`: request.http, response.http, exchange.toml.

`request.http` has the bytes of the request. `response.http` has the status line, the headers that matter, and the body
without chunks and compression; it is empty if no response came. `exchange.toml` has the chapter of the manual, the
provenance and, in the table `recorded`, when the exchange began and how it ended.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

Outcome: TypeAlias = Literal["complete", "cut", "reset", "refused", "request-cut"]
"""How an exchange ended: `cut` and `reset` are the vendor's ends of a connection before the end of its response,
`refused` is a connection that could not be made, `request-cut` a request of which the client sent only a part."""

OUTCOMES: Final = get_args(Outcome)
REQUEST, RESPONSE, METADATA = "request.http", "response.http", "exchange.toml"
REQUEST_BODY_NOT_STORED: Final = "request_body_not_stored"
BODY_NOT_STORED: Final = "body_not_stored"
"""Keys of the table `recorded`: why only the head of the request, or of the response, is stored."""

STATE: Final = "state.toml"
"""File with the start state, beside the exchanges."""

PARTIAL: Final = "."
"""Beginning of the name of a folder that is being written."""


LENGTH: Final = re.compile("[0-9]{1,18}")
"""A Content-Length that is believed."""


class InvalidExchange(ValueError):
    """A folder is no exchange; the message names file and problem."""


@dataclass(frozen=True, slots=True)
class StoredExchange:
    """An exchange as read from its folder. `body` is what came of it, `length` what was announced.

    `content_type` is None without such a header. Without a response, `status` is 0. `is_whole` is false if only
    a part of the request was sent or stored, or the body of the response is not stored.
    """

    name: str
    request: bytes
    outcome: Outcome
    status: int
    content_type: str | None
    length: int
    body: bytes
    is_whole: bool = True


def find_exchanges(folder: Path) -> list[Path]:
    """Return the folders of exchanges directly below a folder, in the order of their numbers, and of their names."""
    found = (file.parent for file in folder.glob(f"*/{METADATA}") if not file.parent.name.startswith(PARTIAL))
    return sorted(found, key=_build_key)


def _build_key(folder: Path) -> tuple[bool, int, str]:
    """The number of a recorded exchange stands before the dash. Names without one come last."""
    number = folder.name.partition("-")[0]
    is_number = LENGTH.fullmatch(number) is not None
    return not is_number, int(number) if is_number else 0, folder.name


def read_exchange(folder: Path) -> StoredExchange:
    """Read an exchange. Raises InvalidExchange, and OSError."""
    try:
        metadata: dict[str, Any] = tomllib.loads((folder / METADATA).read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidExchange(f"{folder / METADATA}: {error}") from None
    recorded = metadata.get("recorded", {})
    outcome: Any = recorded.get("outcome", "complete") if isinstance(recorded, dict) else None
    if outcome not in OUTCOMES:
        raise InvalidExchange(f"{folder / METADATA}: outcome is not one of {', '.join(OUTCOMES)}")
    is_whole = outcome != "request-cut" and {REQUEST_BODY_NOT_STORED, BODY_NOT_STORED}.isdisjoint(recorded)
    request, raw = (folder / REQUEST).read_bytes(), (folder / RESPONSE).read_bytes()
    if not raw:
        return StoredExchange(folder.name, request, outcome, 0, None, 0, b"", is_whole)
    head, _, body = raw.partition(b"\r\n\r\n")
    first_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    try:
        status, announced = int(first_line.split(" ")[1]), headers.get("content-length", str(len(body)))
    except (IndexError, ValueError):
        raise InvalidExchange(f"{folder / RESPONSE}: the head is no HTTP response") from None
    if not LENGTH.fullmatch(announced):
        raise InvalidExchange(f"{folder / RESPONSE}: the Content-Length is no number of at most 18 digits")
    length = int(announced)
    if outcome == "complete" and length != len(body) and not request.startswith(b"HEAD "):
        problem = f"Content-Length is {length}, and the body has {len(body)} bytes"
        raise InvalidExchange(f"{folder / RESPONSE}: {problem}")
    content_type = headers.get("content-type")
    return StoredExchange(folder.name, request, outcome, status, content_type, length, body, is_whole)
