"""Serialization of why a request failed: the evidence of a refusal and triggered faults, both as JSON arrays."""

from collections.abc import Sequence
from typing import Any

from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.faults import TriggeredFault


def load_evidence(row: Any) -> Evidence | None:
    """Load evidence from parsed JSON.

    >>> load_evidence(["extno-too-long", [11, 10]]), load_evidence(None)
    (Evidence(code='extno-too-long', values=(11, 10), profile=''), None)
    """
    return None if row is None else Evidence(row[0], tuple(row[1]), *row[2:])


def load_triggered_faults(rows: Sequence[Any]) -> tuple[TriggeredFault, ...]:
    """Load triggered faults from parsed JSON. Earlier versions stored only their kinds.

    >>> load_triggered_faults([["latency", 2], "hang"])
    (TriggeredFault(kind='latency', left=2), TriggeredFault(kind='hang', left=None))
    """
    return tuple(
        TriggeredFault(row, None) if isinstance(row, str) else TriggeredFault(*row)  # type: ignore[arg-type]  # stored
        for row in rows
    )
