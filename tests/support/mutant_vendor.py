"""Vendors for testing the contract suite: the emulator in this process, on a socket, correct or with one defect.

`Defect` lists the places where a defect can be inserted. The defects are in `support/mutants`. The vendor has a minimal
control API.
"""

import json
import re
import ssl
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from sms10692.protocol import ENDPOINTS, Endpoint
from sms10692.signing import CHINA
from sms10692_mock.app.vendor_app import Preset, VendorApp, VendorRequest
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import Fields, parse_fields
from sms10692_mock.codec.json_renderer import JsonRenderer
from sms10692_mock.codec.xml import XmlRenderer
from sms10692_mock.config import Options
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account
from sms10692_mock.domain.api_request import ApiRequest, match_endpoint, parse_request
from sms10692_mock.domain.billing import PRICINGS, Pricing, segment_price
from sms10692_mock.domain.clock import ClockOverride
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.profile_table import ProfileTable
from sms10692_mock.domain.profiles import KEYS, MANUAL, PROFILES, Profile
from sms10692_mock.domain.records import InboundReply, Query
from sms10692_mock.domain.results import Refusal, Result
from sms10692_mock.domain.validation import RULES, Rule, ValidationContext
from sms10692_mock.domain.vendor import Vendor, VendorResult
from sms10692_mock.profile_file import to_plain
from sms10692_mock.server.http_types import Response
from sms10692_mock.stores.memory.store import MemoryStore


@dataclass(frozen=True)
class Defect:
    """Hooks between the steps of a request, and replacements for parts of the emulator. The defaults change nothing.

    `profile` is what the control API tells, `served_profile` what the vendor does, the same by default.
    """

    request_line: Callable[[bytes], bytes] = lambda line: line
    join_chunks: Callable[[list[bytes]], bytes] = b"".join
    http_request: Callable[[Endpoint, VendorRequest], VendorRequest] = lambda endpoint, request: request
    decode: Mapping[str, Callable[[bytes], str]] = field(default_factory=lambda: DECODERS)
    fields: Callable[[Fields], Fields] = lambda fields: fields
    api_request: Callable[[ApiRequest], ApiRequest] = lambda request: request
    rules: Callable[[tuple[Rule, ...]], tuple[Rule, ...]] = lambda rules: rules
    result: Callable[[ApiRequest, Result], Result] = lambda request, result: result
    text: Callable[[str, ApiRequest], str] = lambda text, request: text
    body: Callable[[bytes, Endpoint], bytes] = lambda body, endpoint: body
    response: Callable[[ApiRequest, Response], Response] = lambda request, response: response
    store: type[MemoryStore] = MemoryStore
    vendor: type[Vendor] = Vendor
    pricing: Pricing = segment_price
    keywords: Callable[[], Keywords] = Keywords
    handler: "type[HttpHandler] | None" = None
    profile: Profile = MANUAL
    served_profile: Profile | None = None


class DefectiveVendorApp(VendorApp):
    """The vendor application with the hooks of a defect."""

    def __init__(self, vendor: Vendor, defect: Defect) -> None:
        super().__init__(vendor, Options())
        self._defective_vendor = vendor
        self._defect = defect
        profiles = {profile.name: profile for profile in (*PROFILES.values(), vendor.default_profile)}
        self._xml_renderers = {name: XmlRenderer(profile) for name, profile in profiles.items()}
        self._json_renderers = {name: JsonRenderer(profile) for name, profile in profiles.items()}

    def respond(self, page: Endpoint, request: VendorRequest, preset: Preset | None = None) -> Response:
        defect = self._defect
        request = defect.http_request(page, request)
        fields = parse_fields(request.query, request.content_type, request.body, defect.decode[page.charset])
        api_request = defect.api_request(parse_request(page, defect.fields(fields)))
        account = self._defective_vendor.store.account(api_request.userid)
        result: Result | None = self._find_refusal(api_request, account)
        if result is None:
            handled = self._defective_vendor.handle(api_request)
            result, api_request = handled.result, handled.request or api_request
        assert result is not None, "the emulator's own fault injection is not used here"
        result = defect.result(api_request, result)
        profile = self._defective_vendor.profile_of(account).name
        if api_request.wants_json:
            content_type, body = (
                "application/json",
                self._json_renderers[profile].render(result, api_request.operation, page),
            )
        else:
            content_type = f"text/xml; charset={page.charset}"
            xml = self._xml_renderers[profile].render(result, api_request.operation, page, api_request.userid)
            body = defect.body(_change_text(xml, page, api_request, defect), page)
        return defect.response(api_request, Response(200, [("Content-Type", content_type)], body))

    def _find_refusal(self, request: ApiRequest, account: Account | None) -> Refusal | None:
        """Check a request by the rules of the defect; without any, the vendor checks it."""
        if self._defect.rules is Defect.rules:
            return None
        vendor = self._defective_vendor
        context = ValidationContext(request, account, vendor.keywords(), vendor.now(account))
        for message, check in self._defect.rules(RULES[request.operation]):
            if evidence := check(context):
                return Refusal(message, evidence)
        return None


