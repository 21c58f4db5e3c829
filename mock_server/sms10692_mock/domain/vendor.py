"""The emulated vendor: a function from a request to a result.

The operations in terms of accounts, tasks and two queues. No HTTP, no layout, no storage: the clock and the store
are arguments.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias

from sms10692 import protocol
from sms10692.protocol import Operation
from sms10692_mock.domain import clock, delivery, faults
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest, parse_limit
from sms10692_mock.domain.billing import PRICINGS, BillingName, Pricing
from sms10692_mock.domain.clock import Clock, add_seconds, current_time
from sms10692_mock.domain.delivery import DeliveryOutcome, DeliveryRules
from sms10692_mock.domain.evidence import Evidence, excerpt
from sms10692_mock.domain.faults import Fault
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.profile_table import ProfileTable
from sms10692_mock.domain.profiles import MANUAL, Profile, apply_profile
from sms10692_mock.domain.records import InboundReply, RulesTransition, Settings, StatusReport, Task
from sms10692_mock.domain.request_limits import RequestLimits
from sms10692_mock.domain.results import (
    AcceptedSend,
    ChangedPassword,
    CheckedText,
    QueriedBalance,
    Refusal,
    RepliesResult,
    ReportsResult,
    Result,
)
from sms10692_mock.domain.store import BalanceTooSmall, NoSuchAccount, RulesConflict, Store
from sms10692_mock.domain.validation import ValidationContext, build_refusal, find_refusal, find_unchecked_word


class VendorResult(NamedTuple):
    """The result of a request, with the account, the time on its clock, the faults to inject, and its profile.

    `result` is None if a fault prevented execution, `account` is None if no account has the request's userid.
    `request` is the request as the profile of the account reads it. `remark` is what an accepted request passes with.
    """

    result: Result | None
    account: Account | None
    now: float
    faults: tuple[Fault, ...] = ()
    request: ApiRequest | None = None
    profile: Profile = MANUAL
    remark: Evidence | None = None


class Vendor:
    """The operations as one function, `handle`, from request to result.

    `store` may be read and changed from outside at any time. `keywords` apply until the settings contain others.
    `report_delay` is the seconds from a send to its reports, `profiles` the profiles that accounts can have.

    **`handle` holds no lock, because it calls the store** (see `store`). **The result may be published only after the
    store's transaction is committed.**
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        keywords: Keywords,
        *,
        report_delay: float = 0.0,
        profiles: ProfileTable | None = None,
    ) -> None:
        self.store = store
        self.wall_clock = clock
        self._default_keywords = keywords
        self._override_keywords: tuple[tuple[str, ...], Keywords] = ((), Keywords(()))
        self.pricings: Mapping[BillingName, Pricing] = PRICINGS
        self.limits = RequestLimits()
        self._report_delay = report_delay
        self._profiles = ProfileTable() if profiles is None else profiles

    def now(self, account: Account | None = None) -> float:
        """Return the time on the account's clock, or on the emulator's clock if there is none (R12)."""
        return self._now(account, self.store.settings())

    def _now(self, account: Account | None, settings: Settings) -> float:
        return current_time((account and account.clock) or settings.clock, self.wall_clock())

    def profile_of(self, account: Account | None) -> Profile:
        """Return the profile in force for an account, or the emulator's if there is none."""
        return self.profiles()[account.profile if account else None]

    @property
    def default_profile(self) -> Profile:
        """The profile of accounts without one of their own."""
        return self._profiles.default

    def profiles(self) -> ProfileTable:
        """Return the profiles that accounts can have."""
        return self._update_profiles(self.store.settings())

    def _update_profiles(self, settings: Settings) -> ProfileTable:
        profiles = self._profiles
        if profiles.added is not settings.profiles:
            profiles = self._profiles = profiles.replace_added(settings.profiles)
        return profiles

    def get_price(self, account: Account, content: str) -> int:
        """Return the points that a text costs an account per recipient (R6)."""
        return self.pricings[self._profiles[account.profile].billing](content)

    def keywords(self) -> Keywords:
        """Return the forbidden words in force."""
        return self._keywords(self.store.settings())

    def _keywords(self, settings: Settings) -> Keywords:
        words = settings.words
        if words is None:
            return self._default_keywords
        if self._override_keywords[0] is not words:
            self._override_keywords = words, Keywords(words)
        return self._override_keywords[1]

    def handle(self, request: ApiRequest, request_number: int = 0) -> VendorResult:
        """Execute a request and return its result. `request_number` is its number in the request log."""
        account = self.store.account(request.userid)
        settings = self.store.settings()
        now = self._now(account, settings)
        profiles = self._profiles
        if profiles.added is not settings.profiles:
            profiles = self._update_profiles(settings)
        profile = profiles[account.profile if account else None]
        if profile.differences:
            request = apply_profile(request, profile)
        triggered: tuple[Fault, ...] = ()
        if settings.faults or (account and account.faults):
            try:
                triggered = self._evaluate_faults(request, account, settings)
            except NoSuchAccount:  # deleted since the look-up
                account, profile = None, self._profiles.default
        for fault in triggered:
            if not fault.apply:
                result = Refusal(fault.message, _fault_evidence(fault)) if fault.message else None
                return VendorResult(result, account, now, triggered, request, profile)
        context = ValidationContext(request, account, self._keywords(settings), now, profile)
        refusal = find_refusal(context)
        if profile.differences:
            refusal = self.limits.check(context, refusal)
        if refusal is not None:
            return VendorResult(refusal, account, now, triggered, request, profile)
        if account is None or request.operation is None:
            raise AssertionError("validation refuses a request without account or operation")
        try:
            executed = HANDLERS[request.operation](self, account, now, request, request_number)
            is_accepted = request.endpoint.send_parameters and isinstance(executed, AcceptedSend)
            remark = find_unchecked_word(context) if is_accepted else None
            return VendorResult(executed, account, now, triggered, request, profile, remark)
        except NoSuchAccount:  # deleted since the look-up
            profile = self._profiles.default
            refusal = build_refusal(protocol.CREDENTIALS_WRONG, Evidence("account-deleted"), profile)
            return VendorResult(refusal, None, now, triggered, request, profile)

    def _evaluate_faults(self, request: ApiRequest, account: Account | None, settings: Settings) -> tuple[Fault, ...]:
        operation = request.operation.name if request.operation else ""
        messages = (request.operation or protocol.SEND).all_messages
        triggered: list[tuple[Fault, ...]] = []

        # Both functions may be called more than once by the store, so each assigns and never appends.
        def evaluate_account(current: Account) -> Account:
            triggered[0], left = faults.evaluate(current.faults, operation, messages)
            return replace(current, faults=left)

        def evaluate_global(current: Settings) -> Settings:
            triggered[1], left = faults.evaluate(current.faults, operation, messages)
            return replace(current, faults=left)

        def may_trigger(candidates: Sequence[Fault]) -> bool:
            return any(faults.matches(fault, operation, messages) for fault in candidates)

        triggered = [(), ()]
        if account is not None and may_trigger(account.faults):
            self.store.update_account(account.userid, evaluate_account)
        if may_trigger(settings.faults):
            self.store.change_settings(evaluate_global)
        return triggered[0] + triggered[1]

    def send(self, account: Account, now: float, request_number: int, request: ApiRequest) -> AcceptedSend | Refusal:
        """Send a text to every recipient (chapter 1). The request has passed validation."""
        numbers = [number for part in request.mobile.split(",") if (number := part.strip())]
        price, extno = self.get_price(account, request.content), request.extno.strip()
        profile = self._profiles[account.profile]
        scheduled = clock.parse_send_time(request.send_time, profile.send_time_formats) if request.send_time else None
        due = now if scheduled is None else max(now, scheduled)
        if self._report_delay:
            due = add_seconds(due, self._report_delay)
        rules = account.delivery_rules
        while True:
            outcomes, left = self._decide_outcomes(account, rules, numbers)
            for number, outcome in zip(numbers, outcomes, strict=True):
                if outcome.refusal is not None:
                    return build_refusal(outcome.refusal, _outcome_evidence(number, outcome), profile)
            task_id = self.store.next_task_id()
            task = Task(
                task_id, now, due, numbers, request.content, extno, request.endpoint.path, price, request_number
            )
            reports, replies = _reports_and_replies(task, outcomes)
            # A refused send must not use up a rule, so the store changes the rules together with the accepted send.
            used = None if left is rules else RulesTransition(rules, left)
            try:
                balance = self.store.record_send(account.userid, task, reports, replies, now, used)
            except RulesConflict as error:  # another send or a user changed the rules: decide again
                rules = error.rules
                continue
            if isinstance(balance, BalanceTooSmall):
                evidence = Evidence("balance", (task.cost, len(numbers), price, balance.points))
                return build_refusal(protocol.BALANCE_TOO_SMALL, evidence, profile)
            return AcceptedSend(balance, task_id, len(numbers))

    def _decide_outcomes(
        self, account: Account, rules: DeliveryRules, numbers: list[str]
    ) -> tuple[list[DeliveryOutcome], DeliveryRules]:
        """Return the outcome of each message under these rules, and the rules that remain."""
        if not rules.rules:
            return [delivery.default_outcome(number) for number in numbers], rules
        return delivery.apply_rules(rules, numbers, self.store.balance(account.userid).messages)

    def overage(self, account: Account) -> QueriedBalance:
        """Return the balance and the sum of all points added (chapter 2)."""
        balance = self.store.balance(account.userid)
        payinfo = protocol.POSTPAID if account.postpaid else protocol.PREPAID
        return QueriedBalance(payinfo, balance.points, balance.total_added)

    def checkkeyword(self, account: Account, content: str) -> CheckedText:
        """Check a text for forbidden words (chapter 3)."""
        profile = self._profiles[account.profile]
        forbidden = self.keywords().contains_any(content)
        return CheckedText(profile.keyword_found if forbidden else profile.keyword_clean, content)

    def change_password(self, account: Account, password: str) -> ChangedPassword | Refusal:
        """Change the password that the request gave (R20). Of two concurrent requests one is refused."""
        is_changed = False

        # The store may call the function more than once.
        def change(current: Account) -> Account:
            nonlocal is_changed
            is_changed = current.password == account.password
            return replace(current, password=password) if is_changed else current

        self.store.update_account(account.userid, change)
        if is_changed:
            return ChangedPassword()
        profile = self._profiles[account.profile]
        return build_refusal(protocol.CREDENTIALS_WRONG, Evidence("credentials-wrong"), profile)

    def status(self, account: Account, now: float, request_number: int, limit: int) -> ReportsResult | Refusal:
        """Fetch up to `limit` reports (chapter 4). Each report is returned once."""
        return self._refuse_without_points(account) or ReportsResult(
            self.store.fetch_reports(account.userid, limit, now, request_number)
        )

    def call(self, account: Account, now: float, request_number: int) -> RepliesResult | Refusal:
        """Fetch all due replies (chapter 5). Each reply is returned once."""
        return self._refuse_without_points(account) or RepliesResult(
            self.store.fetch_replies(account.userid, now, request_number)
        )

    def _refuse_without_points(self, account: Account) -> Refusal | None:
        """Return error 5 for a prepaid account without points, in profiles that have it (R22)."""
        profile = self._profiles[account.profile]
        if "queue_errors" not in profile.differences or account.postpaid:
            return None
        points = self.store.balance(account.userid).points
        return (
            None if points > 0 else build_refusal(protocol.BALANCE_TOO_SMALL, Evidence("no-points", (points,)), profile)
        )


