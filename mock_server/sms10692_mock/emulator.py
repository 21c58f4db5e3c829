"""`Emulator`: an emulator in this process, for tests and scripts.

The methods of an account are in `testing`. `cli` starts an emulator as a process of its own.
"""

import os
import ssl
import threading
from types import TracebackType
from typing import Final, Self

from sms10692_mock.admin.app import create_admin_app
from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.admin.services import ControlService
from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.request_metrics import RequestMetrics
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.app.wsgi import WsgiVendorApp
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.server.thread_runner import ThreadRunner
from sms10692_mock.testing.account import SmsVendor
from sms10692_mock.testing.control import EmulatorControl

_NOT_ENTERED: Final = "the emulator is not running: use it as a context manager, with Emulator() as emulator"


class Emulator:
    """An emulator in this process, usable as a context manager; `options` are those of `sms10692-mock serve`.

    `wsgi` is the emulator as a WSGI application. No socket and no thread is used until `url` is first read; from then
    on the emulator also serves a free port of 127.0.0.1, and with `tls`, the TLS context of a server, another one.

    **After a fork, a child process can use only a `url` that was read before the fork**, and no other attribute.

    >>> with Emulator() as emulator:
    ...     emulator.account(points=5).balance().points
    5
    """

    def __init__(self, options: Options | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        options = options or Options()
        vendor, self._notifier, metrics = build_vendor(options), ChangeNotifier(), RequestMetrics()
        vendor_app = VendorApp(vendor, options, notifier=self._notifier, metrics=metrics)
        admin_app = create_admin_app(ControlService(vendor, options, self._notifier, metrics), AccessPolicy())
        self.wsgi = WsgiVendorApp(vendor_app, admin_app)
        self._vendor_app, self._admin_app = vendor_app, admin_app
        self._runner: ThreadRunner | None = None
        self._runner_lock = threading.Lock()
        self._control: EmulatorControl | None = None

    def __enter__(self) -> Self:
        self._control = EmulatorControl(self._listen, wsgi=self.wsgi)
        self._process = os.getpid()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.control.close()
        self._control = None
        if self._process != os.getpid():
            return
        with self._runner_lock:
            runner, self._runner = self._runner, None
        self._notifier.wake_all()
        if runner is not None:
            runner.__exit__(kind, error, traceback)
            self._notifier.wake_all()  # waits that began between the first call and the end of the server

    def _listen(self) -> str:
        """Start serving on a port, if not started, and return the URL."""
        if self._process != os.getpid():
            raise RuntimeError("this process was forked from the emulator's process: read its url before the fork")
        with self._runner_lock:
            if self._control is None:
                raise RuntimeError(_NOT_ENTERED)
            if self._runner is None:
                try:
                    self._runner = ThreadRunner(
                        dispatcher_factory(self._vendor_app, self._admin_app), tls=self._tls
                    ).__enter__()
                except Exception as error:
                    error.add_note("The url of an emulator takes a socket and a thread; its wsgi takes neither.")
                    raise
            return self._runner.url

    @property
    def control(self) -> EmulatorControl:
        """The control API: clock, faults, requests. Raises RuntimeError if the emulator is not running."""
        if self._control is None:
            raise RuntimeError(_NOT_ENTERED)
        return self._control

    @property
    def url(self) -> str:
        """The base URL; starts serving on first use. Raises RuntimeError if the emulator is not running."""
        return self.control.url

    @property
    def https_url(self) -> str:
        """The base URL of HTTPS; starts serving on first use. Raises RuntimeError without `tls`, or if not running."""
        if self._tls is None:
            raise RuntimeError("the emulator serves no HTTPS: Emulator(tls=context)")
        _ = self.url
        with self._runner_lock:
            if self._runner is None or self._runner.https_url is None:
                raise RuntimeError(_NOT_ENTERED)
            return self._runner.https_url

    def account(
        self,
        *,
        userid: str | None = None,
        account: str | None = None,
        password: str | None = None,
        points: int | None = None,
        postpaid: bool | None = None,
        can_read_queues: bool | None = None,
        profile: str | None = None,
    ) -> SmsVendor:
        """Create a temporary account with its own clock: prepaid with 1000 points by default.

        `account` is the account's name at the vendor, `profile` the name of a loaded profile. Missing userid, name and
        password are generated and unique.
        """
        return self.control.account(
            userid=userid,
            account=account,
            password=password,
            points=points,
            postpaid=postpaid,
            can_read_queues=can_read_queues,
            profile=profile,
        )
