"""Demos of clauses: the requests that the button beside a clause sends to this server, and the responses.

The requests are built from the table `clause_demos.toml` and sent over a socket. A demo uses temporary accounts, which
are deleted afterwards, so that no other account's queue or balance changes.
"""

import re
import socket
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from http.client import HTTPException, HTTPResponse
from importlib.resources import files
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, field_validator

from sms10692 import protocol
from sms10692.protocol import Endpoint, Operation
from sms10692.signing import CHINA, format_timestamp, sign
from sms10692_mock.admin.console.hexdump import printable_text
from sms10692_mock.admin.console.layout import build_model
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import AccountDocument, NewAccount
from sms10692_mock.admin.services.clocks import Advance, ClockSetting
from sms10692_mock.diagnosis.request_style import FORM
from sms10692_mock.domain.clock import format_time

_BOUNDARY: Final = "XyZzYx7MA4YWxkTrZu0gW"
_TIMEOUT: Final = 10.0
_OPERATIONS: Final[Mapping[str, Operation]] = {operation.name: operation for operation in protocol.OPERATIONS}
_USERID, _TIMESTAMP, _SIGN, _MOBILE, _CONTENT, _, _ACTION, _ = protocol.SEND.parameters
_ORDINARY: Final[Mapping[Operation, Mapping[str, str]]] = {
    protocol.SEND: {_MOBILE: "15023239810", _CONTENT: "【签名】您的验证码是 1234"},
    protocol.CHECKKEYWORD: {_CONTENT: "今天天气真好"},
}

_Pairs: TypeAlias = Sequence[tuple[str, str]]
_Writing: TypeAlias = Callable[[_Pairs, str], bytes]
"""Makes bytes of names and values, in a charset."""


class DemoStep(BaseModel):
    """One request, or a clock put forward; the words are explained in `clause_demos.toml`."""

    model_config = ConfigDict(extra="forbid")

    do: str = ""
    set: dict[str, str] = {}
    drop: list[str] = []
    sign: str = "right"
    page: str = ""
    how: str = "form"
    type: str = ""
    path: str = ""
    also: str = ""
    account: str = "own"
    advance: float = 0.0

    @field_validator("how")
    @classmethod
    def _known(cls, how: str) -> str:
        if how not in _ENCODINGS:
            raise ValueError(f"no way of a request: {how}")
        return how


class Demo(BaseModel):
    """What is done for some clauses, with what account."""

    clauses: list[str]
    terms: NewAccount = build_model(NewAccount)
    steps: list[DemoStep]


class DemoResult(NamedTuple):
    """One request and its answer as text; or, without either, the seconds by which the clock was put forward."""

    request: str = ""
    status: int = 0
    answer: str = ""
    advanced: float = 0.0


class ServerUnreachable(Exception):
    """This server cannot be reached where it believes to be."""


@cache
def load_demos() -> Mapping[str, Demo]:
    """All trials, by clause."""
    table = tomllib.loads((files(__package__) / "clause_demos.toml").read_text("utf-8"))
    return {clause: trial for row in table["trial"] for trial in [Demo(**row)] for clause in trial.clauses}


def run_demo(control: ControlService, trial: Demo, address: tuple[str, int]) -> list[DemoResult]:
    """Do a trial at the server of this address. Raises NobodyListens."""
    accounts = {name: control.accounts.create(trial.terms) for name in ("own", "other")}
    try:
        return [_tried(control, step, accounts[step.account], address) for step in trial.steps]
    except (OSError, HTTPException) as error:
        raise ServerUnreachable(f"{address[0]}:{address[1]}: {error or type(error).__name__}") from error
    finally:
        for account in accounts.values():
            control.accounts.delete(account.userid)


def _tried(control: ControlService, step: DemoStep, account: AccountDocument, address: tuple[str, int]) -> DemoResult:
    if step.advance:
        control.clocks.put(account.userid, build_model(ClockSetting, mode="running"))
        control.clocks.advance(account.userid, Advance(seconds=step.advance))
        return DemoResult(advanced=step.advance)
    now = control.vendor.now(control.accounts.get(account.userid))
    page = _page(step)
    raw = _request(step, page, account, now, address)
    status, body = _exchanged(raw, address)
    codec = "gbk" if page is protocol.V2SMS_GBK else "utf-8"
    return DemoResult(printable_text(raw), status, body.decode(codec, "replace"))


def _page(step: DemoStep) -> Endpoint:
    return protocol.V2SMS_GBK if step.page == "gbk" else _OPERATIONS[step.do].endpoints[0]


def _request(step: DemoStep, page: Endpoint, account: AccountDocument, now: float, address: tuple[str, int]) -> bytes:
    fields = _fields(step, account, now)
    codec = "gbk" if page is protocol.V2SMS_GBK else "utf-8"
    signed = fields[_SIGN] if _SIGN in fields else _right(account, fields[_TIMESTAMP])
    also = step.also.replace("{userid}", account.userid).replace("{sign}", signed)
    pairs = [(name, value) for name, value in fields.items() if name not in step.drop]
    way = _ENCODINGS[step.how]
    query, body, kind = way.query(pairs, codec), way.body(pairs, codec), way.kind or step.type or FORM
    if also:
        body += b"&" + also.encode()
    target = (step.path or page.path).encode() + (b"?" + query if query else b"")
    headers = [("Host", f"{address[0]}:{address[1]}"), ("Connection", "close")]
    if body:
        headers.append(("Content-Type", kind))
    if way.is_chunked:
        headers.append(("Transfer-Encoding", "chunked"))
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    elif way.method == "POST":
        headers.append(("Content-Length", str(len(body))))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return way.method.encode() + b" " + target + b" HTTP/1.1\r\n" + head.encode() + b"\r\n" + body


