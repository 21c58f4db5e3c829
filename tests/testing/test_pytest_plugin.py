"""The pytest plugin: fixtures, failure reports, and no cost for tests that do not use them.

Each test runs pytest on a project of its own. The account's methods are tested in `test_sms_vendor`.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from parallel_load.run import ParallelResult, run_parallel_tests
from sms10692_mock import EmulatorControl
from support.emulators import emulator_process
from support.http_client import closed_port

pytestmark = pytest.mark.slow("Starts pytest in a subprocess for most tests.")

pytest_plugins = ["pytester"]

FULL = bool(os.environ.get("SMS10692_FULL_PARALLEL"))
TOKEN = "s3cret"
WITHOUT_FLASK = "raise ModuleNotFoundError(\"No module named 'flask'\", name='flask')"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SMS10692_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def server() -> Iterator[EmulatorControl]:
    """An emulator in another process that requires a token."""
    with emulator_process("--token", TOKEN, "--log-level", "error") as (_, (host, port)):
        with EmulatorControl(f"http://{host}:{port}", TOKEN) as control:
            yield control


def only_the_default_account_is_left(server: EmulatorControl) -> bool:
    return server.userids() == ["12"]


def test_each_test_has_its_own_account_with_the_marker_arguments(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from httpx2 import WSGITransport
        from sms10692 import Client, PayInfo

        userids = []

        @pytest.mark.parametrize("index", range(2))
        def test_fresh(sms_vendor, sms_emulator, index):
            assert sms_vendor.userid not in userids
            userids.append(sms_vendor.userid)
            transport = WSGITransport(app=sms_vendor.wsgi)
            with Client(sms_vendor.url, **sms_vendor.credentials, transport=transport) as client:
                client.send("15023239810", "x")
            assert len(sms_vendor.messages()) == 1
            with sms_emulator.account(points=1) as other:
                assert other.messages() == []
            before = sms_emulator.clock.now()
            sms_vendor.clock.advance(10**6)
            assert (sms_emulator.clock.now() - before).total_seconds() < 10**5

        @pytest.mark.sms_vendor(points=7, profile="observed")
        class TestSettings:
            def test_of_a_class(self, sms_vendor):
                assert (sms_vendor.balance().points, sms_vendor.balance().profile) == (7, "observed")

            @pytest.mark.sms_vendor(postpaid=True)
            def test_of_a_test(self, sms_vendor):
                assert (sms_vendor.balance().points, sms_vendor.balance().profile) == (0, "manual")

        def test_accounts_are_deleted(sms_emulator):
            assert sms_emulator.userids() == ["12"]
            assert len(userids) == 2
        """
    )
    pytester.runpytest_subprocess("-W", "error", "--strict-markers").assert_outcomes(passed=5)


