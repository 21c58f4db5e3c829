"""Checks of tasks with mixed outcomes, of responses with items of several tasks, and of what both endpoints did."""

from datetime import timedelta
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import EXTNO, SEND_ENDPOINT
from sms10692_contract.expectations import attribute_to
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import GBK, UTF8
from sms10692_contract.vendor_model import OUTCOMES, ModelAccount, measure_report_lag

_MOBILES: Final = st.lists(st.sampled_from([*OUTCOMES, "13000000001", "13000000002"]), min_size=1, max_size=8)
_SEND: Final = st.tuples(_MOBILES, SEND_ENDPOINT, EXTNO, st.sampled_from([0, 0, 1, 20, 29, 30, 3600]))
_DELIVERED, _FAILED, _CODED, _SILENT, _LATE, _REPLYING = (
    "13000000001",
    "10000000020",
    "10000000021",
    "10000000022",
    "10000000023",
    "10000000030",
)


@checks("O-reports", "O-replies", "O-balance")
def _every_message_has_its_own_outcome(context: CheckContext) -> None:
    lag = measure_report_lag(context)

    def check_outcomes(sends: list[tuple[list[str], str, str, int]], limit: str) -> None:
        account = ModelAccount(context, {"points": 1000}, lag)
        for mobiles, endpoint, extno, seconds in sends:
            account.send(mobiles, endpoint=endpoint, extno=extno)
            account.advance(seconds)
            with attribute_to("O-balance"):
                for queried in (UTF8, GBK):
                    account.expect_balance(queried)
        with attribute_to("O-reports"):
            account.fetch_reports(limit)
            account.fetch_reports()
        with attribute_to("O-replies"):
            account.fetch_replies()
        account.advance(30 + lag.until_due)
        with attribute_to("O-reports"):
            account.fetch_reports()
        with attribute_to("O-replies"):
            account.fetch_replies()
        with attribute_to("O-balance"):
            account.expect_balance()

    mixed = [_FAILED, _DELIVERED, _SILENT, _CODED, _DELIVERED, _DELIVERED, _REPLYING, _REPLYING, _LATE, _FAILED]
    check_outcomes([(mixed, UTF8, "", 1), (mixed[::-1], GBK, "01", 0), ([_REPLYING, _DELIVERED], UTF8, "2", 0)], "12")
    context.for_all(check_outcomes, st.lists(_SEND, min_size=1, max_size=4), st.integers(1, 12).map(str))


@checks("O-endpoints")
def _both_endpoints_do_the_same(context: CheckContext) -> None:
    lag = measure_report_lag(context)

    def check_both(first: str, second: str, content: str, seconds: int, extno: str) -> None:
        account = ModelAccount(context, {"points": 1000}, lag)
        account.top_up(seconds)
        for endpoint in (first, second):
            send_time = None if not seconds else account.now.replace(microsecond=0) + timedelta(seconds=seconds)
            account.send([_REPLYING, _LATE, _REPLYING], content, endpoint, extno, send_time)
            for queried in (GBK, UTF8):
                account.expect_balance(queried)
        account.advance(max(seconds - 1, 0))
        account.fetch_everything()
        account.advance(31 + lag.until_due)
        account.fetch_everything()

    check_both(UTF8, GBK, "a字" * 50, 0, "01")
    check_both(GBK, UTF8, "丂镕" * 40, 7, "9876543210")
    texts = st.lists(st.sampled_from(["字", "a", "1 ", "丂", "é", "，", "\r\n", "［", "龥", "镕"]), max_size=160)
    context.for_all(
        check_both,
        SEND_ENDPOINT,
        SEND_ENDPOINT,
        texts.map(lambda pieces: "内" + "".join(pieces)),
        st.sampled_from([0, 1, 60, 86_400]),
        EXTNO,
        examples=context.few_examples,
    )