class UncheckedVendor(Vendor):
    """A vendor that processes any request without validation, which `DefectivePages` has done."""

    def handle(self, request: ApiRequest, request_number: int = 0) -> VendorResult:
        account = self.store.account(request.userid) or self.store.account(self.store.userids()[-1])
        assert account is not None
        now = self.now(account)
        return VendorResult(self._unchecked(account, now, request_number, request), account, now)

    def _unchecked(self, account: Account, now: float, request_number: int, request: ApiRequest) -> Result:
        match request.operation and request.operation.name:
            case "overage":
                return self.overage(account)
            case "checkkeyword":
                return self.checkkeyword(account, request.content)
            case "status":
                digits = request.status_num.strip()
                return self.status(account, now, request_number, int(digits) if digits.isdecimal() else 4000)
            case "call":
                return self.call(account, now, request_number)
            case "changespwd":
                return self.change_password(account, request.new_passwords[0])
            case _:
                return self.send(account, now, request_number, request._replace(mobile=request.mobile or "15023239810"))


def _change_text(body: bytes, endpoint: Endpoint, request: ApiRequest, defect: Defect) -> bytes:
    codec = "gbk" if endpoint.charset == "gb2312" else "utf-8"
    text = body.decode(codec)
    changed = defect.text(text, request)
    return body if changed == text else changed.encode(codec, "xmlcharrefreplace")