def test_accounts_have_profiles_of_the_ini_file(pytester: pytest.Pytester) -> None:
    (pytester.path / "brands").mkdir()
    (pytester.path / "brands" / "east.toml").write_text("extno_max_digits = 5\n", "utf-8")
    pytester.makeini("[pytest]\nsms_vendor_profiles =\n  manual\n  brands/east.toml\n")
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.sms_vendor(profile="east")
        def test_of_a_brand(sms_vendor):
            assert sms_vendor.profile().name == "east"
            assert sms_vendor.profile().keys["extno_max_digits"] == 5
            assert sms_vendor.change(profile="").profile == "manual"

        def test_of_the_manual(sms_vendor, sms_emulator):
            assert sms_vendor.profile() == sms_emulator.profile()
            assert sms_vendor.profile().name == "manual"
        """
    )
    pytester.runpytest_subprocess("-W", "error", "--strict-markers").assert_outcomes(passed=2)
    (pytester.path / "brands" / "east.toml").write_text("extno_max_digits = 99\n", "utf-8")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["sms_vendor_profiles: *east.toml:1: extno_max_digits must be from 1 to 20"])


def test_an_invalid_marker_is_an_error_that_lists_the_keywords(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.sms_vendor(5)
        def test_positional(sms_vendor): pass

        @pytest.mark.sms_vendor(5, points=7)
        def test_both(sms_vendor): pass

        @pytest.mark.sms_vendor(points=5, balance=5, 手机=1)
        def test_unknown(sms_vendor): pass

        @pytest.mark.sms_vendor(balance=6)
        class TestWithInvalidMarker:
            @pytest.mark.sms_vendor(points=1)
            def test_valid(self, sms_vendor): pass

        @pytest.mark.sms_vendor(6)
        def test_without_fixture(): pass

        @pytest.mark.sms_vendor(account="shop", points=1, postpaid=False, can_read_queues=True, profile="observed")
        def test_valid(sms_vendor): pass
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=5)
    output = result.stdout.str()
    for problem in (
        "(5): positional arguments are not allowed",
        "(5, points=7): positional arguments are not allowed",
        "(points=5, balance=5, 手机=1): unknown keyword 'balance', '手机'",
        "(balance=6): unknown keyword 'balance'",
        "(6): positional arguments are not allowed",
    ):
        keywords = "userid, account, password, points, postpaid, can_read_queues, profile"
        assert f"\n@pytest.mark.sms_vendor{problem}; allowed keywords: {keywords}\n" in output
    assert "Traceback" not in output
    pytester.runpytest_subprocess("--markers").stdout.fnmatch_lines([f"@pytest.mark.sms_vendor([*], {keywords}): *"])


def test_an_invalid_marker_value_is_reported_with_the_marker(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.sms_vendor(points="many")
        def test_it(sms_vendor): pass
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["@pytest.mark.sms_vendor(points='many'): POST /accounts: points: *"])


def test_a_token_without_a_url_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(sms_vendor): pass")
    result = pytester.runpytest_subprocess("--sms-vendor-token", TOKEN)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --sms-vendor-token requires --sms-vendor URL"])


def test_a_failed_test_shows_its_requests_and_no_password(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)  # in CI pytest repeats every message in its summary
    pytester.makepyfile(
        """
        import pytest
        from sms10692 import Client, VendorRefusal
        from httpx2 import HTTPTransport

        def overage(vendor, password):
            transport = HTTPTransport(verify=False)
            account = {"userid": vendor.userid, "account": vendor.account, "password": password}
            with Client(vendor.url, transport=transport, **account) as client:
                return client.overage()

        def test_passes(sms_vendor):
            overage(sms_vendor, sms_vendor.password)

        def test_is_refused(sms_vendor):
            with open("password", "w") as file:
                file.write(sms_vendor.password)
            try:
                overage(sms_vendor, sms_vendor.password + " ")
            except VendorRefusal:
                pass
            assert 1 == 2

        @pytest.fixture
        def registered(sms_vendor):
            overage(sms_vendor, sms_vendor.password)
            raise LookupError

        def test_has_setup_error(registered):
            pass

        def test_wait_times_out(sms_vendor):
            overage(sms_vendor, sms_vendor.password)
            sms_vendor.wait_message(timeout=0)

        def test_has_no_vendor():
            assert False
        """
    )
    result = pytester.runpytest_subprocess("-n", "1")
    result.assert_outcomes(passed=1, failed=3, errors=1)
    output = result.stdout.str()
    shown = [part.partition("\n___")[0] for part in output.split("- sms_vendor -")[1:]]
    assert len(shown) == 2
    assert "overage: answered" in shown[0]
    assert "overage: refused, 用户名或密码错误\n      signature." in shown[1]
    assert output.count("requests:") == 3
    assert (pytester.path / "password").read_text() not in output


def test_an_error_in_the_report_does_not_abort_the_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_fails(sms_vendor, monkeypatch):
            monkeypatch.setattr(type(sms_vendor), "explain", lambda self: {}["later"])
            assert 1 == 2

        def test_passes(sms_vendor):
            pass
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, failed=1)
    assert "KeyError: 'later'" in result.stdout.str()


@pytest.mark.parametrize("source", ["options", "environment", "ini"])
def test_a_remote_emulator_serves_all_processes_without_the_extra(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, server: EmulatorControl, source: str
) -> None:
    pytester.makepyfile(
        flask=WITHOUT_FLASK,
        test_it=f"""
        def test_it(sms_vendor):
            assert sms_vendor.url == {server.url!r}
            sms_vendor.top_up(1)
        """,
    )
    arguments = ["--sms-vendor", server.url, "--sms-vendor-token", TOKEN] if source == "options" else []
    monkeypatch.setenv("SMS10692_MOCK_TOKEN", "wrong" if source == "options" else TOKEN)
    if source == "ini":
        pytester.makeini(f"[pytest]\nsms_vendor = {server.url}")
    else:
        monkeypatch.setenv("SMS10692_MOCK_URL", "wrong" if source == "options" else server.url)
    pytester.runpytest_subprocess(*arguments).assert_outcomes(passed=1)
    assert only_the_default_account_is_left(server)


def test_a_remote_emulator_keeps_the_accounts_of_failed_tests_for_the_console(
    pytester: pytest.Pytester, server: EmulatorControl
) -> None:
    pytester.makepyfile(
        """
        import pytest
        from sms10692 import Client

        def test_passes(sms_vendor): pass

        @pytest.mark.sms_vendor(userid="77")
        def test_names_its_userid(sms_vendor): assert 1 == 2

        def test_fails(sms_vendor):
            with Client(sms_vendor.url, **sms_vendor.credentials) as client:
                client.send("15023239810", "x")
            sms_vendor.assert_nothing_sent()

        @pytest.fixture
        def registered(sms_vendor):
            raise LookupError

        def test_has_a_setup_error(registered): pass

        def test_is_one_too_many(sms_vendor): assert 1 == 2
        """
    )
    result = pytester.runpytest_subprocess(*_remote_arguments(server), "--sms-vendor-keep", "2")
    result.assert_outcomes(passed=1, failed=3, errors=1)
    kept = re.findall(
        rf"^the account is kept for the console: ({re.escape(server.url)}/\?userid=(\d+))$",
        result.stdout.str(),
        re.MULTILINE,
    )
    pages = {userid: page for page, userid in kept}
    assert sorted(server.userids()) == sorted(["12", *pages])
    assert len(pages) == 2
    result.stdout.fnmatch_lines(["the account is not kept for the console: *"])
    (sender,) = [userid for userid in pages if server.get_account(userid).messages()]
    with httpx2.Client(verify=False) as browser:
        browser.post(f"{server.url}/login", data={"token": TOKEN})
        assert "15023239810" in browser.get(pages[sender]).text
    for userid in pages:
        server.get_account(userid).close()
    pytester.runpytest_subprocess(*_remote_arguments(server), "--sms-vendor-keep", "0")
    assert only_the_default_account_is_left(server)


def test_a_test_that_does_not_read_the_url_uses_no_socket(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from httpx2 import WSGITransport
        from pytest_socket import SocketBlockedError
        from sms10692 import Client

        def test_wsgi(sms_vendor):
            transport = WSGITransport(app=sms_vendor.wsgi)
            with Client("http://sms.test", **sms_vendor.credentials, transport=transport) as client:
                client.send("15023239810", "x")
            assert sms_vendor.wait_message().content == "x"
            assert "requests:" in sms_vendor.explain()
            assert sms_vendor.userid in repr(sms_vendor)

        def test_url(sms_vendor):
            for _ in range(2):
                with pytest.raises(SocketBlockedError) as raised:
                    sms_vendor.url
                assert "its wsgi takes neither" in raised.value.__notes__[0]

        @pytest.mark.allow_hosts(["127.0.0.1"])
        @pytest.mark.enable_socket
        def test_allowed(sms_vendor):
            with Client(sms_vendor.url, **sms_vendor.credentials) as client:
                client.overage()
        """
    )
    pytester.runpytest_subprocess("--disable-socket").assert_outcomes(passed=3)


