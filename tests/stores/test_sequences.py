"""`BlockSequence` with a controllable clock: numbers are unique and increase with time."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from hypothesis import given
from hypothesis import strategies as st

from sms10692_mock.stores.valkey.sequences import BlockSequence


def test_blocks_are_small_at_low_rates_and_large_at_high_rates() -> None:
    blocks: list[int] = []
    now = [0.0]

    def reserve(size: int) -> int:
        blocks.append(size)
        return sum(blocks)

    sequence = BlockSequence(reserve, lambda: now[0])
    for expected in range(1, 5):
        assert sequence.next() == expected
        now[0] += 1.0
    assert blocks == [1, 1, 1, 1]
    numbers = [sequence.next() for _ in range(5000)]
    assert numbers == sorted(numbers)
    assert len(blocks) < 20


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0.0, 0.1, 0.7, 2.0])), max_size=200))
def test_a_number_is_greater_than_all_numbers_older_than_a_second(requests: list[tuple[int, float]]) -> None:
    last_reserved = [0]
    now = [0.0]

    def reserve(size: int) -> int:
        last_reserved[0] += size
        return last_reserved[0]

    processes = [BlockSequence(reserve, lambda: now[0]) for _ in range(3)]
    allocated: list[tuple[float, int, int]] = []
    for process, seconds in requests:
        number = processes[process].next()
        assert all(number != other for _, _, other in allocated)
        assert all(number > other for at, owner, other in allocated if owner == process or now[0] - at > 1.0)
        allocated.append((now[0], process, number))
        now[0] += seconds


def test_numbers_continue_after_the_counter_was_lost() -> None:
    calls, last_reserved, now = [0], [0], [0.0]

    def reserve(size: int) -> int:
        calls[0] += 1
        last_reserved[0] += size
        return last_reserved[0]

    sequence = BlockSequence(reserve, lambda: now[0])
    last = [sequence.next() for _ in range(100_000)][-1]
    now[0] += 1.0
    calls[0] = last_reserved[0] = 0
    assert [sequence.next() for _ in range(3)] == [last + 1, last + 2, last + 3]
    assert calls[0] <= 5


def test_numbers_are_unique_across_threads_and_increase_per_thread() -> None:
    lock, last_reserved = Lock(), [0]

    def reserve(size: int) -> int:
        with lock:
            time.sleep(0)  # let other threads run
            last_reserved[0] += size
            return last_reserved[0]

    sequence = BlockSequence(reserve)
    with ThreadPoolExecutor(8) as threads:
        numbers_per_thread = list(threads.map(lambda _: [sequence.next() for _ in range(1000)], range(8)))
    assert all(numbers == sorted(numbers) for numbers in numbers_per_thread)
    assert len({number for numbers in numbers_per_thread for number in numbers}) == 8000
    assert last_reserved[0] < 16_000
