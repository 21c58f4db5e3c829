"""Profile service: which profile is in force for the emulator or for an account, key by key."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from sms10692.protocol import Provenance
from sms10692_mock.admin.services.accounts import AccountService
from sms10692_mock.domain.profiles import KEYS, MANUAL, Profile
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.profile_file import to_plain


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


class ProfileService:
    """Reads the profiles of the emulator and of its accounts."""

    def __init__(self, vendor: Vendor, accounts: AccountService) -> None:
        self._vendor = vendor
        self._accounts = accounts

    def get(self, userid: str | None) -> ProfileDocument:
        """Return the profile in force for an account, or the emulator's. Raises NoSuchAccount."""
        return to_document(self._vendor.profile_of(None if userid is None else self._accounts.get(userid)))


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
