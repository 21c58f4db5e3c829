"""Masking of passwords in logged requests, for readers who may not see secrets.

Clients decide where a secret is: in the query, in a form, in JSON, under another name, or encoded twice. **A part of
a request that may contain a password is masked as a whole.** Readers who may see no signature either have
`spectator_mask`.
"""

import re
from typing import Final

from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.percent import decode_component
from sms10692_mock.diagnosis.parameter_names import PASSWORD_NAME
from sms10692_mock.domain.records import LoggedRequest

MASK: Final = "***"

_NAME: Final = re.compile(f"{PASSWORD_NAME.pattern}|密码", re.IGNORECASE)
"""What the names of parameters with a password contain: password, newpwd, renewpwd, and those sent by mistake."""

_NAME_IN_VALUE: Final = re.compile(rf"(?:{PASSWORD_NAME.pattern})\w{{0,20}}[\s\"']{{0,4}}[=:>]", re.IGNORECASE)
"""A name and what follows it. The repetitions are bounded, since bodies are long."""

_MIN_SEARCHED: Final = 4
"""Length from which a password is searched inside other values."""

_NOT_DIVIDED: Final = ("multipart/", "application/json", "+json", "text/xml", "application/xml")
"""Content types of bodies in which `&` does not divide parameters."""


def mask_target(request: LoggedRequest, password: str) -> LoggedRequest:
    """Mask passwords in path and query. `password` is the account's, or empty."""
    path = _mask_parameters(request.path.encode("utf-8", "surrogatepass"), password)
    return request._replace(path=path.decode("utf-8", "surrogatepass"), query=_mask_parameters(request.query, password))


def mask_request(request: LoggedRequest, password: str) -> LoggedRequest:
    """Mask passwords in path, query, headers and body. `password` is that of the account, or empty.

    >>> form = b"action=send&password=mima&newpwd=neu&sign=5CC6"
    >>> entry = LoggedRequest(1, 0, 0, 0, "POST", "/sms.aspx", b"", (), form, "12", "", "", None, 200, "", b"")
    >>> mask_request(entry, "").body
    b'action=send&password=***&newpwd=***&sign=5CC6'
    """
    content_type = next((value for name, value in request.headers if name.lower() == "content-type"), "").lower()
    if not any(kind in content_type for kind in _NOT_DIVIDED):
        body = _mask_parameters(request.body, password)
    elif any(_NAME.search(_decode(request.body, charset)) for charset in DECODERS):
        body = MASK.encode()
    else:
        body = _mask_part(request.body, password)
    headers = [(name, _mask_text(value, password)) for name, value in request.headers]
    return mask_target(request, password)._replace(headers=headers, body=body)


def _mask_parameters(raw: bytes, password: str) -> bytes:
    return b"&".join(_mask_part(part, password) for part in raw.split(b"&"))


def _mask_part(part: bytes, password: str) -> bytes:
    """Mask the value of a parameter with a password, or anything else that may contain one."""
    name, equals, value = part.partition(b"=")
    if equals and any(_NAME.search(_decode(name, charset)) for charset in DECODERS):
        return name + equals + MASK.encode()
    checked = value if equals else part
    pattern = _NAME_IN_VALUE if equals else _NAME
    texts = [_decode(checked, charset) for charset in DECODERS]
    if any(pattern.search(text) or _has_password(text, password) for text in texts):
        return name + equals + MASK.encode() if equals else MASK.encode()
    return part


def _mask_text(text: str, password: str) -> str:
    return MASK if _NAME_IN_VALUE.search(text) or _has_password(text, password) else text


def _has_password(text: str, password: str) -> bool:
    return bool(password) and (text == password or (len(password) >= _MIN_SEARCHED and password in text))


def _decode(raw: bytes, charset: str) -> str:
    return decode_component(raw.decode("latin-1"), DECODERS[charset])
