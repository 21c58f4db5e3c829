"""An emulator in this process, for tests and scripts.

Here belongs how one is put together and served. What it can do is in `testing`; one that runs by itself is started by
`command`.
"""

from types import TracebackType
from typing import Literal, Self

from sms10692_mock.bell import Bell
from sms10692_mock.http.app import beside_the_pages, control_of
from sms10692_mock.http.guard import Guard
from sms10692_mock.http.in_thread import InThread
from sms10692_mock.http.pages import Pages
from sms10692_mock.http.wsgi import WsgiPages
from sms10692_mock.options import Options, vendor_of
from sms10692_mock.testing.control import EmulatorControl
from sms10692_mock.testing.sms_vendor import SmsVendor


class Emulator:
    """An emulator that answers on a free port of 127.0.0.1, in a thread of this process, for as long as it is entered.

    `wsgi` is the same emulator as a WSGI application, for calls without a socket; `options` are as in
    `sms10692-mock serve`.

    >>> with Emulator() as emulator:
    ...     emulator.account(points=5).standing().points
    5
    """

    def __init__(self, options: Options | None = None) -> None:
        options = options or Options()
        vendor, self._bell = vendor_of(options), Bell()
        pages = Pages(vendor, options.dialect, bell=self._bell, allows_cross_site=options.allow_cross_site)
        beside = beside_the_pages(control_of(vendor, options, self._bell), Guard())
        self.wsgi = WsgiPages(pages, beside)
        self._served = InThread(pages, beside)
        self._control: EmulatorControl | None = None

    def __enter__(self) -> Self:
        url = self._served.__enter__().url
        self._control = EmulatorControl(url, wsgi=self.wsgi)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.control.close()
        self._control = None
        self._bell.dismiss()
        self._served.__exit__(kind, error, traceback)
        self._bell.dismiss()  # who came in between

    @property
    def control(self) -> EmulatorControl:
        """The emulator as a whole: its clock, its faults, its requests. Raises RuntimeError where it does not run."""
        if self._control is None:
            raise RuntimeError("an emulator runs while it is entered: with Emulator() as emulator")
        return self._control

    @property
    def url(self) -> str:
        """Its address. Raises RuntimeError where it does not run."""
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
