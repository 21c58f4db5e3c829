"""Checks of identity: a userid, signature or timestamp that is only similar to the right one is refused (1.2, R2)."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import quote

from hypothesis import strategies as st

from sms10692_contract.checks.operation_trials import REPLYING_NUMBER
from sms10692_contract.checks.registry import Check, checks
from sms10692_contract.checks.request_forms import ANY_FORM, PLAIN_FORMS, RequestForm
from sms10692_contract.expectations import expect, expect_message, expect_sent
from sms10692_contract.expected import WRONG_CREDENTIALS
from sms10692_contract.harness import CheckContext
from sms10692_contract.pace import REPORT_TIMEOUT
from sms10692_contract.requests import CALL, GBK, STATUS, UTF8, compute_signature
from sms10692_contract.safety import INVALID_SIGN
from sms10692_contract.suite_account import SuiteAccount, build_timestamp


class Identities(NamedTuple):
    """Two accounts with the same password, and a timestamp at which both sign. The userid of `other` has letters."""

    own: SuiteAccount
    other: SuiteAccount
    timestamp: str

    def sign(self, account: str | None = None, password: str | None = None, timestamp: str | None = None) -> str:
        """Return a signature, by default the correct one of the own account."""
        own = self.own
        return compute_signature(
            own.account if account is None else account,
            own.password if password is None else password,
            self.timestamp if timestamp is None else timestamp,
        )

    def build_other(self, userid: str) -> dict[str, str]:
        """Return this userid, with the signature of the other account."""
        return {"userid": userid, "sign": self.sign(account=self.other.account)}


NearMiss: TypeAlias = Callable[[Identities], dict[str, str]]
"""Returns the credentials that differ from the correct ones."""


def _change_digit(digits: str, index: int) -> str:
    """Replace a hexadecimal digit by the next one."""
    digit = "0123456789abcdef"[(int(digits[index], 16) + 1) % 16]
    return digits[:index] + digit + digits[index + 1 :]


def _changing_digit(index: int) -> NearMiss:
    return lambda ids: {"sign": _change_digit(ids.sign(), index)}


def _changing_wide(change: Callable[[str], str], part: str) -> NearMiss:
    """Sign over an account name or a password, or both, whose characters that are not ASCII are changed."""

    def build_signature(ids: Identities) -> dict[str, str]:
        name, password = ids.own.account, ids.own.password
        return {
            "sign": ids.sign(
                *(change(text) if kind in part else text for kind, text in (("name", name), ("password", password)))
            )
        }

    return build_signature


WIDE_CHANGES: Final[Mapping[str, Callable[[str], str]]] = {
    "without the characters that are not ASCII of its": lambda text: text.encode("ascii", "ignore").decode(),
    "with ? for the characters that are not ASCII of its": lambda text: text.encode("ascii", "replace").decode(),
    "over the single bytes of its": lambda text: text.encode().decode("latin-1"),
    "over the percent escapes of its": quote,
}
"""What encoders do to characters that are not ASCII."""


def _shift(timestamp: str, **units: int) -> str:
    return f"{datetime.strptime(timestamp, '%Y%m%d%H%M%S') + timedelta(**units):%Y%m%d%H%M%S}"


def _widen(digits: str) -> str:
    return "".join(chr(ord(digit) + 0xFEE0) for digit in digits)


USERIDS: Final[Mapping[str, NearMiss]] = {
    "with a leading zero": lambda ids: {"userid": f"0{ids.own.userid}"},
    "with leading zeros": lambda ids: {"userid": f"000{ids.own.userid}"},
    "with a space before it": lambda ids: {"userid": f" {ids.own.userid}"},
    "with a space behind it": lambda ids: {"userid": f"{ids.own.userid} "},
    "with a line end behind it": lambda ids: {"userid": f"{ids.own.userid}\r\n"},
    "with a plus sign": lambda ids: {"userid": f"+{ids.own.userid}"},
    "with decimals": lambda ids: {"userid": f"{ids.own.userid}.0"},
    "in full-width digits": lambda ids: {"userid": _widen(ids.own.userid)},
    "without its last digit": lambda ids: {"userid": ids.own.userid[:-1]},
    "without its first digit": lambda ids: {"userid": ids.own.userid[1:]},
    "with a digit more": lambda ids: {"userid": f"{ids.own.userid}0"},
    "with letters behind it": lambda ids: {"userid": f"{ids.own.userid}abc"},
    "with a quote behind it": lambda ids: {"userid": f"{ids.own.userid}'"},
    "with a wildcard": lambda ids: {"userid": f"{ids.own.userid[:-1]}%"},
    "twice": lambda ids: {"userid": f"{ids.own.userid},{ids.own.userid}"},
    "of another account with the same password": lambda ids: {"userid": ids.other.userid},
    "replaced by the account name": lambda ids: {"userid": ids.own.account},
    "with its letters in lower case": lambda ids: ids.build_other(ids.other.userid.lower()),
    "with its letters in upper case": lambda ids: ids.build_other(ids.other.userid.upper()),
    "with its letters in the other case": lambda ids: ids.build_other(ids.other.userid.swapcase()),
}
"""Userids that are not the account's."""

