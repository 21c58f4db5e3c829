"""Request builder without I/O: arguments of an operation to a form with credentials, paired with its response parser.

Covers the five requests of the manual (1.2, 2.2, 3.2, 4.2, 5.2). `client` and `async_client` send them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Generic, Literal, TypeAlias, TypeVar

from sms10692 import protocol, responses
from sms10692.errors import RawResponse
from sms10692.form_encoding import encode_form
from sms10692.models import BalanceResult, KeywordResult, Reply, Report, SendResult
from sms10692.protocol import Authentication, Operation
from sms10692.signing import CHINA, format_timestamp, sign

(_ACTION,) = protocol.OVERAGE.parameters

Value = TypeVar("Value", covariant=True)
Item = TypeVar("Item")

Charset: TypeAlias = Literal["utf-8", "gbk"]
"""Charset of the send endpoint: /v2sms.aspx or /sms.aspx (utf-8), /v2smsGBK.aspx or /smsGBK.aspx (gbk)."""

AuthenticationName: TypeAlias = Literal["signed", "password"]
"""Kind of credentials: a signature, or account and password in clear at the older endpoints, such as /sms.aspx."""

Clock: TypeAlias = Callable[[], datetime]
"""Function that returns the current time as an aware datetime."""


def system_clock() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class PreparedRequest(Generic[Value]):
    """A request ready to send: the path and form body to POST, and the parser of its response."""

    path: str
    body: bytes
    parse: Callable[[RawResponse], Value]


@dataclass(frozen=True)
class RequestBuilder:
    """Builds the requests of one account. **The `repr` omits the password.**

    A signed request reads the clock once, for both the timestamp and the signature.

    >>> builder = RequestBuilder("12", "test", "mima", clock=lambda: datetime(2012, 7, 1, 23, 12, 12, tzinfo=CHINA))
    >>> builder.overage().path, builder.overage().body
    ('/v2sms.aspx', b'action=overage&userid=12&timestamp=20120701231212&sign=5cc68982f55ac74348e3d819f868fbe1')
    """

    userid: str
    account: str
    password: str = field(repr=False)
    charset: Charset = "utf-8"
    clock: Clock = system_clock
    authentication: AuthenticationName = "signed"
    accepts_empty_body: bool = False

    def __post_init__(self) -> None:
        if self.charset not in {"utf-8", "gbk"}:
            raise ValueError(f"invalid charset {self.charset!a}: use utf-8 or gbk")
        if self.authentication not in _CREDENTIALS:
            raise ValueError(f"invalid authentication {self.authentication!a}: use signed or password")
        if not (_is_encodable(self.userid) and _is_encodable(self.account) and _is_encodable(self.password)):
            raise ValueError("userid, account or password contains characters that UTF-8 cannot encode")

    @property
    def endpoint_authentication(self) -> Authentication:
        """The authentication of the endpoints to which the requests go."""
        return _CREDENTIALS[self.authentication][0]

    def send(
        self, mobiles: Iterable[str] | str, content: str, send_time: datetime | None, extno: str
    ) -> PreparedRequest[SendResult]:
        """Build a send (1.2), to a number that is given twice once: the vendor would charge it twice (R5).

        Raises ValueError for a `send_time` without a time zone, and UnencodableText.
        """
        joined = mobiles if isinstance(mobiles, str) else ",".join(mobiles)
        mobile = ",".join(dict.fromkeys(map(str.strip, joined.split(","))))
        arguments = (mobile, content, _format_send_time(send_time), extno)
        return self._prepare(protocol.SEND, responses.parse_send_result, arguments)

    def overage(self) -> PreparedRequest[BalanceResult]:
        """Build a balance query (2.2)."""
        return self._prepare(protocol.OVERAGE, responses.parse_balance)

    def checkkeyword(self, content: str) -> PreparedRequest[KeywordResult]:
        """Build a keyword check of a text (3.2). Raises UnencodableText."""
        return self._prepare(protocol.CHECKKEYWORD, responses.parse_keyword_result, (content,))

    def status(self, status_num: int | None) -> PreparedRequest[list[Report]]:
        """Build a fetch of up to `status_num` reports (4.2)."""
        arguments = () if status_num is None else (str(status_num),)
        return self._prepare(protocol.STATUS, self._choose_parser(responses.parse_reports), arguments)

    def call(self) -> PreparedRequest[list[Reply]]:
        """Build a fetch of replies (5.2)."""
        return self._prepare(protocol.CALL, self._choose_parser(responses.parse_replies))

    def _choose_parser(self, parse: Callable[[RawResponse], list[Item]]) -> Callable[[RawResponse], list[Item]]:
        return responses.accept_empty_body(parse) if self.accepts_empty_body else parse

    def _prepare(
        self, operation: Operation, parse: Callable[[RawResponse], Value], arguments: tuple[str, ...] = ()
    ) -> PreparedRequest[Value]:
        """Add the credentials to a request, and encode it.

        `arguments` are the values of the parameters other than credentials and action, in the manual's order.
        Trailing ones may be omitted.
        """
        authentication, get_credentials = _CREDENTIALS[self.authentication]
        endpoints = [endpoint for endpoint in operation.endpoints if endpoint.authentication is authentication]
        endpoint = endpoints[-1 if self.charset == "gbk" else 0]
        credentials = get_credentials(self)
        names = [name for name in operation.parameters if name != _ACTION]
        fields = [
            (_ACTION, operation.action),
            *zip(endpoint.authentication.parameters, credentials, strict=True),
            *zip(names, arguments, strict=False),
        ]
        return PreparedRequest(endpoint.path, encode_form(fields, endpoint.charset), parse)


def _sign_now(builder: RequestBuilder) -> tuple[str, ...]:
    now = builder.clock()
    if now.tzinfo is None:
        raise ValueError("clock returned a datetime without a time zone: return an aware datetime")
    timestamp = format_timestamp(now)
    return builder.userid, timestamp, sign(builder.account, builder.password, timestamp)


def _show_password(builder: RequestBuilder) -> tuple[str, ...]:
    return builder.userid, builder.account, builder.password


_CREDENTIALS: Final[Mapping[str, tuple[Authentication, Callable[[RequestBuilder], tuple[str, ...]]]]] = {
    protocol.SIGNED.name: (protocol.SIGNED, _sign_now),
    protocol.PASSWORD.name: (protocol.PASSWORD, _show_password),
}
"""For each kind of credentials, the authentication of its endpoints, and the function that returns their values."""


def _is_encodable(value: str) -> bool:
    """Return whether UTF-8 can encode a text.

    Environment variables that are not valid UTF-8 arrive as surrogates. A UnicodeEncodeError would contain the value,
    which may be the password, so the check comes first.
    """
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _format_send_time(send_time: datetime | None) -> str:
    if send_time is None:
        return ""
    if send_time.tzinfo is None:
        raise ValueError("send_time has no time zone: set one, for example tzinfo=sms10692.CHINA")
    return send_time.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
