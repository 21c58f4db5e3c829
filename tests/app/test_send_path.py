"""Counts what a send executes: every function and module on its way costs time, and a reader's patience."""

import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import CodeType, FrameType

import pytest

import sms10692
import sms10692_mock
from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.config import build_vendor
from sms10692_mock.domain.records import Limits
from sms10692_mock.server.access_log import LogMessage
from sms10692_mock.server.thread_runner import ThreadRunner
from sms10692_mock.stores.factory import open_store
from support.emulators import UTF8, build_form_request, build_options
from support.http_client import connect, parse_address

_PRODUCT = tuple(str(Path(package.__file__ or "").parent) for package in (sms10692, sms10692_mock))
_ACCOUNT = {"userid": "12", "account": "test", "password": "mima"}
_SIGNED_TIME = 1341155532.0
"""The time that `build_form_request` signs: another clock would call for a hint."""

_WARMING_SENDS = 30
_COUNTED_SENDS = 5


class _CallCounter:
    """Counts the functions of the product that run on threads started inside `installed`."""

    def __init__(self) -> None:
        self.called: set[CodeType] = set()

    def _on_event(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(_PRODUCT):
            self.called.add(frame.f_code)

    @contextmanager
    def installed(self) -> Iterator[None]:
        previous = threading.getprofile()
        threading.setprofile(self._on_event)
        try:
            yield
        finally:
            threading.setprofile(previous)


def format_entry(entry: LogMessage) -> None:
    """What a log of text does with each entry."""
    str(entry)


@pytest.mark.parametrize(("store", "max_functions", "max_modules"), [("memory", 86, 32), ("sqlite", 128, 39)])
@pytest.mark.skipif(sys.gettrace() is not None, reason="a tracer runs functions of its own")
def test_a_send_over_a_warm_connection_runs_few_functions(
    tmp_path: Path, store: str, max_functions: int, max_modules: int
) -> None:
    options = build_options(lambda: _SIGNED_TIME)
    url = "memory" if store == "memory" else f"sqlite:{tmp_path / 'emulator.db'}"
    counter = _CallCounter()
    with closing(open_store(url, Limits(), options.clock, durable=False)) as opened, counter.installed():
        app = VendorApp(build_vendor(options, opened), options, log=format_entry)
        with ThreadRunner(dispatcher_factory(app, lambda environ, start_response: [])) as server:
            address = parse_address(server.url)
            request = build_form_request(
                _ACCOUNT, UTF8, action="send", mobile="15023239810,13527576163", content="内容"
            )
            counts: list[set[CodeType]] = []
            with connect(address) as connection:
                for _ in range(_WARMING_SENDS + _COUNTED_SENDS):
                    counter.called = set()
                    connection.sendall(request)
                    assert b"<returnstatus>Success" in connection.recv(65536)
                    counts.append(counter.called)
    # Now and then another thread, which writes the request log, runs at the same time.
    smallest = min(counts[_WARMING_SENDS:], key=len)
    functions = sorted(f"{code.co_filename}:{code.co_qualname}" for code in smallest)
    modules = {code.co_filename for code in smallest}
    assert len(functions) <= max_functions, functions
    assert len(modules) <= max_modules, sorted(modules)
