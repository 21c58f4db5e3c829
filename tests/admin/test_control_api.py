"""The control API in process: each operation changes one account and no other."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sms10692_mock.admin.auth import AccessPolicy
from support.emulators import Address, emulator_process, send_raw
from support.flask_emulator import FlaskEmulator

# Accounts


def test_a_throw_away_account_is_fresh_and_works() -> None:
    office = FlaskEmulator()
    one, other = (office.control("POST", "accounts") for _ in range(2))
    assert {"points": 1000, "send_total": 1000, "payinfo": "prepaid", "profile": "manual"}.items() <= one.items()
    assert len({one["userid"], other["userid"], "12"}) == 3
    assert "<remainpoint>999<" in office.send(one)
    assert office.control("GET", f"accounts/{one['userid']}")["points"] == 999
    assert office.control("GET", f"accounts/{other['userid']}")["points"] == 1000
    assert "statusbox" in office.status(one)
    assert "statusbox" not in office.status(other)


def test_the_userid_of_a_throw_away_account_is_a_number_of_nine_digits_that_is_not_the_last_emulators() -> None:
    """A client may keep it as an integer, and a test that outlives its emulator meets nobody else's account."""
    userids = {FlaskEmulator().control("POST", "accounts")["userid"] for _ in range(5)}
    assert len(userids) == 5
    assert all(re.fullmatch("[1-9][0-9]{8}", userid) for userid in userids)


def test_a_throw_away_account_never_takes_the_place_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    office = FlaskEmulator(accounts=["100000000:shop:a:5"])
    drawn = iter([0, 0, 7, 7, 8])
    monkeypatch.setattr("sms10692_mock.domain.accounts.secrets.randbelow", lambda _: next(drawn))
    made = [office.control("POST", "accounts")["userid"] for _ in range(2)]
    assert made == ["100000007", "100000008"]
    assert office.control("GET", "accounts/100000000")["account"] == "shop"


def test_an_account_has_the_userid_name_and_password_that_it_was_made_with() -> None:
    office = FlaskEmulator()
    wanted = {"userid": "8", "account": "商户", "password": "密码"}
    assert wanted.items() <= office.control("POST", "accounts", wanted).items()
    assert "<message>ok<" in office.send(wanted)
    refused = office.refusal("POST", "accounts", json=wanted | {"password": "other"})
    assert refused == (409, "an account with the userid 8 exists already")
    assert office.refusal("POST", "accounts", json={"userid": "12"})[0] == 409
    assert "<message>ok<" in office.send(wanted)


@pytest.mark.parametrize("wrong", ["", " ", "a/b", "..", "\ud800", 8, None])
def test_a_userid_that_no_address_can_have_is_refused(wrong: object) -> None:
    office = FlaskEmulator()
    status = office.http.post("/_mock/accounts", json={"userid": wrong}).status_code
    assert status == (201 if wrong is None else 422)


def test_a_password_changes_for_the_next_request() -> None:
    office = FlaskEmulator()
    account = office.control("POST", "accounts")
    changed = office.control("PATCH", f"accounts/{account['userid']}", {"password": "new", "account": "other"})
    assert (changed["account"], changed["password"], changed["points"]) == ("other", "new", 1000)
    assert "用户名或密码错误" in office.send(account)
    assert "<message>ok<" in office.send(changed)
    for wrong in ("", " ", None, 5):
        assert office.refusal("PATCH", f"accounts/{account['userid']}", json={"password": wrong})[0] == 422


def test_a_balance_that_many_set_at_once_is_the_one_they_set() -> None:
    office = FlaskEmulator()

    def patch(_: int) -> None:
        assert office.app.test_client().patch("/_mock/accounts/12", json={"points": 5000}).status_code == 200

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(patch, range(64)))
    standing = office.control("GET", "accounts/12")
    assert (standing["points"], standing["send_total"]) == (5000, 5000)


def test_a_balance_is_set_or_charged_up_and_not_both() -> None:
    office = FlaskEmulator()
    status, words = office.refusal("PATCH", "accounts/12", json={"points": 5, "top_up": 5})
    assert status == 422
    assert "either" in words
    assert office.control("GET", "accounts/12")["points"] == 1000


