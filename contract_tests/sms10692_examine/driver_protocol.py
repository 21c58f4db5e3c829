"""The driver protocol, version 1: JSON documents in lines, from the examiner to a driver and back.

The examiner writes one request document per line to the driver's standard input, and the driver answers on its standard
output with documents that have the same `id`, before the next request. See `docs/driver-protocol.md`.
"""

import json
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NoReturn, TypeAlias

from sms10692_examine.observations import Observation

VERSION: Final = 1

Operation: TypeAlias = Literal["send", "overage", "checkkeyword", "status", "call"]
OPERATIONS: Final[tuple[Operation, ...]] = ("send", "overage", "checkkeyword", "status", "call")
CLAIMS: Final = ("durable", "clock")
"""What a client may claim: that fetched items survive a crash, and that `clock_offset` moves the client's clock."""

Kind: TypeAlias = Literal["configured", "accepted", "refused", "unknown", "unsupported"]
_FINAL_KINDS: Final[tuple[Kind, ...]] = ("configured", "accepted", "refused", "unknown", "unsupported")
ITEM: Final = "item"

FIELDS: Final[Mapping[str, Mapping[str, type]]] = {
    "send": {"taskID": str, "successCounts": int, "remainpoint": int},
    "overage": {"overage": int, "payinfo": str, "sendTotal": int},
    "checkkeyword": {"forbidden": bool},
    "status": {},
    "call": {},
}
"""What an accepted answer may tell, by operation; each value may be missing."""

ITEM_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "status": ("mobile", "taskid", "status", "receivetime", "errorcode", "extno"),
    "call": ("mobile", "taskid", "content", "receivetime", "extno"),
}
"""What an item tells, all as text. `status` is `delivered` or `failed`, or the vendor's own word."""


class DriverError(Observation):
    """The driver ended, did not answer in time, or answered with what is no document of the protocol."""


class DriverNotStarted(DriverError):
    """The command of the driver cannot be started."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request: its kind, what the client understood, and the items in their order."""

    kind: Kind
    document: Mapping[str, Any] = field(default_factory=dict)
    items: tuple[Mapping[str, str], ...] = ()

    @property
    def reason(self) -> str:
        """The message of the vendor, or why the result is unknown."""
        return str(self.document.get("message") or self.document.get("reason") or "")

    def __str__(self) -> str:
        reason = f": {self.reason}" if self.reason else ""
        items = f", {len(self.items)} items" if self.items else ""
        return f"{self.kind}{reason}{items}"

    def in_chinese(self) -> str:
        reason = f"：{self.reason}" if self.reason else ""
        items = f"，{len(self.items)} 条数据" if self.items else ""
        return f"{self.kind}{reason}{items}"


def encode(document: Mapping[str, Any]) -> bytes:
    """Return a document as a line: JSON in ASCII, so that no driver depends on the charset of its standard input."""
    return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"


