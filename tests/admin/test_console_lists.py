"""Lists of the console without a browser: filters, sources, marks of codes and numbers, times."""

import re
from html import unescape

import pytest

from support.console import CONSOLE_HEADERS
from support.emulators import sign
from support.flask_emulator import FlaskEmulator

CREDENTIALS = {"userid": "12", "timestamp": "1", "sign": sign("test", "mima", "1")}


def request_numbers(emulator: FlaskEmulator, path: str) -> list[int]:
    """Return the numbers of the requests on a page, newest first."""
    page = emulator.http.get(path)
    assert page.status_code == 200
    return list(map(int, re.findall(r'<a id="r(\d+)"', page.text)))


def test_requests_are_those_of_the_account_unless_all_are_chosen() -> None:
    emulator = FlaskEmulator(accounts=["12:test:mima", "7:a:b"])
    for userid in ("12", "7", "unknown"):
        emulator.http.post("/v2sms.aspx", data=CREDENTIALS | {"userid": userid, "action": "overage"})
    assert request_numbers(emulator, "/requests") == [1]
    assert request_numbers(emulator, "/requests?userid=7") == [2]
    assert request_numbers(emulator, "/requests?userid=12&whose=all") == [3, 2, 1]
    assert request_numbers(emulator, "/requests?whose=nosuch") == [1]


def test_the_requests_of_an_account_say_that_the_newest_request_is_another() -> None:
    emulator = FlaskEmulator(accounts=["12:test:mima", "7:a:b"])
    for userid, has_note in (("12", False), ("unknown", True), ("7", True), ("12", False)):
        emulator.http.post("/v2sms.aspx", data=CREDENTIALS | {"userid": userid, "action": "overage"})
        assert ('id="others"' in emulator.http.get("/requests?userid=12").text) is has_note
        assert 'id="others"' not in emulator.http.get("/requests?userid=12&whose=all").text


def test_requests_that_demonstrate_a_clause_are_in_a_list_of_their_own() -> None:
    emulator = FlaskEmulator()
    form = CREDENTIALS | {"action": "overage"}
    for agent in ("", "sms10692-mock-console-demo", "curl"):
        emulator.http.post("/v2sms.aspx", data=form, headers={"User-Agent": agent})
    assert request_numbers(emulator, "/requests?whose=all") == [3, 1]
    assert request_numbers(emulator, "/requests?whose=demos") == [2]
    assert 'id="others"' not in emulator.http.get("/requests").text
    numbers = [one["number"] for one in emulator.control("GET", "requests?demos=true")["items"]]
    assert (numbers, len(emulator.control("GET", "requests")["items"])) == ([2], 3)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ("operation=overage", [1]),
        ("operation=send", [3, 2]),
        ("operation=none", [4]),
        ("endpoint=/v2smsGBK.aspx", [3]),
        ("endpoint=/v2sms.aspx", [4, 2, 1]),
        ("endpoint=/v2sms.aspx&operation=send", [2]),
        ("endpoint=/v2sms.aspx&refused=1", [4, 2]),
        ("endpoint=/nosuch", []),
        ("operation=nosuch", []),
    ],
)
def test_requests_are_filtered_by_operation_and_endpoint(filters: str, expected: list[int]) -> None:
    emulator = FlaskEmulator()
    for path, form in (
        ("/v2sms.aspx", {"action": "overage"}),
        ("/V2SMS.aspx", {"action": "send", "mobile": "", "content": "x"}),
        ("/v2smsGBK.aspx", {"action": "send", "mobile": "15023239810", "content": "x"}),
        ("/v2sms.aspx", {"action": "foo"}),
    ):
        emulator.http.post(path, data=CREDENTIALS | form)
    assert request_numbers(emulator, f"/requests?{filters}") == expected


