"""Keys about timestamps and about changes of a password."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Final

from sms10692_contract.checks.brands.brand_account import DAY, BrandAccount, each_profile, expect_body
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import SEND_ENDPOINTS
from sms10692_contract.expectations import expect
from sms10692_contract.harness import CheckContext
from sms10692_contract.learnable_keys import (
    CHANGES_PASSWORD,
    MESSAGE,
    LearnableKey,
    ObservedValue,
    find_last,
    get_refusal,
    learn_text,
    show_edge,
)
from sms10692_contract.probes import (
    ProbeSession,
    is_accepted,
)
from sms10692_contract.profiles import PASSWORD_CHANGED
from sms10692_contract.requests import OLDER_UTF8, UTF8, build_form


@checks("D-max-clock-skew")
def _a_timestamp_differs_at_most_as_in_the_profile(context: CheckContext) -> None:
    for brand in each_profile(context, "max_clock_skew"):
        most = brand.profile["max_clock_skew"]
        account, age = brand.account, DAY if most is None else most + 60
        for seconds, is_right in ((0, True), (age, most is None), (-age, most is None)):
            brand.advance(brand.pause)  # before the timestamp, which is of the time after it
            _expect_timestamp(brand, brand.build_timestamp(round(seconds)), "timestamp-skew", is_right)
        brand.advance(brand.pause)
        _expect_timestamp(brand, "1341155532", "timestamp-format", most is None)
        if context.guard.older:
            brand.advance(brand.pause)
            fields = account.build_password_credentials() | {"action": "overage"}
            response = context.exchange(build_form(OLDER_UTF8, fields))
            expect(response.get_element("returnstatus") == "Sucess", response, "the balance: there is no timestamp")


def _expect_timestamp(brand: BrandAccount, timestamp: str, cause: str, is_right: bool) -> None:
    fields = brand.account.build_credentials(timestamp) | {"action": "overage"}
    response = brand.context.exchange(build_form(UTF8, fields))
    if is_right:
        status = response.get_element("returnstatus")
        expect(status == "Sucess", response, f"{brand.profile.name}: the timestamp {timestamp} accepted", status)
    else:
        brand.expect_refused(response, cause, "overage")


@checks("D-signed-changespwd")
def _the_signed_endpoints_have_changespwd_as_in_the_profile(context: CheckContext) -> None:
    for brand in each_profile(context, "signed_changespwd"):
        own = brand.account
        for endpoint, password in zip(SEND_ENDPOINTS, ("xin-mima", "xin-mimb"), strict=True):
            fields = {"action": "changespwd", "newpwd": password, "renewpwd": password}
            response = brand.post(endpoint, **fields)
            if brand.profile["signed_changespwd"]:
                changed = brand.profile.render(PASSWORD_CHANGED, endpoint, status="Success", message="ok")
                expect_body(response, changed, f"{brand.profile.name}: the password changed")
                brand.account = replace(own, password=password)
            else:
                brand.expect_refused(response, "action", "changespwd")
            balance = brand.post(endpoint, action="overage")
            expect(balance.get_element("returnstatus") == "Sucess", balance, "the balance, with the present password")


OLD: Final = 30 * 86_400
"""Age in seconds of a timestamp that no vendor with a limit accepts."""

CLOCK_SKEWS: Final = (60, 300, 600, 900, 1800, 3600, 86_400)
"""Values of `max_clock_skew` that are told apart: the nearest one above what is accepted."""


def _read_max_clock_skew(session: ProbeSession) -> Iterator[ObservedValue]:
    oldest = session.play("timestamp", OLD)
    if is_accepted(oldest):
        yield None, (oldest,)
        return
    edges = [(low + high) // 2 for low, high in pairwise(CLOCK_SKEWS)]
    index = find_last(
        lambda count: session.accepts("timestamp", edges[count - 2]), len(CLOCK_SKEWS), len(CLOCK_SKEWS) // 2 + 1
    )
    shown = [edges[at] for at in (index - 2, index - 1) if 0 <= at < len(edges)]
    yield float(CLOCK_SKEWS[index - 1]), (oldest, *show_edge(session, "timestamp", *shown))


def _read_skew_text(session: ProbeSession) -> Iterator[ObservedValue]:
    response = session.play("timestamp", OLD)
    yield get_refusal(session, response), (response,)


LEARNABLE: Final[tuple[LearnableKey, ...]] = (
    LearnableKey(
        "max_clock_skew",
        ("timestamp",),
        f"whether 30 days are accepted; if not, the nearest of {', '.join(map(str, CLOCK_SKEWS))}",
        f"是否接受 30 天前的；不接受时取最接近的 {'、'.join(map(str, CLOCK_SKEWS))}",
        _read_max_clock_skew,
    ),
    learn_text("timestamp-skew", "timestamp", *MESSAGE, _read_skew_text),
)

NOT_LEARNABLE: Final[Mapping[str, tuple[str, str]]] = {
    "signed_changespwd": CHANGES_PASSWORD,
    "texts.timestamp-format": ("a vendor may count it as a wrong signature", "厂商可能把它算作签名错误"),
    "texts.new-password-empty": CHANGES_PASSWORD,
    "texts.new-password-unusable": CHANGES_PASSWORD,
    "texts.new-passwords-differ": CHANGES_PASSWORD,
}
