"""What a broken vendor is: a name, one fault, and the clauses that must fail for it.

Here belongs what every family is made of. Where in an emulator a fault can be put is in `vendors`.
"""

from collections.abc import Callable
from typing import NamedTuple

from sms10692_mock.domain.results import Sent
from support.mutant_vendor import Fault


class Broken(NamedTuple):
    """A vendor with one fault, and what the suite must say about it."""

    name: str
    fault: Fault
    clauses: tuple[str, ...]


def says(old: str, new: str, only: str = "") -> Fault:
    """The text of answers with one thing in place of another; only of those in which `only` stands."""
    return Fault(text=lambda text, call: text.replace(old, new) if not only or only in text else text)


def sent(change: Callable[[Sent], Sent]) -> Fault:
    """The answer to an accepted send, changed."""
    return Fault(answer=lambda call, one: change(one) if isinstance(one, Sent) else one)
