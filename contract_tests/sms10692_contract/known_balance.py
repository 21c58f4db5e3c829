"""The balance of the user's account as its responses tell it, to know which sends it cannot pay."""

from decimal import Decimal
from typing import Final

from sms10692_contract.expected import ACCEPTED_STATUSES, NUMBER_PATTERN, ParsedResponse
from sms10692_contract.profiles import read_fields
from sms10692_contract.requests import WireRequest

_PREPAID: Final = "预付费"


class KnownBalance:
    """Whether the account is prepaid and its balance, both as the last responses said. `points` is None if none did."""

    def __init__(self) -> None:
        self.is_prepaid = False
        self.points: Decimal | None = None

    def record(self, response: ParsedResponse) -> None:
        """Read the balance from a response, if it tells it: an accepted send or a successful overage."""
        status, payinfo = response.get_element("returnstatus"), response.get_element("payinfo")
        name = "overage" if payinfo else "remainpoint"
        if status not in ACCEPTED_STATUSES or not NUMBER_PATTERN.fullmatch(text := response.get_element(name)):
            return
        if payinfo:
            self.is_prepaid = payinfo == _PREPAID
        self.points = Decimal(text)

    def cannot_pay(self, request: WireRequest) -> bool:
        """Return whether a send has more numbers than the account has points."""
        numbers = [number for number in read_fields(request).get("mobile", "").split(",") if number.strip()]
        return self.is_prepaid and self.points is not None and self.points < len(numbers)
