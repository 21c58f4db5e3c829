"""Faults, and which of them apply to a request.

Their kinds are in `fault_kinds`; the effect of a fault on the HTTP response is in `app.fault_injection`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from sms10692 import protocol
from sms10692_mock.domain.fault_kinds import FaultKind

_PROTOCOL_MESSAGES: Final = frozenset(
    message for operation in protocol.OPERATIONS for message in operation.all_messages
)


class TriggeredFault(NamedTuple):
    """A fault that was triggered by a request, and how often it will be triggered again (None: no limit)."""

    kind: FaultKind
    left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One injected fault.

    `operations` are names of the protocol's operations; none means all. The fault applies to the next `times`
    requests (None: no limit), to each with this `probability`, repeatable with `seed`. `seconds` to `seconds_max` is
    the range of a latency; `at` the byte at which a response is truncated; `status` an HTTP status; `message` that of a
    refusal; `charset` the charset that the response claims. With `apply`, the vendor executes the request all the
    same. `evaluated` counts the requests for which the fault was evaluated, `triggered` those that it affected. `since`
    is when it was added (Unix time, 0: unknown), `preset` the name of the preset that added it. What is only shown does
    not count in comparisons.
    """

    id: str
    kind: FaultKind
    operations: tuple[str, ...] = ()
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    seconds: float = 0.0
    seconds_max: float | None = None
    at: int = 0
    status: int = 500
    message: str = ""
    charset: str = ""
    apply: bool = False
    evaluated: int = 0
    triggered: int = field(default=0, compare=False)
    since: float = field(default=0.0, compare=False)
    preset: str = field(default="", compare=False)

    def get_trigger(self) -> TriggeredFault:
        """Return what the request log keeps of a fault that `evaluate` returned as triggered."""
        return TriggeredFault(self.kind, None if self.times is None else self.times - 1)

    def latency(self) -> float:
        """Return the seconds to delay the current request."""
        if self.seconds_max is None:
            return self.seconds
        return self.seconds + (self.seconds_max - self.seconds) * seeded_random(f"{self.seed}:latency:{self.evaluated}")


def seeded_random(text: str) -> float:
    """Return a number in [0, 1) that depends only on `text`, uniformly distributed over texts."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big") / 2**48


def matches(fault: Fault, operation: str, messages: Sequence[str]) -> bool:
    """Return whether a fault concerns requests of this operation, whose messages are `messages` (R21).

    Without operations, a message of the protocol concerns the operations that have it, any other message all of them.
    """
    if fault.operations:
        return operation in fault.operations
    return not fault.message or fault.message in messages or fault.message not in _PROTOCOL_MESSAGES


def evaluate(
    faults: Sequence[Fault], operation: str, messages: Sequence[str]
) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
    """Return the faults that apply to a request of this operation, and all faults as they are afterwards.

    >>> once = Fault(id="a", kind="empty_body", times=1)
    >>> triggered, left = evaluate([once], "send", ["ok"])
    >>> [fault.kind for fault in triggered], left
    (['empty_body'], ())
    """
    triggered: list[Fault] = []
    left: list[Fault] = []
    for fault in faults:
        if not matches(fault, operation, messages):
            left.append(fault)
            continue
        evaluated = replace(fault, evaluated=fault.evaluated + 1)
        if fault.probability >= 1.0 or seeded_random(f"{fault.seed}:{fault.evaluated}") < fault.probability:
            triggered.append(evaluated)
            times = None if fault.times is None else fault.times - 1
            evaluated = replace(evaluated, times=times, triggered=fault.triggered + 1)
        if evaluated.times != 0:
            left.append(evaluated)
    return tuple(triggered), tuple(left)
