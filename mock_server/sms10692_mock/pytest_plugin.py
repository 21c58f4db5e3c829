"""The plugin of pytest: a vendor of its own for each test that asks for `sms_vendor`.

Here belong options, fixtures, and what a failed test's report says. Importing this loads nothing of the emulator:
pytest does so in every run of everybody who has the package, with or without the extra `[mock]`.
"""

import inspect
import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from sms10692_mock.testing.account import SmsVendor
    from sms10692_mock.testing.async_sms_vendor import AsyncSmsVendor
    from sms10692_mock.testing.control import EmulatorControl

_URL: Final = "SMS10692_MOCK_URL"
_TOKEN: Final = "SMS10692_MOCK_TOKEN"  # noqa: S105 - the name of a variable
_REFUSED: Final = frozenset({409, 422})
"""Statuses of the control address for an account that cannot be as it was asked for."""

_VENDOR_KEY: Final = pytest.StashKey["SmsVendor"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the emulator is, if not in this process."""
    group = parser.getgroup("sms10692")
    group.addoption(
        "--sms-vendor",
        metavar="URL",
        help=f"take the emulator that runs there for all tests, not one in each process (${_URL})",
    )
    group.addoption("--sms-vendor-token", metavar="TOKEN", help=f"the token of its control address (${_TOKEN})")
    parser.addini("sms_vendor", "the same as --sms-vendor")


def _url(config: pytest.Config) -> str:
    """The address of the emulator that runs elsewhere, or nothing."""
    url: str = config.getoption("--sms-vendor") or os.environ.get(_URL) or config.getini("sms_vendor")
    return url


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker. Raises UsageError for a token without the emulator that it is for."""
    if config.getoption("--sms-vendor-token") and not _url(config):
        raise pytest.UsageError("--sms-vendor-token is for an emulator that runs elsewhere: give --sms-vendor URL too")
    config.addinivalue_line(
        "markers",
        "sms_vendor(*, userid, account, password, points, postpaid, may_read_reports, dialect): "
        "what account this test's sms_vendor is",
    )


@pytest.fixture(scope="session")
def sms_emulator(pytestconfig: pytest.Config) -> "Iterator[EmulatorControl]":
    """The emulator of this run: `sms_emulator.account()` makes another account, beside the one of `sms_vendor`."""
    url = _url(pytestconfig)
    if url:
        from sms10692_mock.testing.control import EmulatorControl

        token = pytestconfig.getoption("--sms-vendor-token") or os.environ.get(_TOKEN)
        with EmulatorControl(url, token) as control:
            control.health()
            yield control
    else:
        try:
            from sms10692_mock.emulator import Emulator
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith("sms10692"):
                raise
            from sms10692.extras import missing_package

            needed = missing_package(error.name, "mock")
            pytest.fail(f"sms_vendor: {needed}; or give --sms-vendor URL", pytrace=False)
        with Emulator() as emulator:
            yield emulator.control


@pytest.fixture
def sms_vendor(request: pytest.FixtureRequest, sms_emulator: "EmulatorControl") -> "Iterator[SmsVendor]":
    """The vendor, as a fresh account of this test alone sees it, with a clock of its own."""
    with _account(sms_emulator, request.node.get_closest_marker("sms_vendor")) as vendor:
        request.node.stash[_VENDOR_KEY] = vendor
        yield vendor


@pytest.fixture
def async_sms_vendor(sms_vendor: "SmsVendor") -> "AsyncSmsVendor":
    """The `sms_vendor` of this test for coroutines: its methods are awaited, and block no event loop."""
    from sms10692_mock.testing.async_sms_vendor import AsyncSmsVendor

    return AsyncSmsVendor(sms_vendor)


def _account(emulator: "EmulatorControl", marker: pytest.Mark | None) -> "SmsVendor":
    from sms10692_mock.testing.api_client import ControlRefused

    try:
        return emulator.account(**(marker.kwargs if marker else {}))
    except ControlRefused as error:
        if marker is None or error.status not in _REFUSED:
            raise
        pytest.fail(f"{_source(marker)}: {error}", pytrace=False)


def _source(marker: pytest.Mark) -> str:
    """The marker as it is written in a test."""
    given = [*map(repr, marker.args), *(f"{name}={value!r}" for name, value in marker.kwargs.items())]
    return f"@pytest.mark.{marker.name}({', '.join(given)})"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test whose marker says what no account has, whether or not it uses the fixture."""
    for marker in item.iter_markers("sms_vendor"):
        from sms10692_mock.testing.control import EmulatorControl

        keywords = [name for name in inspect.signature(EmulatorControl.account).parameters if name != "self"]
        unknown = [repr(name) for name in marker.kwargs if name not in keywords]
        problem = f"there is no {', '.join(unknown)}" if unknown else "it takes keywords only"
        if unknown or marker.args:
            pytest.fail(f"{_source(marker)}: {problem}; the keywords are {', '.join(keywords)}", pytrace=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Show what the emulator saw, where the test failed."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    vendor = item.stash.get(_VENDOR_KEY, None)
    if vendor is not None and call.excinfo is not None and report.failed and report.when != "teardown":
        explanation = _explanation(vendor, call.excinfo.value)
        if explanation is not None:
            report.sections.append(("sms_vendor", explanation))


def _explanation(vendor: "SmsVendor", error: BaseException) -> str | None:
    from sms10692_mock.testing.account import MessageNotSent

    if isinstance(error, MessageNotSent):  # it has the explanation in its message
        return None
    try:
        return vendor.explain()
    except Exception as error:  # whatever it is: one that leaves a hook ends the whole run, of everybody
        return f"{vendor}: {type(error).__name__}: {error}"
