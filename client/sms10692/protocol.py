"""The vendor's protocol as constants: the manual's five operations, one per chapter and in its spelling, and one more.

The module holds every word that the manual prints and a program must repeat exactly: endpoints, actions, parameters,
elements and messages. What the manual leaves open (white space, order of checks, prices) and all logic belong
elsewhere. **Client and emulator share these constants and the signature, and no other code.**
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

OperationName: TypeAlias = Literal["send", "overage", "checkkeyword", "status", "call", "changespwd"]
"""The names of the operations; the vendor names them by chapter and action only."""

Provenance: TypeAlias = Literal["manual", "observed", "reading", "ours"]
"""Where a rule comes from: the manual; responses or clients seen elsewhere; our reading; nothing but ourselves."""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """Operation of the API: one chapter of the manual, or 0 for an operation that the manual does not have.

    `parameters` are listed in table x.2, after the credentials, which belong to the endpoint. `elements` are those of
    response x.3: children of each `item_element`, or of the root if there is none. `messages` are those of table x.3
    or, for the two queue operations, the errors 1 to 4 of x.4. `success` and `failure` are the values of
    `returnstatus`, empty if the response has none. `extra_messages` are refusals that the manual does not have.
    """

    chapter: int
    name: OperationName
    action: str
    parameters: tuple[str, ...]
    elements: tuple[str, ...]
    messages: tuple[str, ...]
    item_element: str = ""
    success: str = ""
    failure: str = ""
    extra_messages: tuple[str, ...] = ()

    @property
    def all_messages(self) -> tuple[str, ...]:
        """The manual's messages, then the others."""
        return self.messages + self.extra_messages

    @property
    def endpoints(self) -> tuple["Endpoint", ...]:
        """The endpoints that serve the operation, in the order of `ENDPOINTS`."""
        return tuple(endpoint for endpoint in ENDPOINTS if self in endpoint.operations)


ROOT: Final = "returnsms"
ERROR_ELEMENT: Final = "errorstatus"
ERROR_FIELDS: Final = ("error", "remark")

OK: Final = "ok"
CREDENTIALS_EMPTY: Final = "用户名或密码不能为空"
SQL_INJECTION: Final = "发送内容包含sql注入字符"
CREDENTIALS_WRONG: Final = "用户名或密码错误"
MOBILE_EMPTY: Final = "短信号码不能为空"
CONTENT_EMPTY: Final = "短信内容不能为空"
FORBIDDEN_IN_SEND: Final = "包含非法字符："  # 1.3 ends it with a full-width colon
BALANCE_TOO_SMALL: Final = "对不起，您当前要发送的量大于您当前余额"
OTHER_ERROR: Final = "其他错误"
OVERAGE_FOUND: Final = ""  # 2.3: 返回空, the message is empty
FORBIDDEN_FOUND: Final = "包含非法字符"  # 3.3 has no colon
FORBIDDEN_BEGINNING: Final = FORBIDDEN_FOUND[:2]
"""Beginning of each message about a forbidden word that is known of any brand."""

NOTHING_FORBIDDEN: Final = "没有包含屏蔽词"
REPORTS_NOT_ALLOWED: Final = "该用户不允许查看状态报告"
PARAMETER_WRONG: Final = "参数不正确"

REPLIES_NOT_ALLOWED: Final = "该用户不允许查看短信回复"
NO_RECORDS: Final = "没有记录"
"""Messages of the queue operations of other brands, about what is not allowed and about an empty queue."""

POSTPAID: Final = "后付费"
PREPAID: Final = "预付费"

DELIVERED: Final = 10
FAILED: Final = 20
DELIVERED_WORD: Final = "DELIVRD"
FAILED_WORD: Final = "UNDELIV"
"""Words of telephone networks. The manual has the first as an errorcode; some brands have both as status."""

STATUS_NUM_DEFAULT: Final = 4000
EXTNO_MAX_DIGITS: Final = 10

SEND: Final = Operation(
    chapter=1,
    name="send",
    action="send",
    parameters=("mobile", "content", "sendTime", "action", "extno"),
    elements=("returnstatus", "message", "remainpoint", "taskID", "successCounts"),
    messages=(
        OK,
        CREDENTIALS_EMPTY,
        SQL_INJECTION,
        CREDENTIALS_WRONG,
        MOBILE_EMPTY,
        CONTENT_EMPTY,
        FORBIDDEN_IN_SEND,
        BALANCE_TOO_SMALL,
        OTHER_ERROR,
    ),
    success="Success",
    failure="Faild",
)

