"""The vendor's manual as data: five operations, one per chapter, in the manual's spelling and order.

Here belongs every word that the manual prints and a program must repeat to the letter: addresses, actions,
parameters, elements, messages. What the manual leaves open (white space, the order of checks, prices) does not
belong here, nor does anything that computes. Two import packages share these facts and nothing else.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """One address of the vendor.

    `path` is spelled as the manual spells it; `charset` is the label its answers declare (1.1, 1.3).
    """

    path: str
    charset: str


V2SMS: Final = Endpoint("/v2sms.aspx", "utf-8")
V2SMS_GBK: Final = Endpoint("/v2smsGBK.aspx", "gb2312")
V2STATUS_API: Final = Endpoint("/v2statusApi.aspx", "utf-8")
V2CALL_API: Final = Endpoint("/v2callApi.aspx", "utf-8")

ENDPOINTS: Final = (V2SMS, V2SMS_GBK, V2STATUS_API, V2CALL_API)


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One chapter of the manual.

    `parameters` are those of its table x.2; `elements` those of its answer x.3, inside the root or, where there is
    a `box`, inside each box; `messages` those of its table x.3, or, for the two queues, the errors 1, 2, 3, 4 of x.4.
    `success` and `failure` are the words of `returnstatus`, where the answer has one.
    """

    chapter: int
    name: str
    endpoints: tuple[Endpoint, ...]
    action: str
    parameters: tuple[str, ...]
    elements: tuple[str, ...]
    messages: tuple[str, ...]
    item_element: str = ""
    success: str = ""
    failure: str = ""


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
OVERAGE_FOUND: Final = ""  # 2.3: 返回空, the message stays empty
FORBIDDEN_FOUND: Final = "包含非法字符"  # 3.3 has no colon
NOTHING_FORBIDDEN: Final = "没有包含屏蔽词"
REPORTS_NOT_ALLOWED: Final = "该用户不允许查看状态报告"
PARAMETER_WRONG: Final = "参数不正确"

POSTPAID: Final = "后付费"
PREPAID: Final = "预付费"

DELIVERED: Final = 10
FAILED: Final = 20

STATUS_NUM_DEFAULT: Final = 4000
EXTNO_MAX_DIGITS: Final = 10

SEND: Final = Operation(
    chapter=1,
    name="send",
    endpoints=(V2SMS, V2SMS_GBK),
    action="send",
    parameters=("userid", "timestamp", "sign", "mobile", "content", "sendTime", "action", "extno"),
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
    endpoints=(V2SMS, V2SMS_GBK),
    action="overage",
    parameters=("userid", "timestamp", "sign", "action"),
    elements=("returnstatus", "message", "payinfo", "overage", "sendTotal"),
    messages=(OVERAGE_FOUND, CREDENTIALS_EMPTY, CREDENTIALS_WRONG),
    success="Sucess",
    failure="Faild",
)

CHECKKEYWORD: Final = Operation(
    chapter=3,
    name="checkkeyword",
    endpoints=(V2SMS, V2SMS_GBK),
    action="checkkeyword",
    parameters=("userid", "timestamp", "sign", "action", "content"),
    elements=("message",),
    messages=(CREDENTIALS_EMPTY, CREDENTIALS_WRONG, FORBIDDEN_FOUND, NOTHING_FORBIDDEN),
)

STATUS: Final = Operation(
    chapter=4,
    name="status",
    endpoints=(V2STATUS_API,),
    action="query",
    parameters=("userid", "timestamp", "sign", "statusNum", "action"),
    elements=("mobile", "taskid", "status", "receivetime", "errorcode", "extno"),
    messages=(CREDENTIALS_EMPTY, CREDENTIALS_WRONG, REPORTS_NOT_ALLOWED, PARAMETER_WRONG),
    item_element="statusbox",
)

CALL: Final = Operation(
    chapter=5,
    name="call",
    endpoints=(V2CALL_API,),
    action="query",
    parameters=("userid", "timestamp", "sign", "action"),
    elements=("mobile", "taskid", "content", "receivetime", "extno"),
    messages=(CREDENTIALS_EMPTY, CREDENTIALS_WRONG, REPORTS_NOT_ALLOWED, PARAMETER_WRONG),
    item_element="callbox",
)

OPERATIONS: Final = (SEND, OVERAGE, CHECKKEYWORD, STATUS, CALL)
