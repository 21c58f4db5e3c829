"""`Session`: what a case works with, a configured driver, an account of its own, and the proxy before the emulator."""

import contextlib
import http.client
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from sms10692_examine.case_table import VENDOR
from sms10692_examine.driver_process import DriverProcess
from sms10692_examine.driver_protocol import Answer
from sms10692_examine.exchange import Credentials, Exchange, HttpRequest
from sms10692_examine.findings import find_sentences
from sms10692_examine.observations import Observation, Translated
from sms10692_examine.settings import Settings
from sms10692_examine.vendor_proxy import Alteration, VendorProxy
from sms10692_examine.verdicts import CaseFailed, NotJudged, NotSupported
from sms10692_mock import Emulator, SmsVendor

NUMBER: Final = "13800000001"
TEXT: Final = "【商店】您的验证码是1234"


_PAGES: Final = {"status": "statusapi", "call": "callapi"}
"""Part of the page that serves a queue, in both generations. The other operations share pages."""


def is_request_of(request: HttpRequest, operation: str) -> bool:
    """Return whether a request is one of an operation, by its page or by the word of its action in any kind of form."""
    page = _PAGES.get(operation)
    if page is not None:
        return page in request.path.lower()
    values = [value for name, value in request.parameters() if name.lower() == "action"]
    if values:
        return operation.encode() in values
    return re.search(rb'name="?action"?[^\0]{0,200}?\r\n\r\n' + operation.encode(), request.body) is not None


_CREDENTIALS: Final = ("userid", "account", "password", "timestamp", "sign")


def _get_credentials(request: HttpRequest) -> dict[str, str]:
    found = {name.lower(): value.decode("utf-8", "replace") for name, value in request.parameters()}
    return {name: found[name] for name in _CREDENTIALS if name in found}


