"""The account whose credentials the requests of a run have, and timestamps."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from sms10692_contract.masking import SIGNATURES
from sms10692_contract.requests import OLDER_ENDPOINTS, compute_signature

CHINA: Final = timezone(timedelta(hours=8))


def build_timestamp(seconds: int) -> str:
    """Return the timestamp of `seconds` ago in the format of chapter 1.2."""
    return format_timestamp(datetime.now(CHINA) - timedelta(seconds=seconds))


def format_timestamp(time: datetime) -> str:
    """Return a time in China in the format of chapter 1.2."""
    return f"{time:%Y%m%d%H%M%S}"


@dataclass(frozen=True)
class SuiteAccount:
    """An account. `points` is the initial balance of a temporary account."""

    userid: str
    account: str
    password: str
    points: int = 0

    def build_credentials(self, timestamp: str | None = None, charset: str = "utf-8") -> dict[str, str]:
        """Return userid, timestamp and sign; the timestamp defaults to the current time."""
        stamp = build_timestamp(0) if timestamp is None else timestamp
        signature = compute_signature(self.account, self.password, stamp, charset)
        SIGNATURES.remember(signature, self.account, stamp)
        return {"userid": self.userid, "timestamp": stamp, "sign": signature}

    def build_password_credentials(self) -> dict[str, str]:
        """Return userid, account and password in clear, for the older endpoints."""
        SIGNATURES.remember_password(self.password)
        return {"userid": self.userid, "account": self.account, "password": self.password}

    def authenticate(self, endpoint: str) -> dict[str, str]:
        """Return the credentials that an endpoint takes."""
        return self.build_password_credentials() if endpoint in OLDER_ENDPOINTS else self.build_credentials()
