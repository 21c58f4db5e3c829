"""Numbers that a process takes in blocks: each is given once, and soon after another not before it.

Here belongs the lease, with a clock that a test turns. That processes share one is in `test_valkey_processes`.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from hypothesis import given
from hypothesis import strategies as st

from sms10692_mock.stores.valkey.sequences import BlockSequence


def test_who_seldom_asks_gets_the_next_number_and_who_often_asks_asks_seldom() -> None:
    blocks: list[int] = []
    now = [0.0]

    def take(size: int) -> int:
        blocks.append(size)
        return sum(blocks)

    lease = BlockSequence(take, lambda: now[0])
    for expected in range(1, 5):
        assert lease.next() == expected
        now[0] += 1.0
    assert blocks == [1, 1, 1, 1]
    numbers = [lease.next() for _ in range(5000)]
    assert numbers == sorted(numbers)
    assert len(blocks) < 20


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0.0, 0.1, 0.7, 2.0])), max_size=200))
def test_a_number_is_greater_than_all_that_were_given_more_than_a_second_ago(asked: list[tuple[int, float]]) -> None:
    taken = [0]
    now = [0.0]

    def take(size: int) -> int:
        taken[0] += size
        return taken[0]

    processes = [BlockSequence(take, lambda: now[0]) for _ in range(3)]
    given: list[tuple[float, int, int]] = []
    for process, seconds in asked:
        number = processes[process].next()
        assert all(number != other for _, _, other in given)
        assert all(number > other for moment, who, other in given if who == process or now[0] - moment > 1.0)
        given.append((now[0], process, number))
        now[0] += seconds


def test_where_the_count_is_lost_numbers_go_on_with_a_question_more() -> None:
    questions, taken, now = [0], [0], [0.0]

    def take(size: int) -> int:
        questions[0] += 1
        taken[0] += size
        return taken[0]

    lease = BlockSequence(take, lambda: now[0])
    last = [lease.next() for _ in range(100_000)][-1]
    now[0] += 1.0
    questions[0] = taken[0] = 0
    assert [lease.next() for _ in range(3)] == [last + 1, last + 2, last + 3]
    assert questions[0] <= 5


def test_numbers_given_to_many_at_once_are_given_once_and_grow_for_each() -> None:
    taking, taken = Lock(), [0]

    def take(size: int) -> int:
        with taking:
            time.sleep(0)  # others ask meanwhile
            taken[0] += size
            return taken[0]

    lease = BlockSequence(take)
    with ThreadPoolExecutor(8) as threads:
        of_each = list(threads.map(lambda _: [lease.next() for _ in range(1000)], range(8)))
    assert all(mine == sorted(mine) for mine in of_each)
    assert len({number for mine in of_each for number in mine}) == 8000
    assert taken[0] < 16_000
