"""Check harness: `CheckContext` sends the requests of a check, waits for reports, and runs property tests.

Expectations about responses are in `expectations`, the checks in `checks`.
"""

import math
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from sms10692_contract.control import ControlApiError, ControlClient
from sms10692_contract.effort import EFFORTS, Effort
from sms10692_contract.expectations import Mismatch, build_mismatch
from sms10692_contract.expected import ParsedResponse
from sms10692_contract.fetch_history import CALL_ITEM, STATUS_ITEM, FetchHistory
from sms10692_contract.fetched_file import FetchedFile
from sms10692_contract.http import (
    Address,
    ExchangeLimitExceeded,
    HttpResponse,
    TargetUnreachable,
)
from sms10692_contract.kept_connection import Conversation
from sms10692_contract.known_balance import KnownBalance
from sms10692_contract.layout import LayoutRecorder
from sms10692_contract.masking import SIGNATURES, PrivateTexts, hide_hex_words, hide_password
from sms10692_contract.network_errors import ConnectionLost, TargetStopped, is_repeatable
from sms10692_contract.pace import REPORT_TIMEOUT, Pace
from sms10692_contract.profiles import MANUAL, BrandProfile, read_fields
from sms10692_contract.request_limits import CheckStopped, RequestLimits, build_limits, has_wrong_signature
from sms10692_contract.requests import CALL, QUEUES, STATUS, UTF8, WireRequest, build_form
from sms10692_contract.run_clock import RunClock
from sms10692_contract.safety import SafetyGuard
from sms10692_contract.suite_account import CHINA, SuiteAccount
from sms10692_contract.target import Target, build_target

DEFAULT_POINTS: Final = 10**9
"""Default balance of a temporary account: more points than any run spends."""

_FETCHES_PER_POLL: Final = 20
"""Maximum number of fetches at once: a vendor that repeats its items would never have an empty queue."""

_TRANSCRIPT_LENGTH: Final = 4
"""Number of last requests that are kept for the report."""


class ShrinkLimitReached(CheckStopped):
    """Stops the shrinking of a failure."""

    def __init__(self, best: Mismatch) -> None:
        super().__init__("shrinking stopped at its limit")
        self.best = best


Case = TypeVar("Case")


class NotExercised(Exception):
    """A check could not judge its clause. The message says what was missing."""


