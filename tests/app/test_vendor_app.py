"""Tests of `app.vendor_app` and `app.wsgi` without sockets: every request gets a well-formed response.

`tests/end_to_end/test_sockets.py` tests the same over sockets.
"""

import io
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.admin.app import create_app
from sms10692_mock.app.vendor_app import VendorApp, VendorRequest
from sms10692_mock.app.wsgi import WsgiVendorApp
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.diagnosis.service import diagnose_logged
from sms10692_mock.domain.records import LoggedRequest, Query
from sms10692_mock.domain.store import StoreUnavailable
from support.emulators import CALL, CREDENTIALS, GBK, STATUS, UTF8, WsgiHarness, call_wsgi
from support.http_client import Response, build_request
from support.stores import build_reply, build_report

ENDPOINTS = [UTF8, GBK, STATUS, CALL]


@pytest.mark.parametrize("profile", ["manual", "observed"])
@given(data=st.data())
def test_any_bytes_get_a_well_formed_response_with_status_200(profile: str, data: st.DataObject) -> None:
    emulator = WsgiHarness(profile=profile)
    path = data.draw(st.sampled_from(ENDPOINTS))
    names = [*CREDENTIALS, "action", "mobile", "content", "sendTime", "extno", "statusNum", "rt"]
    values = st.binary() | st.sampled_from([*(value.encode() for value in CREDENTIALS.values()), b"send", b"query"])
    pairs = st.lists(st.tuples(st.sampled_from(names).map(str.encode), values).map(b"=".join))
    credentials = b"&".join(f"{name}={value}".encode() for name, value in CREDENTIALS.items())
    body = data.draw(st.binary() | pairs.map(b"&".join) | pairs.map(lambda others: b"&".join([credentials, *others])))
    content_type = data.draw(st.sampled_from(["", "multipart/form-data; boundary=a", "text/xml", "application/json"]))
    response = emulator.send_raw(build_request(path, body, content_type))
    assert response.status == 200
    if response.content_type == "application/json":
        assert isinstance(json.loads(response.body), dict)
        return
    assert response.content_type == f"text/xml; charset={'gb2312' if path == GBK else 'utf-8'}"
    text = response.body.decode("gbk" if path == GBK else "utf-8")
    assert etree.fromstring(text.partition("?>")[2].encode()).tag == "returnsms"


NOT_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@pytest.mark.parametrize(("path", "codec"), [(UTF8, "utf-8"), (GBK, "gbk")])
@given(data=st.data())
def test_any_text_in_the_charset_of_an_endpoint_is_decoded_as_sent(path: str, codec: str, data: st.DataObject) -> None:
    text = data.draw(st.text(st.characters(codec=codec)))
    response = WsgiHarness(profile="observed", keywords=[]).post(path, action="checkkeyword", content=text)
    root = etree.fromstring(response.partition("?>")[2].encode())
    assert (root.findtext("checkCounts") or "") == NOT_XML.sub("", text)


@given(
    sends=st.lists(
        st.tuples(
            st.lists(st.sampled_from(["13000000001", "10086", "10000000022", "10000000005"]), max_size=4).map(",".join),
            st.sampled_from(["内容", "字" * 71, "发票", "", "' or 1=1"]),
            st.sampled_from(["", "12345678901"]),
        ),
        max_size=8,
    ),
    postpaid=st.booleans(),
)
def test_the_balance_falls_by_the_cost_of_each_send(sends: list[tuple[str, str, str]], postpaid: bool) -> None:
    emulator = WsgiHarness(accounts=["12:test:mima:6"], postpaid=["12"] if postpaid else [])
    balance = 0 if postpaid else 6
    for mobile, content, extno in sends:
        response = emulator.send(mobile, content, extno=extno)
        if "<returnstatus>Success<" in response:
            numbers = int(re.findall(r"<successCounts>(\d+)<", response)[0])
            balance -= numbers * (2 if len(content) == 71 else 1)
            assert f"<remainpoint>{balance}<" in response
        else:
            assert response.endswith(
                "<remainpoint>0</remainpoint>\n <taskID>0</taskID>\n <successCounts>0</successCounts></returnsms>"
            )
        assert emulator.balance() == balance


