"""Which of the five operations is this, and what was given with it?

Here belong the way from a path to a page, and from a page and its fields to a call. Whether the call is right is
the affair of `checks`.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from sms10692 import protocol
from sms10692.protocol import Endpoint, Operation

_USERID, _TIMESTAMP, _SIGN, _MOBILE, _CONTENT, _SEND_TIME, _ACTION, _EXTNO = (
    name.lower() for name in protocol.SEND.parameters
)
_STATUS_NUM: Final = protocol.STATUS.parameters[3].lower()
_FORMAT: Final = "rt"  # Q18, R15: a parameter of other brands' manuals

_PAGES: Final[Mapping[str, Endpoint]] = {page.path.lower(): page for page in protocol.ENDPOINTS}
_OPERATIONS: Final[Mapping[tuple[Endpoint, str], Operation]] = {
    (page, operation.action): operation for operation in protocol.OPERATIONS for page in operation.endpoints
}
_ONLY_OPERATION: Final[Mapping[Endpoint, Operation]] = {
    page: operation for operation in (protocol.STATUS, protocol.CALL) for page in operation.endpoints
}


class ApiRequest(NamedTuple):
    """One request, understood. A parameter that was not given is the empty string.

    `operation` is None where a page of several operations got an action that is none of them.
    """

    page: Endpoint
    operation: Operation | None
    action: str
    userid: str
    timestamp: str
    sign: str
    mobile: str
    content: str
    send_time: str
    extno: str
    status_num: str
    wants_json: bool


def match_endpoint(path: str) -> Endpoint | None:
    """The page that a path means, in any case, after doubled slashes, whatever follows it (Q9).

    >>> page_of("//V2SMSgbk.aspx/v2sms.aspx").path
    '/v2smsGBK.aspx'
    """
    page = _PAGES.get(path)
    if page is not None:
        return page
    first = path.lstrip("/").partition("/")[0]
    return _PAGES.get(f"/{first}".lower()) if path.startswith("/") else None


def parse_request(page: Endpoint, fields: Mapping[str, str]) -> ApiRequest:
    """What a request to this page asks for. The names of `fields` are in lower case, as `wire.forms` gives them."""
    get = fields.get
    action = get(_ACTION, "")
    return ApiRequest(
        page,
        _ONLY_OPERATION.get(page) or _OPERATIONS.get((page, action)),
        action,
        get(_USERID, ""),
        get(_TIMESTAMP, ""),
        get(_SIGN, ""),
        get(_MOBILE, ""),
        get(_CONTENT, ""),
        get(_SEND_TIME, ""),
        get(_EXTNO, ""),
        get(_STATUS_NUM, ""),
        get(_FORMAT) == "json",
    )
