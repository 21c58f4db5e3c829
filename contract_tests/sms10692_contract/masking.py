"""Masking of what a report must not contain: signatures, and numbers and texts of real people.

A signature does not cover the action, so a reader of a report could send messages with one. **Every request
and text of a report passes this module.**
"""

import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from sms10692_contract.requests import WireRequest

PASSWORD_VARIABLE: Final = "SMS10692_PASSWORD"
"""Environment variable with the password, in the commands that compute a signature."""

WITHHELD: Final = "SIGNATURE_NOT_SHOWN"
"""Stands for a signature that was changed on purpose."""

_MAX_REMEMBERED: Final = 100_000
_MIN_DERIVED: Final = 8
"""Number of equal characters from which a wrong signature counts as derived from a correct one."""


class SignedText(NamedTuple):
    """What a signature was computed from, without the password."""

    account: str
    timestamp: str


class SignatureRegister:
    """The signatures that this process has computed. `remember` may be called from several threads."""

    def __init__(self) -> None:
        self._texts: dict[str, SignedText] = {}

    def remember(self, signature: str, account: str, timestamp: str) -> None:
        """Remember a correct signature; forget all when they become too many."""
        if len(self._texts) >= _MAX_REMEMBERED:
            self._texts.clear()
        self._texts[signature] = SignedText(account, timestamp)

    def build_command(self, value: str) -> str | None:
        """Return a shell command that prints this value of `sign`; None if it is not derived from a signature."""
        text, change = self._texts.get(value), ""
        if text is None:
            for signature, candidate in self._texts.items():
                if value == signature.upper():
                    text, change = candidate, " | tr a-f A-F"
                elif len(value) >= _MIN_DERIVED and signature.startswith(value):
                    text, change = candidate, f" | cut -c-{len(value)}"
        if text is None:
            return None
        account, timestamp = shlex.quote(text.account), shlex.quote(text.timestamp)
        return f'printf %s {account} "${PASSWORD_VARIABLE}" {timestamp} | md5sum | cut -c-32{change}'

    def is_correct(self, value: str) -> bool:
        """Return whether this is a remembered signature, in any case."""
        return value.lower() in self._texts


SIGNATURES: Final = SignatureRegister()
"""The only instance: a report may show requests of every account of the process."""


def hide_signature(line: str, pairs: tuple[tuple[str, str], ...]) -> str:
    """Replace the signature in the curl line of a request by the command that computes it.

    A blank or invalid signature stays. A wrong signature that is neither is withheld, because it may differ from the
    correct one in one character only.
    """
    for value in {value for name, value in pairs if name.strip().lower() == "sign"}:
        if value.strip("0 \t\r\n\u3000"):
            command = SIGNATURES.build_command(value)
            replacement = WITHHELD if command is None else f"""'"$({command})"'"""
            line = _build_pattern(value).sub(_return(replacement), line)
    return line


def _return(text: str) -> Callable[[object], str]:
    """Return a replacement for `re.sub` in which backslashes have no meaning."""
    return lambda match: text


def _build_pattern(value: str) -> re.Pattern[str]:
    """Return a pattern of a value in a curl line: plain, percent-encoded or as `%uXXXX`, also inside printf."""
    encoded = (f"(?:{re.escape(c)}|%%?{ord(c):02x}|%%?u{ord(c):04x})" for c in value)
    return re.compile("".join(encoded), re.IGNORECASE)


_SIGNATURE: Final = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{32}(?![0-9a-fA-F])")
_MOBILE: Final = re.compile(r"(?<![0-9])1[0-9]{10}(?![0-9])")
_TEXT: Final = re.compile(r"(<content>)(.+?)(</content>)", re.DOTALL)


def hide_signatures_in_text(text: str) -> str:
    """Replace the remembered signatures in a text."""
    return _SIGNATURE.sub(lambda match: WITHHELD if SIGNATURES.is_correct(match[0]) else match[0], text)


def mask_numbers(text: str) -> str:
    """Mask the mobile numbers in a text, except their first three and last two digits.

    >>> mask_numbers("13812345678,10086")
    '138******78,10086'
    """
    return _MOBILE.sub(lambda match: f"{match[0][:3]}******{match[0][-2:]}", text)


def mask_response(text: str) -> str:
    """Mask the numbers in the text of a response, and the texts of replies.

    >>> mask_response("<mobile>13812345678</mobile><content>你好</content>")
    '<mobile>138******78</mobile><content>(2 characters)</content>'
    """
    return mask_numbers(_TEXT.sub(lambda match: f"{match[1]}({len(match[2])} characters){match[3]}", text))


def mask_request(request: "WireRequest") -> "WireRequest":
    """Mask the mobile numbers of a request. Its length stays the same."""
    target, body = (mask_numbers(raw.decode("latin-1")).encode("latin-1") for raw in (request.target, request.body))
    pairs = tuple((name, mask_numbers(value)) for name, value in request.pairs)
    return replace(request, pairs=pairs, target=target, body=body)
