"""Checks between accounts: no account sees or changes anything of another, however similar the two are."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.concurrency import run_concurrently
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import SEND_ENDPOINT, SEND_ENDPOINTS
from sms10692_contract.expectations import attribute_to, expect, expect_message, expect_sent
from sms10692_contract.expected import WRONG_CREDENTIALS
from sms10692_contract.harness import CheckContext
from sms10692_contract.suite_account import SuiteAccount
from sms10692_contract.vendor_model import OUTCOMES, ModelAccount, ReportLag, measure_report_lag

_NAME_BYTES: Final = 4
_MOBILE: Final = st.sampled_from([*OUTCOMES, "13000000001"])


def _create_similar_accounts(context: CheckContext, lag: ReportLag) -> list[ModelAccount]:
    """Create accounts whose userids are nearly the same, and whose names and passwords are the same.

    The userids are random and not derived from the seed, because accounts of an earlier run may still exist.
    """
    number, name, password = str(10**8 + secrets.randbelow(9 * 10**8)), f"a{secrets.token_hex(_NAME_BYTES)}", "mima"
    userids = [number, f"0{number}", f"{number}0", f"{number[:-1]}x", f"{number[:-1]}X", f"{number[:-2]}"]
    return [
        ModelAccount(
            context,
            {"userid": userid, "account": name, "password": password}
            | ({"postpaid": True} if index == 2 else {"points": 100 + index}),
            lag,
        )
        for index, userid in enumerate(userids)
    ]


@checks("B-items", "B-balance")
def _similar_accounts_are_different_accounts(context: CheckContext) -> None:
    lag = measure_report_lag(context)

    def check_separate(sends: list[tuple[int, list[str], str, str]], top_ups: list[tuple[int, int]]) -> None:
        accounts = _create_similar_accounts(context, lag)
        with attribute_to("B-balance"):
            for index, points in top_ups:
                accounts[index].top_up(points)
        for index, mobiles, extno, endpoint in sends:
            accounts[index].send(mobiles, extno=extno, endpoint=endpoint)
        for account in accounts:
            account.advance(30 + lag.until_due)
        for position, account in enumerate(accounts):
            with attribute_to("B-balance"):
                account.expect_balance(SEND_ENDPOINTS[position % 2])
            with attribute_to("B-items"):
                account.fetch_everything()

    senders = [(index, ["10000000030", "13000000001"], "01", SEND_ENDPOINTS[index % 2]) for index in range(6)]
    check_separate(senders, [(1, 7)])
    indexes = st.integers(0, 5)
    several = st.tuples(
        indexes, st.lists(_MOBILE, min_size=1, max_size=3), st.sampled_from(["", "1", "01"]), SEND_ENDPOINT
    )
    context.for_all(
        check_separate,
        st.lists(several, min_size=2, max_size=8),
        st.lists(st.tuples(indexes, st.integers(1, 9)), max_size=2),
        examples=context.few_examples,
    )


@checks("B-deleted")
def _an_account_with_the_userid_of_a_deleted_one_is_new(context: CheckContext) -> None:
    lag = measure_report_lag(context)

    def check_new(
        sends: list[tuple[list[str], int]], is_fetched: bool, top_up: int, points: int, has_same_password: bool
    ) -> None:
        """Use an account, delete it, create another one with its userid, and expect nothing of the former."""
        settings = {"userid": f"d{secrets.token_hex(_NAME_BYTES)}", "account": "former", "password": "mima"}
        former = ModelAccount(context, settings | {"points": 100}, lag)
        for mobiles, hours in sends:
            former.send(mobiles, extno="01", send_time=former.now + timedelta(hours=hours) if hours else None)
        former.top_up(top_up)
        former.advance(lag.until_due)
        if is_fetched:
            former.fetch_reports("1")
        response = former.expect_balance()
        context.clock.delete_account(former.account.userid)
        expect_message(context.overage(former.account), WRONG_CREDENTIALS)
        changed = {"points": points} | ({} if has_same_password else {"password": "mima2"})
        account = ModelAccount(context, settings | changed, lag)
        if not has_same_password:
            expect_message(context.exchange(response.request), WRONG_CREDENTIALS)
        account.expect_balance()
        account.advance(24 * 3600)
        account.fetch_everything()
        account.send(["10000000030", "13000000001"])
        account.advance(lag.until_due)
        account.fetch_everything()
        account.expect_balance()

    mobiles = st.lists(_MOBILE, min_size=1, max_size=3)
    check_new([(["10000000030", "13000000001"], 0), (["10000000031"], 3)], False, 7, 5, False)
    context.for_all(
        check_new,
        st.lists(st.tuples(mobiles, st.sampled_from([0, 0, 3])), min_size=1, max_size=4),
        st.booleans(),
        st.integers(1, 9),
        st.integers(2, 200),
        st.booleans(),
        examples=context.few_examples,
    )


@checks("B-taskID", "B-charged")
def _accounts_that_send_at_once_get_different_tasks(context: CheckContext) -> None:
    accounts = [context.create_account(points=10**6) for _ in range(3)]
    tasks: list[str] = []

    def build_sender(account: SuiteAccount, endpoint: str) -> Callable[[], list[str]]:
        return lambda: [str(expect_sent(context.send(account, endpoint=endpoint), 1)) for _ in range(2)]

    for _ in range(context.effort.concurrency_rounds):
        with attribute_to("B-taskID"):
            tasks += run_concurrently(
                *(build_sender(account, endpoint) for account in accounts for endpoint in SEND_ENDPOINTS)
            )
            repeated = sorted({task for task in tasks if tasks.count(task) > 1})
            expect(not repeated, context.overage(accounts[0]), "a taskID of its own for every send", f"{repeated}")
    for account in accounts:
        balance = context.overage(account)
        remaining = 10**6 - 4 * context.effort.concurrency_rounds
        with attribute_to("B-charged"):
            expect(balance.get_number("overage") == remaining, balance, f"overage {remaining}: every send is charged")