@dataclass
class CheckContext:
    """One run against one server, passed to every check.

    **Checks send requests only with the methods of this class: each request passes the safety guard first.**
    `own` is the account that the user named, or the first temporary account. `control` is None without a control API.
    """

    address: Address
    own: SuiteAccount
    guard: SafetyGuard
    control: ControlClient | None = None
    effort: Effort = EFFORTS["quick"]
    seed: int = 0
    forbidden_word: str = "发票"
    keep_accounts: bool = False
    limits: RequestLimits | None = None
    is_accepted: bool = False
    fetched: FetchedFile | None = None
    pace: Pace = field(default_factory=Pace)
    run_clock: RunClock = field(default_factory=RunClock)
    layout: LayoutRecorder = field(default_factory=LayoutRecorder)
    history: FetchHistory = field(default_factory=FetchHistory)
    balance: KnownBalance = field(default_factory=KnownBalance)
    private_texts: PrivateTexts = field(default_factory=PrivateTexts)
    target: Target = field(init=False)
    transcript: deque[WireRequest] = field(default_factory=lambda: deque(maxlen=_TRANSCRIPT_LENGTH))
    _request_count: int = 0
    _count_at_failure: int = 0
    _best_failure: Mismatch | None = None
    _number_count: int = 0
    _reports_are_late: bool = False
    _cases_done: int = 0
    _cases_total: int = 0
    _tasks: set[str] = field(default_factory=set)
    _mobiles: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.target = Target(self.address)
        if not self.is_sandboxed:
            SIGNATURES.protect_password(self.own.password)

    def limit_requests(self, rate: float) -> None:
        """Treat the server as a real vendor: limit rate and number of requests, or neither if `rate` is 0."""
        self.target = build_target(self.address, rate, self.run_clock)
        permissions = [name for name in ("send", "fetch") if not self.guard.find_missing_permission([name])]
        own, is_thorough = self.own, self.effort.name == "thorough"
        self.limits = (
            rate
            and build_limits(
                own.userid, own.account, own.password, permissions, is_thorough, rate, self.run_clock.monotonic
            )
        ) or None

    # Accounts and their clocks

    @property
    def is_sandboxed(self) -> bool:
        """Whether requests have no cost, because the accounts are temporary."""
        return bool(self.guard.userids)

    def create_account(self, **options: Any) -> SuiteAccount:
        """Create a temporary account with these settings; without a control API, return the user's account."""
        if self.control is None or not self.is_sandboxed:
            return self.own
        account = create_temporary_account(self.control, self.guard, **options)
        if options.get("profile", MANUAL.name) != MANUAL.name:
            self.layout.ignored_userids.add(account.userid)
        return account

    @cached_property
    def profiles(self) -> Sequence[BrandProfile]:
        """The emulator's profile and the others that accounts can have; none if the control API does not tell them."""
        own = self.control.profile if self.control is not None else None
        if self.control is None or own is None:
            return ()
        names = [name for name in self.control.read_profile_names() if name != own.name]
        others = (self.control.read_profile(self.create_account(profile=name).userid, name) for name in names)
        return own, *(profile for profile in others if profile is not None)

    @property
    def can_send(self) -> bool:
        """Whether messages may be sent: to temporary accounts always, otherwise if the user named numbers."""
        return self.is_sandboxed or bool(self.guard.numbers)

    @property
    def can_fetch(self) -> bool:
        """Whether queues may be emptied."""
        return self.is_sandboxed or self.guard.may_fetch

    def delete_accounts(self) -> None:
        """Delete the accounts created so far, except `own`. Failures are ignored: the end of the run tries again."""
        if self.control is None or self.keep_accounts:
            return
        with suppress(TargetUnreachable, ControlApiError):
            self.control.delete_accounts(keep={self.own.userid})
            self.guard.userids.intersection_update({self.own.userid})

    def create_frozen_account(self, **options: Any) -> SuiteAccount:
        """Create an account with a stopped clock."""
        account = self.create_account(**options)
        self.clock.freeze(account.userid)
        return account

    @property
    def clock(self) -> ControlClient:
        """The control API, which sets clocks. Only for clauses that need "control"."""
        if self.control is None:
            raise AssertionError('the check sets a clock: add permissions = ["control"] to its clause')
        return self.control

    def read_clock(self, account: SuiteAccount) -> datetime:
        """Return the time of the account's clock, in China."""
        return self.clock.read_clock(account.userid).astimezone(CHINA)

    @property
    def number(self) -> str:
        """A phone number that may be sent to, or an invalid number if sending is not allowed.

        The allowed numbers are used in turn.
        """
        if self.is_sandboxed:
            return "15023239810"
        numbers = sorted(self.guard.numbers) or ["1"]
        self._number_count += 1
        return numbers[(self._number_count - 1) % len(numbers)]

    def pick_numbers(self, count: int) -> list[str]:
        """Return so many different numbers that may be sent to. Raises NotExercised if there are fewer."""
        if self.is_sandboxed:
            return [str(13000000000 + index) for index in range(count)]
        if len(self.guard.numbers) < count:
            raise NotExercised(f"needs {count} different --allow-send numbers")
        return sorted(self.guard.numbers)[:count]

    # Sending requests

    def exchange(self, request: WireRequest, is_raw: bool = False) -> ParsedResponse:
        """Send a request and return the response: as the manual has it if it is to nobody's request, unless `is_raw`.

        Raises PermissionMissing before anything is sent, CheckStopped if the check cannot go on, and ShrinkLimitReached
        if the response is too large: shrinking would wait as long for every example.
        """
        recorded = self._admit(request)
        if recorded is not None:
            return ParsedResponse(request, recorded)
        try:
            raw = self.target.send(request, self)
            response = ParsedResponse(request, raw) if is_raw else self._parse(request, raw)
        except ConnectionLost:
            if self.limits:
                self.limits.expect_time_left()  # the response was not waited for
            raise
        except ExchangeLimitExceeded as error:
            raise ShrinkLimitReached(Mismatch(request, "a response", str(error))) from error
        if self.limits:
            self.limits.record(request, response.raw)
        if not is_raw:
            self.layout.record(response)
        if not self.is_sandboxed:
            self.history.record(response)
            self.balance.record(response)
            if response.get_element("returnstatus") == "Success":
                self._tasks.add(response.get_element("taskID"))
                self._mobiles |= {
                    number.strip()
                    for name, value in request.pairs
                    if name.lower() == "mobile"
                    for number in value.split(",")
                }
        return response

    def _parse(self, request: WireRequest, response: HttpResponse) -> ParsedResponse:
        """Parse a response. Requests of nobody are answered in the emulator's profile (R22)."""
        profile = self.control.profile if self.control is not None else None
        if profile is not None and not profile.is_manual and self.is_sandboxed and self._is_of_nobody(request):
            response = profile.read_as_manual(request, response, MANUAL)
        return ParsedResponse(request, response)

    def _is_of_nobody(self, request: WireRequest) -> bool:
        return self.control is None or read_fields(request).get("userid") not in self.control.userids

    def has_sent_task(self, task: str) -> bool:
        """Return whether a send of this run got this taskID."""
        return task in self._tasks

    def probe_account(self) -> HttpResponse | None:
        """Query the balance outside of any check; None if the limits leave no request for it.

        Raises TargetStopped if the server went away.
        """
        try:
            return self.query_outside_of_checks(self.own.build_credentials())
        except ConnectionLost as error:
            raise TargetStopped(f"the server went away: {error.cause}") from error

    def query_outside_of_checks(
        self, credentials: Mapping[str, str], may_be_absent: bool = False
    ) -> HttpResponse | None:
        """Query the balance with these credentials; None if the limits leave no request for it."""
        request = build_form(UTF8, {**credentials, "action": "overage"})
        self.guard.check(request)
        if self.limits and not self.limits.has_left(request):
            return None
        self.count_request(request)
        return self.target.send(request, self, may_be_absent)

    # What every request on the wire passes (`target.RequestGate`)

    def count_request(self, request: WireRequest) -> None:
        """Count a request that no check sends, or that is sent again. `_admit` counts the others."""
        if self.limits:
            self.limits.count(request)

    def may_repeat(self, request: WireRequest) -> bool:
        """Return whether a request may be sent again: it has no effect, and its signature is not wrong."""
        if not is_repeatable(request) or (self.limits and not self.limits.has_left(request)):
            return False
        own = self.own
        return self.is_sandboxed or not has_wrong_signature(request, own.userid, own.account, own.password)

    @property
    def seconds_left(self) -> float:
        """Time that is left for an exchange and for waiting."""
        return self.limits.seconds_left if self.limits else math.inf

    def record_response(self, request: WireRequest, response: HttpResponse) -> None:
        """Write what was fetched to the file, before anything is concluded from it."""
        if self.is_sandboxed:
            return
        if self.fetched is not None:
            self.fetched.record(request, response)
        if request.endpoint in QUEUES:
            self.private_texts.remember(ParsedResponse(request, response).text)

    def mask_text(self, text: str) -> str:
        """Mask what a report must not show: signatures, and passwords, numbers and texts of people if they are real."""
        if not self.is_sandboxed:
            text = hide_password(self.private_texts.mask(text), self.own.password)
        return hide_hex_words(text)

    def _admit(self, request: WireRequest) -> HttpResponse | None:
        """Check and count a request before it is sent, or return the response that was recorded for it."""
        self.guard.check(request)
        self.transcript.append(request)
        self._request_count += 1
        return self.limits.admit(request) if self.limits else None

    @contextmanager
    def keep_connection(self) -> Iterator[Conversation]:
        """Open a connection for several requests, and close it at the end. Raises ConnectionLost."""

        def admit(request: WireRequest) -> None:
            if self._admit(request) is not None:
                self.count_request(request)  # the recorded response is not used
            with self.target.rate_limit.wait_for_turn():
                pass  # the turn is over when the request may be sent: a connection waits for nobody else

        try:
            with self.target.open_connection(self.pace.without_continue, self.seconds_left) as connection:
                # On a network a lost response is no violation. A local server loses none.
                yield Conversation(connection, admit, self.record_response, not self.is_sandboxed, self._parse)
        except TargetUnreachable as error:
            raise ConnectionLost(build_form(UTF8, {"action": "overage"}), str(error)) from error

    def post(self, account: SuiteAccount, endpoint: str, /, **fields: str) -> ParsedResponse:
        """Send a form with the account's credentials; `fields` replace them."""
        return self.exchange(build_form(endpoint, account.authenticate(endpoint) | fields))

    def send(
        self, account: SuiteAccount, mobile: str = "", content: str = "内容", endpoint: str = UTF8, **extra: str
    ) -> ParsedResponse:
        """Send a message (1.2)."""
        if not self._tasks and not self.is_sandboxed and self.can_fetch:
            self._empty_queues(account)
        fields = {"action": "send", "mobile": mobile or self.number, "content": content}
        return self.post(account, endpoint, **fields | extra)

    def _empty_queues(self, account: SuiteAccount) -> None:
        """Fetch what earlier messages left in the queues, so that it is not taken for items of this run."""
        for fetch, name in ((self.status, STATUS_ITEM), (self.call, CALL_ITEM)):
            for _ in range(_FETCHES_PER_POLL):
                if not fetch(account).get_items(name):
                    break

    def overage(self, account: SuiteAccount, endpoint: str = UTF8, **extra: str) -> ParsedResponse:
        """Query the balance (2.2)."""
        return self.post(account, endpoint, action="overage", **extra)

    def query_balance(self, account: SuiteAccount) -> int:
        """Return the balance that overage reports."""
        response = self.overage(account)
        balance = response.get_number("overage")
        if balance is None:
            raise build_mismatch(response, "a whole number in overage")
        return balance

    def checkkeyword(self, account: SuiteAccount, content: str, endpoint: str = UTF8, **extra: str) -> ParsedResponse:
        """Check a text for forbidden words (3.2)."""
        return self.post(account, endpoint, action="checkkeyword", content=content, **extra)

    def status(self, account: SuiteAccount, endpoint: str = STATUS, **extra: str) -> ParsedResponse:
        """Fetch reports (4.2)."""
        return self.post(account, endpoint, **{"action": "query"} | extra)

    def call(self, account: SuiteAccount, endpoint: str = CALL, **extra: str) -> ParsedResponse:
        """Fetch replies (5.2)."""
        return self.post(account, endpoint, **{"action": "query"} | extra)

    def fetch_reports(self, account: SuiteAccount, count: int, **extra: str) -> list[dict[str, str]]:
        """Fetch until `count` reports have arrived or the timeout has passed."""
        return self._collect(account, count, lambda: self.status(account, **extra).get_items("statusbox"))

    def fetch_replies(self, account: SuiteAccount, count: int) -> list[dict[str, str]]:
        """Fetch until `count` replies have arrived or the timeout has passed."""
        return self._collect(account, count, lambda: self.call(account).get_items("callbox"))

    def fetch_task_reports(self, account: SuiteAccount, task: str, count: int, **extra: str) -> list[dict[str, str]]:
        """Fetch until `count` reports of this task have arrived or the timeout has passed."""
        return self.collect_task_items(
            account, task, count, lambda: self.status(account, **extra).get_items("statusbox")
        )

    def collect_task_items(
        self, account: SuiteAccount, task: str, count: int, fetch: Callable[[], list[dict[str, str]]]
    ) -> list[dict[str, str]]:
        """Call `fetch` until `count` items of this task have arrived or the timeout has passed.

        Raises NotExercised if they are late: if some are missing, and no item of a number that this run has sent to
        names a task that it has not sent.
        """
        found: list[dict[str, str]] = []
        of_unknown_task = False
        for _ in self._retries(account):
            for _ in range(_FETCHES_PER_POLL):
                items = fetch()
                found += [item for item in items if item.get("taskid") == task]
                of_unknown_task |= any(
                    item.get("mobile") in self._mobiles and item.get("taskid") not in self._tasks for item in items
                )
                if len(found) >= count:
                    return found
                if not items:
                    break
        if not of_unknown_task:
            self._expect_in_time()
        return found

    def fetch_due_reports(self, account: SuiteAccount, task: int | str) -> ParsedResponse:
        """Fetch until a response has reports of the task; return that response, or the last one.

        With a temporary account any report counts, because the account has no other tasks.
        """
        return self._fetch_until_due(account, lambda: self.status(account), "statusbox", task)

    def fetch_due_replies(self, account: SuiteAccount, task: int | str) -> ParsedResponse:
        """Fetch until a response has replies to the task, like `fetch_due_reports`."""
        return self._fetch_until_due(account, lambda: self.call(account), "callbox", task)

    def _fetch_until_due(
        self, account: SuiteAccount, fetch: Callable[[], ParsedResponse], name: str, task: int | str
    ) -> ParsedResponse:
        response = fetch()
        for _ in self._retries(account):
            items = response.get_items(name)
            if any(self.is_sandboxed or item.get("taskid") == str(task) for item in items):
                break
            response = fetch()
        else:
            self._expect_in_time()
        return response

    def _collect(
        self, account: SuiteAccount, count: int, fetch: Callable[[], list[dict[str, str]]]
    ) -> list[dict[str, str]]:
        items = fetch()
        for _ in self._retries(account):
            while len(items) < count and (more := fetch()):
                items += more
            if len(items) >= count:
                break
        else:
            self._expect_in_time()
        return items

    def _retries(self, account: SuiteAccount) -> Iterator[None]:
        """Yield once per retry until the timeout: with a control API move the clock, otherwise sleep."""
        if self.control is not None and self.is_sandboxed:
            yield
            self.control.advance(account.userid, REPORT_TIMEOUT)
            yield
            return
        yield from self.poll(0 if self._reports_are_late else self.pace.report)

    def poll(self, seconds: float) -> Iterator[None]:
        """Yield for each poll of the next `seconds`, once at least."""
        for _ in range(max(1, round(seconds / self.pace.poll))):
            yield
            self.wait(self.pace.poll)

    def wait(self, seconds: float) -> None:
        """Wait: the clock of a real vendor cannot be moved."""
        self.target.sleep(seconds)

    def _expect_in_time(self) -> None:
        """Raise NotExercised if the clock cannot be moved: then a missing report may be late only."""
        if not self.is_sandboxed:
            was_late, self._reports_are_late = self._reports_are_late, True
            if was_late:
                raise NotExercised("not waited for: earlier reports were late")
            raise NotExercised(f"reports or replies are late: not complete after {self.pace.report:g} s")

    # Property tests

    def for_all(self, check: Callable[..., None], *strategies: st.SearchStrategy[Any], examples: int = 0) -> None:
        """Run a check with generated values, and shrink a failure to the simplest one."""

        examples = examples or self.effort.examples
        if self.limits and self.limits.prefers_fixed_cases:
            if self.limits.has_sent:
                return
            examples = 1

        @seed(self.seed)
        @settings(self.hypothesis_settings, max_examples=examples)
        @given(st.tuples(*strategies))
        def check_values(values: tuple[Any, ...]) -> None:
            self.start_example()
            with self.recording_failure():
                check(*values)

        check_values()

    def for_all_if_sandboxed(
        self, check: Callable[..., None], *strategies: st.SearchStrategy[Any], examples: int = 0
    ) -> None:
        """Like `for_all`, but do nothing if requests have a cost: then the fixed cases of a check must suffice."""
        if self.is_sandboxed:
            self.for_all(check, *strategies, examples=examples)

    def each_case(self, cases: Collection[Case], at_most: int | None = None) -> Iterator[Case]:
        """Yield the cases of a check, at most so many without a sandbox, and count them for its verdict."""
        self._cases_total += len(cases)
        for case in islice(cases, None if self.is_sandboxed else at_most):
            yield case
            self._cases_done += 1

    def count_case(self, is_judged: bool) -> None:
        """Count a case for the verdict that is not one of `each_case`."""
        self._cases_total += 1
        self._cases_done += is_judged

    def describe_cases(self) -> str:
        """Return "n of m cases" if the check has judged only some of its cases, otherwise an empty string."""
        done, total = self._cases_done, self._cases_total
        return f"{done} of {total} cases" if done < total else ""

    @property
    def few_examples(self) -> int:
        """Number of examples for checks that send several requests per example."""
        return max(self.effort.examples // 3, 2)

    def start_check(self, is_harmless: bool = False, is_manual: bool = True) -> None:
        """Forget requests and failures of earlier checks.

        `is_harmless` if the check needs no permission, `is_manual` if it is one of the manual.
        """
        if self.limits:
            self.limits.start_check(is_harmless, is_manual)
        self.transcript.clear()
        self._best_failure = None
        self._cases_done = self._cases_total = 0

    def start_example(self) -> None:
        """Begin an example of a property. Raises ShrinkLimitReached when shrinking has used its requests."""
        self.transcript.clear()
        if (
            self._best_failure is not None
            and self._request_count - self._count_at_failure >= self.effort.shrink_requests
        ):
            raise ShrinkLimitReached(self._best_failure)

    @contextmanager
    def recording_failure(self) -> Iterator[None]:
        """Record the failure of an example, while Hypothesis continues with shorter ones."""
        try:
            yield
        except Mismatch as error:
            if self._best_failure is None:
                self._count_at_failure = self._request_count
            self._best_failure = error
            raise

    @contextmanager
    def ending_state_machine(self) -> Iterator[bool]:
        """Record the failure of a rule, or of the final checks in the block; yield whether no rule has failed.

        For `teardown` of a state machine, which Hypothesis also calls while the exception of a rule is handled.
        """
        error = sys.exception()
        with self.recording_failure():
            if isinstance(error, Mismatch):
                raise error
            yield error is None

    @property
    def best_failure(self) -> Mismatch | None:
        """The last failure of a generated example in this check."""
        return self._best_failure

    @property
    def hypothesis_settings(self) -> settings:
        """Settings of Hypothesis under which a run is repeatable from the seed alone."""
        return settings(
            database=None,
            deadline=None,
            derandomize=False,
            report_multiple_bugs=False,
            print_blob=False,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            max_examples=self.effort.examples,
        )


def create_temporary_account(control: ControlClient, guard: SafetyGuard, **options: Any) -> SuiteAccount:
    """Create a temporary account at the control API, and permit all its requests."""
    created = control.create_account(**({} if options.get("postpaid") else {"points": DEFAULT_POINTS}) | options)
    guard.userids.add(created.userid)
    return SuiteAccount(*created)
