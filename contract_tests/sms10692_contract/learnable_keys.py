"""How `learn` reads a key of a profile: by which probes, and how the value is read from their responses.

The rows are in `checks.brands`, each beside the check of its key; the documents list them.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sms10692_contract.expectations import get_message
from sms10692_contract.expected import ParsedResponse
from sms10692_contract.probes import (
    PROBES,
    NotObserved,
    ProbeSession,
    expect_answer,
    is_accepted,
)
from sms10692_contract.profiles import MANUAL_VALUES, get_manual_message

ObservedValue: TypeAlias = tuple[Any, tuple[ParsedResponse, ...]]
"""A value, and the responses that show it together."""

Reader: TypeAlias = Callable[[ProbeSession], Iterable[ObservedValue]]

MAX_TEXT: Final = 200
"""Most characters of a text in a profile."""

FORBIDDEN: Final = "包含非法字符"
"""How `keyword_found` must begin in a profile, and `keyword_clean` may not."""

_EXPRESSIBLE: Final[Mapping[str, Callable[[str], bool]]] = {
    "keyword_found": lambda text: text.startswith(FORBIDDEN),
    "keyword_clean": lambda text: not text.startswith(FORBIDDEN),
}


@dataclass(frozen=True)
class Observation:
    """What was observed of a key: its value, and the responses that show it."""

    key: str
    value: Any
    responses: tuple[ParsedResponse, ...]

    @property
    def grade(self) -> str:
        """S if three or more exchanges show the value, M if two do, W if one does."""
        return {1: "W", 2: "M"}.get(len(self.responses), "S")


@dataclass(frozen=True)
class LearnableKey:
    """A key, or `texts.` and a cause: the probes, and how the value is read, in English and Chinese."""

    key: str
    probes: tuple[str, ...]
    en: str
    zh: str
    read: Reader

    @property
    def permissions(self) -> list[str]:
        """The permissions of all its probes."""
        return sorted({name for probe in self.probes for name in PROBES[probe].permissions}, reverse=True)

    @property
    def clause(self) -> str:
        """The clause about the key."""
        return f"D-{self.key.partition('.')[0].replace('_', '-')}"

    @property
    def manual_value(self) -> Any:
        """The value in the manual's profile."""
        name, _, cause = self.key.partition(".")
        return get_manual_message(cause) if cause else MANUAL_VALUES[name]

    def observe(self, session: ProbeSession) -> Observation:
        """Send the probes and read the value. Raises NotObserved, also if responses contradict each other."""
        observed = list(self.read(session))
        for response in (each for _, group in observed for each in group):
            expect_answer(response)
            if session.limit_text and get_message(response) == session.limit_text:
                raise NotObserved("the message is that of a limit")
        session.confirm_refusals()
        if not observed:
            raise NotObserved("the responses show no value that a profile knows")
        values = list({json.dumps(value, ensure_ascii=False): value for value, _ in observed}.values())
        if len(values) > 1:
            shown = session.mask(", ".join(map(repr, values)))
            raise NotObserved(f"the responses contradict each other: {shown}")
        (value,) = values
        if isinstance(value, str) and value != self.manual_value:
            if session.contains_secret(value):
                raise NotObserved("the message contains something of the account or of a person, or may contain it")
            if not _is_expressible(self.key, value):
                raise NotObserved(f"a profile cannot have the text {session.mask(value)[:MAX_TEXT]!r}")
        responses = {id(each): each for _, group in observed for each in group}
        return Observation(self.key, value, tuple(responses.values()))


def _is_expressible(key: str, text: str) -> bool:
    is_text = bool(text.strip()) and len(text) <= MAX_TEXT and text.replace("\u3000", " ").isprintable()
    return is_text and (key not in _EXPRESSIBLE or _EXPRESSIBLE[key](text))


def play_each(session: ProbeSession, *names: str) -> Iterator[ParsedResponse]:
    """Yield the responses to those of the probes that can be sent. Raises NotObserved if none can."""
    failure = None
    count = 0
    for name in names:
        try:
            response = session.play(name)
        except NotObserved as error:
            failure = failure or error
            continue
        count += 1
        yield response
    if failure is not None and not count:
        raise failure


def list_elements(response: ParsedResponse) -> tuple[str, ...]:
    return () if response.document is None else tuple(child.name for child in response.document.children)


def find_last(accepts: Callable[[int], bool], most: int, usual: int) -> int:
    """Return the largest number up to `most` that is accepted, if all smaller ones are: 1 is. `usual` is tried first.

    >>> tried = []
    >>> find_last(lambda n: tried.append(n) or n <= 10, 20, 10), tried
    (10, [10, 11])
    >>> find_last(lambda n: n <= 7, 20, 10), find_last(lambda n: True, 20, 10)
    (7, 20)
    """
    low, high = 1, most + 1
    guesses = [usual, usual + 1]
    while high - low > 1:
        guess = guesses.pop(0) if guesses else (low + high) // 2
        if low < guess < high:
            low, high = (guess, high) if accepts(guess) else (low, guess)
    return low


def show_edge(session: ProbeSession, name: str, *values: int) -> tuple[ParsedResponse, ...]:
    """Return the responses to the probes with these values, as far as they were sent."""
    return tuple(session.responses[name, value] for value in values if (name, value) in session.responses)


def read_text(name: str, *arguments: str | int) -> Reader:
    def read(session: ProbeSession) -> Iterator[ObservedValue]:
        response = session.play(name, *arguments)
        yield get_refusal(session, response), (response,)

    return read


def get_refusal(session: ProbeSession, response: ParsedResponse) -> str:
    """Return the message of a refusal, with `{word}` for the forbidden word. Raises NotObserved if it is none."""
    message = get_message(response)
    if is_accepted(response) or not message:
        raise NotObserved("the request is not refused with a message")
    if any(name in _REPEATABLE and len(value) > 1 and value in message for name, value in response.request.pairs):
        raise NotObserved("the message repeats what was sent, which a profile cannot say")
    return message


_REPEATABLE: Final = ("extno", "sendTime", "statusNum", "mobile", "userid", "account", "password", "sign")
"""Parameters whose value some vendors repeat in the message of a refusal."""


def read_edge_text(key: LearnableKey, name: str, offset: int) -> Reader:
    """Return a reader of the text with which the first value beyond a limit is refused."""

    def read(session: ProbeSession) -> Iterator[ObservedValue]:
        edge = key.observe(session).value
        response = None if edge is None else session.responses.get((name, edge + offset))
        if response is None:
            raise NotObserved("no limit was found")
        yield get_refusal(session, response), (response,)

    return read


def learn_text(cause: str, probe: str, en: str, zh: str, read: Reader | None = None) -> LearnableKey:
    return LearnableKey(f"texts.{cause}", (probe,), en, zh, read or read_text(probe))


MESSAGE: Final = "the message", "提示的文字"

TOO_MANY: Final = (
    "it would take more requests, or messages to one phone, than a real account should send",
    ("需要的请求或发给同一手机的短信太多，不适合真实账号"),
)

LOCKS_ACCOUNT: Final = "it would lock the account", "会锁定账号"

CHANGES_PASSWORD: Final = "no request may change the password of a real account", "不得修改真实账号的密码"

OTHER_STATE: Final = "the account would have to be in another state", "账号须处于另一状态"
