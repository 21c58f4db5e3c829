"""Profiles: how the vendor of a brand differs from the manual, as data: each field of `Profile` is a key.

`manual` and `observed` are built in; `profile_file` reads others from TOML. `observed` differs in exactly three points,
each seen in responses of real servers (A12, A13, A14 of the evidence in `fixtures/readings.md`). The renderers are in
`codec`, the rules in `domain`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

from sms10692 import protocol
from sms10692.protocol import Endpoint, Operation
from sms10692_mock.domain.bounds import MAX_SECONDS
from sms10692_mock.domain.clock import SendTimeFormat
from sms10692_mock.domain.evidence import Evidence, EvidenceText, VendorCode, build_send_example, excerpt
from sms10692_mock.domain.profile_key import KeySpec, key

if TYPE_CHECKING:  # api_request imports records, which may contain profiles
    from sms10692_mock.domain.api_request import ApiRequest

MAX_TEXT: Final = 200
"""Maximum characters of a text in a file."""

FORBIDDEN_WORD_PLACE: Final = "{word}"
"""What stands for the forbidden word in the text of its refusal."""


BrandCode: TypeAlias = Literal[
    "text-signature-anywhere",
    "text-signature-digits",
    "text-signature-end",
    "text-signature-front",
    "text-signature-long",
    "text-signature-short",
    "too-many-numbers",
]
"""The codes of evidence of the checks below, whose texts are the `refusals` of the keys."""

_BRACKETS: Final = re.compile("【([^【】]*)】")
_PLACES: Final[Mapping[str, tuple[Callable[[str, re.Match[str]], bool], Evidence | None]]] = {
    "optional": (lambda text, found: found.start() == 0 or found.end() == len(text), None),
    "anywhere": (lambda text, found: True, Evidence("text-signature-anywhere")),
    "front": (lambda text, found: found.start() == 0, Evidence("text-signature-front")),
    "end": (lambda text, found: found.end() == len(text), Evidence("text-signature-end")),
}
"""By `text_signature`: whether brackets in a text are at a place of the signature, and the evidence if none are."""


def _check_number_count(request: "ApiRequest", profile: "Profile") -> Evidence | None:
    most = profile.max_numbers
    if most is None:
        return None
    count = request.count_numbers()
    return None if count <= most else Evidence("too-many-numbers", (count, most))


def _check_text_signature(request: "ApiRequest", profile: "Profile") -> Evidence | None:
    """Return the problem of the first text signature if none is right; of several at its place, one must be right."""
    is_at_place, missing = _PLACES[profile.text_signature]
    first = None
    for found in _BRACKETS.finditer(request.content):
        if found[1].strip() and is_at_place(request.content, found):
            problem = _find_signature_problem(found[1], profile)
            if problem is None:
                return None
            first = first or problem
    return first or missing


def _find_signature_problem(signature: str, profile: "Profile") -> Evidence | None:
    length, low, high = len(signature), profile.text_signature_min, profile.text_signature_max
    if low is not None and length < low:
        return Evidence("text-signature-short", (excerpt(signature), length, low))
    if high is not None and length > high:
        return Evidence("text-signature-long", (excerpt(signature), length, high))
    if not profile.text_signature_may_be_digits and signature.isdecimal():
        return Evidence("text-signature-digits", (excerpt(signature),))
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One brand. The defaults are the manual's, or our reading of it."""

    name: str = "manual"
    refusal_form: Literal["own", "send"] = key(
        "own",
        "Elements of the refusals of overage and checkkeyword: their own, or those of send.",
        "overage 和 checkkeyword 被拒绝时的元素：各自的，或 send 的。",
        "observed",
        "W",
    )
    keyword_form: Literal["message", "status"] = key(
        "message",
        "Elements of checkkeyword: message alone, or returnstatus, message and checkCounts with the text.",
        "checkkeyword 的元素：只有 message，或 returnstatus、message 以及含原文的 checkCounts。",
        "observed",
        "M",
    )
    keyword_clean: str = key(
        protocol.NOTHING_FORBIDDEN,
        "Message of checkkeyword for a text without forbidden words.",
        "checkkeyword 对不含屏蔽词的内容返回的 message。",
        "observed",
        "W",
    )
    keyword_found: str = key(
        protocol.FORBIDDEN_FOUND,
        "Message of checkkeyword for a text with a forbidden word.",
        "checkkeyword 对含屏蔽词的内容返回的 message。",
        "observed",
        "W",
    )
    cdata: bool = key(
        False,
        "Whether errorcode and extno of reports and replies are CDATA.",
        "状态报告和上行的 errorcode、extno 是否用 CDATA。",
        "observed",
        "S",
    )
    receivetime: Literal["padded", "dashes", "slashes"] = key(
        "padded",
        "receivetime as 2011-01-02 03:04:05, or without leading zeros of month, day and hour: 2011-1-2 3:04:05 or "
        "2011/1/2 3:04:05.",
        "receivetime 写作 2011-01-02 03:04:05，或月、日、时不补零：2011-1-2 3:04:05、2011/1/2 3:04:05。",
        "observed",
        "S",
    )
    item_extno: bool = key(
        True,
        "Whether reports and replies have the element extno.",
        "状态报告和上行是否有 extno 元素。",
        "observed",
        "M",
    )
    item_userid: bool = key(
        False,
        "Whether reports and replies begin with the element userid.",
        "状态报告和上行是否以 userid 元素开头。",
        "observed",
        "W",
    )
    delivered: Literal["status-10", "status-DELIVRD", "errorcode-10"] = key(
        "status-10",
        "What a report of a delivered message has: status 10; status DELIVRD (of a failed one UNDELIV) without "
        "errorcode; or status 10 and errorcode 10 in place of DELIVRD.",
        "送达的状态报告：status 为 10；status 为 DELIVRD（失败为 UNDELIV），没有 errorcode；"
        "或 status 为 10、errorcode 由 DELIVRD 改为 10。",
        "observed",
        "W",
    )
    empty_queue: Literal["root", "nothing", "error5"] = key(
        "root",
        "Response of an empty queue: a root without children, an empty body (XML only), or error 5 with 没有记录.",
        "队列为空时的响应：没有子元素的根元素、空的响应体（仅 XML），或错误 5“没有记录”。",
        "observed",
        "W",
    )
    queue_errors: Literal[4, 6] = key(
        4,
        "Errors of the two queues: 1 to 4, or 1 to 6. Then a prepaid account without points gets error 5 with the "
        "text of a balance that is too small, an unknown action error 6 with 其他错误; when they occur is ours.",
        "两个队列接口的错误：1 到 4，或 1 到 6。为 6 时，余额用完的预付费账号得到错误 5（余额不足的提示），"
        "未知的 action 得到错误 6“其他错误”；何时出现是我们定的。",
        "observed",
        "W",
    )
    signed_changespwd: bool = key(
        False,
        "Whether the signed endpoints have changespwd too, with the responses of the older ones.",
        "签名接口是否也有 changespwd，响应与旧接口相同。",
        "observed",
        "W",
    )
    json_switch: Literal["rt", "dataType"] = key(
        "rt",
        "Parameter with which a request asks for JSON: rt=json or dataType=json.",
        "请求 JSON 响应的参数：rt=json 或 dataType=json。",
        "observed",
        "W",
    )
    json_form: Literal["pascal", "lower"] = key(
        "pascal",
        "JSON: keys like ReturnStatus with numbers as numbers, or in lower case with every value as text.",
        "JSON：键如 ReturnStatus、数字为数字，或键全小写、值全为文本。",
        "observed",
        "M",
    )
    line_end: Literal["lf", "crlf"] = key(
        "lf",
        "Line end of responses: \\n or \\r\\n.",
        "响应的换行：\\n 或 \\r\\n。",
        "reading",
        rewrite=lambda document, value: document.replace("\n", "\r\n"),
    )
    extno_max_digits: int = key(
        protocol.EXTNO_MAX_DIGITS, "Most digits of extno.", "extno 最多的位数。", "observed", "M", (1, 20)
    )
    send_time_formats: tuple[SendTimeFormat, ...] = key(
        ("yyyy-MM-dd HH:mm:ss",), "Formats of sendTime that are accepted.", "接受的 sendTime 格式。", "observed", "W"
    )
    max_numbers: int | None = key(
        None,
        "Most numbers in one request. Sources contradict each other; by default any.",
        "一次提交最多的号码数。来源互相矛盾，默认不限。",
        "observed",
        "W",
        (1, 1_000_000),
        check=_check_number_count,
        refusals={
            "too-many-numbers": EvidenceText(
                en="The request has {} numbers; the profile allows {}: divide the numbers among several requests.",
                zh="一次提交了 {} 个号码，当前配置最多 {} 个：请分几次提交。",
                example=build_send_example("内容"),
                profile={"max_numbers": 1},
            ),
        },
    )
    text_signature: Literal["optional", "anywhere", "front", "end"] = key(
        "optional",
        "Whether a text must have a 【signature】: anywhere, at the front or at the end.",
        "内容是否必须带【】签名：任意位置、开头或结尾。",
        "observed",
        "W",
        check=_check_text_signature,
        refusals={
            "text-signature-anywhere": EvidenceText(
                en="The text has no 【signature】, which the profile demands: add the signature of the brand.",
                zh="内容没有【签名】，而当前配置要求有：请加上签名。",
                example=build_send_example("内容"),
                profile={"text_signature": "anywhere"},
            ),
            "text-signature-front": EvidenceText(
                en=(
                    "The text does not begin with a 【signature】, which the profile demands: "
                    "add the signature of the brand."
                ),
                zh="内容开头没有【签名】，而当前配置要求有：请加上签名。",
                example=build_send_example("内容"),
                profile={"text_signature": "front"},
            ),
            "text-signature-end": EvidenceText(
                en=(
                    "The text does not end with a 【signature】, which the profile demands: "
                    "add the signature of the brand."
                ),
                zh="内容结尾没有【签名】，而当前配置要求有：请加上签名。",
                example=build_send_example("内容"),
                profile={"text_signature": "end"},
            ),
        },
    )
    text_signature_min: int | None = key(
        None,
        "Fewest characters between the 【】 of a signature, where the text has one: 2 in one document, 3 at a sibling "
        "of the platform.",
        "【】签名最少的字数（内容带签名时）：一份文档为 2，同源平台为 3。",
        "observed",
        "W",
        (1, 100),
        check=_check_text_signature,
        refusals={
            "text-signature-short": EvidenceText(
                en=(
                    "The 【signature】 '{}' has {} character(s), and the profile wants at least {}: "
                    "use a longer signature."
                ),
                zh="【签名】“{}”有 {} 个字，当前配置至少 {} 个：请换一个较长的签名。",
                example=build_send_example("【店】内容"),
                profile={"text_signature_min": 2},
            ),
        },
    )
    text_signature_max: int | None = key(
        None,
        "Most characters between the 【】 of a signature, where the text has one: 8 in one document and at a sibling "
        "of the platform.",
        "【】签名最多的字数（内容带签名时）：一份文档和同源平台均为 8。",
        "observed",
        "W",
        (1, 100),
        check=_check_text_signature,
        refusals={
            "text-signature-long": EvidenceText(
                en=(
                    "The 【signature】 '{}' has {} character(s), and the profile allows at most {}: "
                    "use a shorter signature."
                ),
                zh="【签名】“{}”有 {} 个字，当前配置最多 {} 个：请换一个较短的签名。",
                example=build_send_example("【小店】内容"),
                profile={"text_signature_max": 1},
            ),
        },
    )
    text_signature_may_be_digits: bool = key(
        True,
        "Whether a signature may consist of digits alone, half or full width.",
        "签名是否可以只由数字（半角或全角）组成。",
        "observed",
        "W",
        check=_check_text_signature,
        refusals={
            "text-signature-digits": EvidenceText(
                en=(
                    "The 【signature】 '{}' has digits only, which the profile refuses: "
                    "put the name of the brand into it."
                ),
                zh="【签名】“{}”只有数字，当前配置不允许：请在【】中写品牌名。",
                example=build_send_example("【10692】内容"),
                profile={"text_signature_may_be_digits": False},
            ),
        },
    )
    check_words: Literal["always", "checkContent"] = key(
        "checkContent",
        "Whether the older endpoints check every send for forbidden words, or only with checkContent=1.",
        "旧接口的提交总是检查屏蔽词，还是只在 checkContent=1 时检查。",
        "reading",
    )
    billing: Literal["segment", "recipient"] = key(
        "segment",
        "Price per recipient: a point for each SMS segment (up to 70 UTF-16 code units are one, longer texts have one "
        "per 67), or one point whatever the text.",
        "每个号码的价格：按短信条数计（70 个 UTF-16 码元以内为一条，更长的每 67 个一条），或不论内容都是一点。",
        "reading",
    )
    max_clock_skew: float | None = key(
        None,
        "Seconds by which a timestamp may differ from the clock; then it must have 14 digits too, and the manual's "
        "example is refused because it is old. By default any timestamp. Sources contradict each other.",
        "timestamp 与当前时间最多相差的秒数；此时还必须是 14 位数字，接口文档的示例因时间过旧也会被拒绝。"
        "默认接受任何时间戳。来源互相矛盾。",
        "observed",
        "W",
        (10, MAX_SECONDS),
    )
    requests_per_second: int | None = key(
        None,
        "Most requests of an account in a second of its clock; those with wrong credentials do not count.",
        "一个账号在其时钟的一秒内最多的请求数，身份参数错误的不计。",
        "ours",
        "",
        (1, 100_000),
    )
    requests_per_minute: int | None = key(
        None,
        "Most requests of an account in a minute of its clock; those with wrong credentials do not count.",
        "一个账号在其时钟的一分钟内最多的请求数，身份参数错误的不计。",
        "ours",
        "",
        (1, 100_000),
    )
    lock_out_after: int | None = key(
        None,
        "Wrong credentials in a row after which the account refuses all requests for `lock_out_seconds`.",
        "连续多少次身份参数错误后，账号在 `lock_out_seconds` 秒内拒绝所有请求。",
        "ours",
        "",
        (1, 1_000_000),
    )
    lock_out_seconds: float = key(
        600.0,
        "Seconds of a lock-out, on the clock of the account.",
        "锁定的秒数，按账号的时钟。",
        "ours",
        "",
        (1, MAX_SECONDS),
    )
    verification_codes_per_3_minutes: int | None = key(
        None,
        "Most texts with 验证码 to one number in three minutes: 3 at a sibling of the platform.",
        "三分钟内发给同一号码、含“验证码”的内容最多几条：同源平台为 3。",
        "observed",
        "W",
        (1, 100_000),
    )
    verification_codes_per_day: int | None = key(
        None,
        "Most texts with 验证码 to one number in 24 hours: 10 at a sibling of the platform.",
        "24 小时内发给同一号码、含“验证码”的内容最多几条：同源平台为 10。",
        "observed",
        "W",
        (1, 100_000),
    )
    texts: Mapping[Literal[VendorCode, BrandCode], str] = key(
        {},
        "Messages in place of the manual's, by the cause of the refusal (the code of its finding without `refusal.`). "
        "`{word}` is the forbidden word.",
        "代替接口文档的提示，按拒绝的原因（诊断代码去掉 `refusal.`）。`{word}` 是屏蔽词。",
        "observed",
        "W",
    )

    differences: frozenset[str] = field(init=False, repr=False, compare=False)
    """The names of the keys whose value is not the manual's. **Rules that only profiles have look here first**: it is
    empty for the manual's profile, so that they cost it nothing.
    """

    def __post_init__(self) -> None:
        keys = (one for one in fields(self) if "key" in one.metadata)
        changed = (
            one.name for one in keys if getattr(self, one.name) != cast("Callable[[], Any]", one.default_factory)()
        )
        object.__setattr__(self, "differences", frozenset(changed))

    def refusal_layout(self, operation: Operation | None) -> Operation:
        """Return the operation whose elements carry the refusals of an operation that fetches no queue (R10)."""
        if operation is None or (self.refusal_form == "send" and operation is not protocol.CHANGESPWD):
            return protocol.SEND
        return operation