class MutantControl:
    """A minimal control API: health, forbidden words, create, change and delete accounts, clock, replies."""

    def __init__(self, vendor: Vendor, profile: Profile) -> None:
        self._vendor = vendor
        self._profile = profile
        self._created_count = 0
        self.keeps_accounts = False
        self._lock = threading.Lock()

    def handle(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Process a request. Returns status and document."""
        document = json.loads(body) if body else {}
        store, (_, _, resource, *rest) = self._vendor.store, path.split("/")
        if resource == "health":
            paths = [endpoint.path for endpoint in ENDPOINTS]
            return 200, {"ready": True, "version": "0", "profile": "manual", "endpoints": paths, "store": "memory"}
        if resource == "keywords":
            return 200, {"words": list(self._vendor.keywords().words)}
        if resource == "profile":
            return 200, _describe_profile(self._profile)
        if resource == "profiles":
            return 200, {"names": [*PROFILES], "default": self._profile.name}
        if method == "POST" and not rest:
            return 201, self._create_account(document)
        userid = rest[0]
        if method == "DELETE":
            return self._delete_account(userid)
        account = store.account(userid)
        if account is None:
            return 404, {}
        if rest[1:] == ["profile"]:
            return 200, _describe_profile(PROFILES[account.profile] if account.profile else self._profile)
        if rest[1:] == ["replies"]:
            return self._enqueue_reply(account, document["mobile"], document["content"])
        if not rest[1:]:
            if "password" in document:
                store.update_account(userid, lambda current: replace(current, password=document["password"]))
            elif "points" in document:
                store.set_balance(userid, document["points"])
            else:
                store.add_points(userid, document["top_up"])
            return 200, {}
        if method != "GET":
            self._change_clock(method, account, document)
        now = datetime.fromtimestamp(self._vendor.now(store.account(userid)), CHINA)
        return 200, {"mode": "frozen", "now": now.isoformat(), "speed": 0.0}

    def _change_clock(self, method: str, account: Account, document: dict[str, Any]) -> None:
        """Freeze the account's clock (PUT), or advance the clock."""
        real = self._vendor.wall_clock()
        clock = account.clock or ClockOverride(real, real)
        frozen = ClockOverride(clock.now(real), real, 0.0)
        changed = frozen if method == "PUT" else clock.advance(document["seconds"], real)
        self._vendor.store.update_account(account.userid, lambda current: replace(current, clock=changed))

    def _enqueue_reply(self, account: Account, mobile: str, content: str) -> tuple[int, dict[str, Any]]:
        """Add a reply to the last task that was sent to the number."""
        store, now = self._vendor.store, self._vendor.now(account)
        (message,) = store.messages(account.userid, Query(number=mobile, newest_first=True, limit=1), now).items
        task = message.task
        store.enqueue(account.userid, [], [InboundReply(now, mobile, task.task_id, content, task.extno)], now)
        return 201, {}

    def read_balance(self, userid: str) -> int:
        """Return the balance of an account."""
        return self._vendor.store.balance(userid).points

    def userids(self) -> list[str]:
        """Return the userids of all accounts."""
        return [account.userid for account in self._vendor.store.accounts()]

    def _delete_account(self, userid: str) -> tuple[int, dict[str, Any]]:
        if self.keeps_accounts:
            return 405, {}
        self._vendor.store.delete_account(userid)
        return 200, {}

    def _create_account(self, document: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._created_count += 1
            userid = document.get("userid", f"9{self._created_count}")
        account = Account(
            userid=userid,
            account=document.get("account", f"t{userid}"),
            password=document.get("password", "secret"),
            points=document.get("points", 1000),
            postpaid=document.get("postpaid", False),
            can_read_queues=document.get("can_read_queues", True),
            profile=document.get("profile"),
        )
        self._vendor.store.create_account(account)
        created = {name: getattr(account, name) for name in ("userid", "account", "password", "points")}
        return created | {"payinfo": "postpaid" if account.postpaid else "prepaid"}


def _describe_profile(profile: Profile) -> dict[str, Any]:
    """Return a profile as the control API tells it."""
    return {"name": profile.name, "keys": {name: {"value": to_plain(getattr(profile, name))} for name in KEYS}}


class HttpHandler(BaseHTTPRequestHandler):
    """HTTP handler. A subclass sets defect, vendor application and control API.

    The methods without an underscore are the places where a subclass can insert a defect of a connection.
    """

    protocol_version = "HTTP/1.1"
    defect: ClassVar[Defect]
    vendor_app: ClassVar[VendorApp]
    control: ClassVar[MutantControl]
    raw_requestline: bytes

    def parse_request(self) -> bool:
        """Percent-encode raw bytes in the request line (Q6): the standard library takes some for white space."""
        line = self.defect.request_line(self.raw_requestline)
        self.raw_requestline = re.sub(rb"[\x80-\xff]", lambda byte: b"%%%02X" % ord(byte[0]), line)
        is_parsed = super().parse_request()
        if is_parsed and "close" in re.split(r"\s*,\s*", self.headers.get("Connection", "").strip().lower()):
            self.close_connection = True  # the standard library knows the word alone
        return is_parsed

    def respond(self) -> None:
        target = self.requestline.split(" ")[1]
        path, _, query = re.sub(r"^\w+://[^/?]*", "", target).partition("?")
        body = self.read_body()
        endpoint = match_endpoint(path)
        if path.startswith("/_mock/"):
            status, document = self.control.handle(self.command, path, body)
            headers, content = [("Content-Type", "application/json")], json.dumps(document).encode()
        elif endpoint is None:
            status, headers, content = 404, [], b""
        else:
            kind = self.headers.get("Content-Type") or ""
            request = VendorRequest(
                self.command, query.encode("latin-1"), kind, body, path, tuple(self.headers.items())
            )
            response = self.answer_vendor_request(endpoint, request)
            status, headers, content = response.status, response.headers, response.body
        self.write_response(status, headers, content)

    def answer_vendor_request(self, endpoint: Endpoint, request: VendorRequest) -> Response:
        """Return the response to a request to an endpoint of the vendor."""
        return self.vendor_app.respond(endpoint, request)

    def write_response(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
        """Write head and body at once: otherwise the body would wait for the acknowledgement of the head."""
        lines = [("Content-Length", str(len(content))), *headers]
        if self.request_version == "HTTP/1.0" and not self.close_connection:
            lines.append(("Connection", "keep-alive"))
        head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in lines
        )
        self.wfile.write(head.encode("latin-1") + b"\r\n" + (b"" if self.command == "HEAD" else content))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = respond  # noqa: N815 - names required by the standard library

    def read_body(self) -> bytes:
        """Read the body of a request."""
        if self.headers.get("Transfer-Encoding") is None:
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := self.read_chunk_size(self.rfile.readline()):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.read_trailers()
        return self.defect.join_chunks(chunks)

    def read_chunk_size(self, line: bytes) -> int:
        """Read the line before a chunk, with an extension or without."""
        return int(line.partition(b";")[0], 16)

    def read_trailers(self) -> None:
        """Read what stands behind the last chunk, the empty line included."""
        while self.rfile.readline().strip():
            pass


class MutantServer(ThreadingHTTPServer):
    """A vendor on a socket. Tests check that `errors` is empty: a defect must not raise an exception."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type[HttpHandler], tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.errors: list[str] = []
        self.control = handler.control
        self._scheme = "https" if tls else "http"
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        """URL of the vendor and of its control API."""
        return f"{self._scheme}://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        # A client that saw a mismatch disconnects without reading the rest.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            self.errors.append(traceback.format_exc())


@contextmanager
def mutant_server(defect: Defect | None = None, tls: ssl.SSLContext | None = None) -> Iterator[MutantServer]:
    """Serve a vendor with its control API, over HTTPS if `tls` is set."""
    defect = defect or Defect()
    store = defect.store()
    store.create_account(DEFAULT_ACCOUNT)
    has_own_rules = defect.rules is not Defect.rules
    vendor_class = UncheckedVendor if has_own_rules and defect.vendor is Vendor else defect.vendor
    served_profile = defect.served_profile or defect.profile
    vendor = vendor_class(store, Options().clock, defect.keywords(), profiles=ProfileTable((served_profile,)))
    if defect.pricing is not segment_price:
        vendor.pricings = {**PRICINGS, "segment": defect.pricing}
    attributes = {
        "defect": defect,
        "vendor_app": DefectiveVendorApp(vendor, defect),
        "control": MutantControl(vendor, defect.profile),
    }
    with MutantServer(type("Handler", (defect.handler or HttpHandler,), attributes), tls) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
