"""Tests that a page of another site cannot use the vendor's endpoints through a browser, unless that is allowed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sms10692_mock.config import Options
from sms10692_mock.emulator import Emulator
from support.emulators import CREDENTIALS, STATUS, UTF8, emulator_process
from support.flask_emulator import FlaskEmulator
from support.http_client import Address, Response, build_request, parse_address, send_raw

FETCH = f"action=query&{'&'.join(f'{name}={value}' for name, value in CREDENTIALS.items())}"
SEND = FETCH.replace("query", "send") + "&mobile=15023239810&content=x"
IMAGE = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n"


def send_get(address: Address, target: str, headers: str = "") -> Response:
    return send_raw(address, f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode())


def get_last_request(address: Address) -> dict[str, Any]:
    body = send_get(address, "/_mock/requests?order=desc&limit=1").body
    request: dict[str, Any] = json.loads(body)["items"][0]
    return request


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    store = "memory" if request.param == "memory" else f"sqlite:{tmp_path_factory.mktemp('store') / 'file'}"
    with emulator_process("--log-level", "error", "--store", store) as (_, address):
        yield address


def test_an_image_of_another_site_fetches_nothing_from_a_queue(address: Address) -> None:
    assert b"<message>ok</message>" in send_raw(address, build_request(UTF8, SEND.encode())).body
    refused = send_get(address, f"{STATUS}?{FETCH}", IMAGE)
    assert refused.status == 403
    assert refused.content_type.startswith("text/plain")
    assert b"--allow-cross-site" in refused.body
    assert (get_last_request(address)["status"], get_last_request(address)["operation"]) == (403, "status")
    assert send_get(address, f"{STATUS}?{FETCH}").body.count(b"<statusbox>") == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_no_method_of_any_endpoint_serves_another_site(address: Address, method: str) -> None:
    before = send_get(address, "/_mock/accounts/12").body
    for path in ("/v2sms.aspx", "/V2SMSGBK.aspx", "/v2statusApi.aspx", "/v2callApi.aspx", "//v2sms.aspx/x"):
        raw = f"{method} {path}?{SEND} HTTP/1.1\r\nHost: 127.0.0.1\r\n{IMAGE}Content-Length: 0\r\n\r\n"
        assert send_raw(address, raw.encode()).status == 403
    assert send_get(address, "/_mock/accounts/12").body == before


@pytest.mark.parametrize("site", ["none", "same-origin", "same-site"])
def test_requests_of_a_user_or_of_the_same_site_are_answered(address: Address, site: str) -> None:
    assert send_get(address, f"{UTF8}?{SEND}", f"Sec-Fetch-Site: {site}\r\n").status == 200


def test_the_option_allows_pages_of_other_sites() -> None:
    with emulator_process("--allow-cross-site", "--log-level", "error") as (_, address):
        assert send_get(address, f"{UTF8}?{SEND}", IMAGE).status == 200


def test_without_a_socket_cross_site_requests_are_refused_unless_allowed() -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    emulator = FlaskEmulator()
    assert emulator.http.get(f"{UTF8}?{SEND}", headers=headers).status_code == 403
    assert emulator.control("GET", "requests")["items"][0]["status"] == 403
    assert (
        FlaskEmulator(replaced_options={"allow_cross_site": True})
        .http.get(f"{UTF8}?{SEND}", headers=headers)
        .status_code
        == 200
    )


@pytest.mark.parametrize(("is_allowed", "status"), [(False, 403), (True, 200)])
def test_an_emulator_in_this_process_refuses_cross_site_requests_unless_allowed(is_allowed: bool, status: int) -> None:
    with Emulator(Options(allow_cross_site=is_allowed)) as emulator:
        assert send_get(parse_address(emulator.url), f"{UTF8}?{SEND}", IMAGE).status == status
