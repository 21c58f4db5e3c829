"""Clocks: the one for all, and one for each account that wants its own (R12).

Here belongs turning them. What falls due when is the affair of the store.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Literal, TypeAlias

from pydantic import BaseModel, Field, model_validator

from sms10692_mock.admin.services.accounts import AccountService
from sms10692_mock.admin.services.schemas import Moment, Seconds, StrictInput, format_time
from sms10692_mock.domain.bounds import LATEST_TIME, MAX_SPEED
from sms10692_mock.domain.clock import ClockOverride, clamp_time, current_time
from sms10692_mock.domain.store import NoSuchAccount
from sms10692_mock.domain.vendor import Vendor

ClockChange: TypeAlias = Callable[[ClockOverride | None], ClockOverride | None]


class NoPendingEvent(LookupError):
    """A clock cannot be put forward to the next event, because there is none."""


class ClockSetting(StrictInput):
    """`real` undoes all turning; `frozen` stops the clock, now or at `now`; `running` lets it run from `now`."""

    mode: Literal["real", "frozen", "running"]
    now: Moment | None = None
    speed: float = Field(1.0, gt=0, le=MAX_SPEED, allow_inf_nan=False)


class Advance(StrictInput):
    """How far to put a clock forward: so many seconds, or to the next report or reply that falls due."""

    seconds: Seconds | None = None
    to: Literal["next"] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "Advance":
        if (self.seconds is None) == (self.to is None):
            raise ValueError('give either "seconds", or "to": "next"')
        return self


class ClockDocument(BaseModel):
    """What a clock shows."""

    mode: Literal["real", "frozen", "running"]
    now: str
    speed: float


class ClockService:
    """What can be done about clocks; where a userid is None, about the one for all."""

    def __init__(self, vendor: Vendor, accounts: AccountService) -> None:
        self._vendor = vendor
        self._store = vendor.store
        self._accounts = accounts

    def document(self, userid: str | None) -> ClockDocument:
        """What the clock shows."""
        account = None if userid is None else self._accounts.get(userid)
        turned = (account and account.clock) or self._store.settings().clock
        mode: Literal["real", "frozen", "running"] = (
            "real" if turned is None else "running" if turned.speed else "frozen"
        )
        return ClockDocument.model_construct(
            mode=mode, now=format_time(self._vendor.now(account)), speed=1.0 if turned is None else turned.speed
        )

    def put(self, userid: str | None, setting: ClockSetting) -> ClockDocument:
        """Stop, set or speed up the clock."""
        real, for_all = self._vendor.wall_clock(), self._store.settings().clock

        def set_to(turned: ClockOverride | None) -> ClockOverride | None:
            if setting.mode == "real":
                return None
            at = setting.now.timestamp() if setting.now else current_time(turned or for_all, real)
            return ClockOverride(at, real, setting.speed if setting.mode == "running" else 0.0)

        return self._turn(userid, set_to)

    def advance(self, userid: str | None, how_far: Advance) -> ClockDocument:
        """Put the clock forward. Raises NothingDue where it is to go to the next event and there is none.

        Two that go to the next event at once go to the same one.
        """
        real, for_all = self._vendor.wall_clock(), self._store.settings().clock
        seconds, moment = how_far.seconds, self._next_due(userid) if how_far.seconds is None else 0.0

        def put_forward(turned: ClockOverride | None) -> ClockOverride:
            clock = turned or for_all or ClockOverride(clamp_time(real), real)
            return clock.advance_to(moment, real) if seconds is None else clock.advance(seconds, real)

        return self._turn(userid, put_forward)

    def _turn(self, userid: str | None, turn: ClockChange) -> ClockDocument:
        if userid is None:
            self._store.change_settings(lambda settings: replace(settings, clock=turn(settings.clock)))
        else:
            self._store.update_account(userid, lambda account: replace(account, clock=turn(account.clock)))
        return self.document(userid)

    def _next_due(self, userid: str | None) -> float:
        account = None if userid is None else self._accounts.get(userid)
        now = self._vendor.now(account)
        userids = [userid] if userid is not None else [one for one in self._store.userids() if self._follows_all(one)]
        moments: list[float] = []
        for one in userids:
            with suppress(NoSuchAccount):  # closed since it was listed
                moment = self._store.next_due(one, now)
                moments += [] if moment is None else [moment]
        if not moments:
            raise NoPendingEvent("nothing waits to fall due")
        if min(moments) > LATEST_TIME:
            raise NoPendingEvent("what waits falls due after the year 9000, where no clock goes")
        return min(moments)

    def _follows_all(self, userid: str) -> bool:
        account = self._store.account(userid)
        return account is not None and account.clock is None
