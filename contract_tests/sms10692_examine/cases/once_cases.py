"""Cases about the two queues, from which each item is fetched once: nothing is lost or processed twice."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from sms10692_examine.cases.registry import case
from sms10692_examine.driver_protocol import ITEM_FIELDS
from sms10692_examine.observations import Observation
from sms10692_examine.session import Session
from sms10692_examine.verdicts import CaseWarning, NotSupported, expect

_KILLED: Final = 3000
"""Reports of a fetch during which the client is killed: more than the pipe to the examiner holds."""


def _expect_each_once(items: Sequence[Any], mobiles: Sequence[str], how: Observation) -> None:
    counts = Counter(item["mobile"] for item in items)
    missing = [mobile for mobile in mobiles if not counts[mobile]]
    repeated = [mobile for mobile, count in counts.items() if count > 1]
    expect(not missing, "{}: {} of {} items were lost, the first {}", how, len(missing), len(mobiles), missing[:1])
    expect(set(counts) == set(mobiles), "{}: items that nobody sent: {}", how, sorted(set(counts) - set(mobiles))[:3])
    expect(not repeated, "{}: {} items were processed twice, the first {}", how, len(repeated), repeated[:1])


def _fill(session: Session, operation: str, count: int) -> list[str]:
    """Put items for as many numbers into a queue, and return the numbers."""
    mobiles = [str(13_800_000_000 + index) for index in range(count)]
    session.use_account(points=10 * count)
    if operation == "call":
        session.vendor.rule(reply="退订")
    for start in range(0, count, 5000):
        session.put_messages(mobiles[start : start + 5000])
    return mobiles


def _register_queue(operation: str) -> None:
    @case(f"E-{operation}-drain")
    def check_drain(session: Session) -> None:
        """Drain 9,000 items, more than one fetch of reports returns by default."""
        session.require(operation)
        mobiles = _fill(session, operation, 9000)
        before = len(session.exchanges)
        items = session.fetch_all(operation)
        _expect_each_once(items, mobiles, Observation("after draining the queue"))
        count = len(session.exchanges) - before
        if count > 100:
            raise CaseWarning("the client needed {} requests for 9,000 items: some vendors allow one in 30 s", count)

    @case(f"E-{operation}-complete")
    def check_complete(session: Session) -> None:
        """Fetch some items and compare numbers, tasks, texts and extno with what the vendor holds."""
        session.require(operation)
        session.put_messages(["13800000001", "13800000002"])
        session.vendor.report("13800000001", 20, "MK:0011", extno="01")
        session.vendor.reply("13800000001", "退订&<", extno="01")
        session.vendor.reply("13800000002", "好的😀")
        items = session.fetch_all(operation)
        held: Sequence[Any] = session.vendor.reports() if operation == "status" else session.vendor.replies()
        expect(len(items) == len(held), "{} items were processed; {} waited", len(items), len(held))
        for item, wanted in zip(items, held, strict=True):
            for name in ITEM_FIELDS[operation]:
                if name not in ("status", "receivetime"):
                    value = str(wanted.task_id if name == "taskid" else getattr(wanted, name))
                    expect(item[name] == value, "{} {!r} was understood as {!r}", name, value, item[name])

    @case(f"E-{operation}-two-clients")
    def check_two_clients(session: Session) -> None:
        """Drain one queue by two processes of the client at once."""
        session.require(operation)
        mobiles = _fill(session, operation, 600)
        items: list[Any] = []
        limit = session.settings.answer_limit
        with session.second_driver() as other:
            for _ in range(_KILLED):
                other.begin(operation)
                session.driver.begin(operation)
                answers = [other.finish(operation, limit), session.driver.finish(operation, limit)]
                for answer in answers:
                    session.expect_accepted(answer, "the client understood: {}", answer, operation=operation)
                    items += answer.items
                if not any(answer.items for answer in answers):
                    break
        _expect_each_once(items, mobiles, Observation("with two clients on one queue"))

    @case(f"E-{operation}-killed")
    def check_killed(session: Session) -> None:
        """Kill a durable client while it processes a fetch, start it again, and count what it processes."""
        session.require(operation)
        if "durable" not in session.claims:
            raise NotSupported("the client does not claim to be durable: a crash loses what was fetched")
        mobiles = _fill(session, operation, _KILLED)
        session.driver.begin(operation)
        items = session.driver.read_items(operation, session.settings.answer_limit, count=1)
        session.driver.kill()
        items += session.driver.read_items(operation, 2)
        session.restart_driver()
        items += session.fetch_all(operation)
        counts = Counter(item["mobile"] for item in items)
        lost = len(mobiles) - len(counts)
        expect(not lost, "of {} items that a killed client had fetched {} were never processed", len(mobiles), lost)
        repeated = sum(count > 1 for count in counts.values())
        if repeated > 1:
            raise CaseWarning("{} of {} items were processed again after the crash", repeated, len(mobiles))


for _operation in ("status", "call"):
    _register_queue(_operation)


@case("E-send-fetches-nothing")
def _other_operations_fetch_nothing(session: Session) -> None:
    """Send and query the balance while items wait: they are still there."""
    session.vendor.rule(reply="退订")
    session.put_messages(["13800000001"])
    session.send()
    if "overage" in session.operations:
        session.ask("overage")
    queues = session.vendor.queue_stats()
    expect(queues.reports.fetched == 0, "a send or a balance query fetched reports, whose items nobody received")
    expect(queues.replies.fetched == 0, "a send or a balance query fetched replies, whose items nobody received")


@case("E-status-num")
def _a_fetch_is_as_large_as_the_manual_allows(session: Session) -> None:
    session.require("status")
    session.ask("status")
    number = session.last_fields("status").get("statusnum", "")
    if number and not (number.isascii() and number.isdecimal() and int(number) >= 1):
        raise CaseWarning("statusNum is {!r}; the manual has a number, 4000 if there is none", number)
    if number and int(number) < 100:
        raise CaseWarning("statusNum is {}: 4,000 reports need {} requests", number, -(-4000 // int(number)))


@case("E-one-poll")
def _one_fetch_is_one_request_while_nothing_waits(session: Session) -> None:
    session.require("status")
    before = len(session.exchanges)
    session.ask("status")
    count = len(session.exchanges) - before
    expect(count <= 2, "the client asked an empty queue {} times for one fetch", count)