OVERAGE: Final = Operation(
    chapter=2,
    name="overage",
    action="overage",
    parameters=("action",),
    elements=("returnstatus", "message", "payinfo", "overage", "sendTotal"),
    messages=(OVERAGE_FOUND, CREDENTIALS_EMPTY, CREDENTIALS_WRONG),
    success="Sucess",
    failure="Faild",
)

CHECKKEYWORD: Final = Operation(
    chapter=3,
    name="checkkeyword",
    action="checkkeyword",
    parameters=("action", "content"),
    elements=("message",),
    messages=(CREDENTIALS_EMPTY, CREDENTIALS_WRONG, FORBIDDEN_FOUND, NOTHING_FORBIDDEN),
)

STATUS: Final = Operation(
    chapter=4,
    name="status",
    action="query",
    parameters=("statusNum", "action"),
    elements=("mobile", "taskid", "status", "receivetime", "errorcode", "extno"),
    messages=(CREDENTIALS_EMPTY, CREDENTIALS_WRONG, REPORTS_NOT_ALLOWED, PARAMETER_WRONG),
    item_element="statusbox",
)

CALL: Final = Operation(
    chapter=5,
    name="call",
    action="query",
    parameters=("action",),
    elements=("mobile", "taskid", "content", "receivetime", "extno"),
    messages=(CREDENTIALS_EMPTY, CREDENTIALS_WRONG, REPORTS_NOT_ALLOWED, PARAMETER_WRONG),
    item_element="callbox",
)

CHANGESPWD: Final = Operation(
    chapter=0,
    name="changespwd",
    action="changespwd",
    parameters=("action", "newpwd", "renewpwd"),
    elements=("returnstatus", "message"),
    messages=(OK, CREDENTIALS_EMPTY, CREDENTIALS_WRONG, OTHER_ERROR),
    success="Success",
    failure="Faild",
)
"""Changes the password. The names of its parameters were observed; its responses are ours (R20)."""

OPERATIONS: Final = (SEND, OVERAGE, CHECKKEYWORD, STATUS, CALL, CHANGESPWD)


@dataclass(frozen=True, slots=True, eq=False)
class Authentication:
    """How a request proves whose it is: the names of the parameters that every operation of an endpoint has first."""

    name: str
    parameters: tuple[str, ...]


SIGNED: Final = Authentication("signed", ("userid", "timestamp", "sign"))
PASSWORD: Final = Authentication("password", ("userid", "account", "password"))
"""Account and password in clear, at the older endpoints."""


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """URL path of the vendor's API with the operations that it serves.

    `charset` is the one that requests have and responses declare (1.1, 1.3). `send_parameters` are those that a send
    has only at this endpoint.
    """

    path: str
    charset: str
    operations: tuple[Operation, ...]
    authentication: Authentication = SIGNED
    provenance: Provenance = "manual"
    send_parameters: tuple[str, ...] = ()

    def parameters_of(self, operation: Operation) -> tuple[str, ...]:
        """All parameters of an operation at this endpoint, credentials first."""
        own = self.send_parameters if operation is SEND else ()
        return self.authentication.parameters + operation.parameters + own


V2SMS: Final = Endpoint("/v2sms.aspx", "utf-8", (SEND, OVERAGE, CHECKKEYWORD))
V2SMS_GBK: Final = Endpoint("/v2smsGBK.aspx", "gb2312", (SEND, OVERAGE, CHECKKEYWORD))
V2STATUS_API: Final = Endpoint("/v2statusApi.aspx", "utf-8", (STATUS,))
V2CALL_API: Final = Endpoint("/v2callApi.aspx", "utf-8", (CALL,))

CHECK_CONTENT: Final = "checkContent"
_OLDER_SEND: Final = (CHECK_CONTENT, "taskName", "countNumber", "mobileNumber", "telephoneNumber")
_OLDER_OPERATIONS: Final = (SEND, OVERAGE, CHECKKEYWORD, CHANGESPWD)

SMS: Final = Endpoint("/sms.aspx", "utf-8", _OLDER_OPERATIONS, PASSWORD, "observed", _OLDER_SEND)
SMS_GBK: Final = Endpoint("/smsGBK.aspx", "gb2312", _OLDER_OPERATIONS, PASSWORD, "observed", _OLDER_SEND)
STATUS_API: Final = Endpoint("/statusApi.aspx", "utf-8", (STATUS,), PASSWORD, "observed")
CALL_API: Final = Endpoint("/callApi.aspx", "utf-8", (CALL,), PASSWORD, "observed")

ENDPOINTS: Final = (V2SMS, V2SMS_GBK, V2STATUS_API, V2CALL_API, SMS, SMS_GBK, STATUS_API, CALL_API)
"""The registry of endpoints. The emulator serves each of them, and the documents list each of them."""
