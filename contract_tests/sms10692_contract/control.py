"""An emulator's control address: throw-away accounts, each with a clock of its own.

Here belongs what is asked of it, in JSON. It may be at another host and port than what is examined.
"""

import json
from datetime import datetime
from typing import Any, Final, NamedTuple

from sms10692_contract.requests import Request
from sms10692_contract.target import Address, Raw, exchange

_ACCOUNTS: Final = "/_mock/accounts"


class ControlRefused(Exception):
    """What answered said something else than a control address should; the message has it."""


class Made(NamedTuple):
    """An account, as the control address tells it."""

    userid: str
    account: str
    password: str
    points: int


class Control:
    """Speaks to a control address, with a token if it wants one. Every method may raise NoAnswer or ControlRefused."""

    def __init__(self, address: Address, token: str | None = None) -> None:
        self.address = address
        self._headers = [("Connection", "close"), *([("Authorization", f"Bearer {token}")] if token else [])]

    def health(self) -> dict[str, Any]:
        """What it says of itself."""
        return self._ask("GET", "/_mock/health", None, 200)

    def make_account(self, **wanted: Any) -> Made:
        """A new account."""
        told = self._ask("POST", _ACCOUNTS, wanted, 201)
        match told:
            case {"userid": str(userid), "account": str(account), "password": str(password), "points": int(points)}:
                if account != wanted.get("account", account):
                    raise ControlRefused(
                        f"POST {self.address.url}{_ACCOUNTS} made {account}: not the name that it was to have"
                    )
                return Made(userid, account, password, points)
        raise ControlRefused(f"POST {self.address.url}{_ACCOUNTS} was answered without {', '.join(Made._fields)}")

    def charge(self, userid: str, points: int) -> None:
        """Give an account more points."""
        self._ask("PATCH", f"{_ACCOUNTS}/{userid}", {"charge": points}, 200)

    def freeze(self, userid: str) -> None:
        """Stop the account's clock."""
        self._ask("PUT", f"{_ACCOUNTS}/{userid}/clock", {"mode": "frozen"}, 200)

    def advance(self, userid: str, seconds: int) -> None:
        """Turn the account's clock."""
        self._ask("POST", f"{_ACCOUNTS}/{userid}/clock/advance", {"seconds": seconds}, 200)

    def now(self, userid: str) -> datetime:
        """The account's time, which comes in ISO 8601 with its offset."""
        path = f"{_ACCOUNTS}/{userid}/clock"
        told = self._ask("GET", path, None, 200).get("now")
        try:
            moment = datetime.fromisoformat(str(told))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise ControlRefused(f"GET {self.address.url}{path} was answered with the time {told!r}")
        return moment

    def _ask(self, method: str, path: str, document: dict[str, Any] | None, wanted: int) -> dict[str, Any]:
        body = b"" if document is None else json.dumps(document).encode()
        headers = list(self._headers)
        if document is not None:
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        answer = exchange(self.address, Request(path, (), method, path.encode(), tuple(headers), body))
        if answer.status != wanted and not (wanted == 200 and 200 <= answer.status < 300):
            raise ControlRefused(f"{method} {self.address.url}{path} was answered {answer.status}: {_excerpt(answer)}")
        try:
            read: Any = json.loads(answer.body) if answer.body else {}
        except ValueError:
            read = None
        if not isinstance(read, dict):
            raise ControlRefused(f"{self.address.url}{path} is no control address: {_excerpt(answer)}")
        return read


def _excerpt(answer: Raw) -> str:
    return answer.body[:200].decode("utf-8", "replace")
