"""Tables of `docs/vendor-api.md`: the parameters and the responses of each operation, from `sms10692.protocol`.

The meanings are the manual's, in English and Chinese. A parameter or an element without one raises KeyError.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from sms10692 import protocol


class Meaning(NamedTuple):
    """What a name means, in both languages. `required` counts for parameters only."""

    en: str
    zh: str
    required: bool = False


_EVERY: Final = (protocol.SIGNED, protocol.PASSWORD)

PARAMETERS: Final[Mapping[str, Meaning]] = {
    "userid": Meaning("number of the customer", "企业 id", True),
    "timestamp": Meaning(
        "current time in China, `yyyyMMddHHmmss`", "系统当前时间（中国时间），年月日时分秒，`yyyyMMddHHmmss`", True
    ),
    "sign": Meaning(
        "MD5 of account + password + timestamp, 32 hexadecimal digits in lower case",
        "账号+密码+时间戳的 MD5，32 位，小写",
        True,
    ),
    "account": Meaning("name of the account, in clear", "账号，明文", True),
    "password": Meaning("password, in clear", "密码，明文", True),
    "action": Meaning("what to do: the word in the first column", "操作：第一列中的词", True),
    "mobile": Meaning("numbers, divided by `,`", "全部被叫号码，以半角逗号隔开", True),
    "content": Meaning("the text, in the charset of the endpoint", "短信内容，用接口地址的字符集编码", True),
    "sendTime": Meaning(
        "when to send, such as `2010-10-24 09:08:10`, in China; empty: at once",
        "定时发送时间（中国时间），如 `2010-10-24 09:08:10`；为空表示立即发送",
    ),
    "extno": Meaning(
        f"extension number, at most {protocol.EXTNO_MAX_DIGITS} digits; reports and replies name it",
        f"扩展子号，只能为数字，最多 {protocol.EXTNO_MAX_DIGITS} 位；状态报告和上行会带上它",
    ),
    "statusNum": Meaning(
        f"how many reports to fetch at most, without it {protocol.STATUS_NUM_DEFAULT}",
        f"每次最多获取的条数，默认 {protocol.STATUS_NUM_DEFAULT}",
    ),
    "newpwd": Meaning("the new password", "新密码", True),
    "renewpwd": Meaning("the new password once more", "再写一次新密码", True),
    "checkContent": Meaning("1: refuse forbidden words; 0 or absent: do not check", "1：检查屏蔽词；0 或不填：不检查"),
    "taskName": Meaning("a name for the task", "任务名称"),
    "countNumber": Meaning("how many numbers `mobile` has", "`mobile` 中的号码数"),
    "mobileNumber": Meaning("how many of them are mobile numbers", "其中手机号码数"),
    "telephoneNumber": Meaning("how many of them are landline numbers", "其中固定电话号码数"),
}

_ELEMENTS: Final[Mapping[str, Meaning]] = {
    "remainpoint": Meaning("points left; 0 if refused", "余额；被拒绝时为 0"),
    "taskID": Meaning("number of the task; 0 if refused", "本次任务的序列 ID；被拒绝时为 0"),
    "successCounts": Meaning("how many numbers were accepted; 0 if refused", "成功短信数；被拒绝时为 0"),
    "payinfo": Meaning(
        f"`{protocol.PREPAID}` (prepaid) or `{protocol.POSTPAID}` (postpaid)",
        f"`{protocol.PREPAID}` 或 `{protocol.POSTPAID}`",
    ),
    "overage": Meaning("points left", "余额"),
    "sendTotal": Meaning(
        "total points; for prepaid accounts all that were ever bought", "总点数；预付费时为总充值点数"
    ),
    "mobile": Meaning("the number", "对应的手机号码"),
    "taskid": Meaning("number of the task (with a small `id`)", "任务 ID（这里 `id` 小写）"),
    "status": Meaning(
        f"`{protocol.DELIVERED}` delivered, `{protocol.FAILED}` failed",
        f"`{protocol.DELIVERED}` 发送成功，`{protocol.FAILED}` 发送失败",
    ),
    "receivetime": Meaning(
        "time in China, such as `2011-12-02 22:12:11`", "接收时间（中国时间），如 `2011-12-02 22:12:11`"
    ),
    "errorcode": Meaning(
        f"word of the network, such as `{protocol.DELIVERED_WORD}`; for information only",
        f"上级网关返回值，如 `{protocol.DELIVERED_WORD}`，仅作参考",
    ),
    "extno": Meaning("the `extno` of the send, or empty", "发送时的扩展子号，可为空"),
    "content": Meaning("the text of the reply", "上行内容"),
}


def build_parameter_rows(language: str) -> Iterator[tuple[str, ...]]:
    """Yield the parameters: those of every operation first, then those of each one."""
    yield ("operation", "parameter", "required", "value") if not language else ("操作", "参数", "必填", "值")
    every = (
        ("every, at `/v2…`", "every, at the older ones") if not language else ("全部，在 `/v2…`", "全部，在旧版接口")
    )
    for text, authentication in zip(every, _EVERY, strict=True):
        for name in authentication.parameters:
            yield _build_parameter_row(text, name, language)
    for operation in protocol.OPERATIONS:
        for name in sorted(operation.parameters, key=lambda name: name != "action"):
            yield _build_parameter_row(f"`{operation.name}`", name, language, operation.action)
    older = "`send`, at the older ones" if not language else "`send`，在旧版接口"
    for name in protocol.SMS.send_parameters:
        yield _build_parameter_row(older, name, language)


def _build_parameter_row(operation: str, name: str, language: str, action: str = "") -> tuple[str, ...]:
    meaning = PARAMETERS[name]
    required = (("yes", "是") if meaning.required else ("", ""))[bool(language)]
    return (
        operation,
        f"`{name}`",
        required,
        f"`{action}`" if name == "action" else meaning.zh if language else meaning.en,
    )


def build_response_rows(language: str) -> Iterator[tuple[str, ...]]:
    """Yield the elements of each response, in their order, then those of a refusal by a queue."""
    yield ("operation", "element", "value") if not language else ("操作", "元素", "值")
    for operation in protocol.OPERATIONS:
        for element in operation.elements:
            path = f"{operation.item_element}/{element}" if operation.item_element else element
            yield f"`{operation.name}`", f"`{path}`", _describe_element(operation, element, language)
        if operation.item_element:
            numbered = enumerate(operation.messages, 1)
            errors = ("; " if not language else "；").join(f"`{number}` {message}" for number, message in numbered)
            path = f"{protocol.ERROR_ELEMENT}/{protocol.ERROR_FIELDS[0]}`, `{protocol.ERROR_FIELDS[1]}"
            yield f"`{operation.name}`", f"`{path}`", errors


def _describe_element(operation: protocol.Operation, element: str, language: str) -> str:
    if element == "returnstatus":
        words = (
            f"`{operation.success}`, `{operation.failure}`"
            if not language
            else f"`{operation.success}`、`{operation.failure}`"
        )
        if operation.success == protocol.SEND.success:
            return words
        usual = protocol.SEND.success
        note = f" **One `c`: not `{usual}`**" if not language else f"。**只有一个 `c`，不是 `{usual}`**"
        return words + note
    if element == "message":
        empty = "empty if successful" if not language else "成功时为空"
        return (", " if not language else "、").join(
            f"`{message}`" if message else empty for message in operation.messages
        )
    return _ELEMENTS[element].zh if language else _ELEMENTS[element].en
