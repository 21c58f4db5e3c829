"""An emulator in this process, for tests and scripts.

Here belongs how one is put together and served. What it can do is in `testing`; one that runs by itself is started by
`command`.
"""

import os
import threading
from types import TracebackType
from typing import Final, Literal, Self

from sms10692_mock.admin.app import build_control, create_admin_app
from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.app.wsgi import WsgiVendorApp
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.server.thread_runner import ThreadRunner
from sms10692_mock.testing.account import SmsVendor
from sms10692_mock.testing.control import EmulatorControl

_NOT_ENTERED: Final = "an emulator runs while it is entered: with Emulator() as emulator"


class Emulator:
    """An emulator in this process, for as long as it is entered; `options` are as in `sms10692-mock serve`.

    `wsgi` is the emulator as a WSGI application. It takes no socket and no thread until `url` is first asked for; from
    then on it answers on a free port of 127.0.0.1 too.

    A child that is forked meanwhile reaches the emulator at the address that was asked for before the fork, and in no
    other way.

    >>> with Emulator() as emulator:
    ...     emulator.account(points=5).standing().points
    5
    """

    def __init__(self, options: Options | None = None) -> None:
        options = options or Options()
        vendor, self._bell = build_vendor(options), ChangeNotifier()
        pages = VendorApp(vendor, options.dialect, notifier=self._bell, allows_cross_site=options.allow_cross_site)
        beside = create_admin_app(build_control(vendor, options, self._bell), AccessPolicy())
        self.wsgi = WsgiVendorApp(pages, beside)
        self._pages, self._beside = pages, beside
        self._served: ThreadRunner | None = None
        self._serving = threading.Lock()
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
        with self._serving:
            served, self._served = self._served, None
        self._bell.wake_all()
        if served is not None:
            served.__exit__(kind, error, traceback)
            self._bell.wake_all()  # who came in between

    def _listen(self) -> str:
        """Answer on a port too, and return the address."""
        if self._process != os.getpid():
            raise RuntimeError("this process was forked from the emulator's: ask for its url before the fork")
        with self._serving:
            if self._control is None:
                raise RuntimeError(_NOT_ENTERED)
            if self._served is None:
                try:
                    self._served = ThreadRunner(dispatcher_factory(self._pages, self._beside)).__enter__()
                except Exception as error:
                    error.add_note("The url of an emulator takes a socket and a thread; its wsgi takes neither.")
                    raise
            return self._served.url

    @property
    def control(self) -> EmulatorControl:
        """The emulator as a whole: its clock, its faults, its requests. Raises RuntimeError where it does not run."""
        if self._control is None:
            raise RuntimeError(_NOT_ENTERED)
        return self._control

    @property
    def url(self) -> str:
        """Its address, at which it listens from now on. Raises RuntimeError where it does not run."""
        return self.control.url

    def account(
        self,
        *,
        userid: str | None = None,
        account: str | None = None,
        password: str | None = None,
        points: int | None = None,
        postpaid: bool | None = None,
        may_read_reports: bool | None = None,
        dialect: Literal["manual", "observed"] | None = None,
    ) -> SmsVendor:
        """A fresh throw-away account with a clock of its own: prepaid, with 1000 points, unless said otherwise.

        `account` is its name at the vendor. Without them, userid, name and password are those of no other account.
        """
        return self.control.account(
            userid=userid,
            account=account,
            password=password,
            points=points,
            postpaid=postpaid,
            may_read_reports=may_read_reports,
            dialect=dialect,
        )
