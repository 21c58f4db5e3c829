"""Lists of the control API: filters, order, pages, requeue and waiting."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from sms10692_mock.domain.notifier import ChangeNotifier
from support.emulators import TIMEOUT, sign
from support.flask_emulator import FlaskEmulator

NUMBERS = [str(13000000000 + number) for number in range(7)]


class Filled:
    """An account that sent five texts to several numbers, a minute apart, and has seven replies."""

    def __init__(self) -> None:
        self.office = FlaskEmulator()
        self.account = self.office.control("POST", "accounts")
        self.path = f"accounts/{self.account['userid']}"
        for place in range(5):
            self.office.send(self.account, mobile=",".join(NUMBERS[place : place + 3]), content=f"text {place}<")
            self.office.now += 60
        for number in NUMBERS:
            reply = {"mobile": number, "content": f"answer {number}"}
            self.office.control("POST", f"{self.path}/replies", reply)
        self.office.call(self.account)
        self.office.post("/v2statusApi.aspx", self.account, action="query", statusNum="4")
        self.office.send(self.account, mobile="10000000023", content="late")

    def page(self, what: str, **query: Any) -> Any:
        return self.office.control("GET", f"{self.path}/{what}?{urlencode(query)}")

    def numbers(self, what: str, **query: Any) -> list[int]:
        return [item["number"] for item in self.page(what, **query)["items"]]


@pytest.fixture(scope="module")
def filled() -> Filled:
    return Filled()


LISTS = {"messages": 16, "reports": 16, "replies": 7, "requests": 8}


@pytest.mark.parametrize(("what", "length"), LISTS.items())
@pytest.mark.parametrize("limit", [1, 3, 100])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_the_pages_of_a_list_are_the_list(filled: Filled, what: str, length: int, limit: int, order: str) -> None:
    whole = filled.page(what, limit=1000)
    assert (len(whole["items"]), whole["next"], whole["evicted"]) == (length, None, 0)
    found: list[Any] = []
    query: dict[str, Any] = {"limit": limit, "order": order}
    while True:
        page = filled.page(what, **query)
        found += page["items"]
        if page["next"] is None:
            break
        assert len(page["items"]) == limit
        query["after"] = page["next"]
    assert (found if order == "asc" else found[::-1]) == whole["items"]


@pytest.mark.parametrize(
    ("what", "query", "expected"),
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
def test_a_list_has_what_was_asked_for(filled: Filled, what: str, query: dict[str, Any], expected: list[int]) -> None:
    assert filled.numbers(what, **query) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0}, {"limit": 1001}, {"after": "x"}, {"after": 0}, {"order": "up"}, {"state": "lost"}, {"wait": 61},
        {"wait": -1}, {"count": 0}, {"since": "2011-12-02"}, {"since": "2011-12-02T00:00:00"}, {"since": "5"},
        {"number": "1"}, {"task_id": 10**30},
    ],
    ids=str,
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused_by_name(filled: Filled, query: dict[str, Any]) -> None:
    for what in LISTS:
        status, words = filled.office.refusal("GET", f"{filled.path}/{what}?{urlencode(query)}")
        assert status == 422
        assert next(iter(query)) in words


def test_requests_have_no_fate_to_ask_for(filled: Filled) -> None:
    for path in (f"{filled.path}/requests", "requests"):
        status, words = filled.office.refusal("GET", f"{path}?state=waiting")
        assert (status, "state" in words) == (422, True)


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
def test_a_request_is_found_by_what_its_form_means(page: str, query: dict[str, Any], found: bool) -> None:
    office = FlaskEmulator()
    charset = "gbk" if "GBK" in page else "utf-8"
    credentials = {"userid": "12", "timestamp": "1", "sign": sign("test", "mima", "1")}
    fields = {"mobile": "15023239810,13527576163", "content": "验证码一二三 一 二+&", "extno": "1"}
    body = urlencode({"action": "send"} | credentials | fields, encoding=charset)
    assert "100001" in office.http.post(page, data=body, content_type="application/x-www-form-urlencoded").text
    items = office.control("GET", f"requests?{urlencode(query)}")["items"]
    assert len(items) == found


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_a_request_is_found_by_bytes_that_nobody_encoded(charset: str) -> None:
    office = FlaskEmulator()
    office.http.post("/v2sms.aspx", data="content=验证码".encode(charset))
    assert len(office.control("GET", f"requests?{urlencode({'text': '证码'})}")["items"]) == 1
    middle = "验证".encode("gbk")[1:3].decode("gbk")
    assert office.control("GET", f"requests?{urlencode({'text': middle})}")["items"] == []


def test_who_waits_for_more_than_a_page_gets_a_page_and_where_it_goes_on(filled: Filled) -> None:
    for what, length in LISTS.items():
        page = filled.page(what, wait=1, count=length, limit=3)
        assert len(page["items"]) == 3
        assert page["next"] == page["items"][-1]["number"]
        following = filled.page(what, after=page["next"], limit=length - 3)
        assert (len(following["items"]), following["next"]) == (length - 3, None)


def test_a_message_says_all_that_is_known_of_it(filled: Filled) -> None:
    (first, *_), (last,) = (filled.page("messages", **query)["items"] for query in ({}, {"text": "late"}))
    expected = {
        "number": 1, "task_id": 100001, "mobile": "13000000000", "content": "text 0<", "units": 7, "parts": 1,
        "cost": 1, "cost_why": "7 UTF-16 units are 1 part (up to 70 are one): 1 point", "endpoint": "/v2sms.aspx",
        "charset": "utf-8", "extno": "", "sent": "2011-12-02T22:12:11+08:00", "due": "2011-12-02T22:12:11+08:00",
        "status": 10, "errorcode": "DELIVRD", "state": "fetched", "fetched_at": "2011-12-02T22:17:11+08:00",
        "fetched_by_request": 7, "faults": [], "request": 1,
    }  # fmt: skip
    assert first == expected
    assert (last["due"], last["state"], last["fetched_by_request"]) == ("2011-12-02T22:17:41+08:00", "scheduled", None)


def test_a_reply_without_a_task_answers_the_last_one_sent_to_that_number(filled: Filled) -> None:
    tasks = [reply["task_id"] for reply in filled.page("replies")["items"]]
    assert tasks == [100001, 100002, 100003, 100004, 100005, 100005, 100005]
    office, account = FlaskEmulator(), {"userid": "12", "account": "test", "password": "mima"}
    office.send(account, extno="07")
    office.control("POST", "accounts/12/replies", {"mobile": "13000000001", "content": "T"})
    assert "<extno>07<" in office.call(account)


def test_both_queues_add_up(filled: Filled) -> None:
    queues = filled.office.control("GET", f"{filled.path}/queue-stats")
    assert queues["reports"] == {"created": 16, "scheduled": 1, "waiting": 11, "fetched": 4, "evicted": 0}
    assert queues["replies"] == {"created": 7, "scheduled": 0, "waiting": 0, "fetched": 7, "evicted": 0}


def test_accounts_are_paged_too() -> None:
    office = FlaskEmulator()
    made = ["12", *(office.control("POST", "accounts")["userid"] for _ in range(4))]
    found: list[str] = []
    query = "limit=2"
    while True:
        page = office.control("GET", f"accounts?{query}")
        found += [account["userid"] for account in page["accounts"]]
        if page["next"] is None:
            break
        query = f"limit=2&after={page['next']}"
    assert found == made
    assert office.control("GET", "accounts?after=nobody")["accounts"] == []


# Rewinding


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
def test_so_many_are_requeued(document: dict[str, Any], requeued: int) -> None:
    office = FlaskEmulator()
    account = office.control("POST", "accounts")
    office.send(account, mobile=",".join(NUMBERS[:4]))
    for _ in range(2):
        office.post("/v2statusApi.aspx", account, action="query", statusNum="2")
        office.now += 60
    path = f"accounts/{account['userid']}/reports"
    assert office.control("POST", f"{path}/requeue", document) == {"requeued": requeued}
    waiting = office.control("GET", f"{path}?state=waiting")["items"]
    assert [item["mobile"] for item in waiting] == NUMBERS[4 - requeued : 4]
    assert office.status(account).count("<statusbox>") == requeued


# Waiting


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> list[ChangeNotifier]:
    """The bells that are made from now on, at which nobody looks again unless they ring."""
    made: list[ChangeNotifier] = []
    make = ChangeNotifier.__init__

    def noted(bell: ChangeNotifier) -> None:
        make(bell)
        made.append(bell)

    monkeypatch.setattr(ChangeNotifier, "__init__", noted)
    monkeypatch.setattr("sms10692_mock.domain.notifier.POLL_SECONDS", TIMEOUT)
    return made


@contextmanager
def waiting(bells: list[ChangeNotifier], office: FlaskEmulator, path: str) -> Iterator[Callable[[], Any]]:
    """Ask for a list in another thread, which waits when the block begins and must be rung for by what it does."""
    answers: list[Any] = []
    http = office.app.test_client()
    thread = threading.Thread(target=lambda: answers.append(http.get(f"/_mock/{path}").json), daemon=True)
    thread.start()
    (bell,) = bells
    until = time.monotonic() + TIMEOUT
    while not bell.waiting:
        assert time.monotonic() < until, "it does not wait"
        time.sleep(0.001)

    def answer() -> Any:
        thread.join(TIMEOUT / 3)
        assert not thread.is_alive(), "it still waits"
        return answers[0]

    yield answer


def test_who_waits_for_messages_is_answered_when_there_are_so_many(bells: list[ChangeNotifier]) -> None:
    office = FlaskEmulator()
    account = office.control("POST", "accounts")
    path = f"accounts/{account['userid']}/messages?mobile=13000000001&wait=60&count=2"
    with waiting(bells, office, path) as answer:
        for mobile in ("13000000001", "13000000009", "13000000001"):
            office.send(account, mobile=mobile)
        assert [item["number"] for item in answer()["items"]] == [1, 3]


def test_who_waits_for_what_is_due_is_woken_by_the_clock(bells: list[ChangeNotifier]) -> None:
    office = FlaskEmulator()
    account = office.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    office.control("PUT", f"{path}/clock", {"mode": "frozen"})
    office.send(account, mobile="10000000023")
    with waiting(bells, office, f"{path}/reports?state=waiting&wait=60") as answer:
        office.control("POST", f"{path}/clock/advance", {"to": "next"})
        assert [item["due"] for item in answer()["items"]] == ["2011-12-02T22:12:41+08:00"]


@pytest.mark.parametrize("what", ["replies", "requests"])
def test_who_waits_is_woken_by_what_comes(bells: list[ChangeNotifier], what: str) -> None:
    office = FlaskEmulator()
    account = office.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    if what == "replies":
        office.send(account)
    with waiting(bells, office, f"{path}/{what}?wait=60") as answer:
        if what == "replies":
            office.control("POST", f"{path}/replies", {"mobile": "13000000001", "content": "T"})
        else:
            office.call(account)
        assert len(answer()["items"]) == 1


def test_who_waits_in_vain_gets_what_there_is() -> None:
    office = FlaskEmulator()
    office.send({"userid": "12", "account": "test", "password": "mima"})
    assert len(office.control("GET", "accounts/12/messages?wait=0.01&count=2")["items"]) == 1


def test_who_waits_for_an_account_that_is_closed_is_told_so(bells: list[ChangeNotifier]) -> None:
    office = FlaskEmulator()
    userid = office.control("POST", "accounts")["userid"]
    with waiting(bells, office, f"accounts/{userid}/messages?wait=60") as answer:
        office.control("DELETE", f"accounts/{userid}")
        assert userid in answer()["error"]


@pytest.mark.parametrize("path", ["/_mock/accounts//queue-stats", "/_mock", "/_mock/health"])
def test_a_query_with_a_control_character_is_refused_also_where_one_would_be_sent_elsewhere(path: str) -> None:
    http = FlaskEmulator().app.test_client()
    answer = http.get(path, query_string="a=\r")
    assert (answer.status_code, answer.json) == (400, {"error": "the query contains a control character"})
