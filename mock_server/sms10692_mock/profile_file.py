"""Profile files: TOML with the keys of `Profile`, checked, with the line of a mistake.

`base` names the built-in profile whose values count for keys that the file does not have; `name` is how the console and
the control API call the profile.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, get_type_hints

from sms10692 import protocol
from sms10692_mock.domain.profiles import FORBIDDEN_WORD_PLACE, KEYS, MANUAL, PROFILES, Profile
from sms10692_mock.profile_values import InvalidValue, describe_type, read_value, unknown_key
from sms10692_mock.text_files import read_text
from sms10692_mock.toml_lines import find_lines

_TYPES: Final[Mapping[str, Any]] = {name: kind for name, kind in get_type_hints(Profile).items() if name in KEYS}

_BASE: Final = "base"
_NAME: Final = "name"
_NAME_PATTERN: Final = r"(?!\.{1,2}$)[^\s/](?:[^/]{0,38}[^\s/])?"
_MAX_NAME: Final = 40
_NAME_PROBLEM: Final = (
    f"must be a text of 1 to {_MAX_NAME} printable characters without /, and not {' or '.join(PROFILES)}"
)
_MAX_FILE: Final = 64 * 1024
"""Maximum number of bytes of a file."""

_LONG_NUMBER: Final = re.compile(r"[0-9_]{4300}")
"""As many digits as Python converts to a number."""

_POSITION: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_REPEATED: Final = re.compile(r"Cannot (?:overwrite a value|declare .* twice)")


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
        line = error.object[: error.start].count(b"\n") + 1
        raise ValueError(f"{path}:{line}: is not UTF-8 (byte {error.start})") from None
    except FileNotFoundError:
        raise ValueError(f"{path} is neither a file nor one of {', '.join(PROFILES)}") from None
    if len(source) > _MAX_FILE:
        raise ValueError(f"{path} is longer than {_MAX_FILE // 1024} KiB: it is no profile")
    return read_profile(source, path)


def read_profile(source: str, path: Path) -> Profile:
    """Return the profile that a TOML text describes; `path` is for messages. Raises ValueError."""
    try:
        document = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(_describe_syntax_error(path, source, str(error))) from None
    except RecursionError:
        raise ValueError(f"{path}: a value is nested too deeply") from None
    except ValueError:
        found = _LONG_NUMBER.search(source)
        line = source.count("\n", 0, found.start()) + 1 if found else 1
        raise ValueError(f"{path}:{line}: a number has too many digits") from None
    try:
        return build_profile(document, path.stem)
    except InvalidValue as error:
        if error.place == (_NAME,) and _NAME not in document:
            raise ValueError(f'{path}: add a line {_NAME} = "…", since the name of the file {_NAME_PROBLEM}') from None
        raise ValueError(f"{path}:{find_lines(source)[error.place]}: {error}") from None


def _describe_syntax_error(path: Path, source: str, message: str) -> str:
    found = _POSITION.search(message)
    if found is None:
        return f"{path}: {message}"
    line = found[1] or max(len(source.splitlines()), 1)
    column = f" (column {found[2]})" if found[2] else ""
    problem = message[: found.start()]
    if _REPEATED.match(problem):
        return f"{path}:{line}: this key or table occurs twice{column}"
    return f"{path}:{line}: is not TOML: {problem}{column}"


def build_profile(document: Mapping[str, Any], name: str) -> Profile:
    """Return the profile that a document with the keys of a file describes, with this name unless it has another.

    Raises InvalidValue.
    """
    values = dict(document)
    base = values.pop(_BASE, MANUAL.name)
    if not isinstance(base, str) or base not in PROFILES:
        raise InvalidValue((_BASE,), f"must be {' or '.join(PROFILES)}")
    name = values.pop(_NAME, name)
    if not isinstance(name, str) or not re.fullmatch(_NAME_PATTERN, name) or not name.isprintable() or name in PROFILES:
        raise InvalidValue((_NAME,), _NAME_PROBLEM)
    for key in values:
        if key not in KEYS:
            raise unknown_key((key,), "key of a profile", [_BASE, _NAME, *KEYS])
    read = {key: read_value(_TYPES[key], KEYS[key], value, (key,)) for key, value in values.items()}
    for cause, text in read.get("texts", {}).items():
        places, problem = _WORD_PLACES if cause == "forbidden-word" else _NO_WORD_PLACE
        if text.count(FORBIDDEN_WORD_PLACE) > places:
            raise InvalidValue(("texts", cause), problem)
    profile = replace(PROFILES[base], name=name, **read)
    for lower, upper in _ASCENDING:
        least, most = getattr(profile, lower), getattr(profile, upper)
        if least is not None and most is not None and least > most:
            raise InvalidValue((lower,), f"must be at most {upper}, which is {most}")
    for key, is_right, problem in _RULES:
        if not is_right(profile):
            raise InvalidValue((key,), problem)
    return profile


_WORD_PLACES: Final = 1, f"may have {FORBIDDEN_WORD_PLACE} only once"
_NO_WORD_PLACE: Final = 0, f"may not have {FORBIDDEN_WORD_PLACE}, which only forbidden-word has"


_ASCENDING: Final = (
    ("text_signature_min", "text_signature_max"),
    ("requests_per_second", "requests_per_minute"),
    ("verification_codes_per_3_minutes", "verification_codes_per_day"),
)
"""Limits of which the first may not be more than the second."""

_RULES: Final[Sequence[tuple[str, Callable[[Profile], bool], str]]] = (
    (
        "keyword_found",
        lambda profile: profile.keyword_found.startswith(protocol.FORBIDDEN_BEGINNING),
        f"must begin with {protocol.FORBIDDEN_BEGINNING}",
    ),
    (
        "keyword_clean",
        lambda profile: not profile.keyword_clean.startswith(protocol.FORBIDDEN_BEGINNING),
        f"may not begin with {protocol.FORBIDDEN_BEGINNING}, as the message about a forbidden word does",
    ),
    (
        "lock_out_seconds",
        lambda profile: profile.lock_out_after is not None or profile.lock_out_seconds == MANUAL.lock_out_seconds,
        "does nothing without lock_out_after",
    ),
)
"""What must be true of a profile beyond the values of single keys: the key to blame, and the problem if it is not."""


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
    properties = {
        name: describe_type(_TYPES[name], spec) | {"description": spec.en, "default": to_plain(getattr(MANUAL, name))}
        for name, spec in KEYS.items()
    }
    properties["keyword_found"]["pattern"] = rf"^{protocol.FORBIDDEN_BEGINNING}[^\u0000-\u001f\u007f]*$"
    properties["keyword_clean"]["not"] = {"pattern": f"^{protocol.FORBIDDEN_BEGINNING}"}
    for cause, text in properties["texts"]["properties"].items():
        place = re.escape(FORBIDDEN_WORD_PLACE)
        once_more = f"{place}.*{place}" if cause == "forbidden-word" else place
        properties["texts"]["properties"][cause] = text | {"not": {"pattern": once_more}}
    name = {
        "type": "string",
        "minLength": 1,
        "maxLength": _MAX_NAME,
        "pattern": f"^{_NAME_PATTERN}$",
        "not": {"enum": list(PROFILES)},
        "description": "Name of the profile. By default that of the file.",
    }
    base = {"enum": list(PROFILES), "default": MANUAL.name, "description": "Profile to start from."}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Profile",
        "type": "object",
        "properties": {_BASE: base, _NAME: name, **properties},
        "additionalProperties": False,
    }