def test_an_unreachable_emulator_is_an_error_and_not_a_skip(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(sms_vendor): pass")
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}"
        result = pytester.runpytest_subprocess("--sms-vendor", url)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*no response from {url}*"])


def test_without_flask_only_tests_with_the_fixture_fail_and_name_the_command(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        flask=WITHOUT_FLASK,
        test_it="""
        def test_one(sms_vendor): pass
        def test_two(sms_vendor): pass
        def test_without(): pass
        """,
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(['*sms_vendor: flask is missing; *: pip install "click*"flask>=*'])


def test_a_run_without_the_fixture_imports_only_the_plugin_of_the_emulator(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it(request):
            assert request.config.pluginmanager.hasplugin("sms10692_mock")
            loaded = {name.partition(".")[0] for name in sys.modules}
            assert not loaded & {"flask", "pydantic", "httpx2", "click", "lxml", "sms10692"}
            assert [name for name in sys.modules if name.startswith("sms10692_mock.")] == [
                "sms10692_mock.pytest_plugin"
            ]
        """
    )
    # respx, which is installed for one recipe of the documents, has a plugin that imports click.
    pytester.runpytest_subprocess("-p", "no:respx").assert_outcomes(passed=1)


def test_parallel_tests_on_one_emulator_are_isolated(
    tmp_path: Path, server: EmulatorControl, pytestconfig: pytest.Config
) -> None:
    tests, workers = (500, "8") if FULL else (8, "2")
    times = run_parallel_tests(tmp_path, tests, "-n", workers, *_remote_arguments(server))
    assert times.passed == 3 * tests, times.output
    assert only_the_default_account_is_left(server)
    _print_times(pytestconfig, f"{tests} tests on {workers} workers", times)


@pytest.mark.skipif(not FULL, reason="milliseconds are measured by `make test-parallel`, on an otherwise idle machine")
@pytest.mark.parametrize("label", ["in process", "over a socket"])
def test_the_fixture_takes_at_most_two_milliseconds(
    tmp_path: Path, server: EmulatorControl, pytestconfig: pytest.Config, label: str
) -> None:
    times = run_parallel_tests(
        tmp_path, 500, "-k", "fresh or without", *(_remote_arguments(server) if label == "over a socket" else ())
    )
    assert times.passed == 2 * 500, times.output
    _print_times(pytestconfig, label, times)
    assert times.cost() < 2.0, times.fixture


def _remote_arguments(server: EmulatorControl) -> tuple[str, ...]:
    return "--sms-vendor", server.url, "--sms-vendor-token", TOKEN


def _print_times(config: pytest.Config, label: str, times: ParallelResult) -> None:
    config.get_terminal_writer().line(f"\nset-up and tear-down of sms_vendor, {label}: {times.format()}")