@pytest.mark.parametrize(
    ("content", "marked"),
    [
        ("【12306】您的验证码是 12306，5 分钟内有效", "12306"),
        ("Your code is <b>4827</b>", "4827"),
        ("您的包裹已到达", None),
        ("号码 1234 或 5678", None),
    ],
)
def test_a_verification_code_is_marked_and_has_a_copy_button(content: str, marked: str | None) -> None:
    emulator = FlaskEmulator()
    emulator.send(emulator.control("GET", "accounts/12"), content=content)
    page = emulator.http.get("/").text
    assert re.findall(r'<mark id="text-1-code" class="code">(\d+)</mark>', page) == ([marked] if marked else [])
    assert re.findall(r'data-copies="text-1-code"[^>]*>([^<]*)<', page) == ([f"Copy code {marked}"] if marked else [])
    shown = re.findall(r'<bdi class="content" dir="auto">(.*?)</bdi>', page)
    assert [unescape(re.sub("</?mark[^>]*>", "", text)) for text in shown] == [content]


@pytest.mark.parametrize(
    ("number", "is_marked"),
    [("15023239810", False), ("1380013800013800138000", True), ("+8615023239810", True), ("5023239810", True)],
)
def test_a_malformed_number_is_marked_and_shown_as_one_piece(number: str, is_marked: bool) -> None:
    emulator = FlaskEmulator()
    emulator.send(emulator.control("GET", "accounts/12"), mobile=number)
    page = emulator.http.get("/").text
    assert ("malformed number" in page) is is_marked
    assert re.findall(r'<bdi class="mobile"[^>]*>([^<]*)</bdi>', page) == [number]


def test_only_a_long_text_can_be_unfolded() -> None:
    emulator = FlaskEmulator()
    account = emulator.control("GET", "accounts/12")
    for content in ("short", "字" * 200, "a\nb\nc\nd\ne"):
        emulator.send(account, content=content)
    page = emulator.http.get("/").text
    assert re.findall('<details class="unfolds" id="([^"]*)"', page) == ["text-3", "text-2"]
    assert "字" * 200 in page


def test_times_have_the_year_and_the_zone() -> None:
    emulator = FlaskEmulator()
    emulator.send(emulator.control("GET", "accounts/12"))
    for path in ("/", "/requests", "/requests/1", "/queues", "/phone", "/account"):
        times = re.findall('<time datetime="([^"]*)"[^>]*>(.*?)</time>', emulator.http.get(path).text)
        assert times, path
        for iso, shown in times:
            assert shown == f"<span>{iso[:10]}</span> <span>{iso[11:19]} +08:00</span>"


def test_accounts_are_found_by_userid_or_name_and_temporary_ones_are_marked() -> None:
    emulator = FlaskEmulator(accounts=["12:test:mima", "7:Shop:b"])
    created = emulator.control("POST", "accounts", {"userid": "900", "account": "<b>x"})["userid"]

    def found(text: str) -> list[tuple[str, str]]:
        page = emulator.http.get("/accounts", query_string={"text": text}).text
        rows = re.findall("<li><a .*?</li>", page)
        return [
            (re.findall("<strong><bdi>(.*?)<", row)[0], re.findall('class="badge.*?>(.*?)<', row)[0]) for row in rows
        ]

    permanent = [("12", "permanent"), ("7", "permanent")]
    assert found("") == [*permanent, (created, "temporary")]
    assert found("shop") == [("7", "permanent")]
    assert found("<B>") == [(created, "temporary")]
    assert found("nosuch") == []


def test_the_account_dialog_lists_permanent_accounts_first_and_then_the_newest() -> None:
    emulator = FlaskEmulator()
    for number in range(120):
        emulator.control("POST", "accounts", {"userid": f"t{number}"})
    page = emulator.http.get("/accounts?to=queues", headers={"HX-Request": "true", "HX-Target": "accounts-found"}).text
    userids = re.findall('<a href="/queues\\?userid=(\\w+)"', page)
    assert userids == ["12", *(f"t{number}" for number in range(119, 20, -1))]
    assert "Accounts not shown: 21." in page


