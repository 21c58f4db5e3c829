"""What a check works with: the examined address, accounts, a clock where there is one, and the gate before it all.

Here belongs how a check asks and waits. What it should be answered is each check's own affair.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from sms10692_contract.control import ControlClient, ControlRefused
from sms10692_contract.expected import MOMENT, ParsedAnswer, document
from sms10692_contract.http import Address, RawAnswer, TargetUnreachable, Unbounded, send_request
from sms10692_contract.requests import CALL, STATUS, UTF8, WireRequest, form, sign
from sms10692_contract.safety import SafetyGuard

T = TypeVar("T")

CHINA: Final = timezone(timedelta(hours=8))
WAIT: Final = 180
"""Seconds after which a report that never came counts as lost."""

DEFAULT_POINTS: Final = 10**9
"""Points of a throw-away account, where a check does not say how many: no profile spends as much."""

_POLL: Final = 5.0
_KEPT: Final = 4


_CLIPPED: Final = 4000
"""Characters of a text that are shown at most: a hostile answer is as long as it likes."""


class Mismatch(AssertionError):
    """A clause does not hold: what was asked, what should have come, and what came."""

    def __init__(self, request: WireRequest | None, expected: str, got: str) -> None:
        expected, got = _clipped(expected), _clipped(got)
        super().__init__(f"expected {expected}; got {got}")
        self.request = request
        self.expected = expected
        self.got = got
        self.before: tuple[WireRequest, ...] = ()
        self.clause = ""


class ShrinkLimitReached(KeyboardInterrupt):
    """Time to stop making a failure shorter. Of a kind that Hypothesis lets through at once."""

    def __init__(self, best: Mismatch) -> None:
        super().__init__("the shortest failure so far is good enough")
        self.best = best


def current_timestamp(seconds: int) -> str:
    """The timestamp of so many seconds ago, as 1.2 writes it."""
    return f"{datetime.now(CHINA) - timedelta(seconds=seconds):%Y%m%d%H%M%S}"


@dataclass(frozen=True)
class SuiteAccount:
    """Who signs. `points` is what a throw-away account was made with."""

    userid: str
    account: str
    password: str
    points: int = 0

    def credentials(self, timestamp: str | None = None, charset: str = "utf-8") -> dict[str, str]:
        """userid, timestamp and sign, over the time it is or the one given."""
        stamp = current_timestamp(0) if timestamp is None else timestamp
        signed = sign(self.account, self.password, stamp, charset)
        return {"userid": self.userid, "timestamp": stamp, "sign": signed}


@dataclass(frozen=True)
class Effort:
    """How hard to look: examples of a property, runs and steps of a machine, rounds of a race.

    `shrinking` is how many requests a failure is made shorter for, so that a seed repeats what it ends with.
    """

    name: str
    examples: int
    runs: int
    steps: int
    rounds: int
    shrinking: int


EFFORTS: Final[Mapping[str, Effort]] = {
    profile.name: profile
    for profile in (
        Effort("quick", examples=25, runs=50, steps=25, rounds=6, shrinking=2000),
        Effort("thorough", examples=1000, runs=1000, steps=50, rounds=50, shrinking=50_000),
    )
}


@dataclass
class CheckContext:
    """One run against one address. Every request goes through the gate."""

    address: Address
    own: SuiteAccount
    guard: SafetyGuard
    control: ControlClient | None = None
    profile: Effort = EFFORTS["quick"]
    seed: int = 0
    forbidden: str = "发票"
    keep_accounts: bool = False
    transcript: deque[WireRequest] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _asked: int = 0
    _failed_at: int = 0
    _best: Mismatch | None = None

    # Accounts and their clocks

    @property
    def is_sandboxed(self) -> bool:
        """Whether requests cost nobody anything: the accounts are throw-away ones."""
        return bool(self.guard.userids)

    def account(self, **wanted: Any) -> SuiteAccount:
        """A new throw-away account; without a control address, the one that was given."""
        if self.control is None or not self.is_sandboxed:
            return self.own
        return made_account(self.control, self.guard, **wanted)

    def delete_accounts(self) -> None:
        """Delete the accounts that the checks have made until now. What cannot be deleted is left for the end."""
        if self.control is None or self.keep_accounts:
            return
        with suppress(TargetUnreachable, ControlRefused):  # the end of the run tries again, and says so
            self.control.delete_accounts(keep={self.own.userid})
            self.guard.userids.intersection_update({self.own.userid})

    def frozen_account(self, **wanted: Any) -> SuiteAccount:
        """A new account whose clock stands still."""
        account = self.account(**wanted)
        self.clock.freeze(account.userid)
        return account

    @property
    def clock(self) -> ControlClient:
        """Who turns clocks. Only for clauses that need control."""
        if self.control is None:
            raise AssertionError("a clause that needs a clock must say so in the table")
        return self.control

    def now(self, account: SuiteAccount) -> datetime:
        """What the account's clock shows, in China."""
        return self.clock.now(account.userid).astimezone(CHINA)

    @property
    def number(self) -> str:
        """A number that may be sent to; where none may, one that no telephone has."""
        if self.is_sandboxed:
            return "15023239810"
        return min(self.guard.numbers, default="1")

    # Asking

    def ask(self, request: WireRequest) -> ParsedAnswer:
        """Put a request to the vendor. Raises NotAllowed before, and NoAnswer after.

        Raises ShrunkEnough where a bound is exceeded: each example that Hypothesis tries after it takes as long again.
        """
        self.guard.check(request)
        self.transcript.append(request)
        self._asked += 1
        try:
            return ParsedAnswer(request, send_request(self.address, request))
        except Unbounded as error:
            raise ShrinkLimitReached(Mismatch(request, "an answer", str(error))) from error

    def post(self, account: SuiteAccount, page: str, **fields: str) -> ParsedAnswer:
        """An ordinary form with the account's credentials, where not given."""
        return self.ask(form(page, account.credentials() | fields))

    def send(
        self, account: SuiteAccount, mobile: str = "", content: str = "内容", page: str = UTF8, **more: str
    ) -> ParsedAnswer:
        """1.2."""
        fields = {"action": "send", "mobile": mobile or self.number, "content": content}
        return self.post(account, page, **fields | more)

    def overage(self, account: SuiteAccount, page: str = UTF8, **more: str) -> ParsedAnswer:
        """2.2."""
        return self.post(account, page, action="overage", **more)

    def balance(self, account: SuiteAccount) -> int:
        """What overage says is left."""
        answer = self.overage(account)
        left = answer.number("overage")
        if left is None:
            raise mismatch(answer, "a whole number in overage")
        return left

    def checkkeyword(self, account: SuiteAccount, content: str, page: str = UTF8, **more: str) -> ParsedAnswer:
        """3.2."""
        return self.post(account, page, action="checkkeyword", content=content, **more)

    def status(self, account: SuiteAccount, **more: str) -> ParsedAnswer:
        """4.2."""
        return self.post(account, STATUS, **{"action": "query"} | more)

    def call(self, account: SuiteAccount, **more: str) -> ParsedAnswer:
        """5.2."""
        return self.post(account, CALL, **{"action": "query"} | more)

    def reports(self, account: SuiteAccount, wanted: int, **more: str) -> list[dict[str, str]]:
        """The reports of several fetches, until there are so many or they no longer come."""
        return self._collected(account, wanted, lambda: self.status(account, **more).boxes("statusbox"))

    def replies(self, account: SuiteAccount, wanted: int) -> list[dict[str, str]]:
        """The replies, in the same way."""
        return self._collected(account, wanted, lambda: self.call(account).boxes("callbox"))

    def fetch_due_reports(self, account: SuiteAccount, task: int) -> ParsedAnswer:
        """The fetch that has the reports of a task, or the last one. An account of its own has no other tasks."""
        return self._ripe(account, lambda: self.status(account), "statusbox", task)

    def fetch_due_replies(self, account: SuiteAccount, task: int) -> ParsedAnswer:
        """The same of replies."""
        return self._ripe(account, lambda: self.call(account), "callbox", task)

    def _ripe(self, account: SuiteAccount, fetch: Callable[[], ParsedAnswer], name: str, task: int) -> ParsedAnswer:
        answer = fetch()
        for _ in self._waits(account):
            boxes = answer.boxes(name)
            if any(self.is_sandboxed or box.get("taskid") == str(task) for box in boxes):
                break
            answer = fetch()
        return answer

    def _collected(
        self, account: SuiteAccount, wanted: int, fetch: Callable[[], list[dict[str, str]]]
    ) -> list[dict[str, str]]:
        boxes = fetch()
        for _ in self._waits(account):
            while len(boxes) < wanted and (more := fetch()):
                boxes += more
            if len(boxes) >= wanted:
                break
        return boxes

    def _waits(self, account: SuiteAccount) -> Iterator[None]:
        if self.control is not None and self.is_sandboxed:
            yield
            self.control.advance(account.userid, WAIT)
            yield
            return
        until = time.monotonic() + WAIT
        while time.monotonic() < until:
            yield
            time.sleep(_POLL)  # a real vendor's clock cannot be turned

    # Looking for counterexamples

    def for_all(self, check: Callable[..., None], *strategies: st.SearchStrategy[Any], examples: int = 0) -> None:
        """Run a check with values of these kinds, and shrink what fails to the simplest."""

        @seed(self.seed)
        @settings(self.search, max_examples=examples or self.profile.examples)
        @given(st.tuples(*strategies))
        def with_values(values: tuple[Any, ...]) -> None:
            self.begin_example()
            with self.recording_failure():
                check(*values)

        with_values()

    def for_all_if_free(
        self, check: Callable[..., None], *strategies: st.SearchStrategy[Any], examples: int = 0
    ) -> None:
        """The same where it costs nobody anything. Elsewhere the cases that a check tries first must do."""
        if self.is_sandboxed:
            self.for_all(check, *strategies, examples=examples)

    @property
    def few_examples(self) -> int:
        """So many examples where each is several requests."""
        return max(self.profile.examples // 3, 2)

    def begin_check(self) -> None:
        """Nothing has failed yet."""
        self.transcript.clear()
        self._best = None

    def begin_example(self) -> None:
        """Another example. Raises ShrunkEnough where one failed so many requests ago."""
        self.transcript.clear()
        if self._best is not None and self._asked - self._failed_at >= self.profile.shrinking:
            raise ShrinkLimitReached(self._best)

    @contextmanager
    def recording_failure(self) -> Iterator[None]:
        """Keep the failure of an example: Hypothesis goes on with shorter ones."""
        try:
            yield
        except Mismatch as error:
            if self._best is None:
                self._failed_at = self._asked
            self._best = error
            raise

    @property
    def search(self) -> settings:
        """How Hypothesis works here: repeatable from the seed alone."""
        return settings(
            database=None,
            deadline=None,
            derandomize=False,
            report_multiple_bugs=False,
            print_blob=False,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            max_examples=self.profile.examples,
        )


def made_account(control: ControlClient, gate: SafetyGuard, **wanted: Any) -> SuiteAccount:
    """A new account of the control address's, which may do everything from now on."""
    made = control.make_account(**({} if wanted.get("postpaid") else {"points": DEFAULT_POINTS}) | wanted)
    gate.userids.add(made.userid)
    return SuiteAccount(*made)


def mismatch(answer: ParsedAnswer, expected: str, got: str = "") -> Mismatch:
    """The answer is not what it should be."""
    return Mismatch(answer.request, expected, got or shown(answer.raw))


def expect(holds: bool, answer: ParsedAnswer, expected: str, got: str = "") -> None:
    """Raise Mismatch unless it holds."""
    if not holds:
        raise mismatch(answer, expected, got)


def expect_message(answer: ParsedAnswer, message: str) -> None:
    """The answer's message, or remark, is this."""
    found = message_of(answer)
    expect(found == message, answer, f"the message {message!r}", f"{found!r} in {shown(answer.raw)}")


def message_of(answer: ParsedAnswer) -> str:
    """The answer's message, or remark."""
    return answer.element("message") or answer.element("remark")


def expect_document(answer: ParsedAnswer, template: str, **values: object) -> None:
    """The answer is this document, byte for byte."""
    wanted = document(template, answer.request.page, **values)
    expect(answer.raw.body == wanted, answer, _text(wanted))


def expect_sent(answer: ParsedAnswer, counts: int | None = None) -> int:
    """The send was accepted; returns its task."""
    task, counted = answer.number("taskID"), answer.number("successCounts")
    expect(bool(task) and bool(counted), answer, "an accepted send, with its taskID")
    expect(counts is None or counted == counts, answer, f"successCounts {counts}")
    return task or 0


def expect_moment(answer: ParsedAnswer, box: Mapping[str, str]) -> None:
    """The box's receivetime is written as 4.3 and 5.3 write it."""
    moment = box.get("receivetime", "")
    expect(bool(MOMENT.fullmatch(moment)), answer, "a receivetime like 2011-12-02 22:12:11", repr(moment))


def expect_refused(answer: ParsedAnswer) -> None:
    """The send was not accepted, whatever the words."""
    expect(answer.number("taskID") == 0 and answer.number("successCounts") == 0, answer, "a refusal, with taskID 0")


def shown(raw: RawAnswer) -> str:
    """An answer, for people."""
    status = "" if raw.status == 200 else f"HTTP {raw.status}, "
    return f"{status}{_text(raw.body)}"


def _text(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = body.decode("gbk", "backslashreplace")
    return _clipped(text, 1500)


def _clipped(text: str, length: int = _CLIPPED) -> str:
    return text if len(text) <= length else f"{text[:length]}… ({len(text)} characters)"


@contextmanager
def clause(name: str) -> Iterator[None]:
    """What fails inside is this clause, where a check examines several."""
    try:
        yield
    except Mismatch as error:
        error.clause = error.clause or name
        raise
