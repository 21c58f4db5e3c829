"""What is over is dropped beyond the limits, the oldest first; what waits is never dropped.

Here belong the limits of every store. Below them nothing is dropped: see `test_stores`.
"""

import weakref

from sms10692_mock.stores.memory import MemoryStore
from sms10692_mock.stores.records import Entry, Limits, Wanted
from storing import EACH_STORE, POSTPAID, Making, made, reply, report, task

ALL = Wanted(limit=10**6)


@EACH_STORE
def test_what_waits_is_never_dropped(make: Making) -> None:
    with made(make, Limits(messages=3, message_bytes=10, handed_out=3)) as store:
        store.open(POSTPAID)
        for place in range(100):
            store.accept("2", task(1), [report(float(place % 2), str(place), place=0)], [], 0.0)
        assert store.ledger("2", "reports", 0.0) == (100, 50, 50, 0, 0)
        taken = store.take_reports("2", 1000, 1.0, 1)
        assert sorted(int(one.mobile) for one in taken) == list(range(100))


@EACH_STORE
def test_of_what_was_handed_out_the_last_can_be_shown_and_rewound(make: Making) -> None:
    with made(make, Limits(messages=10, handed_out=10)) as store:
        store.open(POSTPAID)
        for place in range(100):
            store.accept("2", task(1), [report(0.0, str(place), place=0)], [], 0.0)
            assert len(store.take_reports("2", 1, float(place), place)) == 1
            ledger = store.ledger("2", "reports", float(place))
            assert ledger[:4] == (place + 1, 0, 0, place + 1)
            assert max(0, place - 20) <= ledger.forgotten <= max(0, place + 1 - 10)
        listed = store.reports("2", ALL, 100.0)
        assert listed.dropped == ledger.forgotten
        assert [queued.number for queued in listed.items] == list(range(listed.dropped + 1, 101))
        assert [queued.fate.request for queued in listed.items] == list(range(listed.dropped, 100))
        assert store.rewind("2", "reports", None, None) == 100 - ledger.forgotten
        assert [one.mobile for one in store.take_reports("2", 100, 100.0, 100)] == list(
            map(str, range(ledger.forgotten, 100))
        )


@EACH_STORE
def test_of_what_was_sent_the_last_is_kept(make: Making) -> None:
    with made(make, Limits(messages=10)) as store:
        store.open(POSTPAID)
        for place in range(50):
            store.accept("2", task(1, "1", "2"), [report(9.0, str(place), place=1)], [], 0.0)
        listed = store.messages("2", ALL, 0.0)
        assert (len(listed.items), listed.dropped) == (10, 90)
        assert [message.number for message in listed.items] == list(range(91, 101))
        assert [message.fate.state for message in listed.items] == ["never", "later"] * 5
        assert store.standing("2").messages == 100
        assert [message.number for message in store.messages("2", Wanted(after=94, limit=2), 0.0).items] == [95, 96]


@EACH_STORE
def test_one_send_over_the_limit_is_kept_whole(make: Making) -> None:
    with made(make, Limits(messages=10)) as store:
        store.open(POSTPAID)
        store.accept("2", task(1, *map(str, range(25))), [], [], 0.0)
        assert len(store.messages("2", ALL, 0.0).items) == 25
        store.accept("2", task(1, "x"), [], [], 0.0)
        assert [message.mobile for message in store.messages("2", ALL, 0.0).items] == ["x"]


@EACH_STORE
def test_long_texts_are_dropped_sooner(make: Making) -> None:
    with made(make, Limits(message_bytes=130)) as store:
        store.open(POSTPAID)
        for _ in range(30):
            store.accept("2", task(1, content="x" * 30), [], [], 0.0)
        assert len(store.messages("2", ALL, 0.0).items) == 3


@EACH_STORE
def test_long_numbers_are_dropped_sooner(make: Making) -> None:
    with made(make, Limits(message_bytes=2_500)) as store:
        store.open(POSTPAID)
        for _ in range(5):
            store.accept("2", task(1, "1" * 1000), [], [], 0.0)
        assert len(store.messages("2", ALL, 0.0).items) == 2


@EACH_STORE
def test_a_character_counts_with_all_its_bytes(make: Making) -> None:
    with made(make, Limits(message_bytes=2_500)) as store:
        store.open(POSTPAID)
        for _ in range(5):
            store.accept("2", task(1, content="😀" * 250), [], [], 0.0)
        assert len(store.messages("2", ALL, 0.0).items) == 2


