"""Fixtures for tests of the testing API: an emulator, its control API (in process and over a socket), an account.

A test module imports a fixture by assignment: `emulator = handles.emulator`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from sms10692 import Client
from sms10692_mock import Emulator, EmulatorControl, SmsVendor
from support.http_client import TIMEOUT

NUMBER, OTHER_NUMBER = "15023239810", "13527576163"
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


def open_client(
    vendor: SmsVendor,
    *,
    userid: str | None = None,
    account: str | None = None,
    password: str | None = None,
    late: timedelta = timedelta(),
) -> Client:
    """Create a client for this account, with other credentials where passed. CA certificates are not loaded.

    Its clock is `late`.
    """
    return Client(
        vendor.url,
        userid=userid or vendor.userid,
        account=account or vendor.account,
        password=password or vendor.password,
        transport=httpx2.HTTPTransport(verify=False),
        timeout=TIMEOUT,
        clock=lambda: datetime.now(UTC) - late,
    )
