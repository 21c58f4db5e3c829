"""The hunt: malformed requests, each answer judged, what brings something new kept, what is wrong shrunk.

Here belong counting and keeping. What a malformed request is stands in `changes`, what an answer must be in `judging`.
"""

import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Final
from urllib.parse import unquote_to_bytes

from fuzz.mutators import REAL, FuzzInput, broken_line, malformed, malformed_control
from fuzz.oracle import FuzzAnswer, check_control_response, check_raw_bytes, check_vendor_response
from fuzz.targets import InProcessTarget, over_a_socket
from sms10692_mock.domain.api_request import match_endpoint
from support.emulators import Address

_ANEW: Final = 2000
"""Requests after which an emulator begins anew, so that its queues stay short."""
_KEPT: Final = 3000
_EXPLAINED: Final = 50
"""One request of so many is explained."""
_TRIES: Final = 300
_AT_ONCE: Final = 32
_TOGETHER: Final = 1000
_NOT_ASKED: Final = (b"wait=", b"fault")
"""What is not asked of an emulator behind a socket, where nothing may hang and every 5xx is wrong."""
_ENOUGH: Final = 20
"""Wrong answers after which there is enough to mend."""

_SAID: Final = re.compile(
    rb"<(?:message|remark|errorcode)>[^<]*|<(?:status|call)box>|\"(?:Message|Remark)\":\"[^\"]*|<checkCounts>"
)
_CODE: Final = re.compile(r"(?:^|\| )([a-z.0-9-]+):")


@dataclass
class FuzzStats:
    """What a hunt saw: how many requests of each kind, which kinds of answers, and what was wrong."""

    asked: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    kinds: set[tuple[object, ...]] = field(default_factory=set)
    wrongs: list[str] = field(default_factory=list)

    def add(self, other: "FuzzStats") -> None:
        """What another hunt saw beside this one."""
        self.asked += other.asked
        self.answers += other.answers
        self.kinds |= other.kinds
        self.wrongs += other.wrongs


def wrong(under: InProcessTarget, one: FuzzInput, *, explained: bool = True) -> tuple[str | None, FuzzAnswer | None]:
    """What is wrong with the answer to a request, and the answer; there is none where an exception came instead."""
    try:
        answer = under.ask(one, explained=explained)
    except Exception as error:
        return f"raised {error!r}", None
    is_page = match_endpoint(unquote_to_bytes(one.target).decode("latin-1")) is not None
    return (check_vendor_response if is_page else check_control_response)(one, answer), answer


def novelty_key(one: FuzzInput, answer: FuzzAnswer) -> tuple[object, ...]:
    """What makes an answer another than those before: where, the status, the words, what the hint names."""
    said = frozenset(_SAID.findall(answer.body[:2000]))
    return one.target[:8].lower(), answer.status, said, frozenset(_CODE.findall(answer.headers.get("x-mock-hint", "")))


def minimise(one: FuzzInput) -> FuzzInput:
    """The same with what can be left out of it, so that it is still wrong; within so many tries."""
    tries, fresh = _TRIES, InProcessTarget()
    for name in ("body", "query"):
        size = len(getattr(one, name)) // 2
        while size:
            begin = 0
            while begin < len(whole := getattr(one, name)) and tries:
                tries -= 1
                less = one._replace(**{name: whole[:begin] + whole[begin + size :]})
                if wrong(fresh, less)[0] is not None:
                    one = less
                else:
                    begin += size
            size //= 2
    return one


def fuzz_in_process(seed: int, requests: int, until: float = float("inf"), control: float = 0.0) -> FuzzStats:
    """Ask so much in process, a share of it at the control address, or until a moment of `time.monotonic`."""
    dice, pages, beside, found = Random(seed), InProcessTarget(), InProcessTarget(), FuzzStats()  # noqa: S311 - the same for the same seed
    kept = list(REAL)
    for number in range(requests):
        if number % _ANEW == 0:
            pages.begin()
            beside.begin()
            if time.monotonic() > until:
                break
        to_control = dice.random() < control
        one = malformed_control(dice) if to_control else malformed(dice, kept)
        said, answer = wrong(beside if to_control else pages, one, explained=number % _EXPLAINED == 0)
        found.asked["control address" if to_control else "pages"] += 1
        if said is not None:
            small = minimise(one)
            found.wrongs.append(f"seed {seed}, request {number}: {said}\n    {small.raw()[:2000]!r}")
            if len(found.wrongs) >= _ENOUGH:
                break
        if answer is not None:
            found.answers[f"{answer.status} {answer.headers.get('content-type', '')}"] += 1
            kind = novelty_key(one, answer)
            if kind not in found.kinds:
                found.kinds.add(kind)
                if not to_control and len(kept) < _KEPT:
                    kept.append(one)
    return found


def fuzz_over_socket(seed: int, requests: int, address: Address, until: float = float("inf")) -> FuzzStats:
    """The same over a socket, with what is wrong below the pages too."""
    dice, found = Random(seed), FuzzStats()  # noqa: S311 - the same requests for the same seed

    def raws() -> Iterator[bytes]:
        while True:
            one = malformed_control(dice) if dice.random() < 0.1 else malformed(dice)
            raw = broken_line(dice, one) if dice.random() < 0.7 else one.raw()
            if not any(word in raw.lower() for word in _NOT_ASKED):
                yield raw

    def asked(raw: bytes) -> tuple[bytes, bytes]:
        return raw, over_a_socket(address, raw)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while found.asked["socket"] < requests and time.monotonic() < until and len(found.wrongs) < _ENOUGH:
            some = islice(raws(), min(_TOGETHER, requests - found.asked["socket"]))
            for raw, received in pool.map(asked, some):
                found.asked["socket"] += 1
                found.answers[f"socket: {received[9:12].decode('latin-1') or 'nothing'}"] += 1
                if (said := check_raw_bytes(received)) is not None:
                    found.wrongs.append(f"seed {seed}, over a socket: {said}\n    {raw[:2000]!r}")
    return found
