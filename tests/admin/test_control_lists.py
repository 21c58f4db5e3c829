"""Lists of the control API: filters, order, pages, requeue and waiting."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from sms10692_mock.domain.notifier import ChangeNotifier
from support.emulators import sign
from support.flask_emulator import FlaskEmulator
from support.http_client import TIMEOUT

NUMBERS = [str(13000000000 + number) for number in range(7)]


class SampleHistory:
    """An account with 16 messages from 6 sends, 16 reports and 7 replies, some of them fetched."""

    def __init__(self) -> None:
        self.emulator = FlaskEmulator()
        self.account = self.emulator.control("POST", "accounts")
        self.path = f"accounts/{self.account['userid']}"
        for index in range(5):
            self.emulator.send(self.account, mobile=",".join(NUMBERS[index : index + 3]), content=f"text {index}<")
            self.emulator.now += 60
        for number in NUMBERS:
            reply = {"mobile": number, "content": f"reply of {number}"}
            self.emulator.control("POST", f"{self.path}/replies", reply)
        self.emulator.call(self.account)
        self.emulator.post("/v2statusApi.aspx", self.account, action="query", statusNum="4")
        self.emulator.send(self.account, mobile="10000000023", content="late")

    def page(self, list_name: str, **query: Any) -> Any:
        return self.emulator.control("GET", f"{self.path}/{list_name}?{urlencode(query)}")

    def numbers(self, list_name: str, **query: Any) -> list[int]:
        return [item["number"] for item in self.page(list_name, **query)["items"]]


@pytest.fixture(scope="module")
def history() -> SampleHistory:
    return SampleHistory()


LISTS = {"messages": 16, "reports": 16, "replies": 7, "requests": 8}


@pytest.mark.parametrize(("list_name", "length"), LISTS.items())
@pytest.mark.parametrize("limit", [1, 3, 100])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_the_pages_of_a_list_contain_each_item_once_and_in_order(
    history: SampleHistory, list_name: str, length: int, limit: int, order: str
) -> None:
    whole = history.page(list_name, limit=1000)
    assert (len(whole["items"]), whole["next"], whole["evicted"]) == (length, None, 0)
    found: list[Any] = []
    query: dict[str, Any] = {"limit": limit, "order": order}
    while True:
        page = history.page(list_name, **query)
        found += page["items"]
        if page["next"] is None:
            break
        assert len(page["items"]) == limit
        query["after"] = page["next"]
    assert (found if order == "asc" else found[::-1]) == whole["items"]


@pytest.mark.parametrize(
    ("list_name", "query", "expected"),
    [
        ("messages", {"mobile": NUMBERS[2]}, [3, 5, 7]),
        ("messages", {"mobile": NUMBERS[2], "order": "desc", "limit": 2}, [7, 5]),
        ("messages", {"mobile": NUMBERS[2][:-1]}, []),
        ("messages", {"text": "xt 3<"}, [10, 11, 12]),
        ("messages", {"text": "T 3"}, []),
        ("messages", {"task_id": 100002}, [4, 5, 6]),
        ("messages", {"task_id": 100002, "mobile": NUMBERS[2]}, [5]),
        ("messages", {"since": "2011-12-02T22:15:11+08:00"}, [10, 11, 12, 13, 14, 15, 16]),
        ("messages", {"since": "2011-12-02T14:15:11Z", "until": "2011-12-02T14:15:11Z"}, [10, 11, 12]),
        ("messages", {"until": "2011-12-02T22:12:11+08:00"}, [1, 2, 3]),
        ("messages", {"state": "fetched"}, [1, 2, 3, 4]),
        ("messages", {"state": "scheduled"}, [16]),
        ("messages", {"state": "unreported"}, []),
        ("reports", {"state": "waiting", "limit": 2}, [5, 6]),
        ("reports", {"mobile": "10000000023"}, [16]),
        ("reports", {"text": "DELIV", "task_id": 100005}, [13, 14, 15]),
        ("reports", {"since": "2011-12-02T22:17:41+08:00"}, [16]),
        ("replies", {"mobile": NUMBERS[6]}, [7]),
        ("replies", {"text": NUMBERS[1]}, [2]),
        ("replies", {"state": "waiting"}, []),
        ("replies", {"task_id": 100001}, [1]),
        ("replies", {"task_id": 100005}, [5, 6, 7]),
        ("requests", {"text": "late"}, [8]),
        ("requests", {"mobile": NUMBERS[0]}, [1, 6, 7]),
        ("requests", {"task_id": 100003}, [3, 6]),
        ("requests", {"until": "2011-12-02T22:13:11+08:00"}, [1, 2]),
    ],
    ids=str,
)
def test_a_list_contains_the_items_that_match_the_query(
    history: SampleHistory, list_name: str, query: dict[str, Any], expected: list[int]
) -> None:
    assert history.numbers(list_name, **query) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0}, {"limit": 1001}, {"after": "x"}, {"after": 0}, {"order": "up"}, {"state": "lost"}, {"wait": 61},
        {"wait": -1}, {"count": 0}, {"since": "2011-12-02"}, {"since": "2011-12-02T00:00:00"}, {"since": "5"},
        {"number": "1"}, {"task_id": 10**30},
    ],
    ids=str,
)  # fmt: skip
def test_an_invalid_query_is_refused_and_its_parameter_named(history: SampleHistory, query: dict[str, Any]) -> None:
    for list_name in LISTS:
        status, error = history.emulator.refusal("GET", f"{history.path}/{list_name}?{urlencode(query)}")
        assert status == 422
        assert next(iter(query)) in error


def test_requests_cannot_be_filtered_by_state(history: SampleHistory) -> None:
    for path in (f"{history.path}/requests", "requests"):
        status, error = history.emulator.refusal("GET", f"{path}?state=waiting")
        assert (status, "state" in error) == (422, True)


@pytest.mark.parametrize("page", ["/v2sms.aspx", "/v2smsGBK.aspx"])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"text": "验证码一二三"}, True),
        ({"text": "一 二+&"}, True),
        ({"text": "一 二+&三"}, False),
        ({"text": "action=send"}, True),
        ({"text": "remainpoint"}, True),
        ({"text": "用户名"}, False),
        ({"mobile": "15023239810"}, True),
        ({"mobile": "13527576163"}, True),
        ({"mobile": "150"}, False),
        ({"mobile": "5023239810"}, False),
        ({"task_id": 100001}, True),
        ({"task_id": 10000}, False),
        ({"text": "验证码", "mobile": "13527576163", "task_id": 100001}, True),
        ({"text": "验证码", "mobile": "150"}, False),
    ],
    ids=str,
)
def test_a_request_is_found_by_its_decoded_form(page: str, query: dict[str, Any], found: bool) -> None:
    emulator = FlaskEmulator()
    charset = "gbk" if "GBK" in page else "utf-8"
    credentials = {"userid": "12", "timestamp": "1", "sign": sign("test", "mima", "1")}
    fields = {"mobile": "15023239810,13527576163", "content": "验证码一二三 一 二+&", "extno": "1"}
    body = urlencode({"action": "send"} | credentials | fields, encoding=charset)
    assert "100001" in emulator.http.post(page, data=body, content_type="application/x-www-form-urlencoded").text
    items = emulator.control("GET", f"requests?{urlencode(query)}")["items"]
    assert len(items) == found


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_a_request_is_found_by_text_that_was_not_percent_encoded(charset: str) -> None:
    emulator = FlaskEmulator()
    emulator.http.post("/v2sms.aspx", data="content=验证码".encode(charset))
    assert len(emulator.control("GET", f"requests?{urlencode({'text': '证码'})}")["items"]) == 1
    middle = "验证".encode("gbk")[1:3].decode("gbk")
    assert emulator.control("GET", f"requests?{urlencode({'text': middle})}")["items"] == []


def test_a_wait_for_more_than_a_page_returns_a_page_and_the_next_position(history: SampleHistory) -> None:
    for list_name, length in LISTS.items():
        page = history.page(list_name, wait=1, count=length, limit=3)
        assert len(page["items"]) == 3
        assert page["next"] == page["items"][-1]["number"]
        following = history.page(list_name, after=page["next"], limit=length - 3)
        assert (len(following["items"]), following["next"]) == (length - 3, None)


def test_a_message_document_has_all_fields(history: SampleHistory) -> None:
    (first, *_), (last,) = (history.page("messages", **query)["items"] for query in ({}, {"text": "late"}))
    expected = {
        "number": 1, "task_id": 100001, "mobile": "13000000000", "content": "text 0<", "units": 7, "segments": 1,
        "cost": 1, "cost_why": "7 UTF-16 units are 1 segment (up to 70 are one): 1 point", "endpoint": "/v2sms.aspx",
        "charset": "utf-8", "extno": "", "sent": "2011-12-02T22:12:11+08:00", "due": "2011-12-02T22:12:11+08:00",
        "status": 10, "errorcode": "DELIVRD", "state": "fetched", "fetched_at": "2011-12-02T22:17:11+08:00",
        "fetched_by_request": 7, "faults": [], "request": 1, "has_findings": True,
    }  # fmt: skip
    assert first == expected
    assert (last["due"], last["state"], last["fetched_by_request"]) == ("2011-12-02T22:17:41+08:00", "scheduled", None)


def test_a_reply_without_a_task_id_belongs_to_the_last_task_of_its_number(history: SampleHistory) -> None:
    tasks = [reply["task_id"] for reply in history.page("replies")["items"]]
    assert tasks == [100001, 100002, 100003, 100004, 100005, 100005, 100005]
    emulator, account = FlaskEmulator(), {"userid": "12", "account": "test", "password": "mima"}
    emulator.send(account, extno="07")
    emulator.control("POST", "accounts/12/replies", {"mobile": "13000000001", "content": "T"})
    assert "<extno>07<" in emulator.call(account)


def test_queue_stats_count_every_item_of_both_queues(history: SampleHistory) -> None:
    queues = history.emulator.control("GET", f"{history.path}/queue-stats")
    assert queues["reports"] == {"created": 16, "scheduled": 1, "waiting": 11, "fetched": 4, "evicted": 0}
    assert queues["replies"] == {"created": 7, "scheduled": 0, "waiting": 0, "fetched": 7, "evicted": 0}


def test_the_list_of_accounts_has_pages() -> None:
    emulator = FlaskEmulator()
    expected = ["12", *(emulator.control("POST", "accounts")["userid"] for _ in range(4))]
    found: list[str] = []
    query = "limit=2"
    while True:
        page = emulator.control("GET", f"accounts?{query}")
        found += [account["userid"] for account in page["accounts"]]
        if page["next"] is None:
            break
        query = f"limit=2&after={page['next']}"
    assert found == expected
    assert emulator.control("GET", "accounts?after=nobody")["accounts"] == []


# Requeue


@pytest.mark.parametrize(
    ("document", "requeued"),
    [
        ({}, 4),
        ({"count": 1}, 1),
        ({"count": 0}, 0),
        ({"count": 100}, 4),
        ({"since": "2011-12-02T22:13:11+08:00"}, 2),
        ({"since": "2011-12-02T22:12:11+08:00", "count": 3}, 3),
        ({"since": "2011-12-02T22:14:11+08:00"}, 0),
    ],
    ids=str,
)
def test_the_requested_items_are_requeued(document: dict[str, Any], requeued: int) -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts")
    emulator.send(account, mobile=",".join(NUMBERS[:4]))
    for _ in range(2):
        emulator.post("/v2statusApi.aspx", account, action="query", statusNum="2")
        emulator.now += 60
    path = f"accounts/{account['userid']}/reports"
    assert emulator.control("POST", f"{path}/requeue", document) == {"requeued": requeued}
    waiting = emulator.control("GET", f"{path}?state=waiting")["items"]
    assert [item["mobile"] for item in waiting] == NUMBERS[4 - requeued : 4]
    assert emulator.status(account).count("<statusbox>") == requeued


# Requests that wait


@pytest.fixture
def notifiers(monkeypatch: pytest.MonkeyPatch) -> list[ChangeNotifier]:
    """Notifiers created from now on. A waiting request checks for changes only after a notification (no polling)."""
    created: list[ChangeNotifier] = []
    initialize = ChangeNotifier.__init__

    def record_notifier(notifier: ChangeNotifier) -> None:
        initialize(notifier)
        created.append(notifier)

    monkeypatch.setattr(ChangeNotifier, "__init__", record_notifier)
    monkeypatch.setattr("sms10692_mock.domain.notifier.POLL_SECONDS", TIMEOUT)
    return created


@contextmanager
def waiting_request(notifiers: list[ChangeNotifier], emulator: FlaskEmulator, path: str) -> Iterator[Callable[[], Any]]:
    """Request a list in another thread. The request waits when the block begins, and the block must end the wait.

    Yields a function that returns the document of the response.
    """
    documents: list[Any] = []
    http = emulator.app.test_client()
    thread = threading.Thread(target=lambda: documents.append(http.get(f"/_mock/{path}").json), daemon=True)
    thread.start()
    (notifier,) = notifiers
    until = time.monotonic() + TIMEOUT
    while not notifier.waiting:
        assert time.monotonic() < until, "the request does not wait"
        time.sleep(0.001)

    def get_document() -> Any:
        thread.join(TIMEOUT / 3)
        assert not thread.is_alive(), "the request still waits"
        return documents[0]

    yield get_document


def test_a_wait_for_messages_ends_when_there_are_count_messages(notifiers: list[ChangeNotifier]) -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts")
    path = f"accounts/{account['userid']}/messages?mobile=13000000001&wait=60&count=2"
    with waiting_request(notifiers, emulator, path) as get_document:
        for mobile in ("13000000001", "13000000009", "13000000001"):
            emulator.send(account, mobile=mobile)
        assert [item["number"] for item in get_document()["items"]] == [1, 3]


def test_a_wait_for_reports_ends_when_the_clock_advances_to_one(notifiers: list[ChangeNotifier]) -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    emulator.control("PUT", f"{path}/clock", {"mode": "frozen"})
    emulator.send(account, mobile="10000000023")
    with waiting_request(notifiers, emulator, f"{path}/reports?state=waiting&wait=60") as get_document:
        emulator.control("POST", f"{path}/clock/advance", {"to": "next"})
        assert [item["due"] for item in get_document()["items"]] == ["2011-12-02T22:12:41+08:00"]


@pytest.mark.parametrize("list_name", ["replies", "requests"])
def test_a_wait_ends_when_an_item_is_added(notifiers: list[ChangeNotifier], list_name: str) -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    if list_name == "replies":
        emulator.send(account)
    with waiting_request(notifiers, emulator, f"{path}/{list_name}?wait=60") as get_document:
        if list_name == "replies":
            emulator.control("POST", f"{path}/replies", {"mobile": "13000000001", "content": "T"})
        else:
            emulator.call(account)
        assert len(get_document()["items"]) == 1


def test_a_wait_that_times_out_returns_the_existing_items() -> None:
    emulator = FlaskEmulator()
    emulator.send({"userid": "12", "account": "test", "password": "mima"})
    assert len(emulator.control("GET", "accounts/12/messages?wait=0.01&count=2")["items"]) == 1


def test_a_wait_ends_with_an_error_when_the_account_is_deleted(notifiers: list[ChangeNotifier]) -> None:
    emulator = FlaskEmulator()
    userid = emulator.control("POST", "accounts")["userid"]
    with waiting_request(notifiers, emulator, f"accounts/{userid}/messages?wait=60") as get_document:
        emulator.control("DELETE", f"accounts/{userid}")
        assert userid in get_document()["error"]


@pytest.mark.parametrize("path", ["/_mock/accounts//queue-stats", "/_mock", "/_mock/health"])
def test_a_query_with_a_control_character_is_refused_even_where_a_redirect_follows(path: str) -> None:
    http = FlaskEmulator().app.test_client()
    response = http.get(path, query_string="a=\r")
    assert (response.status_code, response.json) == (400, {"error": "the query contains a control character"})


def test_messages_are_deleted_and_their_reports_are_still_fetched() -> None:
    history = SampleHistory()
    points = history.emulator.control("GET", history.path)["points"]
    waiting = history.emulator.control("GET", f"{history.path}/queue-stats")["reports"]["waiting"]
    history.emulator.control("DELETE", f"{history.path}/messages/16")
    assert history.numbers("messages", limit=100) == list(range(1, 16))
    for number, status in (("16", 404), ("17", 404), ("0", 422), ("x", 422)):
        assert history.emulator.refusal("DELETE", f"{history.path}/messages/{number}")[0] == status
    history.emulator.control("DELETE", f"{history.path}/messages")
    assert history.page("messages") == {"items": [], "next": None, "evicted": 0}
    account = history.emulator.control("GET", history.path)
    assert (account["points"], account["messages"]) == (points, 16)
    assert history.emulator.control("GET", f"{history.path}/queue-stats")["reports"]["waiting"] == waiting
    assert history.emulator.status(history.account).count("<statusbox>") == waiting
    history.emulator.send(history.account)
    assert history.numbers("messages") == [17]


def test_messages_of_all_accounts_and_requests_are_deleted() -> None:
    history = SampleHistory()
    history.emulator.send(history.emulator.control("GET", "accounts/12"))
    history.emulator.control("DELETE", "messages")
    assert history.numbers("messages") == []
    assert history.emulator.control("GET", "accounts/12/messages")["items"] == []
    first, *others = [item["number"] for item in history.emulator.control("GET", "requests")["items"]]
    history.emulator.control("DELETE", f"requests/{first}")
    assert [item["number"] for item in history.emulator.control("GET", "requests")["items"]] == others
    assert history.emulator.refusal("DELETE", f"requests/{first}")[0] == 404
    history.emulator.control("DELETE", "requests")
    assert history.emulator.control("GET", "requests")["items"] == []
    assert history.emulator.refusal("DELETE", "accounts/nobody/messages")[0] == 404
