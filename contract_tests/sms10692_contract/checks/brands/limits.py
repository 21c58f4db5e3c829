"""Keys that limit requests, wrong credentials and verification codes."""

import math
from collections.abc import Mapping
from typing import Final

from sms10692_contract.checks.brands.brand_account import (
    DELIVERED_NUMBER,
    REPLYING_NUMBER,
    BrandAccount,
    each_reached,
    find_pause,
)
from sms10692_contract.checks.registry import checks
from sms10692_contract.expectations import expect, expect_sent
from sms10692_contract.expected import ParsedResponse
from sms10692_contract.harness import CheckContext
from sms10692_contract.learnable_keys import LOCKS_ACCOUNT, TOO_MANY, LearnableKey
from sms10692_contract.profiles import (
    BrandProfile,
)
from sms10692_contract.requests import UTF8
from sms10692_contract.safety import INVALID_SIGN

_MOST_REQUESTS: Final = 60
"""Requests in a row that a quick run sends, to find a limit or that there is none."""


def _describe_excess(limit: int | None, most: int) -> str:
    """Return why a run does not reach a limit; empty if it does, or there is none."""
    return f"a run reaches {most}" if limit is not None and limit > most else ""


def _check_rate(context: CheckContext, key: str, seconds: int) -> None:
    """Send as many requests as the profile allows in so many seconds, one more, and one afterwards."""
    for brand in each_reached(context, key, lambda profile: _describe_excess(profile[key], 10 * _MOST_REQUESTS)):
        most = brand.profile[key]
        shorter = brand.profile["requests_per_second"] if key == "requests_per_minute" else None
        count = _MOST_REQUESTS if context.effort.is_thorough else 20
        context.clock.freeze(brand.account.userid)
        brand.advance(120)
        for index in range(count if most is None else most):
            if shorter and index and index % shorter == 0:
                brand.advance(1)
            response = brand.post_now(UTF8, action="overage")
            status = response.get_element("returnstatus")
            allowed = f"{brand.profile.name}: request {index + 1} of {most or 'any number'} accepted"
            if most is None and any(brand.profile[name] is not None for name in _RATES):
                break  # another limit of the profile refuses the next ones
            expect(status == "Sucess", response, allowed, status)
        else:
            if most is not None:
                brand.expect_refused(brand.post_now(UTF8, action="overage"), "too-many-requests", "overage")
                brand.advance(seconds + 1)
                response = brand.post_now(UTF8, action="overage")
                expect(response.get_element("returnstatus") == "Sucess", response, f"accepted after {seconds} s")


_RATES: Final = ("requests_per_second", "requests_per_minute")


@checks("D-requests-per-second")
def _requests_of_a_second_are_limited_as_in_the_profile(context: CheckContext) -> None:
    _check_rate(context, "requests_per_second", 1)


@checks("D-requests-per-minute")
def _requests_of_a_minute_are_limited_as_in_the_profile(context: CheckContext) -> None:
    _check_rate(context, "requests_per_minute", 60)


def _try_wrong_credentials(brand: BrandAccount, count: int) -> None:
    for _ in range(count):
        brand.advance(brand.pause)
        brand.expect_refused(brand.post_now(UTF8, action="overage", sign=INVALID_SIGN), "credentials-wrong", "overage")
    brand.advance(brand.pause)


def _expect_balance(brand: BrandAccount, description: str) -> None:
    response = brand.post_now(UTF8, action="overage")
    expect(response.get_element("returnstatus") == "Sucess", response, f"{brand.profile.name}: {description}")


def _find_obstacle_to_lock(profile: BrandProfile) -> str:
    most, pause = profile["lock_out_after"], find_pause(profile)
    if most is not None and pause * most >= profile["lock_out_seconds"]:
        return "a lock ends while requests are limited"
    return _describe_excess(most, _MOST_REQUESTS)


