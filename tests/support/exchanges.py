"""Loads the hand-written exchanges in `fixtures/exchanges`.

Most exchanges are folders. `request.http` and `response.http` are raw bytes. `exchange.toml` contains the clause that
the exchange proves, its provenance, the exchanges that must come before it, the emulator's settings, the result that a
client returns for the response and, if a client can build the request, the client method and arguments that build it.

Exchanges of the usual form, which POST a form and receive XML, may instead be rows `[[exchange]]` of a file
`fixtures/exchanges/*.toml`. A row has the same keys, a `name` that begins with the folder of its operation, the `form`
as it is sent, the response's `body` as text in which CHARSET is the charset's name, and the `endpoints` with their
charsets; there is one exchange for each endpoint. With `repeat`, a text and a number, REPEAT in the form stands for
that many times the text. A response that is not XML has its own `content_type`.

A recorded exchange is such a folder without `result`, which who contributes it adds.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.http_client import Response

_FORM = "application/x-www-form-urlencoded"
EXCHANGES_FOLDER = Path(__file__).parents[2] / "fixtures" / "exchanges"


@dataclass(frozen=True)
class Exchange:
    """One request and its only correct response.

    `given` contains arguments of `emulators.build_options`; `result` the kind of the client's result and its fields;
    `client_call` the client's method, its arguments and the charset; `client_settings` further arguments of the client.
    """

    name: str
    clause: str
    provenance: str
    request: bytes
    response: Response
    before: tuple[str, ...]
    given: dict[str, Any]
    result: dict[str, Any]
    client_call: dict[str, Any]
    client_settings: dict[str, Any]


def load_exchange(name: str) -> Exchange:
    """Return the exchange with this name."""
    return _BY_NAME[name]


def load_folder(folder: Path, top: Path = EXCHANGES_FOLDER) -> Exchange:
    """Load the exchange in a folder, whose name is its path below `top`."""
    metadata = tomllib.loads((folder / "exchange.toml").read_text("utf-8"))
    name = folder.relative_to(top).as_posix()
    request = (folder / "request.http").read_bytes()
    return _build_exchange(name, metadata, request, _parse_response((folder / "response.http").read_bytes()))


def _load_rows(file: Path) -> Iterator[Exchange]:
    for row in tomllib.loads(file.read_text("utf-8"))["exchange"]:
        text, times = row.get("repeat", ("", 0))
        form = row["form"].replace("REPEAT", text * times).encode("ascii")
        for path, charset in row["endpoints"].items():
            head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:10692\r\nContent-Type: {_FORM}\r\n"
            request = head.encode() + b"Content-Length: %d\r\n\r\n" % len(form) + form
            body = row["body"].replace("CHARSET", charset).encode("gbk" if charset == "gb2312" else charset)
            response = Response(200, row.get("content_type", f"text/xml; charset={charset}"), body)
            yield _build_exchange(f"{row['name']} {path}", row, request, response)


def _build_exchange(name: str, metadata: dict[str, Any], request: bytes, response: Response) -> Exchange:
    return Exchange(
        name=name,
        clause=metadata["clause"],
        provenance=metadata["provenance"],
        request=request,
        response=response,
        before=tuple(metadata.get("before", ())),
        given=metadata.get("given", {}),
        result=metadata.get("result", {}),
        client_call=metadata.get("client_call", {}),
        client_settings=metadata.get("client_settings", {}),
    )


def _parse_response(raw: bytes) -> Response:
    head, _, body = raw.partition(b"\r\n\r\n")
    first_line, *lines = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if int(headers["content-length"]) != len(body):
        raise ValueError(
            f"a fixture has Content-Length {headers['content-length']}, but its body has {len(body)} bytes"
        )
    return Response(int(first_line.split(" ")[1]), headers["content-type"], body)


EXCHANGES = [
    *(load_folder(file.parent) for file in sorted(EXCHANGES_FOLDER.rglob("exchange.toml"))),
    *(exchange for file in sorted(EXCHANGES_FOLDER.glob("*.toml")) for exchange in _load_rows(file)),
]
_BY_NAME = {exchange.name: exchange for exchange in EXCHANGES}
