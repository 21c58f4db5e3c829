"""The older endpoints (R19) and changespwd (R20): as the signed endpoints, but for the credentials."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms10692 import protocol
from sms10692_mock.domain.results import ChangedPassword, Refusal
from support.emulators import CALL, CREDENTIALS, GBK, STATUS, UTF8, WsgiHarness
from support.http_client import Response, build_request

SMS, SMS_GBK, STATUS_API, CALL_API = "/sms.aspx", "/smsGBK.aspx", "/statusApi.aspx", "/callApi.aspx"
SIGNED_TWINS: Final = {SMS: UTF8, SMS_GBK: GBK, STATUS_API: STATUS, CALL_API: CALL}
PASSWORD: Final = {"userid": "12", "account": "test", "password": "mima"}


def post(emulator: WsgiHarness, path: str, fields: Mapping[str, str], target: str = "") -> Response:
    """Send fields to an endpoint, in the body, or in the query string of `target`."""
    charset = "gbk" if "GBK" in path else "utf-8"
    form = "&".join(f"{name}={quote_plus(value.encode(charset, 'replace'))}" for name, value in fields.items())
    if target == "query":
        return emulator.send_raw(f"GET {path}?{form} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return emulator.send_raw(build_request(path, form.encode("ascii")))


def send(emulator: WsgiHarness, path: str = SMS, **fields: str) -> str:
    credentials = PASSWORD if path in SIGNED_TWINS else CREDENTIALS
    charset = "gbk" if "GBK" in path else "utf-8"
    return post(emulator, path, credentials | fields).body.decode(charset)


TEXT: Final = st.one_of(
    st.sampled_from(["内容", "代开发票", "' or 1=1", "", " ", "A&B 100% C+D", "<好> & 😀", "字" * 71]),
    st.text(max_size=20),
)
STEP: Final = st.fixed_dictionaries(
    {
        "path": st.sampled_from(list(SIGNED_TWINS)),
        "action": st.sampled_from(["send", "overage", "checkkeyword", "query", "Send", ""]),
        "mobile": st.sampled_from(
            ["15023239810", "15023239810,13527576163", "10000000030", "10000000001", "x", ",", ""]
        ),
        "content": TEXT,
        "sendTime": st.sampled_from(["", "2011-12-02 22:30:00", "2011-12-02", "now"]),
        "extno": st.sampled_from(["", "01", "12345678901", "x"]),
        "statusNum": st.sampled_from(["", "1", "0", "x"]),
        "rt": st.sampled_from(["", "json"]),
        "target": st.sampled_from(["body", "query"]),
        "are_credentials_right": st.sampled_from([True, True, True, False]),
        "is_empty": st.sampled_from([False, False, False, True]),
    }
)


@given(st.lists(STEP, min_size=1, max_size=6))
def test_r19_an_older_endpoint_answers_like_its_signed_twin(steps: list[dict[str, str]]) -> None:
    older, signed = WsgiHarness(), WsgiHarness()
    for step in steps:
        fields = dict(step)
        path, target = fields.pop("path"), fields.pop("target")
        is_right, is_empty = fields.pop("are_credentials_right"), fields.pop("is_empty")
        secret = "" if is_empty else "x"
        clear = PASSWORD if is_right else PASSWORD | {"password": secret}
        signature = CREDENTIALS if is_right else CREDENTIALS | {"sign": secret}
        answer = post(older, path, clear | fields | {"checkContent": "1"}, target)
        assert answer == post(signed, SIGNED_TWINS[path], signature | fields, target)


def test_r19_both_generations_share_balance_task_numbers_and_queues() -> None:
    emulator = WsgiHarness()
    assert "<taskID>100001</taskID>" in send(emulator, SMS, action="send", mobile="15023239810", content="x")
    assert "<taskID>100002</taskID>" in send(emulator, UTF8, action="send", mobile="10000000030", content="x")
    assert "<overage>998</overage>" in send(emulator, SMS_GBK, action="overage")
    assert "<taskid>100001</taskid>" in send(emulator, STATUS, action="query", statusNum="1")
    assert "<taskid>100002</taskid>" in send(emulator, STATUS_API, action="query")
    assert "<statusbox>" not in send(emulator, STATUS, action="query")
    assert "<content>T</content>" in send(emulator, CALL_API, action="query")
    assert "<callbox>" not in send(emulator, CALL, action="query")


@pytest.mark.parametrize("path", [SMS, SMS_GBK])
@pytest.mark.parametrize(
    ("check_content", "is_checked"),
    [("1", True), ("0", False), ("", False), ("01", False), ("2", False), (None, False)],
)
def test_r19_words_are_checked_only_where_the_send_asks_for_it(
    path: str, check_content: str | None, is_checked: bool
) -> None:
    emulator, content = WsgiHarness(), "代开发票"
    extra = {} if check_content is None else {"checkContent": check_content}
    sent = send(emulator, path, action="send", mobile="15023239810", content=content, **extra)
    assert ("<message>包含非法字符：</message>" in sent) == is_checked
    assert "<message>包含非法字符</message>" in send(emulator, path, action="checkkeyword", content=content)
    signed = send(emulator, SIGNED_TWINS[path], action="send", mobile="15023239810", content=content, checkContent="0")
    assert "<message>包含非法字符：</message>" in signed


@pytest.mark.parametrize("path", [SMS, SMS_GBK])
def test_r19_name_and_password_are_compared_exactly_in_the_charset_of_the_endpoint(path: str) -> None:
    emulator = WsgiHarness(accounts=["7:商店.1@x:a+b &@密"])
    charset, other = ("gbk", "utf-8") if path == SMS_GBK else ("utf-8", "gbk")
    right = {"userid": "7", "account": "商店.1@x", "password": "a+b &@密", "action": "overage"}

    def is_accepted(fields: Mapping[str, str], encoding: str) -> bool:
        form = "&".join(f"{name}={quote(value.encode(encoding))}" for name, value in fields.items())
        return b"<returnstatus>Sucess<" in emulator.send_raw(build_request(path, form.encode())).body

    assert is_accepted(right, charset)
    assert not is_accepted(right, other)
    for name in ("account", "password"):
        for value in (right[name] + " ", right[name].upper(), right[name][:-1], right[name] * 2):
            assert not is_accepted(right | {name: value}, charset)


def test_r20_the_new_password_applies_at_once_to_both_kinds_of_credentials() -> None:
    emulator = WsgiHarness()
    changed = send(emulator, SMS, action="changespwd", newpwd="neu+1", renewpwd="neu+1")
    assert changed.endswith("<returnstatus>Success</returnstatus>\n <message>ok</message></returnsms>")
    assert "用户名或密码错误" in send(emulator, SMS, action="overage")
    assert "用户名或密码错误" in send(emulator, UTF8, action="overage")
    assert "Sucess" in send(emulator, SMS, action="overage", password="neu+1")


def test_r20_a_signed_request_cannot_change_the_password() -> None:
    emulator = WsgiHarness()
    assert "<message>其他错误</message>" in send(emulator, UTF8, action="changespwd", newpwd="x", renewpwd="x")
    assert "Sucess" in send(emulator, UTF8, action="overage")


def test_r20_of_two_concurrent_changes_one_is_refused() -> None:
    vendor = WsgiHarness().vendor
    account = vendor.store.account("12")
    assert account is not None
    assert vendor.change_password(account, "first") == ChangedPassword()
    refusal = vendor.change_password(account, "second")
    assert isinstance(refusal, Refusal)
    assert refusal.message == protocol.CREDENTIALS_WRONG
    changed = vendor.store.account("12")
    assert changed is not None
    assert changed.password == "first"


def test_r20_a_refused_change_changes_nothing() -> None:
    emulator = WsgiHarness()
    for new, again in (("", ""), (" ", " "), ("a", "b"), ("a", ""), ("x" * 10_001, "x" * 10_001)):
        refused = send(emulator, SMS, action="changespwd", newpwd=new, renewpwd=again)
        assert refused.endswith("<returnstatus>Faild</returnstatus>\n <message>其他错误</message></returnsms>")
        assert "Sucess" in send(emulator, SMS, action="overage")
