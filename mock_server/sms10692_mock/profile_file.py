"""Profile files: TOML with the keys of `Profile`, checked, with the line of a mistake.

`base` names the built-in profile whose values count for keys that the file does not have; `name` is how the console and
the control API call the profile.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from sms10692 import protocol
from sms10692_mock.domain.profiles import MAX_TEXT, PROFILES, KeySpec, Profile
from sms10692_mock.text_files import read_text

KEYS: Final[Mapping[str, KeySpec]] = {
    field.name: field.metadata["key"] for field in fields(Profile) if "key" in field.metadata
}
"""The description of each key, in the order of the documents."""

_NOT_REWORDED: Final = frozenset(("fault", "fault-unlimited", "store-unavailable"))
"""Causes whose message a profile cannot replace: the user or the emulator causes them."""

_BASE: Final = "base"
_NAME: Final = re.compile(r"\w[\w .-]{0,39}")


def parse_profile(text: str) -> Profile:
    """Return the built-in profile of this name, or read the profile from the file with this path.

    Raises ValueError with a message for the user, and OSError.
    """
    known = PROFILES.get(text)
    return load_profile(Path(text)) if known is None else known


def parse_profiles(texts: Sequence[str]) -> tuple[Profile, ...]:
    """Return the profiles that these names and paths mean. Raises ValueError, also for a name that occurs twice."""
    profiles = tuple(map(parse_profile, texts))
    names = [profile.name for profile in profiles]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two profiles are called {name}")
    return profiles


def load_profile(path: Path) -> Profile:
    """Read a profile file. Raises ValueError that names file, line and key, and OSError."""
    try:
        source = read_text(path)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 (byte {error.start})") from None
    except FileNotFoundError:
        raise ValueError(f"{path} is neither a file nor one of {', '.join(PROFILES)}") from None
    return read_profile(source, path)


def read_profile(source: str, path: Path) -> Profile:
    """Return the profile that a TOML text describes; `path` is for messages. Raises ValueError."""
    try:
        document = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from None
    except (RecursionError, ValueError):
        raise ValueError(f"{path}: a value is too long or nested too deeply") from None
    base = document.pop(_BASE, "manual")
    if not isinstance(base, str) or base not in PROFILES:
        raise ValueError(_describe(path, source, [_BASE], f"must be one of {', '.join(PROFILES)}"))
    name = document.setdefault("name", path.stem)
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in PROFILES:
        raise ValueError(
            _describe(path, source, ["name"], f"must be a word of at most 40 characters, not {' or '.join(PROFILES)}")
        )
    changes = _validate(path, source, document)
    return replace(PROFILES[base], **changes)


def _validate(path: Path, source: str, document: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the keys in a document. Raises ValueError for the first unknown key or wrong value."""
    from pydantic import TypeAdapter, ValidationError  # slow to import and rarely needed

    try:
        written = _to_json(document)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    try:
        profile = TypeAdapter(Profile).validate_json(written, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = [str(part) for part in first["loc"]]
        problem = "is no key of a profile" if first["type"] == "unexpected_keyword_argument" else first["msg"]
        raise ValueError(_describe(path, source, place, problem)) from None
    for name, spec in KEYS.items():
        value = getattr(profile, name)
        if spec.bounds and value is not None and not spec.bounds[0] <= value <= spec.bounds[1]:  # also rejects NaN
            raise ValueError(
                _describe(path, source, [name], f"must be from {spec.bounds[0]:g} to {spec.bounds[1]:.0f}")
            )
    texts = [(["texts", str(code)], text) for code, text in profile.texts.items()]
    texts += [([name], getattr(profile, name)) for name in ("keyword_clean", "keyword_found")]
    for place, text in texts:
        if not text.strip() or len(text) > MAX_TEXT or not text.isprintable():
            raise ValueError(_describe(path, source, place, f"must have 1 to {MAX_TEXT} printable characters"))
    for code in _NOT_REWORDED & set(profile.texts):
        raise ValueError(_describe(path, source, ["texts", code], "is no refusal of the vendor"))
    if not profile.keyword_found.startswith(protocol.FORBIDDEN_BEGINNING):
        raise ValueError(_describe(path, source, ["keyword_found"], f"must begin with {protocol.FORBIDDEN_BEGINNING}"))
    if not profile.send_time_formats:
        raise ValueError(_describe(path, source, ["send_time_formats"], "must have at least one format"))
    return {name: getattr(profile, name) for name in document}


def _to_json(document: dict[str, Any]) -> str:
    """Return a TOML document as JSON, of which pydantic reads lists as tuples also when it is strict."""
    import json

    def refuse(value: object) -> str:
        raise ValueError(f"{value} is a date: write it in quotation marks")

    return json.dumps(document, default=refuse)


def _describe(path: Path, source: str, place: list[str], problem: str) -> str:
    """Return a message that names the line of a key."""
    name = next((part for part in reversed(place) if part.isidentifier() or "-" in part), place[0])
    pattern = re.compile(rf"""^\s*(?:"{re.escape(name)}"|'{re.escape(name)}'|{re.escape(name)})\s*=""", re.MULTILINE)
    found = pattern.search(source)
    line = f":{source.count(chr(10), 0, found.start()) + 1 + found[0].count(chr(10))}" if found else ""
    return f"{path}{line}: {'.'.join(part for part in place if not part.isdecimal())} {problem}"


def describe_profile(profile: Profile) -> str:
    """Return a profile as TOML, each key with its meaning and origin as a comment."""
    is_built_in = profile.name in PROFILES
    lines = [f"base = {format_value(profile.name)}"] if is_built_in else [f"name = {format_value(profile.name)}"]
    for name, spec in KEYS.items():
        origin = spec.provenance + (f", {spec.grade}" if spec.grade else "")
        value = getattr(profile, name)
        lines += ["", f"# {spec.en} ({origin})"]
        lines += [f"# {name} = (no limit)"] if value is None else [f"{name} = {format_value(value)}"]
    return "\n".join(lines) + "\n"


def format_value(value: Any) -> str:
    """Return a value as TOML; empty for None, which TOML lacks."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case Mapping():
            return f"{{{', '.join(f'{name} = {format_value(text)}' for name, text in value.items())}}}"
        case _:
            return f"[{', '.join(map(format_value, value))}]"


def to_plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    match value:
        case Mapping():
            return dict(value)
        case tuple():
            return list(value)
        case _:
            return value


def build_schema() -> dict[str, Any]:
    """Return the JSON Schema of a profile file, for editors."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(Profile).json_schema()
    for name, spec in KEYS.items():
        schema["properties"][name]["description"] = spec.en
        if spec.bounds:
            schema["properties"][name] |= {"minimum": spec.bounds[0], "maximum": spec.bounds[1]}
    schema["properties"][_BASE] = {"enum": list(PROFILES), "default": "manual", "description": "Profile to start from."}
    return schema
