"""Clock service: freeze, set, speed up or advance the global clock or the clock of one account (R12).

An account without a clock of its own follows the global clock.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Literal, TypeAlias

from pydantic import BaseModel, Field, model_validator

from sms10692_mock.admin.services.accounts import AccountService
from sms10692_mock.admin.services.schemas import Seconds, StrictInput, Timestamp, format_iso_time
from sms10692_mock.domain.bounds import LATEST_TIME, MAX_SPEED
from sms10692_mock.domain.clock import ClockOverride, clamp_time, current_time
from sms10692_mock.domain.store import NoSuchAccount
from sms10692_mock.domain.vendor import Vendor

_ClockChange: TypeAlias = Callable[[ClockOverride | None], ClockOverride | None]


class NoPendingEvent(LookupError):
    """A clock cannot be advanced to the next event, because no report or reply is scheduled."""


class ClockSetting(StrictInput):
    """New state of a clock: `real` removes the override, `frozen` stops at `now`, `running` runs from `now` at `speed`.

    Without `now`, the clock continues from the time that it shows.
    """

    mode: Literal["real", "frozen", "running"]
    now: Timestamp | None = None
    speed: float = Field(1.0, gt=0, le=MAX_SPEED, allow_inf_nan=False)


class Advance(StrictInput):
    """How far to advance a clock: by `seconds`, or to the next report or reply that becomes due."""

    seconds: Seconds | None = None
    to: Literal["next"] | None = None

    @model_validator(mode="after")
    def _check_exactly_one(self) -> "Advance":
        if (self.seconds is None) == (self.to is None):
            raise ValueError('give either "seconds", or "to": "next"')
        return self


class ClockDocument(BaseModel):
    """State of a clock."""

    mode: Literal["real", "frozen", "running"]
    now: str
    speed: float


class ClockService:
    """Reads and changes clocks. A userid of None means the global clock."""

    def __init__(self, vendor: Vendor, accounts: AccountService) -> None:
        self._vendor = vendor
        self._store = vendor.store
        self._accounts = accounts

    def get(self, userid: str | None) -> ClockDocument:
        """Return the state of a clock. Raises NoSuchAccount."""
        account = None if userid is None else self._accounts.get(userid)
        override = (account and account.clock) or self._store.settings().clock
        mode: Literal["real", "frozen", "running"] = (
            "real" if override is None else "running" if override.speed else "frozen"
        )
        return ClockDocument.model_construct(
            mode=mode, now=format_iso_time(self._vendor.now(account)), speed=1.0 if override is None else override.speed
        )

    def set(self, userid: str | None, setting: ClockSetting) -> ClockDocument:
        """Set the state of a clock. Raises NoSuchAccount."""
        real, global_clock = self._vendor.wall_clock(), self._store.settings().clock

        def override(current: ClockOverride | None) -> ClockOverride | None:
            if setting.mode == "real":
                return None
            at = setting.now.timestamp() if setting.now else current_time(current or global_clock, real)
            return ClockOverride(at, real, setting.speed if setting.mode == "running" else 0.0)

        return self._change(userid, override)

    def advance(self, userid: str | None, step: Advance) -> ClockDocument:
        """Advance a clock. Raises NoSuchAccount, and NoPendingEvent if there is no next event.

        Concurrent calls that advance to the next event advance to the same event.
        """
        real, global_clock = self._vendor.wall_clock(), self._store.settings().clock
        seconds = step.seconds
        due = self._next_due(userid) if seconds is None else 0.0

        def advanced(current: ClockOverride | None) -> ClockOverride:
            clock = current or global_clock or ClockOverride(clamp_time(real), real)
            return clock.advance_to(due, real) if seconds is None else clock.advance(seconds, real)

        return self._change(userid, advanced)

    def _change(self, userid: str | None, change: _ClockChange) -> ClockDocument:
        if userid is None:
            self._store.change_settings(lambda settings: replace(settings, clock=change(settings.clock)))
        else:
            self._store.update_account(userid, lambda account: replace(account, clock=change(account.clock)))
        return self.get(userid)

    def _next_due(self, userid: str | None) -> float:
        account = None if userid is None else self._accounts.get(userid)
        now = self._vendor.now(account)
        followers = [userid] if userid is not None else filter(self._follows_global_clock, self._store.userids())
        due_times: list[float] = []
        for follower in followers:
            with suppress(NoSuchAccount):  # deleted since it was listed
                due = self._store.next_due(follower, now)
                due_times += [] if due is None else [due]
        if not due_times:
            raise NoPendingEvent("no report or reply is scheduled")
        if min(due_times) > LATEST_TIME:
            raise NoPendingEvent("the next report or reply is due after the year 9000, the end of all clocks")
        return min(due_times)

    def _follows_global_clock(self, userid: str) -> bool:
        account = self._store.account(userid)
        return account is not None and account.clock is None
