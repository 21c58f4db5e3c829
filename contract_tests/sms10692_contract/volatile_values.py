"""Replacement of the values of a response that differ from run to run by what they mean in their run.

A task number is new or known, a balance becomes its difference to the one after the last send, a time its form, a
number and the text of a reply a word. How a number is written stays: the digits of a long task number, and decimals. So
responses of two servers can be compared, and shown to anybody.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from sms10692_contract.expected import ParsedResponse

_XML_VALUE: Final = re.compile(
    r"(?P<open><(?P<name>remainpoint|overage|sendTotal|taskID|taskid|receivetime|mobile|content|userid)>\s*"
    r"(?:<!\[CDATA\[)?)(?P<value>(?:(?!</(?P=name)>).)*?)(?P<close>(?:\]\]>)?\s*</(?P=name)>)",
    re.DOTALL,
)
_JSON_VALUE: Final = re.compile(
    r'(?P<open>"(?P<name>remainpoint|overage|sendtotal|taskid|receivetime|mobile|content|userid)"\s*:\s*"?)'
    r'(?P<value>(?:\\.|[^"\\,}\]])*)(?P<close>)',
    re.IGNORECASE,
)
_ITEM: Final = re.compile(r"\s*<(statusbox|callbox)>(?:(?!</\1>).)*</\1>", re.DOTALL)
_TASK_OF_ITEM: Final = re.compile(r"<taskid>\s*(?:<!\[CDATA\[)?([^<\]]*)")
_POINTS: Final = re.compile(r"(-?[0-9]{1,18})(?:\.([0-9]{1,9}))?")
_USUAL_DIGITS: Final = 9
"""Number of digits up to which a task number is like those of other servers."""

TASK_KIND: Final = re.compile("(?<= task)(?: of [0-9]+ digits| that is no number)")
DECIMALS: Final = re.compile("(?<=[a-z0-9]), [0-9] decimals")
"""How a number is written, in a text in which `VolatileValues` has replaced it."""

_TIME: Final = re.compile(r"\d{4}([-/])\d\d?\1\d\d? \d\d?:\d\d:\d\d", re.ASCII)


@dataclass
class VolatileValues:
    """What the values of the responses of one server mean. `tasks` are the taskIDs of earlier sends.

    **Every response but those of queues passes `replace` once, in the order of the requests:** a balance is compared
    with the one after the last accepted send, or with the first one.
    """

    tasks: Collection[str]
    _balance: int | None = field(default=None)
    _total: int | None = field(default=None)

    def replace(self, response: ParsedResponse, is_accepted: bool) -> str:
        """Return the text of a response with its volatile values replaced; `is_accepted`: it is no refusal."""
        return self._replace_values(response.text, is_accepted)

    def replace_items(self, response: ParsedResponse, task: str) -> str:
        """Return the text of a response of a queue with the first item of a task only: the others differ in number."""
        kept: list[str] = []

        def keep_first(match: re.Match[str]) -> str:
            found = _TASK_OF_ITEM.search(match[0])
            if kept or found is None or found[1].strip() != task:
                return ""
            kept.append(match[0])
            return match[0]

        return self._replace_values(_ITEM.sub(keep_first, response.text), is_accepted=True)

    def _replace_values(self, text: str, is_accepted: bool) -> str:
        pattern = _JSON_VALUE if text.lstrip().startswith("{") else _XML_VALUE

        def describe(match: re.Match[str]) -> str:
            name, value = match["name"].lower(), match["value"].strip()
            if name in _WORDS and pattern is _XML_VALUE:
                return f"<{name}>{_WORDS[name] if value else ''}</{name}>"
            return f"{match['open']}{self._describe(name, value, is_accepted)}{match['close']}"

        return pattern.sub(describe, text)

    def _describe(self, name: str, value: str, is_accepted: bool) -> str:
        if name in _WORDS:
            return _WORDS[name] if value else ""
        if name == "taskid":
            return (
                value
                if value in ("", "0")
                else f"{'known' if value in self.tasks else 'new'} task{_describe_kind(value)}"
            )
        if name == "receivetime":
            found = _TIME.fullmatch(value)
            return f"a time with {found[1]}" if found else value
        points = _POINTS.fullmatch(value)
        if points is None:
            return value
        decimals = f", {len(points[2])} decimals" if points[2] else ""
        return self._describe_points(name, int(points[1]), is_accepted) + decimals

    def _describe_points(self, name: str, points: int, is_accepted: bool) -> str:
        if name == "sendtotal":
            if not is_accepted:
                return "0" if points == 0 else "another total"
            self._total = points if self._total is None else self._total
            return _describe_difference("total", points - self._total)
        if not is_accepted:
            return "balance" if points == self._balance else "0" if points == 0 else "another balance"
        difference = 0 if self._balance is None else points - self._balance
        if self._balance is None or name == "remainpoint":
            self._balance = points
        return _describe_difference("balance", difference)


_WORDS: Final[Mapping[str, str]] = {"mobile": "number", "content": "text", "userid": "userid"}


def _describe_kind(task: str) -> str:
    """Return how a task number is written, if not as usual.

    >>> _describe_kind("1212"), _describe_kind("202611302359590001"), _describe_kind("a-1")
    ('', ' of 18 digits', ' that is no number')
    """
    if not (task.isascii() and task.isdecimal()):
        return " that is no number"
    return f" of {len(task)} digits" if len(task) > _USUAL_DIGITS else ""


def _describe_difference(word: str, difference: int) -> str:
    return f"{word}{difference:+d}" if difference else word
