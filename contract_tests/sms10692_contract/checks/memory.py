"""Checks that each request is processed anew: no response is that of an earlier request, no refusal is due to one."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import SEND_ENDPOINT, SEND_ENDPOINTS
from sms10692_contract.expectations import expect_keyword, expect_message
from sms10692_contract.expected import INSUFFICIENT_BALANCE, WRONG_CREDENTIALS
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import CALL, STATUS, UTF8, WireRequest, build_form, build_request
from sms10692_contract.vendor_model import ModelAccount, measure_report_lag

_TIMESTAMP: Final = "%Y%m%d%H%M%S"
_MOBILES: Final = ["10000000030", "13000000001"]
_CONTENT: Final = "内容"
_METHOD: Final = st.sampled_from(["POST", "GET"])
_LENGTHS: Final = (0, 1, 16, 32, 70, 140, 255, 500)


def _build(method: str, endpoint: str, fields: dict[str, str]) -> WireRequest:
    """Return a request with these parameters in the form, or in the query string of GET: a cache may know one only."""
    pairs = list(fields.items())
    if method == "GET":
        return build_request(endpoint, query=pairs, method="GET")
    return build_request(endpoint, body=pairs)


@checks("S-again")
def _the_same_request_sent_again_is_another_send(context: CheckContext) -> None:
    lag = measure_report_lag(context)

    def check_repeated(method: str, endpoint: str, times: int, pause: int) -> None:
        account = ModelAccount(context, {"points": 100}, lag)
        fields = {"action": "send", "mobile": ",".join(_MOBILES), "content": _CONTENT, "extno": "1"}
        request = _build(method, endpoint, account.account.build_credentials() | fields)
        for _ in range(times):
            account.record_send(context.exchange(request), _MOBILES, extno="1")
            account.advance(pause)
        account.advance(lag.until_due)
        account.fetch_everything()
        account.expect_balance()

    for endpoint in SEND_ENDPOINTS:
        check_repeated("POST", endpoint, 12, 0)
        check_repeated("GET", endpoint, 3, 0)
    context.for_all(
        check_repeated,
        _METHOD,
        SEND_ENDPOINT,
        st.integers(2, 4),
        st.sampled_from([0, 1, 61, 3600]),
        examples=context.few_examples,
    )


@checks("S-signature")
def _a_signature_may_be_used_again(context: CheckContext) -> None:
    def check_accepted(ages: list[int], endpoint: str) -> None:
        account = ModelAccount(context)
        for index, age in enumerate(ages):
            timestamp = f"{account.now - timedelta(seconds=age):{_TIMESTAMP}}"
            fields = {"action": "send", "mobile": f"{13000000000 + index}", "content": f"{_CONTENT}{index}"}
            request = build_form(endpoint, account.account.build_credentials(timestamp) | fields)
            account.record_send(context.exchange(request), [f"{13000000000 + index}"])

    for endpoint in SEND_ENDPOINTS:
        check_accepted([0, 0, 3600, 0, 86_400 * 400], endpoint)
    ages = st.sampled_from([0, 1, 299, 301, 601, 3601, 86_401]) | st.integers(0, 10**8)
    context.for_all(
        check_accepted, st.lists(ages, min_size=2, max_size=5), SEND_ENDPOINT, examples=context.few_examples
    )


@checks("S-fresh")
def _a_balance_and_a_queue_are_never_answered_from_memory(context: CheckContext) -> None:
    lag = measure_report_lag(context)

    def check_fresh(method: str, events: list[str]) -> None:
        account = ModelAccount(context, {"points": 3}, lag)
        credentials = account.account.build_credentials(account.now.strftime(_TIMESTAMP))
        sent = {"action": "send", "mobile": ",".join(_MOBILES), "content": _CONTENT}
        for event in events:
            if event == "send":
                account.record_send(context.exchange(_build(method, UTF8, credentials | sent)), _MOBILES)
            elif event == "top up":
                account.top_up(2)
            elif event == "wait":
                account.advance(1 + lag.until_due)
            for endpoint in SEND_ENDPOINTS:
                query = _build(method, endpoint, credentials | {"action": "overage"})
                account.record_balance(context.exchange(query))
            if event != "send":
                query = _build(method, STATUS, credentials | {"action": "query"})
                account.record_reports(context.exchange(query))

    for method in ("POST", "GET"):
        check_fresh(method, ["wait", "send", "wait", "send", "top up", "send", "wait", "top up", "send", "wait"])
    events = st.lists(st.sampled_from(["send", "send", "top up", "wait"]), min_size=1, max_size=8)
    context.for_all(check_fresh, _METHOD, events, examples=context.few_examples)


@checks("S-password")
def _only_the_present_password_counts(context: CheckContext) -> None:
    def check_changed(method: str, passwords: list[str], endpoint: str, has_used: bool) -> None:
        """Change the password several times; the requests of every other password are refused, also repeated ones."""
        account = ModelAccount(context, {"password": passwords[0], "points": 100})
        userid, timestamp = account.account.userid, account.now.strftime(_TIMESTAMP)
        requests = {}
        for password in dict.fromkeys(passwords):
            credentials = replace(account.account, password=password).build_credentials(timestamp)
            fields = {"action": "send", "mobile": _MOBILES[1], "content": _CONTENT}
            requests[password] = [
                (_build(method, endpoint, credentials | {"action": "overage"}), ""),
                (_build(method, endpoint, credentials | fields), "ok"),
                (_build(method, STATUS, credentials | {"action": "query"}), ""),
                (_build(method, CALL, credentials | {"action": "query"}), ""),
            ]
        for present in passwords:
            context.clock.set_password(userid, present)
            own = requests.pop(present)
            for request, message in own if has_used else own[:1]:
                expect_message(context.exchange(request), message)
            requests[present] = own
            for password, others in requests.items():
                for request, _ in others if password != present else []:
                    expect_message(context.exchange(request), WRONG_CREDENTIALS)

    for method, endpoint in zip(("POST", "GET"), SEND_ENDPOINTS, strict=True):
        check_changed(method, ["mima", "mima2", "mima"], endpoint, has_used=True)
    passwords = st.lists(st.sampled_from(["mima", "Mima", "mima1", "密码123", "123"]), min_size=2, max_size=4)
    context.for_all(check_changed, _METHOD, passwords, SEND_ENDPOINT, st.booleans(), examples=context.few_examples)


@checks("S-refused")
def _a_refused_send_can_be_repeated_when_the_reason_is_gone(context: CheckContext) -> None:
    def check_repeated(method: str, points: int, count: int, refusals: int) -> None:
        account = ModelAccount(context, {"points": points})
        mobiles = [str(13000000000 + index) for index in range(points + count)]
        fields = {"action": "send", "mobile": ",".join(mobiles), "content": _CONTENT}
        request = _build(method, UTF8, account.account.build_credentials() | fields)
        for _ in range(refusals):
            expect_message(context.exchange(request), INSUFFICIENT_BALANCE)
        account.top_up(count)
        account.record_send(context.exchange(request), mobiles)
        account.expect_balance()

    for method in ("POST", "GET"):
        check_repeated(method, 1, 1, 2)
    context.for_all(
        check_repeated, _METHOD, st.integers(0, 9), st.integers(1, 9), st.integers(1, 4), examples=context.few_examples
    )


@checks("S-keywords")
def _a_text_is_checked_each_time(context: CheckContext) -> None:
    credentials = context.own.build_credentials()

    def check_text(method: str, endpoint: str, content: str, is_found: bool) -> None:
        fields = credentials | {"action": "checkkeyword", "content": content}
        expect_keyword(context.exchange(_build(method, endpoint, fields)), is_found)

    def check_alternating(method: str, endpoint: str, length: int, times: int) -> None:
        for index in range(times):
            text = "内" * length
            check_text(method, endpoint, text + context.forbidden_word, is_found=True)
            wordless = text + "容" * len(context.forbidden_word) + str(index)
            check_text(method, endpoint, wordless, is_found=False)

    check_alternating("POST", UTF8, 40, 1)
    if context.is_sandboxed:
        account = ModelAccount(context)
        for endpoint in SEND_ENDPOINTS:
            for content in (context.forbidden_word, _CONTENT):
                context.checkkeyword(account.account, content, endpoint)
                account.expect_balance(endpoint)
    context.for_all_if_sandboxed(
        check_alternating,
        _METHOD,
        SEND_ENDPOINT,
        st.sampled_from(_LENGTHS) | st.integers(0, 600),
        st.integers(1, 3),
        examples=context.few_examples,
    )
