"""Registry of fault kinds: what each does, which parameter it takes, and its texts.

The control API, its schema, the console, the reference's table, the stress run and the tests read this registry.
`app.fault_injection` has the effect of each kind on a response.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from sms10692 import protocol

FaultKind: TypeAlias = Literal[
    "latency",
    "hang",
    "slow_body",
    "status",
    "empty_body",
    "truncate",
    "disconnect",
    "wrong_charset",
    "bom",
    "vendor_error",
    "drop_fetch",
]


class Translation(NamedTuple):
    """A text in both languages."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSpec:
    """The properties of a fault kind.

    `label` is the kind's name in the console, `effect` describes in the documents what the client sees. `executed`:
    whether the vendor executes the request all the same; a fault's `apply` overrides "yes" and "no". `has_response`:
    whether any byte of a response is sent. `parameter` is the
    field of `Fault` that the kind takes; without `required`, it has a default. `operations` are the names of the
    operations that the kind can apply to; none means all.
    """

    label: Translation
    effect: Translation
    executed: Literal["yes", "no", "never"]
    parameter: Literal["", "seconds", "status", "at", "charset", "message"] = ""
    required: bool = False
    has_response: bool = True
    operations: tuple[str, ...] = ()


FAULT_KINDS: Final[Mapping[FaultKind, FaultSpec]] = {
    "latency": FaultSpec(
        label=Translation("latency", "延迟"),
        effect=Translation(
            "the response, `seconds` late, or a random time up to `seconds_max`",
            "响应晚到 `seconds` 秒，或在它与 `seconds_max` 之间随机",
        ),
        executed="yes",
        parameter="seconds",
        required=True,
    ),
    "hang": FaultSpec(
        label=Translation("no response", "无响应"),
        effect=Translation("no response, ever", "无响应"),
        executed="no",
        has_response=False,
    ),
    "slow_body": FaultSpec(
        label=Translation("slow body", "正文迟到"),
        effect=Translation(
            "status and headers at once, the body `seconds` later, or after a random time up to `seconds_max`",
            "状态行和响应头立即到达，正文晚到 `seconds` 秒，或在它与 `seconds_max` 之间随机",
        ),
        executed="yes",
        parameter="seconds",
        required=True,
    ),
    "status": FaultSpec(
        label=Translation("HTTP error", "HTTP 错误"),
        effect=Translation("HTTP `status` with a page as IIS writes it", "HTTP `status`，附带 IIS 样式的页面"),
        executed="no",
        parameter="status",
    ),
    "empty_body": FaultSpec(
        label=Translation("empty body", "空响应"),
        effect=Translation("HTTP 200 without a body", "HTTP 200，没有正文"),
        executed="yes",
    ),
    "truncate": FaultSpec(
        label=Translation("truncated response", "响应截断"),
        effect=Translation(
            "the response up to byte `at`, then the connection is closed", "响应到第 `at` 个字节为止，随后连接关闭"
        ),
        executed="yes",
        parameter="at",
    ),
    "disconnect": FaultSpec(
        label=Translation("disconnect", "断开连接"),
        effect=Translation("no byte; the connection is closed", "没有任何字节，连接关闭"),
        executed="no",
        has_response=False,
    ),
    "wrong_charset": FaultSpec(
        label=Translation("wrong charset label", "字符集标注错误"),
        effect=Translation(
            "the same bytes, labelled `charset` in header and XML declaration",
            "字节不变，但响应头和 XML 声明中的字符集为 `charset`",
        ),
        executed="yes",
        parameter="charset",
        required=True,
    ),
    "bom": FaultSpec(
        label=Translation("byte order mark", "多出 BOM"),
        effect=Translation("a byte order mark before the response", "响应前面多一个字节顺序标记"),
        executed="yes",
    ),
    "vendor_error": FaultSpec(
        label=Translation("vendor refusal", "厂商拒绝"),
        effect=Translation("a refusal with `message`, which may be any text", "以 `message` 拒绝，可以是任何文字"),
        executed="never",
        parameter="message",
        required=True,
    ),
    "drop_fetch": FaultSpec(
        label=Translation("lost after fetch", "获取后丢失"),
        effect=Translation(
            "no byte; what `status` or `call` fetched is lost, and `fetched_by_request` and `faults` in the lists name "
            "the items",
            "没有任何字节；`status` 或 `call` 获取的数据丢失；列表中的 `fetched_by_request` 和 `faults` 说明是哪些条目",
        ),
        executed="yes",
        has_response=False,
        operations=(protocol.STATUS.name, protocol.CALL.name),
    ),
}
"""All fault kinds, in the order of the documents and the console."""