def test_a_balance_beyond_the_bounds_is_refused_and_nothing_else_is_changed() -> None:
    office = FlaskEmulator()
    for _ in range(2):
        status, words = office.refusal("PATCH", "accounts/12", json={"top_up": 10**15, "can_read_queues": False})
        assert status == 422
        assert "1000000000000000" in words
    account = office.control("GET", "accounts/12")
    assert (account["points"], account["send_total"], account["can_read_queues"]) == (1000, 1000, True)
    assert office.control("PATCH", "accounts/12", {"top_up": 10**15 - 1000})["points"] == 10**15


def test_an_account_is_made_as_asked() -> None:
    office = FlaskEmulator()
    made = office.control(
        "POST", "accounts", {"points": 5, "postpaid": True, "can_read_queues": False, "profile": "observed"}
    )
    assert (made["payinfo"], made["points"], made["send_total"], made["profile"]) == ("postpaid", 0, 0, "observed")
    assert "<remainpoint>-1<" in office.send(made)
    assert "<error>3<" in office.status(made)
    assert "<checkCounts>x<" in office.post("/v2sms.aspx", made, action="checkkeyword", content="x")


def test_terms_may_change_and_what_waits_stays() -> None:
    office = FlaskEmulator()
    account = office.control("POST", "accounts", {"points": 1})
    office.send(account)
    changed = office.control("PATCH", f"accounts/{account['userid']}", {"top_up": 10, "can_read_queues": False})
    assert (changed["points"], changed["send_total"], changed["can_read_queues"]) == (10, 11, False)
    assert "<error>3<" in office.status(account)
    assert office.control("PATCH", f"accounts/{account['userid']}", {"can_read_queues": True})["points"] == 10
    assert "statusbox" in office.status(account)


def test_a_closed_account_is_unknown() -> None:
    office = FlaskEmulator()
    account = office.control("POST", "accounts")
    office.control("DELETE", f"accounts/{account['userid']}")
    assert "用户名或密码错误" in office.send(account)
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/reset"), ("GET", "/clock")):
        status, words = office.refusal(method, f"accounts/{account['userid']}{path}")
        assert (status, account["userid"] in words) == (404, True)
    assert [one["userid"] for one in office.control("GET", "accounts")["accounts"]] == ["12"]


def test_a_reset_account_begins_anew() -> None:
    office = FlaskEmulator()
    account = office.control("POST", "accounts", {"points": 3})
    office.send(account, mobile="10000000030")
    office.control("POST", f"accounts/{account['userid']}/reset")
    assert "statusbox" not in office.status(account)
    assert "callbox" not in office.call(account)
    assert office.control("GET", f"accounts/{account['userid']}")["points"] == 3


def test_changes_at_the_same_moment_are_all_made() -> None:
    office = FlaskEmulator()
    userid = office.control("POST", "accounts", {"points": 0})["userid"]
    office.control("PUT", f"accounts/{userid}/clock", {"mode": "frozen"})

    def change(_: int) -> None:
        http = office.app.test_client()
        assert http.patch(f"/_mock/accounts/{userid}", json={"top_up": 1}).status_code == 200
        assert http.post(f"/_mock/accounts/{userid}/clock/advance", json={"seconds": 1}).status_code == 200

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(change, range(100)))
    assert office.control("GET", f"accounts/{userid}")["points"] == 100
    assert office.control("GET", f"accounts/{userid}/clock")["now"] == "2011-12-02T22:13:51+08:00"


# Reports and replies that nobody sent for


