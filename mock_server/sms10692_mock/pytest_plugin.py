"""The pytest plugin: options, the fixtures `sms_emulator`, `sms_vendor` and `async_sms_vendor`, and the failure report.

**Importing this module must import nothing else of the emulator**: pytest does so in every run, in every environment
where the package is installed, with or without the extra `[mock]`.
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

_URL_VARIABLE: Final = "SMS10692_MOCK_URL"
_TOKEN_VARIABLE: Final = "SMS10692_MOCK_TOKEN"  # noqa: S105 - the name of a variable
_INVALID_ACCOUNT: Final = frozenset({409, 422})
"""Statuses of the control API for account arguments that are invalid or in conflict."""

_VENDOR_KEY: Final = pytest.StashKey["SmsVendor"]()
_IS_KEPT_KEY: Final = pytest.StashKey[bool]()
_KEPT_COUNT_KEY: Final = pytest.StashKey[int]()
_KEPT_DEFAULT: Final = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that select an emulator in another process."""
    group = parser.getgroup("sms10692")
    group.addoption(
        "--sms-vendor",
        metavar="URL",
        help=f"use the running emulator at URL for all tests instead of one per process (${_URL_VARIABLE})",
    )
    group.addoption(
        "--sms-vendor-token", metavar="TOKEN", help=f"token of that emulator's control API (${_TOKEN_VARIABLE})"
    )
    group.addoption(
        "--sms-vendor-keep",
        metavar="N",
        type=int,
        default=_KEPT_DEFAULT,
        help="keep the accounts of the first N failed tests of a process there, for the console (default: %(default)s)",
    )
    parser.addini("sms_vendor", "the same as --sms-vendor")
    parser.addini(
        "sms_vendor_profiles",
        "profiles of the emulator of the tests, as serve --profile takes them, one per line; not with --sms-vendor",
        type="linelist",
    )


