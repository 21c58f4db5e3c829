"""The type of a mutant vendor, and factories of defects that several families use."""

from collections.abc import Callable
from typing import NamedTuple

from sms10692_mock.domain.results import AcceptedSend
from support.mutant_vendor import Defect


class Mutant(NamedTuple):
    """A name, one defect, and the clauses that must fail for it."""

    name: str
    defect: Defect
    clauses: tuple[str, ...]
    is_race: bool = False
    """Whether two requests must meet for the defect to show, which the scheduler decides."""


def replacing_text(old: str, new: str, only: str = "") -> Defect:
    """Replace `old` with `new` in the responses that contain `only`."""
    return Defect(text=lambda text, request: text.replace(old, new) if not only or only in text else text)


def changing_send_result(change: Callable[[AcceptedSend], AcceptedSend]) -> Defect:
    """Change the result of every accepted send."""
    return Defect(result=lambda request, result: change(result) if isinstance(result, AcceptedSend) else result)


def changing_sent_text(change: Callable[[str], str]) -> Defect:
    """Return the defect that a send is handled with a changed text."""
    return Defect(
        api_request=lambda request: (
            request._replace(content=change(request.content)) if request.action == "send" else request
        )
    )
