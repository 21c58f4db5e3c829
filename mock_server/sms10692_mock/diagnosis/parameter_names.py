"""Parameter names that are nearly those of the manual, with the name that was probably meant."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from sms10692 import protocol

_SIMILAR: Final[Mapping[str, tuple[str, ...]]] = {
    "mobile": (
        *("phone", "phones", "phonenumber", "phone_number", "phonenumbers", "mobiles", "mobilephone", "mobile_no"),
        *("tel", "telephone", "to", "number", "numbers", "msisdn", "receiver", "recipient", "recipients", "dest"),
    ),
    "content": (
        *("msg", "message", "text", "body", "sms", "smscontent", "contents", "send", "data", "msgcontent"),
        *("word", "words", "keyword", "keywords", "check", "sensitive"),
    ),
    "sendTime": ("send_time", "sendat", "schedule", "schedule_time", "timing", "sendtimes", "sendate", "senddate"),
    "action": ("act", "cmd", "command", "method", "op", "operation", "acton", "type"),
    "extno": ("ext", "ext_no", "extend", "extcode", "ext_code", "subid", "sub_id", "subcode", "extnum"),
    "statusNum": ("num", "count", "limit", "size", "status_num", "statusnumber", "statuscount"),
}
"""Names under which clients send a parameter by mistake, in lower case."""

SIGN_NAMES: Final = ("signature", "sgin", "sing", "signs", "sig", "md5", "token", "mac", "hash", "signstr")
"""Names under which clients send the signature by mistake, likely ones first."""

PASSWORD_NAMES: Final = ("password", "pwd", "passwd", "pass")
"""Parameters of clients that send the password in plain text, as in an older version of the API."""

PASSWORD_NAME: Final = re.compile("pass|pas+w|pwd|psw", re.IGNORECASE)
"""Pattern of what the name of a parameter with a password contains: password, newpwd, renewpwd, and those sent by
mistake.
"""

NAMES: Final[Mapping[str, str]] = {
    name.lower(): name
    for endpoint in protocol.ENDPOINTS
    for operation in endpoint.operations
    for name in endpoint.parameters_of(operation)
}
"""Every parameter of an endpoint, by its name in lower case."""

KNOWN_NAMES: Final = frozenset(NAMES)
"""Every parameter of an endpoint, in lower case."""

_SIGN: Final = protocol.SIGNED.parameters[2]
_SECRET_NAMES: Final = frozenset((_SIGN, *SIGN_NAMES, *PASSWORD_NAMES, *protocol.CHANGESPWD.parameters[1:]))

_MEANT: Final = {similar: name for name, names in _SIMILAR.items() for similar in names}
_CUTOFF: Final = 0.8


def get_bare_name(name: str) -> str:
    """Return a name as received in lower case, without white space, `amp;` and brackets.

    >>> get_bare_name("amp;Mobile[]"), get_bare_name("sign ")
    ('mobile', 'sign')
    """
    return name.strip().lower().removeprefix("amp;").partition("[")[0]


def is_secret(name: str) -> bool:
    """Return whether a parameter, by its name as received, has a signature or a password as its value."""
    return get_bare_name(name) in _SECRET_NAMES


def is_parameter(name: str) -> bool:
    """Return whether a name as received is a parameter, or a name under which clients send one by mistake."""
    bare = get_bare_name(name)
    return bare in KNOWN_NAMES or bare in _SECRET_NAMES or bare in _MEANT


def similar_names(unknown: list[str], parameters: tuple[str, ...], sent: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield unknown names with the parameter meant, which is among `parameters` and not among the names `sent`."""
    missing = {name.lower(): name for name in parameters if name.lower() not in sent}
    for name in unknown:
        outer, _, inner = name.strip().removesuffix("[]").partition("[")
        bare = outer if is_parameter(outer) or not is_parameter(inner.rstrip("]")) else inner.rstrip("]")
        meant = missing.get(bare) or missing.get(_MEANT.get(bare, "").lower())
        if meant is None and (close := get_close_matches(bare, missing, 1, _CUTOFF)):
            meant = missing[close[0]]
        if meant is not None and name != meant.lower():
            yield name, meant