def test_reports_and_replies_may_be_put_into_the_queues() -> None:
    office = FlaskEmulator()
    account = office.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    office.send(account, mobile="13000000001,13000000002,13000000003", extno="07")
    office.status(account)
    failed = {"mobile": "13000000001", "status": 20, "errorcode": "GB:0002"}
    assert office.control("POST", f"{path}/reports", failed) == {
        "mobile": "13000000001", "task_id": 100001, "status": 20, "errorcode": "GB:0002", "extno": "07",
        "due": "2011-12-02T22:12:11+08:00", "state": "waiting",
    }  # fmt: skip
    later = {"mobile": "13000000002", "task_id": 100001, "extno": "", "seconds": 60}
    assert {"extno": "", "state": "scheduled"}.items() <= office.control("POST", f"{path}/reports", later).items()
    assert office.control("POST", f"{path}/replies", {"mobile": "13000000003", "content": "<T>"}) == {
        "mobile": "13000000003", "task_id": 100001, "content": "<T>", "extno": "07",
        "due": "2011-12-02T22:12:11+08:00", "state": "waiting",
    }  # fmt: skip
    first = office.status(account)
    assert "<mobile>13000000001<" in first
    assert "<errorcode>GB:0002<" in first
    assert "<extno>07<" in first
    assert "13000000002" not in first
    office.now += 60
    assert "<extno></extno>" in office.status(account)
    assert "<content>&lt;T&gt;<" in office.call(account)


@pytest.mark.parametrize("queue", ["reports", "replies"])
def test_what_is_put_into_a_queue_belongs_to_a_task_of_the_account(queue: str) -> None:
    """Never to one of another account, nor to one that there is not."""
    office = FlaskEmulator()
    own, other = {"userid": "12", "account": "test", "password": "mima"}, office.control("POST", "accounts")
    office.send(other, mobile="13000000009")
    path = f"accounts/12/{queue}"
    document = {"mobile": "13000000009"} | ({"content": "T"} if queue == "replies" else {})
    status, words = office.refusal("POST", path, json=document)
    assert (status, "nothing to 13000000009" in words, "task_id" in words) == (422, True, True)
    for task_id in (100001, 2**53):  # the other account's, and nobody's
        status, words = office.refusal("POST", path, json=document | {"task_id": task_id})
        assert (status, f"no task {task_id}" in words) == (422, True)
    assert office.control("GET", path)["items"] == []
    office.send(own, mobile="13000000001")
    assert office.control("POST", path, document | {"task_id": 100002})["task_id"] == 100002
    office.send(own, mobile="13000000009")
    assert office.control("POST", path, document)["task_id"] == 100003


# Clocks


def test_an_account_has_its_own_clock() -> None:
    office = FlaskEmulator()
    one, other = (office.control("POST", "accounts") for _ in range(2))
    for account in (one, other):
        office.send(account, mobile="10000000023")
    clock = office.control("POST", f"accounts/{one['userid']}/clock/advance", {"seconds": 30})
    assert clock == {"mode": "running", "now": "2011-12-02T22:12:41+08:00", "speed": 1.0}
    assert "<receivetime>2011-12-02 22:12:41<" in office.status(one)
    assert "statusbox" not in office.status(other)


def test_the_clock_for_all_is_for_those_that_have_none() -> None:
    office = FlaskEmulator()
    one, other = (office.control("POST", "accounts") for _ in range(2))
    office.control("PUT", f"accounts/{one['userid']}/clock", {"mode": "frozen", "now": "2020-01-01T00:00:00Z"})
    office.control("POST", "clock/advance", {"seconds": 86400})
    office.send(one)
    office.send(other)
    assert "<receivetime>2020-01-01 08:00:00<" in office.status(one)
    assert "<receivetime>2011-12-03 22:12:11<" in office.status(other)


def test_a_clock_stands_still_runs_fast_and_is_real_again() -> None:
    office = FlaskEmulator()
    assert office.control("GET", "clock") == {"mode": "real", "now": "2011-12-02T22:12:11+08:00", "speed": 1.0}
    office.control("PUT", "clock", {"mode": "frozen"})
    office.now += 100
    assert office.control("GET", "clock")["now"] == "2011-12-02T22:12:11+08:00"
    office.control("PUT", "clock", {"mode": "running", "speed": 60})
    office.now += 1
    assert office.control("GET", "clock") == {"mode": "running", "now": "2011-12-02T22:13:11+08:00", "speed": 60.0}
    office.control("PUT", "clock", {"mode": "real"})
    assert office.control("GET", "clock")["now"] == "2011-12-02T22:13:52+08:00"


# Words, health, description


