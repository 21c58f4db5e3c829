"""Masking of logged requests for readers with the read-only token, who may see no password and no signature.

Clients put a secret under any name, exchange it with another value, or encode it twice. **Only the values of the
vendor's parameters that are no credentials are shown, and only if no account's password and nothing of the form of a
signature is found in them.** Everything else is masked.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import unquote_to_bytes

from sms10692_mock.admin.services.password_mask import MASK
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.percent import decode_component
from sms10692_mock.diagnosis import Finding
from sms10692_mock.diagnosis.parameter_names import (
    KNOWN_NAMES,
    PASSWORD_NAME,
    SIGN_NAMES,
    get_bare_name,
    is_secret,
)
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import match_endpoint
from sms10692_mock.domain.records import LoggedRequest

_SHOWN_NAMES: Final = frozenset(name for name in KNOWN_NAMES if not is_secret(name) and not PASSWORD_NAME.search(name))
_SHOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_SHOWN_HEADERS: Final = frozenset(
    {"accept", "accept-encoding", "accept-language", "connection", "content-length", "content-type", "expect", "host"}
    | {"te", "transfer-encoding", "user-agent"}
)
_NOT_DIVIDED: Final = ("multipart/", "json", "xml")
"""What the content types of bodies contain in which `&` does not divide parameters."""

_ENCODINGS: Final = 3
"""How often a value may be percent-encoded."""

_NAME_IN_VALUE: Final = re.compile(
    rf"(?:{PASSWORD_NAME.pattern}|密码|签名|sign|{'|'.join(SIGN_NAMES)})\w{{0,20}}[\s\"']{{0,4}}[=:>]", re.IGNORECASE
)
"""The name of a secret and what follows it. The repetitions are bounded, since bodies are long."""

_SEPARATORS: Final = re.compile(r"[\s\-:._,;/|]+")
_DIGEST: Final = re.compile(r"[0-9a-f]{32}|(?=[0-9]{0,15}[a-f])[0-9a-f]{16}")
"""A signature, or half of one: the middle of an MD5 is a usual short form."""

_DIVIDED_DIGEST: Final = re.compile(r"(?=[0-9]{0,31}[a-f])[0-9a-f]{32}")
"""A signature once separators are removed. Numbers in a list have no letter."""

_MIN_SEARCHED: Final = 4
"""Length from which a password is searched inside other values."""


class SpectatorMask:
    """Masks requests. `accounts` are all accounts: the password of any of them may be in any request."""

    def __init__(self, accounts: Collection[Account]) -> None:
        self._userids = frozenset(account.userid for account in accounts)
        self._passwords = frozenset(account.password.strip().casefold() for account in accounts) - {""}
        self._searched = frozenset(password for password in self._passwords if len(password) >= _MIN_SEARCHED)
        self._lengths = frozenset(map(len, self._searched))

    def mask_target(self, request: LoggedRequest) -> LoggedRequest:
        """Mask method, path, query and userid.

        >>> query = b"action=send&account=mima&key=1&content=%256d%2569ma"
        >>> entry = LoggedRequest(1, 0, 0, 0, "GET", "/sms.aspx/x", query, (), b"", "mima", "", "", None, 200, "", b"")
        >>> mask = SpectatorMask([Account("12", "test", "mima")])
        >>> masked = mask.mask_target(entry)
        >>> masked.path, masked.query, masked.userid
        ('/sms.aspx/***', b'action=send&account=***&key=***&content=***', '***')
        """
        is_shown = request.userid in self._userids or not self._is_hidden(_encode(request.userid))
        return request._replace(
            method=request.method if request.method in {"", *_SHOWN_METHODS} else MASK,
            path=_mask_path(request.path),
            query=self._mask_parameters(request.query),
            userid=request.userid if is_shown else MASK,
        )

    def mask_request(self, request: LoggedRequest) -> LoggedRequest:
        """Mask method, path, query, userid, headers and body."""
        kind = next((value for name, value in request.headers if name.lower() == "content-type"), "").lower()
        is_form = bool(request.method) and not any(not_divided in kind for not_divided in _NOT_DIVIDED)
        body = self._mask_parameters(request.body) if is_form else request.body and MASK.encode()
        headers = [
            (MASK if self._has_secret(_encode(name)) else name, self._mask_header(name, value))
            for name, value in request.headers
        ]
        return self.mask_target(request)._replace(headers=headers, body=body)

    def mask_findings(
        self, findings: Sequence[Finding], request: LoggedRequest, masked: LoggedRequest
    ) -> Sequence[Finding]:
        """Mask the values of findings that are hidden in `masked`, or have a password or a signature in them."""
        if not findings:
            return findings
        sent, shown = set(_texts(request)), set(_texts(masked))
        return [self._mask_finding(finding, sent, shown) for finding in findings]

    def _mask_finding(self, finding: Finding, sent: Collection[str], shown: Collection[str]) -> Finding:
        hidden = {
            value
            for value in finding.values
            if self._has_secret(_encode(value))
            or (any(value in text for text in sent) and not any(value in text for text in shown))
        }
        sentence = finding.sentence
        for value in hidden:
            sentence = sentence.replace(value, MASK)
        return replace(
            finding,
            sentence=MASK if self._has_secret(_encode(sentence)) else sentence,
            meant=MASK if finding.meant and self._has_secret(_encode(finding.meant)) else finding.meant,
            values=tuple(MASK if value in hidden else value for value in finding.values),
        )

    def _mask_header(self, name: str, value: str) -> str:
        return value if name.lower() in _SHOWN_HEADERS and not self._is_hidden(_encode(value)) else MASK

    def _mask_parameters(self, raw: bytes) -> bytes:
        return b"&".join(map(self._mask_parameter, raw.split(b"&")))

    def _mask_parameter(self, part: bytes) -> bytes:
        name, equals, value = part.partition(b"=")
        if not equals or self._has_secret(name):
            return part and MASK.encode()
        names = (get_bare_name(decode_component(name.decode("latin-1"), decode)) for decode in DECODERS.values())
        if not value or (all(one in _SHOWN_NAMES for one in names) and not self._is_hidden(value)):
            return part
        return name + equals + MASK.encode()

    def _is_hidden(self, raw: bytes) -> bool:
        """Whether a value has the name of a secret, a password or a signature in it."""
        return self._has_secret(raw) or any(map(_NAME_IN_VALUE.search, _decode_all(raw)))

    def _has_secret(self, raw: bytes) -> bool:
        """Whether a value has a password or a signature in it."""
        for text in map(str.casefold, _decode_all(raw)):
            if text.strip() in self._passwords or self._has_password(text):
                return True
            if _DIGEST.search(text) or _DIVIDED_DIGEST.search(_SEPARATORS.sub("", text)):
                return True
        return False

    def _has_password(self, text: str) -> bool:
        if len(self._searched) <= len(text):
            return any(password in text for password in self._searched)
        return any(
            text[start : start + length] in self._searched
            for length in self._lengths
            for start in range(len(text) - length + 1)
        )


def _texts(request: LoggedRequest) -> Iterator[str]:
    """Yield what a client wrote in a request, decoded in every way."""
    headers = (part for name, value in request.headers for part in (_encode(name), _encode(value)))
    return _decode_all(b"&".join((_encode(request.path), request.query, *headers, request.body)))


def _mask_path(path: str) -> str:
    """Mask what follows the path of an endpoint, or the whole path. Bytes that are no HTTP request have no path."""
    if match_endpoint(path) is None:
        return path and f"/{MASK}"
    name = path.lstrip("/").partition("/")[0]
    shown = path[: path.index(name) + len(name)]
    return shown if path == shown else f"{shown}/{MASK}"


def _decode_all(raw: bytes) -> Iterator[str]:
    """Yield a value as received, and decoded once or several times in each charset."""
    yield raw.decode("latin-1")
    for _ in range(_ENCODINGS):
        text = raw.decode("latin-1")
        yield from {decode_component(text, decode) for decode in DECODERS.values()}
        decoded = unquote_to_bytes(raw)
        if decoded == raw:
            return
        raw = decoded


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
