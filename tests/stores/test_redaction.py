"""Credentials in request headers are redacted in every store and in every view of the request log."""

import json
from collections.abc import Sequence

import pytest
from werkzeug.test import Client

from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.app.wsgi import WsgiVendorApp
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.records import LoggedRequest
from sms10692_mock.stores.request_log import redact_headers
from sms10692_mock.stores.valkey.serialization import dump_request, load_request
from support.emulators import MANUAL_SIGN, admin_app
from support.stores import EACH_STORE, StoreFactory, open_test_store

SECRETS = {
    "Authorization": "Bearer S3CRET-1",
    "Proxy-Authorization": "Basic S3CRET-2",
    "Cookie": "sms10692_key_1=S3CRET-3",
    "Set-Cookie": "a=S3CRET-4",
    "X-Api-Key": "S3CRET-5",
}
FORM = {"action": "overage", "userid": "12", "timestamp": "20120701231212", "sign": MANUAL_SIGN}


@pytest.fixture
def entry() -> LoggedRequest:
    headers = [(name.upper(), value) for name, value in SECRETS.items()]
    return LoggedRequest(1, 0.0, 0.0, 0.0, "GET", "/", b"", headers, b"", "1", "", "", None, 200, "", b"")


@EACH_STORE
def test_no_view_of_a_request_shows_secret_headers(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        options, notifier = Options(), ChangeNotifier()
        vendor = build_vendor(options, store)
        lines: list[str] = []
        pages = VendorApp(vendor, options, lambda entry: lines.append(str(entry)), notifier)
        client = Client(WsgiVendorApp(pages, admin_app(vendor, options, notifier)))
        client.post("/v2sms.aspx", data=FORM, headers=SECRETS)
        client.put("/v2sms.aspx", data=FORM, headers=SECRETS)  # not a request that the vendor processes
        listed = json.loads(client.get("/_mock/requests").data)["items"]
        assert [entry["status"] for entry in listed] == [200, 405]
        pages_read = [client.get(f"/_mock/requests/{entry['number']}").data for entry in listed]
        pages_read += [client.get(f"/requests/{entry['number']}").data for entry in listed]
        whole = json.loads(pages_read[0])
        assert ["authorization", "[redacted]"] in [[name.lower(), value] for name, value in whole["headers"]]
        assert ["host", "localhost"] in [[name.lower(), value] for name, value in whole["headers"]]
        kept = store.request(listed[0]["number"])
        for text in (*map(bytes.decode, pages_read), *lines, repr(kept)):
            assert "S3CRET" not in text


def test_header_names_are_case_insensitive(entry: LoggedRequest) -> None:
    assert {value for _, value in redact_headers(entry.headers)} == {"[redacted]"}


def test_secrets_stored_by_an_older_version_are_redacted_when_read(entry: LoggedRequest) -> None:
    assert "S3CRET" not in repr(load_request(dump_request(entry)))


def test_headers_without_secrets_are_not_copied() -> None:
    headers: Sequence[tuple[str, str]] = [("Host", "x"), ("Content-Type", "text/plain")]
    assert redact_headers(headers) is headers
