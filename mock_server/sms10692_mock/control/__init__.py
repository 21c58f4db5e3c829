"""What a test or a person may see and turn of the emulator, as documents.

Here belongs all that the control address and the console do. How that is reached over HTTP is in `http`; what is
behind it is the vendor's and the store's.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel

from sms10692 import __version__
from sms10692_mock.accounts import Account
from sms10692_mock.bell import Bell
from sms10692_mock.control.accounts import Accounts, DialectName
from sms10692_mock.control.clocks import Clocks
from sms10692_mock.control.requests import Requests
from sms10692_mock.control.traffic import Traffic
from sms10692_mock.control.weather import Weather
from sms10692_mock.vendor import Vendor


class Health(BaseModel):
    """That it is there, and what it is."""

    ready: Literal[True]
    version: str
    dialect: DialectName
    store: str


class Control:
    """One emulator, seen from behind, by subject.

    `bell` is rung by its pages, and by whoever changes something here.
    """

    def __init__(
        self,
        vendor: Vendor,
        dialect: DialectName,
        bell: Bell,
        originals: Sequence[Account],
        unused: float,
    ) -> None:
        self.vendor = vendor
        self.bell = bell
        self.dialect: DialectName = dialect
        self.accounts = Accounts(vendor, dialect, originals, unused)
        self.clocks = Clocks(vendor, self.accounts)
        self.traffic = Traffic(vendor, self.accounts, bell)
        self.requests = Requests(vendor.store, self.accounts, bell)
        self.weather = Weather(vendor.store, self.accounts)

    def health(self) -> Health:
        """That it is there."""
        return Health(ready=True, version=__version__, dialect=self.dialect, store=self.vendor.store.name)
