"""Serialization of the evidence of a refusal: a JSON array of its code and the array of its values."""

from typing import Any

from sms10692_mock.domain.evidence import Evidence


def load_evidence(row: Any) -> Evidence | None:
    """Load evidence from parsed JSON.

    >>> load_evidence(["extno-too-long", [11, 10]]), load_evidence(None)
    (Evidence(code='extno-too-long', values=(11, 10)), None)
    """
    return None if row is None else Evidence(row[0], tuple(row[1]))