@checks("D-lock-out-after")
def _wrong_credentials_lock_an_account_as_in_the_profile(context: CheckContext) -> None:
    for brand in each_reached(context, "lock_out_after", _find_obstacle_to_lock):
        most = brand.profile["lock_out_after"]
        context.clock.freeze(brand.account.userid)
        _try_wrong_credentials(brand, 8 if most is None else most - 1)
        _expect_balance(brand, "accepted: the account is not locked")
        if most is not None:
            _try_wrong_credentials(brand, most)
            brand.expect_refused(brand.post_now(UTF8, action="overage"), "locked-out", "overage")


@checks("D-lock-out-seconds")
def _a_lock_lasts_as_long_as_in_the_profile(context: CheckContext) -> None:
    for brand in each_reached(context, "lock_out_seconds", _find_obstacle_to_lock):
        most, seconds = brand.profile["lock_out_after"], brand.profile["lock_out_seconds"]
        context.clock.freeze(brand.account.userid)
        if most is None:
            _try_wrong_credentials(brand, 1)
            _expect_balance(brand, "accepted: the account is not locked")
            continue
        _try_wrong_credentials(brand, most)
        brand.advance(seconds - brand.pause - 2)
        brand.expect_refused(brand.post_now(UTF8, action="overage"), "locked-out", "overage")
        brand.advance(3 + brand.pause)
        _expect_balance(brand, f"accepted {seconds} s after the lock")


def _check_codes(context: CheckContext, key: str, seconds: int, step: int) -> None:
    """Send as many codes to a number as the profile allows in so many seconds, `step` seconds apart, and one more."""
    both = ("verification_codes_per_3_minutes", "verification_codes_per_day")

    def find_obstacle(profile: BrandProfile) -> str:
        limit, others = profile[key], [profile[name] for name in both if profile[name] is not None]
        if limit is not None and step == 1 and min(others) < limit:
            return "the limit of a day is lower"
        if (limit or 5) + 5 > (profile["requests_per_minute"] or math.inf):
            return "requests are limited to fewer"
        return _describe_excess(profile[key], _MOST_REQUESTS)

    for brand in each_reached(context, key, find_obstacle):
        most = brand.profile[key]
        limits = [brand.profile[name] for name in both]
        allowed = min(5 if limit is None else limit for limit in limits) if step == 1 else most or 5
        context.clock.freeze(brand.account.userid)
        for _ in range(allowed):
            expect_sent(_send_code(brand, DELIVERED_NUMBER, "验证码1234", step), 1)
        if most != allowed:
            continue
        brand.expect_refused(_send_code(brand, DELIVERED_NUMBER, "验证码1234", step), "too-many-verification-codes")
        expect_sent(_send_code(brand, REPLYING_NUMBER, "验证码1234", step), 1)
        expect_sent(_send_code(brand, DELIVERED_NUMBER, "内容", step), 1)
        brand.advance(seconds)
        expect_sent(_send_code(brand, DELIVERED_NUMBER, "验证码1234", step), 1)


def _send_code(brand: BrandAccount, mobile: str, text: str, step: int) -> ParsedResponse:
    """Send a text `step` seconds after the one before."""
    brand.advance(step)
    return brand.post_now(UTF8, action="send", mobile=mobile, content=brand.profile.sign_text(text))


@checks("D-verification-codes-per-3-minutes")
def _codes_of_three_minutes_are_limited_as_in_the_profile(context: CheckContext) -> None:
    _check_codes(context, "verification_codes_per_3_minutes", 180, 1)


@checks("D-verification-codes-per-day")
def _codes_of_a_day_are_limited_as_in_the_profile(context: CheckContext) -> None:
    _check_codes(context, "verification_codes_per_day", 86_400, 181)


LEARNABLE: Final[tuple[LearnableKey, ...]] = ()

NOT_LEARNABLE: Final[Mapping[str, tuple[str, str]]] = {
    "requests_per_second": TOO_MANY,
    "requests_per_minute": TOO_MANY,
    "lock_out_after": LOCKS_ACCOUNT,
    "lock_out_seconds": LOCKS_ACCOUNT,
    "verification_codes_per_3_minutes": TOO_MANY,
    "verification_codes_per_day": TOO_MANY,
    "texts.locked-out": LOCKS_ACCOUNT,
    "texts.too-many-requests": TOO_MANY,
    "texts.too-many-verification-codes": TOO_MANY,
}
