"""A valid fault of each kind, for tests and tools that go through all kinds."""

from collections.abc import Mapping
from typing import Any, Final

from sms10692_mock.domain.fault_kinds import FAULT_KINDS, FaultKind

PARAMETERS: Final = {"seconds": 0.01, "status": 503, "at": 5, "charset": "gbk", "message": "用户名或密码错误"}
"""A value for each parameter that a kind of fault can take; the message is one of every operation."""

FAULTS: Final[Mapping[FaultKind, dict[str, Any]]] = {
    kind: {"kind": kind} | ({spec.parameter: PARAMETERS[spec.parameter]} if spec.parameter else {})
    for kind, spec in FAULT_KINDS.items()
}
"""A fault of each kind, as the control API takes it."""
