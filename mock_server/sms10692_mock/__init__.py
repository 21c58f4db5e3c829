"""An emulator of the sms10692.com SMS API.

The public names. Each is imported on first use, because pytest imports this package in every run, in every environment
where the package is installed, with or without the extra `[mock]`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sms10692_mock.config import Options
    from sms10692_mock.emulator import Emulator
    from sms10692_mock.testing.account import MessageNotSent, MessageSent, MistakeFound, SmsVendor
    from sms10692_mock.testing.api_client import ControlError, ControlRefused, ControlUnreachable
    from sms10692_mock.testing.async_sms_vendor import AsyncSmsVendor
    from sms10692_mock.testing.control import EmulatorControl
    from sms10692_mock.testing.verification_code import AmbiguousCode, find_code

_EXPORTS = {
    "emulator": ("Emulator",),
    "config": ("Options",),
    "testing.async_sms_vendor": ("AsyncSmsVendor",),
    "testing.api_client": ("ControlError", "ControlRefused", "ControlUnreachable"),
    "testing.control": ("EmulatorControl",),
    "testing.verification_code": ("AmbiguousCode", "find_code"),
    "testing.account": ("MessageNotSent", "MessageSent", "MistakeFound", "SmsVendor"),
}

__all__ = [
    "AmbiguousCode",
    "AsyncSmsVendor",
    "ControlError",
    "ControlRefused",
    "ControlUnreachable",
    "Emulator",
    "EmulatorControl",
    "MessageNotSent",
    "MessageSent",
    "MistakeFound",
    "Options",
    "SmsVendor",
    "find_code",
]


def __getattr__(name: str) -> Any:
    for module, names in _EXPORTS.items():
        if name in names:
            value = getattr(import_module(f"sms10692_mock.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'sms10692_mock' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
