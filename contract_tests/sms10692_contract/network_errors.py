"""Network errors: which responses count as lost, which requests may be repeated, and what a lost response means.

A lost response says nothing about the server's behaviour, so no clause fails for it. **A send or a fetch is never
repeated:** it may have taken effect although its response was lost.
"""

import re
from typing import Final

from sms10692_contract.expected import ACCEPTED_STATUSES, ParsedResponse
from sms10692_contract.http import HttpResponse
from sms10692_contract.masking import mask_excerpt
from sms10692_contract.request_limits import CheckStopped
from sms10692_contract.requests import QUEUES, WireRequest
from sms10692_contract.safety import READ_ONLY_ACTIONS

RETRY_DELAYS: Final = (0.5, 2.0)
"""Seconds to wait before each repetition of a request whose response was lost."""

GATEWAY_STATUSES: Final = frozenset({502, 503, 504, *range(520, 528)})
"""HTTP statuses of a proxy that has got no response from the server behind it."""

PAUSE_LIMIT: Final = 60.0
"""Longest time in seconds that a run waits because the server asked for it."""


class ConnectionLost(CheckStopped):
    """The response to a request was lost. `cause` says how, `request` is the request."""

    def __init__(self, request: WireRequest, cause: str) -> None:
        super().__init__(f"connection lost: {cause}")
        self.request = request
        self.cause = cause

    def is_like(self, other: "ConnectionLost") -> bool:
        """Return whether both lost the response to the same request of an account."""
        return _build_key(self.request) == _build_key(other.request)


class TargetStopped(CheckStopped):
    """The server ends the run: it went away, limits requests, or refuses the account. The message names the cause."""


def _build_key(request: WireRequest) -> object:
    credentials = {"userid", "timestamp", "sign"}
    return request.endpoint, request.method, [pair for pair in request.pairs if pair[0] not in credentials]


def is_repeatable(request: WireRequest) -> bool:
    """Return whether a request has no effect, so that it may be sent again."""
    actions = {value for name, value in request.pairs if name.strip().lower() == "action"}
    return request.endpoint not in QUEUES and bool(actions) and actions <= READ_ONLY_ACTIONS


_TOO_OFTEN: Final = re.compile(
    r"频繁|频率|过快|太快|次数(?:过多|超限|已满)|请求(?:过多|太多)|稍[后候]再试|too (?:often|many|fast)|rate limit",
    re.IGNORECASE,
)
_LOCKED: Final = re.compile(r"锁定|冻结|禁用|停用|黑名单|封禁|locked|blocked|suspended|banned|disabled", re.IGNORECASE)
_CLOCK: Final = re.compile(r"时间戳|时间(?:过期|错误|不正确|无效)|timestamp|expired", re.IGNORECASE)

_TEXT_LIMIT: Final = 120


def find_request_limit(request: WireRequest, response: HttpResponse) -> str:
    """Return how the server says that it limits requests; empty if it does not.

    Only HTTP 429 and the message of a refusal say so: a reply may contain the same words.
    """
    if response.status == 429:
        return "the server limits requests (HTTP 429)"
    text = _get_refusal(ParsedResponse(request, response))
    return f"the server limits requests: {mask_excerpt(text, _TEXT_LIMIT)}" if _TOO_OFTEN.search(text) else ""


def _get_refusal(response: ParsedResponse) -> str:
    """Return the message of a refused request, or the remark of an error document; empty if it is neither."""
    root = response.document
    if root is None:
        return ""
    elements = {child.name: child for child in root.children}
    error = root if root.name == "errorstatus" else elements.get("errorstatus")
    if error is not None:
        return " ".join(child.text.strip() for child in error.children if child.name == "remark")
    if "message" not in elements or elements.keys() & {"statusbox", "callbox"}:
        return ""
    status = elements["returnstatus"].text.strip() if "returnstatus" in elements else ""
    return "" if status in ACCEPTED_STATUSES else elements["message"].text.strip()


def mentions_lock(response: HttpResponse) -> bool:
    """Return whether a response says that an account is locked, or will be."""
    return bool(_LOCKED.search(decode_text(response)))


def mentions_clock(response: HttpResponse) -> bool:
    """Return whether a refusal is about the timestamp."""
    return bool(_CLOCK.search(decode_text(response)))


def decode_text(response: HttpResponse) -> str:
    """Return the text of a response without its markup."""
    try:
        text = response.body.decode("utf-8")
    except UnicodeDecodeError:
        text = response.body.decode("gbk", "replace")
    return " ".join(re.sub(r"<[^>]*>", " ", text[:4000]).split())
