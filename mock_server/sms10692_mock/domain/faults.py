"""What can be made to go wrong between a client and the vendor, on demand.

Here belong faults as values, and which of them strike a request. What a struck answer looks like on the wire is the
affair of `http`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["latency", "hang", "status", "empty", "cut", "close", "charset", "bom", "message", "lose"]

APPLY_BY_DEFAULT: Final[frozenset[Kind]] = frozenset({"latency", "empty", "cut", "charset", "bom", "lose"})
"""The kinds with which the vendor still does what it was asked, and only the answer suffers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    `operations` are names of contract's operations, none meaning all. It strikes the next `remaining` requests, or any
    number where that is None, and of them a `share`, by dice that `seed` loads. `seconds` to `seconds_max` are those
    of a latency; `at` is the byte of the answer before which it is cut; `status` an HTTP status; `message` one of the
    manual's; `charset` what the answer claims to be written in. `acts` says whether the vendor does what it was asked
    all the same. `seen` counts the requests for which the dice were thrown.
    """

    id: str
    kind: Kind
    operations: tuple[str, ...] = ()
    remaining: int | None = None
    share: float = 1.0
    seed: int = 0
    seconds: float = 0.0
    seconds_max: float | None = None
    at: int = 0
    status: int = 500
    message: str = ""
    charset: str = ""
    acts: bool = False
    seen: int = 0

    def latency(self) -> float:
        """Seconds that this request waits."""
        if self.seconds_max is None:
            return self.seconds
        return self.seconds + (self.seconds_max - self.seconds) * seeded_random(f"{self.seed}:latency:{self.seen}")


def seeded_random(text: str) -> float:
    """A number from 0 to less than 1 that is always the same for the same text, and even over many."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big") / 2**48


def matches(fault: Fault, operation: str, messages: Sequence[str]) -> bool:
    """Whether a fault is one for requests of this operation, which has these messages."""
    if fault.operations and operation not in fault.operations:
        return False
    return not fault.message or fault.message in messages


def evaluate(
    faults: Sequence[Fault], operation: str, messages: Sequence[str]
) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
    """Which faults strike a request for this operation, and what is left of all of them afterwards.

    One with a message strikes only where the operation has that message.

    >>> once = Fault(id="a", kind="empty", remaining=1)
    >>> strikes, left = struck([once], "send", ["ok"])
    >>> [fault.kind for fault in strikes], left
    (['empty'], ())
    """
    strikes: list[Fault] = []
    left: list[Fault] = []
    for fault in faults:
        if not matches(fault, operation, messages):
            left.append(fault)
            continue
        seen = replace(fault, seen=fault.seen + 1)
        if fault.share >= 1.0 or seeded_random(f"{fault.seed}:{fault.seen}") < fault.share:
            strikes.append(seen)
            if fault.remaining is not None:
                seen = replace(seen, remaining=fault.remaining - 1)
        if seen.remaining != 0:
            left.append(seen)
    return tuple(strikes), tuple(left)
