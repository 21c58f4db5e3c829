"""Parser from endpoint and form fields to a typed vendor request.

`match_endpoint` maps a path to an endpoint, `parse_request` maps an endpoint and its fields to an `ApiRequest`. Whether
the request is acceptable is decided in `validation`.
"""

from collections.abc import Collection, Mapping
from itertools import repeat
from typing import Final, NamedTuple

from sms10692 import protocol
from sms10692.protocol import Endpoint, Operation
from sms10692_mock.domain.records import QueueName

ALLOWED_METHODS: Final = ("GET", "HEAD", "POST")
"""Methods that the vendor's endpoints answer."""

_USERID: Final = protocol.SIGNED.parameters[0]
_MOBILE, _CONTENT, _SEND_TIME, _ACTION, _EXTNO = (name.lower() for name in protocol.SEND.parameters)
_STATUS_NUM: Final = protocol.STATUS.parameters[0].lower()
_MAX_DIGITS: Final = 12
"""Digits of a statusNum that are used: larger than any queue."""

_CHECK_CONTENT: Final = protocol.CHECK_CONTENT.lower()
_NEW_PASSWORD, _NEW_PASSWORD_AGAIN = protocol.CHANGESPWD.parameters[1:]
_FORMAT: Final = "rt"  # Q18, R15: a parameter of other brands' manuals

_ENDPOINTS: Final[Mapping[str, Endpoint]] = {endpoint.path.lower(): endpoint for endpoint in protocol.ENDPOINTS}

QUEUES: Final[Mapping[Operation, QueueName]] = {protocol.STATUS: "reports", protocol.CALL: "replies"}
"""The queue from which an operation fetches, by operation."""


class _Endpoint(NamedTuple):
    """An endpoint as `parse_request` needs it. `only` serves requests with any action: there is no other operation."""

    credentials: tuple[str, ...]
    operations: Mapping[str, Operation]
    only: Operation | None


_PARSED: Final[Mapping[Endpoint, _Endpoint]] = {
    endpoint: _Endpoint(
        tuple(map(str.lower, endpoint.authentication.parameters)),
        {operation.action: operation for operation in endpoint.operations},
        endpoint.operations[0] if len(endpoint.operations) == 1 else None,
    )
    for endpoint in protocol.ENDPOINTS
}


class ApiRequest(NamedTuple):
    """A parsed request. A missing parameter is the empty string.

    `operation` is None when an endpoint with several operations received an unknown action. `credentials` are the
    values of `endpoint.authentication.parameters`, `userid` is one of them. `wants_json` is of the manual's profile,
    until `profiles.apply_profile`, and so is `operation`. `fields` has all parameters, with their names in lower case.
    """

    endpoint: Endpoint
    operation: Operation | None
    action: str
    userid: str
    credentials: tuple[str, ...]
    mobile: str
    content: str
    send_time: str
    extno: str
    status_num: str
    wants_json: bool
    fields: Mapping[str, str]

    @property
    def wants_word_check(self) -> bool:
        """Whether the text of a send is checked for forbidden words: always, or if `checkContent` is 1 (R19)."""
        return protocol.CHECK_CONTENT not in self.endpoint.send_parameters or self.fields.get(_CHECK_CONTENT) == "1"

    def count_numbers(self) -> int:
        """Return how many numbers `mobile` has. Blank parts between commas are none (R5)."""
        return sum(1 for number in self.mobile.split(",") if number.strip())

    @property
    def new_passwords(self) -> tuple[str, str]:
        """The new password, and its repetition (R20)."""
        return self.fields.get(_NEW_PASSWORD, ""), self.fields.get(_NEW_PASSWORD_AGAIN, "")


def match_endpoint(path: str, served: Collection[Endpoint] = protocol.ENDPOINTS) -> Endpoint | None:
    """Return the served endpoint of a path, or None (Q9).

    Case, doubled slashes and anything after the file name are ignored.

    >>> match_endpoint("//V2SMSgbk.aspx/v2sms.aspx").path
    '/v2smsGBK.aspx'
    """
    endpoint = _ENDPOINTS.get(path)
    if endpoint is None and path.startswith("/"):
        first = path.lstrip("/").partition("/")[0]
        endpoint = _ENDPOINTS.get(f"/{first}".lower())
    return endpoint if endpoint in served else None


def parse_request(endpoint: Endpoint, fields: Mapping[str, str]) -> ApiRequest:
    """Build a request from form or query fields. The names in `fields` are lower case, as in `codec.forms`."""
    get = fields.get
    action = get(_ACTION, "")
    credentials, operations, only = _PARSED[endpoint]
    return ApiRequest(
        endpoint,
        only or operations.get(action),
        action,
        get(_USERID, ""),
        tuple(map(get, credentials, repeat(""))),
        get(_MOBILE, ""),
        get(_CONTENT, ""),
        get(_SEND_TIME, ""),
        get(_EXTNO, ""),
        get(_STATUS_NUM, ""),
        get(_FORMAT) == "json",
        fields,
    )


def parse_limit(status_num: str) -> int:
    """Return how many reports a statusNum asks for at most; the default if it is empty or not valid.

    >>> parse_limit(""), parse_limit("0010"), parse_limit("all")
    (4000, 10, 4000)
    """
    digits = status_num.strip().lstrip("0")
    is_number = digits.isascii() and digits.isdigit()
    return int(digits[:_MAX_DIGITS]) if is_number else protocol.STATUS_NUM_DEFAULT