def test_forbidden_words_may_be_others() -> None:
    office = FlaskEmulator()
    account = office.control("POST", "accounts")
    assert "发票" in office.control("GET", "keywords")["words"]
    assert office.control("PUT", "keywords", {"words": ["x"]}) == {"words": ["x"]}
    assert "包含非法字符：" in office.send(account)
    assert "<message>ok<" in office.send(account, content="发票")


def test_it_says_that_it_is_there_and_what_it_can() -> None:
    office = FlaskEmulator(profile="observed")
    health = office.control("GET", "health")
    assert (health["ready"], health["profile"], health["store"]) == (True, "observed", "memory")
    description = office.control("GET", "openapi.json")
    assert {"/_mock/health", "/_mock/accounts", "/_mock/accounts/{userid}/clock/advance"} <= description["paths"].keys()


# What is wrong is said, and changes nothing


@pytest.mark.parametrize(
    ("method", "path", "document", "said"),
    [
        ("POST", "accounts", {"points": -1}, "points"),
        ("POST", "accounts", {"points": "5"}, "points"),
        (
            "POST",
            "accounts",
            {"pionts": 5},
            "there is no field pionts; the fields are userid, account, password, points,",
        ),
        ("POST", "accounts", {"\ud800" * 100: 5}, "there is no field \\ud800\\ud800"),
        ("POST", "accounts", {"profile": "json"}, "profile"),
        ("POST", "accounts", [], "body"),
        ("PATCH", "accounts/12", {"password": ""}, "password"),
        ("PATCH", "accounts/12", {"top_up": 10**16}, "top_up"),
        ("PUT", "clock", {"mode": "stopped"}, "mode"),
        ("PUT", "clock", {"mode": "frozen", "now": "2020-01-01 00:00:00"}, "now"),
        ("POST", "clock/advance", {"seconds": -1}, "seconds"),
        ("POST", "clock/advance", {}, "seconds"),
        ("PUT", "keywords", {"words": "x"}, "words"),
        ("PUT", "keywords", {"words": ["\ud800"]}, "words"),
        ("POST", "reset", {"userid": "\ud800"}, "userid"),
        ("POST", "accounts/12/reports", {"mobile": "1", "status": 99}, "status"),
        ("POST", "accounts/12/replies", {"mobile": "1"}, "content"),
    ],
    ids=str,
)
def test_a_wrong_document_is_refused_by_name(method: str, path: str, document: Any, said: str) -> None:
    status, words = FlaskEmulator().refusal(method, path, json=document)
    assert status == 422
    assert said in words


def test_other_addresses_and_methods_are_refused_in_json() -> None:
    assert FlaskEmulator().refusal("GET", "nowhere")[0] == 404
    assert FlaskEmulator().refusal("DELETE", "health")[0] == 405


# Who is let in


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "127.0.0.1:10692"}, 200),
        ({"Host": "localhost"}, 200),
        ({"Host": "[::1]:10692"}, 200),
        ({"Host": "rebound.example"}, 403),
        ({"Host": "127.0.0.1.rebound.example"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "localhost", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Host": "localhost", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "localhost", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Host": "localhost:1", "Origin": "http://localhost:1"}, 200),
        ({"Host": "localhost:1", "Origin": "http://localhost:2"}, 403),
        ({"Host": "localhost", "Origin": "null"}, 403),
    ],
    ids=str,
)
def test_only_this_machines_own_pages_are_let_in(headers: dict[str, str], status: int) -> None:
    response = FlaskEmulator().http.get("/_mock/accounts", headers=headers)
    assert response.status_code == status
    assert "Access-Control-Allow-Origin" not in response.headers
    if status != 200:
        assert "mima" not in response.text


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""])
def test_a_form_post_changes_nothing(content_type: str) -> None:
    office = FlaskEmulator()
    for body in (b"{}", *([b""] if content_type else [])):
        status, _ = office.refusal("POST", "accounts", json=None, data=body, content_type=content_type)
        assert status == 415
    assert len(office.control("GET", "accounts")["accounts"]) == 1


EMPTY = [
    ("POST", "reset", 200),
    ("POST", "accounts/12/reset", 200),
    ("POST", "accounts", 201),
    ("POST", "accounts/12/reports/requeue", 200),
    ("DELETE", "faults", 200),
    ("DELETE", "accounts/12/faults", 200),
    ("DELETE", "accounts/12", 200),
    ("POST", "accounts/12/replies", 422),
    ("PUT", "clock", 415),
    ("PATCH", "accounts/12", 415),
]


