"""Tests without sockets that requests do not affect each other: long texts, large requests, deleted accounts.

`tests/end_to_end/test_concurrent_clients.py` tests the same over sockets.
"""

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sms10692 import protocol
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import ResetOptions
from sms10692_mock.admin.services.clocks import Advance
from sms10692_mock.app.hints import LastFetches
from sms10692_mock.app.vendor_app import VendorApp, VendorRequest
from sms10692_mock.codec import forms
from sms10692_mock.config import build_vendor
from sms10692_mock.domain import keywords, validation
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account
from sms10692_mock.domain.api_request import parse_request
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.faults import Fault
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.records import Limits, LoggedRequest, Query
from sms10692_mock.domain.results import Refusal
from sms10692_mock.domain.store import NoSuchAccount
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.stores.memory.store import MemoryStore
from support.emulators import CREDENTIALS, build_options
from support.flask_emulator import FlaskEmulator

# Accounts that are deleted during an operation


class _DeletingStore(MemoryStore):
    """A store that deletes the account `to_delete` right after it was read."""

    to_delete: str | None = None

    def account(self, userid: str) -> Account | None:
        account = super().account(userid)
        if userid == self.to_delete:
            self.delete_account(userid)
        return account

    def accounts(self, last: int | None = None) -> list[Account]:
        accounts = super().accounts(last)
        if self.to_delete:
            self.delete_account(self.to_delete)
        return accounts


def _deleting_store(**terms: Any) -> tuple[_DeletingStore, Vendor]:
    options = build_options()
    store = _DeletingStore(real_time=options.clock)
    store.create_account(DEFAULT_ACCOUNT)
    store.create_account(Account("7", "shop", "p", **terms))
    return store, Vendor(store, options.clock, options.keywords)


def test_an_account_deleted_while_a_fault_is_evaluated_is_unknown() -> None:
    store, vendor = _deleting_store(faults=(Fault(id="a", kind="empty_body"),))
    store.to_delete = "7"
    fields = CREDENTIALS | {"userid": "7", "action": "overage"}
    refusal = Refusal(protocol.CREDENTIALS_WRONG, Evidence("credentials-wrong"))
    assert vendor.handle(parse_request(protocol.V2SMS, fields)).result == refusal


@pytest.mark.parametrize(
    "operation",
    [
        lambda control: [account.userid for account in control.accounts.list_accounts().accounts],
        lambda control: [account.userid for account in control.accounts.reset_many(ResetOptions()).accounts],
        lambda control: [control.clocks.advance(None, Advance(to="next")), "12"][1:],
    ],
    ids=["all", "reset", "advance"],
)
def test_an_operation_on_all_accounts_skips_one_that_is_deleted_meanwhile(operation: Callable[[Any], Any]) -> None:
    store, vendor = _deleting_store()
    sent = parse_request(protocol.V2SMS, CREDENTIALS | {"action": "send", "mobile": "10000000023", "content": "x"})
    vendor.handle(sent)
    control = ControlService(vendor, build_options(), ChangeNotifier())
    store.to_delete = "7"
    assert operation(control) == ["12"]
    with pytest.raises(NoSuchAccount):
        store.balance("7")


# Long texts: searched in windows, and found as in one


@pytest.fixture
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "_WINDOW", 7)
    monkeypatch.setattr(keywords, "_WINDOW", 3)


_FRAGMENTS = [
    "'",
    " ",
    "  ",
    "or",
    "and",
    "--",
    ";",
    "union",
    "select",
    ";drop",
    "exec(",
    "xp_",
    "x",
    "内",
    "\t\t\t\t",
    "O",
]
TEXTS = st.lists(st.sampled_from(_FRAGMENTS), max_size=12).map("".join)


@pytest.mark.usefixtures("_narrow")
@given(text=TEXTS)
@example(text="xx union" + " " * 30 + "select")
@example(text="xxxxxx'" + " " * 30 + "order")
@example(text="xxxxx'or")
@example(text="'" + " " * 30 + ";xxxxxx")
@example(text="reunion select xxxxxxx")
def test_an_injection_is_found_at_every_end_of_a_window(text: str) -> None:
    found, expected = validation._find_sql_injection(text), validation._SQL.search(text)
    assert (found is not None) == (expected is not None)
    assert (found and found[1]) == (expected and expected.start())


@pytest.mark.usefixtures("_narrow")
@pytest.mark.parametrize("injection", ["'or", "' and", "';", "union  select", ";drop", "exec(", "xp_"])
@pytest.mark.parametrize("follows", ["", " ", "x", "x" * 20, " " + "x" * 20])
@pytest.mark.parametrize("comes_first", ["", "x", "内"])
def test_an_injection_is_found_at_every_distance_from_a_window(injection: str, follows: str, comes_first: str) -> None:
    for distance in range(25):
        text = "内" * distance + comes_first + injection + follows
        assert (validation._find_sql_injection(text) is not None) == (validation._SQL.search(text) is not None), text


@pytest.mark.parametrize("before", [" ", "x"])
def test_part_of_a_word_at_the_end_of_a_window_is_no_injection(before: str) -> None:
    text = " union select".rjust(65_536, before)
    assert validation._find_sql_injection(text + " it") == ("union select", 65_536 - len("union select"))
    assert validation._find_sql_injection(text + "ed") is None


