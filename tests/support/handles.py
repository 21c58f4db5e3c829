"""What a test holds of an emulator, as fixtures: it, its control address, an account; and a client of the account.

Here belong fixtures for the files that take them by name, as in `emulator = holding.emulator`. What is held in
somebody's own tests is in `test_pytest_plugin`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx2
import pytest

from sms10692 import Client
from sms10692_mock import Emulator, EmulatorControl, SmsVendor
from support.emulators import TIMEOUT

NUMBER, OTHER = "15023239810", "13527576163"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(params=["in this process", "over a socket"])
def control(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[EmulatorControl]:
    if request.param == "in this process":
        yield emulator.control
    else:
        with EmulatorControl(emulator.url) as control:
            yield control


@pytest.fixture
def vendor(control: EmulatorControl) -> Iterator[SmsVendor]:
    with control.account() as vendor:
        yield vendor


def client(
    vendor: SmsVendor, *, userid: str | None = None, account: str | None = None, password: str | None = None
) -> Client:
    """A client of this account, or of one that is not quite it; it reads no certificates."""
    return Client(
        vendor.url,
        userid=userid or vendor.userid,
        account=account or vendor.account,
        password=password or vendor.password,
        transport=httpx2.HTTPTransport(verify=False),
        timeout=TIMEOUT,
    )
