"""Services of the control API and the console: inspect and change a running emulator.

Inputs and results are pydantic models. The services know neither HTTP nor HTML; they work on the vendor and its store.
"""

from typing import Final, Literal

from pydantic import BaseModel

from sms10692 import __version__
from sms10692_mock.admin.services.accounts import AccountService
from sms10692_mock.admin.services.behaviour import BehaviourService
from sms10692_mock.admin.services.clocks import ClockService
from sms10692_mock.admin.services.finding_marks import FindingMarks
from sms10692_mock.admin.services.messages import MessageService
from sms10692_mock.admin.services.metrics import MetricsService
from sms10692_mock.admin.services.profiles import ProfileService
from sms10692_mock.admin.services.requests import RequestLogService
from sms10692_mock.app.request_metrics import RequestMetrics
from sms10692_mock.config import Options
from sms10692_mock.domain.clock import ClockOverride
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.stores.probe import StoreProbe

LOW_BALANCE: Final = 5
"""A prepaid balance of at most this many points is reported as low."""

_CLOCK_TOLERANCE: Final = 1.0
"""Seconds by which an account's clock may differ from real time without counting as changed."""


class Health(BaseModel):
    """Version and settings of the emulator, and whether its store works; `error` is the reason if it does not.

    `endpoints` are the paths of the vendor's endpoints that are served.
    """

    ready: bool
    version: str
    profile: str
    endpoints: list[str]
    store: str
    error: str | None


class Live(BaseModel):
    """Liveness: the process responds."""

    live: Literal[True]


class Ready(BaseModel):
    """Readiness: whether the store can be read and written."""

    ready: bool


class AnomaliesDocument(BaseModel):
    """Active simulations that affect an account: numbers of faults and rules, clock override, low balance.

    `clock` is "own" if the account's clock is changed, "all" if the clock for all accounts is, else None. An account's
    own clock that shows real time does not count, since every account of a test has one. `points` is the balance if it
    is low, else None.
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
        """Whether there is any anomaly."""
        return bool(self.faults or self.faults_for_all or self.rules or self.clock or self.points is not None)


def _is_changed(clock: ClockOverride, real: float) -> bool:
    return clock.speed != 1.0 or abs(clock.now(real) - real) > _CLOCK_TOLERANCE


class ControlService:
    """The services of one emulator, by subject.

    `notifier` is notified by the vendor's endpoints, and by the application after each change through these services.
    `metrics` are those of the vendor's endpoints.
    """

    def __init__(
        self, vendor: Vendor, options: Options, notifier: ChangeNotifier, metrics: RequestMetrics | None = None
    ) -> None:
        self.vendor = vendor
        self.notifier = notifier
        self.endpoints = options.endpoints
        self.limits = options.limits
        self.accounts = AccountService(vendor, options)
        self.profiles = ProfileService(vendor, self.accounts)
        self.clocks = ClockService(vendor, self.accounts)
        marks = FindingMarks(vendor.store, options.limits.requests)
        self.messages = MessageService(vendor, self.accounts, notifier, marks)
        self.requests = RequestLogService(vendor, self.accounts, notifier, marks)
        self.behaviour = BehaviourService(vendor.store, self.accounts, vendor.wall_clock)
        self._probe = StoreProbe(vendor.store)
        self.request_metrics = metrics or RequestMetrics()
        self.metrics = MetricsService(vendor, self.request_metrics, self._probe)

    def health(self) -> Health:
        """Check the store. Takes at most a second."""
        failure = self._probe.failure()
        return Health(
            ready=not failure,
            version=__version__,
            profile=self.vendor.default_profile.name,
            endpoints=[endpoint.path for endpoint in self.endpoints],
            store=self.vendor.store.name,
            error=f"the store is unavailable: {failure}" if failure else None,
        )

    def anomalies(self, userid: str) -> AnomaliesDocument:
        """Return the active simulations that affect an account. Raises NoSuchAccount."""
        account, settings = self.accounts.get(userid), self.vendor.store.settings()
        points = self.vendor.store.balance(userid).points
        clock, override = self.clocks.get(userid), account.clock
        is_own = override is not None and _is_changed(override, self.vendor.wall_clock())
        return AnomaliesDocument.model_construct(
            faults=len(account.faults),
            faults_for_all=len(settings.faults),
            rules=len(account.delivery_rules.rules),
            clock="own" if is_own else "all" if settings.clock and override is None else None,
            mode=clock.mode,
            now=clock.now,
            speed=clock.speed,
            points=points if points <= LOW_BALANCE and not account.postpaid else None,
        )
