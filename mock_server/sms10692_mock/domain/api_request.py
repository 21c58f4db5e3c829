"""Parser from endpoint and form fields to a typed vendor request.

`match_endpoint` maps a path to an endpoint, `parse_request` maps an endpoint and its fields to an `ApiRequest`. Whether
the request is acceptable is decided in `validation`.
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

_ENDPOINTS: Final[Mapping[str, Endpoint]] = {page.path.lower(): page for page in protocol.ENDPOINTS}
_OPERATIONS: Final[Mapping[tuple[Endpoint, str], Operation]] = {
    (page, operation.action): operation for operation in protocol.OPERATIONS for page in operation.endpoints
}
_ONLY_OPERATION: Final[Mapping[Endpoint, Operation]] = {
    page: operation for operation in (protocol.STATUS, protocol.CALL) for page in operation.endpoints
}


class ApiRequest(NamedTuple):
    """A parsed request. A missing parameter is the empty string.

    `operation` is None when an endpoint with several operations received an unknown action.
    """

    endpoint: Endpoint
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
    """Return the endpoint of a path, or None. Case, doubled slashes and anything after the file name are ignored (Q9).

    >>> match_endpoint("//V2SMSgbk.aspx/v2sms.aspx").path
    '/v2smsGBK.aspx'
    """
    page = _ENDPOINTS.get(path)
    if page is not None:
        return page
    first = path.lstrip("/").partition("/")[0]
    return _ENDPOINTS.get(f"/{first}".lower()) if path.startswith("/") else None


def parse_request(page: Endpoint, fields: Mapping[str, str]) -> ApiRequest:
    """Build a request from form or query fields. The names in `fields` are lower case, as in `codec.forms`."""
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
