"""A state machine: sends, refusals, fetches, strangers, two accounts, time; beside the simplest vendor that is right.

Here belong the model and its invariants, each of them a clause. The model knows what was sent, what came, and what
time it is; it does not care how soon a report comes, as long as it comes.
"""

import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from sms10692_contract.checks.concurrency import run_concurrently
from sms10692_contract.checks.registry import checks
from sms10692_contract.expected import ParsedAnswer
from sms10692_contract.harness import CheckContext, Mismatch, SuiteAccount, clause, expect
from sms10692_contract.safety import INVALID_SIGN

ONCE, LOST, NOTHING, CHARGED, PRIVATE, EARLY = "M-once", "M-lost", "M-refusal", "M-charged", "M-private", "M-early"
POINTS: Final = 12
REFUSED: Final = (
    {"extno": "x"},
    {"sendTime": "x"},
    {"content": " "},
    {"mobile": ","},
    {"sign": INVALID_SIGN},
    {"sign": ""},
)
NOT_FETCHED: Final = ({"sign": INVALID_SIGN}, {"sign": ""}, {"statusNum": "0"}, {"action": "x"})

SIZES: Final = ("1", "2", "5", "")

whose = st.integers(0, 1)
sizes = st.sampled_from(SIZES)


class AccountModel:
    """What the model knows of an account."""

    def __init__(self, account: SuiteAccount) -> None:
        self.account = account
        self.points = POINTS
        self.clock = 0
        self.waiting: dict[str, int] = {}
        self.tasks: set[str] = set()
        self.replies: Counter[str] = Counter()


