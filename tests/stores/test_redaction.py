"""Values of headers that let somebody in are in no request log, whatever the store and however it is looked at."""

import json
from collections.abc import Sequence

import pytest
from werkzeug.test import Client

from sms10692_mock.app.vendor_app import Pages
from sms10692_mock.app.wsgi import WsgiPages
from sms10692_mock.config import Options, vendor_of
from sms10692_mock.domain.notifier import Bell
from sms10692_mock.domain.records import Entry
from sms10692_mock.stores.redaction import redact_headers
from sms10692_mock.stores.valkey.serialization import packed_entry, unpacked_entry
from support.emulators import MANUALS_SIGN, beside
from support.stores import EACH_STORE, Making, made

SECRETS = {
    "Authorization": "Bearer S3CRET-1",
    "Proxy-Authorization": "Basic S3CRET-2",
    "Cookie": "sms10692_key_1=S3CRET-3",
    "Set-Cookie": "a=S3CRET-4",
    "X-Api-Key": "S3CRET-5",
}
FORM = {"action": "overage", "userid": "12", "timestamp": "20120701231212", "sign": MANUALS_SIGN}


@pytest.fixture
def entry() -> Entry:
    headers = [(name.upper(), value) for name, value in SECRETS.items()]
    return Entry(1, 0.0, 0.0, 0.0, "GET", "/", b"", headers, b"", "1", "", "", None, 200, "", b"")


@EACH_STORE
def test_no_view_of_a_request_has_the_secrets_in_its_headers(make: Making) -> None:
    with made(make) as store:
        options, bell = Options(), Bell()
        vendor = vendor_of(options, store)
        lines: list[str] = []
        pages = Pages(vendor, options.dialect, lines.append, bell)
        client = Client(WsgiPages(pages, beside(vendor, options, bell)))
        client.post("/v2sms.aspx", data=FORM, headers=SECRETS)
        client.put("/v2sms.aspx", data=FORM, headers=SECRETS)  # one that the vendor is not asked about
        listed = json.loads(client.get("/_mock/requests").data)["items"]
        assert [one["status"] for one in listed] == [200, 405]
        seen = [client.get(f"/_mock/requests/{one['number']}").data for one in listed]
        seen += [client.get(f"/requests/{one['number']}").data for one in listed]
        whole = json.loads(seen[0])
        assert ["authorization", "[redacted]"] in [[name.lower(), value] for name, value in whole["headers"]]
        assert ["host", "localhost"] in [[name.lower(), value] for name, value in whole["headers"]]
        kept = store.request(listed[0]["number"])
        for text in (*map(bytes.decode, seen), *lines, repr(kept)):
            assert "S3CRET" not in text


def test_names_of_headers_are_read_in_any_case(entry: Entry) -> None:
    assert {value for _, value in redact_headers(entry.headers)} == {"[redacted]"}


def test_an_entry_that_an_older_version_put_on_a_server_is_read_without_its_secrets(entry: Entry) -> None:
    assert "S3CRET" not in repr(unpacked_entry(packed_entry(entry)))


def test_headers_without_secrets_are_not_copied() -> None:
    headers: Sequence[tuple[str, str]] = [("Host", "x"), ("Content-Type", "text/plain")]
    assert redact_headers(headers) is headers
