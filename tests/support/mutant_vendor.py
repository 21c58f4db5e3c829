"""Vendors to examine: the emulator in this process behind a socket and a control address, right or with one fault.

Here belong how one is made and served, and where a fault can be put in. The faults themselves are in `faults`.
"""

import json
import re
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from sms10692.protocol import Page
from sms10692.signing import CHINA
from sms10692_mock.app.fault_injection import Response
from sms10692_mock.app.vendor_app import Pages, Request
from sms10692_mock.codec import json_renderer
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import Fields, fields_of
from sms10692_mock.codec.xml import Xml
from sms10692_mock.config import Options
from sms10692_mock.domain.accounts import MANUALS_OWN, Account
from sms10692_mock.domain.api_request import Call, call_of, page_of
from sms10692_mock.domain.billing import Billing, parts
from sms10692_mock.domain.clock import Turned
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.results import Answer, Refusal
from sms10692_mock.domain.validation import CHECKS, Case, Check
from sms10692_mock.domain.vendor import Told, Vendor
from sms10692_mock.profiles import DIALECTS
from sms10692_mock.stores.memory.store import MemoryStore


@dataclass(frozen=True)
class Fault:
    """What is put between the parts of an emulator; each does nothing unless it is given."""

    line: Callable[[bytes], bytes] = lambda line: line
    chunks: Callable[[list[bytes]], bytes] = b"".join
    request: Callable[[Page, Request], Request] = lambda page, request: request
    decode: Mapping[str, Callable[[bytes], str]] = field(default_factory=lambda: DECODERS)
    fields: Callable[[Fields], Fields] = lambda fields: fields
    call: Callable[[Call], Call] = lambda call: call
    checks: Callable[[tuple[Check, ...]], tuple[Check, ...]] = lambda checks: checks
    answer: Callable[[Call, Answer], Answer] = lambda call, answer: answer
    text: Callable[[str, Call], str] = lambda text, call: text
    body: Callable[[bytes, Page], bytes] = lambda body, page: body
    response: Callable[[Call, Response], Response] = lambda call, response: response
    store: type[MemoryStore] = MemoryStore
    vendor: type[Vendor] = Vendor
    billing: Billing = parts
    keywords: Callable[[], Keywords] = Keywords


class FaultyPages(Pages):
    """The vendor's pages with a fault between the steps of a request."""

    def __init__(self, vendor: Vendor, fault: Fault) -> None:
        super().__init__(vendor, DIALECTS["manual"])
        self._faulty = vendor
        self._fault = fault
        self._writers = {name: Xml(dialect) for name, dialect in DIALECTS.items()}

    def respond(self, page: Page, request: Request) -> Response:
        fault = self._fault
        request = fault.request(page, request)
        fields = fields_of(request.query, request.content_type, request.body, fault.decode[page.charset])
        call = fault.call(call_of(page, fault.fields(fields)))
        account = self._faulty.store.account(call.userid)
        refused = self._refusal(call, account)
        said = Refusal(refused) if refused is not None else self._faulty.answer(call).answer
        assert said is not None, "no fault of the emulator's own is set here"
        answer = fault.answer(call, said)
        if call.wants_json:
            content_type, body = "application/json", json_renderer.write(answer, call.operation, page)
        else:
            content_type = f"text/xml; charset={page.charset}"
            written = self._writers[(account and account.dialect) or "manual"].write(answer, call.operation, page)
            body = fault.body(_rewritten(written, page, call, fault), page)
        return fault.response(call, Response(200, [("Content-Type", content_type)], body))

    def _refusal(self, call: Call, account: Account | None) -> str | None:
        case = Case(call, account, self._faulty.keywords(), self._faulty.now(account), None)
        for message, fails in self._fault.checks(CHECKS[call.operation]):
            if fails(case):
                return message
        return None


class UncheckedVendor(Vendor):
    """A vendor that acts on any call it is given: `FaultyPages` has done the checks."""

    def answer(self, call: Call, request: int = 0) -> Told:
        account = self.store.account(call.userid) or self.store.account(self.store.userids()[-1])
        assert account is not None
        now = self.now(account)
        return Told(self._unchecked(account, now, request, call), account, now)

    def _unchecked(self, account: Account, now: float, request: int, call: Call) -> Answer:
        match call.operation and call.operation.name:
            case "overage":
                return self.overage(account)
            case "checkkeyword":
                return self.checkkeyword(call.content)
            case "status":
                digits = call.status_num.strip()
                return self.status(account, now, request, int(digits) if digits.isdecimal() else 4000)
            case "call":
                return self.call(account, now, request)
            case _:
                return self.send(account, now, request, call._replace(mobile=call.mobile or "15023239810"))