@pytest.mark.parametrize(("method", "path", "status"), EMPTY)
@pytest.mark.parametrize("length", [None, "0"])
def test_what_needs_no_document_needs_no_content_type(method: str, path: str, status: int, length: str | None) -> None:
    headers = {} if length is None else {"Content-Length": length}
    response = FlaskEmulator().http.open(f"/_mock/{path}", method=method, headers=headers)
    assert response.status_code == status
    assert response.json is not None


@pytest.mark.parametrize(("method", "path", "status"), EMPTY)
def test_an_empty_document_of_json_is_one_without_fields(method: str, path: str, status: int) -> None:
    response = FlaskEmulator().http.open(f"/_mock/{path}", method=method, content_type="application/json")
    assert response.status_code == (422 if status == 415 and method == "PUT" else 200 if status == 415 else status)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"User-Agent": "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko"}, 415),
        ({"Content-Type": "text/plain"}, 415),
        ({"Transfer-Encoding": "chunked"}, 415),
        ({"Origin": "http://localhost", "User-Agent": "Mozilla/5.0"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "User-Agent": "Mozilla/5.0"}, 200),
        ({"User-Agent": "curl/8.5.0"}, 200),
    ],
    ids=str,
)
def test_an_empty_post_that_a_page_of_another_origin_can_cause_changes_nothing(
    headers: dict[str, str], status: int
) -> None:
    office = FlaskEmulator()
    office.control("POST", "accounts")
    response = office.http.post("/_mock/reset", headers={"Host": "localhost"} | headers)
    assert response.status_code == status
    assert len(office.control("GET", "accounts")["accounts"]) == (1 if status == 200 else 2)


@pytest.mark.parametrize("depth", [30, 300, 900, 5_000, 100_000])
@pytest.mark.parametrize("around", ["", '{"rules": ', '{"points": ', '{"words": '])
def test_json_that_is_nested_deeply_is_refused(depth: int, around: str) -> None:
    office = FlaskEmulator()
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        body = around + opening * depth + ("1" if closing == "}" else "") + closing * depth + ("}" if around else "")
        for method, path in (("POST", "accounts"), ("PUT", "accounts/12/delivery-rules"), ("PUT", "keywords")):
            response = office.http.open(
                f"/_mock/{path}", method=method, data=body.encode(), content_type="application/json"
            )
            assert response.status_code == 422
            assert response.json is not None


def test_a_token_is_demanded_where_there_is_one() -> None:
    office = FlaskEmulator(AccessPolicy(frozenset({"mock.example"}), "s3cret"))
    host = {"Host": "mock.example"}
    for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "s3cret"}, {"Authorization": "Bearer 秘"}):
        headers = host | {name: value.encode().decode("latin-1") for name, value in wrong.items()}
        assert office.http.get("/_mock/accounts", headers=headers).status_code == 401
    right = host | {"Authorization": "Bearer s3cret"}
    assert office.http.get("/_mock/accounts", headers=right).status_code == 200


def test_the_vendors_pages_need_no_token() -> None:
    office = FlaskEmulator(AccessPolicy(token="s3cret"))
    assert "用户名或密码不能为空" in office.http.get("/v2sms.aspx?action=overage", headers={"Host": "any"}).text


@pytest.fixture(scope="module")
def wide() -> Iterator[tuple[Address, str]]:
    with emulator_process("--host", "0.0.0.0", "--log-level", "error") as (process, (_, port)):  # noqa: S104 - it is what is tested
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(3)]
        yield ("127.0.0.1", port), said[-1].removeprefix("token of the control API: ").strip()


def test_where_others_can_reach_it_a_token_is_made_and_printed(wide: tuple[Address, str]) -> None:
    address, token = wide
    without = send_raw(address, b"GET /_mock/accounts HTTP/1.1\r\nHost: localhost\r\n\r\n")
    given = f"GET /_mock/accounts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    assert (without.status, send_raw(address, given.encode()).status) == (401, 200)
