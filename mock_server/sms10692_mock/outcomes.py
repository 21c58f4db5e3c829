"""What becomes of a message once the vendor has taken it: delivered, failed, silent, late, answered (R5, R13).

Here belongs the fate of a number, as data. When it is told, and to whom, is the affair of `vendor` and the store.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from sms10692 import contract


class Outcome(NamedTuple):
    """The fate of one message.

    `status` and `errorcode` go into its report, `delay` seconds late (R13); a `silent` one is never reported;
    `reply` is what the handset answers; `refusal` is a message of 1.3 that refuses the whole send instead.
    """

    status: int = contract.DELIVERED
    errorcode: str = "DELIVRD"
    delay: float = 0.0
    silent: bool = False
    reply: str | None = None
    refusal: str | None = None


_DELIVERED: Final = Outcome()
_UNDELIVERABLE: Final = Outcome(contract.FAILED, "UNDELIV")

RESERVED: Final[Mapping[str, Outcome]] = {
    **{
        f"1000000000{place}": Outcome(refusal=message)
        for place, message in enumerate(contract.SEND.messages[1:], start=1)
    },
    "10000000020": _UNDELIVERABLE,
    "10000000021": Outcome(contract.FAILED, "MK:0011"),
    "10000000022": Outcome(silent=True),
    "10000000023": Outcome(delay=30.0),
    "10000000030": Outcome(reply="T"),
    "10000000031": Outcome(reply="<好> & 😀"),
}
"""Numbers that no handset can have, so that every outcome can be had by whoever can send (R13)."""


def outcome(number: str) -> Outcome:
    """The fate of a message to this number; what is no mobile number of China cannot be delivered (R5).

    >>> outcome("15023239810").errorcode, outcome("10086").errorcode, outcome("10000000001").refusal
    ('DELIVRD', 'UNDELIV', '用户名或密码不能为空')
    """
    reserved = RESERVED.get(number)
    if reserved is not None:
        return reserved
    is_handset = len(number) == 11 and number[0] == "1" and number.isascii() and number.isdigit()
    return _DELIVERED if is_handset else _UNDELIVERABLE
