"""Messages with which servers of other brands refuse requests. Only the fault `vendor_error` sends them (R21)."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from sms10692 import protocol

Grade: TypeAlias = Literal["M", "W"]
"""How well an observation is supported: M by two sources, W by one."""

OTHER_MESSAGES: Final[Mapping[str, Grade]] = {
    "sign参数错误": "M",
    "短信必须带【】格式签名": "M",
    "非法签名": "M",
    "扩展子号只能是数字": "M",
    "包含屏蔽词：发票": "M",  # the prefix was observed, the word is one of the default words
    "参数错误": "W",
    protocol.REPLIES_NOT_ALLOWED: "W",
    protocol.NO_RECORDS: "W",
}
"""The grade of each message. None of them is in the manual."""
