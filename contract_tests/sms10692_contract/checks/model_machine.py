"""Random sequences of requests of several accounts on both endpoints; every response must be that of the model.

`stateful` allows any order and delay of reports; here every element of every response is expected.
"""

from datetime import timedelta
from typing import Any, Final

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import SEND_ENDPOINT
from sms10692_contract.expectations import attribute_to, expect_keyword, expect_refused
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import UTF8
from sms10692_contract.safety import INVALID_SIGN
from sms10692_contract.vendor_model import OUTCOMES, ModelAccount, ReportLag, measure_report_lag

SENT, ITEMS, BALANCE = "M-sent", "M-items", "M-balance"

_SETTINGS: Final = ({"points": 60}, {"points": 2**31 + 5}, {"postpaid": True})
_INDEX: Final = st.integers(0, len(_SETTINGS) - 1)
_MOBILES: Final = st.lists(
    st.sampled_from([*OUTCOMES, "13000000001", "13000000002", "19999999999"]), min_size=1, max_size=5
)
_CONTENT: Final = st.sampled_from(["内容", "a" * 70, "字" * 71, "x\r\n" * 45, "好a" * 67 + "。", "内 " * 400])
_EXTNO: Final = st.sampled_from(["", "", "1", "01", "0000000001"])
_SCHEDULE: Final = st.sampled_from([None, None, None, -86_400, -1, 0, 1, 30, 59, 3600, 40 * 86_400])
_LIMIT: Final = st.sampled_from(["", "1", "2", "3", "007", "65537"])
_INVALID_SENDS: Final = (
    {"mobile": ","},
    {"content": " "},
    {"extno": "12345678901"},
    {"sendTime": "2027-02-29 00:00:00"},
    {"sign": INVALID_SIGN},
    {"action": "Send"},
    {"mobile": "13000000001,10000000008"},
)


class ModelMachine(RuleBasedStateMachine):
    """State machine of Hypothesis. A subclass for each run sets `context` and `lag`."""

    context: CheckContext
    lag: ReportLag

    def __init__(self) -> None:
        super().__init__()
        self.context.start_example()
        self.accounts = [ModelAccount(self.context, settings, self.lag) for settings in _SETTINGS]

    @rule(
        index=_INDEX,
        mobiles=_MOBILES,
        content=_CONTENT,
        endpoint=SEND_ENDPOINT,
        extno=_EXTNO,
        seconds=_SCHEDULE,
    )
    def send(
        self, index: int, mobiles: list[str], content: str, endpoint: str, extno: str, seconds: int | None
    ) -> None:
        account = self.accounts[index]
        send_time = None if seconds is None else account.now + timedelta(seconds=seconds)
        with attribute_to(SENT):
            account.send(mobiles, content, endpoint, extno, send_time)

    @rule(index=_INDEX, invalid_fields=st.sampled_from(_INVALID_SENDS), endpoint=SEND_ENDPOINT)
    def send_with_invalid_fields(self, index: int, invalid_fields: dict[str, str], endpoint: str) -> None:
        fields = {"action": "send", "mobile": "13000000001", "content": "内容"} | invalid_fields
        with attribute_to(SENT):
            expect_refused(self.context.post(self.accounts[index].account, endpoint, **fields))

    @rule(index=_INDEX, limit=_LIMIT)
    def fetch_reports(self, index: int, limit: str) -> None:
        with attribute_to(ITEMS):
            self.accounts[index].fetch_reports(limit)

    @rule(index=_INDEX)
    def fetch_replies(self, index: int) -> None:
        with attribute_to(ITEMS):
            self.accounts[index].fetch_replies()

    @rule(index=_INDEX, seconds=st.sampled_from([1, 1, 29, 30, 59, 3599, 86_400]))
    def wait(self, index: int, seconds: int) -> None:
        self.accounts[index].advance(seconds)

    @rule(index=_INDEX, endpoint=SEND_ENDPOINT)
    def query_balance(self, index: int, endpoint: str) -> None:
        with attribute_to(BALANCE):
            self.accounts[index].expect_balance(endpoint)

    @rule(index=_INDEX, is_found=st.booleans(), endpoint=SEND_ENDPOINT)
    def check_keyword(self, index: int, is_found: bool, endpoint: str) -> None:
        """Check a text, which must cost nothing."""
        content = self.context.forbidden_word if is_found else "内容"
        with attribute_to(SENT):
            response = self.context.checkkeyword(self.accounts[index].account, content, endpoint)
            expect_keyword(response, is_found)

    @rule(index=st.integers(0, 1), points=st.integers(1, 30))
    def top_up(self, index: int, points: int) -> None:
        self.accounts[index].top_up(points)

    def teardown(self) -> None:
        """Check the final state unless a rule has failed."""
        with self.context.ending_state_machine() as is_complete:
            for account in self.accounts if is_complete else ():
                self.check_everything(account)

    def check_everything(self, account: ModelAccount) -> None:
        """Expect the balance, and every report and reply after their time."""
        with attribute_to(BALANCE):
            account.expect_balance(UTF8)
        account.advance(50 * 86_400)
        with attribute_to(ITEMS):
            account.fetch_everything()


@checks(SENT, ITEMS, BALANCE)
def _every_response_is_that_of_the_model(context: CheckContext) -> None:
    attributes = {"context": context, "lag": measure_report_lag(context)}
    machine: Any = hypothesis.seed(context.seed)(type("Run", (ModelMachine,), attributes))
    run_settings = hypothesis.settings(
        context.hypothesis_settings,
        max_examples=max(context.effort.machine_runs // 8, 5),
        stateful_step_count=context.effort.machine_steps,
    )
    run_state_machine_as_test(machine, settings=run_settings)