class Session:
    """A driver, configured for an account that no other case uses, at the address of a proxy.

    `problems` are the operations on which no case can rely, with the reason.

    **Use as a context manager: the account is deleted at the end.** The driver belongs to the runner.
    """

    def __init__(
        self,
        emulator: Emulator,
        settings: Settings,
        driver: DriverProcess,
        restart: Callable[[], DriverProcess],
        problems: Mapping[str, Observation] = MappingProxyType({}),
    ) -> None:
        self.settings = settings
        self.emulator = emulator
        self.driver = driver
        self.operations: Sequence[str] = ()
        self.claims: Sequence[str] = ()
        self._restart = restart
        self._problems = problems
        self._exchanges_at_end: list[Exchange] | None = None
        self._stack = ExitStack()
        self._state_dir = tempfile.mkdtemp(prefix="sms10692-examine-")
        self._stack.callback(shutil.rmtree, self._state_dir, ignore_errors=True)
        self.proxy = self._stack.enter_context(VendorProxy(emulator.url))
        self.accounts: list[Credentials] = []
        self.vendor = self.add_account()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *details: object) -> None:
        # A request on its way when the accounts are deleted would be refused, which is no fault of the client.
        self._exchanges_at_end = self.exchanges
        self._stack.close()

    def add_account(self, **settings: Any) -> SmsVendor:
        """Create an account that is deleted at the end. Its password and name are random."""
        name, password = f"shop{secrets.token_hex(3)}", f"Mi{secrets.token_hex(4)}"
        chosen: dict[str, Any] = {"account": name, "password": password, "points": 10_000} | settings
        vendor = self._stack.enter_context(self.emulator.account(**chosen))
        self.accounts.append({name: str(value) for name, value in vendor.credentials.items()})
        return vendor

    def use_account(self, **settings: Any) -> SmsVendor:
        """Create an account with these settings and configure the client for it."""
        self.vendor = self.add_account(**settings)
        self.configure()
        return self.vendor

    def configure(self, **changes: Any) -> Answer:
        """Configure the client for the account; `changes` replace settings."""
        answer = self.configure_driver(self.driver, **changes)
        self.operations = answer.document.get("operations") or ()
        self.claims = answer.document.get("claims") or ()
        return answer

    def configure_driver(self, driver: DriverProcess, **changes: Any) -> Answer:
        """Configure a driver for the account."""
        settings = self.settings
        chosen = {
            "url": self.proxy.url,
            "authentication": settings.authentication,
            "charset": settings.charset,
            "timeout": settings.timeout,
            "state_dir": self._state_dir,
            "clock_offset": 0,
            **self.vendor.credentials,
        }
        return driver.configure(settings.answer_limit, **chosen | changes)

    def restart_driver(self) -> None:
        """Start the driver again, after it was killed, and configure it with the same account and state directory."""
        self.driver = self._restart()
        self.configure()

    def require(self, *operations: str) -> None:
        """Raise NotSupported unless the client has these operations."""
        missing = [operation for operation in operations if operation not in self.operations]
        if missing:
            raise NotSupported("the client does not support {}", ", ".join(missing))

    def rely_on(self, operation: str) -> None:
        """Raise NotJudged if the operation fails for a reason of its own, which another case judges.

        **Call it before a failure is raised that may have that reason.**
        """
        if operation in self._problems:
            raise NotJudged("{}", self._problems[operation])

    def expect_accepted(self, answer: Answer, observed: str, *values: object, operation: str = "send") -> None:
        """Raise CaseFailed with what was observed unless the answer is accepted, or NotJudged as `rely_on`."""
        if answer.kind != "accepted":
            self.rely_on(operation)
            raise CaseFailed(observed, *values)

    # Requests to the driver

    def ask(self, operation: str, **fields: Any) -> Answer:
        """Ask the driver; raises NotSupported for an operation that the client does not have."""
        self.require(operation)
        answer = self.driver.ask(operation, self.settings.answer_limit, **fields)
        if answer.kind == "unsupported":
            raise NotSupported("{}: {}", operation, answer.reason or Observation("not supported"))
        if answer.kind == "configured":
            raise CaseFailed("{} was answered with configured", operation)
        return answer

    def send(self, *mobiles: str, content: str = TEXT, send_time: str | None = None, extno: str = "") -> Answer:
        """Ask for a send: to NUMBER if there are no numbers."""
        return self.ask("send", mobiles=list(mobiles or (NUMBER,)), content=content, sendTime=send_time, extno=extno)

    def fetch_all(self, operation: str, fetches: int = 10_000) -> list[Any]:
        """Ask for items until an answer has none; raises CaseFailed if an answer is not accepted."""
        items: list[Any] = []
        for _ in range(fetches):
            answer = self.ask(operation)
            self.expect_accepted(answer, "{} was answered with {}", operation, answer, operation=operation)
            items += answer.items
            if not answer.items:
                return items
        return items

    def put_messages(self, mobiles: Sequence[str], extno: str = "") -> None:
        """Send a text to numbers without the client, so that their reports and replies wait."""
        form = {
            "action": "send",
            "mobile": ",".join(mobiles),
            "content": TEXT,
            "extno": extno,
            **self.vendor.credentials,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection = http.client.HTTPConnection(urlsplit(self.emulator.url).netloc, timeout=30)
        try:
            connection.request("POST", VENDOR.send_page, urlencode(form).encode(), headers)
            answer = connection.getresponse().read().decode()
        finally:
            connection.close()
        if "<message>ok</message>" not in answer:
            raise RuntimeError(f"the emulator refused a send of the examiner: {answer}")

    # What the vendor saw

    @property
    def exchanges(self) -> list[Exchange]:
        """Copies of the exchanges so far, or at the end of the session."""
        if self._exchanges_at_end is not None:
            return self._exchanges_at_end
        return [replace(exchange) for exchange in list(self.proxy.exchanges)]

    def alter(self, alteration: Alteration, operation: str = "send") -> None:
        """Alter the response to the next request of an operation."""
        self.proxy.alter(alteration, lambda request: is_request_of(request, operation))

    def last_request(self, operation: str = "send") -> HttpRequest:
        """Return the last request of an operation; raises CaseFailed if there was none."""
        for exchange in reversed(self.proxy.exchanges):
            if is_request_of(exchange.request, operation):
                return exchange.request
        raise CaseFailed("the client sent no request of {}", operation)

    def last_fields(self, operation: str = "send") -> dict[str, str]:
        """Return the parameters of the last request of an operation, as the vendor read them, by name in lower case."""
        self.last_request(operation)
        for request in reversed(self.vendor.requests()):
            if request.operation == operation:
                return {name.lower(): value for name, value in request.fields.items()}
        self.rely_on(operation)
        raise CaseFailed("the vendor recognized no request of {} for the account", operation)

    def last_exchange(self) -> Exchange:
        """Return the last exchange. Raises CaseFailed if there was none."""
        if not self.proxy.exchanges:
            raise CaseFailed("the client sent no request")
        return self.proxy.exchanges[-1]

    def find_sentences(self) -> list[Translated]:
        """Return the emulator's findings about the last request of this session, of whatever account it names."""
        for exchange in reversed(self.proxy.exchanges):
            wanted = _get_credentials(exchange.request)
            for request in reversed(self.emulator.control.requests()):
                fields = {name.lower(): value for name, value in request.fields.items()}
                if {name: fields[name] for name in _CREDENTIALS if name in fields} == wanted:
                    return list(find_sentences(self.emulator, request.number))
        return []

    @contextlib.contextmanager
    def second_driver(self) -> Iterator[DriverProcess]:
        """Start another driver for the same account, with a state directory of its own; it is closed at the end."""
        driver = self._restart()
        folder = tempfile.mkdtemp(prefix="sms10692-examine-")
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        try:
            self.configure_driver(driver, state_dir=folder)
            yield driver
        finally:
            driver.close()