def _fields(step: DemoStep, account: AccountDocument, now: float) -> dict[str, str]:
    operation = _OPERATIONS[step.do]
    moment = step.set.get(_TIMESTAMP) or format_timestamp(datetime.fromtimestamp(now, CHINA))
    right = _right(account, moment)
    fields = {
        _ACTION: operation.action,
        _USERID: account.userid,
        _TIMESTAMP: moment,
        _SIGN: {"right": right, "wrong": "0" * 32, "upper": right.upper()}[step.sign],
        **_ORDINARY.get(operation, {}),
    }
    made = {
        "{in an hour}": lambda: format_time(int(now) + 3600.0),
        "{50,000 numbers}": lambda: ",".join(str(13_000_000_000 + place) for place in range(50_000)),
        "{71 characters}": lambda: "字" * 71,
    }
    return fields | {name: made[value]() if value in made else value for name, value in step.set.items()}


def _right(account: AccountDocument, moment: str) -> str:
    return sign(account.account, account.password, moment)


def _nothing(pairs: _Pairs, codec: str) -> bytes:
    return b""


def _urlencoded(pairs: _Pairs, codec: str) -> bytes:
    return "&".join(f"{name}={quote(value.encode(codec), safe=',')}" for name, value in pairs).encode()


def _in_lower_case(pairs: _Pairs, codec: str) -> bytes:
    return re.sub(rb"%..", lambda escape: escape[0].lower(), _urlencoded(pairs, codec))


def _raw(pairs: _Pairs, codec: str) -> bytes:
    return "&".join(f"{name}={value}" for name, value in pairs).encode(codec)


def _raw_in_a_line(pairs: _Pairs, codec: str) -> bytes:
    """The bytes of a text as they are, but for what would end the request line."""
    return _raw([(name, value.replace(" ", "%20")) for name, value in pairs], codec)


def _action(pairs: _Pairs, codec: str) -> bytes:
    return _urlencoded([pair for pair in pairs if pair[0] == _ACTION], codec)


def _all_but_action(pairs: _Pairs, codec: str) -> bytes:
    return _urlencoded([pair for pair in pairs if pair[0] != _ACTION], codec)


def _json(pairs: _Pairs, codec: str) -> bytes:
    return ("{" + ", ".join(f'"{name}": "{value}"' for name, value in pairs) + "}").encode(codec)


def _multipart(pairs: _Pairs, codec: str) -> bytes:
    return _parts([(f'name="{name}"', value) for name, value in pairs], codec)


def _with_a_file(pairs: _Pairs, codec: str) -> bytes:
    """The same, but that the signature is a file."""
    names = {_SIGN: f'name="{_SIGN}"; filename="a.txt"'}
    return _parts([(names.get(name, f'name="{name}"'), value) for name, value in pairs], codec)


def _parts(parts: _Pairs, codec: str) -> bytes:
    written = (
        f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {name}\r\n\r\n".encode() + value.encode(codec) + b"\r\n"
        for name, value in parts
    )
    return b"".join(written) + f"--{_BOUNDARY}--\r\n".encode()


class _Encoding(NamedTuple):
    """How the fields of a step travel: what of them stands in the query, and what in the body, which is of a `kind`."""

    method: str = "POST"
    query: _Writing = _nothing
    body: _Writing = _nothing
    kind: str = ""
    is_chunked: bool = False


_OF_PARTS: Final = f"multipart/form-data; boundary={_BOUNDARY}"
_ENCODINGS: Final[Mapping[str, _Encoding]] = {
    "form": _Encoding(body=_urlencoded),
    "get": _Encoding("GET", query=_urlencoded),
    "head": _Encoding("HEAD", query=_urlencoded),
    "query": _Encoding(query=_raw_in_a_line),
    "action-in-query": _Encoding(query=_action, body=_all_but_action),
    "multipart": _Encoding(body=_multipart, kind=_OF_PARTS),
    "file": _Encoding(body=_with_a_file, kind=_OF_PARTS),
    "json": _Encoding(body=_json, kind="application/json"),
    "raw": _Encoding(body=_raw),
    "lower": _Encoding(body=_in_lower_case),
    "chunked": _Encoding(body=_urlencoded, is_chunked=True),
}
"""By the word `how` of `clause_demos.toml`."""


def _exchanged(raw: bytes, address: tuple[str, int]) -> tuple[int, bytes]:
    with socket.create_connection(address, timeout=_TIMEOUT) as connection:
        connection.sendall(raw)
        response = HTTPResponse(connection, method=raw.partition(b" ")[0].decode())
        response.begin()
        return response.status, response.read()


def address_of(environ: Mapping[str, Any]) -> tuple[str, int]:
    """Where the server of a WSGI request listens, as this machine can reach it."""
    host = str(environ["SERVER_NAME"]).strip("[]")
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - nothing is bound here
    return reachable.get(host, host), int(environ["SERVER_PORT"])
