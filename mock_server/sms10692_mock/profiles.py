"""Profiles: how the responses of real servers differ from the manual, as data (`manual` and `observed`).

`observed` differs in exactly three points, each seen in responses of real servers (A12, A13, A14 of the evidence in
`fixtures/readings.md`). The renderers are in `codec`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from sms10692 import protocol
from sms10692.protocol import Operation

ProfileName: TypeAlias = Literal["manual", "observed"]

ERRORCODE, EXTNO = protocol.STATUS.elements[-2:]


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """One format of responses.

    `refusal_of` maps each operation that fetches no queue to the operation whose elements carry its refusals.
    `keyword_elements` are the elements of a checkkeyword response, `keyword_values` returns their values from message
    and text. `cdata` lists the elements that are written as CDATA.
    """

    name: ProfileName
    refusal_of: Mapping[Operation | None, Operation]
    keyword_elements: tuple[str, ...]
    keyword_values: Callable[[str, str], tuple[str, ...]]
    cdata: frozenset[tuple[Operation, str]]


MANUAL: Final = Profile(
    name="manual",
    refusal_of={
        protocol.SEND: protocol.SEND,
        protocol.OVERAGE: protocol.OVERAGE,
        protocol.CHECKKEYWORD: protocol.CHECKKEYWORD,
        protocol.CHANGESPWD: protocol.CHANGESPWD,
        None: protocol.SEND,  # R10
    },
    keyword_elements=protocol.CHECKKEYWORD.elements,
    keyword_values=lambda message, text: (message,),
    cdata=frozenset(),
)

OBSERVED: Final = Profile(
    name="observed",
    refusal_of={
        protocol.SEND: protocol.SEND,
        protocol.OVERAGE: protocol.SEND,
        protocol.CHECKKEYWORD: protocol.SEND,
        protocol.CHANGESPWD: protocol.CHANGESPWD,
        None: protocol.SEND,
    },
    keyword_elements=(*protocol.SEND.elements[:2], "checkCounts"),
    keyword_values=lambda message, text: (protocol.SEND.success, message, text),
    cdata=frozenset({(protocol.STATUS, ERRORCODE), (protocol.STATUS, EXTNO), (protocol.CALL, EXTNO)}),
)

PROFILES: Final[Mapping[str, Profile]] = {profile.name: profile for profile in (MANUAL, OBSERVED)}
