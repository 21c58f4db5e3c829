"""Parameter names that are nearly those of the manual, with the name that was probably meant."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

_SIMILAR: Final[Mapping[str, tuple[str, ...]]] = {
    "mobile": (
        *("phone", "phones", "phonenumber", "phone_number", "phonenumbers", "mobiles", "mobilephone", "mobile_no"),
        *("tel", "telephone", "to", "number", "numbers", "msisdn", "receiver", "recipient", "recipients", "dest"),
    ),
    "content": ("msg", "message", "text", "body", "sms", "smscontent", "contents", "send", "data", "msgcontent"),
    "sendTime": ("send_time", "sendat", "schedule", "schedule_time", "timing", "sendtimes", "sendate", "senddate"),
    "action": ("act", "cmd", "command", "method", "op", "operation", "acton", "type"),
    "extno": ("ext", "ext_no", "extend", "extcode", "ext_code", "subid", "sub_id", "subcode", "extnum"),
    "statusNum": ("num", "count", "limit", "size", "status_num", "statusnumber", "statuscount"),
}
"""Names under which clients send a parameter by mistake, in lower case."""

_MEANT: Final = {similar: name for name, names in _SIMILAR.items() for similar in names}
_CUTOFF: Final = 0.8


def similar_names(unknown: list[str], parameters: tuple[str, ...], sent: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield unknown names with the parameter meant, which is among `parameters` and not among the names `sent`."""
    missing = {name.lower(): name for name in parameters if name.lower() not in sent}
    for name in unknown:
        bare = name.strip().removesuffix("[]").partition("[")[0]
        meant = missing.get(bare) or missing.get(_MEANT.get(bare, "").lower())
        if meant is None and (close := get_close_matches(bare, missing, 1, _CUTOFF)):
            meant = missing[close[0]]
        if meant is not None and name != meant.lower():
            yield name, meant
