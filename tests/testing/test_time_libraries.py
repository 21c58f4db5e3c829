"""Libraries that freeze time: waits keep their real duration, and the vendor's clock shows the frozen time.

Each test runs in its own process, with the real freezegun, time-machine and pytest-freezer.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from support.http_client import TIMEOUT

pytest_plugins = ["pytester"]

PREAMBLE = """
from contextlib import contextmanager
from time import CLOCK_MONOTONIC, clock_gettime
from unittest import mock
import time

import pytest
import time_machine
from freezegun import freeze_time

NEW_YEAR = "2026-01-01 00:00:00"


@contextmanager
def patch_time_functions():
    with mock.patch("time.sleep"), mock.patch("time.monotonic", return_value=0.0):
        yield


PATCHES = {
    "freezegun": lambda: freeze_time(NEW_YEAR),
    "freezegun, real_asyncio": lambda: freeze_time(NEW_YEAR, real_asyncio=True),
    "freezegun, tick": lambda: freeze_time(NEW_YEAR, tick=True),
    "freezegun, auto_tick_seconds": lambda: freeze_time(NEW_YEAR, auto_tick_seconds=15),
    "time-machine": lambda: time_machine.travel(NEW_YEAR, tick=False),
    "time-machine, tick": lambda: time_machine.travel(NEW_YEAR, tick=True),
    "unittest.mock": patch_time_functions,
}
each_patch = pytest.mark.parametrize("patch", PATCHES)


class Elapsed:
    def __enter__(self):
        self._started = clock_gettime(CLOCK_MONOTONIC)
        return self

    def __exit__(self, *_):
        self.seconds = clock_gettime(CLOCK_MONOTONIC) - self._started
"""


@pytest.mark.slow("Waits in real time.")
def test_a_wait_lasts_its_timeout_in_real_time(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        PREAMBLE
        + """
        from sms10692_mock import EmulatorControl, MessageNotSent

        @each_patch
        def test_in_process(sms_vendor, patch):
            with PATCHES[patch](), Elapsed() as elapsed:
                with pytest.raises(MessageNotSent, match="within 0.3 s"):
                    sms_vendor.wait_message(to="13800000000", timeout=0.3)
            assert elapsed.seconds >= 0.3

        @each_patch
        def test_over_a_socket(sms_vendor, patch):
            with PATCHES[patch](), EmulatorControl(sms_vendor.url) as control:
                with Elapsed() as elapsed, pytest.raises(MessageNotSent):
                    control.get_account(sms_vendor.userid).wait_message(timeout=0.3)
            assert elapsed.seconds >= 0.3

        def test_with_the_fixture_of_pytest_freezer(freezer, sms_vendor):
            with pytest.raises(MessageNotSent):
                sms_vendor.wait_message(timeout=0.1)

        def test_with_the_fixture_of_time_machine(time_machine, sms_vendor):
            time_machine.move_to(NEW_YEAR, tick=False)
            with pytest.raises(MessageNotSent):
                sms_vendor.wait_message(timeout=0.1)
        """.replace("\n        ", "\n")
    )
    pytester.runpytest_subprocess(timeout=TIMEOUT).assert_outcomes(passed=16)


@pytest.mark.slow("Waits in real time.")
def test_a_latency_lasts_in_real_time(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        PREAMBLE
        + """
        import httpx2
        from sms10692 import Client

        @each_patch
        @pytest.mark.parametrize("transport_name", ["a socket", "WSGI"])
        def test_latency(sms_vendor, patch, transport_name):
            sms_vendor.fault("latency", seconds=0.3)
            transport = httpx2.WSGITransport(app=sms_vendor.wsgi) if transport_name == "WSGI" else None
            with PATCHES[patch](), Elapsed() as elapsed:
                with Client(sms_vendor.url, **sms_vendor.credentials, transport=transport) as client:
                    client.overage()
            assert elapsed.seconds >= 0.3
            (request,) = sms_vendor.requests()
            assert 0 < request.duration < 60
        """.replace("\n        ", "\n")
    )
    pytester.runpytest_subprocess(timeout=TIMEOUT).assert_outcomes(passed=14)


@pytest.mark.slow("Starts a process for each library.")
def test_the_vendors_clock_shows_the_frozen_time(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        PREAMBLE
        + """
        from datetime import timedelta
        from sms10692 import Client

        @pytest.mark.parametrize("patch", [patch for patch in PATCHES if patch != "unittest.mock"])
        def test_it(sms_vendor, patch):
            with PATCHES[patch](), Client(sms_vendor.url, **sms_vendor.credentials) as client:
                client.send("15023239810", "x")
                (report,) = client.status()
                assert f"{report.receivetime:%Y-%m}" in ("2025-12", "2026-01")
                (message,) = sms_vendor.messages()
                assert message.state == "fetched"
                assert abs(message.fetched_at - message.sent) < timedelta(hours=1)
        """.replace("\n        ", "\n")
    )
    pytester.runpytest_subprocess(timeout=TIMEOUT).assert_outcomes(passed=6)


@pytest.mark.parametrize(
    "context", ["freezegun.freeze_time('2026-01-01')", "time_machine.travel('2026-01-01', tick=False)"]
)
def test_an_emulator_starts_and_stops_in_frozen_time(context: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"""
import freezegun, time_machine
with {context}:
    from sms10692_mock import Emulator, EmulatorControl, MessageNotSent
    with Emulator() as emulator:
        emulator.control.fault("latency", seconds=0.1)
        vendor = emulator.account()
        with EmulatorControl(emulator.url) as control:
            try:
                control.get_account(vendor.userid).wait_message(timeout=0.1)
            except MessageNotSent:
                print("not sent")
""")
    result = subprocess.run([sys.executable, str(script)], timeout=TIMEOUT, capture_output=True, text=True, check=True)
    assert result.stdout == "not sent\n"