def parse_line(line: bytes, number: int, operation: str) -> Mapping[str, Any]:
    """Parse a line of an answer to request `number`. Raises DriverError."""
    shown = repr(line[:200].decode("utf-8", "backslashreplace"))
    if line.startswith(BOM_UTF8):
        raise DriverError(
            "standard output has a byte order mark before an answer; write UTF-8 without one: {}",
            shown,
            cause="driver-output",
        )
    try:
        document = json.loads(line.decode("utf-8"), parse_float=_parse_number, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        if (text := _decode_gbk(line)) is not None:
            raise DriverError(
                "standard output has a line in GBK (code page 936); write UTF-8: {!r}",
                text[:200],
                cause="driver-output",
            ) from error
        raise DriverError(
            "standard output has a line that is no JSON in UTF-8: {} ({})", shown, error, cause="driver-output"
        ) from error
    if not isinstance(document, dict):
        raise DriverError("standard output has a line that is no JSON object: {}", shown, cause="driver-output")
    if document.get("id") != number or isinstance(document["id"], bool):
        raise DriverError(
            "the answer has the id {!r}, the request had {}: {}",
            document.get("id"),
            number,
            shown,
            cause="driver-output",
        )
    document = {str(_replace_surrogates(name)): _replace_surrogates(value) for name, value in document.items()}
    kind = document.get("answer")
    if kind == ITEM:
        _check_item(document, operation, shown)
    elif kind not in _FINAL_KINDS:
        raise DriverError(
            "answer is {!r}; expected one of {}: {}",
            kind,
            ", ".join((*_FINAL_KINDS, ITEM)),
            shown,
            cause="driver-output",
        )
    elif kind == "configured":
        for name, known in (("operations", OPERATIONS), ("claims", CLAIMS)):
            value = document.get(name, [])
            if not isinstance(value, list) or not set(map(str, value)) <= set(known):
                raise DriverError(
                    "{} is {!r}; expected a list of {}: {}", name, value, ", ".join(known), shown, cause="driver-output"
                )
    elif kind == "accepted":
        for name, expected in FIELDS.get(operation, {}).items():
            value = document.get(name)
            if value is not None and (not isinstance(value, expected) or (expected is int and isinstance(value, bool))):
                raise DriverError(
                    "{} is {!r}; expected {}: {}", name, value, _TYPE_NAMES[expected], shown, cause="driver-output"
                )
    return document


def _decode_gbk(line: bytes) -> str | None:
    """Return a line as text if it is JSON in GBK, as programs on Chinese Windows write it, and not in UTF-8."""
    try:
        text = line.decode("gbk")
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return None if line.isascii() else text


def _parse_number(text: str) -> float:
    """Return a number with a fraction or an exponent; 100.0 is a whole number, as in JSON Schema."""
    number = float(text)
    return int(number) if number.is_integer() else number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _replace_surrogates(value: Any) -> Any:
    """Return a JSON value in which halves of a character, as `"\\ud83d"` alone, are U+FFFD: no file can hold them."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_replace_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_replace_surrogates(name): _replace_surrogates(item) for name, item in value.items()}
    return value


_TYPE_NAMES: Final[Mapping[type, Observation]] = {
    str: Observation("a text"),
    int: Observation("a whole number"),
    bool: Observation("true or false"),
}


def _check_item(document: Mapping[str, Any], operation: str, shown: str) -> None:
    names = ITEM_FIELDS.get(operation)
    if names is None:
        raise DriverError("{} has no items: {}", operation, shown, cause="driver-output")
    for name in names:
        if not isinstance(document.get(name), str):
            raise DriverError("an item of {} needs {!r}, a text: {}", operation, name, shown, cause="driver-output")


def build_schema() -> dict[str, Any]:
    """Return the JSON Schema of the answers of a driver."""
    kinds = {"enum": list(_FINAL_KINDS)}
    types = {str: {"type": "string"}, int: {"type": "integer"}, bool: {"type": "boolean"}}
    accepted = {name: types[kind] for fields in FIELDS.values() for name, kind in fields.items()}
    number = {"type": "integer", "minimum": 1}
    items = [
        {
            "title": f"an item of {operation}",
            "type": "object",
            "required": ["id", "answer", *names],
            "properties": {"id": number, "answer": {"const": ITEM}, **{name: {"type": "string"} for name in names}},
        }
        for operation, names in ITEM_FIELDS.items()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Answer of a driver, protocol version {VERSION}",
        "anyOf": [
            {
                "title": "the last document of an answer",
                "type": "object",
                "required": ["id", "answer"],
                "properties": {
                    "id": number,
                    "answer": kinds,
                    "operations": {"type": "array", "items": {"enum": list(OPERATIONS)}},
                    "claims": {"type": "array", "items": {"enum": list(CLAIMS)}},
                    "client": {"type": "string"},
                    "message": {"type": "string"},
                    "reason": {"type": "string"},
                    **accepted,
                },
            },
            *items,
        ],
    }
