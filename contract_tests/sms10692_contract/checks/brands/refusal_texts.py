"""The key `texts`: the message for each cause of a refusal."""

from collections.abc import Iterator, Mapping
from typing import Final

from sms10692_contract.checks.brands.brand_account import each_profile
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import SEND_ENDPOINTS, build_mobiles
from sms10692_contract.harness import CheckContext
from sms10692_contract.learnable_keys import MESSAGE, OTHER_STATE, LearnableKey, ObservedValue, get_refusal, learn_text
from sms10692_contract.probes import (
    ProbeSession,
)
from sms10692_contract.requests import CALL, GBK, STATUS, UTF8, build_form
from sms10692_contract.safety import INVALID_SIGN


@checks("D-texts")
def _each_cause_has_the_message_of_the_profile(context: CheckContext) -> None:
    word = context.forbidden_word
    for brand in each_profile(context, "texts", points=2):
        sign, most = brand.profile.sign_text, brand.profile["extno_max_digits"]
        causes: Mapping[str, dict[str, str]] = {
            "credentials-empty": {"sign": ""},
            "sql-injection": {"content": "' or 1=1"},
            "credentials-wrong": {"sign": INVALID_SIGN},
            "mobile-empty": {"mobile": ","},
            "content-empty": {"content": " "},
            "forbidden-word": {"content": sign(f"代开{word}")},
            "extno-too-long": {"extno": "1" * (most + 1)},
            "extno-not-digits": {"extno": "x"},
            "send-time-format": {"sendTime": "tomorrow"},
            "action": {"action": "Send"},
            "balance": {"mobile": ",".join(build_mobiles(3))},
        }
        for cause, fields in causes.items():
            if cause == "balance" and (brand.profile["max_numbers"] or 3) < 3:
                continue
            for endpoint in SEND_ENDPOINTS:
                brand.expect_refused(brand.send(endpoint=endpoint, **fields), cause, word=word)
        for endpoint in (STATUS, CALL):
            query = {"action": "query"}
            for cause, fields in (
                ("credentials-empty", {"sign": ""}),
                ("credentials-wrong", {"sign": INVALID_SIGN}),
                ("action", {"action": "x"}),
            ):
                brand.expect_refused(brand.post(endpoint, **query | fields), cause, "query")
        for cause, value in (("status-num", "x"), ("status-num-zero", "0")):
            brand.expect_refused(brand.post(STATUS, action="query", statusNum=value), cause, "query")
    for brand in each_profile(context, "texts", can_read_queues=False):
        for endpoint, cause in ((STATUS, "queues-not-allowed"), (CALL, "replies-not-allowed")):
            brand.expect_refused(brand.fetch(endpoint), cause, "query")


@checks("D-nobody")
def _requests_of_nobody_are_answered_in_the_profile_of_the_emulator(context: CheckContext) -> None:
    for brand in each_profile(context):
        for action, endpoint in (("overage", UTF8), ("checkkeyword", GBK), ("query", STATUS), ("query", CALL)):
            fields = brand.account.build_credentials() | {"action": action, "content": "内容", "userid": ""}
            response = context.exchange(build_form(endpoint, fields), is_raw=True)
            brand.expect_refused(response, "credentials-empty", action)


def _read_word_text(session: ProbeSession) -> Iterator[ObservedValue]:
    response = session.play("send-word")
    message, word = get_refusal(session, response), session.context.forbidden_word
    yield message.replace(word, "{word}") if message.count(word) == 1 else message, (response,)


LEARNABLE: Final[tuple[LearnableKey, ...]] = (
    learn_text("credentials-empty", "overage-empty", *MESSAGE),
    learn_text("credentials-wrong", "overage-wrong", *MESSAGE),
    learn_text("mobile-empty", "send-mobile-empty", *MESSAGE),
    learn_text("content-empty", "send-content-empty", *MESSAGE),
    learn_text("sql-injection", "send-sql", *MESSAGE),
    learn_text("forbidden-word", "send-word", *MESSAGE, _read_word_text),
    learn_text("action", "send-action", *MESSAGE),
    learn_text("extno-not-digits", "send-extno-letters", *MESSAGE),
    learn_text("send-time-format", "send-time-text", *MESSAGE),
    learn_text("status-num", "status-num", *MESSAGE),
    learn_text("status-num-zero", "status-num-zero", *MESSAGE),
)

NOT_LEARNABLE: Final[Mapping[str, tuple[str, str]]] = {
    "texts.balance": OTHER_STATE,
    "texts.queues-not-allowed": OTHER_STATE,
    "texts.replies-not-allowed": OTHER_STATE,
}
