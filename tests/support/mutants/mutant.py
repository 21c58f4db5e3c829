"""What a broken vendor is: a name, one fault, and the clauses that must fail for it.

Here belongs what every family is made of. Where in an emulator a fault can be put is in `vendors`.
"""

from collections.abc import Callable
from typing import NamedTuple

from sms10692_mock.domain.results import SendResult
from support.mutant_vendor import Defect


class Mutant(NamedTuple):
    """A vendor with one fault, and what the suite must say about it."""

    name: str
    fault: Defect
    clauses: tuple[str, ...]


def replacing_text(old: str, new: str, only: str = "") -> Defect:
    """The text of answers with one thing in place of another; only of those in which `only` stands."""
    return Defect(text=lambda text, call: text.replace(old, new) if not only or only in text else text)


def changing_send_result(change: Callable[[SendResult], SendResult]) -> Defect:
    """The answer to an accepted send, changed."""
    return Defect(answer=lambda call, one: change(one) if isinstance(one, SendResult) else one)
