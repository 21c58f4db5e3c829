"""Numbers that a process takes in blocks: each is given once, and soon after another not before it.

Here belongs the lease, with a clock that a test turns. That processes share one is in `test_valkey_processes`.
"""

from hypothesis import given
from hypothesis import strategies as st

from sms10692_mock.stores.valkey.leases import Lease


def test_who_seldom_asks_gets_the_next_number_and_who_often_asks_asks_seldom() -> None:
    blocks: list[int] = []
    now = [0.0]

    def take(size: int) -> int:
        blocks.append(size)
        return sum(blocks)

    lease = Lease(take, lambda: now[0])
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

    processes = [Lease(take, lambda: now[0]) for _ in range(3)]
    given: list[tuple[float, int, int]] = []
    for process, seconds in asked:
        number = processes[process].next()
        assert all(number != other for _, _, other in given)
        assert all(number > other for moment, who, other in given if who == process or now[0] - moment > 1.0)
        given.append((now[0], process, number))
        now[0] += seconds
