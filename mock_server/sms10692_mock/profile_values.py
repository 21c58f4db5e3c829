"""Values of the keys of a profile: reads what was written as the type of the key, and describes types as JSON Schema.

A type is one of `bool`, `int`, `float`, `str`, `Literal[…]`, `X | None`, `tuple[X, …]` or `Mapping[Literal[…], X]`.
"""

import types
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, Literal, Union, get_args, get_origin

from sms10692_mock.domain.evidence import REMARKS
from sms10692_mock.domain.profile_key import KeySpec
from sms10692_mock.domain.profiles import MAX_TEXT
from sms10692_mock.toml_lines import Place


class InvalidValue(ValueError):
    """A key or value is wrong. `place` is where, `problem` what, as the rest of a sentence about the place."""

    def __init__(self, place: Place, problem: str) -> None:
        super().__init__(f"{describe_place(place)} {problem}")
        self.place = place
        self.problem = problem


def describe_place(place: Place) -> str:
    """Name a place in an error message.

    >>> describe_place(("texts", "action")), describe_place(("send_time_formats", 1))
    ('texts.action', 'send_time_formats, value 2,')
    """
    keys = ".".join(part for part in place if isinstance(part, str))
    index = next((f", value {part + 1}," for part in place if isinstance(part, int)), "")
    return f"{keys}{index}"


def unknown_key(place: Place, what: str, known: Sequence[str]) -> InvalidValue:
    """Return the error for an unknown key, with the most similar known one."""
    similar = get_close_matches(str(place[-1]), known, 1)
    return InvalidValue(place, f"is no {what}{f'; did you mean {similar[0]}?' if similar else ''}")


_NOT_REWORDED: Final = REMARKS | frozenset(
    ("account-deleted", "delivery-rule", "fault", "fault-unlimited", "reserved-number", "store-unavailable")
)
"""Codes whose message a profile cannot replace: the user or the emulator causes them, or nothing is refused."""


def read_value(kind: Any, spec: KeySpec, value: Any, place: Place) -> Any:
    """Return a written value as a value of a type. Raises InvalidValue."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in _UNIONS:
        return None if value is None else read_value(arguments[0], spec, value, place)
    if origin is Literal:
        if not any(type(value) is type(word) and value == word for word in arguments):
            raise InvalidValue(place, f"must be {_list_values(arguments)}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise InvalidValue(place, "must be a list in square brackets")
        if not value:
            raise InvalidValue(place, "must have at least one value")
        return tuple(read_value(arguments[0], spec, one, (*place, index)) for index, one in enumerate(value))
    if origin is Mapping:
        if not isinstance(value, dict):
            raise InvalidValue(place, "must be a table")
        known = _list_names(arguments[0])
        for name in value:
            if name not in known:
                raise unknown_key((*place, name), "cause of a refusal by the vendor", known)
        return {name: read_value(arguments[1], spec, one, (*place, name)) for name, one in value.items()}
    return _read_scalar(kind, spec, value, place)


_UNIONS: Final = (Union, types.UnionType)


def _list_values(values: Sequence[Any]) -> str:
    *first, last = [f'"{value}"' if isinstance(value, str) else str(value) for value in values]
    return f"{', '.join(first)} or {last}" if first else last


def _list_names(kind: Any) -> list[str]:
    return [name for name in get_args(kind) if name not in _NOT_REWORDED]


def _read_scalar(kind: type, spec: KeySpec, value: Any, place: Place) -> Any:
    if kind is bool:
        if not isinstance(value, bool):
            raise InvalidValue(place, "must be true or false")
    elif kind is str:
        if not isinstance(value, str):
            raise InvalidValue(place, "must be a text in quotation marks")
        if not value.strip() or len(value) > MAX_TEXT or not value.replace("\u3000", " ").isprintable():
            raise InvalidValue(place, f"must have 1 to {MAX_TEXT} printable characters")
    else:
        expected = "" if spec.bounds is None else f" from {spec.bounds[0]:g} to {spec.bounds[1]:.0f}"
        if type(value) not in (int, kind):
            raise InvalidValue(place, f"must be a {'whole ' if kind is int else ''}number{expected}")
        if spec.bounds is not None and not spec.bounds[0] <= value <= spec.bounds[1]:  # also rejects NaN
            raise InvalidValue(place, f"must be{expected}")
    return value


def describe_type(kind: Any, spec: KeySpec) -> dict[str, Any]:
    """Return the JSON Schema of the values that `read_value` reads."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in _UNIONS:
        return {"anyOf": [describe_type(arguments[0], spec), {"type": "null"}]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": describe_type(arguments[0], spec), "minItems": 1}
    if origin is Mapping:
        text = describe_type(arguments[1], spec)
        names = dict.fromkeys(_list_names(arguments[0]), text)
        return {"type": "object", "properties": names, "additionalProperties": False}
    if kind is str:
        return {"type": "string", "minLength": 1, "maxLength": MAX_TEXT, "pattern": _VISIBLE}
    schema: dict[str, Any] = {"type": _JSON_TYPES[kind]}
    if spec.bounds is not None:
        schema |= {"minimum": spec.bounds[0], "maximum": spec.bounds[1]}
    return schema


_JSON_TYPES: Final = {bool: "boolean", int: "integer", float: "number"}
_VISIBLE: Final = r"^[^\u0000-\u001f\u007f]*[^\s\u0000-\u001f\u007f][^\u0000-\u001f\u007f]*$"
"""A text that has a visible character and no control character."""
