"""Checks that each request is processed anew: no response is that of an earlier request, no refusal is due to one."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import SEND_ENDPOINT, SEND_ENDPOINTS
from sms10692_contract.expectations import expect_message
from sms10692_contract.expected import INSUFFICIENT_BALANCE, NO_WORD_FOUND, WORD_FOUND, WRONG_CREDENTIALS
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import CALL, STATUS, UTF8, build_form
from sms10692_contract.vendor_model import ModelAccount, measure_report_lag

_TIMESTAMP: Final = "%Y%m%d%H%M%S"
_MOBILES: Final = ["10000000030", "13000000001"]
_CONTENT: Final = "内容"
_LENGTHS: Final = (0, 1, 16, 32, 70, 140, 255, 500)


@checks("S-again")
def _the_same_request_sent_again_is_another_send(context: CheckContext) -> None:
    lag = measure_report_lag(context)

    def check_repeated(endpoint: str, times: int, pause: int) -> None:
        account = ModelAccount(context, {"points": 100}, lag)
        fields = {"action": "send", "mobile": ",".join(_MOBILES), "content": _CONTENT, "extno": "1"}
        request = build_form(endpoint, account.account.build_credentials() | fields)
        for _ in range(times):
            account.record_send(context.exchange(request), _MOBILES, extno="1")
            account.advance(pause)
        account.advance(lag.until_due)
        account.fetch_everything()
        account.expect_balance()

    for endpoint in SEND_ENDPOINTS:
        check_repeated(endpoint, 12, 0)
    context.for_all(
        check_repeated,
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

    def check_fresh(events: list[str]) -> None:
        account = ModelAccount(context, {"points": 3}, lag)
        credentials = account.account.build_credentials(account.now.strftime(_TIMESTAMP))
        sent = {"action": "send", "mobile": ",".join(_MOBILES), "content": _CONTENT}
        for event in events:
            if event == "send":
                account.record_send(context.exchange(build_form(UTF8, credentials | sent)), _MOBILES)
            elif event == "top up":
                account.top_up(2)
            elif event == "wait":
                account.advance(1 + lag.until_due)
            for endpoint in SEND_ENDPOINTS:
                query = build_form(endpoint, credentials | {"action": "overage"})
                account.record_balance(context.exchange(query))
            if event != "send":
                account.record_reports(context.exchange(build_form(STATUS, credentials | {"action": "query"})))

    check_fresh(["wait", "send", "wait", "send", "top up", "send", "wait", "top up", "send", "wait"])
    events = st.lists(st.sampled_from(["send", "send", "top up", "wait"]), min_size=1, max_size=8)
    context.for_all(check_fresh, events, examples=context.few_examples)


@checks("S-password")
def _only_the_present_password_counts(context: CheckContext) -> None:
    def check_changed(passwords: list[str], endpoint: str, has_used: bool) -> None:
        """Change the password several times; the requests of every other password are refused, also repeated ones."""
        account = ModelAccount(context, {"password": passwords[0], "points": 100})
        userid, timestamp = account.account.userid, account.now.strftime(_TIMESTAMP)
        requests = {}
        for password in dict.fromkeys(passwords):
            credentials = replace(account.account, password=password).build_credentials(timestamp)
            fields = {"action": "send", "mobile": _MOBILES[1], "content": _CONTENT}
            requests[password] = [
                (build_form(endpoint, credentials | {"action": "overage"}), ""),
                (build_form(endpoint, credentials | fields), "ok"),
                (build_form(STATUS, credentials | {"action": "query"}), ""),
                (build_form(CALL, credentials | {"action": "query"}), ""),
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

    for endpoint in SEND_ENDPOINTS:
        check_changed(["mima", "mima2", "mima"], endpoint, has_used=True)
    passwords = st.lists(st.sampled_from(["mima", "Mima", "mima1", "密码123", "123"]), min_size=2, max_size=4)
    context.for_all(check_changed, passwords, SEND_ENDPOINT, st.booleans(), examples=context.few_examples)


@checks("S-refused")
def _a_refused_send_can_be_repeated_when_the_reason_is_gone(context: CheckContext) -> None:
    def check_repeated(points: int, count: int, refusals: int) -> None:
        account = ModelAccount(context, {"points": points})
        mobiles = [str(13000000000 + index) for index in range(points + count)]
        fields = {"action": "send", "mobile": ",".join(mobiles), "content": _CONTENT}
        request = build_form(UTF8, account.account.build_credentials() | fields)
        for _ in range(refusals):
            expect_message(context.exchange(request), INSUFFICIENT_BALANCE)
        account.top_up(count)
        account.record_send(context.exchange(request), mobiles)
        account.expect_balance()

    check_repeated(1, 1, 2)
    context.for_all(
        check_repeated, st.integers(0, 9), st.integers(1, 9), st.integers(1, 4), examples=context.few_examples
    )


@checks("S-keywords")
def _a_text_is_checked_each_time(context: CheckContext) -> None:
    credentials = context.own.build_credentials()

    def check_text(endpoint: str, content: str, message: str) -> None:
        fields = credentials | {"action": "checkkeyword", "content": content}
        expect_message(context.exchange(build_form(endpoint, fields)), message)

    def check_alternating(endpoint: str, length: int, times: int) -> None:
        for index in range(times):
            text = "内" * length
            check_text(endpoint, text + context.forbidden_word, WORD_FOUND)
            check_text(endpoint, text + "容" * len(context.forbidden_word) + str(index), NO_WORD_FOUND)

    check_alternating(UTF8, 40, 1)
    if context.is_sandboxed:
        account = ModelAccount(context)
        for endpoint in SEND_ENDPOINTS:
            for content in (context.forbidden_word, _CONTENT):
                context.checkkeyword(account.account, content, endpoint)
                account.expect_balance(endpoint)
    context.for_all_if_sandboxed(
        check_alternating,
        SEND_ENDPOINT,
        st.sampled_from(_LENGTHS) | st.integers(0, 600),
        st.integers(1, 3),
        examples=context.few_examples,
    )