SIGNATURES: Final[Mapping[str, NearMiss]] = {
    "with a space before it": lambda ids: {"sign": f" {ids.sign()}"},
    "with a space behind it": lambda ids: {"sign": f"{ids.sign()} "},
    "with a line end behind it": lambda ids: {"sign": f"{ids.sign()}\r\n"},
    "in upper case": lambda ids: {"sign": ids.sign().upper()},
    "with one letter in upper case": lambda ids: {"sign": _raise_one_letter(ids.sign())},
    **{f"with digit {index + 1} changed": _changing_digit(index) for index in (0, 7, 8, 15, 16, 23, 24, 31)},
    "without its last digit": lambda ids: {"sign": ids.sign()[:31]},
    "without its first digit": lambda ids: {"sign": ids.sign()[1:]},
    "of its first 16 digits": lambda ids: {"sign": ids.sign()[:16]},
    "of its middle 16 digits": lambda ids: {"sign": ids.sign()[8:24]},
    "with a digit more": lambda ids: {"sign": f"{ids.sign()}0"},
    "twice": lambda ids: {"sign": f"{ids.sign()},{ids.sign()}"},
    "followed by a wrong one": lambda ids: {"sign": f"{ids.sign()},{INVALID_SIGN}"},
    "in full-width digits": lambda ids: {"sign": _widen(ids.sign())},
    "of another account with the same password": lambda ids: {"sign": ids.sign(account=ids.other.account)},
    "over password + account": lambda ids: {"sign": ids.sign(ids.own.password, ids.own.account)},
    "over userid + password": lambda ids: {"sign": ids.sign(account=ids.own.userid)},
    "without the account name": lambda ids: {"sign": ids.sign(account="")},
    "without the password": lambda ids: {"sign": ids.sign(password="")},
    "without the timestamp": lambda ids: {"sign": ids.sign(timestamp="")},
    "over the timestamp alone": lambda ids: {"sign": ids.sign("", "")},
    "over the account name in another case": lambda ids: {"sign": ids.sign(account=ids.own.account.swapcase())},
    "over the password in another case": lambda ids: {"sign": ids.sign(password=ids.own.password.swapcase())},
    **{
        f"{description} {part}": _changing_wide(change, part)
        for description, change in WIDE_CHANGES.items()
        for part in ("name", "password", "name and password")
    },
    "over a signature": lambda ids: {"sign": compute_signature(ids.sign(), "", "")},
    "that is the password": lambda ids: {"sign": ids.own.password},
}
"""Signatures that are not correct."""

TIMESTAMPS: Final[Mapping[str, NearMiss]] = {
    "a second later": lambda ids: {"timestamp": _shift(ids.timestamp, seconds=1)},
    "a second earlier": lambda ids: {"timestamp": _shift(ids.timestamp, seconds=-1)},
    "a minute later": lambda ids: {"timestamp": _shift(ids.timestamp, minutes=1)},
    "a day earlier": lambda ids: {"timestamp": _shift(ids.timestamp, days=-1)},
    "with a space behind it": lambda ids: {"timestamp": f"{ids.timestamp} "},
    "with a space before it": lambda ids: {"timestamp": f" {ids.timestamp}"},
    "with a digit more": lambda ids: {"timestamp": f"{ids.timestamp}0"},
    "without its last digit": lambda ids: {"timestamp": ids.timestamp[:-1]},
    "without the century": lambda ids: {"timestamp": ids.timestamp[2:]},
    "in full-width digits": lambda ids: {"timestamp": _widen(ids.timestamp)},
    "twice": lambda ids: {"timestamp": f"{ids.timestamp},{ids.timestamp}"},
}
"""Timestamps over which the signature was not made."""

LIKELY: Final = frozenset(
    {
        *("with a leading zero", "with a space behind it", "with a digit more", "without its last digit"),
        *("of another account with the same password", "in upper case", "over password + account", "a second later"),
        *("with its letters in lower case", "with its letters in upper case"),
        *("without the account name", "with digit 32 changed"),
    }
)
"""Near misses that are tried with every operation. The others are tried with some of them, unless there is time."""

