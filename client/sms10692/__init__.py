"""Python client for the sms10692.com SMS API, and the vendor's protocol as constants.

This module lists the public names of the package. Each is imported on first use, so that a program that needs only
`sms10692.protocol` (the emulator, for example) does not import the HTTP and XML libraries.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from sms10692.async_client import AsyncClient
    from sms10692.client import Client
    from sms10692.errors import (
        ConnectionFailed,
        InvalidResponse,
        RawResponse,
        Reason,
        SmsError,
        SpoolError,
        UnencodableText,
        VendorRefusal,
    )
    from sms10692.models import BalanceResult, FetchedBatch, KeywordResult, PayInfo, Reply, Report, SendResult, Status
    from sms10692.segmentation import Segments, count_segments
    from sms10692.signing import CHINA
    from sms10692.spool import replay_spool

_EXPORTS = {
    "async_client": ("AsyncClient",),
    "client": ("Client",),
    "errors": (
        "ConnectionFailed",
        "InvalidResponse",
        "RawResponse",
        "Reason",
        "SmsError",
        "SpoolError",
        "UnencodableText",
        "VendorRefusal",
    ),
    "models": ("BalanceResult", "FetchedBatch", "KeywordResult", "PayInfo", "Reply", "Report", "SendResult", "Status"),
    "segmentation": ("Segments", "count_segments"),
    "signing": ("CHINA",),
    "spool": ("replay_spool",),
}
"""Exported names by module."""

__all__ = [
    "CHINA",
    "AsyncClient",
    "BalanceResult",
    "Client",
    "ConnectionFailed",
    "FetchedBatch",
    "InvalidResponse",
    "KeywordResult",
    "PayInfo",
    "RawResponse",
    "Reason",
    "Reply",
    "Report",
    "Segments",
    "SendResult",
    "SmsError",
    "SpoolError",
    "Status",
    "UnencodableText",
    "VendorRefusal",
    "count_segments",
    "replay_spool",
]


def __getattr__(name: str) -> Any:
    for module, names in _EXPORTS.items():
        if name in names:
            value = getattr(import_module(f"sms10692.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'sms10692' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