def _rewritten(written: bytes, page: Page, call: Call, fault: Fault) -> bytes:
    codec = "gbk" if page.charset == "gb2312" else "utf-8"
    text = written.decode(codec)
    changed = fault.text(text, call)
    return written if changed == text else changed.encode(codec, "xmlcharrefreplace")


class Control:
    """The control address, as small as it can be."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        self._made = 0
        self.keeps_accounts = False
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and document of an answer."""
        given = json.loads(body) if body else {}
        store, (_, _, what, *rest) = self._vendor.store, path.split("/")
        if what == "health":
            return 200, {"ready": True, "version": "0", "dialect": "manual", "store": "memory"}
        if method == "POST" and not rest:
            return 201, self._made_of(given)
        if method == "DELETE":
            return self._delete(rest[0])
        account = store.account(rest[0])
        if account is None:
            return 404, {}
        if rest[1:] and method != "GET":
            real = self._vendor.real_time()
            clock = account.clock or Turned(real, real)
            turned = Turned(clock.now(real), real, 0.0) if method == "PUT" else clock.advanced(given["seconds"], real)
            store.change(rest[0], lambda one: replace(one, clock=turned))
        if rest[1:]:
            now = datetime.fromtimestamp(self._vendor.now(store.account(rest[0])), CHINA)
            return 200, {"mode": "frozen", "now": now.isoformat(), "speed": 0.0}
        store.charge_up(rest[0], given["charge"])
        return 200, {}

    def userids(self) -> list[str]:
        """Of all accounts."""
        return [account.userid for account in self._vendor.store.accounts()]

    def _delete(self, userid: str) -> tuple[int, dict[str, Any]]:
        if self.keeps_accounts:
            return 405, {}
        self._vendor.store.close(userid)
        return 200, {}

    def _made_of(self, given: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._made += 1
            userid = f"9{self._made}"
        account = Account(
            userid=userid,
            account=given.get("account", f"t{userid}"),
            password="secret",
            points=given.get("points", 1000),
            postpaid=given.get("postpaid", False),
            may_read_reports=given.get("may_read_reports", True),
            dialect=given.get("dialect"),
        )
        self._vendor.store.open(account)
        told = {"userid": account.userid, "account": account.account, "password": "secret", "points": account.points}
        return told | {"payinfo": "postpaid" if account.postpaid else "prepaid"}


class _Wire(BaseHTTPRequestHandler):
    """Reads a request whole; fault, pages and control are set on a subclass."""

    protocol_version = "HTTP/1.1"
    fault: ClassVar[Fault]
    pages: ClassVar[Pages]
    control: ClassVar[Control]
    raw_requestline: bytes

    def parse_request(self) -> bool:
        """Read raw bytes in the request line (Q6); the standard library takes some of them for white space."""
        line = self.fault.line(self.raw_requestline)
        self.raw_requestline = re.sub(rb"[\x80-\xff]", lambda byte: b"%%%02X" % ord(byte[0]), line)
        return super().parse_request()

    def respond(self) -> None:
        target = self.requestline.split(" ")[1]
        path, _, query = target.partition("?")
        body = self._body()
        page = page_of(path)
        if path.startswith("/_mock/"):
            status, document = self.control.answer(self.command, path, body)
            headers, content = [("Content-Type", "application/json")], json.dumps(document).encode()
        elif page is None:
            status, headers, content = 404, [], b""
        else:
            kind = self.headers.get("Content-Type") or ""
            request = Request(self.command, query.encode("latin-1"), kind, body)
            response = self.pages.respond(page, request)
            status, headers, content = response.status, response.headers, response.body
        self.send_response_only(status, HTTPStatus(status).phrase)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = respond  # noqa: N815 - the names of the standard library

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") is None:
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return self.fault.chunks(pieces)


class Vendors(ThreadingHTTPServer):
    """A vendor on a socket. A fault that ends in an exception is no broken vendor but a broken test: see `errors`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, wire: type[_Wire], tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), wire)
        self.errors: list[str] = []
        self.control = wire.control
        self._scheme = "https" if tls else "http"
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        """Its address, and its control address."""
        return f"{self._scheme}://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        self.errors.append(traceback.format_exc())


@contextmanager
def served(fault: Fault | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Vendors]:
    """A vendor and its control address, by HTTPS where there is a context for it."""
    fault = fault or Fault()
    store = fault.store()
    store.open(MANUALS_OWN)
    checked = fault.checks is not Fault.checks
    kind = UncheckedVendor if checked and fault.vendor is Vendor else fault.vendor
    vendor = kind(store, Options().clock, fault.keywords(), billing=fault.billing)
    parts_of_it = {"fault": fault, "pages": FaultyPages(vendor, fault), "control": Control(vendor)}
    wire = type("Wire", (_Wire,), parts_of_it)
    with Vendors(wire, tls) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
