"""Example curl commands that send a message. `serve` prints the signed one, and the empty console shows both."""

import re
from typing import Final
from urllib.parse import urlencode

from sms10692 import protocol, signing
from sms10692.protocol import Endpoint
from sms10692_mock.app.shell_quoting import quote_text
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.clock import to_china_datetime
from sms10692_mock.domain.profiles import MANUAL, Profile
from sms10692_mock.domain.sample_text import build_sample_text

_PHONE_NUMBERS: Final = ("15023239810", "13527576163")
_TEXT: Final = "内容"
_MANUAL_TIMESTAMP: Final = "20120701231212"
_PLAIN_URL: Final = re.compile(r"[A-Za-z0-9.:/_\[\]-]+")


def example_curl(url: str, account: Account, now: float | None, profile: Profile = MANUAL) -> str:
    """Return a command that sends a message from this account, signed, and thus without its password.

    `now` (Unix time) becomes the signed timestamp. None means that the account accepts any, and uses the manual's. The
    `profile` of the account accepts text and numbers.
    """
    timestamp = _MANUAL_TIMESTAMP if now is None else signing.format_timestamp(to_china_datetime(now))
    sign = signing.sign(account.account, account.password, timestamp)
    return _build_command(url, protocol.V2SMS, (account.userid, timestamp, sign), profile)


def example_curl_with_password(url: str, account: Account, profile: Profile = MANUAL) -> str:
    """Return a command that sends a message from this account through an older endpoint, with its password in clear."""
    return _build_command(url, protocol.SMS, (account.userid, account.account, account.password), profile)


def _build_command(url: str, endpoint: Endpoint, credentials: tuple[str, ...], profile: Profile) -> str:
    mobile, content, _, action, _ = protocol.SEND.parameters
    fields = {
        action: protocol.SEND.action,
        **dict(zip(endpoint.authentication.parameters, credentials, strict=True)),
        mobile: ",".join(_PHONE_NUMBERS[: profile.max_numbers]),
        content: build_sample_text(profile, _TEXT),
    }
    endpoint_url = f"{url}{endpoint.path}"
    # Windows' cmd knows only double quotes. Neither a form nor a plain URL contains a character that they expand.
    quoted = f'"{endpoint_url}"' if _PLAIN_URL.fullmatch(endpoint_url) else quote_text(endpoint_url)
    return f'curl {quoted} -d "{urlencode(fields, safe=",")}"'