def test_the_position_of_an_injection_counts_the_white_space_that_the_search_shortens() -> None:
    assert validation._find_sql_injection("a  b" * 20_000 + "' or") == ("' or", 80_000)


@pytest.mark.usefixtures("_narrow")
def test_each_character_of_a_long_text_is_searched_only_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = 0

    class Counting:
        def search(self, text: str, begin: int) -> re.Match[str] | None:
            nonlocal searched
            searched += len(text) - begin
            return None

    text = "union" + " " * 10_000 + "select " * 1000
    monkeypatch.setattr(validation, "_SQL", Counting())
    assert validation._find_sql_injection(text) is None
    assert 0 < searched <= (1 + validation._OVERLAP / validation._WINDOW) * len(text)


@pytest.mark.usefixtures("_narrow")
@given(text=st.text("abcd", max_size=20), words=st.lists(st.text("abcd", min_size=1, max_size=6), max_size=3))
def test_a_forbidden_word_is_found_at_every_end_of_a_window(text: str, words: list[str]) -> None:
    assert Keywords(words).contains_any(text) == any(word in text for word in words)


@given(
    text=st.text("aA^-]\\[zé发\ud800", max_size=12),
    words=st.lists(st.text("aA^-]\\[zé发\ud800", max_size=3), max_size=4),
)
def test_a_forbidden_word_may_be_of_any_characters(text: str, words: list[str]) -> None:
    lowered = text.replace("A", "a")
    assert Keywords(words).contains_any(text) == any(word.replace("A", "a") in lowered for word in words if word)


@given(before=st.text("-x\r\n a", max_size=30), boundary=st.sampled_from(["x", "-", "a b"]))
def test_the_preamble_of_a_multipart_body_is_ignored(before: str, boundary: str) -> None:
    part = 'Content-Disposition: form-data; name="a"\r\n\r\n内'
    body = f"{before}\r\n--{boundary}\r\n{part}\r\n--{boundary}--\r\n".encode()
    fields = forms.parse_fields(b"", f'multipart/form-data; boundary="{boundary}"', body, bytes.decode)
    if f"--{boundary}" not in before + "\r\n":
        assert fields == {"a": "内"}
    assert forms.parse_fields(b"", 'multipart/form-data; boundary="y"', body, bytes.decode) == {}


def test_the_response_to_a_long_request_does_not_wait_for_its_diagnosis() -> None:
    options = build_options()
    vendor = build_vendor(options)
    pages = VendorApp(vendor, options)

    def hint(length: int) -> str:
        body = b"action=send&userid=12&timestamp=1&sign=1&content=" + b"x" * length
        response = pages.respond(protocol.V2SMS, VendorRequest("POST", b"", "", body))
        return dict(response.headers).get("X-Mock-Hint", "")

    assert hint(100).startswith("signature.")
    assert hint(70_000) == "not explained at once: GET /_mock/requests/2"
    control = ControlService(vendor, options, ChangeNotifier())
    assert [finding.code for finding in control.requests.get(None, 2).diagnosis]


# Memory


def _entry(**given: Any) -> LoggedRequest:
    plain = LoggedRequest(
        1, 0.0, 0.0, 0.0, "POST", "/v2sms.aspx", b"", [], b"", "12", "send", "", None, 200, "text/xml", b""
    )
    return plain._replace(**given)


@pytest.mark.parametrize(
    "long",
    [
        {"headers": [("cookie", "x" * 10_000)]},
        {"headers": [("x", "y")] * 100},
        {"path": f"/v2sms.aspx/{'x' * 10_000}"},
        {"userid": "内" * 3000},
        *({name: b"x" * 10_000} for name in ("query", "body", "response_body")),
    ],
    ids=lambda long: next(iter(long)),
)
def test_the_request_log_stays_within_its_limit_whatever_is_long_in_a_request(long: dict[str, Any]) -> None:
    store = MemoryStore(Limits(requests=1000, request_bytes=100_000))
    for number in range(1, 101):
        store.log_request(_entry(number=number, **long))
    page = store.requests(None, Query(limit=1000))
    assert len(page.items) + page.evicted == 100
    assert 1 <= len(page.items) <= 10
    assert page.items[-1].number == 100


# Others


def test_the_control_api_refuses_a_query_that_is_not_utf_8() -> None:
    environ = {"QUERY_STRING": "text=\xd6", "HTTP_HOST": "127.0.0.1"}
    response = FlaskEmulator().http.get("/_mock/accounts/12/messages", environ_overrides=environ)
    assert (response.status_code, response.json) == (400, {"error": "the query is not UTF-8"})


def test_concurrent_fetches_of_many_accounts_are_all_answered() -> None:
    store, last_fetches = MemoryStore(), LastFetches(limit=3)
    errors: list[BaseException] = []

    def fetch(userid: str) -> None:
        try:
            for _ in range(200):
                last_fetches.replace(_entry(userid=userid, operation="status", fetched=0), store)
        except RuntimeError as error:
            errors.append(error)

    userids = list(map(str, range(8)))
    fetchers = [threading.Thread(target=fetch, args=(userid,)) for userid in userids]
    for fetcher in fetchers:
        fetcher.start()
    for fetcher in fetchers:
        fetcher.join()
    assert errors == []
    assert len(last_fetches._fetches) <= 3
