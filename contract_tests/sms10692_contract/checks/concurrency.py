"""Many at once: fetchers on one queue, a send and a fetch, two sends at the edge of the balance.

Here belongs what only simultaneous requests show (R11). A race that is lost seldom is looked for several times.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import numbers
from sms10692_contract.harness import CheckContext, SuiteAccount, clause, expect, expect_sent

ENOUGH = 240
"""Reports after which a fetcher stops: a queue that never empties is found out by then."""


def run_concurrently(*tasks: Callable[[], list[str]]) -> list[str]:
    """Start all tasks at the same moment; everything that they brought."""
    start = Barrier(len(tasks))

    def started(task: Callable[[], list[str]]) -> list[str]:
        start.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as threads:
        return [one for brought in threads.map(started, tasks) for one in brought]


def _fetches(lab: CheckContext, account: SuiteAccount, size: str) -> Callable[[], list[str]]:
    def fetch_until_empty() -> list[str]:
        taken: list[str] = []
        while len(taken) <= ENOUGH and (boxes := lab.status(account, statusNum=size).boxes("statusbox")):
            taken += [box.get("mobile", "") for box in boxes]
        return taken

    return fetch_until_empty


def _hears(lab: CheckContext, account: SuiteAccount) -> Callable[[], list[str]]:
    """One fetch of replies, by the tasks that they answer."""
    return lambda: [box.get("taskid", "") for box in lab.call(account).boxes("callbox")]


def _compared(lab: CheckContext, account: SuiteAccount, taken: list[str], wanted: list[str], what: str) -> None:
    answer = lab.overage(account)
    twice = [number for number, times in (Counter(taken) - Counter(wanted)).items() if times]
    with clause("C-twice"):
        expect(
            not twice, answer, f"every {what} once among all fetchers", f"{len(twice)} handed over twice: {twice[:3]}"
        )
    lost = list((Counter(wanted) - Counter(taken)).elements())
    with clause("C-lost"):
        expect(not lost, answer, f"every {what} to one of the fetchers", f"{len(lost)} lost: {lost[:3]}")


@checks("C-twice", "C-lost")
def _fetchers_at_once_share_nothing_and_lose_nothing(lab: CheckContext) -> None:
    for _ in range(lab.profile.rounds):
        account = lab.account()
        wanted = numbers(120)
        expect_sent(lab.send(account, ",".join(wanted)), 120)
        lab.clock.advance(account.userid, 180)
        taken = run_concurrently(*[_fetches(lab, account, "5")] * 6)
        _compared(lab, account, taken, wanted, "report")
        tasks = [str(expect_sent(lab.send(account, "10000000030"), 1)) for _ in range(4)]
        lab.clock.advance(account.userid, 180)
        _compared(lab, account, run_concurrently(*[_hears(lab, account)] * 6), tasks, "reply")


@checks("C-send-fetch")
def _a_send_and_a_fetch_at_once_lose_nothing(lab: CheckContext) -> None:
    account = lab.account()
    wanted = numbers(30 * lab.profile.rounds)

    def send_all() -> list[str]:
        for at in range(0, len(wanted), 3):
            expect_sent(lab.send(account, ",".join(wanted[at : at + 3])), 3)
        return []

    def fetch_now_and_then() -> list[str]:
        boxes = [box for _ in range(10 * lab.profile.rounds) for box in lab.status(account).boxes("statusbox")]
        return [box.get("mobile", "") for box in boxes]

    taken = run_concurrently(send_all, fetch_now_and_then)
    taken += [box.get("mobile", "") for box in lab.reports(account, len(wanted) - len(taken))]
    answer = lab.overage(account)
    expect(Counter(taken) == Counter(wanted), answer, f"{len(wanted)} reports, each once", f"{len(taken)} reports")


@checks("C-balance")
def _sends_at_once_spend_a_point_once(lab: CheckContext) -> None:
    for _ in range(2 * lab.profile.rounds):
        account = lab.account(points=2)

        def send_one(account: SuiteAccount = account) -> list[str]:
            answer = lab.send(account)
            return ["sent"] if answer.number("taskID") else []

        sent = run_concurrently(*[send_one] * 6)
        balance = lab.overage(account)
        got = len(sent), balance.number("overage")
        expect(got == (2, 0), balance, "2 of 6 sends accepted with 2 points, and 0 points left", f"{got}")


@checks("C-taskID")
def _sends_at_once_have_tasks_of_their_own(lab: CheckContext) -> None:
    account = lab.account()

    def send_some() -> list[str]:
        return [str(expect_sent(lab.send(account), 1)) for _ in range(4)]

    tasks = run_concurrently(*[send_some] * 5)
    expect(len(set(tasks)) == 20, lab.overage(account), "20 taskIDs", f"{len(set(tasks))} different ones")
