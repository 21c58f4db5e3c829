"""What a test or a person may see and turn of the emulator, as documents.

Here belongs all that the control address and the console do. How that is reached over HTTP is in `http`; what is
behind it is the vendor's and the store's.
"""

from collections.abc import Sequence
from typing import Final, Literal

from pydantic import BaseModel

from sms10692 import __version__
from sms10692_mock.admin.services.accounts import AccountService
from sms10692_mock.admin.services.behaviour import BehaviourService
from sms10692_mock.admin.services.clocks import ClockService
from sms10692_mock.admin.services.messages import MessageService
from sms10692_mock.admin.services.requests import Requests
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.clock import ClockOverride
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.profiles import ProfileName
from sms10692_mock.stores.probe import StoreProbe

LOW_BALANCE: Final = 5
"""Points up to which a pre-paid balance is nearly gone."""

_UNSEEN: Final = 1.0
"""Seconds by which a clock may be off, and nobody sees it."""


class Health(BaseModel):
    """What the emulator is, and whether its store is there; `error` says why not."""

    ready: bool
    version: str
    dialect: ProfileName
    store: str
    error: str | None


class Live(BaseModel):
    """That the process answers."""

    live: Literal[True]


class Ready(BaseModel):
    """Whether the store can be read and written."""

    ready: bool


class AnomaliesDocument(BaseModel):
    """What of an account's weather is out of the ordinary: how many faults and rules there are, and whose clock is set.

    A clock of its own that shows the real time is nothing of the kind: every account of a test has one.
    `points` is a balance that is nearly gone, else None.
    """

    faults: int
    faults_for_all: int
    rules: int
    clock: Literal["own", "all"] | None
    mode: Literal["real", "frozen", "running"]
    now: str
    speed: float
    points: int | None

    @property
    def any(self) -> bool:
        """Whether anything is."""
        return bool(self.faults or self.faults_for_all or self.rules or self.clock or self.points is not None)


def _is_turned(clock: ClockOverride, real: float) -> bool:
    return clock.speed != 1.0 or abs(clock.now(real) - real) > _UNSEEN


class ControlService:
    """One emulator, seen from behind, by subject.

    `bell` is rung by its pages, and by whoever changes something here.
    """

    def __init__(
        self,
        vendor: Vendor,
        dialect: ProfileName,
        bell: ChangeNotifier,
        originals: Sequence[Account],
        unused: float | None,
    ) -> None:
        self.vendor = vendor
        self.bell = bell
        self.dialect: ProfileName = dialect
        self.accounts = AccountService(vendor, dialect, originals, unused)
        self.clocks = ClockService(vendor, self.accounts)
        self.traffic = MessageService(vendor, self.accounts, bell)
        self.requests = Requests(vendor.store, self.accounts, bell)
        self.weather = BehaviourService(vendor.store, self.accounts)
        self._probe = StoreProbe(vendor.store)

    def health(self) -> Health:
        """What the emulator is, and whether its store is there. Takes a second at most."""
        failure = self._probe.failure()
        return Health(
            ready=not failure,
            version=__version__,
            dialect=self.dialect,
            store=self.vendor.store.name,
            error=f"the store is away: {failure}" if failure else None,
        )

    def anomalies(self, userid: str) -> AnomaliesDocument:
        """What is out of the ordinary for an account."""
        account, settings = self.accounts.get(userid), self.vendor.store.settings()
        points = self.vendor.store.balance(userid).points
        clock, own = self.clocks.document(userid), account.clock
        is_own = own is not None and _is_turned(own, self.vendor.wall_clock())
        return AnomaliesDocument.model_construct(
            faults=len(account.faults),
            faults_for_all=len(settings.faults),
            rules=len(account.outcomes.rules),
            clock="own" if is_own else "all" if settings.clock and own is None else None,
            mode=clock.mode,
            now=clock.now,
            speed=clock.speed,
            points=points if points <= LOW_BALANCE and not account.postpaid else None,
        )
