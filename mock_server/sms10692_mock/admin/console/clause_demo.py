"""Demos of clauses: requests to this server over a socket, and their responses.

The requests are described in `clause_demos.toml`. A demo uses temporary accounts, which are deleted afterwards, so that
no other account's queue or balance changes.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from sms10692 import protocol
from sms10692.protocol import Authentication, Endpoint, Operation
from sms10692.signing import CHINA, format_timestamp, sign
from sms10692_mock.admin.console.clauses import clauses
from sms10692_mock.admin.console.hexdump import printable_text
from sms10692_mock.admin.console.layout import build_model
from sms10692_mock.admin.console.own_server import ServerAddress, exchange
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import AccountDocument, NewAccount
from sms10692_mock.admin.services.clocks import Advance, ClockSetting
from sms10692_mock.admin.services.requests import DEMO_USER_AGENT
from sms10692_mock.codec.forms import FORM
from sms10692_mock.domain.clock import format_time

_BOUNDARY: Final = "XyZzYx7MA4YWxkTrZu0gW"
_OPERATIONS: Final[Mapping[str, Operation]] = {operation.name: operation for operation in protocol.OPERATIONS}
_USERID, _TIMESTAMP, _SIGN = protocol.SIGNED.parameters
_MOBILE, _CONTENT, _, _ACTION, _ = protocol.SEND.parameters
_ENDPOINTS: Final[Mapping[str, tuple[Authentication, str]]] = {
    "": (protocol.SIGNED, "utf-8"),
    "gbk": (protocol.SIGNED, "gb2312"),
    "older": (protocol.PASSWORD, "utf-8"),
    "older-gbk": (protocol.PASSWORD, "gb2312"),
}
"""Authentication and charset of an endpoint, by the value of `endpoint` in `clause_demos.toml`."""
_DEFAULT_FIELDS: Final[Mapping[Operation, Mapping[str, str]]] = {
    protocol.SEND: {_MOBILE: "15023239810", _CONTENT: "【签名】您的验证码是 1234"},
    protocol.CHECKKEYWORD: {_CONTENT: "今天天气真好"},
}

_Fields: TypeAlias = Sequence[tuple[str, str]]
_Encoder: TypeAlias = Callable[[_Fields, str], bytes]
"""Encodes names and values in a charset."""


class DemoStep(BaseModel):
    """One request, or an advance of the clock. The keys are documented in `clause_demos.toml`."""

    model_config = ConfigDict(extra="forbid")

    operation: str = ""
    fields: dict[str, str] = {}
    omit: list[str] = []
    sign: str = "right"
    endpoint: str = ""
    encoding: str = "form"
    content_type: str = ""
    path: str = ""
    extra_form: str = ""
    sender: str = "first"
    advance: float = 0.0

    @field_validator("encoding")
    @classmethod
    def _check_encoding(cls, encoding: str) -> str:
        if encoding not in _ENCODINGS:
            raise ValueError(f"unknown encoding {encoding!r}; known are {', '.join(_ENCODINGS)}")
        return encoding


class Demo(BaseModel):
    """The steps that demonstrate some clauses, and the settings of the temporary accounts.

    `expect` is what each response must contain, one text for each request: see `clause_demos.toml`.
    """

    model_config = ConfigDict(extra="forbid")

    clauses: list[str]
    account: NewAccount = build_model(NewAccount)
    steps: list[DemoStep]
    expect: list[str]

    @model_validator(mode="after")
    def _check_expectations(self) -> "Demo":
        requests = sum(1 for step in self.steps if not step.advance)
        if len(self.expect) != requests:
            raise ValueError(f"{self.clauses[0]}: {len(self.expect)} expectations for {requests} requests")
        return self


class DemoResult(NamedTuple):
    """One request and its response as text, and what was expected; or the seconds by which the clock was advanced.

    `expected` is empty if the response should have no body.
    """

    request: str = ""
    status: int = 0
    response: str = ""
    advanced: float = 0.0
    expected: str = ""

    @property
    def is_expected(self) -> bool:
        """Whether the response is as expected."""
        if not self.expected:
            return not self.response
        return self.expected in _BETWEEN_ELEMENTS.sub("><", self.response)


_BETWEEN_ELEMENTS: Final = re.compile(r">\s+<")


@cache
def load_demos() -> Mapping[str, Demo]:
    """Load all demos, by clause id. That of `_ANY_KEY` is for each clause of a key that no other demo names."""
    table = tomllib.loads((files(__package__) / "clause_demos.toml").read_text("utf-8"))
    named = {clause for row in table["demo"] for clause in row["clauses"]}
    others = [clause.id for clause in clauses() if clause.id.startswith(_ANY_KEY[:-1]) and clause.id not in named]
    rows = [row | {"clauses": others} if row["clauses"] == [_ANY_KEY] else row for row in table["demo"]]
    return {clause: demo for row in rows for demo in [Demo(**row)] for clause in demo.clauses}


_ANY_KEY: Final = "D-*"


def run_demo(control: ControlService, demo: Demo, server: ServerAddress) -> list[DemoResult]:
    """Run a demo on this server. Raises ServerUnreachable. The temporary accounts are always deleted."""
    accounts = {sender: control.accounts.create(demo.account) for sender in ("first", "second")}
    try:
        results = [_run_step(control, step, accounts[step.sender], server) for step in demo.steps]
    finally:
        for account in accounts.values():
            control.accounts.delete(account.userid)
    expected = iter(demo.expect)
    return [result if result.advanced else result._replace(expected=next(expected)) for result in results]


def is_as_expected(results: Sequence[DemoResult]) -> bool:
    """Whether all responses of a demo are as expected."""
    return all(result.advanced or result.is_expected for result in results)


def _run_step(control: ControlService, step: DemoStep, account: AccountDocument, server: ServerAddress) -> DemoResult:
    if step.advance:
        control.clocks.set(account.userid, build_model(ClockSetting, mode="running"))
        control.clocks.advance(account.userid, Advance(seconds=step.advance))
        return DemoResult(advanced=step.advance)
    now = control.vendor.now(control.accounts.get(account.userid))
    endpoint = _select_endpoint(step)
    raw = _build_request(step, endpoint, account, now, server)
    received = exchange(raw, server)
    codec = "utf-8" if endpoint.charset == "utf-8" else "gbk"
    return DemoResult(printable_text(raw), received.status, received.body.decode(codec, "replace"))


def _select_endpoint(step: DemoStep) -> Endpoint:
    authentication, charset = _ENDPOINTS[step.endpoint]
    return next(
        endpoint
        for endpoint in _OPERATIONS[step.operation].endpoints
        if endpoint.authentication is authentication and endpoint.charset == charset
    )


def _build_request(
    step: DemoStep, endpoint: Endpoint, account: AccountDocument, now: float, server: ServerAddress
) -> bytes:
    values = _build_fields(step, endpoint, account, now)
    codec = "utf-8" if endpoint.charset == "utf-8" else "gbk"
    signature = values[_SIGN] if _SIGN in values else _sign(account, values.get(_TIMESTAMP, ""))
    extra_form = step.extra_form.replace("{userid}", account.userid).replace("{sign}", signature)
    fields = [(name, value) for name, value in values.items() if name not in step.omit]
    encoding = _ENCODINGS[step.encoding]
    query, body = encoding.query(fields, codec), encoding.body(fields, codec)
    content_type = encoding.content_type or step.content_type or FORM
    if extra_form:
        body += b"&" + extra_form.encode()
    target = (step.path or endpoint.path).encode() + (b"?" + query if query else b"")
    headers = [("Host", f"{server.host}:{server.port}"), ("Connection", "close"), ("User-Agent", DEMO_USER_AGENT)]
    if body:
        headers.append(("Content-Type", content_type))
    if encoding.is_chunked:
        headers.append(("Transfer-Encoding", "chunked"))
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    elif encoding.method == "POST":
        headers.append(("Content-Length", str(len(body))))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return encoding.method.encode() + b" " + target + b" HTTP/1.1\r\n" + head.encode() + b"\r\n" + body


def _build_fields(step: DemoStep, endpoint: Endpoint, account: AccountDocument, now: float) -> dict[str, str]:
    operation = _OPERATIONS[step.operation]
    time = step.fields.get(_TIMESTAMP) or format_timestamp(datetime.fromtimestamp(now, CHINA))
    signature = _sign(account, time)
    signed = {
        _USERID: account.userid,
        _TIMESTAMP: time,
        _SIGN: {"right": signature, "wrong": "0" * 32, "upper": signature.upper()}[step.sign],
    }
    clear = dict(zip(protocol.PASSWORD.parameters, (account.userid, account.account, account.password), strict=True))
    values = {
        _ACTION: operation.action,
        **(signed if endpoint.authentication is protocol.SIGNED else clear),
        **_DEFAULT_FIELDS.get(operation, {}),
    }
    generators = {
        "{in an hour}": lambda: format_time(int(now) + 3600.0),
        "{50,000 numbers}": lambda: ",".join(str(13_000_000_000 + index) for index in range(50_000)),
        "{71 characters}": lambda: "字" * 71,
    }
    return values | {name: generators[value]() if value in generators else value for name, value in step.fields.items()}


def _sign(account: AccountDocument, time: str) -> str:
    return sign(account.account, account.password, time)


def _encode_nothing(fields: _Fields, codec: str) -> bytes:
    return b""


def _encode_form(fields: _Fields, codec: str) -> bytes:
    return "&".join(f"{name}={quote(value.encode(codec), safe=',')}" for name, value in fields).encode()


def _encode_form_in_lower_case(fields: _Fields, codec: str) -> bytes:
    return re.sub(rb"%..", lambda escape: escape[0].lower(), _encode_form(fields, codec))


def _encode_raw(fields: _Fields, codec: str) -> bytes:
    return "&".join(f"{name}={value}" for name, value in fields).encode(codec)


def _encode_raw_query(fields: _Fields, codec: str) -> bytes:
    """Encode without percent codes, except for spaces, which would end the request target."""
    return _encode_raw([(name, value.replace(" ", "%20")) for name, value in fields], codec)


def _encode_action(fields: _Fields, codec: str) -> bytes:
    return _encode_form([field for field in fields if field[0] == _ACTION], codec)


def _encode_all_but_action(fields: _Fields, codec: str) -> bytes:
    return _encode_form([field for field in fields if field[0] != _ACTION], codec)


def _encode_json(fields: _Fields, codec: str) -> bytes:
    return ("{" + ", ".join(f'"{name}": "{value}"' for name, value in fields) + "}").encode(codec)


def _encode_multipart(fields: _Fields, codec: str) -> bytes:
    return _join_parts([(f'name="{name}"', value) for name, value in fields], codec)


def _encode_sign_as_file(fields: _Fields, codec: str) -> bytes:
    """Encode as multipart/form-data, with the signature as a file."""
    dispositions = {_SIGN: f'name="{_SIGN}"; filename="a.txt"'}
    return _join_parts([(dispositions.get(name, f'name="{name}"'), value) for name, value in fields], codec)


def _join_parts(parts: _Fields, codec: str) -> bytes:
    encoded = (
        f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode()
        + value.encode(codec)
        + b"\r\n"
        for disposition, value in parts
    )
    return b"".join(encoded) + f"--{_BOUNDARY}--\r\n".encode()


class _Encoding(NamedTuple):
    """How a request carries its fields: in the query string, in a body of a Content-Type, or in both."""

    method: str = "POST"
    query: _Encoder = _encode_nothing
    body: _Encoder = _encode_nothing
    content_type: str = ""
    is_chunked: bool = False


_MULTIPART: Final = f"multipart/form-data; boundary={_BOUNDARY}"
_ENCODINGS: Final[Mapping[str, _Encoding]] = {
    "form": _Encoding(body=_encode_form),
    "get": _Encoding("GET", query=_encode_form),
    "head": _Encoding("HEAD", query=_encode_form),
    "query": _Encoding(query=_encode_raw_query),
    "action-in-query": _Encoding(query=_encode_action, body=_encode_all_but_action),
    "multipart": _Encoding(body=_encode_multipart, content_type=_MULTIPART),
    "file": _Encoding(body=_encode_sign_as_file, content_type=_MULTIPART),
    "json": _Encoding(body=_encode_json, content_type="application/json"),
    "raw": _Encoding(body=_encode_raw),
    "lower": _Encoding(body=_encode_form_in_lower_case),
    "chunked": _Encoding(body=_encode_form, is_chunked=True),
}
"""Encodings, by the value of `encoding` in `clause_demos.toml`."""
