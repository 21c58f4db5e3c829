"""What is said to the vendor: from arguments to a request, with the way to read its answer.

Here belong the five requests (1.2, 2.2, 3.2, 4.2, 5.2), the clock read once for each. No I/O: `client` sends them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Generic, Literal, TypeAlias, TypeVar

from sms10692 import protocol, responses
from sms10692.errors import RawResponse
from sms10692.form_encoding import encode_form
from sms10692.models import BalanceResult, KeywordResult, Reply, Report, SendResult
from sms10692.protocol import Operation
from sms10692.signing import CHINA, format_timestamp, sign

_ACTION: Final = protocol.OVERAGE.parameters[-1]

Value = TypeVar("Value", covariant=True)

Charset: TypeAlias = Literal["utf-8", "gbk"]
"""Which of the first two pages to use."""

Clock: TypeAlias = Callable[[], datetime]
"""An aware moment."""


def system_clock() -> datetime:
    """What the time is."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class PreparedRequest(Generic[Value]):
    """A request: the path and the form to post there, and what reads the answer."""

    path: str
    body: bytes
    read: Callable[[RawResponse], Value]


@dataclass(frozen=True)
class RequestBuilder:
    """The five calls of one account. The password is in no `repr`.

    >>> calls = Calls("12", "test", "mima", clock=lambda: datetime(2012, 7, 1, 23, 12, 12, tzinfo=CHINA))
    >>> calls.overage().path, calls.overage().body
    ('/v2sms.aspx', b'action=overage&userid=12&timestamp=20120701231212&sign=5cc68982f55ac74348e3d819f868fbe1')
    """

    userid: str
    account: str
    password: str = field(repr=False)
    charset: Charset = "utf-8"
    clock: Clock = system_clock

    def __post_init__(self) -> None:
        if self.charset not in {"utf-8", "gbk"}:
            raise ValueError(f"charset is utf-8 or gbk, and not {self.charset!a}")
        if not (_is_text(self.userid) and _is_text(self.account) and _is_text(self.password)):
            raise ValueError("userid, account and password are texts that UTF-8 can carry, and one of them is not")

    def send(
        self, mobiles: Iterable[str] | str, content: str, send_time: datetime | None, extno: str
    ) -> PreparedRequest[SendResult]:
        """Send a text (1.2). Raises ValueError for a naive `send_time`: of which zone would it be?"""
        mobile = mobiles if isinstance(mobiles, str) else ",".join(mobiles)
        return self._prepare(protocol.SEND, responses.parse_sent, (mobile, content, _china_time(send_time), extno))

    def overage(self) -> PreparedRequest[BalanceResult]:
        """Ask for the balance (2.2)."""
        return self._prepare(protocol.OVERAGE, responses.parse_overage)

    def checkkeyword(self, content: str) -> PreparedRequest[KeywordResult]:
        """Ask whether a text holds a forbidden word (3.2)."""
        return self._prepare(protocol.CHECKKEYWORD, responses.parse_checked, (content,))

    def status(self, status_num: int | None) -> PreparedRequest[list[Report]]:
        """Fetch reports, up to `status_num` of them (4.2)."""
        given = () if status_num is None else (str(status_num),)
        return self._prepare(protocol.STATUS, responses.parse_reports, given)

    def call(self) -> PreparedRequest[list[Reply]]:
        """Fetch replies (5.2)."""
        return self._prepare(protocol.CALL, responses.parse_replies)

    def _prepare(
        self, operation: Operation, read: Callable[[RawResponse], Value], given: tuple[str, ...] = ()
    ) -> PreparedRequest[Value]:
        """`given` are the values of the parameters beside credentials and action, in the manual's order."""
        page = operation.endpoints[-1 if self.charset == "gbk" else 0]
        now = self.clock()
        if now.tzinfo is None:
            raise ValueError("the clock gives a moment of no time zone")
        moment = format_timestamp(now)
        credentials = self.userid, moment, sign(self.account, self.password, moment)
        userid, stamp, signature, *others = (name for name in operation.parameters if name != _ACTION)
        fields = [
            (_ACTION, operation.action),
            *zip((userid, stamp, signature), credentials, strict=True),
            *zip(others, given, strict=False),
        ]
        return PreparedRequest(page.path, encode_form(fields, page.charset), read)


def _is_text(value: str) -> bool:
    """Bytes of an environment that are no UTF-8 arrive as what cannot be encoded, and an error would show them."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _china_time(moment: datetime | None) -> str:
    if moment is None:
        return ""
    if moment.tzinfo is None:
        raise ValueError("send_time needs a time zone, for example tzinfo=sms10692.CHINA")
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
