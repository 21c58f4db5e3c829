"""The hand-written exchanges of `fixtures/exchanges`, read as values.

Here belongs the form of those files: `request.http` and `response.http` are raw bytes, `exchange.toml` says which
clause they witness, where they are known from, which exchanges come before, what emulator they are held with, what a
client reads in the answer, and, where a client can build the request, with which call.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.emulators import Response

FOLDER = Path(__file__).parents[2] / "fixtures" / "exchanges"


@dataclass(frozen=True)
class Exchange:
    """One request and the one right answer to it.

    `given` is in the words of `emulators.options`; `reads` has the kind of value and its fields; `calls` the method and
    its arguments, and the charset of the client.
    """

    name: str
    clause: str
    provenance: str
    request: bytes
    response: Response
    before: tuple[str, ...]
    given: dict[str, Any]
    reads: dict[str, Any]
    calls: dict[str, Any]


def exchange(name: str) -> Exchange:
    """Read the exchange in the folder of this name."""
    folder = FOLDER / name
    about = tomllib.loads((folder / "exchange.toml").read_text("utf-8"))
    return Exchange(
        name=name,
        clause=about["clause"],
        provenance=about["provenance"],
        request=(folder / "request.http").read_bytes(),
        response=_response((folder / "response.http").read_bytes()),
        before=tuple(about.get("before", ())),
        given=about.get("given", {}),
        reads=about["reads"],
        calls=about.get("calls", {}),
    )


def _response(raw: bytes) -> Response:
    head, _, body = raw.partition(b"\r\n\r\n")
    first_line, *lines = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if int(headers["content-length"]) != len(body):
        raise ValueError(f"the Content-Length of a fixture is {headers['content-length']}, and not {len(body)}")
    return Response(int(first_line.split(" ")[1]), headers["content-type"], body)


EXCHANGES = [exchange(file.parent.relative_to(FOLDER).as_posix()) for file in sorted(FOLDER.rglob("exchange.toml"))]