@pytest.mark.parametrize(
    ("received", "shown"),
    [
        ("upper", '<mark class="differs">'),
        ("", "—"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_the_received_signature_is_shown_below_the_expected_one_with_the_difference_marked(
    received: str, shown: str
) -> None:
    emulator = FlaskEmulator()
    expected = sign("test", "mima", "1")
    received = expected.upper() if received == "upper" else received
    emulator.http.post("/v2sms.aspx", data=CREDENTIALS | {"action": "overage", "sign": received})
    page = emulator.http.get("/requests/1").text
    assert f'<code class="sign">{expected}</code>' in page
    (code,) = re.findall('<code class="sign" id="received-sign">(.*?)</code>', page)
    assert shown in code
    assert unescape(re.sub("<.*?>", "", code)) == (received or "—")
    unmarked = re.sub("<mark.*?</mark>", "", code)
    assert unmarked == ("".join(filter(str.isdigit, expected)) if received.startswith(expected.upper()) else unmarked)


def test_a_request_with_the_right_signature_shows_no_expected_one() -> None:
    emulator = FlaskEmulator()
    emulator.http.post("/v2sms.aspx", data=CREDENTIALS | {"action": "overage"})
    assert 'class="sign"' not in emulator.http.get("/requests/1").text


def message_numbers(emulator: FlaskEmulator, path: str) -> list[int]:
    """Return the numbers of the messages that the list at this path shows."""
    return [int(number) for number in re.findall('<a id="m([0-9]+)"', emulator.http.get(path).text)]


def test_one_message_those_of_an_account_and_those_of_all_accounts_are_deleted() -> None:
    emulator = FlaskEmulator()
    other = emulator.control("POST", "accounts", {"userid": "13"})
    for _ in range(3):
        emulator.send(emulator.control("GET", "accounts/12"))
    emulator.send(other)

    def delete(path: str, **form: str) -> int:
        return emulator.http.post(path, data=form, headers=CONSOLE_HEADERS).status_code

    assert delete("/messages/delete?userid=12", number="2") == 200
    assert message_numbers(emulator, "/") == [3, 1]
    for number, status in (("2", 404), ("0", 404), ("-1", 404), ("9" * 40, 404), ("x", 422), ("", 404)):
        assert delete("/messages/delete?userid=12", number=number) == status
    assert delete("/messages/delete-all?userid=12") == 200
    page = emulator.http.get("/").text
    assert message_numbers(emulator, "/") == []
    assert "All message records were deleted." in page
    assert message_numbers(emulator, "/?userid=13") == [1]
    assert delete("/messages/delete-of-all-accounts") == 200
    assert message_numbers(emulator, "/?userid=13") == []
    assert emulator.control("GET", "accounts/12/queue-stats")["reports"]["waiting"] == 3


def test_further_rows_are_deleted_like_the_first_ones() -> None:
    emulator = FlaskEmulator()
    for _ in range(3):
        emulator.send(emulator.control("GET", "accounts/12"))
    rows = emulator.http.get("/?after=3", headers={"HX-Request": "true", "HX-Target": "older"}).text
    assert re.findall('hx-post="(/messages/delete[^"]*)"', rows) == ["/messages/delete?userid=12"] * 2


def test_one_request_and_all_requests_are_deleted() -> None:
    emulator = FlaskEmulator()
    for _ in range(3):
        emulator.http.post("/v2sms.aspx", data=CREDENTIALS | {"action": "overage"})
    emulator.send(emulator.control("GET", "accounts/12"))

    def delete(path: str, **form: str) -> tuple[int, str | None]:
        response = emulator.http.post(path, data=form, headers=CONSOLE_HEADERS)
        return response.status_code, response.headers.get("HX-Redirect")

    assert delete("/requests/delete?userid=12", number="2") == (200, None)
    assert request_numbers(emulator, "/requests") == [4, 3, 1]
    assert emulator.http.get("/requests/2").status_code == 404
    assert delete("/requests/delete?userid=12", number="3", from_page="1") == (200, "/requests?userid=12")
    for number, status in (("2", 404), ("0", 404), ("-1", 404), ("9" * 40, 404), ("x", 422), ("", 404)):
        assert delete("/requests/delete", number=number) == (status, None)
    assert request_numbers(emulator, "/requests") == [4, 1]
    assert delete("/requests/delete-all") == (200, None)
    assert request_numbers(emulator, "/requests?whose=all") == []
    assert len(emulator.control("GET", "accounts/12/messages")["items"]) == 1
