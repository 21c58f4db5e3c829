"""Vendors for testing the contract suite: the emulator in this process, on a socket, correct or with one defect.

`Defect` lists the places where a defect can be inserted; the defects themselves are in `support/mutants`. The vendor
has a minimal control API.
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

from sms10692.protocol import Endpoint
from sms10692.signing import CHINA
from sms10692_mock.app.vendor_app import Request, VendorApp
from sms10692_mock.codec import json_renderer
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import Fields, parse_fields
from sms10692_mock.codec.xml import XmlRenderer
from sms10692_mock.config import Options
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account
from sms10692_mock.domain.api_request import ApiRequest, match_endpoint, parse_request
from sms10692_mock.domain.billing import Billing, segment_price
from sms10692_mock.domain.clock import ClockOverride
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.results import Refusal, Result
from sms10692_mock.domain.validation import RULES, Rule, ValidationContext
from sms10692_mock.domain.vendor import Vendor, VendorResult
from sms10692_mock.profiles import PROFILES
from sms10692_mock.server.http_types import Response
from sms10692_mock.stores.memory.store import MemoryStore


@dataclass(frozen=True)
class Defect:
    """Hooks between the steps of a request, and replacements for parts of the emulator. The defaults change nothing."""

    request_line: Callable[[bytes], bytes] = lambda line: line
    join_chunks: Callable[[list[bytes]], bytes] = b"".join
    http_request: Callable[[Endpoint, Request], Request] = lambda page, request: request
    decode: Mapping[str, Callable[[bytes], str]] = field(default_factory=lambda: DECODERS)
    fields: Callable[[Fields], Fields] = lambda fields: fields
    api_request: Callable[[ApiRequest], ApiRequest] = lambda call: call
    rules: Callable[[tuple[Rule, ...]], tuple[Rule, ...]] = lambda checks: checks
    result: Callable[[ApiRequest, Result], Result] = lambda call, answer: answer
    text: Callable[[str, ApiRequest], str] = lambda text, call: text
    body: Callable[[bytes, Endpoint], bytes] = lambda body, page: body
    response: Callable[[ApiRequest, Response], Response] = lambda call, response: response
    store: type[MemoryStore] = MemoryStore
    vendor: type[Vendor] = Vendor
    billing: Billing = segment_price
    keywords: Callable[[], Keywords] = Keywords


class DefectiveVendorApp(VendorApp):
    """The vendor application with the hooks of a defect."""

    def __init__(self, vendor: Vendor, fault: Defect) -> None:
        super().__init__(vendor, PROFILES["manual"])
        self._faulty = vendor
        self._fault = fault
        self._writers = {name: XmlRenderer(dialect) for name, dialect in PROFILES.items()}

    def handle(self, page: Endpoint, request: Request) -> Response:
        fault = self._fault
        request = fault.http_request(page, request)
        fields = parse_fields(request.query, request.content_type, request.body, fault.decode[page.charset])
        call = fault.api_request(parse_request(page, fault.fields(fields)))
        account = self._faulty.store.account(call.userid)
        refused = self._refusal(call, account)
        said = Refusal(refused) if refused is not None else self._faulty.handle(call).result
        assert said is not None, "the emulator's own fault injection is not used here"
        answer = fault.result(call, said)
        if call.wants_json:
            content_type, body = "application/json", json_renderer.render(answer, call.operation, page)
        else:
            content_type = f"text/xml; charset={page.charset}"
            written = self._writers[(account and account.dialect) or "manual"].render(answer, call.operation, page)
            body = fault.body(_change_text(written, page, call, fault), page)
        return fault.response(call, Response(200, [("Content-Type", content_type)], body))

    def _refusal(self, call: ApiRequest, account: Account | None) -> str | None:
        case = ValidationContext(call, account, self._faulty.keywords(), self._faulty.now(account), None)
        for message, fails in self._fault.rules(RULES[call.operation]):
            if fails(case):
                return message
        return None


class UncheckedVendor(Vendor):
    """A vendor that processes any request without validation, which `DefectivePages` has done."""

    def handle(self, call: ApiRequest, request: int = 0) -> VendorResult:
        account = self.store.account(call.userid) or self.store.account(self.store.userids()[-1])
        assert account is not None
        now = self.now(account)
        return VendorResult(self._unchecked(account, now, request, call), account, now)

    def _unchecked(self, account: Account, now: float, request: int, call: ApiRequest) -> Result:
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


def _change_text(written: bytes, page: Endpoint, call: ApiRequest, fault: Defect) -> bytes:
    codec = "gbk" if page.charset == "gb2312" else "utf-8"
    text = written.decode(codec)
    changed = fault.text(text, call)
    return written if changed == text else changed.encode(codec, "xmlcharrefreplace")


class MutantControl:
    """A minimal control API: health, create and delete accounts, clock, top up."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        self._created_count = 0
        self.keeps_accounts = False
        self._lock = threading.Lock()

    def handle(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Process a request. Returns status and document."""
        given = json.loads(body) if body else {}
        store, (_, _, what, *rest) = self._vendor.store, path.split("/")
        if what == "health":
            return 200, {"ready": True, "version": "0", "dialect": "manual", "store": "memory"}
        if method == "POST" and not rest:
            return 201, self._create_account(given)
        if method == "DELETE":
            return self._delete(rest[0])
        account = store.account(rest[0])
        if account is None:
            return 404, {}
        if rest[1:] and method != "GET":
            real = self._vendor.wall_clock()
            clock = account.clock or ClockOverride(real, real)
            turned = (
                ClockOverride(clock.now(real), real, 0.0) if method == "PUT" else clock.advance(given["seconds"], real)
            )
            store.update_account(rest[0], lambda one: replace(one, clock=turned))
        if rest[1:]:
            now = datetime.fromtimestamp(self._vendor.now(store.account(rest[0])), CHINA)
            return 200, {"mode": "frozen", "now": now.isoformat(), "speed": 0.0}
        store.add_points(rest[0], given["charge"])
        return 200, {}

    def userids(self) -> list[str]:
        """Return the userids of all accounts."""
        return [account.userid for account in self._vendor.store.accounts()]

    def _delete(self, userid: str) -> tuple[int, dict[str, Any]]:
        if self.keeps_accounts:
            return 405, {}
        self._vendor.store.delete_account(userid)
        return 200, {}

    def _create_account(self, given: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._created_count += 1
            userid = f"9{self._created_count}"
        account = Account(
            userid=userid,
            account=given.get("account", f"t{userid}"),
            password="secret",
            points=given.get("points", 1000),
            postpaid=given.get("postpaid", False),
            may_read_reports=given.get("may_read_reports", True),
            dialect=given.get("dialect"),
        )
        self._vendor.store.create_account(account)
        told = {"userid": account.userid, "account": account.account, "password": "secret", "points": account.points}
        return told | {"payinfo": "postpaid" if account.postpaid else "prepaid"}


class _HttpHandler(BaseHTTPRequestHandler):
    """HTTP handler. A subclass sets defect, vendor application and control API."""

    protocol_version = "HTTP/1.1"
    fault: ClassVar[Defect]
    pages: ClassVar[VendorApp]
    control: ClassVar[MutantControl]
    raw_requestline: bytes

    def parse_request(self) -> bool:
        """Percent-encode raw bytes in the request line (Q6): the standard library takes some for white space."""
        line = self.fault.request_line(self.raw_requestline)
        self.raw_requestline = re.sub(rb"[\x80-\xff]", lambda byte: b"%%%02X" % ord(byte[0]), line)
        return super().parse_request()

    def respond(self) -> None:
        target = self.requestline.split(" ")[1]
        path, _, query = target.partition("?")
        body = self._body()
        page = match_endpoint(path)
        if path.startswith("/_mock/"):
            status, document = self.control.handle(self.command, path, body)
            headers, content = [("Content-Type", "application/json")], json.dumps(document).encode()
        elif page is None:
            status, headers, content = 404, [], b""
        else:
            kind = self.headers.get("Content-Type") or ""
            request = Request(self.command, query.encode("latin-1"), kind, body)
            response = self.pages.handle(page, request)
            status, headers, content = response.status, response.headers, response.body
        self.send_response_only(status, HTTPStatus(status).phrase)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = respond  # noqa: N815 - names required by the standard library

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") is None:
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return self.fault.join_chunks(pieces)


class MutantServer(ThreadingHTTPServer):
    """A vendor on a socket. Tests check that `errors` is empty: a defect must not raise an exception."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, wire: type[_HttpHandler], tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), wire)
        self.errors: list[str] = []
        self.control = wire.control
        self._scheme = "https" if tls else "http"
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        """URL of the vendor and of its control API."""
        return f"{self._scheme}://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        self.errors.append(traceback.format_exc())


@contextmanager
def mutant_server(fault: Defect | None = None, tls: ssl.SSLContext | None = None) -> Iterator[MutantServer]:
    """Serve a vendor with its control API, over HTTPS if `tls` is set."""
    fault = fault or Defect()
    store = fault.store()
    store.create_account(DEFAULT_ACCOUNT)
    checked = fault.rules is not Defect.rules
    kind = UncheckedVendor if checked and fault.vendor is Vendor else fault.vendor
    vendor = kind(store, Options().clock, fault.keywords(), billing=fault.billing)
    parts_of_it = {"fault": fault, "pages": DefectiveVendorApp(vendor, fault), "control": MutantControl(vendor)}
    wire = type("Wire", (_HttpHandler,), parts_of_it)
    with MutantServer(wire, tls) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
