"""Profile service: the profiles that accounts can have, key by key; adds profiles at run time."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from sms10692.protocol import Provenance
from sms10692_mock.admin.services.accounts import AccountService
from sms10692_mock.admin.services.behaviour import TooManyEntries
from sms10692_mock.domain.profiles import KEYS, MANUAL, Profile
from sms10692_mock.domain.records import Settings
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.profile_file import build_profile, build_schema, to_plain
from sms10692_mock.profile_values import InvalidValue

_MAX_ADDED: Final = 100
"""Profiles that can be added at run time."""


class NoSuchProfile(LookupError):
    """No profile has this name, or none that was added at run time."""


class ProfileFixed(ValueError):
    """A profile that is built in or was loaded at the start cannot be replaced or removed."""


class KeyDocument(BaseModel):
    """A key of a profile. `provenance` and `grade` are those of values other than the manual's."""

    value: Any = Field(description="as in a profile file; null: no limit")
    manual: Any = Field(description="the value in the profile `manual`")
    provenance: Provenance
    grade: Literal["S", "M", "W", ""] = Field(description="S: three or more independent sources; M: two; W: one")
    meaning: str


class ProfileDocument(BaseModel):
    """A profile with all its keys."""

    name: str
    keys: Mapping[str, KeyDocument]


class ProfilesDocument(BaseModel):
    """The names of the profiles that accounts can have. `default` is that of accounts without one of their own."""

    names: list[str]
    default: str


def _describe_keys(schema: dict[str, Any]) -> None:
    described = build_schema()
    del described["properties"]["name"]  # it is in the path
    schema |= {part: described[part] for part in ("properties", "additionalProperties")}


class NewProfile(BaseModel):
    """The keys of a profile file. Keys that are left out are those of `base`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", json_schema_extra=_describe_keys)


class ProfileService:
    """Reads the profiles of the emulator and of its accounts, and changes those added at run time."""

    def __init__(self, vendor: Vendor, accounts: AccountService) -> None:
        self._vendor = vendor
        self._accounts = accounts

    def in_force(self, userid: str | None) -> ProfileDocument:
        """Return the profile in force for an account, or the emulator's. Raises NoSuchAccount."""
        return to_document(self._vendor.profile_of(None if userid is None else self._accounts.get(userid)))

    def get(self, name: str) -> ProfileDocument:
        """Return the profile with this name. Raises NoSuchProfile."""
        profiles = self._vendor.profiles()
        if name not in profiles:
            raise NoSuchProfile(name)
        return to_document(profiles[name])

    def list(self) -> ProfilesDocument:
        """Return the names of all profiles."""
        return ProfilesDocument(names=self._vendor.profiles().names, default=self._vendor.default_profile.name)

    def put(self, name: str, new: NewProfile) -> ProfileDocument:
        """Add a profile, or replace one that was added. It applies to the next request of the accounts that have it.

        Raises InvalidValue as for a file, ProfileFixed and TooManyEntries.
        """
        document = {"name": name} | {key: _to_integer(value) for key, value in (new.model_extra or {}).items()}
        profile = build_profile(document, name)
        if profile.name != name:
            raise InvalidValue(("name",), f"must be {name}, as in the path, or be left out")
        self._check_changeable(name)

        def add(settings: Settings) -> Settings:
            others = _without(settings, name)
            if len(others) >= _MAX_ADDED:
                raise TooManyEntries(f"there are {_MAX_ADDED} added profiles already")
            return replace(settings, profiles=(*others, profile))

        self._vendor.store.change_settings(add)
        return to_document(profile)

    def remove(self, name: str) -> None:
        """Remove a profile that was added. Accounts that have it get the emulator's.

        Raises NoSuchProfile and ProfileFixed.
        """
        self._check_changeable(name)
        if name not in self._vendor.profiles():
            raise NoSuchProfile(name)
        self._vendor.store.change_settings(lambda settings: replace(settings, profiles=_without(settings, name)))

    def _check_changeable(self, name: str) -> None:
        if self._vendor.profiles().is_fixed(name):
            raise ProfileFixed(name)


def _to_integer(value: Any) -> Any:
    """Return a whole number as an integer: JSON and its schemas do not tell 5.0 from 5, a profile file does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _without(settings: Settings, name: str) -> tuple[Profile, ...]:
    return tuple(profile for profile in settings.profiles if profile.name != name)


def to_document(profile: Profile) -> ProfileDocument:
    """Return a profile with the description of each key."""
    keys = {
        name: KeyDocument.model_construct(
            value=to_plain(getattr(profile, name)),
            manual=to_plain(getattr(MANUAL, name)),
            provenance=spec.provenance,
            grade=spec.grade,
            meaning=spec.en,
        )
        for name, spec in KEYS.items()
    }
    return ProfileDocument.model_construct(name=profile.name, keys=keys)
