"""How long a run waits for reports and replies."""

from dataclasses import dataclass
from typing import Final

from sms10692_contract.http import CONTINUE_SECONDS

REPORT_TIMEOUT: Final = 180
"""Seconds after which a missing report counts as lost."""


@dataclass(frozen=True)
class Pace:
    """Waiting times in seconds at a server whose clock cannot be moved.

    `poll` is the time between two fetches. A report that is not there after `report` counts as missing; without a
    reply after `reply`, there is none. A scheduled send is due after `schedule`. A body is sent after
    `without_continue` although no 100 Continue has come.
    """

    poll: float = 5.0
    report: float = REPORT_TIMEOUT
    reply: float = 30.0
    schedule: float = 60.0
    without_continue: float = CONTINUE_SECONDS
