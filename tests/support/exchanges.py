"""Loads the hand-written exchanges in `fixtures/exchanges`.

Each exchange is a folder. `request.http` and `response.http` are raw bytes. `exchange.toml` contains the clause that
the exchange proves, its provenance, the exchanges that must come before it, the emulator's settings, the result that a
client returns for the response and, if a client can build the request, the client method and arguments that build it.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.http_client import Response

EXCHANGES_FOLDER = Path(__file__).parents[2] / "fixtures" / "exchanges"


@dataclass(frozen=True)
class Exchange:
    """One request and its only correct response.

    `given` contains arguments of `emulators.build_options`; `result` the kind of the client's result and its fields;
    `client_call` the client's method, its arguments and the charset.
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


def load_exchange(name: str) -> Exchange:
    """Load the exchange in this folder."""
    folder = EXCHANGES_FOLDER / name
    metadata = tomllib.loads((folder / "exchange.toml").read_text("utf-8"))
    return Exchange(
        name=name,
        clause=metadata["clause"],
        provenance=metadata["provenance"],
        request=(folder / "request.http").read_bytes(),
        response=_parse_response((folder / "response.http").read_bytes()),
        before=tuple(metadata.get("before", ())),
        given=metadata.get("given", {}),
        result=metadata["result"],
        client_call=metadata.get("client_call", {}),
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
    load_exchange(file.parent.relative_to(EXCHANGES_FOLDER).as_posix())
    for file in sorted(EXCHANGES_FOLDER.rglob("exchange.toml"))
]
