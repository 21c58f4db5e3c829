"""Concurrency checks (R11): parallel fetches of one queue, send against fetch, sends at the end of a balance.

Races occur rarely, so the checks repeat them (`Effort.concurrency_rounds`).
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import build_mobiles
from sms10692_contract.expectations import attribute_to, expect, expect_sent
from sms10692_contract.harness import CheckContext
from sms10692_contract.suite_account import SuiteAccount

MAX_FETCHED = 2500
"""Number of reports after which a fetcher stops, in case the queue never becomes empty."""


def run_concurrently(*tasks: Callable[[], list[str]]) -> list[str]:
    """Run all tasks at the same time, a thread each, and return their results as one list."""
    barrier = Barrier(len(tasks))

    def run(task: Callable[[], list[str]]) -> list[str]:
        barrier.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as threads:
        return [item for result in threads.map(run, tasks) for item in result]


def _build_report_fetcher(context: CheckContext, account: SuiteAccount, limit: str) -> Callable[[], list[str]]:
    def fetch_until_empty() -> list[str]:
        fetched: list[str] = []
        while len(fetched) <= MAX_FETCHED and (
            items := context.status(account, statusNum=limit).get_items("statusbox")
        ):
            fetched += [item.get("mobile", "") for item in items]
        return fetched

    return fetch_until_empty


def _build_reply_fetcher(context: CheckContext, account: SuiteAccount) -> Callable[[], list[str]]:
    """Return a task that fetches replies once and returns their task numbers."""
    return lambda: [item.get("taskid", "") for item in context.call(account).get_items("callbox")]


def _expect_each_once(
    context: CheckContext, account: SuiteAccount, fetched: list[str], expected: list[str], kind: str
) -> None:
    """Expect that the fetchers together received every expected item exactly once."""
    response = context.overage(account)
    duplicates = [number for number, count in (Counter(fetched) - Counter(expected)).items() if count]
    with attribute_to("C-twice"):
        expect(
            not duplicates,
            response,
            f"every {kind} once among all fetchers",
            f"{len(duplicates)} fetched twice: {duplicates[:3]}",
        )
    lost = list((Counter(expected) - Counter(fetched)).elements())
    with attribute_to("C-lost"):
        expect(not lost, response, f"every {kind} to one of the fetchers", f"{len(lost)} lost: {lost[:3]}")


@checks("C-twice", "C-lost")
def _concurrent_fetches_neither_duplicate_nor_lose_items(context: CheckContext) -> None:
    sizes = [(120, "5", 6)] * context.effort.concurrency_rounds + [(303, "101", 3), (1200, "600", 2), (1200, "", 3)]
    for waiting, limit, fetchers in sizes:
        account = context.create_account()
        expected = build_mobiles(waiting)
        expect_sent(context.send(account, ",".join(expected)), waiting)
        context.clock.advance(account.userid, 180)
        fetched = run_concurrently(*[_build_report_fetcher(context, account, limit)] * fetchers)
        _expect_each_once(context, account, fetched, expected, "report")
    for _ in range(context.effort.concurrency_rounds):
        account = context.create_account()
        tasks = [str(expect_sent(context.send(account, "10000000030"), 1)) for _ in range(4)]
        context.clock.advance(account.userid, 180)
        _expect_each_once(
            context, account, run_concurrently(*[_build_reply_fetcher(context, account)] * 6), tasks, "reply"
        )


@checks("C-send-fetch")
def _concurrent_sends_and_fetches_lose_nothing(context: CheckContext) -> None:
    account = context.create_account()
    expected = build_mobiles(30 * context.effort.concurrency_rounds)

    def send_all() -> list[str]:
        for start in range(0, len(expected), 3):
            expect_sent(context.send(account, ",".join(expected[start : start + 3])), 3)
        return []

    def fetch_repeatedly() -> list[str]:
        items = [
            item
            for _ in range(10 * context.effort.concurrency_rounds)
            for item in context.status(account).get_items("statusbox")
        ]
        return [item.get("mobile", "") for item in items]

    fetched = run_concurrently(send_all, fetch_repeatedly)
    fetched += [item.get("mobile", "") for item in context.fetch_reports(account, len(expected) - len(fetched))]
    response = context.overage(account)
    expect(
        Counter(fetched) == Counter(expected),
        response,
        f"{len(expected)} reports, each once",
        f"{len(fetched)} reports",
    )


@checks("C-balance")
def _concurrent_sends_do_not_overdraw_the_balance(context: CheckContext) -> None:
    for _ in range(2 * context.effort.concurrency_rounds):
        account = context.create_account(points=2)

        def send_one(account: SuiteAccount = account) -> list[str]:
            response = context.send(account)
            return ["sent"] if response.get_number("taskID") else []

        sent = run_concurrently(*[send_one] * 6)
        balance = context.overage(account)
        actual = len(sent), balance.get_number("overage")
        expect(actual == (2, 0), balance, "2 of 6 sends accepted with 2 points, and 0 points left", f"{actual}")


@checks("C-taskID")
def _concurrent_sends_have_different_task_ids(context: CheckContext) -> None:
    account = context.create_account()

    def send_four() -> list[str]:
        return [str(expect_sent(context.send(account), 1)) for _ in range(4)]

    tasks = run_concurrently(*[send_four] * 5)
    expect(len(set(tasks)) == 20, context.overage(account), "20 taskIDs", f"{len(set(tasks))} different taskIDs")