REQUESTS: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    (UTF8, {"action": "overage"}),
    (GBK, {"action": "overage"}),
    (UTF8, {"action": "checkkeyword", "content": "内容"}),
    (GBK, {"action": "checkkeyword", "content": "内容"}),
    (UTF8, {"action": "send", "mobile": "13000000001", "content": "内容"}),
    (GBK, {"action": "send", "mobile": "13000000001", "content": "内容"}),
    (STATUS, {"action": "query"}),
    (CALL, {"action": "query"}),
    (STATUS, {"action": "query", "statusNum": "1"}),
    (UTF8, {"action": "unknown"}),
    (GBK, {"action": "unknown"}),
    (UTF8, {"action": "overage", "rt": "json"}),
)
"""A request of each operation on each endpoint."""


def _raise_one_letter(digits: str) -> str:
    index = next((index for index, digit in enumerate(digits) if digit.isalpha()), 0)
    return digits[:index] + digits[index].upper() + digits[index + 1 :]


def _make_check(near_misses: Mapping[str, NearMiss], typical: str) -> Check:
    def check(context: CheckContext) -> None:
        own = context.create_account(account="Shop内Test", password=f"{secrets.token_hex(4)}密Mima", points=100)
        # The userid is random and not derived from the seed, because accounts of an earlier run may still exist.
        userid = f"Shop{secrets.token_hex(4)}x"
        other = context.create_account(userid=userid, account="Other", password=own.password)
        expect_sent(context.send(own, REPLYING_NUMBER), 1)
        context.clock.advance(own.userid, REPORT_TIMEOUT)
        # A correct request first, so that a vendor that remembers signatures has one. The others use its time.
        timestamp = build_timestamp(0)
        expect_message(context.overage(own, **own.build_credentials(timestamp)), "")

        def check_refused(request: tuple[str, dict[str, str]], name: str, form: RequestForm, seconds: int) -> None:
            ids = Identities(own, other, _shift(timestamp, seconds=-seconds))
            correct, changed = own.build_credentials(ids.timestamp), near_misses[name](ids)
            if changed.items() <= correct.items():
                return  # a signature without letters is the same in upper case
            # The temporary account signs, so that no other account could be meant.
            context.guard.userids.add(changed.get("userid", own.userid))
            endpoint, fields = request
            response = context.exchange(form.build(endpoint, list((correct | changed | fields).items())))
            if fields.get("rt"):
                expect(WRONG_CREDENTIALS in response.text, response, WRONG_CREDENTIALS)
            else:
                expect_message(response, WRONG_CREDENTIALS)

        count = min(len(REQUESTS), max(context.effort.examples // 8, 3))
        step = len(REQUESTS) // count
        for index, name in enumerate(near_misses):
            start = (index + context.seed) % step
            for request in REQUESTS if name in LIKELY else REQUESTS[start::step]:
                check_refused(request, name, RequestForm(), 0)
        for index, form in enumerate(PLAIN_FORMS):
            for request in REQUESTS[index % step :: step][:2]:
                check_refused(request, typical, form, 1)
        names, seconds = st.sampled_from(list(near_misses)), st.integers(0, 30)
        requests = st.sampled_from(REQUESTS)
        context.for_all(check_refused, requests, names, ANY_FORM, seconds, examples=context.few_examples)
        _expect_no_effect(context, own)

    return check


def _expect_no_effect(context: CheckContext, own: SuiteAccount) -> None:
    """Expect the balance, the report and the reply that were there before the refused requests."""
    response = context.overage(own)
    expect(response.get_number("overage") == 99, response, "a balance of 99: all further sends were refused")
    for response, tag in ((context.status(own), "statusbox"), (context.call(own), "callbox")):
        count = len(response.get_items(tag))
        expect(count == 1, response, f"one {tag}: refused requests fetch nothing", f"{count}")


checks("R2-similar-userid")(_make_check(USERIDS, "of another account with the same password"))
checks("R2-similar-signature")(_make_check(SIGNATURES, "with digit 32 changed"))
checks("R3-similar-timestamp")(_make_check(TIMESTAMPS, "a second later"))


@checks("R2-shared")
def _accounts_that_share_a_password_or_a_name_are_different(context: CheckContext) -> None:
    """Check that each of several similar accounts signs for itself only, on every endpoint."""
    first = context.create_account(account="test", points=11)
    accounts = [
        first,
        context.create_account(account="test", points=22),
        context.create_account(account="Test", password=first.password, points=33),
        context.create_account(account="tes", password=f"t{first.password}", points=44),
    ]
    for index, account in enumerate(accounts):
        response = context.overage(account)
        points = (index + 1) * 11
        expect(response.get_number("overage") == points, response, f"the balance {points}")
    pairs = [(account, stranger) for account in accounts for stranger in accounts]
    for index, (account, stranger) in enumerate(pairs):
        # Account + password may be the same text for two accounts: then they share signatures.
        if stranger.account + stranger.password != account.account + account.password:
            forged = replace(stranger, userid=account.userid)
            for endpoint, fields in (REQUESTS[index % 8], REQUESTS[(index + 3) % 8]):
                expect_message(context.post(forged, endpoint, **fields), WRONG_CREDENTIALS)
