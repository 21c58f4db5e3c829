"""Temporary accounts of profiles, with which the checks of keys send their requests."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sms10692_contract.expectations import build_mismatch, format_response
from sms10692_contract.expected import ParsedResponse
from sms10692_contract.harness import CheckContext, NotExercised
from sms10692_contract.profiles import BrandProfile
from sms10692_contract.requests import UTF8, build_form
from sms10692_contract.safety import INVALID_SIGN
from sms10692_contract.suite_account import SuiteAccount, build_timestamp, format_timestamp

REPLYING_NUMBER: Final = "10000000030"

FAILING_NUMBER: Final = "10000000020"

DELIVERED_NUMBER: Final = "15023239810"

DAY: Final = 86_400


@dataclass
class BrandAccount:
    """A temporary account of a profile. Its requests are signed at the time on its clock."""

    context: CheckContext
    profile: BrandProfile
    account: SuiteAccount

    def post(self, endpoint: str, /, **fields: str) -> ParsedResponse:
        """Send a form with the account's credentials, when a profile with limits allows it; `fields` replace them."""
        self.advance(self.pause)
        response = self.post_now(endpoint, **fields)
        if fields.get("sign") == INVALID_SIGN and self.profile["lock_out_after"] is not None:
            self.advance(self.profile["lock_out_seconds"] + 1)
        return response

    def post_now(self, endpoint: str, /, **fields: str) -> ParsedResponse:
        """Send a form at once: the profile may limit requests."""
        credentials = self.account.authenticate(endpoint)
        if "timestamp" in credentials:
            credentials = self.account.build_credentials(self.build_timestamp())
        return self.context.exchange(build_form(endpoint, credentials | fields))

    @property
    def pause(self) -> float:
        """Seconds after which no request before counts."""
        return find_pause(self.profile)

    def send(self, mobile: str = DELIVERED_NUMBER, endpoint: str = UTF8, **fields: str) -> ParsedResponse:
        """Send a text that the profile accepts."""
        content = self.profile.sign_text("内容")
        return self.post(endpoint, **{"action": "send", "mobile": mobile, "content": content} | fields)

    def fetch(self, endpoint: str) -> ParsedResponse:
        return self.post(endpoint, action="query")

    def advance(self, seconds: float) -> None:
        if not seconds:
            return
        self.context.clock.advance(self.account.userid, seconds)

    def build_timestamp(self, seconds: int = 0) -> str:
        """Return the timestamp of `seconds` ago on the clock of the account, which others may have moved."""
        if not seconds and self.profile["max_clock_skew"] is None:
            return build_timestamp(0)  # any time is accepted, so that the clock need not be read
        return format_timestamp(self.now - timedelta(seconds=seconds))

    @property
    def now(self) -> datetime:
        return self.context.read_clock(self.account)

    def expect_refused(self, response: ParsedResponse, cause: str, action: str = "send", word: str = "") -> None:
        """Expect the refusal of a send, or of another action, for this cause."""
        expected = self.profile.render_refusal(response.request.endpoint, action, cause, word)
        expect_body(response, expected, f"{self.profile.name}: the refusal for {cause}")


def find_pause(profile: BrandProfile) -> float:
    windows = {"requests_per_minute": 61, "requests_per_second": 2}
    return next((seconds for key, seconds in windows.items() if profile[key] is not None), 0)


def expect_body(response: ParsedResponse, expected: bytes, description: str) -> None:
    if response.raw.body != expected:
        shown = expected.decode("utf-8", "backslashreplace")
        raise build_mismatch(response, f"{description}: {shown!r}", repr(format_response(response.raw)))


def each_reached(
    context: CheckContext, key: str, find_obstacle: Callable[[BrandProfile], str]
) -> Iterator[BrandAccount]:
    """Yield an account of each profile that differs in a limit, except those whose limit a run does not reach.

    `find_obstacle` returns why, or nothing. The verdict counts the profiles that were left out as cases. Raises
    NotExercised at the end if no profile has a limit that was reached, but some have others.
    """
    obstacles, reached = [], 0
    for brand in each_profile(context, key):
        limit = brand.profile[key]
        obstacle = find_obstacle(brand.profile)
        if obstacle and limit is not None:
            obstacles.append(f"{key} = {limit} of {brand.profile.name}: {obstacle}")
        elif not obstacle:
            yield brand
            reached += limit is not None
        context.count_case(is_judged=not obstacle)
    if obstacles and not reached:
        raise NotExercised("; ".join(obstacles))


def each_profile(context: CheckContext, *keys: str, **options: object) -> Iterator[BrandAccount]:
    """Yield an account of the emulator's profile, and of each other that differs from it in one of these keys.

    Raises NotExercised if the control API tells no profile.
    """
    if not context.profiles:
        raise NotExercised("the control API tells no profile")
    own = context.profiles[0]
    for profile in context.profiles:
        if profile is own or any(profile[key] != own[key] for key in keys):
            yield BrandAccount(context, profile, context.create_account(profile=profile.option, **options))


def move_to_short_date(brand: BrandAccount) -> None:
    """Move the clock to a time whose month, day and hour have one digit."""
    now = brand.now
    brand.advance((datetime(now.year + 1, 2, 3, 4, 5, 6, tzinfo=now.tzinfo) - now).total_seconds())
