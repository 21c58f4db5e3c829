"""Evidence: what a check of the vendor saw when it refused a request, and its codes with their texts.

`diagnosis.refusals` turns evidence into a finding. A check builds evidence only when it refuses, so that accepted
requests pay nothing for it. The request log stores it, because a balance, a list of words or a fault may change later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias
from urllib.parse import quote

if TYPE_CHECKING:  # profiles imports this module
    from sms10692_mock.domain.profiles import BrandCode

VendorCode: TypeAlias = Literal[
    "account-deleted",
    "action",
    "balance",
    "content-empty",
    "credentials-empty",
    "credentials-wrong",
    "delivery-rule",
    "extno-not-digits",
    "extno-too-long",
    "fault",
    "fault-unlimited",
    "forbidden-word",
    "locked-out",
    "mobile-empty",
    "new-password-empty",
    "new-password-unusable",
    "new-passwords-differ",
    "no-points",
    "queues-not-allowed",
    "replies-not-allowed",
    "reserved-number",
    "send-time-format",
    "send-time-no-date",
    "sql-injection",
    "status-num",
    "status-num-zero",
    "store-unavailable",
    "timestamp-format",
    "timestamp-skew",
    "too-many-verification-codes",
    "too-many-requests",
    "word-unchecked",
]
"""One code for each way in which the manual's vendor or the emulator refuses a request. The code of the finding is
`refusal.` and this code, except for `REMARKS`. The ways that only profiles have are `BrandCode` in `profiles`.
"""

REMARKS: Final = frozenset[VendorCode](("word-unchecked",))
"""Codes of what an accepted request was let through with. The code of the finding is `habit.` and this code."""

_SIGNED: Final = "userid=12&timestamp=20120701231212&sign=5cc68982f55ac74348e3d819f868fbe1"
_SEND: Final = f"action=send&{_SIGNED}&mobile=15023239810%2C13527576163"
_TEXT: Final = "&content=%E5%86%85%E5%AE%B9"
_HEADERS: Final = "HTTP/1.1\nHost: 127.0.0.1:10692\nContent-Type: application/x-www-form-urlencoded\n\n"
_CHANGE_PASSWORD: Final = f"POST /sms.aspx {_HEADERS}action=changespwd&userid=12&account=test&password=mima"
_STATUS: Final = f"POST /v2statusApi.aspx {_HEADERS}action=query&"


def build_send_example(content: str) -> str:
    """Return a send of this text as the example of a code: a form that the manual's vendor accepts."""
    return f"{_SEND}&content={quote(content)}&sendTime=&extno="


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceText:
    """The sentence of a code in both languages, in which `{}` are the values, and a request that is refused so.

    The example has a form that `sms10692-mock explain` reads, and is explained with the accounts of
    `diagnosis.registry`, at their time. It is empty if the code depends on more than a request. `profile` has the
    keys of a profile that refuses it, where the manual's does not. `keys` are the keys whose rule refuses: if the
    profile has other values there than the manual, the finding is followed by one that names the profile.
    """

    en: str
    zh: str
    example: str = ""
    profile: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = ()