def _remote_url(config: pytest.Config) -> str:
    """Return the URL of the emulator in another process, or an empty string."""
    url: str = config.getoption("--sms-vendor") or os.environ.get(_URL_VARIABLE) or config.getini("sms_vendor")
    return url


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker. Raises UsageError for a token without a URL."""
    if config.getoption("--sms-vendor-token") and not _remote_url(config):
        raise pytest.UsageError("--sms-vendor-token requires --sms-vendor URL")
    config.addinivalue_line(
        "markers",
        "sms_vendor(*, userid, account, password, points, postpaid, can_read_queues, profile): "
        "the account that sms_vendor creates for this test",
    )


@pytest.fixture(scope="session")
def sms_emulator(pytestconfig: pytest.Config) -> "Iterator[EmulatorControl]":
    """The emulator of this test run. `sms_emulator.account()` creates accounts besides that of `sms_vendor`."""
    url = _remote_url(pytestconfig)
    if url:
        from sms10692_mock.testing.control import EmulatorControl

        token = pytestconfig.getoption("--sms-vendor-token") or os.environ.get(_TOKEN_VARIABLE)
        with EmulatorControl(url, token) as control:
            control.health()
            yield control
    else:
        try:
            from sms10692_mock.config import Options
            from sms10692_mock.emulator import Emulator
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith("sms10692"):
                raise
            from sms10692.extras import missing_package

            needed = missing_package(error.name, "mock")
            pytest.fail(f"sms_vendor: {needed}; or give --sms-vendor URL", pytrace=False)
        with Emulator(Options(**_read_profiles(pytestconfig))) as emulator:
            yield emulator.control


def _read_profiles(config: pytest.Config) -> dict[str, Any]:
    """Return the option `profiles`; a relative path is that from the root directory. Fails the test for a bad file."""
    from sms10692_mock.profile_file import parse_profiles

    texts = config.getini("sms_vendor_profiles")
    paths = [str(path) if (path := config.rootpath / text).exists() else text for text in texts]
    try:
        return {"profiles": parse_profiles(paths)} if paths else {}
    except (ValueError, OSError) as error:
        pytest.fail(f"sms_vendor_profiles: {error}", pytrace=False)


@pytest.fixture
def sms_vendor(request: pytest.FixtureRequest, sms_emulator: "EmulatorControl") -> "Iterator[SmsVendor]":
    """A new vendor account for this test alone, with its own clock."""
    vendor = _account(sms_emulator, request.node.get_closest_marker("sms_vendor"))
    request.node.stash[_VENDOR_KEY] = vendor
    request.node.stash[_IS_KEPT_KEY] = False
    yield vendor
    if not request.node.stash[_IS_KEPT_KEY]:
        vendor.close()


@pytest.fixture
def async_sms_vendor(sms_vendor: "SmsVendor") -> "AsyncSmsVendor":
    """The `sms_vendor` of this test with coroutines for methods, which do not block the event loop."""
    from sms10692_mock.testing.async_sms_vendor import AsyncSmsVendor

    return AsyncSmsVendor(sms_vendor)


def _account(emulator: "EmulatorControl", marker: pytest.Mark | None) -> "SmsVendor":
    from sms10692_mock.testing.api_client import ControlRefused

    try:
        return emulator.account(**(marker.kwargs if marker else {}))
    except ControlRefused as error:
        if marker is None or error.status not in _INVALID_ACCOUNT:
            raise
        pytest.fail(f"{_source(marker)}: {error}", pytrace=False)


def _source(marker: pytest.Mark) -> str:
    """Return the source text of a marker."""
    given = [*map(repr, marker.args), *(f"{name}={value!r}" for name, value in marker.kwargs.items())]
    return f"@pytest.mark.{marker.name}({', '.join(given)})"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test whose marker has unknown arguments, whether or not the test uses the fixture."""
    for marker in item.iter_markers("sms_vendor"):
        from sms10692_mock.testing.control import EmulatorControl

        keywords = [name for name in inspect.signature(EmulatorControl.account).parameters if name != "self"]
        unknown = [repr(name) for name in marker.kwargs if name not in keywords]
        problem = f"unknown keyword {', '.join(unknown)}" if unknown else "positional arguments are not allowed"
        if unknown or marker.args:
            pytest.fail(f"{_source(marker)}: {problem}; allowed keywords: {', '.join(keywords)}", pytrace=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Add the emulator's view of the requests to the report of a failed test."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    vendor = item.stash.get(_VENDOR_KEY, None)
    if vendor is not None and call.excinfo is not None and report.failed and report.when != "teardown":
        lines = [*_failure_report(vendor, call.excinfo.value), *_keep_account(item, vendor)]
        if lines:
            report.sections.append(("sms_vendor", "\n".join(lines)))


def _failure_report(vendor: "SmsVendor", error: BaseException) -> Iterator[str]:
    from sms10692_mock.testing.account import MessageAssertion

    if not isinstance(error, MessageAssertion):  # its message contains the report already
        try:
            yield vendor.explain()
        except Exception as error:  # an exception that leaves a hook aborts the whole test run
            yield f"{vendor}: {type(error).__name__}: {error}"


def _keep_account(item: pytest.Item, vendor: "SmsVendor") -> Iterator[str]:
    """Keep the account of a failed test on an emulator in another process, and yield a line that says where it is."""
    stash = item.config.stash
    count = stash.get(_KEPT_COUNT_KEY, 0)
    marker = item.get_closest_marker("sms_vendor")
    if not _remote_url(item.config) or count >= item.config.getoption("--sms-vendor-keep"):
        return
    if marker is not None and "userid" in marker.kwargs:
        yield "the account is not kept for the console: the next run could not create its userid again"
        return
    stash[_KEPT_COUNT_KEY] = count + 1
    item.stash[_IS_KEPT_KEY] = True
    yield f"the account is kept for the console: {vendor.console_url}"