MANUAL: Final = Profile()
OBSERVED: Final = replace(MANUAL, name="observed", refusal_form="send", keyword_form="status", cdata=True)

PROFILES: Final[Mapping[str, Profile]] = {profile.name: profile for profile in (MANUAL, OBSERVED)}
"""The built-in profiles."""

KEYS: Final[Mapping[str, KeySpec]] = {
    field.name: field.metadata["key"] for field in fields(Profile) if "key" in field.metadata
}
"""The description of each key, in the order of the documents."""


def get_operations(endpoint: Endpoint, profile: Profile) -> tuple[Operation, ...]:
    """Return the operations that an endpoint serves in a profile."""
    has_more = profile.signed_changespwd and endpoint in (protocol.V2SMS, protocol.V2SMS_GBK)
    return (*endpoint.operations, protocol.CHANGESPWD) if has_more else endpoint.operations


def apply_profile(request: "ApiRequest", profile: Profile) -> "ApiRequest":
    """Return the request as the vendor of a brand reads it: its parameter that asks for JSON, its actions (R22)."""
    operation = request.operation
    if operation is None and profile.signed_changespwd and request.action == protocol.CHANGESPWD.action:
        operation = protocol.CHANGESPWD
    wants_json = request.fields.get(profile.json_switch.lower()) == "json"
    return request._replace(operation=operation, wants_json=wants_json)
