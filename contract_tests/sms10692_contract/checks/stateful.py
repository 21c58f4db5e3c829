"""Stateful test: random sequences of requests of two accounts, compared with the model. Each invariant is a clause.

`model_machine` expects exactly the items of the model in their order. Here a report or reply may come in any order and
at any time after it is due; only what it must not be is expected.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from sms10692_contract.checks.concurrency import run_concurrently
from sms10692_contract.checks.registry import checks
from sms10692_contract.expectations import attribute_to, build_mismatch, expect
from sms10692_contract.expected import ParsedResponse
from sms10692_contract.harness import CheckContext
from sms10692_contract.safety import INVALID_SIGN
from sms10692_contract.vendor_model import Item, ModelAccount

ONCE, LOST, REFUSAL, CHARGED, PRIVATE, EARLY = "M-once", "M-lost", "M-refusal", "M-charged", "M-private", "M-early"
POINTS: Final = 12
INVALID_SENDS: Final = (
    {"extno": "x"},
    {"sendTime": "x"},
    {"content": " "},
    {"mobile": ","},
    {"sign": INVALID_SIGN},
    {"sign": ""},
)
INVALID_FETCHES: Final = ({"sign": INVALID_SIGN}, {"sign": ""}, {"statusNum": "0"}, {"action": "x"})

LIMITS: Final = ("1", "2", "5", "")

indexes = st.integers(0, 1)
limit_values = st.sampled_from(LIMITS)


class VendorMachine(RuleBasedStateMachine):
    """State machine of Hypothesis. A subclass for each run sets `context`."""

    context: CheckContext

    def __init__(self) -> None:
        super().__init__()
        self.context.start_example()
        self.models = [ModelAccount(self.context, {"points": POINTS}) for _ in range(2)]
        self.sent_count = 0

    # Rules

    @rule(
        index=indexes,
        count=st.integers(1, 5),
        with_reply=st.booleans(),
        hours=st.sampled_from([0, 0, 0, 2]),
        is_long=st.booleans(),
    )
    def send(self, index: int, count: int, with_reply: bool, hours: int, is_long: bool) -> None:
        model = self.models[index]
        numbers = [str(13000000000 + self.sent_count + offset) for offset in range(count)]
        self.sent_count += count
        reply_mobiles = ["10000000030"] if with_reply else []
        send_time = model.now + timedelta(hours=hours) if hours else None
        with attribute_to(CHARGED):
            model.send([*numbers, *reply_mobiles], "字" * (71 if is_long else 3), send_time=send_time)

    @rule(index=indexes, invalid_fields=st.sampled_from(INVALID_SENDS))
    def send_with_invalid_fields(self, index: int, invalid_fields: dict[str, str]) -> None:
        model = self.models[index]
        fields = {"action": "send", "mobile": "13999999999", "content": "内容"} | invalid_fields
        response = self.context.post(model.account, "/v2sms.aspx", **fields)
        with attribute_to(REFUSAL):
            expect(not response.get_number("taskID"), response, "a refusal")
            model.expect_balance()

    @rule(index=indexes, limit=limit_values)
    def fetch_reports(self, index: int, limit: str) -> None:
        self.record_reports(self.models[index], self.context.status(self.models[index].account, statusNum=limit))

    @rule(index=indexes, limits=st.lists(limit_values, min_size=1, max_size=3), reply_fetchers=st.integers(1, 2))
    def fetch_concurrently(self, index: int, limits: list[str], reply_fetchers: int) -> None:
        """Let several clients fetch reports, with different limits, while others fetch replies."""
        model = self.models[index]
        reports: list[ParsedResponse] = []
        replies: list[ParsedResponse] = []

        def build_fetcher(limit: str) -> Callable[[], list[str]]:
            def fetch_reports() -> list[str]:
                reports.append(self.context.status(model.account, statusNum=limit))
                return []

            return fetch_reports

        def fetch_replies() -> list[str]:
            replies.append(self.context.call(model.account))
            return []

        run_concurrently(*map(build_fetcher, limits), *[fetch_replies] * reply_fetchers)
        for response in reports:
            self.record_reports(model, response)
        for response in replies:
            self.record_replies(model, response)

    @rule(index=indexes, invalid_fields=st.sampled_from(INVALID_FETCHES))
    def fetch_with_invalid_fields(self, index: int, invalid_fields: dict[str, str]) -> None:
        response = self.context.status(self.models[index].account, **invalid_fields)
        with attribute_to(REFUSAL):
            expect(not response.get_items("statusbox"), response, "a refusal")

    @rule(index=indexes)
    def fetch_replies(self, index: int) -> None:
        self.record_replies(self.models[index], self.context.call(self.models[index].account))

    @rule(index=indexes)
    def fetch_with_other_signature(self, index: int) -> None:
        """Send a request with the userid of one account and the signature of the other."""
        model, other = self.models[index], self.models[1 - index]
        response = self.context.status(other.account, userid=model.account.userid)
        with attribute_to(PRIVATE):
            expect(not response.get_items("statusbox"), response, "a refusal: the signature is of another account")

    @rule(index=indexes, seconds=st.sampled_from([1, 60, 3600, 7200]))
    def wait(self, index: int, seconds: int) -> None:
        self.models[index].advance(seconds)

    @rule(index=indexes)
    def check_balance(self, index: int) -> None:
        with attribute_to(CHARGED):
            self.models[index].expect_balance()

    # Invariants and bookkeeping

    def record_reports(self, model: ModelAccount, response: ParsedResponse) -> None:
        """Expect that every fetched report belongs to this account, was waiting and was due; it waits no longer."""
        for item in response.get_items("statusbox"):
            report = self.find_waiting(model, model.waiting_reports, response, item)
            with attribute_to(EARLY):
                expect(report.due <= model.now, response, f"no report of {item.get('mobile')} before its sendTime")
            model.waiting_reports.remove(report)

    def record_replies(self, model: ModelAccount, response: ParsedResponse) -> None:
        """Expect that every fetched reply belongs to this account and was waiting; it waits no longer."""
        for item in response.get_items("callbox"):
            model.waiting_replies.remove(self.find_waiting(model, model.waiting_replies, response, item))

    def find_waiting(
        self, model: ModelAccount, waiting: list[Item], response: ParsedResponse, fetched: dict[str, str]
    ) -> Item:
        """Return the item of the model with number and task of the fetched one. Raises Mismatch if there is none."""
        mobile, task = fetched.get("mobile", ""), fetched.get("taskid", "")
        with attribute_to(PRIVATE):
            expect(task in map(str, model.tasks), response, f"no item of task {task} of another account")
        for item in waiting:
            if (item.elements["mobile"], item.elements["taskid"]) == (mobile, task):
                return item
        with attribute_to(ONCE):
            raise build_mismatch(response, f"no second item of {mobile} in task {task}")

    def teardown(self) -> None:
        """Check the final invariants unless a rule has failed."""
        with self.context.ending_state_machine() as is_complete:
            if is_complete:
                self.check_everything_fetched()

    def check_everything_fetched(self) -> None:
        """Expect that a day later every report and reply has been fetched."""
        for model in self.models:
            self.record_reports(model, self.context.status(model.account))
            self.wait(index=self.models.index(model), seconds=86400)
            for _ in range(2):
                self.record_reports(model, self.context.status(model.account))
                response = self.context.call(model.account)
                self.record_replies(model, response)
            with attribute_to(LOST):
                lost = [item.elements for item in (*model.waiting_reports, *model.waiting_replies)]
                expect(not lost, response, "a day later every report and reply", f"lost: {lost}")
            with attribute_to(CHARGED):
                model.expect_balance()


@checks(ONCE, LOST, REFUSAL, CHARGED, PRIVATE, EARLY)
def _the_vendor_agrees_with_the_model(context: CheckContext) -> None:
    machine: Any = hypothesis.seed(context.seed)(type("Run", (VendorMachine,), {"context": context}))
    run_settings = hypothesis.settings(
        context.hypothesis_settings,
        max_examples=context.effort.machine_runs,
        stateful_step_count=context.effort.machine_steps,
    )
    run_state_machine_as_test(machine, settings=run_settings)
