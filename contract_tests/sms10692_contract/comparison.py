"""Comparison of two servers: the same probes are sent to both, and the differences of their responses are verdicts.

Values that differ from run to run are replaced before (`volatile_values`). What a key of a profile explains is a
difference of the clause of this key, anything else of the clause of the probe, or of a clause of the layout. **One
change is one difference:** what differs in the same way in several responses to an operation is one of the first probe
of the table.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from sms10692_contract.checks.brands import LEARNABLE
from sms10692_contract.clauses import BY_ID, CLAUSES
from sms10692_contract.expectations import find_difference
from sms10692_contract.expected import ParsedResponse
from sms10692_contract.layout import (
    CONTENT_TYPE,
    OVERAGE_ZEROS,
    SEND_ZEROS,
    STATUS_200,
    TASK_DIGITS,
    WHOLE_POINTS,
    attribute_difference,
)
from sms10692_contract.learnable_keys import LearnableKey, Observation
from sms10692_contract.learning import EMPTYING, learn_keys
from sms10692_contract.masking import shorten
from sms10692_contract.probes import OVER_BALANCE, PROBES, Call, NotObserved, NotSent, ProbeSession, ResponseLost
from sms10692_contract.requests import CHARSET, QUEUES, WireRequest, mask_request
from sms10692_contract.runner import State, Verdict
from sms10692_contract.volatile_values import DECIMALS, TASK_KIND
from sms10692_contract.xml_document import XmlElement, parse_xml

STATEFUL: Final[tuple[Call, ...]] = (
    ("overage-gbk",),
    ("overage-dataType",),
    ("status-empty",),
    ("status-wrong",),
    ("call-empty",),
    ("call-wrong",),
    ("send-wrong",),
    ("balance-refused",),
    ("balance-sent",),
    ("reports-again",),
    ("replies-again",),
    ("scheduled",),
    ("scheduled-early",),
    ("scheduled-late",),
    ("default",),
)
"""What is sent after the probes of the keys: sequences whose responses depend on what was sent before."""

_ALSO_SHOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "cdata": ("scheduled-late",),
    "receivetime": ("scheduled-late",),
    "item_extno": ("scheduled-late",),
    "item_userid": ("scheduled-late",),
    "delivered": ("scheduled-late",),
    "empty_queue": ("reports-again", "replies-again", "scheduled-early"),
    "texts.credentials-empty": ("keyword-empty", "send-empty", "status-empty", "call-empty"),
    "texts.credentials-wrong": ("send-wrong", "status-wrong", "call-wrong"),
    "texts.action": ("status-action", "call-action"),
    "texts.forbidden-word": ("older-word",),
}
"""Probes in whose responses a key is seen too, beside those that it is read from."""

_ZEROS: Final[Mapping[str, tuple[str, ...]]] = {
    SEND_ZEROS: ("remainpoint", "taskID", "successCounts"),
    OVERAGE_ZEROS: ("payinfo", "overage", "sendTotal"),
}
"""Elements of refusals whose values the manual does not tell, by the clause about them."""

_NUMBER_KINDS: Final[Mapping[str, tuple[re.Pattern[str], re.Pattern[str], str]]] = {
    TASK_DIGITS: (TASK_KIND, re.compile("(?:new|known) task"), "a task number"),
    WHOLE_POINTS: (DECIMALS, re.compile("(?<![a-z])(?:balance|total)"), "points"),
}
"""How numbers are written, by the clause about it, and where there is one: a refusal may have 0 instead."""

_BALANCE: Final = "1.3-remainpoint"
_OTHER_BALANCE: Final = re.compile(
    r"(remainpoint|overage) is '(?:another )?balance(?:[+-]\d+)?' instead of '(?:another )?balance(?:[+-]\d+)?'"
)
"""The cause of a difference of balances, whose size depends on the sends before."""

_ABOUT_BALANCES: Final = ("balance-refused", "scheduled")
"""Probes whose own clause is about the balance after them."""

_TEXT_LIMIT: Final = 4000
_CONTEXT: Final = 40
"""Number of characters that are shown around the first difference of two texts."""


class Difference(NamedTuple):
    """A difference of the responses to one probe: of which clause, what the servers sent, and what differs."""

    clause: str
    first: str
    second: str
    cause: str
    request: WireRequest


@dataclass
class _ClauseResult:
    """What the probes showed about one clause."""

    differences: list[Difference] = field(default_factory=list)
    equal: int = 0
    unsent: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def build_verdict(self, clause: str) -> Verdict:
        row = BY_ID[clause]
        if self.differences:
            first, causes = self.differences[0], dict.fromkeys(each.cause for each in self.differences)
            return Verdict(
                row,
                State.FAILED,
                f"A: {first.first}; B: {first.second}",
                f"A: {first.first}",
                f"B: {first.second}",
                mask_request(first.request),
                cause="; ".join(causes),
            )
        if self.lost:
            return Verdict(row, State.NOT_JUDGED, self.lost[0])
        if self.equal:
            return Verdict(row, State.HELD)
        return Verdict(row, State.NOT_EXERCISED, self.unsent[0])


@dataclass
class Comparison:
    """Two servers, A and B. `first` and `second` are their sessions."""

    first: ProbeSession
    second: ProbeSession
    _results: dict[str, _ClauseResult] = field(default_factory=dict)
    _explained: dict[str, str] = field(default_factory=dict)
    """The clause of the key that explains the differences of a probe, by the name of the probe."""
    _reported: dict[tuple[str, str], str] = field(default_factory=dict)
    """The clause of a difference, by operation and cause."""
    _ignores_line_ends: bool = False

    def compare(self) -> list[Verdict]:
        """Send everything to both servers, in turn, and return a verdict on each clause that this can show."""
        sides = (self.first, self.second)
        for name in (*EMPTYING, OVER_BALANCE):
            for session in sides:
                with suppress(NotObserved):
                    session.play(name)
        for learnable in LEARNABLE:
            self._judge_key(learnable, *(_observe(learnable, session) for session in sides))
        for call in STATEFUL:
            for session in sides:
                with suppress(NotObserved):
                    session.play(*call)
        names = [*PROBES]
        calls = dict.fromkeys((*self.first.responses, *self.first.failures, *STATEFUL))
        for call in sorted(calls, key=lambda call: names.index(str(call[0]))):
            self._judge_probe(call)
        return [self._results[clause.id].build_verdict(clause.id) for clause in CLAUSES if clause.id in self._results]

    def _get_result(self, clause: str) -> _ClauseResult:
        return self._results.setdefault(clause, _ClauseResult())

    def _judge_key(
        self, learnable: LearnableKey, first: Observation | NotObserved, second: Observation | NotObserved
    ) -> None:
        result = self._get_result(learnable.clause)
        values = [
            _describe_observation(session, each) for session, each in ((self.first, first), (self.second, second))
        ]
        if isinstance(first, ResponseLost) or isinstance(second, ResponseLost):
            result.lost.append("; ".join(values))
        elif isinstance(first, NotSent) or isinstance(second, NotSent):
            result.unsent.append(f"A: {values[0]}; B: {values[1]}")
        elif isinstance(first, Observation) and isinstance(second, Observation):
            if first.value == second.value:
                result.equal += 1
            else:
                self._add_key_difference(result, learnable, values, second)
        else:  # a server shows no value: the clauses of the probes say what it does instead
            result.unsent.append(f"A: {values[0]}; B: {values[1]}")

    def _add_key_difference(
        self, result: _ClauseResult, learnable: LearnableKey, values: list[str], shown: Observation
    ) -> None:
        cause = f"{learnable.key}: {values[1]} instead of {values[0]}"
        result.differences.append(
            Difference(learnable.clause, values[0], values[1], cause, shown.responses[-1].request)
        )
        for name in (*learnable.probes, *_ALSO_SHOWN.get(learnable.key, ())):
            self._explained.setdefault(name, learnable.clause)
        self._ignores_line_ends |= learnable.key == "line_end"

    def _judge_probe(self, call: Call) -> None:
        """Judge the responses of both servers to a probe."""
        name = str(call[0])
        result = self._get_result(PROBES[name].clause)
        for session in (self.first, self.second):
            if call in session.failures:
                failure = session.failures[call]
                text = f"{name}: {session.mask(str(failure))}"
                (result.lost if isinstance(failure, ResponseLost) else result.unsent).append(text)
                return
        if call not in self.first.responses or call not in self.second.responses:
            result.unsent.append(f"{name}: one of the servers did not get it, because of its responses before")
            return
        differences = list(self._find_differences(call))
        if not any(difference.clause == PROBES[name].clause for difference in differences):
            result.equal += 1
        for difference in differences:
            clause = self._explained.get(name, difference.clause)
            operation, cause = _find_operation(difference.request), _OTHER_BALANCE.sub(r"\1", difference.cause)
            is_layout = difference.clause not in (PROBES[name].clause, _BALANCE)  # of documents of all operations
            reported = clause if is_layout else self._reported.setdefault((operation, cause), clause)
            if reported == clause:
                self._get_result(clause).differences.append(difference._replace(clause=clause))
            if reported != difference.clause:
                self._get_result(difference.clause).unsent.append(f"{name}: see {reported}")

    def _find_differences(self, call: Call) -> Iterator[Difference]:
        """Yield the differences of status, type, meaning and layout of the responses to a probe."""
        first, second = self.first.responses[call], self.second.responses[call]
        one, other = (self._describe(session, session.responses[call]) for session in (self.first, self.second))
        own_clause = PROBES[str(call[0])].clause

        def build(clause: str, one: object, other: object, cause: str) -> Difference:
            first_text, second_text = (shorten(str(value), _TEXT_LIMIT) for value in (one, other))
            return Difference(clause, first_text, second_text, cause, second.request)

        if first.raw.status != second.raw.status:
            cause = f"HTTP {second.raw.status} instead of {first.raw.status}"
            yield build(STATUS_200, first.raw.status, second.raw.status, cause)
        kind, other_kind = (
            session.mask(session.responses[call].raw.content_type.lower().replace(" ", ""))
            for session in (self.first, self.second)
        )
        if kind != other_kind:
            yield build(CONTENT_TYPE, kind, other_kind, f"Content-Type {other_kind!r} instead of {kind!r}")
        items, other_items = (session.item_counts.get(call) for session in (self.first, self.second))
        if items != other_items:
            cause = f"{other_items} items in a response instead of {items}"
            yield build(own_clause, f"{items} items", f"{other_items} items", cause)
        for clause, (pattern, place, number) in _NUMBER_KINDS.items():
            kinds = [" and ".join(dict.fromkeys(pattern.findall(text))) or " as usual" for text in (one, other)]
            is_in_both = bool(place.search(one)) == bool(place.search(other))
            if is_in_both and kinds[0] != kinds[1]:
                yield build(clause, one, other, f"{number}{kinds[1]} instead of {number}{kinds[0]}")
            one, other = (pattern.sub("", text) for text in (one, other))
        if one == other:
            return
        root, other_root = _parse(one), _parse(other)
        if root is None or other_root is None:
            yield build(own_clause, one, other, _describe_change(one, other))
            return
        for clause, names in _ZEROS.items():
            values = [_find_values(each, names) for each in (root, other_root)]
            if values[0] and values[1] and values[0] != values[1]:
                yield build(clause, one, other, f"{values[1]} instead of {values[0]} in a refusal")
                one, other = (_replace_in_text(text, names) for text in (one, other))
                root, other_root = (_replace_values(each, names) for each in (root, other_root))
        cause = find_difference(root, other_root)
        if cause:
            is_balance = _OTHER_BALANCE.fullmatch(cause) and call[0] not in _ABOUT_BALANCES
            yield build(_BALANCE if is_balance else own_clause, one, other, cause)
        if cause or one == other:
            return
        for clause in attribute_difference(_replace_text(second, other), other_root, one):
            yield build(clause, one, other, _describe_change(one, other))

    def _describe(self, session: ProbeSession, response: ParsedResponse) -> str:
        text = session.describe(response)
        return text.replace("\r\n", "\n") if self._ignores_line_ends else text


def play_all(session: ProbeSession) -> None:
    """Send to one server all that a comparison sends."""
    for name in (*EMPTYING, OVER_BALANCE):
        with suppress(NotObserved):
            session.play(name)
    learn_keys(session)
    for call in STATEFUL:
        with suppress(NotObserved):
            session.play(*call)


def _find_operation(request: WireRequest) -> str:
    """Return what tells operations apart: the endpoint of a queue, the action at any other endpoint."""
    return request.endpoint if request.endpoint in QUEUES else dict(request.pairs).get("action", "")


def _observe(learnable: LearnableKey, session: ProbeSession) -> Observation | NotObserved:
    try:
        return learnable.observe(session)
    except NotObserved as error:
        return error


def _describe_observation(session: ProbeSession, observed: Observation | NotObserved) -> str:
    if isinstance(observed, NotObserved):
        return f"not observed: {session.mask(str(observed))}"
    return "no limit" if observed.value is None else repr(observed.value)


def _parse(text: str) -> XmlElement | None:
    try:
        return parse_xml(text)
    except ValueError:
        return None


def _find_values(root: XmlElement, names: Sequence[str]) -> list[str]:
    """Return the values of these elements in a refusal; none in any other document."""
    values = {child.name: child.text.strip() for child in root.children}
    is_refusal = values.get("returnstatus") == "Faild" and {*names} <= {*values}
    return [values[name] for name in names] if is_refusal else []


def _replace_values(root: XmlElement, names: Sequence[str]) -> XmlElement:
    """Replace the values of these elements by 0."""
    return root._replace(
        children=tuple(child._replace(text="0") if child.name in names else child for child in root.children)
    )


def _replace_in_text(text: str, names: Sequence[str]) -> str:
    """Do the same in a text, whose layout stays."""
    return re.sub(rf"(<(?:{'|'.join(names)})>\s*(?:<!\[CDATA\[)?)[^<\]]*", r"\g<1>0", text)


def _describe_change(one: str, other: str) -> str:
    """Return the surroundings of the first difference of two texts.

    >>> _describe_change("<a>1</a>", "<a> 1</a>")
    "'<a> 1</a>' instead of '<a>1</a>'"
    """
    equal = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))
    start = max(equal - _CONTEXT // 2, 0)
    return f"{other[start : start + _CONTEXT]!r} instead of {one[start : start + _CONTEXT]!r}"


def _replace_text(response: ParsedResponse, text: str) -> ParsedResponse:
    body = text.encode(CHARSET[response.request.endpoint], "xmlcharrefreplace")
    return ParsedResponse(response.request, replace(response.raw, body=body))
