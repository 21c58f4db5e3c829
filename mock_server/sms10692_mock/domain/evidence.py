"""Evidence: what a check of the vendor saw when it refused a request.

`diagnosis.refusals` turns evidence into a finding. A check builds evidence only when it refuses, so that accepted
requests pay nothing for it. The request log stores it, because a balance, a list of words or a fault may change later.
"""

from typing import Final, Literal, NamedTuple, TypeAlias

EvidenceCode: TypeAlias = Literal[
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
    "mobile-empty",
    "queues-not-allowed",
    "reserved-number",
    "send-time-format",
    "send-time-no-date",
    "sql-injection",
    "status-num",
    "status-num-zero",
    "store-unavailable",
    "timestamp-format",
    "timestamp-skew",
]
"""One code for each way in which a request is refused. The code of the finding is `refusal.` and this code."""

EXCERPT_LIMIT: Final = 256
"""Maximum number of characters of a text in evidence."""

_OVERHEAD: Final = 200
_MAX_CHARACTER_BYTES: Final = 4


class Evidence(NamedTuple):
    """Why a check refused a request: a code, and the values that the sentence of the code names, in their order.

    A value that the client decides is an `excerpt`.
    """

    code: EvidenceCode
    values: tuple[str | int, ...] = ()

    @property
    def size(self) -> int:
        """Estimated bytes in memory."""
        return _OVERHEAD + sum(_MAX_CHARACTER_BYTES * len(str(value)) for value in self.values)


def excerpt(text: str) -> str:
    """Shorten a text of a client to `EXCERPT_LIMIT` characters."""
    return text[:EXCERPT_LIMIT]