class VendorMachine(RuleBasedStateMachine):
    """The machine. `lab` is set on a subclass for each run."""

    lab: CheckContext

    def __init__(self) -> None:
        super().__init__()
        self.lab.begin_example()
        self.books = [AccountModel(self.lab.frozen_account(points=POINTS)) for _ in range(2)]
        self.sent = 0

    # Rules

    @rule(
        one=whose,
        count=st.integers(1, 5),
        answered=st.booleans(),
        hours=st.sampled_from([0, 0, 0, 2]),
        long=st.booleans(),
    )
    def send(self, one: int, count: int, answered: bool, hours: int, long: bool) -> None:
        book = self.books[one]
        numbers = [str(13000000000 + self.sent + place) for place in range(count)]
        self.sent += count
        answering = ["10000000030"] if answered else []
        due = self.lab.now(book.account) + timedelta(hours=hours)
        more = {"sendTime": f"{due:%Y-%m-%d %H:%M:%S}"} if hours else {}
        content = "字" * (71 if long else 3)
        answer = self.lab.send(book.account, ",".join([*numbers, *answering]), content, **more)
        cost = (count + len(answering)) * (2 if long else 1)
        with clause(CHARGED):
            left = book.points - cost if cost <= book.points else None
            said = answer.number("remainpoint") if answer.number("taskID") else None
            expect(
                said == left,
                answer,
                f"remainpoint {left}" if left is not None else "a refusal: the balance is too small",
            )
        if left is not None:
            task = str(answer.number("taskID"))
            book.points = left
            book.tasks.add(task)
            book.waiting |= {f"{number} of task {task}": book.clock + hours * 3600 for number in [*numbers, *answering]}
            book.replies[task] += len(answering)

    @rule(one=whose, wrong=st.sampled_from(REFUSED))
    def refused_send(self, one: int, wrong: dict[str, str]) -> None:
        book = self.books[one]
        fields = {"action": "send", "mobile": "13999999999", "content": "内容"} | wrong
        answer = self.lab.post(book.account, "/v2sms.aspx", **fields)
        with clause(NOTHING):
            expect(not answer.number("taskID"), answer, "a refusal")
            self.balance_is(book)

    @rule(one=whose, size=sizes)
    def fetch(self, one: int, size: str) -> None:
        self.took(self.books[one], self.lab.status(self.books[one].account, statusNum=size))

    @rule(one=whose, asked=st.lists(sizes, min_size=1, max_size=3), hearing=st.integers(1, 2))
    def fetch_at_once(self, one: int, asked: list[str], hearing: int) -> None:
        """Some clients fetch reports, each as many as it likes, and others replies."""
        book = self.books[one]
        reports: list[ParsedAnswer] = []
        replies: list[ParsedAnswer] = []

        def fetch(size: str) -> Callable[[], list[str]]:
            def fetch_so_many() -> list[str]:
                reports.append(self.lab.status(book.account, statusNum=size))
                return []

            return fetch_so_many

        def hear() -> list[str]:
            replies.append(self.lab.call(book.account))
            return []

        run_concurrently(*map(fetch, asked), *[hear] * hearing)
        for answer in reports:
            self.took(book, answer)
        for answer in replies:
            self.heard(book, answer)

    @rule(one=whose, wrong=st.sampled_from(NOT_FETCHED))
    def refused_fetch(self, one: int, wrong: dict[str, str]) -> None:
        answer = self.lab.status(self.books[one].account, **wrong)
        with clause(NOTHING):
            expect("<statusbox>" not in answer.text, answer, "a refusal")

    @rule(one=whose)
    def replies(self, one: int) -> None:
        self.heard(self.books[one], self.lab.call(self.books[one].account))

    @rule(one=whose)
    def stranger(self, one: int) -> None:
        """Somebody who has an account of his own, and this one's userid."""
        book, other = self.books[one], self.books[1 - one]
        answer = self.lab.status(other.account, userid=book.account.userid)
        with clause(PRIVATE):
            expect("<statusbox>" not in answer.text, answer, "a refusal: it is not the account's signature")

    @rule(one=whose, seconds=st.sampled_from([1, 60, 3600, 7200]))
    def wait(self, one: int, seconds: int) -> None:
        self.lab.clock.advance(self.books[one].account.userid, seconds)
        self.books[one].clock += seconds

    @rule(one=whose)
    def balance(self, one: int) -> None:
        with clause(CHARGED):
            self.balance_is(self.books[one])

    # Invariants

    def balance_is(self, book: AccountModel) -> None:
        answer = self.lab.overage(book.account)
        expect(answer.number("overage") == book.points, answer, f"overage {book.points}")

    def took(self, book: AccountModel, answer: ParsedAnswer) -> None:
        """Every report of an answer is this account's, was waiting, and was due."""
        for box in answer.boxes("statusbox"):
            key = f"{box.get('mobile')} of task {box.get('taskid')}"
            self.is_own(book, answer, box)
            with clause(ONCE):
                expect(key in book.waiting, answer, f"no second report of {key}")
            with clause(EARLY):
                expect(book.waiting[key] <= book.clock, answer, f"no report of {key} before its sendTime")
            del book.waiting[key]

    def heard(self, book: AccountModel, answer: ParsedAnswer) -> None:
        """The same of replies."""
        for box in answer.boxes("callbox"):
            task = box.get("taskid", "")
            self.is_own(book, answer, box)
            with clause(ONCE):
                expect(book.replies[task] > 0, answer, f"no second reply to task {task}")
            book.replies[task] -= 1

    def is_own(self, book: AccountModel, answer: ParsedAnswer, box: dict[str, str]) -> None:
        """A box is of a task of this account."""
        with clause(PRIVATE):
            expect(
                box.get("taskid") in book.tasks,
                answer,
                f"nothing of task {box.get('taskid')}, which is not this account's",
            )

    def teardown(self) -> None:
        """In a day everything has come. Not asked where a rule failed already."""
        error = sys.exception()
        with self.lab.recording_failure():
            if isinstance(error, Mismatch):
                raise error
            if error is None:
                self.everything_has_come()

    def everything_has_come(self) -> None:
        """What the invariants say at the end."""
        for book in self.books:
            self.took(book, self.lab.status(book.account))
            self.wait(one=self.books.index(book), seconds=86400)
            for _ in range(2):
                self.took(book, self.lab.status(book.account))
                answer = self.lab.call(book.account)
                self.heard(book, answer)
            with clause(LOST):
                lost = [*book.waiting, *(+book.replies)]
                expect(not lost, answer, "a day later every report and reply", f"lost: {lost}")
            with clause(CHARGED):
                self.balance_is(book)


@checks(ONCE, LOST, NOTHING, CHARGED, PRIVATE, EARLY)
def _the_machine_runs_beside_the_vendor(lab: CheckContext) -> None:
    machine: Any = hypothesis.seed(lab.seed)(type("Run", (VendorMachine,), {"lab": lab}))
    chosen = hypothesis.settings(lab.search, max_examples=lab.profile.runs, stateful_step_count=lab.profile.steps)
    run_state_machine_as_test(machine, settings=chosen)