@EACH_STORE
def test_of_long_items_that_were_handed_out_fewer_can_be_shown_and_rewound(make: Making) -> None:
    with made(make, Limits(handed_out_bytes=10_000)) as store:
        store.open(POSTPAID)
        for place in range(50):
            store.put("2", [], [reply(0.0, str(place), "好" * 333)], 0.0)
            assert len(store.take_replies("2", 0.0, place)) == 1
            ledger = store.ledger("2", "replies", 0.0)
            assert max(0, place - 20) <= ledger.forgotten <= max(0, place + 1 - 8)
        for _ in range(2):
            rewound = store.rewind("2", "replies", None, None)
            assert rewound == 50 - ledger.forgotten
            assert store.ledger("2", "replies", 0.0).waiting == rewound
            assert [one.mobile for one in store.take_replies("2", 0.0, 1)] == list(
                map(str, range(ledger.forgotten, 50))
            )
            ledger = store.ledger("2", "replies", 0.0)
        store.put("2", [], [reply(0.0, "last", "x" * 30_000)], 0.0)
        store.take_replies("2", 0.0, 1)
        assert [queued.item.mobile for queued in store.replies("2", ALL, 0.0).items] == ["last"]


def test_what_is_forgotten_is_freed_in_memory() -> None:
    """However large it is, and however few tasks that are."""

    class Numbers(list[str]):
        """A list that can be watched."""

    store = MemoryStore(Limits(messages=10, message_bytes=1_000, handed_out=10))
    store.open(POSTPAID)
    watched: list[weakref.ref[Numbers]] = []
    for _ in range(1000):
        numbers = Numbers(str(13000000000 + place) for place in range(50))
        watched.append(weakref.ref(numbers))
        store.accept("2", task(1, content="x" * 1000)._replace(numbers=numbers), [], [], 0.0)
    del numbers
    assert sum(one() is not None for one in watched) == 1


@EACH_STORE
def test_a_message_tells_its_fate_as_long_as_it_is_kept(make: Making) -> None:
    """Whether a report was handed out is known even when it cannot be rewound any more."""
    with made(make, Limits(handed_out=2)) as store:
        store.open(POSTPAID)
        for place in range(20):
            store.accept("2", task(1), [report(0.0, str(place), place=0)], [], 0.0)
            store.take_reports("2", 1, 0.0, 1)
        sent = store.messages("2", ALL, 0.0).items
        assert [message.report and message.report.mobile for message in sent] == list(map(str, range(20)))
        assert {message.fate.state for message in sent} == {"handed out"}


def entry(number: int, userid: str, answer: bytes = b"") -> Entry:
    return Entry(number, 0.0, 0.0, 0.0, "GET", "/", b"", [], b"", userid, "", "", None, 200, "", answer)


@EACH_STORE
def test_of_the_journal_the_last_requests_are_kept(make: Making) -> None:
    with made(make, Limits(requests=10)) as store:
        numbers = [store.next_request() for _ in range(35)]
        for number in numbers:
            store.record(entry(number, str(number % 2)))
        listed = store.requests(None, ALL)
        assert ([one.number for one in listed.items], listed.dropped) == (numbers[-10:], 25)
        assert [one.number for one in store.requests(str(numbers[-1] % 2), ALL).items] == numbers[-9::2]
        assert store.request(numbers[-10]) == entry(numbers[-10], str(numbers[-10] % 2))
        assert store.request(numbers[-11]) is None
        assert [store.has_request(number) for number in numbers[-11:-8]] == [False, True, True]
        store.forget_requests()
        assert not store.has_request(numbers[-1])
        assert store.requests(None, ALL) == ([], False, 0)
        assert store.next_request() > numbers[-1]


def test_a_request_is_found_in_memory_without_looking_at_the_others() -> None:
    looked_at: list[int] = []

    class Watched(Entry):
        @property
        def number(self) -> int:
            looked_at.append(self[0])
            return self[0]

    store = MemoryStore()
    for number in range(1, 1001):
        store.record(Watched(*entry(number, "1")))
    looked_at.clear()
    assert store.request(1) == entry(1, "1")
    assert len(looked_at) < 10


@EACH_STORE
def test_the_journal_has_so_many_bytes_at_most(make: Making) -> None:
    with made(make, Limits(request_bytes=100_000)) as store:
        for _ in range(30):
            store.record(entry(store.next_request(), "1", b"x" * 10_000))
        kept = store.requests(None, ALL)
        assert 1 < len(kept.items) <= 10
        assert len(kept.items) + kept.dropped == 30