VENDOR_EVIDENCE: Final[Mapping[str, EvidenceText]] = {
    "account-deleted": EvidenceText(
        en="The account was deleted while the request was processed: create it again.",
        zh="处理请求时账号已被删除：请重新创建。",
    ),
    "action": EvidenceText(
        en="action is '{}'; this endpoint supports {}: send one of these words exactly.",
        zh="action 是“{}”，这个接口支持 {}：原样发送其中一个词。",
        example=f"action=Send&{_SIGNED}&mobile=15023239810%2C13527576163{_TEXT}&sendTime=&extno=",
    ),
    "action-elsewhere": EvidenceText(
        en="action is '{}', and this endpoint supports {}: send '{}' to {}.",
        zh="action 是“{}”，而这个接口支持 {}：请把“{}”发往 {}。",
        example=f"POST /v2sms.aspx {_HEADERS}action=query&{_SIGNED}",
    ),
    "action-missing": EvidenceText(
        en="action is missing; this endpoint supports {}: send one of these words.",
        zh="缺少 action，这个接口支持 {}：请发送其中一个词。",
        example=f"{_SIGNED}&mobile=15023239810%2C13527576163{_TEXT}&sendTime=&extno=",
    ),
    "balance": EvidenceText(
        en="The send costs {} point(s) ({} number(s) × {} per number), the balance is {}: add credit, or send less.",
        zh="这次提交需要 {} 点（{} 个号码 × 每个 {} 点），余额 {} 点：请充值或减少发送。",
        example=f"action=send&userid=14&timestamp=20120701231212&sign=4a0fbfd524a607421e19deafcf5333a6&mobile=15023239810%2C13527576163{_TEXT}",
    ),
    "content-empty": EvidenceText(
        en="content is '{}', without visible text: send a text.",
        zh="content 是“{}”，没有可见的文字：请发送短信内容。",
        example=f"{_SEND}&content=+&sendTime=&extno=",
    ),
    "content-missing": EvidenceText(
        en="content is missing; received {}: send the text as 'content'.",
        zh="缺少 content，收到的是 {}：短信内容的参数名是“content”。",
        example=f"{_SEND}&msg=%E5%86%85%E5%AE%B9&sendTime=&extno=",
    ),
    "credentials-empty": EvidenceText(
        en="{} or {} was empty: every request to this endpoint needs them all.",
        zh="{} 或 {} 曾为空：发往该接口的每个请求都要带齐这些参数。",
    ),
    "credentials-changed": EvidenceText(
        en=(
            "The account did not accept {} and {} at {} when the request arrived, and would accept them now: the "
            "account has changed since."
        ),
        zh="请求到达时账号不接受 {} 和 {}（接口 {}），现在却会接受：账号在此之后改过。",
    ),
    "credentials-wrong": EvidenceText(
        en="{} and {} are not those of an account at {}: compare them with the account.",
        zh="{} 和 {} 与接口 {} 的账号不符：请与账号核对。",
    ),
    "delivery-rule": EvidenceText(
        en="A delivery rule of the account refuses sends to the number {}: change the rule.",
        zh="账号的发送结果规则拒绝发往号码 {} 的提交：请修改规则。",
    ),
    "extno-not-digits": EvidenceText(
        en="extno is '{}', and only digits are allowed: send digits, or leave it empty.",
        zh="extno 是“{}”，只能是数字：请发送数字或留空。",
        example=f"{_SEND}{_TEXT}&sendTime=&extno=A1",
    ),
    "extno-too-long": EvidenceText(
        en="extno has {} digit(s); at most {} are allowed: shorten it.",
        zh="extno 有 {} 位，最多 {} 位：请缩短。",
        example=f"{_SEND}{_TEXT}&sendTime=&extno=12345678901",
        keys=("extno_max_digits",),
    ),
    "fault": EvidenceText(
        en="The fault '{}' was triggered ({} left): remove the fault in the console or with the control API.",
        zh="触发了故障“{}”（还剩 {} 次）：在控制台或用管理接口清除故障。",
    ),
    "fault-unlimited": EvidenceText(
        en="The fault '{}' was triggered (without a limit): remove the fault in the console or with the control API.",
        zh="触发了故障“{}”（不限次数）：在控制台或用管理接口清除故障。",
    ),
    "forbidden-word": EvidenceText(
        en="The text contains the forbidden word '{}' at character {}: remove the word.",
        zh="内容里有非法关键词“{}”，在第 {} 个字符处：请去掉。",
        example=f"{_SEND}&content=%E3%80%90%E5%BA%97%E3%80%91%E4%BB%A3%E5%BC%80%E5%8F%91%E7%A5%A8&sendTime=&extno=",
        keys=("check_words",),
    ),
    "locked-out": EvidenceText(
        en="The account is locked after {} wrong credentials in a row, for {} more second(s) of its clock: wait.",
        zh="账号因连续 {} 次身份参数错误被锁定，按其时钟还有 {} 秒：请等待。",
        keys=("lock_out_after", "lock_out_seconds"),
    ),
    "mobile-empty": EvidenceText(
        en="mobile is '{}', without a number: send at least one number.",
        zh="mobile 是“{}”，里面没有号码：至少要有一个号码。",
        example=f"action=send&{_SIGNED}&mobile=%2C%2C{_TEXT}&sendTime=&extno=",
    ),
    "mobile-missing": EvidenceText(
        en="mobile is missing; received {}: send the numbers as 'mobile'.",
        zh="缺少 mobile，收到的是 {}：号码的参数名是“mobile”。",
        example=f"action=send&{_SIGNED}&phone=15023239810%2C13527576163{_TEXT}&sendTime=&extno=",
    ),
    "new-password-empty": EvidenceText(
        en="newpwd is empty: send the new password as newpwd and as renewpwd.",
        zh="newpwd 为空：请把新密码作为 newpwd 和 renewpwd 各发送一次。",
        example=f"{_CHANGE_PASSWORD}&newpwd=&renewpwd=",
    ),
    "new-password-unusable": EvidenceText(
        en="The new password is longer than {} characters, or not valid Unicode: choose another password.",
        zh="新密码超过 {} 个字符，或不是有效的 Unicode：请换一个密码。",
    ),
    "new-passwords-differ": EvidenceText(
        en="newpwd and renewpwd differ: send the new password twice.",
        zh="newpwd 与 renewpwd 不同：请把新密码发送两次。",
        example=f"{_CHANGE_PASSWORD}&newpwd=neu-1&renewpwd=neu-2",
    ),
    "no-points": EvidenceText(
        en="The balance is {}, and the profile then refuses to read the queues: add credit.",
        zh="余额 {} 点，当前配置因此拒绝读取队列：请充值。",
        keys=("queue_errors",),
    ),
    "profile-rule": EvidenceText(
        en="This rule is that of the profile '{}', from its key(s) {}: compare them with what the vendor does.",
        zh="这条规则来自品牌配置“{}”的键 {}：请与厂商的实际做法核对。",
        example=f"{_SEND}{_TEXT}&sendTime=&extno=123456",
        profile={"extno_max_digits": 5},
    ),
    "queues-not-allowed": EvidenceText(
        en="This account may not read the queues of reports and replies: allow it in the settings of the account.",
        zh="这个账号不允许读取状态报告和上行：请在账号设置中允许。",
        example=f"{_STATUS}userid=13&timestamp=20120701231212&sign=b4505cdfc31360ccbcd1a98635836885",
    ),
    "replies-not-allowed": EvidenceText(
        en="This account may not read the queues of replies and reports: allow it in the settings of the account.",
        zh="这个账号不允许读取上行和状态报告：请在账号设置中允许。",
        example=(
            f"POST /v2callApi.aspx {_HEADERS}action=query&userid=13&timestamp=20120701231212"
            "&sign=b4505cdfc31360ccbcd1a98635836885"
        ),
    ),
    "reserved-number": EvidenceText(
        en="The number {} is reserved for this refusal: send to another number.",
        zh="号码 {} 是保留号码，固定返回这种拒绝：请换一个号码。",
        example=f"action=send&{_SIGNED}&mobile=15023239810%2C10000000001{_TEXT}&sendTime=&extno=",
    ),
    "send-time-format": EvidenceText(
        en="sendTime is '{}'; expected {}: write it like {}.",
        zh="sendTime 是“{}”，格式应为 {}，例如 {}。",
        example=f"{_SEND}{_TEXT}&sendTime=2026%2F12%2F30+10%3A00%3A00&extno=",
        keys=("send_time_formats",),
    ),
    "send-time-no-date": EvidenceText(
        en="sendTime is '{}', and there is no such date: check day, month and time.",
        zh="sendTime 是“{}”，没有这样的日期：请检查日、月和时间。",
        example=f"{_SEND}{_TEXT}&sendTime=2026-02-30+10%3A00%3A00&extno=",
    ),
    "sql-injection": EvidenceText(
        en="The text looks like SQL injection: '{}' at character {}: rephrase the text.",
        zh="内容像 SQL 注入：“{}”，在第 {} 个字符处：请换一种写法。",
        example=f"{_SEND}&content=it%27+or+not&sendTime=&extno=",
    ),
    "status-num": EvidenceText(
        en="statusNum '{}' is not a number in digits (0-9): send a number like 4000, or leave it empty.",
        zh="statusNum“{}”不是只由 0-9 组成的数：请发送 4000 这样的数或留空。",
        example=f"{_STATUS}{_SIGNED}&statusNum=all",
    ),
    "status-num-zero": EvidenceText(
        en="statusNum is '{}', and must be at least 1: send a larger number, or leave it empty.",
        zh="statusNum 是“{}”，至少为 1：请发送更大的数或留空。",
        example=f"{_STATUS}{_SIGNED}&statusNum=0",
    ),
    "store-unavailable": EvidenceText(
        en="The store of the emulator is unavailable: see the log of the emulator.",
        zh="模拟服务器的存储不可用：请看模拟服务器的日志。",
    ),
    "timestamp-format": EvidenceText(
        en="The timestamp is '{}', and this emulator checks it: send yyyyMMddHHmmss.",
        zh="timestamp 是“{}”，而这个模拟服务器会检查它：应为 yyyyMMddHHmmss。",
        example=f"action=send&userid=12&timestamp=1341155532&sign=39ffd069c3eff9b8d8ba57abdaff5066&mobile=15023239810{_TEXT}",
        profile={"max_clock_skew": 300.0},
        keys=("max_clock_skew",),
    ),
    "timestamp-skew": EvidenceText(
        en="The timestamp {} is {} s off; {} s are allowed: set the clock, and sign the current time in China (UTC+8).",
        zh="timestamp {} 偏差 {} 秒，允许 {} 秒：请校准时钟，并用当前的中国时间（UTC+8）计算 sign。",
        example=f"action=send&userid=12&timestamp=20120701230212&sign=d5a89c36c7e66db500f8cfc6fe8ceddf&mobile=15023239810{_TEXT}",
        profile={"max_clock_skew": 300.0},
        keys=("max_clock_skew",),
    ),
    "too-many-verification-codes": EvidenceText(
        en="The number {} would get more than {} text(s) with 验证码 in {} s, the profile allows no more: wait.",
        zh="号码 {} 收到的含“验证码”的内容会超过 {} 条（{} 秒内），当前配置不允许：请等待。",
        keys=("verification_codes_per_3_minutes", "verification_codes_per_day"),
    ),
    "too-many-requests": EvidenceText(
        en="The account sent more than {} request(s) in {} s of its clock, the profile allows no more: wait.",
        zh="账号的请求超过 {} 个（按其时钟 {} 秒内），当前配置不允许：请等待。",
        keys=("requests_per_second", "requests_per_minute"),
    ),
}
"""The texts of each of these codes, and of those with which `diagnosis.refusals` refines one. `evidence_texts` adds
those of the keys of profiles.
"""

EXCERPT_LIMIT: Final = 256
"""Maximum number of characters of a text in evidence."""

_OVERHEAD: Final = 200
_MAX_CHARACTER_BYTES: Final = 4


class Evidence(NamedTuple):
    """Why a check refused a request: a code, and the values that the sentence of the code names, in their order.

    A value that the client decides is an `excerpt`. `profile` is the name of the profile if it may differ from the
    manual in this rule, otherwise empty.
    """

    code: "VendorCode | BrandCode"
    values: tuple[str | int, ...] = ()
    profile: str = ""

    @property
    def size(self) -> int:
        """Estimated bytes in memory."""
        return _OVERHEAD + sum(_MAX_CHARACTER_BYTES * len(str(value)) for value in self.values)


def excerpt(text: str) -> str:
    """Shorten a text of a client to `EXCERPT_LIMIT` characters."""
    return text[:EXCERPT_LIMIT]
