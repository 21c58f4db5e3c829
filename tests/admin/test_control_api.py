"""The control API in process: each operation changes one account and no other."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sms10692_mock.admin.auth import AccessPolicy
from support.emulators import emulator_process
from support.flask_emulator import FlaskEmulator
from support.http_client import Address, send_raw

# Accounts


def test_a_temporary_account_works_and_changes_no_other() -> None:
    emulator = FlaskEmulator()
    first, second = (emulator.control("POST", "accounts") for _ in range(2))
    assert {"points": 1000, "send_total": 1000, "payinfo": "prepaid", "profile": "manual"}.items() <= first.items()
    assert len({first["userid"], second["userid"], "12"}) == 3
    assert "<remainpoint>999<" in emulator.send(first)
    assert emulator.control("GET", f"accounts/{first['userid']}")["points"] == 999
    assert emulator.control("GET", f"accounts/{second['userid']}")["points"] == 1000
    assert "statusbox" in emulator.status(first)
    assert "statusbox" not in emulator.status(second)


def test_the_userid_of_a_temporary_account_has_nine_random_digits() -> None:
    """A client may store a userid as an integer. A test that outlives its emulator must not reach another account."""
    userids = {FlaskEmulator().control("POST", "accounts")["userid"] for _ in range(5)}
    assert len(userids) == 5
    assert all(re.fullmatch("[1-9][0-9]{8}", userid) for userid in userids)


def test_a_temporary_account_never_replaces_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = FlaskEmulator(accounts=["100000000:shop:a:5"])
    random_numbers = iter([0, 0, 7, 7, 8])
    monkeypatch.setattr("sms10692_mock.domain.accounts.secrets.randbelow", lambda _: next(random_numbers))
    userids = [emulator.control("POST", "accounts")["userid"] for _ in range(2)]
    assert userids == ["100000007", "100000008"]
    assert emulator.control("GET", "accounts/100000000")["account"] == "shop"


def test_an_account_has_the_requested_userid_name_and_password() -> None:
    emulator = FlaskEmulator()
    requested = {"userid": "8", "account": "商户", "password": "密码"}
    assert requested.items() <= emulator.control("POST", "accounts", requested).items()
    assert "<message>ok<" in emulator.send(requested)
    refusal = emulator.refusal("POST", "accounts", json=requested | {"password": "other"})
    assert refusal == (409, "an account with the userid 8 exists already")
    assert emulator.refusal("POST", "accounts", json={"userid": "12"})[0] == 409
    assert "<message>ok<" in emulator.send(requested)


@pytest.mark.parametrize("userid", ["", " ", "a/b", "..", "\ud800", 8, None])
def test_a_userid_that_no_url_can_contain_is_refused(userid: object) -> None:
    emulator = FlaskEmulator()
    status = emulator.http.post("/_mock/accounts", json={"userid": userid}).status_code
    assert status == (201 if userid is None else 422)


def test_a_changed_password_is_required_by_the_next_request() -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts")
    changed = emulator.control("PATCH", f"accounts/{account['userid']}", {"password": "new", "account": "other"})
    assert (changed["account"], changed["password"], changed["points"]) == ("other", "new", 1000)
    assert "用户名或密码错误" in emulator.send(account)
    assert "<message>ok<" in emulator.send(changed)
    for password in ("", " ", None, 5):
        assert emulator.refusal("PATCH", f"accounts/{account['userid']}", json={"password": password})[0] == 422


def test_a_balance_set_by_concurrent_requests_has_that_value() -> None:
    emulator = FlaskEmulator()

    def patch(_: int) -> None:
        assert emulator.app.test_client().patch("/_mock/accounts/12", json={"points": 5000}).status_code == 200

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(patch, range(64)))
    balance = emulator.control("GET", "accounts/12")
    assert (balance["points"], balance["send_total"]) == (5000, 5000)


def test_points_and_top_up_exclude_each_other() -> None:
    emulator = FlaskEmulator()
    status, error = emulator.refusal("PATCH", "accounts/12", json={"points": 5, "top_up": 5})
    assert status == 422
    assert "either" in error
    assert emulator.control("GET", "accounts/12")["points"] == 1000


def test_a_balance_out_of_bounds_is_refused_and_changes_nothing() -> None:
    emulator = FlaskEmulator()
    for _ in range(2):
        status, error = emulator.refusal("PATCH", "accounts/12", json={"top_up": 10**15, "can_read_queues": False})
        assert status == 422
        assert "1000000000000000" in error
    account = emulator.control("GET", "accounts/12")
    assert (account["points"], account["send_total"], account["can_read_queues"]) == (1000, 1000, True)
    assert emulator.control("PATCH", "accounts/12", {"top_up": 10**15 - 1000})["points"] == 10**15


def test_an_account_has_the_requested_settings() -> None:
    emulator = FlaskEmulator()
    account = emulator.control(
        "POST", "accounts", {"points": 5, "postpaid": True, "can_read_queues": False, "profile": "observed"}
    )
    assert (account["payinfo"], account["points"], account["send_total"], account["profile"]) == (
        "postpaid",
        0,
        0,
        "observed",
    )
    assert "<remainpoint>-1<" in emulator.send(account)
    assert "<error>3<" in emulator.status(account)
    assert "<checkCounts>x<" in emulator.post("/v2sms.aspx", account, action="checkkeyword", content="x")


def test_changed_settings_keep_waiting_reports() -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts", {"points": 1})
    emulator.send(account)
    changed = emulator.control("PATCH", f"accounts/{account['userid']}", {"top_up": 10, "can_read_queues": False})
    assert (changed["points"], changed["send_total"], changed["can_read_queues"]) == (10, 11, False)
    assert "<error>3<" in emulator.status(account)
    assert emulator.control("PATCH", f"accounts/{account['userid']}", {"can_read_queues": True})["points"] == 10
    assert "statusbox" in emulator.status(account)


def test_a_deleted_account_is_unknown() -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts")
    emulator.control("DELETE", f"accounts/{account['userid']}")
    assert "用户名或密码错误" in emulator.send(account)
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/reset"), ("GET", "/clock")):
        status, error = emulator.refusal(method, f"accounts/{account['userid']}{path}")
        assert (status, account["userid"] in error) == (404, True)
    assert [account["userid"] for account in emulator.control("GET", "accounts")["accounts"]] == ["12"]


def test_a_reset_empties_the_queues_and_restores_the_points() -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts", {"points": 3})
    emulator.send(account, mobile="10000000030")
    emulator.control("POST", f"accounts/{account['userid']}/reset")
    assert "statusbox" not in emulator.status(account)
    assert "callbox" not in emulator.call(account)
    assert emulator.control("GET", f"accounts/{account['userid']}")["points"] == 3


def test_concurrent_changes_are_all_applied() -> None:
    emulator = FlaskEmulator()
    userid = emulator.control("POST", "accounts", {"points": 0})["userid"]
    emulator.control("PUT", f"accounts/{userid}/clock", {"mode": "frozen"})

    def change(_: int) -> None:
        http = emulator.app.test_client()
        assert http.patch(f"/_mock/accounts/{userid}", json={"top_up": 1}).status_code == 200
        assert http.post(f"/_mock/accounts/{userid}/clock/advance", json={"seconds": 1}).status_code == 200

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(change, range(100)))
    assert emulator.control("GET", f"accounts/{userid}")["points"] == 100
    assert emulator.control("GET", f"accounts/{userid}/clock")["now"] == "2011-12-02T22:13:51+08:00"


# Injected reports and replies


def test_reports_and_replies_can_be_injected() -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    emulator.send(account, mobile="13000000001,13000000002,13000000003", extno="07")
    emulator.status(account)
    failed = {"mobile": "13000000001", "status": 20, "errorcode": "GB:0002"}
    assert emulator.control("POST", f"{path}/reports", failed) == {
        "mobile": "13000000001", "task_id": 100001, "status": 20, "errorcode": "GB:0002", "extno": "07",
        "due": "2011-12-02T22:12:11+08:00", "state": "waiting",
    }  # fmt: skip
    later = {"mobile": "13000000002", "task_id": 100001, "extno": "", "seconds": 60}
    assert {"extno": "", "state": "scheduled"}.items() <= emulator.control("POST", f"{path}/reports", later).items()
    assert emulator.control("POST", f"{path}/replies", {"mobile": "13000000003", "content": "<T>"}) == {
        "mobile": "13000000003", "task_id": 100001, "content": "<T>", "extno": "07",
        "due": "2011-12-02T22:12:11+08:00", "state": "waiting",
    }  # fmt: skip
    first = emulator.status(account)
    assert "<mobile>13000000001<" in first
    assert "<errorcode>GB:0002<" in first
    assert "<extno>07<" in first
    assert "13000000002" not in first
    emulator.now += 60
    assert "<extno></extno>" in emulator.status(account)
    assert "<content>&lt;T&gt;<" in emulator.call(account)


@pytest.mark.parametrize("queue", ["reports", "replies"])
def test_an_injected_item_requires_a_task_of_its_account(queue: str) -> None:
    """A task of another account is refused, and so is an unknown one."""
    emulator = FlaskEmulator()
    own, other = {"userid": "12", "account": "test", "password": "mima"}, emulator.control("POST", "accounts")
    emulator.send(other, mobile="13000000009")
    path = f"accounts/12/{queue}"
    document = {"mobile": "13000000009"} | ({"content": "T"} if queue == "replies" else {})
    status, error = emulator.refusal("POST", path, json=document)
    assert (status, "nothing to 13000000009" in error, "task_id" in error) == (422, True, True)
    for task_id in (100001, 2**53):  # of the other account, and unknown
        status, error = emulator.refusal("POST", path, json=document | {"task_id": task_id})
        assert (status, f"no task {task_id}" in error) == (422, True)
    assert emulator.control("GET", path)["items"] == []
    emulator.send(own, mobile="13000000001")
    assert emulator.control("POST", path, document | {"task_id": 100002})["task_id"] == 100002
    emulator.send(own, mobile="13000000009")
    assert emulator.control("POST", path, document)["task_id"] == 100003


# Clocks


def test_an_account_has_its_own_clock() -> None:
    emulator = FlaskEmulator()
    first, second = (emulator.control("POST", "accounts") for _ in range(2))
    for account in (first, second):
        emulator.send(account, mobile="10000000023")
    clock = emulator.control("POST", f"accounts/{first['userid']}/clock/advance", {"seconds": 30})
    assert clock == {"mode": "running", "now": "2011-12-02T22:12:41+08:00", "speed": 1.0}
    assert "<receivetime>2011-12-02 22:12:41<" in emulator.status(first)
    assert "statusbox" not in emulator.status(second)


def test_the_global_clock_applies_to_accounts_without_an_override() -> None:
    emulator = FlaskEmulator()
    first, second = (emulator.control("POST", "accounts") for _ in range(2))
    emulator.control("PUT", f"accounts/{first['userid']}/clock", {"mode": "frozen", "now": "2020-01-01T00:00:00Z"})
    emulator.control("POST", "clock/advance", {"seconds": 86400})
    emulator.send(first)
    emulator.send(second)
    assert "<receivetime>2020-01-01 08:00:00<" in emulator.status(first)
    assert "<receivetime>2011-12-03 22:12:11<" in emulator.status(second)


def test_the_global_clock_can_be_frozen_accelerated_and_real_again() -> None:
    emulator = FlaskEmulator()
    assert emulator.control("GET", "clock") == {"mode": "real", "now": "2011-12-02T22:12:11+08:00", "speed": 1.0}
    emulator.control("PUT", "clock", {"mode": "frozen"})
    emulator.now += 100
    assert emulator.control("GET", "clock")["now"] == "2011-12-02T22:12:11+08:00"
    emulator.control("PUT", "clock", {"mode": "running", "speed": 60})
    emulator.now += 1
    assert emulator.control("GET", "clock") == {"mode": "running", "now": "2011-12-02T22:13:11+08:00", "speed": 60.0}
    emulator.control("PUT", "clock", {"mode": "real"})
    assert emulator.control("GET", "clock")["now"] == "2011-12-02T22:13:52+08:00"


# Forbidden words, health, API description


def test_forbidden_words_can_be_replaced() -> None:
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts")
    assert "发票" in emulator.control("GET", "keywords")["words"]
    assert emulator.control("PUT", "keywords", {"words": ["x"]}) == {"words": ["x"]}
    assert "包含非法字符：" in emulator.send(account)
    assert "<message>ok<" in emulator.send(account, content="发票")


def test_health_and_the_api_description_can_be_read() -> None:
    emulator = FlaskEmulator(profile="observed")
    health = emulator.control("GET", "health")
    assert (health["ready"], health["profile"], health["store"]) == (True, "observed", "memory")
    description = emulator.control("GET", "openapi.json")
    assert {"/_mock/health", "/_mock/accounts", "/_mock/accounts/{userid}/clock/advance"} <= description["paths"].keys()


# Invalid requests


@pytest.mark.parametrize(
    ("method", "path", "document", "expected_error"),
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
def test_an_invalid_document_is_refused_and_its_field_named(
    method: str, path: str, document: Any, expected_error: str
) -> None:
    status, error = FlaskEmulator().refusal(method, path, json=document)
    assert status == 422
    assert expected_error in error


def test_unknown_paths_and_methods_are_refused_in_json() -> None:
    assert FlaskEmulator().refusal("GET", "nowhere")[0] == 404
    assert FlaskEmulator().refusal("DELETE", "health")[0] == 405


# Access control


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
def test_only_local_hosts_and_own_origins_are_accepted(headers: dict[str, str], status: int) -> None:
    response = FlaskEmulator().http.get("/_mock/accounts", headers=headers)
    assert response.status_code == status
    assert "Access-Control-Allow-Origin" not in response.headers
    if status != 200:
        assert "mima" not in response.text


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""])
def test_a_form_post_changes_nothing(content_type: str) -> None:
    emulator = FlaskEmulator()
    for body in (b"{}", *([b""] if content_type else [])):
        status, _ = emulator.refusal("POST", "accounts", json=None, data=body, content_type=content_type)
        assert status == 415
    assert len(emulator.control("GET", "accounts")["accounts"]) == 1


EMPTY_REQUESTS = [
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


@pytest.mark.parametrize(("method", "path", "status"), EMPTY_REQUESTS)
@pytest.mark.parametrize("length", [None, "0"])
def test_a_content_type_is_required_only_with_a_document(
    method: str, path: str, status: int, length: str | None
) -> None:
    headers = {} if length is None else {"Content-Length": length}
    response = FlaskEmulator().http.open(f"/_mock/{path}", method=method, headers=headers)
    assert response.status_code == status
    assert response.json is not None


@pytest.mark.parametrize(("method", "path", "status"), EMPTY_REQUESTS)
def test_an_empty_json_body_is_a_document_without_fields(method: str, path: str, status: int) -> None:
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
def test_an_empty_post_from_a_foreign_origin_changes_nothing(headers: dict[str, str], status: int) -> None:
    emulator = FlaskEmulator()
    emulator.control("POST", "accounts")
    response = emulator.http.post("/_mock/reset", headers={"Host": "localhost"} | headers)
    assert response.status_code == status
    assert len(emulator.control("GET", "accounts")["accounts"]) == (1 if status == 200 else 2)


@pytest.mark.parametrize("depth", [30, 300, 900, 5_000, 100_000])
@pytest.mark.parametrize("prefix", ["", '{"rules": ', '{"points": ', '{"words": '])
def test_deeply_nested_json_is_refused(depth: int, prefix: str) -> None:
    emulator = FlaskEmulator()
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        body = prefix + opening * depth + ("1" if closing == "}" else "") + closing * depth + ("}" if prefix else "")
        for method, path in (("POST", "accounts"), ("PUT", "accounts/12/delivery-rules"), ("PUT", "keywords")):
            response = emulator.http.open(
                f"/_mock/{path}", method=method, data=body.encode(), content_type="application/json"
            )
            assert response.status_code == 422
            assert response.json is not None


def test_a_configured_token_is_required() -> None:
    emulator = FlaskEmulator(AccessPolicy(frozenset({"mock.example"}), "s3cret"))
    host = {"Host": "mock.example"}
    for rejected in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "s3cret"},
        {"Authorization": "Bearer 秘"},
    ):
        headers = host | {name: value.encode().decode("latin-1") for name, value in rejected.items()}
        assert emulator.http.get("/_mock/accounts", headers=headers).status_code == 401
    accepted = host | {"Authorization": "Bearer s3cret"}
    assert emulator.http.get("/_mock/accounts", headers=accepted).status_code == 200


def test_vendor_endpoints_need_no_token() -> None:
    emulator = FlaskEmulator(AccessPolicy(token="s3cret"))
    assert "用户名或密码不能为空" in emulator.http.get("/v2sms.aspx?action=overage", headers={"Host": "any"}).text


@pytest.fixture(scope="module")
def public_emulator() -> Iterator[tuple[Address, str]]:
    """The local address and the generated token of an emulator that listens on all interfaces."""
    with emulator_process("--host", "0.0.0.0", "--log-level", "error") as (process, (_, port)):  # noqa: S104 - this address is tested
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        yield ("127.0.0.1", port), lines[-1].removeprefix("token of the control API: ").strip()


def test_an_emulator_on_all_interfaces_generates_and_prints_a_token(public_emulator: tuple[Address, str]) -> None:
    address, token = public_emulator
    without = send_raw(address, b"GET /_mock/accounts HTTP/1.1\r\nHost: localhost\r\n\r\n")
    authorized = f"GET /_mock/accounts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    assert (without.status, send_raw(address, authorized.encode()).status) == (401, 200)


def test_with_a_read_only_token_an_emulator_on_loopback_requires_a_token_too() -> None:
    with emulator_process("--read-only-token", "spectat0r", "--log-level", "error") as (process, address):
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        token = lines[-1].removeprefix("token of the control API: ").strip()
        for given, password in (("spectat0r", "***"), (token, "mima")):
            head = f"GET /_mock/accounts/12 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {given}\r\n\r\n"
            assert send_raw(address, head.encode()).json()["password"] == password
        assert send_raw(address, b"GET /_mock/accounts HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 401