def _fault_evidence(fault: Fault) -> Evidence:
    kind, left = fault.get_trigger()
    return Evidence("fault-unlimited", (kind,)) if left is None else Evidence("fault", (kind, left))


def _outcome_evidence(number: str, outcome: DeliveryOutcome) -> Evidence:
    is_reserved = delivery.RESERVED_NUMBERS.get(number) == outcome
    return Evidence("reserved-number" if is_reserved else "delivery-rule", (excerpt(number),))


def _reports_and_replies(
    task: Task, outcomes: Sequence[DeliveryOutcome]
) -> tuple[list[StatusReport], list[InboundReply]]:
    """Build the reports and replies of a task from the outcomes of its messages."""
    task_id, due, extno = task.task_id, task.due, task.extno
    reports: list[StatusReport] = []
    replies: list[InboundReply] = []
    for index, number in enumerate(task.numbers):
        status, errorcode, delay, unreported, reply, _ = outcomes[index]
        item_due = add_seconds(due, delay) if delay else due
        if not unreported:
            # The constructor of a NamedTuple takes twice as long.
            report = tuple.__new__(StatusReport, (item_due, number, task_id, status, errorcode, extno, index))
            reports.append(report)
        if reply is not None:
            replies.append(InboundReply(item_due, number, task_id, reply, extno))
    return reports, replies


_Handler: TypeAlias = Callable[[Vendor, Account, float, ApiRequest, int], Result]

HANDLERS: Final[Mapping[Operation, _Handler]] = {
    protocol.SEND: lambda vendor, account, now, request, number: vendor.send(account, now, number, request),
    protocol.OVERAGE: lambda vendor, account, now, request, number: vendor.overage(account),
    protocol.CHECKKEYWORD: lambda vendor, account, now, request, number: vendor.checkkeyword(account, request.content),
    protocol.CHANGESPWD: lambda vendor, account, now, request, number: vendor.change_password(
        account, request.new_passwords[0]
    ),
    protocol.STATUS: lambda vendor, account, now, request, number: vendor.status(
        account, now, number, parse_limit(request.status_num)
    ),
    protocol.CALL: lambda vendor, account, now, request, number: vendor.call(account, now, number),
}
"""The function that executes each operation."""