@pytest.mark.parametrize(
    "path", ["/else", "/v2sms", "/v2sms.asp", "/a/v2sms.aspx", "/sms2.aspx", "/v2sms.aspx.bak", "*"]
)
def test_other_paths_are_404_and_name_the_endpoints(path: str) -> None:
    response = WsgiHarness().send_raw(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert response.status == 404
    assert b"/v2smsGBK.aspx" in response.body


@pytest.mark.parametrize("path", ["/sms.aspx", "/smsGBK.aspx", "/statusApi.aspx", "/callApi.aspx"])
def test_the_older_endpoints_are_404_where_only_the_signed_ones_are_served(path: str) -> None:
    request = f"GET {path}?action=overage&userid=12&account=test&password=mima HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    assert WsgiHarness().send_raw(request).status == 200
    response = WsgiHarness(endpoints="signed").send_raw(request)
    assert response.status == 404
    assert b"/v2smsGBK.aspx" in response.body
    assert b"/sms.aspx" not in response.body


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "get"])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_other_methods_are_405(path: str, method: str) -> None:
    response = WsgiHarness().send_raw(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert (response.status, response.body) == (405, b"this page answers GET, HEAD, POST\n")


def send_environ(**environ: Any) -> Response:
    """Send a POST to the UTF-8 endpoint, with these values of the WSGI environment added or replaced."""
    base = {"REQUEST_METHOD": "POST", "PATH_INFO": UTF8, "QUERY_STRING": ""}
    return call_wsgi(create_app().wsgi_app, base | environ)


def log_request(**environ: Any) -> LoggedRequest:
    """Send a request that is rejected before the vendor handles it, and return its entry in the request log."""
    options = Options()
    vendor = build_vendor(options)
    vendor_app = VendorApp(vendor, options)
    call_wsgi(WsgiVendorApp(vendor_app, fallback), {"REQUEST_METHOD": "POST", "PATH_INFO": UTF8, **environ})
    (entry,) = vendor.store.requests(None, Query()).items
    (finding,) = diagnose_logged(entry, vendor.store)
    assert finding.code == f"http.{entry.rejection}"
    return entry


def fallback(environ: Any, start_response: Any) -> list[bytes]:
    raise AssertionError("the path belongs to an endpoint")


TRUNCATED_BODY = b"the body broke off: 8 of 9 bytes came (Content-Length is 9, and counts bytes, not characters)\n"


def test_a_request_rejected_before_the_vendor_is_in_the_request_log() -> None:
    form, too_long = b"userid=12&action=overage", {"QUERY_STRING": "userid=12&action=overage", "CONTENT_LENGTH": "9"}
    put = log_request(REQUEST_METHOD="PUT", CONTENT_LENGTH=str(len(form)), **{"wsgi.input": io.BytesIO(form)})
    assert (put.status, put.rejection, put.method, put.userid, put.body) == (405, "method", "PUT", "12", form)
    truncated = log_request(**too_long, **{"wsgi.input": io.BytesIO(b"12345678")})
    assert (truncated.status, truncated.rejection, truncated.userid) == (400, "body-cut", "12")
    assert truncated.body == b"12345678"
    assert truncated.response_body == TRUNCATED_BODY
    large = log_request(**{"wsgi.input": io.BytesIO(b"x" * (4 * 1024 * 1024 + 1)), "wsgi.input_terminated": True})
    assert (large.status, large.rejection, large.userid, large.path) == (413, "body-too-large", "", UTF8)


def test_the_first_fetch_after_a_reset_gets_no_polling_warning() -> None:
    options = Options()
    vendor = build_vendor(options)
    vendor_app = VendorApp(vendor, options)
    form = "&".join(f"{name}={value}" for name, value in (CREDENTIALS | {"action": "query"}).items()).encode()
    fetch = VendorRequest("POST", b"", "application/x-www-form-urlencoded", form)

    def hint() -> str:
        return dict(vendor_app.respond(protocol.V2STATUS_API, fetch).headers).get("X-Mock-Hint", "")

    assert "polling" not in hint()
    assert "polling" in hint()
    vendor.store.clear_request_log()
    assert "polling" not in hint()


def test_a_body_of_four_mebibytes_is_read_and_one_byte_more_is_413() -> None:
    limit = 4 * 1024 * 1024
    body = b"action=overage&x=".ljust(limit, b"y")
    assert send_environ(CONTENT_LENGTH=str(limit), **{"wsgi.input": io.BytesIO(body)}).status == 200
    stream = io.BytesIO(body + b"y" * 100)
    response = send_environ(CONTENT_LENGTH=str(limit + 100), **{"wsgi.input": stream})
    assert (response.status, response.body) == (413, b"a body has at most 4194304 bytes here\n")
    assert stream.tell() == limit + 100


def test_at_most_16_mebibytes_of_a_larger_body_are_read() -> None:
    class EndlessStream(io.RawIOBase):
        bytes_read = 0

        def read(self, size: int = -1) -> bytes:
            self.bytes_read += size
            return b"y" * size

    stream = EndlessStream()
    assert send_environ(**{"wsgi.input": stream, "wsgi.input_terminated": True}).status == 413
    assert stream.bytes_read == 16 * 1024 * 1024


def test_a_request_with_a_truncated_body_has_no_effect() -> None:
    emulator = WsgiHarness()
    body = b"action=send&mobile=13000000001,13000000002&content=x&" + b"&".join(
        f"{name}={value}".encode() for name, value in CREDENTIALS.items()
    )
    response = emulator.send_raw(build_request(UTF8, body).replace(b"Content-Length: ", b"Content-Length: 1"))
    assert (response.status, response.body) == (
        400,
        b"the body broke off: 125 of 1125 bytes came (Content-Length is 1125, and counts bytes, not characters)\n",
    )
    assert emulator.balance() == 1000


@pytest.mark.parametrize(
    "length", ["abc", "-1", "1_0", "٣", "9" * 5000], ids=["word", "sign", "underscore", "arabic", "long"]
)
def test_an_invalid_content_length_is_400_as_on_a_socket(length: str) -> None:
    response = create_app().test_client().post(UTF8, data=b"x", environ_overrides={"CONTENT_LENGTH": length})
    assert (response.status_code, response.text) == (400, "the length of the body is no number\n")


def test_the_test_client_of_flask_reaches_the_endpoints() -> None:
    client = create_app().test_client()
    response = client.post("/v2sms.aspx", data={"action": "overage"} | CREDENTIALS)
    assert "Sucess" in response.text
    assert client.get("/nowhere").status_code == 404


def test_waiting_items_are_counted_in_the_queue_that_the_request_would_fetch_from() -> None:
    options = Options()
    vendor = build_vendor(options)
    app = VendorApp(vendor, options)
    vendor.store.enqueue("12", [build_report(0.0, "13800000001")] * 3, [build_reply(0.0, "13800000001")], 1.0)

    def count_waiting(endpoint: Endpoint, userid: str) -> int:
        return app.count_waiting(endpoint, VendorRequest("GET", f"action=query&userid={userid}".encode(), "", b""))

    assert count_waiting(protocol.V2STATUS_API, "12") == 3
    assert count_waiting(protocol.V2CALL_API, "12") == 1
    assert count_waiting(protocol.V2CALL_API, "unknown") == 0


@pytest.mark.parametrize(("switch", "is_json"), [("dataType", True), ("rt", False)])
def test_a_send_that_the_store_lost_has_the_form_of_the_profile(
    switch: str, is_json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = WsgiHarness(profile='json_switch = "dataType"')

    def fail(userid: str) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(emulator.store, "account", fail)
    response = emulator.send(**{switch: "json"})
    assert response.startswith('{"ReturnStatus":"Faild","Message":"其他错误"' if is_json else "<?xml")
